"""The list of what was named, as its owner finds it and may change it."""

from pathlib import Path

import pytest

from transcribe.fetch.source_list import NAME, SourceList
from transcribe.library.store import Library
from transcribe.sources.source import AudioFileSource, FolderSource, WebSource

FEED, OTHER = WebSource("https://me:secret@example.org/feed?token=a"), WebSource("https://example.org/other")


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "library")


def text(library: Library) -> str:
    return (library.audio / NAME).read_text()


def test_what_was_named_is_there_again_each_once_and_in_order(library: Library, tmp_path: Path) -> None:
    (tmp_path / "tapes").mkdir()
    folder, saved = FolderSource(tmp_path / "tapes"), AudioFileSource(tmp_path / "shows.opml")
    SourceList(library).add([FEED, folder, saved, FEED])
    SourceList(library).add([OTHER, folder])
    assert SourceList(library).sources() == [FEED, folder, saved, OTHER]


def test_it_can_be_read_by_its_owner_alone(library: Library) -> None:
    for source in (FEED, OTHER):
        SourceList(library).add([source])
        assert (library.audio / NAME).stat().st_mode & 0o777 == 0o600


def test_a_line_that_is_deleted_is_forgotten_and_the_owners_comments_stay(library: Library) -> None:
    SourceList(library).add([FEED, OTHER])
    (library.audio / NAME).write_text(text(library).replace(FEED.url, "# no more of that, for now"))
    assert SourceList(library).sources() == [OTHER]
    SourceList(library).add([OTHER])
    SourceList(library).add([WebSource("https://example.org/third")])
    assert text(library).splitlines()[1:] == ["# no more of that, for now", OTHER.url, "https://example.org/third"]


def test_a_line_of_the_owners_own_may_be_a_path_within_the_library(library: Library) -> None:
    (library.root / "tapes").mkdir(parents=True)
    library.audio.mkdir()
    (library.audio / NAME).write_bytes(b"\r\ntapes\r\n  https://example.org/other\r\n")
    assert SourceList(library).sources() == [FolderSource(library.root / "tapes"), OTHER]


def test_without_a_list_it_is_what_the_episodes_came_from_until_there_is_one(library: Library) -> None:
    def known() -> SourceList:
        return SourceList(library, [FEED.url])

    assert known().sources() == [FEED]
    known().add([OTHER])
    assert known().sources() == [FEED, OTHER]
    (library.audio / NAME).write_text("")
    assert known().sources() == []


@pytest.mark.parametrize("name", ["two\nlines", "next\x85line"])
def test_a_name_that_fits_no_line_is_not_listed(library: Library, tmp_path: Path, name: str) -> None:
    SourceList(library).add([FolderSource(tmp_path / name)])
    assert SourceList(library).sources() == []


def test_a_name_in_another_encoding_is_listed(library: Library, tmp_path: Path) -> None:
    odd = AudioFileSource(tmp_path / "caf\udce9.opml")
    SourceList(library).add([odd])
    assert SourceList(library).sources() == [odd]


def test_what_lies_in_the_audio_folder_need_not_be_named(library: Library) -> None:
    (library.audio / "talks").mkdir(parents=True)
    SourceList(library).add([FolderSource(library.audio), FolderSource(library.audio / "talks")])
    assert SourceList(library).sources() == []
