"""Keeps .playhead/running.json, which says what is transcribed on which node while a run lasts."""

import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transcribe.library.store import write_whole

EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class RunningJob:
    """An episode that is being transcribed."""

    node: str
    episode: str  # its id
    done_ms: int  # of its audio
    of_ms: int | None  # the length of its audio, if the file states it

    def to_json(self) -> dict[str, Any]:
        """The job as plain data."""
        return dataclasses.asdict(self)


class RunningJobs:
    """Writes the file; the owner of the library uses it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._shown = 0.0
        self._jobs: list[RunningJob] | None = None

    def show(self, jobs: Callable[[], list[RunningJob]]) -> None:
        """Writes the jobs if they have changed, every EVERY_S at most. Raises CannotWrite."""
        if time.monotonic() - self._shown < EVERY_S:
            return
        self._shown, before, self._jobs = time.monotonic(), self._jobs, jobs()
        if self._jobs != before:
            text = json.dumps({"version": 1, "running": [job.to_json() for job in self._jobs]}, indent=1)
            write_whole(self.path, f"{text}\n".encode())


def running(path: Path) -> list[RunningJob]:
    """The jobs in such a file; none where it is missing or cannot be read."""
    try:
        data: Any = json.loads(path.read_bytes())
        return [RunningJob(**job) for job in data["running"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
