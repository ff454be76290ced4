"""Finding speech and cutting it at pauses: with the real detector, and with one that is told what to say."""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from transcribe.audio.decode import RATE, SAMPLES_A_MS, open_audio, segment
from transcribe.audio.voice_activity import BLOCK, WINDOW, WINDOW_MS, Detector, Piece, SpeechOptions, pieces, silero

DATA = Path(__file__).parents[1] / "data"
PADDING = SpeechOptions().padding_ms // WINDOW_MS  # windows


def talk() -> NDArray[np.int16]:
    with open_audio(DATA / "talk.mp3") as recording:
        return np.concatenate(list(recording.blocks()))


def told(probabilities: Iterable[float]) -> Detector:
    answers = iter(probabilities)
    return lambda asked: np.array([next(answers) for _ in asked], np.float32)


def numbered(windows: int) -> NDArray[np.int16]:
    """Sound of which every window can be told from every other: all its samples are its number."""
    return np.repeat(np.arange(1, windows + 1, dtype=np.int16), WINDOW)


def cut(probabilities: Sequence[float], options: SpeechOptions | None = None) -> list[Piece]:
    return list(pieces([numbered(len(probabilities))], options, told(probabilities)))


def windows(piece: Piece) -> range:
    return range(piece.start_ms // WINDOW_MS, piece.end_ms // WINDOW_MS)


# Fault 25
def test_a_minute_of_digital_silence_gives_no_pieces() -> None:
    assert list(pieces(np.zeros(RATE, np.int16) for _ in range(60))) == []


def test_no_sound_at_all_gives_no_pieces() -> None:
    assert list(pieces([])) == list(pieces([np.zeros(100, np.int16)])) == []


def test_real_speech_is_found_with_all_its_words() -> None:
    sound, silence = talk(), np.zeros(10 * RATE, np.int16)
    (piece,) = pieces([silence, sound, silence])
    words = json.loads((DATA / "talk.json").read_text())
    assert 9500 <= piece.start_ms <= 10_000 + words[0]["start_ms"]
    assert 10_000 + words[-1]["end_ms"] <= piece.end_ms <= 10_000 + words[-1]["end_ms"] + 800


def test_the_same_sound_in_blocks_of_any_size_gives_the_same_pieces() -> None:
    sound = talk()
    whole = list(pieces([sound]))
    assert list(pieces(np.array_split(sound, 777))) == whole


def test_a_piece_is_handed_out_before_the_rest_is_read() -> None:
    """An endless recording does no harm: what is held is one piece."""
    read = 0

    def endless() -> Iterator[NDArray[np.int16]]:
        nonlocal read
        for block in itertools.cycle(np.array_split(talk(), 16)):
            read += len(block)
            yield block

    found = list(itertools.islice(pieces(endless()), 3))
    assert all(len(piece.audio) <= 30_000 for piece in found)
    assert read <= (found[-1].start_ms + 32_000 + BLOCK * WINDOW_MS) * RATE // 1000


def test_a_piece_knows_its_span_and_gives_its_samples() -> None:
    piece = Piece(1500, segment(np.array([0, 16_384, -32_768] * 1600, np.int16)))
    assert (piece.span, piece.start_ms, piece.end_ms) == ((1500, 1800), 1500, 1800)
    assert len(piece.pcm()) == 9600
    assert piece.samples().dtype == np.float32
    assert piece.samples()[:3].tolist() == [0, 0.5, -1]


def test_speech_is_padded_and_what_lies_beyond_is_left_out() -> None:
    (piece,) = cut([0.0] * 100 + [0.9] * 50 + [0.0] * 100)
    assert windows(piece) == range(100 - PADDING, 150 + PADDING)
    assert set(np.frombuffer(piece.pcm(), np.int16)[200:-200]) == {n + 1 for n in windows(piece)}


def test_a_pause_of_more_than_eight_seconds_parts_pieces_and_a_shorter_one_does_not() -> None:
    """A slow speaker pauses for two seconds and more in the midst of a sentence."""
    long, short = 8032 // WINDOW_MS, 7968 // WINDOW_MS
    assert len(cut([0.9] * 20 + [0.0] * long + [0.9] * 20)) == 2
    assert len(cut([0.9] * 20 + [0.0] * short + [0.9] * 20)) == 1


def test_speech_goes_on_where_the_detector_is_only_a_little_less_sure() -> None:
    (piece,) = cut([0.4] * 50 + [0.6] * 10 + [0.4] * 50 + [0.3] * 50)
    assert windows(piece) == range(50 - PADDING, 110 + PADDING)


def test_a_click_is_not_speech() -> None:
    assert cut([0.0] * 50 + [0.9] * 2 + [0.0] * 100) == []


def paused(*pauses: tuple[int, int], of: int = 1500) -> list[float]:
    probabilities = [0.9] * of
    for start, length in pauses:
        probabilities[start : start + length] = [0.0] * length
    return probabilities


def test_speech_without_end_is_cut_at_a_long_pause() -> None:
    early, long, short = (200, 30), (600, 18), (700, 7)
    first, second, *_ = cut(paused(early, long, short))
    assert windows(first) == range(609)
    assert windows(second).start == 609


def test_of_pauses_alike_the_latest_is_cut_but_none_at_the_very_end() -> None:
    """Behind it some sound is needed, to hear how the sentence goes on."""
    first, *_ = cut(paused((480, 10), (800, 9), (900, 10)))
    assert windows(first) == range(804)


def test_speech_without_a_pause_is_cut_where_it_is_least_like_speech() -> None:
    probabilities = [0.9] * 1500
    probabilities[700] = 0.6
    first, second, *_ = cut(probabilities)
    assert (windows(first), windows(second).start) == (range(700), 700)


def test_pieces_on_both_sides_of_a_cut_in_speech_know_the_sound_beyond_it() -> None:
    first, second, *_ = cut(paused((700, 8)))
    context = 78
    assert (first.lead, second.start_ms) == (None, 704 * WINDOW_MS)
    for heard, span in (
        (first.in_context(), range(704 + context)),
        (second.in_context(), range(704 - context, windows(second).stop)),
    ):
        assert windows(heard) == span
        assert set(np.frombuffer(heard.pcm(), np.int16)[200:-200]) == {n + 1 for n in span}
        assert len(heard.audio) <= 30_000
    assert (first.in_context().speech, first.in_context().start_ms) == (first.speech, 0)


def test_at_a_pause_in_which_a_sentence_may_end_no_context_is_needed() -> None:
    first, second, *_ = cut(paused((700, 50)))
    assert (windows(first), windows(second).start) == (range(700 + PADDING), 750 - PADDING)
    assert (first.tail, second.lead) == (None, None)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 400)), max_size=12))
