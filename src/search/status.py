"""The status of each episode of a library: fetched, transcribed, indexed, or failed."""

import dataclasses
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from search.index.passages import Contents
from transcribe.library.episode import Failure, Quality, Record
from transcribe.library.running_jobs import RunningJob, running
from transcribe.library.seekable_copy import SeekableCopies
from transcribe.library.source_states import WEEK_S, SourceState
from transcribe.library.store import Library
from transcribe.library.unknown_keys import plain


@dataclass(frozen=True, slots=True)
class EpisodeStatus:
    """The status of one episode."""

    episode: str  # its id
    title: str
    fetched: bool
    transcribed: bool
    indexed: bool
    duration_ms: int | None  # known once it is indexed
    engine: str | None  # that transcribed it; known once it is indexed
    quality: Quality | None  # of its transcript, if it was made here
    failure: Failure | None  # why it has no transcript, or what is wrong with its audio
    changed_upstream: bool = False  # its publisher now has other audio

    def to_json(self) -> dict[str, Any]:
        """The status as plain data."""
        return dataclasses.asdict(self) | {"quality": plain(self.quality) if self.quality else None}


@dataclass(frozen=True, slots=True)
class CopiesStatus:
    """What the seekable copies of a library take."""

    files: int
    bytes: int

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return dataclasses.asdict(self)


def seekable_copies(library: Library) -> CopiesStatus:
    """What the copies take that were made for browsers."""
    return CopiesStatus(*SeekableCopies(library).take())


def failing_for_a_week(sources: Iterable[SourceState], now: float | None = None) -> bool:
    """Whether a source has failed for a week without a break."""
    moment = time.time() if now is None else now
    return any(source.failed_for(moment) >= WEEK_S for source in sources)


def in_work(library: Library) -> list[RunningJob]:
    """The jobs that run on other machines now."""
    return running(library.state / "running.json") if library.is_locked() else []


def episode_statuses(library: Library, contents: Iterable[Contents]) -> list[EpisodeStatus]:
    """The status of every episode that has a record or a transcript, by id; `contents` is what the index holds."""
    records = {record.episode.id: record for record in library.records()}
    transcribed = set(library.transcript_ids())
    indexed = {each.episode.id: each for each in contents}
    names = sorted({*records, *transcribed})
    return [_status(library, name, records.get(name), name in transcribed, indexed.get(name)) for name in names]


def _status(
    library: Library, name: str, record: Record | None, transcribed: bool, contents: Contents | None
) -> EpisodeStatus:
    title = record.episode.title if record else contents.episode.title if contents else name
    return EpisodeStatus(
        episode=name,
        title=title,
        fetched=bool(record and record.audio and library.inside(record.audio.path)),
        transcribed=transcribed,
        indexed=contents is not None,
        duration_ms=contents.duration_ms if contents else None,
        engine=contents.engine if contents else None,
        quality=record.quality if record else None,
        failure=record.error if record else None,
        changed_upstream=bool(record and record.changed_upstream),
    )
