"""Word times of a batch, as `whisper.timing` finds them window by window."""

import lzma
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from whisper.decoding import DecodingOptions
from whisper.timing import dtw_cpu, find_alignment, median_filter
from whisper.tokenizer import get_tokenizer

from transcribe.audio.decode import RATE, open_audio
from transcribe.recognizers.decoded_window import Decoded
from transcribe.recognizers.openai_whisper.decoding import Encoded, decode, encode
from transcribe.recognizers.openai_whisper.weights import checkpoint, load_weights
from transcribe.recognizers.openai_whisper.word_timing import (
    WindowText,
    _median,
    _token_times,
    align,
    cheapest_path,
)

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("models") / "micro-whisper.pt"
    path.write_bytes(lzma.decompress((DATA / "micro-whisper.pt.xz").read_bytes()))
    return load_weights(checkpoint(str(path), Path()), "cpu", Path())


@pytest.fixture(scope="module")
def tokenizer(model: Any) -> Any:
    return get_tokenizer(False)  # after the model has read its file, which whisper leaves open


@pytest.fixture(scope="module")
def encoded(model: Any) -> Encoded:
    """The same speech whole and cut off, and silence between them."""
    with open_audio(DATA / "micro.flac") as recording:
        speech = np.concatenate(list(recording.blocks())).astype(np.float32) / 32_768
    return encode(model, [speech, np.zeros(RATE, np.float32), speech[: 2 * RATE]], fp16=False)


@pytest.fixture(scope="module")
def readings(model: Any, tokenizer: Any, encoded: Encoded) -> list[WindowText]:
    decoded = decode(model, encoded, DecodingOptions(language="en", fp16=False))
    return [WindowText.of(read, tokenizer.eot, seconds) for read, seconds in zip(decoded, (4.8, 1.0, 2.0), strict=True)]


def test_words_and_times_are_those_that_whisper_finds_for_each_alone(
    model: Any, tokenizer: Any, encoded: Encoded, readings: list[WindowText], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "encoder", torch.nn.Identity())  # it is given what is encoded
    found = align(model, tokenizer, encoded, readings)
    assert found[1] == []
    for words, reading, features in zip(found, readings, encoded.features, strict=True):
        alone = find_alignment(model, tokenizer, reading.tokens, features, round(100 * reading.seconds))
        spoken = [word for word in alone if word.word != "."]
        assert [word.text.strip(".") for word in words] == [word.word.strip() for word in spoken]
        inside = [n for n in range(1, len(words)) if not words[n - 1].text.endswith(".")]
        assert [words[n].start for n in inside] == pytest.approx([spoken[n].start for n in inside], abs=0.1)


def test_no_word_is_found_after_the_end_of_the_sound(
    model: Any, tokenizer: Any, encoded: Encoded, readings: list[WindowText]
) -> None:
    short = [WindowText(reading.tokens, reading.probabilities, 1.0) for reading in readings]
    words = [word for found in align(model, tokenizer, encoded, short) for word in found]
    assert words
    assert max(word.end for word in words) <= 1.0


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.1])
def test_a_sound_of_no_length_to_speak_of_does_no_harm(
    seconds: float, model: Any, tokenizer: Any, encoded: Encoded, readings: list[WindowText]
) -> None:
    short = [WindowText(reading.tokens, reading.probabilities, seconds) for reading in readings]
    assert len(align(model, tokenizer, encoded, short)) == len(readings)


def test_a_reading_is_the_text_alone_and_how_sure_each_token_is(tokenizer: Any) -> None:
    first = tokenizer.timestamp_begin
    decoded = Decoded([first, 11, 12, first + 50], [0.0, None, None, 1.0], [0.1, 0.2, 0.3, 0.4, 0.5], -0.1, 0.0, 1.0)
    assert WindowText.of(decoded, tokenizer.eot, 2.0) == WindowText([11, 12], [0.2, 0.3], 2.0)
    silent = Decoded([first, 11], [0.0, None], [0.1, 0.2], -2.0, 0.9, 1.0)
    assert WindowText.of(silent, tokenizer.eot, 2.0).tokens == []


def test_the_path_through_a_matrix_built_for_it_is_found() -> None:
    """As in whisper's own test of its alignment: the answer first, then the question."""
    starts = [0, 3, 4, 9, 20]
    matrix = -torch.rand(len(starts), 30, generator=torch.Generator().manual_seed(0))  # so no two paths cost the same
    for token, (start, end) in enumerate(zip(starts, [*starts[1:], 30], strict=True)):
        matrix[token, start:end] = 1
    assert _token_times(matrix).tolist() == [start / 50 for start in starts]


@settings(deadline=None)  # what it calls is compiled at first
@given(st.integers(1, 12), st.integers(1, 40), st.integers(0, 99))
def test_the_cheapest_path_is_whispers(rows: int, columns: int, seed: int) -> None:
    cost = np.random.default_rng(seed).normal(size=(rows, columns))
    theirs = dtw_cpu.py_func(cost)  # as it is written, not compiled
    assert np.array_equal(np.array(cheapest_path(cost)), theirs)


@given(st.integers(1, 4), st.integers(4, 40), st.integers(0, 9))
def test_the_median_is_whispers(tokens: int, positions: int, seed: int) -> None:
    rows = torch.randn(tokens, positions, generator=torch.Generator().manual_seed(seed))
    expected = median_filter(rows[None], 7)[0]
    assert np.array_equal(_median(rows.numpy()), expected.numpy())
