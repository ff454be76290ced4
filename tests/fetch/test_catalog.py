"""Which recordings are one episode, and what id each is given."""

import dataclasses
from pathlib import Path

import pytest

from tests.support.conversations import transcript
from transcribe.fetch.catalog import Catalog
from transcribe.library.episode import AudioFile, Record
from transcribe.library.store import Library
from transcribe.sources.source import FoundFile

FEED = "https://example.org/feed"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "library")


def item(title: str = "The Well", guid: str | None = "1", source: str = FEED, token: str = "a") -> FoundFile:
    enclosure = f"https://example.org/{title.lower().replace(' ', '-')}.mp3?token={token}"
    return FoundFile("Peer Talks", title, "2012-02-18", guid, enclosure=enclosure, source=source)


def stored(library: Library, name: str, sha256: str = "0" * 64) -> Path:
    """A file in the library's audio folder."""
    path = library.audio / f"{name}.mp3"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"sound")
    return path


def test_a_recording_becomes_an_episode_with_an_id_that_can_be_read(library: Library) -> None:
    record = Catalog(library).admit(item())
    assert record.episode.id == "peer-talks/2012-02-18-the-well"
    assert (record.episode.guid, record.source, record.state) == ("1", FEED, "known")
    assert library.records() == []  # nothing is written yet


def test_a_recording_that_is_met_again_keeps_its_id_and_takes_its_new_title(library: Library) -> None:
    library.save_record(Catalog(library).admit(item()))
    again = Catalog(library).admit(item(title="The Deep Well", token="b"))
    assert again.episode.id == "peer-talks/2012-02-18-the-well"
    assert again.episode.title == "The Deep Well"
    assert again.episode.enclosure == "https://example.org/the-deep-well.mp3?token=b"


def test_a_show_whose_episodes_have_ids_of_the_former_rule_keeps_its_slug(library: Library) -> None:
    show = dataclasses.replace(item(), show="Łódź Talks")
    first = Catalog(library).admit(show)
    assert first.episode.id.startswith("lodz-talks/")
    former = dataclasses.replace(first, episode=dataclasses.replace(first.episode, id="odz-talks/2012-02-18-the-well"))
    library.save_record(former)
    catalog = Catalog(library)
    assert catalog.admit(show).episode.id == "odz-talks/2012-02-18-the-well"
    assert (
        catalog.admit(dataclasses.replace(show, title="Źródło", guid="2")).episode.id == "odz-talks/2012-02-18-zrodlo"
    )


def test_without_a_guid_it_is_its_address_without_the_query(library: Library) -> None:  # fault line 13
    catalog = Catalog(library)
    first = catalog.admit(item(guid=None, token="a"))
    assert catalog.admit(item(guid=None, token="b")).episode.id == first.episode.id
    assert len(catalog.records) == 1


def test_one_guid_in_two_feeds_is_two_episodes(library: Library) -> None:  # fault line 13
    catalog = Catalog(library)
    first, second = catalog.admit(item()), catalog.admit(item(source="https://example.com/feed"))
    assert first.episode.id == "peer-talks/2012-02-18-the-well"
    assert second.episode.id.startswith("peer-talks/2012-02-18-the-well-")
    assert len(catalog.records) == 2


def test_a_new_episode_never_takes_the_id_of_an_imported_transcript(library: Library) -> None:
    library.save_transcript(transcript("we share", name="peer-talks/2012-02-18-the-well"))
    assert Catalog(library).admit(item()).episode.id != "peer-talks/2012-02-18-the-well"


def test_a_file_put_into_the_library_is_called_what_its_owner_calls_it(library: Library) -> None:
    path = stored(library, "old-tapes/side-a")
    record = Catalog(library).admit(FoundFile("Anything", "Any Title", path=path))
    assert record.episode.id == "old-tapes/side-a"


def test_a_file_whose_name_can_be_no_id_is_given_one(library: Library) -> None:
    path = stored(library, "Old Tapes/Side A")
    assert Catalog(library).admit(FoundFile("Old Tapes", "Side A", path=path)).episode.id == "old-tapes/side-a"


def test_the_stored_audio_of_an_episode_is_that_episode(library: Library) -> None:
    """A fetched file lies in the audio folder: a run over that folder makes no second episode of it."""
    path = stored(library, "peer-talks/2012-02-18-the-well")
    catalog = Catalog(library)
    fetched = catalog.admit(item())
    audio = AudioFile("audio/peer-talks/2012-02-18-the-well.mp3", "0" * 64, 5, "audio/mpeg")
    catalog.keep(Record(fetched.episode, fetched.identity, fetched.source, audio, "fetched"))
    library.save_record(catalog.records[fetched.episode.id])
    met = Catalog(library).admit(FoundFile("peer talks", "what the folder says", path=path))
    assert met.episode == fetched.episode


