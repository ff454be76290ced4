"""A batch of windows decoded as `whisper.decode` decodes each, on a checkpoint small enough to keep here."""

import dataclasses
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import whisper
from numpy.typing import NDArray
from whisper.decoding import ApplyTimestampRules, DecodingOptions
from whisper.tokenizer import get_tokenizer

from transcribe.audio.decode import RATE, open_audio
from transcribe.recognizers import decoded_window
from transcribe.recognizers.decoded_window import Decoded
from transcribe.recognizers.openai_whisper import weights
from transcribe.recognizers.openai_whisper.decoding import _attempt, _TimestampRules, decode, encode
from transcribe.recognizers.openai_whisper.weights import halve, load_weights

DATA = Path(__file__).parents[2] / "data"
GREEDY = DecodingOptions(language="en", fp16=False)
BEAMS = DecodingOptions(language="en", beam_size=3, fp16=False)
SHORT = dataclasses.replace(GREEDY, sample_len=80)  # where much is tried again
Sound = NDArray[np.float32]


@pytest.fixture(scope="module")
def model(checkpoint: Path) -> Any:
    return load_weights(weights.checkpoint(str(checkpoint), Path()), "cpu", Path())


@pytest.fixture(scope="module")
def speech() -> Sound:
    with open_audio(DATA / "micro.flac") as recording:
        return np.concatenate(list(recording.blocks())).astype(np.float32) / np.float32(32_768)


@pytest.fixture(scope="module")
def sounds(speech: Sound) -> list[Sound]:
    """Windows that end after 2 to 30 tokens, noise that needs a higher temperature, and silence."""
    loud = np.random.default_rng(1).normal(0, 0.3, 2 * RATE).astype(np.float32)
    return [speech, speech[: 2 * RATE], np.zeros(RATE, np.float32), loud, speech[RATE:], np.tile(speech, 4)]


@pytest.mark.parametrize("options", [GREEDY, BEAMS], ids=["greedy", "beams"])
def test_each_window_has_the_tokens_that_whisper_gives_it_alone(
    options: DecodingOptions, model: Any, sounds: list[Sound]
) -> None:
    encoded = encode(model, sounds, fp16=False)
    for sound, read in zip(sounds, _attempt(model, encoded, options), strict=True):
        mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(sound))
        alone = whisper.decode(model, mel, options)
        assert read.tokens == alone.tokens
        assert read.mean_log_probability == pytest.approx(alone.avg_logprob, abs=1e-3)
        assert read.no_speech == pytest.approx(alone.no_speech_prob, abs=1e-3)
        assert read.compression == alone.compression_ratio
        assert np.log(read.probabilities[: len(read.tokens)]).sum() / (len(read.tokens) + 1) == pytest.approx(
            alone.avg_logprob, abs=0.05
        )


def test_a_window_is_read_alike_in_any_batch_even_at_random(model: Any, sounds: list[Sound]) -> None:
    together = decode(model, encode(model, sounds, fp16=False), SHORT)
    for number in (1, 3):  # speech and noise
        (alone,) = decode(model, encode(model, [sounds[number]], fp16=False), SHORT)
        assert alone.tokens == together[number].tokens


def test_beams_are_for_the_first_reading_alone(
    model: Any, sounds: list[Sound], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoded_window, "LEAST_LOG_PROBABILITY", 0)  # nothing is good enough
    encoded = encode(model, sounds[1:2], fp16=False)
    by_beams, drawn = (decode(model, encoded, dataclasses.replace(SHORT, beam_size=beam)) for beam in (3, None))
    assert by_beams == drawn


def test_only_the_poor_are_tried_again(model: Any, sounds: list[Sound], monkeypatch: pytest.MonkeyPatch) -> None:
    from transcribe.recognizers.openai_whisper import decoding

    def counted(model: Any, encoded: Any, options: DecodingOptions) -> list[Decoded]:
        read = _attempt(model, encoded, options)
        tried.append((options.temperature, len(encoded), sum(one.poor for one in read)))
        return read

    tried: list[tuple[float, int, int]] = []
    monkeypatch.setattr(decoding, "_attempt", counted)
    decode(model, encode(model, sounds, fp16=False), SHORT)
    assert tried[0][:2] == (0.0, len(sounds))
    assert len(tried) > 1
    for (_, _, poor), (temperature, again, _) in itertools.pairwise(tried):
        assert again == poor < len(sounds)
        assert temperature > 0


