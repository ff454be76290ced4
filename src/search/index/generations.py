"""Keeps an index on disk as generations that never change, each with a manifest, and one pointer to the current one.

    current                  the name of the generation to read
    <name>/manifest.json     sha256 and size of each file, and what made them
    <name>/...               the index's own files, never changed once sealed

A writer builds a new generation beside the others: it hard-links unchanged files from the one before, syncs all files,
writes the manifest, names the folder, and then moves the pointer in one step. A reader checks a generation against its
manifest before it reads it, and holds it by a shared lock. The next writer removes generations that nobody holds and
that are not current.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from search.errors import IndexUnavailable
from search.index.write_lock import alone
from transcribe.library.posix import lock_alone, share_lock
from transcribe.library.store import sha256_of, write_whole

MANIFEST = "manifest.json"
POINTER = "current"
BUILDING = "building"
TRIES = 10  # to open the current generation while writers move the pointer

Stamp = dict[str, str]  # versions that an index was made by; an index with another stamp cannot be read
Look = tuple[int, ...]  # a file's size, time of change and inode
Files = dict[str, tuple[int, str]]  # name -> size, sha256


class _Damaged(Exception):  # noqa: N818 - said of a generation; it never leaves this module
    pass


@dataclass(slots=True)
class HeldGeneration:
    """A generation that was checked; it is not removed before `release`."""

    folder: Path
    lock: IO[str]
    seen: dict[str, Look]  # each file as it was when it was checked

    @property
    def name(self) -> str:
        """Its number, as text."""
        return self.folder.name

    def is_untouched(self) -> bool:
        """Whether no file has changed since it was checked; cheap."""
        try:
            return self.seen == _looks(self.folder, self.seen)
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Allows writers to remove it."""
        self.lock.close()


