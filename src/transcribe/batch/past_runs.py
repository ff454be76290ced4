"""How fast this machine fetched and transcribed in its last runs: .playhead/past_runs.json, for a dry run to tell."""

import contextlib
import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from transcribe.errors import CannotWrite
from transcribe.library.store import write_whole
from transcribe.settings import Settings

MOST_RUNS = 50  # of each kind; older ones are dropped
LEAST_S = 1.0  # shorter runs say more of the machine's mood than of its speed


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What decides how fast speech is recognized: as it was asked for, since a dry run loads no engine."""

    engine: str
    model: str | None
    device: str | None
    quantize: str | None
    batch_size: int | None
    workers: int | None
    beam: int | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Those of the settings."""
        return cls(**{field.name: getattr(settings, field.name) for field in dataclasses.fields(cls)})


@dataclass(frozen=True, slots=True)
class Speed:
    """The seconds that one run took for so much: milliseconds of sound to transcribe, or bytes to fetch."""

    amount: int
    seconds: float
    options: EngineOptions | None = None  # None for fetching


class PastRuns:
    """The record of a library's runs. One that cannot be read is as none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._runs: list[Speed] = []
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            self._runs = [_speed(run) for run in json.loads(path.read_bytes())["runs"]]

    def add(self, *runs: Speed) -> None:
        """Writes what one run took. What cannot be written is not missed."""
        new = [run for run in runs if run.amount > 0 and run.seconds >= LEAST_S]
        if not new:
            return
        self._runs += new
        kept = [run for fetched in (True, False) for run in self._of(fetched)[-MOST_RUNS:]]
        text = json.dumps({"version": 1, "runs": [dataclasses.asdict(run) for run in kept]}, indent=1)
        with contextlib.suppress(CannotWrite):
            write_whole(self._path, f"{text}\n".encode())

    def seconds_to_fetch(self, size: int) -> float | None:
        """How long so many bytes take to fetch; None where no past run tells."""
        return _rate(self._of(fetched=True), size)

    def seconds_to_transcribe(self, audio_ms: int, options: EngineOptions) -> float | None:
        """How long so much sound takes to transcribe with these options; None where no past run had them."""
        return _rate([run for run in self._of(fetched=False) if run.options == options], audio_ms)

    def _of(self, fetched: bool) -> list[Speed]:
        return [run for run in self._runs if (run.options is None) == fetched]


def _rate(runs: list[Speed], amount: int) -> float | None:
    done = sum(run.amount for run in runs)
    return amount * sum(run.seconds for run in runs) / done if done else None


def _speed(data: Any) -> Speed:
    """Raises ValueError, KeyError or TypeError for what is none."""
    options = EngineOptions(**data["options"]) if data["options"] else None
    amount, seconds = data["amount"], data["seconds"]
    if not isinstance(amount, int) or not isinstance(seconds, int | float) or amount <= 0 or not seconds > 0:
        raise ValueError(f"not a run: {data!r}")
    return Speed(amount, float(seconds), options)
