import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from search.errors import IndexUnavailable
from search.index import generations, write_lock
from search.index.contract import Request
from search.index.library_index import LibraryIndex
from search.query.parser import parse
from tests.support.conversations import transcript, two_episodes
from transcribe.library.store import Library


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return two_episodes(tmp_path)


def total(library_index: LibraryIndex, text: str) -> int:
    return library_index.index().search(Request(parse(text))).total


def test_new_changed_and_deleted_transcripts_are_seen(library: Library) -> None:
    library_index = LibraryIndex(library)
    assert sorted(library_index.refresh().indexed) == ["show/one", "show/two"]

    library.save_transcript(transcript("a new word", name="show/three"))
    library.save_transcript(transcript("the garden", name="show/one"))
    library.transcript_path("show/two").unlink()
    report = library_index.refresh()

    assert sorted(report.indexed) == ["show/one", "show/three"]
    assert report.removed == ["show/two"]
    fresh = LibraryIndex(library)
    assert [total(fresh, word) for word in ("commons", "market", "garden", "new")] == [0, 0, 1, 1]


def test_what_is_unchanged_is_not_indexed_again(library: Library) -> None:
    library_index = LibraryIndex(library)
    library_index.refresh()
    library.transcript_path("show/one").touch()
    report = library_index.refresh()
    assert (report.indexed, report.removed, report.unchanged) == ([], [], 2)


def test_a_bad_transcript_is_named_and_the_rest_indexed(library: Library) -> None:  # fault line 41
    bad = library.transcript_path("show/one")
    bad.write_text(bad.read_text().replace('"start_ms": 0', '"start_ms": "soon"'))
    report = LibraryIndex(library).refresh()
    assert report.indexed == ["show/two"]
    assert str(bad) in report.failed["show/one"]


@pytest.mark.parametrize("confidence", ["95", "-0.5"])
def test_a_confidence_that_is_none_is_named_too(library: Library, confidence: str) -> None:  # fault line 41
    bad = library.transcript_path("show/one")
    bad.write_text(bad.read_text().replace('"confidence": 0.9', f'"confidence": {confidence}'))
    report = LibraryIndex(library).refresh()
    assert report.indexed == ["show/two"]
    assert "not between 0 and 1" in report.failed["show/one"]


def test_what_is_called_like_a_transcript_and_cannot_be_read_is_named_and_the_rest_indexed(library: Library) -> None:
    library.transcript_path("show/folder").mkdir()
    library.transcript_path("show/nowhere").symlink_to("absent.json")
    report = LibraryIndex(library).refresh()
    assert (report.indexed, sorted(report.failed)) == (["show/one", "show/two"], ["show/folder", "show/nowhere"])


def test_a_writer_that_had_to_wait_takes_nothing_back(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault line 38: it looks at the transcripts when its turn has come."""
    other, alone = LibraryIndex(library), write_lock.alone

    @contextlib.contextmanager
    def after_another(path: Path) -> Iterator[None]:
        monkeypatch.setattr(generations, "alone", alone)
        library.save_transcript(transcript("the third", name="show/three"))
        other.refresh()
        with alone(path):
            yield

    monkeypatch.setattr(generations, "alone", after_another)
    report = LibraryIndex(library).refresh()
    assert (report.indexed, report.removed, report.unchanged) == ([], [], 3)


def test_a_transcript_that_went_bad_keeps_no_old_words(library: Library) -> None:
    library_index = LibraryIndex(library)
    library_index.refresh()
    library.transcript_path("show/one").write_text("{")
    report = library_index.refresh()
    assert list(report.failed) == ["show/one"]
    assert total(LibraryIndex(library), "commons") == 0


def test_rebuilding_starts_afresh_and_answers_alike(library: Library) -> None:
    library_index = LibraryIndex(library)
    library_index.refresh()
    before = total(library_index, "the")
    report = library_index.refresh(rebuild=True)
    assert len(report.indexed) == 2
    assert total(LibraryIndex(library), "the") == before == 2


def test_a_lost_memory_of_files_costs_only_time(library: Library) -> None:
    library_index = LibraryIndex(library)
    library_index.refresh()
    (library.state / "index-seen.json").write_text(json.dumps({"show/one": "nonsense"}))
    assert library_index.refresh().indexed == []


def test_an_empty_library_has_an_empty_index(tmp_path: Path) -> None:
    library_index = LibraryIndex(Library(tmp_path))
    with pytest.raises(IndexUnavailable):
        library_index.index()
    library_index.refresh()
    assert total(library_index, "the") == 0


def test_a_reader_sees_new_episodes_without_being_opened_again(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.index.library_index.LOOK_EVERY_S", 0)
    reader = LibraryIndex(library)
    LibraryIndex(library).refresh()
    assert total(reader, "the") == 2
    library.save_transcript(transcript("the third", name="show/three"))
    LibraryIndex(library).refresh()
    assert total(reader, "the") == 3
