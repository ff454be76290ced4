"""Jobs that are at hand, the longest first, on their way from the thread that fetches to the one that hands out."""

import bisect
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from transcribe.transcription.checkpoints import RecognizedSoFar
from transcribe.transcription.transcribe_episode import Task
from transcribe.workers.worker import Job

TRIES = 4  # an episode is resumed elsewhere three times


@dataclass
class QueuedJob:
    """A job, and how it went so far."""

    job: Job
    deaths: int = 0  # of workers that had it
    excluded_nodes: set[str] = field(default_factory=set)  # the nodes that they were on

    def resume(self, so_far: RecognizedSoFar) -> None:
        """Whoever does it next goes on from there."""
        task: Task = replace(self.job.task, so_far=so_far)
        self.job = replace(self.job, task=task)


class JobQueue:
    """Threads share it."""

    def __init__(self) -> None:
        self._waiting: list[QueuedJob] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, errand: QueuedJob) -> None:
        """Behind those that are as long."""
        with self._lock:
            bisect.insort(self._waiting, errand, key=lambda each: -_bytes(each))

    def take(self, suits: Callable[[QueuedJob], bool] = lambda _: True) -> QueuedJob | None:
        """The longest of those that suit; None where there is none."""
        with self._lock:
            at = next((at for at, errand in enumerate(self._waiting) if suits(errand)), None)
            return None if at is None else self._waiting.pop(at)


def _bytes(errand: QueuedJob) -> int:
    """The audio's size, which stands for its length."""
    audio = errand.job.record.audio
    return audio.bytes if audio else 0
