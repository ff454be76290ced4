"""What each episode needs next: decided once a run, from what is known of it. Nothing here reads or writes anything."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from transcribe.fetch.polling import Candidate
from transcribe.library.episode import Record

Step = Literal["fetch", "transcribe", "nothing"]
TranscriptState = Literal["none", "current", "outdated"]

NOT_TAKEN = "not_taken"  # the code of an item that turned out to be no recording
FETCH: tuple[Step, ...] = ("fetch",)
WORK: tuple[Step, ...] = ("fetch", "transcribe")


@dataclass(frozen=True, slots=True)
class EpisodeState:
    """What the library holds of one episode."""

    candidate: Candidate
    audio: bool  # its audio is stored
    transcript: TranscriptState  # outdated: of other audio, unreadable, or one that --redo asks for

    @property
    def record(self) -> Record:
        """The episode's record."""
        return self.candidate.record


@dataclass(frozen=True, slots=True)
class PlannedEpisode:
    """An episode and the first step of what is to be done with it: what is fetched is transcribed afterwards."""

    candidate: Candidate
    step: Step

    @property
    def record(self) -> Record:
        """The episode's record."""
        return self.candidate.record


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run is to do, in this order, and the ids of the episodes that need nothing."""

    episodes: tuple[PlannedEpisode, ...] = ()
    unchanged: tuple[str, ...] = ()
    left: int = 0  # how many other episodes need something, beyond the limit

    def __len__(self) -> int:
        return len(self.episodes)

    def needing(self, step: Step) -> list[PlannedEpisode]:
        """The episodes of which this step is the first."""
        return [episode for episode in self.episodes if episode.step == step]


def next_step(state: EpisodeState, update: bool) -> Step:
    """What an episode needs next; `update` takes audio that its publisher has changed."""
    if state.record.error and state.record.error.code == NOT_TAKEN and not update:
        return "nothing"  # it was looked at once
    replaced = update and state.record.changed_upstream
    if state.transcript == "current" and not replaced:
        return "nothing"
    return "transcribe" if state.audio and not replaced else "fetch"


def plan(
    states: Iterable[EpisodeState], update: bool = False, limit: int | None = None, steps: Collection[Step] = WORK
) -> Plan:
    """What is to be done of `steps` with at most `limit` episodes.

    Episodes that failed in the last run come after all others, which else might never have their turn.
    """
    planned = [PlannedEpisode(state.candidate, next_step(state, update)) for state in states]
    wanted = [episode for episode in planned if episode.step in steps]
    wanted.sort(key=lambda episode: episode.record.state == "failed")
    unchanged = (episode.record.episode.id for episode in planned if episode.step not in steps)
    return Plan(tuple(wanted[:limit]), tuple(unchanged), len(wanted) - len(wanted[:limit]))
