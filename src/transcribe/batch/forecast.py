"""What a run would do, told beforehand: how many episodes, how much audio, and how long that may take."""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from transcribe.batch.audio_amount import AudioAmount, audio_amount
from transcribe.batch.next_step import Plan, PlannedEpisode
from transcribe.batch.past_runs import EngineOptions, PastRuns
from transcribe.batch.report import Report, not_taken, nothing_to_do
from transcribe.library.clock import clock
from transcribe.library.episode import Failure
from transcribe.library.store import Library


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run would do; episodes by id, sources by name. Nothing of it is done."""

    fetch: tuple[str, ...]
    transcribe: tuple[str, ...]
    index: tuple[str, ...]
    unchanged: tuple[str, ...]
    to_fetch: AudioAmount
    to_transcribe: AudioAmount
    fetch_s: float | None  # as past runs tell; None where none does
    transcribe_s: float | None
    changed_upstream: tuple[str, ...] = ()
    not_taken: dict[str, int] = field(default_factory=dict)  # items of feeds without a recording, by reason
    nothing_of: dict[str, dict[str, int]] = field(default_factory=dict)  # sources that offer nothing; why, by reason
    not_chosen: int = 0  # episodes that `--after`, `--before` and `--match` leave out
    to_go: int = 0  # episodes beyond the limit
    later: dict[str, Failure] = field(default_factory=dict)
    absent: dict[str, Failure] = field(default_factory=dict)
    failed: dict[str, Failure] = field(default_factory=dict)  # sources that could not be asked

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {"dry_run": True, **dataclasses.asdict(self)}

    def lines(self) -> Iterator[str]:
        """As a person reads it."""
        if self.fetch:
            parts = [_megabytes(self.to_fetch), _about(self.fetch_s)]
            yield f"{len(self.fetch)} to be fetched{_joined(parts)}"
        if self.transcribe:
            parts = [_hours(self.to_transcribe), _about(self.transcribe_s)]
            yield f"{len(self.transcribe)} to be transcribed{_joined(parts)}"
        if self.index:
            yield f"{len(self.index)} to be indexed"
        if self.unchanged:
            yield f"{len(self.unchanged)} unchanged"
        if not (self.fetch or self.transcribe or self.index or self.unchanged or self.not_taken or self.nothing_of):
            yield nothing_to_do(self.not_chosen)
        yield from not_taken(self.not_taken, self.nothing_of)
        if self.to_go:
            yield f"{self.to_go} to go after that"
        yield from (f"  fetch: {name}" for name in self.fetch)
        yield from (f"  transcribe: {name}" for name in self.transcribe if name not in self.fetch)
        for troubles in (self.later, self.absent, self.failed):
            yield from (f"  {trouble.code}: {name}: {trouble.message}" for name, trouble in troubles.items())
        yield "Dry run: nothing was fetched, transcribed or written."


def forecast(
    planned: Plan,
    report: Report,
    library: Library,
    past: PastRuns,
    options: EngineOptions | None,
    waiting: Iterable[str] | None = None,
) -> Forecast:
    """What this plan comes to. `report` holds what became of the sources that were asked.

    `options` are the engine's, None where nothing is to be transcribed; `waiting` the ids of transcripts that are still
    to be indexed, None where nothing is to be indexed.
    """
    fetch, transcribe = planned.needing("fetch"), planned.episodes if options else ()
    to_fetch, to_transcribe = audio_amount(library, fetch), audio_amount(library, transcribe)
    timed = options and to_transcribe.audio_ms
    return Forecast(
        fetch=_ids(fetch),
        transcribe=_ids(transcribe),
        index=() if waiting is None else tuple(sorted({*_ids(transcribe), *waiting})),
        unchanged=tuple(report.unchanged),
        to_fetch=to_fetch,
        to_transcribe=to_transcribe,
        fetch_s=past.seconds_to_fetch(to_fetch.bytes) if to_fetch.bytes else None,
        transcribe_s=past.seconds_to_transcribe(to_transcribe.audio_ms, options) if timed and options else None,
        changed_upstream=tuple(report.changed_upstream),
        not_taken=dict(report.not_taken),
        nothing_of=report.nothing_of,
        not_chosen=report.not_chosen,
        to_go=report.to_go,
        later=report.later,
        absent=report.absent,
        failed=report.failed,
    )


def _ids(episodes: Iterable[PlannedEpisode]) -> tuple[str, ...]:
    return tuple(episode.record.episode.id for episode in episodes)


def _megabytes(amount: AudioAmount) -> str:
    known = f"{amount.bytes / 1e6:.1f} MB" if amount.bytes else ""
    return _with_unknown(known, amount.bytes_unknown, "of unknown size")


def _hours(amount: AudioAmount) -> str:
    known = f"{clock(amount.audio_ms)} of audio" if amount.audio_ms else ""
    return _with_unknown(known, amount.audio_unknown, "of unknown length")


def _with_unknown(known: str, unknown: int, what: str) -> str:
    return ", and ".join(filter(None, [known, f"{unknown} {what}" if unknown else ""]))


def _about(seconds: float | None) -> str:
    return f"about {clock(round(seconds * 1000))} by past runs" if seconds is not None else ""


def _joined(parts: Iterable[str]) -> str:
    return "".join(f"; {part}" for part in parts if part)
