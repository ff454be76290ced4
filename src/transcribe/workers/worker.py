"""The protocol of what transcribes: this process, processes beside it, or a cluster. The batch does not know which.

A worker gets a job, and tells of each batch that is done and of what came of the job in the end. Only the process that
holds the library writes files, shows progress and keeps checkpoints.
"""

import copyreg
import dataclasses
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from transcribe.library.episode import Failure
from transcribe.library.transcript import Engine, Transcript, Word
from transcribe.publishers.match import Mismatch
from transcribe.transcription.job import Job
from transcribe.transcription.transcribe_episode import BatchDone

Outcome = Transcript | Mismatch | Failure  # plain data, which can be sent between processes; Mismatch: of a job's offer
OnBatch = Callable[[BatchDone], None]


@dataclass(frozen=True, slots=True)
class EngineLoaded:
    """A worker has made its engine ready."""

    engine: Engine
    warnings: tuple[str, ...] = ()


class Workers(Protocol):
    """Does jobs, in any order, each once."""

    @property
    def engine(self) -> Engine:
        """The engine that recognizes, and its options."""
        ...

    def run(self, jobs: Iterable[Job | None]) -> Iterator[tuple[Job, Outcome]]:
        """Takes jobs when it can begin them, and gives each back with its outcome as soon as it is done.

        `jobs` gives None when no job is ready yet, after a short wait of its own: then it is asked again.
        """


_WORD_FIELDS = operator.attrgetter(*(field.name for field in dataclasses.fields(Word)))


# Words are sent by the thousand. Pickle would ask each frozen dataclass with slots for its fields, a new object each.
copyreg.pickle(Word, lambda word: (Word, _WORD_FIELDS(word)))