class Generations:
    """The generations in a folder."""

    def __init__(self, folder: Path, stamp: Stamp) -> None:
        self.folder, self.stamp = folder, stamp

    def current(self) -> str | None:
        """The name in the pointer; None where there is none."""
        try:
            name = (self.folder / POINTER).read_text()
        except (FileNotFoundError, UnicodeDecodeError):
            return None
        return name if name.isdecimal() else None

    def hold(self) -> HeldGeneration:
        """The current generation, checked; an older one where it is damaged. Raises IndexUnavailable."""
        for _ in range(TRIES):
            name = self.current()
            if name is None and not self._names():
                raise IndexUnavailable("There is no index yet: `playhead index` makes it.")
            with contextlib.suppress(FileNotFoundError):  # removed just now: the pointer has moved
                return self._hold_newest(name)
        raise IndexUnavailable("The index is damaged: `playhead index` makes it anew.")

    def build(self, change: Callable[[Path], bool], afresh: bool = False) -> str | None:
        """Makes a new generation and makes it current, unless `change` changes nothing.

        `change` gets a folder with the files of the newest whole generation, or with none, and returns whether it
        changed anything. Returns why no older generation could be used, or None; `change` then got an empty folder.

        Raises IndexBusy where another writer still works after 30 s. Where `change` raises, or the process dies,
        nothing has changed.
        """
        with alone(self.folder / "lock"):
            self._clear_leftovers()
            new = self.folder / BUILDING
            new.mkdir()
            linked: dict[Look, tuple[int, str]] = {}
            unusable = None
            if self._names() and not afresh:
                try:
                    held = self.hold()
                    files = self._manifest((held.folder / MANIFEST).read_text(errors="replace"))
                    for name in files:
                        os.link(held.folder / name, new / name)
                    held.release()
                    linked = {held.seen[name]: known for name, known in files.items()}
                except IndexUnavailable as problem:
                    unusable = str(problem)
            if change(new):
                self._publish(new, linked)
            self._clear_leftovers()
        return unusable

    def _hold_newest(self, name: str | None) -> HeldGeneration:
        problem: Exception | None = None
        for candidate in dict.fromkeys([*([name] if name else []), *self._names()]):
            try:
                return self._checked(self.folder / candidate)
            except FileNotFoundError:
                if candidate == name and self.current() != name:
                    raise
                problem = problem or _Damaged(f"a file of generation {candidate} is missing")
            except _Damaged as damaged:
                problem = problem or damaged
        raise IndexUnavailable(f"The index cannot be used ({problem}): `playhead index` makes it anew.")

    def _checked(self, folder: Path) -> HeldGeneration:
        """Raises _Damaged, or FileNotFoundError."""
        lock = (folder / MANIFEST).open(errors="replace")  # bytes that are no text fail the check below
        try:
            share_lock(lock)
            files = self._manifest(lock.read())
            seen = _looks(folder, files)
            if seen != self._remembered(folder):
                for name, (size, sha256) in files.items():
                    if seen[name][0] != size or sha256_of(folder / name) != sha256:
                        raise _Damaged(f"{name} of generation {folder.name} is not what was written")
                self._remember(folder, seen)
        except BaseException:
            lock.close()
            raise
        return HeldGeneration(folder, lock, seen)

    def _manifest(self, text: str) -> Files:
        try:
            body, seal = text.rsplit("\n", 1)
            if hashlib.sha256(body.encode()).hexdigest() != seal:
                raise _Damaged("its manifest is not what was written")
            data = json.loads(body)
        except ValueError as problem:
            raise _Damaged("its manifest is not what was written") from problem
        if data["made_by"] != self.stamp:
            raise _Damaged(f"it was made by {_versions(data['made_by'])}, and this is {_versions(self.stamp)}")
        return {name: (size, sha256) for name, (size, sha256) in data["files"].items()}

    def _publish(self, new: Path, linked: dict[Look, tuple[int, str]]) -> None:
        files: Files = {}
        for name, look in _looks(new, sorted(path.name for path in new.iterdir())).items():
            if look not in linked:
                with (new / name).open("rb") as file:
                    os.fsync(file.fileno())
            files[name] = linked.get(look) or (look[0], sha256_of(new / name))
        body = json.dumps({"made_by": self.stamp, "files": files}, indent=1)
        write_whole(new / MANIFEST, f"{body}\n{hashlib.sha256(body.encode()).hexdigest()}".encode())
        name = f"{max([0, *map(int, self._names())]) + 1:08}"
        new.rename(self.folder / name)
        write_whole(self.folder / POINTER, name.encode())

    def _clear_leftovers(self) -> None:
        """Removes what a crash left, and old generations that nobody reads; keeps the two newest."""
        shutil.rmtree(self.folder / BUILDING, ignore_errors=True)
        kept = {self.current(), *self._names()[:2]}
        for name in self._names():
            if name not in kept and _is_free(self.folder / name):
                shutil.rmtree(self.folder / name, ignore_errors=True)
                self._memory(self.folder / name).unlink(missing_ok=True)

    def _names(self) -> list[str]:
        """The names of all generations, the newest first."""
        if not self.folder.is_dir():
            return []
        return sorted((path.name for path in self.folder.iterdir() if path.name.isdecimal()), reverse=True)

    def _memory(self, folder: Path) -> Path:
        return self.folder / f"checked-{folder.name}.json"

    def _remembered(self, folder: Path) -> dict[str, Look] | None:
        """Size, time and inode of the files when their bytes were last checked; None where that is not known."""
        try:
            data = json.loads(self._memory(folder).read_bytes())
            return {name: tuple(look) for name, look in data.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return None

    def _remember(self, folder: Path, seen: dict[str, Look]) -> None:
        with contextlib.suppress(OSError):  # a read-only library: the next reader checks again
            write_whole(self._memory(folder), json.dumps(seen).encode())


def _looks(folder: Path, names: Iterable[str]) -> dict[str, Look]:
    stats = {name: (folder / name).stat() for name in names}
    return {name: (stat.st_size, stat.st_mtime_ns, stat.st_ino) for name, stat in stats.items()}


def _is_free(folder: Path) -> bool:
    """Whether nobody reads this generation."""
    try:
        with (folder / MANIFEST).open() as lock:
            return lock_alone(lock)
    except OSError:
        return True  # without a manifest nobody can read it


def _versions(stamp: Stamp) -> str:
    return ", ".join(f"{name} {version}" for name, version in stamp.items())
