"""The report of a run."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sized
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
    nothing_of: dict[str, dict[str, int]] = field(default_factory=dict)  # sources that offer nothing; why, by reason
    not_chosen: int = 0  # episodes that `--after`, `--before` and `--match` leave out
    to_go: int = 0  # episodes beyond the limit, which need something still
    update: bool = False  # audio that its publisher has changed is taken
    bytes: int = 0  # fetched
    audio_ms: int = 0  # transcribed

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        plain = dataclasses.asdict(dataclasses.replace(self, not_taken=Counter()))  # it would make keys of its items
        return {**plain, "unchanged": list(dict.fromkeys(self.unchanged)), "not_taken": dict(self.not_taken)}

    def lines(self) -> Iterator[str]:
        """Lines for a person: a table of counts, then the episodes that need attention, and why."""
        is_told = self.not_taken or self.nothing_of
        yield from self.table() or ([] if is_told else [nothing_to_do(self.not_chosen)])
        yield from not_taken(self.not_taken, self.nothing_of)
        if self.to_go:
            yield f"{self.to_go} to go; the same command goes on with them"
        taken = "it is among those to go" if self.update else "--update takes it"
        for name in self.changed_upstream:
            if name not in self.failed and name not in self.later:
                yield f"  changed_upstream: {name}: its publisher has other audio now; {taken}"
        for troubles in (self.damaged, self.mismatched, self.unchecked, self.later, self.absent):
            yield from (f"  {trouble.code}: {name}: {trouble.message}" for name, trouble in troubles.items())
        for name, failure in self.failed.items():
            yield f"  failed: {name}: {failure.code}: {failure.message.removeprefix(f'{name}: ')}"

    def table(self) -> list[str]:
        """Counts of what was done, for a person."""
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


def nothing_to_do(not_chosen: int) -> str:
    """Why a run has nothing to do, and what can be done."""
    if not_chosen:
        none = "The one episode is not" if not_chosen == 1 else f"None of the {not_chosen} episodes is"
        return f"{none} chosen by --after, --before and --match."
    return "Nothing to do. `playhead run FILE-OR-FEED` takes in what is new."


def not_taken(reasons: Mapping[str, int], nothing_of: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """How many items have no recording, by reason, and a line for each source that offers nothing."""
    if reasons:
        count = sum(reasons.values())
        yield f"{count} item{'' if count == 1 else 's'} not taken: {counted(reasons)}"
    for name, reasons in nothing_of.items():
        told = f"nothing of it could be taken: {counted(reasons)}" if reasons else "it holds no episode"
        yield f"  {name}: {told}"


def counted(reasons: Mapping[str, int]) -> str:
    """Reasons with how often each holds, the most frequent first: `2 no file, 1 application/pdf`."""
    return ", ".join(f"{count} {reason}" for reason, count in Counter(reasons).most_common())
