"""Jobs that are ready, the longest first, from the thread that fetches to the one that assigns them to workers."""

import bisect
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from transcribe.transcription.checkpoints import RecognizedSoFar
from transcribe.transcription.job import Job

TRIES = 4  # an episode is resumed on another worker three times


@dataclass
class QueuedJob:
    """A job, and the workers that died while they had it."""

    job: Job
    deaths: int = 0
    excluded_nodes: set[str] = field(default_factory=set)  # the nodes of those workers

    def resume(self, so_far: RecognizedSoFar) -> None:
        """The next worker goes on from there."""
        self.job = replace(self.job, so_far=so_far)


class JobQueue:
    """Ordered by the size of the audio, which stands for its length. Threads share it."""

    def __init__(self) -> None:
        self._jobs: list[QueuedJob] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, queued: QueuedJob) -> None:
        """Behind the jobs that are as long."""
        with self._lock:
            bisect.insort(self._jobs, queued, key=lambda each: -each.job.stored.bytes)

    def take(self, suits: Callable[[QueuedJob], bool] = lambda _: True) -> QueuedJob | None:
        """The longest of those that suit; None where there is none."""
        with self._lock:
            at = next((at for at, queued in enumerate(self._jobs) if suits(queued)), None)
            return None if at is None else self._jobs.pop(at)