def test_pieces_hold_all_speech_in_order_without_overlap(runs: list[tuple[float, int]]) -> None:
    probabilities = [likely for likely, length in runs for _ in range(length)]
    found = cut(probabilities)
    held = [n for piece in found for n in windows(piece)]
    assert held == sorted(set(held))
    assert all(len(piece.audio) <= 30_000 for piece in found)
    for piece in found:
        assert all(piece.start_ms <= start < end <= piece.end_ms for start, end in piece.speech)
    for piece in found:  # beyond the faded edges, each is the sound that was there
        heard = np.frombuffer(piece.pcm(), np.int16).reshape(-1, WINDOW)[1:-1]
        assert np.array_equal(heard[:, 0], np.array(windows(piece)[1:-1]) + 1)
    missed = [n for n, likely in enumerate(probabilities) if likely >= 0.5 and n not in set(held)]
    for _, lost in itertools.groupby(enumerate(missed), key=lambda item: item[1] - item[0]):
        assert len(list(lost)) * WINDOW_MS < SpeechOptions().least_ms  # a click


def test_the_detector_leaves_torch_its_threads() -> None:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        detector = silero()
        detector(np.zeros((1, WINDOW), np.int16))
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_the_detector_hears_what_the_package_hears_window_by_window() -> None:
    import torch
    from silero_vad import load_silero_vad

    sound = talk()[: 200 * WINDOW].reshape(-1, WINDOW)
    model, detector = load_silero_vad(), silero()
    with torch.no_grad():
        expected = [float(model(torch.from_numpy(window.astype(np.float32) / 32_768), RATE)) for window in sound]
    heard = np.concatenate([detector(block) for block in np.array_split(sound, [64, 65, 128])])
    assert heard == pytest.approx(expected, abs=1e-4)
    assert min(expected) < 0.1 < 0.9 < max(expected)


def test_detectors_share_no_state() -> None:
    sound = talk()[: 60 * WINDOW].reshape(-1, WINDOW)
    one, other = silero(), silero()
    alone = one(sound)
    one(sound[::-1])
    assert np.array_equal(other(sound), alone)
    assert alone.max() > 0.9


def test_a_piece_says_where_somebody_speaks_in_it_and_how_sure_that_is() -> None:
    (piece,) = cut([0.0] * 100 + [0.9] * 50 + [0.2] * 10 + [0.6] * 20 + [0.4] * 5 + [0.0] * 100)
    assert piece.speech == tuple((a * WINDOW_MS, b * WINDOW_MS) for a, b in ((100, 150), (160, 185)))
    assert piece.likelihood == pytest.approx((50 * 0.9 + 20 * 0.6 + 5 * 0.4) / 75, abs=0.001)


def test_real_speech_lies_in_the_piece_that_says_so() -> None:
    sound, silence = talk(), np.zeros(10 * RATE, np.int16)
    for piece in pieces([silence, sound, silence, sound]):
        times = [at for span in piece.speech for at in span]
        assert times == sorted(times)
        assert piece.start_ms <= times[0] < times[-1] <= piece.end_ms
        assert sum(end - start for start, end in piece.speech) > 0.7 * len(piece.audio)
        assert piece.likelihood > 0.9


@pytest.mark.parametrize("tail", [1, WINDOW - 1])
def test_a_last_window_that_is_not_full_ends_the_last_piece_where_the_sound_ends(tail: int) -> None:
    sound = np.ones(10 * WINDOW + tail, np.int16)
    (piece,) = pieces([sound], detector=told([0.9] * 11))
    assert len(piece.pcm()) == pytest.approx(2 * len(sound), abs=2 * SAMPLES_A_MS)  # fades count whole milliseconds
