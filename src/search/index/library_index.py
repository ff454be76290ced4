"""A library's index: kept up with its transcripts, and open for searching while that goes on."""

import hashlib
import json
import threading
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from search.index.contract import Index
from search.index.generations import Generations, HeldGeneration
from search.index.passages import Passages, passages
from search.index.whoosh.index import STAMP, WhooshIndex, WhooshWriter, digests
from transcribe.console import Advance, unwatched
from transcribe.errors import TranscriptError
from transcribe.library.store import Library, write_whole

LOOK_EVERY_S = 0.5  # how often a reader asks whether there is a newer index


@dataclass(slots=True)
class IndexReport:
    """What bringing the index up to date came to; episodes by id."""

    indexed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0
    failed: dict[str, str] = field(default_factory=dict)  # why
    unusable: str | None = None  # why the index that was there was made anew, where it was


@dataclass(frozen=True, slots=True)
class _Seen:
    """A transcript's file as it was when last read: `digest` holds while size and time are the same."""

    size: int
    modified_ns: int
    digest: str


@dataclass(frozen=True, slots=True)
class _OpenIndex:
    """An open index, and what the pointer said when it was opened."""

    pointer: str | None
    held: HeldGeneration
    index: WhooshIndex


class LibraryIndex:
    """The index that belongs to a library. Its files are rebuilt from the transcripts whenever that is asked for."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._generations = Generations(library.state / "index", STAMP)
        self._seen_path = library.state / "index-seen.json"
        self._embedded: _OpenIndex | None = None
        self._looked = 0.0
        self._lock = threading.Lock()

    def index(self) -> Index:
        """The newest state of the index. Raises IndexUnavailable where there is none to be trusted."""
        with self._lock:
            if self._embedded is None or (self._is_due() and self._is_outdated(self._embedded)):
                self._embedded = self._read_newest()
            return self._embedded.index

    def ready(self) -> int:
        """How many episodes can be searched right now. Raises IndexUnavailable where none can."""
        return len(self.index().contents())

    def check(self) -> None:
        """Whether it could be written at all, as far as can be told at once. Raises IndexUnavailable. Here it can."""

    def audio(self, episode_id: str) -> tuple[Path, str] | None:
        """The stored audio file of an episode and its media type; None where the library does not hold it."""
        try:
            stored = self.library.load_record(episode_id).audio
        except TranscriptError:
            return None
        path = self.library.inside(stored.path) if stored else None
        return (path, stored.media_type) if path and stored else None

    def refresh(self, rebuild: bool = False, advance: Advance = unwatched) -> IndexReport:
        """Brings the index up to date with the transcripts there are, by their content; `rebuild` starts afresh.

        A transcript that cannot be read is named in the report and the rest is indexed. Raises IndexBusy.
        """
        report = IndexReport()
        seen: dict[str, _Seen] = {}

        def change(folder: Path) -> bool:
            seen.update(self._look(report))  # now that no other writer can be at work
            before = digests(folder)
            changed = [name for name, file in seen.items() if before.get(name) != file.digest]
            report.unchanged = len(seen) - len(changed)
            report.removed = sorted(before.keys() - seen.keys())
            if not (changed or report.removed) and any(folder.iterdir()):
                return False
            outdated = [*report.removed, *(name for name in changed if name in before)]
            WhooshWriter(folder).update(self._read(changed, seen, report, advance), outdated)
            return True

        report.unusable = self._generations.build(change, afresh=rebuild)
        self._remember({name: file for name, file in seen.items() if name not in report.failed})
        return report

    def _read_newest(self) -> _OpenIndex:
        pointer = self._generations.current()
        held = self._generations.hold()
        index = WhooshIndex(held.folder)
        weakref.finalize(index, held.release)  # once the last search in it is done
        return _OpenIndex(pointer, held, index)

    def _is_due(self) -> bool:
        due = time.monotonic() - self._looked > LOOK_EVERY_S
        if due:
            self._looked = time.monotonic()
        return due

    def _is_outdated(self, reading: _OpenIndex) -> bool:
        return self._generations.current() != reading.pointer or not reading.held.is_untouched()

    def _read(
        self, names: list[str], seen: dict[str, _Seen], report: IndexReport, advance: Advance
    ) -> Iterator[Passages]:
        for done, name in enumerate(names):
            advance(done, len(names))
            try:
                yield passages(self.library.load_transcript(name), seen[name].digest)
                report.indexed.append(name)
            except TranscriptError as problem:
                report.failed[name] = str(problem)
        advance(len(names), len(names))

    def _look(self, report: IndexReport) -> dict[str, _Seen]:
        """Every transcript's file as it is now; content is read only where size or time has changed.

        What is called like one and cannot be read is named in the report.
        """
        remembered = self._remembered()
        found = {}
        for name in self.library.transcript_ids():
            try:
                found[name] = _seen(self.library.transcript_path(name), remembered.get(name))
            except OSError as problem:
                report.failed[name] = str(problem)
        return found

    def _remembered(self) -> dict[str, _Seen]:
        try:
            return {name: _Seen(*fields) for name, fields in json.loads(self._seen_path.read_bytes()).items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}  # only a shortcut: without it all transcripts are read again

    def _remember(self, seen: dict[str, _Seen]) -> None:
        plain = {name: (file.size, file.modified_ns, file.digest) for name, file in seen.items()}
        write_whole(self._seen_path, json.dumps(plain).encode())


def _seen(path: Path, before: _Seen | None) -> _Seen:
    stat = path.stat()
    if before and (before.size, before.modified_ns) == (stat.st_size, stat.st_mtime_ns):
        return before
    return _Seen(stat.st_size, stat.st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
