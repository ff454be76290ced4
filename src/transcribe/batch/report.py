"""The report of a run."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sized
from dataclasses import dataclass, field
from typing import Any

from transcribe.library.clock import clock
from transcribe.library.episode import Failure


@dataclass(slots=True)
class Report:
    """What was done in a run, and what failed; episodes by id, sources by name."""

    fetched: list[str] = field(default_factory=list)
    transcribed: list[str] = field(default_factory=list)
    published: list[str] = field(default_factory=list)  # whose transcript is the publisher's own
    unchanged: list[str] = field(default_factory=list)
    later: dict[str, Failure] = field(default_factory=dict)  # whose host asks to be left alone for now
    mismatched: dict[str, Failure] = field(default_factory=dict)  # whose publisher's transcript is of other audio
    unchecked: dict[str, Failure] = field(default_factory=dict)  # published texts whose times nothing has heard
    damaged: dict[str, Failure] = field(default_factory=dict)  # transcribed, as far as the audio goes
    changed_upstream: list[str] = field(default_factory=list)  # whose audio is another one at the publisher's by now
    absent: dict[str, Failure] = field(default_factory=dict)  # folders and files named before that are not there now
    failed: dict[str, Failure] = field(default_factory=dict)
    not_taken: Counter[str] = field(default_factory=Counter)  # items of feeds that have no recording, by reason
    to_go: int = 0  # episodes beyond the limit, which need something still
    bytes: int = 0  # fetched
    audio_ms: int = 0  # transcribed

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**dataclasses.asdict(self), "unchanged": list(dict.fromkeys(self.unchanged))}

    def lines(self) -> Iterator[str]:
        """Lines for a person: a table of counts, then the episodes that need attention, and why."""
        nothing = [] if self.not_taken else ["Nothing to do. `playhead run FILE-OR-FEED` takes in what is new."]
        yield from self._table() or nothing
        if self.not_taken:
            count = self.not_taken.total()
            reasons = ", ".join(f"{n} {reason}" for reason, n in self.not_taken.most_common())
            yield f"{count} item{'' if count == 1 else 's'} not taken: {reasons}"
        if self.to_go:
            yield f"{self.to_go} to go; the same command goes on with them"
        for name in self.changed_upstream:
            yield f"  changed_upstream: {name}: its publisher has other audio now; --update takes it"
        for troubles in (self.damaged, self.mismatched, self.unchecked, self.later, self.absent):
            yield from (f"  {trouble.code}: {name}: {trouble.message}" for name, trouble in troubles.items())
        for name, failure in self.failed.items():
            yield f"  failed: {name}: {failure.code}: {failure.message}"

    def _table(self) -> list[str]:
        parts: list[tuple[Sized, str, str]] = [
            (self.fetched, "fetched", f"{self.bytes / 1e6:.1f} MB"),
            (self.transcribed, "transcribed", clock(self.audio_ms)),
            (self.published, "taken from their publishers", ""),
            (set(self.unchanged), "unchanged", ""),
            (self.later, "to be tried later", ""),
            (self.failed, "failed", ""),
        ]
        rows = [(str(len(names)), what, size) for names, what, size in parts if names]
        digits, letters, figures = (max(map(len, column)) for column in zip(*rows, strict=True)) if rows else (0, 0, 0)
        return [f"{count:>{digits}} {what:<{letters}}  {size:>{figures}}".rstrip() for count, what, size in rows]
