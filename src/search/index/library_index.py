"""The index of a library: brings it up to date with the transcripts, and opens it for searching meanwhile."""

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

LOOK_EVERY_S = 0.5  # between two looks for a newer index


@dataclass(slots=True)
class IndexReport:
    """What an update of the index did; episodes by id."""

    indexed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0
    failed: dict[str, str] = field(default_factory=dict)  # by id, why
    unusable: str | None = None  # why all was indexed again, where it was


@dataclass(frozen=True, slots=True)
class _Seen:
    """A transcript's file when it was last read: `digest` is right while size and time are the same."""

    size: int
    modified_ns: int
    digest: str


@dataclass(frozen=True, slots=True)
class _OpenIndex:
    """An open index, and the pointer when it was opened."""

    pointer: str | None
    held: HeldGeneration
    index: WhooshIndex


class LibraryIndex:
    """The index of a library. It can be rebuilt from the transcripts at any time."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._generations = Generations(library.state / "index", STAMP)
        self._seen_path = library.state / "index-seen.json"
        self._embedded: _OpenIndex | None = None
        self._looked = 0.0
        self._lock = threading.Lock()

    def index(self) -> Index:
        """The newest state of the index. Raises IndexUnavailable where there is none that is whole."""
        with self._lock:
            if self._embedded is None or self._is_outdated(self._embedded):
                pointer = self._generations.current()
                held = self._generations.hold()
                index = WhooshIndex(held.folder)
                weakref.finalize(index, held.release)  # once the last search in it is done
                self._embedded = _OpenIndex(pointer, held, index)
            return self._embedded.index

    def ready(self) -> int:
        """The number of episodes that can be searched now. Raises IndexUnavailable where there is no index."""
        return len(self.index().contents())

    def check(self) -> None:
        """Raises IndexUnavailable where it is plain that the index cannot be written; the embedded one always can."""

    def audio(self, episode_id: str) -> tuple[Path, str] | None:
        """The stored audio file of an episode and its media type; None where there is none."""
        try:
            stored = self.library.load_record(episode_id).audio
        except TranscriptError:
            return None
        path = self.library.inside(stored.path) if stored else None
        return (path, stored.media_type) if path and stored else None

    def refresh(self, rebuild: bool = False, advance: Advance = unwatched) -> IndexReport:
        """Brings the index up to date with the transcripts, by their content; `rebuild` starts from nothing.

        The report names the transcripts that cannot be read; the others are indexed. Raises IndexBusy where another
        process writes the index, CannotWrite where the disk is full.
        """
        report = IndexReport()
        seen: dict[str, _Seen] = {}

        def change(folder: Path) -> bool:
            seen.update(self._look(report))  # no other writer works now
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

    def _is_outdated(self, opened: _OpenIndex) -> bool:
        """Whether the files show that there is a newer or another state; looks at them every LOOK_EVERY_S."""
        if time.monotonic() - self._looked <= LOOK_EVERY_S:
            return False
        self._looked = time.monotonic()
        return self._generations.current() != opened.pointer or not opened.held.is_untouched()

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
        """Every transcript's file as it is now; reads a file only where its size or time has changed.

        The report names the files that cannot be read.
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
            return {}  # then all transcripts are read again

    def _remember(self, seen: dict[str, _Seen]) -> None:
        plain = {name: (file.size, file.modified_ns, file.digest) for name, file in seen.items()}
        write_whole(self._seen_path, json.dumps(plain).encode())


def _seen(path: Path, before: _Seen | None) -> _Seen:
    stat = path.stat()
    if before and (before.size, before.modified_ns) == (stat.st_size, stat.st_mtime_ns):
        return before
    return _Seen(stat.st_size, stat.st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
