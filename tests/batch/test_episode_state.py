"""What the library holds of an episode, as its files say."""

import dataclasses
from pathlib import Path

import pytest

from tests.support.conversations import transcript
from transcribe.batch.episode_state import episode_state
from transcribe.batch.next_step import TranscriptState
from transcribe.batch.run_options import Condition
from transcribe.fetch.polling import Candidate
from transcribe.library.episode import AudioFile, Episode, Record
from transcribe.library.store import Library
from transcribe.library.transcript import Audio, Transcript

NAME = "talks/one"
STORED = AudioFile("audio/talks/one.mp3", "0" * 64, 5, "audio/mpeg")
RECORD = Record(Episode(NAME, "Talks", "One"), audio=STORED, state="transcribed")


class CountingLibrary(Library):
    """Knows how often a transcript was read."""

    reads = 0

    def load_transcript(self, episode_id: str) -> Transcript:
        self.reads += 1
        return super().load_transcript(episode_id)


@pytest.fixture
def library(tmp_path: Path) -> CountingLibrary:
    """With the audio and the transcript of one episode."""
    library = CountingLibrary(tmp_path)
    path = library.root / STORED.path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"sound")
    library.save_transcript(transcript("we share", name=NAME))
    return library


def of(library: Library, record: Record = RECORD, redo: Condition | None = None) -> tuple[bool, TranscriptState]:
    state = episode_state(library, Candidate(record), redo)
    return state.audio, state.transcript


def test_what_is_not_in_the_library_is_missing(library: CountingLibrary) -> None:
    assert of(library) == (True, "current")
    library.transcript_path(NAME).unlink()
    assert of(library) == (True, "none")
    (library.root / STORED.path).unlink()
    assert of(library) == (False, "none")
    assert library.reads == 0  # the record says all of it


def test_a_transcript_that_is_to_be_made_again_is_outdated(library: CountingLibrary) -> None:
    def is_short(transcript: Transcript) -> bool:
        return len(transcript.segments) < 2

    assert of(library, redo=is_short) == (True, "outdated")
    assert of(library, redo=lambda _: False) == (True, "current")
    assert library.reads == 2  # once for each


def test_a_transcript_that_cannot_be_read_is_made_again_where_somebody_looks(library: CountingLibrary) -> None:
    library.transcript_path(NAME).write_text("{")
    assert of(library, redo=lambda _: False) == (True, "outdated")
    assert of(library, dataclasses.replace(RECORD, state="fetched")) == (True, "outdated")


@pytest.mark.parametrize(("sha256", "expected"), [("0" * 64, "current"), ("1" * 64, "outdated")])
def test_where_the_record_does_not_say_the_bytes_do(library: CountingLibrary, sha256: str, expected: str) -> None:
    audio = Audio(STORED.path, STORED.sha256, 60_000, STORED.media_type)
    library.save_transcript(dataclasses.replace(library.load_transcript(NAME), audio=audio))
    left = dataclasses.replace(RECORD, audio=dataclasses.replace(STORED, sha256=sha256), state="fetched")
    library.reads = 0
    assert of(library, left) == of(library, left, redo=lambda _: False) == (True, expected)
    assert library.reads == 2
