"""PocketSphinx's times for given words, against what flite says of its own."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.sample_library import REPOSITORY, SAMPLE
from transcribe.audio.decode import open_audio, segment
from transcribe.audio.voice_activity import Piece
from transcribe.recognizers.pocketsphinx.aligner import SphinxAligner

SAID = SAMPLE[0]["sentences"][2:6]
WORDS = [word for sentence in SAID for word in sentence["words"]]
START_MS, END_MS = SAID[0]["start_ms"] - 200, SAID[-1]["end_ms"] + 200


@pytest.fixture(scope="module")
def aligner() -> SphinxAligner:
    return SphinxAligner()


@pytest.fixture(scope="module")
def sound() -> Piece:
    with open_audio(REPOSITORY / Path(SAMPLE[0]["path"])) as recording:
        return Piece(START_MS, segment(np.concatenate(list(recording.blocks())))[START_MS:END_MS])


def late_ms(aligner: SphinxAligner, sound: Piece, texts: list[str]) -> Iterator[int]:
    for span, true in zip(aligner.align(sound, texts), WORDS, strict=True):
        assert span
        yield max(abs(span[0] - true["start_ms"]), abs(span[1] - true["end_ms"]))


def test_words_are_found_where_they_are_said(aligner: SphinxAligner, sound: Piece) -> None:
    late = sorted(late_ms(aligner, sound, [word["text"] for word in WORDS]))
    assert late[len(late) // 2] < 40
    assert late[-1] < 300


def test_what_was_aligned_before_changes_nothing(aligner: SphinxAligner, sound: Piece) -> None:
    texts = [word["text"] for word in WORDS]
    before = aligner.align(sound, texts)
    aligner.align(Piece(0, sound.audio[:4000]), ["something", "else"])
    assert aligner.align(sound, texts) == before == SphinxAligner().align(sound, texts)


def test_case_quotes_hyphens_and_accents_do_not_matter(aligner: SphinxAligner, sound: Piece) -> None:
    odd = [f"“{word['text'].upper()}”—" for word in WORDS]
    assert sorted(late_ms(aligner, sound, odd))[len(odd) // 2] < 40


def test_a_word_it_does_not_know_has_no_time_and_harms_no_other(aligner: SphinxAligner, sound: Piece) -> None:
    texts = [word["text"] for word in WORDS]
    spans = aligner.align(sound, [*texts[:5], "2012", "—", "Qxyzzy", *texts[5:]])
    assert spans[5:8] == [None, None, None]
    assert [*spans[:5], *spans[8:]] == aligner.align(sound, texts)


def test_a_word_of_several_parts_lasts_from_the_first_to_the_last(aligner: SphinxAligner, sound: Piece) -> None:
    texts = [word["text"] for word in WORDS]
    apart = aligner.align(sound, texts)
    together = aligner.align(sound, ["-".join(texts[:3]), *texts[3:]])
    assert apart[0]
    assert apart[2]
    assert together == [(apart[0][0], apart[2][1]), *apart[3:]]


@pytest.mark.parametrize("texts", [[], ["—"], ["many", "words"] * 40])
def test_what_cannot_be_laid_on_a_sound_has_no_times(aligner: SphinxAligner, texts: list[str]) -> None:
    short = Piece(0, segment(np.zeros(1600, np.int16)))
    assert aligner.align(short, texts) == [None] * len(texts)


def test_it_knows_english_alone(aligner: SphinxAligner) -> None:
    assert aligner.knows("en")
    assert not aligner.knows("de")
