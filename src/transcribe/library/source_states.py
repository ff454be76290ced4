"""How each source of a library answered when it was last asked: `.playhead/sources.json`. Nothing secret is in it."""

import contextlib
import dataclasses
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from transcribe.library.store import write_whole

NAME = "sources.json"  # in the library's state
WEEK_S = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class SourceState:
    """One source's. Times are in seconds since 1970."""

    source: str  # its key: its address without what is secret in it
    asked: float
    answer: str  # for a person: what it offered, or what is wrong
    failing_since: float | None = None  # None where it answered the last time
    not_taken: Mapping[str, int] = field(default_factory=dict)  # items without a recording, by reason

    def failed_for(self, now: float) -> float:
        """For how many seconds it has failed without a break; 0 where it answered the last time."""
        return 0.0 if self.failing_since is None else max(0.0, now - self.failing_since)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**dataclasses.asdict(self), "not_taken": dict(self.not_taken)}

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """The inverse of `to_json`. Raises ValueError for anything else."""
        try:
            state = cls(**data)
            sane = isinstance(state.source, str) and isinstance(state.answer, str)
            sane = sane and state.asked >= 0 and (state.failing_since is None or state.failing_since >= 0)
            sane = sane and all(isinstance(n, int) for n in state.not_taken.values())
        except (TypeError, AttributeError) as problem:
            raise ValueError(f"not the state of a source: {data!r}") from problem
        if not sane:
            raise ValueError(f"not the state of a source: {data!r}")
        return state


class SourceStates:
    """Those of a library. A file that cannot be read is as none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._states = {state.source: state for state in load_source_states(path)}

    def answered(self, source: str, now: float, answer: str, not_taken: Mapping[str, int] | None = None) -> None:
        """It answered; without `not_taken`, that it holds what it held before."""
        before = self._states.get(source)
        kept = not_taken if not_taken is not None else before.not_taken if before else {}
        said = before.answer if before and not_taken is None and before.failing_since is None else answer
        self._states[source] = SourceState(source, now, said, None, dict(kept))

    def failed(self, source: str, now: float, answer: str) -> None:
        """It could not be had, or not be read."""
        before = self._states.get(source)
        since = before.failing_since if before and before.failing_since is not None else now
        self._states[source] = SourceState(source, now, answer, since, before.not_taken if before else {})

    def not_taken(self, source: str) -> Mapping[str, int]:
        """Its items without a recording, by reason, as far as is known."""
        state = self._states.get(source)
        return state.not_taken if state else {}

    def keep_only(self, sources: Collection[str]) -> None:
        """Forgets all others."""
        self._states = {name: state for name, state in self._states.items() if name in sources}

    def save(self) -> None:
        """Writes what was learned, whole. Raises CannotWrite."""
        plain = [state.to_json() for _, state in sorted(self._states.items())]
        write_whole(self._path, json.dumps({"version": 1, "sources": plain}, ensure_ascii=False, indent=1).encode())


def load_source_states(path: Path) -> list[SourceState]:
    """Those that were saved; what cannot be read is passed over."""
    try:
        given = list(json.loads(path.read_bytes())["sources"])
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return []
    states = []
    for data in given:
        with contextlib.suppress(ValueError):
            states.append(SourceState.from_json(data))
    return states