def test_the_same_bytes_are_found_and_a_double_is_forgotten(library: Library) -> None:
    catalog = Catalog(library)
    record = catalog.admit(item())
    audio = AudioFile("audio/a.mp3", "c" * 64, 5, "audio/mpeg")
    catalog.keep(Record(record.episode, record.identity, record.source, audio))
    assert catalog.with_audio("c" * 64) == catalog.records[record.episode.id]
    assert catalog.with_audio("d" * 64) is None
    catalog.forget(record)
    assert catalog.with_audio("c" * 64) is None
    assert catalog.admit(item(title="Another")).episode.title == "Another"


def test_known_sources_are_those_that_can_be_asked_again(library: Library, tmp_path: Path) -> None:
    folder, gone = tmp_path / "tapes", tmp_path / "gone"
    folder.mkdir()
    library.audio.mkdir(parents=True)
    catalog = Catalog(library)
    for n, source in enumerate([FEED, FEED, str(folder), str(gone), str(library.audio)]):
        catalog.admit(item(title=f"Talk {n}", guid=str(n), source=source))
    assert catalog.sources() == sorted([FEED, str(folder)])


def test_an_episode_is_known_by_all_that_led_to_it(library: Library) -> None:
    catalog = Catalog(library)
    record = catalog.admit(item(guid=None))
    catalog.keep(dataclasses.replace(record, through=("https://example.org/list",)))
    catalog.admit(item(guid=None, source="https://example.com/feed"))
    led = catalog.by_source()
    assert led.keys() == {"https://example.com/feed", "https://example.org/list", FEED}
    assert list(led.values()) == [[record.episode.id]] * 3


def test_a_title_cannot_move_a_terminals_cursor(library: Library) -> None:
    title = Catalog(library).admit(item(title="The \x1b[2J Well\r\n\x07deep")).episode.title
    assert title == "The [2J Well deep"


def test_an_item_with_a_new_guid_is_known_by_its_address_and_title(library: Library) -> None:
    catalog = Catalog(library)
    first = catalog.admit(item())
    again = item(guid="new", token="b")
    assert catalog.admit(again, {again.identity}).episode.id == first.episode.id
    assert len(catalog.records) == 1


def test_an_item_with_a_new_guid_and_address_is_known_by_its_date_and_length(library: Library) -> None:
    catalog = Catalog(library)
    said = dataclasses.replace(item(), published="2012-02-18T10:30:00Z", length=20_000_000)
    first = catalog.admit(said)
    again = dataclasses.replace(said, guid="new", title="The Well (again)", enclosure="https://cdn.example/x.mp3")
    assert catalog.admit(again, {again.identity}).episode.id == first.episode.id


@pytest.mark.parametrize("other", [item(title="Another", guid="new"), item(guid="new", source=f"{FEED}/other")])
def test_a_new_guid_and_address_alone_make_no_two_items_one(library: Library, other: FoundFile) -> None:
    """As of a feed that has the newest episode always at one address."""
    catalog = Catalog(library)
    catalog.admit(dataclasses.replace(item(), enclosure="https://example.org/latest.mp3"))
    again = dataclasses.replace(other, enclosure="https://example.org/latest.mp3")
    catalog.admit(again, {again.identity})
    assert len(catalog.records) == 2


def test_an_item_that_is_still_offered_is_no_other_one(library: Library) -> None:
    catalog = Catalog(library)
    old, new = item(), item(guid="new", token="b")
    for each in (old, new):
        catalog.admit(each, {old.identity, new.identity})
    assert len(catalog.records) == 2


def test_no_record_holds_the_password_of_its_source(library: Library) -> None:
    secret = "https://me:secret@example.org/feed?token=0123456789abcdef"
    record = Catalog(library).admit(item(source=secret))
    assert record.source is not None
    assert record.source.startswith("https://example.org/feed?token=… ")
    library.save_record(dataclasses.replace(record, source=secret, through=(secret,)))  # as earlier releases did
    catalog = Catalog(library)
    assert catalog.records[record.episode.id].source == record.source
    assert [each.episode.id for each in catalog.cleaned] == [record.episode.id]
    assert catalog.sources() == [secret]  # for the list, where there was none yet
