"""Whisper's times for given words, with the micro checkpoint."""

import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from transcribe.audio.decode import open_audio, segment
from transcribe.audio.voice_activity import Piece
from transcribe.recognizers.openai_whisper.aligner import WhisperAligner
from transcribe.recognizers.openai_whisper.weights import checkpoint, load_weights

DATA = Path(__file__).parents[2] / "data"
TRUTH: Any = json.loads((DATA / "micro.json").read_text())


@pytest.fixture(scope="module")
def aligner(tmp_path_factory: pytest.TempPathFactory) -> WhisperAligner:
    path = tmp_path_factory.mktemp("models") / "micro-whisper.pt"
    path.write_bytes(lzma.decompress((DATA / "micro-whisper.pt.xz").read_bytes()))
    return WhisperAligner(load_weights(checkpoint(str(path), Path()), "cpu", Path()))


@pytest.fixture(scope="module")
def sound() -> Piece:
    with open_audio(DATA / "micro.flac") as recording:
        return Piece(7000, segment(np.concatenate(list(recording.blocks()))))


def test_given_words_are_found_where_they_are_said(aligner: WhisperAligner, sound: Piece) -> None:
    spans = aligner.align(sound, [word["text"] for word in TRUTH])
    late = [abs(span[0] - 7000 - word["start_ms"]) for span, word in zip(spans, TRUTH, strict=True) if span]
    assert len(late) == len(TRUTH)
    assert sorted(late)[len(late) // 2] < 150


def test_stops_and_what_is_no_word_stay_where_they_are_written(aligner: WhisperAligner, sound: Piece) -> None:
    texts = ["“People", "share", "—", *(word["text"] for word in TRUTH[2:])]
    spans = aligner.align(sound, texts)
    assert len(spans) == len(texts)
    assert all(span and span[0] <= span[1] for span in spans)
    assert [span[0] for span in spans if span] == sorted(span[0] for span in spans if span)


@pytest.mark.parametrize("texts", [[], ["water"] * 500])
def test_what_it_cannot_hold_has_no_times(aligner: WhisperAligner, sound: Piece, texts: list[str]) -> None:
    assert aligner.align(sound, texts) == [None] * len(texts)


def test_a_model_for_english_knows_english(aligner: WhisperAligner) -> None:
    assert aligner.knows("en")
    assert not aligner.knows("de")
