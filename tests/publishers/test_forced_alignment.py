"""Given words laid between known times: windows, what an aligner cannot place, texts without times."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.audio.decode import SAMPLES_A_MS, segment
from transcribe.audio.voice_activity import Piece
from transcribe.library.transcript import Span, Word
from transcribe.publishers.forced_alignment import (
    AlignmentOptions,
    Placed,
    Remembered,
    Stretch,
    aligned,
    between_anchors,
    over_speech,
)


class Loud:
    """An aligner that takes each millisecond of the sound that is not silent for the start of the next word."""

    name = "loud"
    longest_ms = 60_000

    def __init__(self) -> None:
        self.asked: list[tuple[Span, int]] = []

    def knows(self, language: str) -> bool:
        return True

    def align(self, sound: Piece, words: Sequence[str]) -> list[Span | None]:
        self.asked.append((sound.span, len(words)))
        clicks = np.flatnonzero(np.frombuffer(sound.pcm(), np.int16)) // SAMPLES_A_MS
        found: list[Span | None] = [(sound.start_ms + int(at), sound.start_ms + int(at) + 50) for at in clicks]
        return found if len(found) == len(words) else [None] * len(words)


def clicking(*times_ms: int, length_ms: int) -> list[Piece]:
    """Silence with a click at each time, in pieces of ten seconds."""
    sound = np.zeros(length_ms * SAMPLES_A_MS, np.int16)
    sound[np.array(times_ms, int) * SAMPLES_A_MS] = 9000
    return [
        Piece(at, segment(sound[at * SAMPLES_A_MS : (at + 10_000) * SAMPLES_A_MS]))
        for at in range(0, length_ms, 10_000)
    ]


def starts(placed: Sequence[Placed]) -> list[int]:
    return [each.word.start_ms for each in placed]


def test_without_an_aligner_words_share_their_stretch() -> None:
    placed = aligned([Stretch(1000, 2000, ("one", "two")), Stretch(5000, 5400, ("three",))], (), None)
    assert [(p.word.start_ms, p.word.end_ms, p.found) for p in placed] == [
        (1000, 1500, False),
        (1500, 2000, False),
        (5000, 5400, False),
    ]


def test_words_are_found_in_the_sound_across_pieces_and_windows() -> None:
    times = list(range(700, 95_000, 950))
    texts = [f"w{n}" for n in range(len(times))]
    stretches = [
        Stretch(times[n] - 100, times[n + 3] + 100, tuple(texts[n : n + 4])) for n in range(0, len(times) - 3, 4)
    ]
    said = sum(len(stretch.texts) for stretch in stretches)
    aligner = Loud()
    placed = aligned(stretches, clicking(*times[:said], length_ms=100_000), aligner, AlignmentOptions(margin_ms=100))
    assert starts(placed) == times[:said]
    assert all(each.found for each in placed)
    assert len(aligner.asked) > 4
    assert max(end - start for (start, end), _ in aligner.asked) < 30_000


def test_what_an_aligner_cannot_place_stands_between_its_neighbours() -> None:
    class Forgetful(Loud):
        def align(self, sound: Piece, words: Sequence[str]) -> list[Span | None]:
            return [None, (1400, 1600), None, None, (3000, 3200), None]

    placed = aligned([Stretch(1000, 4000, ("a", "b", "c", "d", "e", "f"))], clicking(length_ms=10_000), Forgetful())
    assert [(p.word.start_ms, p.word.end_ms) for p in placed] == [
        (1000, 1400),
        (1400, 1600),
        (1600, 2300),
        (2300, 3000),
        (3000, 3200),
        (3200, 4000),
    ]
    assert [p.found for p in placed] == [False, True, False, False, True, False]


def test_an_aligner_that_loses_its_way_is_not_followed() -> None:
    class Lost(Loud):
        def align(self, sound: Piece, words: Sequence[str]) -> list[Span | None]:
            return [(90_000, 91_000)] * len(words)

    stretches = [Stretch(1000, 2000, ("a", "b"))]
    assert aligned(stretches, clicking(length_ms=10_000), Lost()) == aligned(stretches, (), None)


def test_a_stretch_that_is_too_long_is_not_aligned() -> None:
    aligner = Loud()
    aligned([Stretch(0, 200_000, ("a", "b"))], clicking(length_ms=10_000), aligner)
    assert aligner.asked == []


def test_all_of_the_sound_is_taken() -> None:
    pieces = iter(clicking(length_ms=50_000))
    aligned([Stretch(0, 1000, ("a",))], pieces, Loud())
    assert next(pieces, None) is None


def heard(text: str, start_ms: int = 0, each_ms: int = 400) -> list[Word]:
    return [Word(start_ms + n * each_ms, start_ms + n * each_ms + 300, word) for n, word in enumerate(text.split())]


def test_a_text_is_tied_to_what_is_heard_of_it() -> None:
    written = "so who owns the well in the end when all of us have dug it and all of us have drunk from it"
    text = written.split()
    words = heard("so who owns a whale in the end when all office have dug it and all of us have drunk from it", 2000)
    stretches = between_anchors(text, words, [(1900, 11_000)])
    assert [part for stretch in stretches for part in stretch.texts] == text
    assert len(stretches) > 1
    placed = aligned(stretches, clicking(length_ms=20_000), Remembered(words, "heard"))
    assert [p.word.text for p in placed] == text
    at = {p.word.text: p.word.start_ms for p in placed}
    assert (at["so"], at["end"], at["dug"], at["drunk"]) == tuple(
        next(w.start_ms for w in words if w.text == text) for text in ("so", "end", "dug", "drunk")
    )
    assert [p.word.text for p in placed if not p.found][:2] == ["the", "well"]


def test_a_text_of_which_nothing_is_heard_lies_over_the_speech() -> None:
    assert between_anchors(["a", "b"], [], [(1000, 3000), (5000, 6000)]) == [Stretch(1000, 6000, ("a", "b"))]


def test_words_are_spread_over_speech_and_not_over_silence() -> None:
    words = over_speech(["abc"] * 6, [(1000, 4000), (9000, 12_000)])
    assert [word.start_ms for word in words] == pytest.approx([1000, 2000, 3000, 9000, 10_000, 11_000], abs=1)
    assert over_speech(["a"], []) == []


spans = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 9000)), min_size=1, max_size=12)
answers = st.lists(st.none() | st.tuples(st.integers(-9000, 99_000), st.integers(0, 3000)), min_size=200, max_size=200)


@given(spans, answers)
def test_every_word_comes_out_once_whatever_an_aligner_says(
    lengths: list[tuple[int, int]], said: list[tuple[int, int] | None]
) -> None:
    class Random(Loud):
        def align(self, sound: Piece, words: Sequence[str]) -> list[Span | None]:
            return [one and (one[0], one[0] + one[1]) for one in said[: len(words)]]

    stretches, at = [], 0
    for number, (gap, length) in enumerate(lengths):
        stretches.append(Stretch(at + gap, at + gap + length, tuple(f"{number}-{n}" for n in range(3))))
        at += gap + length
    placed = aligned(stretches, clicking(length_ms=10_000), Random())
    assert [p.word.text for p in placed] == [text for stretch in stretches for text in stretch.texts]
    assert all(p.word.start_ms <= p.word.end_ms for p in placed)


def test_what_an_aligner_has_no_room_for_is_taken_without_neighbours_or_not_at_all() -> None:
    aligner = Loud()
    aligner.longest_ms = 21_000
    stretches = [Stretch(at, at + 9500, ("a", "b")) for at in range(0, 40_000, 10_000)] + [
        Stretch(40_000, 69_000, ("c",))
    ]
    placed = aligned(stretches, clicking(length_ms=70_000), aligner)
    assert len(placed) == 9
    assert aligner.asked
    assert all(end - start <= 21_000 for (start, end), _ in aligner.asked)


def test_what_lies_between_a_window_and_the_text_around_it_is_left_out_of_its_sound() -> None:
    aligner = Loud()
    stretches = [Stretch(at, at + 9800, ("a",)) for at in range(5000, 95_000, 10_000)]
    aligned(stretches, clicking(length_ms=100_000), aligner)
    inner = [span for span, _ in aligner.asked[2:-2]]
    assert inner
    assert all((start % 10_000, end % 10_000) == (4900, 4900) for start, end in inner)
