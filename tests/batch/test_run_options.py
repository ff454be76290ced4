"""What becomes of the transcripts that publishers offer."""

import dataclasses
from pathlib import Path

from transcribe.batch.run_options import RunOptions
from transcribe.library.episode import Episode, PublishedText, Record
from transcribe.settings import Texts
from transcribe.sources.source import FolderSource, Source, WebSource

FEED, PAGE, LIST = (f"https://example.org/{name}" for name in ("feed", "page", "list"))
ENGLISH = PublishedText("https://example.org/en.srt", "application/x-subrip", "en")
SPANISH = PublishedText("https://example.org/es.vtt", "text/vtt", "es")
RECORD = Record(Episode("talks/one", "Talks", "One"), source=FEED, transcripts=(SPANISH, ENGLISH), language="en-us")


def options(texts: dict[Source, Texts], language: str | None = None) -> RunOptions:
    return RunOptions(sources=texts, language=language)


def test_where_nothing_is_said_they_come_before_ours() -> None:
    assert RunOptions().texts(RECORD) == "prefer"
    assert options({FolderSource(Path("/elsewhere")): "ignore"}).texts(RECORD) == "prefer"


def test_a_source_is_followed_to_what_it_lists() -> None:
    met = dataclasses.replace(RECORD, through=(PAGE, LIST))
    assert options({WebSource(LIST): "both"}).texts(met) == "both"
    assert options({WebSource(LIST): "both"}).texts(RECORD) == "prefer"
    assert options({WebSource(LIST): "both", WebSource(FEED): "ignore"}).texts(met) == "ignore"  # it is nearer


def test_those_in_another_language_than_is_spoken_are_translations() -> None:
    assert RunOptions().offered(RECORD) == [ENGLISH]
    assert options({}, language="es").offered(RECORD) == [SPANISH]
    assert RunOptions().offered(dataclasses.replace(RECORD, language=None)) == [SPANISH, ENGLISH]


def test_none_is_of_use_where_they_are_to_be_passed_over() -> None:
    assert options({WebSource(FEED): "ignore"}).offered(RECORD) == []
