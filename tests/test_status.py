import dataclasses
import json
from pathlib import Path

import pytest

from search.errors import IndexUnavailable
from search.index.library_index import LibraryIndex
from search.status import EpisodeStatus, episode_statuses
from tests.support.command import playhead
from tests.support.conversations import transcript
from transcribe.library.episode import AudioFile, Episode, Failure, Quality, Record
from transcribe.library.store import Library


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path)


def standing(library: Library) -> EpisodeStatus:
    """Of the only episode."""
    (only,) = told(library)
    return only


def told(library: Library) -> list[EpisodeStatus]:
    """Of all."""
    try:
        return episode_statuses(library, LibraryIndex(library).index().contents())
    except IndexUnavailable:
        return episode_statuses(library, [])


def fetched(library: Library, name: str = "show/one") -> Record:
    """The record of an episode whose audio is in the library."""
    path = library.audio / f"{name}.mp3"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"sound")
    stored = AudioFile(path.relative_to(library.root).as_posix(), "0" * 64, 5, "audio/mpeg")
    return Record(Episode(name, "Show", "The first"), audio=stored, state="fetched")


def test_an_empty_library_has_no_episodes(library: Library) -> None:
    assert told(library) == []


def test_an_episode_goes_from_known_to_indexed(library: Library) -> None:
    library.save_record(Record(Episode("show/one", "Show", "The first")))
    known = EpisodeStatus("show/one", "The first", False, False, False, None, None, None, None)
    assert standing(library) == known

    library.save_record(fetched(library))
    assert standing(library) == EpisodeStatus("show/one", "The first", True, False, False, None, None, None, None)

    library.save_transcript(transcript("to be", name="show/one"))
    assert standing(library) == EpisodeStatus("show/one", "The first", True, True, False, None, None, None, None)

    LibraryIndex(library).refresh()
    assert standing(library) == EpisodeStatus("show/one", "The first", True, True, True, 500, "test none", None, None)


def test_a_failure_is_told_with_its_reason(library: Library) -> None:
    library.save_record(fetched(library).failed("undecodable", "no decoder knows it"))
    assert standing(library).failure == Failure("undecodable", "no decoder knows it")
    assert standing(library).to_json()["failure"] == {"code": "undecodable", "message": "no decoder knows it"}


def test_the_quality_of_a_transcript_is_told(library: Library) -> None:
    quality = Quality(speech_ms=60_000, covered=0.98, flagged=0.021, confidence=0.8)
    library.save_record(dataclasses.replace(fetched(library), quality=quality))
    assert standing(library).to_json()["quality"]["covered"] == 0.98
    told = playhead("--library", library.root, "status").out
    assert "98%" in told
    assert "2%" in told


def test_a_transcript_of_damaged_audio_has_not_failed(library: Library) -> None:
    error = Failure("truncated", "the audio breaks off: 1:00 of 2:00 could be decoded")
    library.save_record(dataclasses.replace(fetched(library), state="truncated", error=error))
    told = playhead("--library", library.root, "status").out
    assert "  truncated: the audio breaks off" in told
    assert "failed" not in told


def test_audio_that_is_gone_is_not_fetched(library: Library) -> None:
    record = fetched(library)
    library.save_record(record)
    assert record.audio
    (library.root / record.audio.path).unlink()
    assert not standing(library).fetched


def test_imported_captions_have_no_record_and_are_told_all_the_same(library: Library) -> None:
    library.save_transcript(transcript("to be", name="show/one"))
    assert standing(library).title == "show/one"
    LibraryIndex(library).refresh()
    told = standing(library)
    assert (told.title, told.fetched, told.transcribed, told.indexed) == ("Title of show/one", False, True, True)


def test_episodes_come_by_id_each_once(library: Library) -> None:
    library.save_transcript(transcript("to be", name="show/two"))
    library.save_record(fetched(library, "show/two"))
    library.save_record(fetched(library, "show/one"))
    library.save_transcript(transcript("to be", name="attic/three"))
    assert [one.episode for one in told(library)] == ["attic/three", "show/one", "show/two"]


def test_what_is_only_in_the_index_is_no_longer_an_episode(library: Library) -> None:
    library.save_transcript(transcript("to be", name="show/one"))
    LibraryIndex(library).refresh()
    library.transcript_path("show/one").unlink()
    assert told(library) == []


def test_what_is_being_transcribed_elsewhere_is_told_while_a_run_holds_the_library(library: Library) -> None:
    rows = {"version": 1, "running": [{"node": "10.0.0.7", "episode": "show/one", "done_ms": 60_000, "of_ms": 120_000}]}
    library.save_record(fetched(library))
    with library.locked():
        (library.state / "running.json").write_text(json.dumps(rows))
        assert "on 10.0.0.7: show/one, 1:00 of 2:00" in playhead("--library", library.root, "status").out
        assert playhead("--library", library.root, "status", "--json").json()["running"] == rows["running"]
    assert "10.0.0.7" not in playhead("--library", library.root, "status").out  # it was left by a run that died


def test_why_nothing_can_be_searched_is_told(library: Library) -> None:
    library.save_transcript(transcript("to be", name="show/one"))
    ended = playhead("--library", library.root, "status")
    assert (ended.status, ended.err) == (0, "playhead: There is no index yet: `playhead index` makes it.\n")
    assert playhead("--library", library.root, "status", "--json").json()["index"] == ended.err[10:-1]
    LibraryIndex(library).refresh()
    assert playhead("--library", library.root, "status").err == ""
    assert playhead("--library", library.root, "status", "--json").json()["index"] is None


def test_a_library_that_may_only_be_read_is_told_of(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root may write anything, the lock stands for what is refused."""
    (library.state / "lock").mkdir(parents=True)
    assert not library.is_locked()
