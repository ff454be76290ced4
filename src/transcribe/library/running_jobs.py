"""What runs where, for `playhead status` and whoever looks on: .playhead/running.json, there while a run is."""

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
    """An episode in work."""

    node: str
    episode: str  # its id
    done_ms: int  # of its audio
    of_ms: int | None  # where the file tells

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return dataclasses.asdict(self)


class RunningJobs:
    """Kept by the owner."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._shown = 0.0
        self._rows: list[RunningJob] | None = None

    def show(self, rows: Callable[[], list[RunningJob]]) -> None:
        """Writes how it is now, if something has changed, and not too often."""
        if time.monotonic() - self._shown < EVERY_S:
            return
        self._shown, before, self._rows = time.monotonic(), self._rows, rows()
        if self._rows != before:
            text = json.dumps({"version": 1, "running": [row.to_json() for row in self._rows]}, indent=1)
            write_whole(self.path, f"{text}\n".encode())


def running(path: Path) -> list[RunningJob]:
    """What a roster says; nothing where there is none that can be read."""
    try:
        data: Any = json.loads(path.read_bytes())
        return [RunningJob(**row) for row in data["running"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
