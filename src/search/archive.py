"""A library's index: kept up with its transcripts, and open for searching while that goes on."""

import hashlib
import json
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from search.errors import IndexUnavailable
from search.passages import Passages, passages
from search.whoosh_index import WhooshIndex, WhooshWriter
from transcribe.errors import TranscriptError
from transcribe.library import Library, write_whole
from transcribe.progress import Advance, unwatched

_LOOK_EVERY_S = 0.5  # how often a reader asks whether there is a newer index


@dataclass(slots=True)
class IndexReport:
    """What bringing the index up to date came to; episodes by id."""

    indexed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0
    failed: dict[str, str] = field(default_factory=dict)  # why


@dataclass(frozen=True, slots=True)
class _Seen:
    """A transcript's file as it was when last read: `digest` holds while size and time are the same."""

    size: int
    modified_ns: int
    digest: str


class Archive:
    """The index that belongs to a library. Its files are rebuilt from the transcripts whenever that is asked for."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._folder = library.state / "index"
        self._seen_path = library.state / "index-seen.json"
        self._open: WhooshIndex | None = None
        self._looked = 0.0
        self._lock = threading.Lock()

    def index(self) -> WhooshIndex:
        """The newest state of the index. Raises IndexUnavailable where there is none to be trusted."""
        with self._lock:
            if self._open is None or (self._is_due() and not self._open.is_current()):
                self._open = WhooshIndex(self._folder)
            return self._open

    def _is_due(self) -> bool:
        due = time.monotonic() - self._looked > _LOOK_EVERY_S
        if due:
            self._looked = time.monotonic()
        return due

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

        A transcript that cannot be read is named in the report and the rest is indexed. The caller holds the library.
        """
        building = self._folder.with_name("index.new") if rebuild else self._folder
        if rebuild:
            shutil.rmtree(building, ignore_errors=True)
        before = {} if rebuild else self._digests()
        seen = self._look()
        changed = [name for name, file in seen.items() if before.get(name) != file.digest]
        report = IndexReport(unchanged=len(seen) - len(changed), removed=sorted(before.keys() - seen.keys()))
        if changed or report.removed or not before:
            outdated = [*report.removed, *(name for name in changed if name in before)]
            WhooshWriter(building).update(self._read(changed, seen, report, advance), outdated)
        if rebuild:
            self._replace_by(building)
        self._remember({name: file for name, file in seen.items() if name not in report.failed})
        return report

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

    def _digests(self) -> dict[str, str]:
        try:
            index = WhooshIndex(self._folder)
        except IndexUnavailable:
            shutil.rmtree(self._folder, ignore_errors=True)  # it can be rebuilt, so a broken one is begun anew
            return {}
        try:
            return {contents.episode.id: contents.digest for contents in index.contents()}
        finally:
            index.close()

    def _look(self) -> dict[str, _Seen]:
        """Every transcript's file as it is now; content is read only where size or time has changed."""
        remembered = self._remembered()
        found = {}
        for name in self.library.transcript_ids():
            path = self.library.transcript_path(name)
            stat = path.stat()
            before = remembered.get(name)
            if before and (before.size, before.modified_ns) == (stat.st_size, stat.st_mtime_ns):
                found[name] = before
            else:
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                found[name] = _Seen(stat.st_size, stat.st_mtime_ns, digest)
        return found

    def _remembered(self) -> dict[str, _Seen]:
        try:
            return {name: _Seen(*fields) for name, fields in json.loads(self._seen_path.read_bytes()).items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}  # only a shortcut: without it all transcripts are read again

    def _remember(self, seen: dict[str, _Seen]) -> None:
        plain = {name: (file.size, file.modified_ns, file.digest) for name, file in seen.items()}
        write_whole(self._seen_path, json.dumps(plain).encode())

    def _replace_by(self, building: Path) -> None:
        old = self._folder.with_name("index.old")
        shutil.rmtree(old, ignore_errors=True)
        if self._folder.exists():
            self._folder.rename(old)
        building.rename(self._folder)
        shutil.rmtree(old, ignore_errors=True)