def test_random_numbers_of_others_are_left_alone(model: Any, sounds: list[Sound]) -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    _attempt(model, encode(model, sounds[:1], fp16=False), DecodingOptions(language="en", fp16=False, temperature=1.0))
    assert torch.rand(1) == expected


def test_what_is_drawn_has_the_likelihood_that_the_model_gives_it(model: Any) -> None:
    from transcribe.recognizers.openai_whisper.decoding import _Choice

    choice, counts = _Choice(0.5, eot=3), torch.zeros(3)
    logits = torch.tensor([[0.0, 0.5, 1.0, -math.inf]])
    for _ in range(4000):
        tokens, _ = choice.update(torch.tensor([[0]]), logits, torch.zeros(1))
        counts[tokens[0, -1]] += 1
    assert torch.allclose(counts / 4000, (logits[0, :3] / 0.5).softmax(0), atol=0.03)


@pytest.mark.parametrize("seed", range(3))
def test_timestamp_rules_are_whispers(seed: int, model: Any) -> None:
    """On windows with tokens drawn at random, as far as whisper's own rules let them be."""
    tokenizer = get_tokenizer(False)
    theirs = ApplyTimestampRules(tokenizer, 1, 50)
    ours = _TimestampRules(theirs)
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.full((6, 1), tokenizer.sot)
    for _ in range(15):
        logits = torch.randn(6, tokenizer.timestamp_begin + 1501, generator=generator)
        logits[:, tokenizer.eot + 1 :] += torch.randn(6, 1, generator=generator) * 4
        expected = logits.clone()
        theirs.apply(expected, tokens)
        ours.apply(logits, tokens)
        assert torch.equal(logits, expected)
        drawn = torch.multinomial(expected.softmax(-1), 1, generator=generator)
        tokens = torch.cat([tokens, drawn], dim=1)


def read(*times: float | None) -> Decoded:
    """As many tokens, of which some are timestamps."""
    return Decoded(list(range(len(times))), list(times), [1.0] * len(times), -0.1, 0.0, 1.0)


@pytest.mark.parametrize(
    ("times", "end_s", "whole"),
    [
        ((0.0, None, None, 2.0), 2.0, 4),  # one timestamp at the end: no more is spoken
        ((0.0, None, 1.0, 1.2, None, 2.0), 2.0, 6),
        ((0.0, None, 1.0, 1.2), 1.0, 3),  # two: more was to come
        ((0.0, None, 1.0, 1.2, None, None), 1.0, 3),  # a segment that is not whole
        ((0.0, None, None), None, 0),
        ((0.0,), None, 0),
        ((), None, 0),
    ],
)
def test_a_reading_says_when_its_last_whole_segment_ends(
    times: tuple[float | None, ...], end_s: float | None, whole: int
) -> None:
    assert read(*times).end_s == end_s
    assert len(read(*times).whole().tokens) == whole


def test_segments_that_begin_in_the_filling_are_dropped() -> None:
    assert read(0.0, None, 1.0, 1.2, None, 2.0).within(1.1).times == [0.0, None, 1.0]
    assert read(0.0, None, 1.0).within(0.5).times == [0.0, None, 1.0]
    assert read(3.0, None, 4.0).within(2.0).times == []


@pytest.mark.parametrize(
    ("log_probability", "no_speech", "compression", "poor", "silent"),
    [
        (-0.5, 0.9, 1.0, False, False),
        (-1.5, 0.9, 1.0, False, True),
        (-1.5, 0.9, 3.0, False, True),
        (-1.5, 0.1, 1.0, True, False),
        (-0.5, 0.9, 3.0, True, False),
    ],
)
def test_what_is_poor_and_what_silent_is_judged_as_whisper_does(
    log_probability: float, no_speech: float, compression: float, poor: bool, silent: bool
) -> None:
    one = Decoded([], [], [], log_probability, no_speech, compression)
    assert (one.poor, one.silent) == (poor, silent)


def test_half_precision_reads_the_same(checkpoint: Path, speech: Sound) -> None:
    """As on a GPU, though computed here."""
    model = load_weights(weights.checkpoint(str(checkpoint), Path()), "cpu", Path())
    (expected,) = decode(model, encode(model, [speech], fp16=False), GREEDY)
    halve(model)
    encoded = encode(model, [speech], fp16=True)
    assert encoded.features.dtype == torch.float16
    (found,) = decode(model, encoded, DecodingOptions(language="en", fp16=True))
    assert [t for t, time in zip(found.tokens, found.times, strict=True) if time is None] == [
        t for t, time in zip(expected.tokens, expected.times, strict=True) if time is None
    ]
