"""What an episode needs next, seen from what is in its library and what is wished."""

import dataclasses
from pathlib import Path

import pytest

from tests.support.conversations import transcript
from transcribe.batch.next_step import EpisodeState, episode_state
from transcribe.batch.run_options import RunOptions
from transcribe.library.episode import AudioFile, Episode, Record
from transcribe.library.store import Library
from transcribe.library.transcript import Audio, Transcript

NAME = "talks/one"
STORED = AudioFile("audio/talks/one.mp3", "0" * 64, 5, "audio/mpeg")
RECORD = Record(Episode(NAME, "Talks", "One"), audio=STORED, state="transcribed")
UPDATE = RunOptions(update=True)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """With the audio and the transcript of one episode."""
    library = Library(tmp_path)
    path = library.root / STORED.path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"sound")
    library.save_transcript(transcript("we share", name=NAME))
    return library


@pytest.mark.parametrize(
    ("state_of_episode", "step"),
    [
        (EpisodeState(audio=False, transcript=False), "fetch"),
        (EpisodeState(audio=True, transcript=False), "transcribe"),
        (EpisodeState(audio=True, transcript=True), "nothing"),
        (EpisodeState(audio=False, transcript=True), "nothing"),
    ],
)
def test_an_episode_needs_what_it_has_not(state_of_episode: EpisodeState, step: str) -> None:
    assert state_of_episode.next_step == step


def test_what_is_not_in_the_library_is_needed(library: Library) -> None:
    assert episode_state(library, RECORD, RunOptions()) == EpisodeState(audio=True, transcript=True)
    library.transcript_path(NAME).unlink()
    assert episode_state(library, RECORD, RunOptions()) == EpisodeState(audio=True, transcript=False)
    (library.root / STORED.path).unlink()
    assert episode_state(library, RECORD, RunOptions()) == EpisodeState(audio=False, transcript=False)


def test_changed_audio_is_needed_where_an_update_is_wished(library: Library) -> None:
    changed = dataclasses.replace(RECORD, changed_upstream=True)
    assert episode_state(library, changed, RunOptions()).next_step == "nothing"
    assert episode_state(library, changed, UPDATE).next_step == "fetch"
    assert episode_state(library, RECORD, UPDATE).next_step == "nothing"


def test_a_transcript_that_is_to_be_made_again_is_needed(library: Library) -> None:
    def is_short(transcript: Transcript) -> bool:
        return len(transcript.segments) < 2

    assert episode_state(library, RECORD, RunOptions(is_short)).next_step == "transcribe"
    assert episode_state(library, RECORD, RunOptions(lambda _: False)).next_step == "nothing"


@pytest.mark.parametrize(("sha256", "step"), [("0" * 64, "nothing"), ("1" * 64, "transcribe")])
def test_where_the_record_does_not_say_the_bytes_do(library: Library, sha256: str, step: str) -> None:
    audio = Audio(STORED.path, STORED.sha256, 60_000, STORED.media_type)
    library.save_transcript(dataclasses.replace(library.load_transcript(NAME), audio=audio))
    left = dataclasses.replace(RECORD, audio=dataclasses.replace(STORED, sha256=sha256), state="fetched")
    assert episode_state(library, left, RunOptions()).next_step == step
