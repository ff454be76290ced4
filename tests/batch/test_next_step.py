"""What an episode needs next is decided from what is known of it: nothing is read or written."""

import dataclasses

import pytest

from transcribe.batch.next_step import FETCH, NOT_TAKEN, EpisodeState, Step, TranscriptState, next_step, plan
from transcribe.fetch.polling import Candidate
from transcribe.library.episode import AudioFile, Episode, Failure, Record

STORED = AudioFile("audio/talks/one.mp3", "0" * 64, 5, "audio/mpeg")
RECORD = Record(Episode("talks/one", "Talks", "One"), audio=STORED, state="transcribed")


def test_an_item_that_turned_out_to_be_no_recording_is_left_alone_until_an_update() -> None:
    record = dataclasses.replace(RECORD, audio=None, state="failed", error=Failure(NOT_TAKEN, "application/pdf"))
    state = EpisodeState(Candidate(record), audio=False, transcript="none")
    assert (next_step(state, update=False), next_step(state, update=True)) == ("nothing", "fetch")


def state(audio: bool, transcript: TranscriptState, record: Record = RECORD) -> EpisodeState:
    return EpisodeState(Candidate(record), audio, transcript)


def named(name: str, audio: bool, transcript: TranscriptState, failed: bool = False) -> EpisodeState:
    record = dataclasses.replace(RECORD, episode=dataclasses.replace(RECORD.episode, id=f"talks/{name}"))
    failure = Failure("http_404", "gone")
    return state(audio, transcript, dataclasses.replace(record, state="failed", error=failure) if failed else record)


@pytest.mark.parametrize(
    ("audio", "transcript", "step"),
    [
        (False, "none", "fetch"),
        (True, "none", "transcribe"),
        (True, "current", "nothing"),
        (False, "current", "nothing"),  # the audio may be thrown away
        (True, "outdated", "transcribe"),
        (False, "outdated", "fetch"),
    ],
)
def test_an_episode_needs_what_it_has_not(audio: bool, transcript: TranscriptState, step: Step) -> None:
    assert next_step(state(audio, transcript), update=False) == step
    assert next_step(state(audio, transcript), update=True) == step


@pytest.mark.parametrize("transcript", ["none", "current", "outdated"])
def test_changed_audio_is_fetched_where_an_update_is_asked_for(transcript: TranscriptState) -> None:
    changed = state(True, transcript, dataclasses.replace(RECORD, changed_upstream=True))
    assert next_step(changed, update=True) == "fetch"
    assert next_step(changed, update=False) == ("nothing" if transcript == "current" else "transcribe")


def test_a_plan_keeps_the_order_but_for_episodes_that_failed() -> None:
    states = [
        named("dead", audio=False, transcript="none", failed=True),
        named("done", audio=True, transcript="current"),
        named("here", audio=True, transcript="none"),
        named("new", audio=False, transcript="none"),
    ]
    planned = plan(states)
    assert [(each.record.episode.id, each.step) for each in planned.episodes] == [
        ("talks/here", "transcribe"),
        ("talks/new", "fetch"),
        ("talks/dead", "fetch"),
    ]
    assert planned.unchanged == ("talks/done",)
    assert [each.record.episode.id for each in plan(states, limit=1).episodes] == ["talks/here"]
    assert [each.record.episode.id for each in plan(states, limit=1, steps=FETCH).episodes] == ["talks/new"]
    assert plan(states, steps=FETCH).unchanged == ("talks/done", "talks/here")
