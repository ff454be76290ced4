"""Files on their way to a worker on another machine, a few megabytes at a time, so that they never fill any memory."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from transcribe.library.store import sha256_of

CHUNK_BYTES = 8 << 20
UNDER_WAY = 4  # chunks that may be sent and not yet received


@dataclass(frozen=True, slots=True)
class Content:
    """A file, or a folder of files, by what is in it."""

    name: str  # its own, which transcripts give
    files: tuple[tuple[str, str], ...]  # each one's path in the folder, "" for a file itself, and its sha256

    @property
    def key(self) -> str:
        """One for all that hold the same."""
        if len(self.files) == 1 and not self.files[0][0]:
            return self.files[0][1]
        return hashlib.sha256(repr(self.files).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a file."""

    path: str  # in the folder it is for
    start: int  # bytes of the file that come before
    data: bytes


def content(path: Path) -> Content:
    """Of a file or a folder. Raises OSError."""
    if path.is_dir():
        files = sorted(each for each in path.rglob("*") if each.is_file())
        sums = ((each.relative_to(path).as_posix(), sha256_of(each)) for each in files)
        return Content(path.resolve().name, tuple(sums))
    return Content(path.name, (("", sha256_of(path)),))


def chunks(path: Path) -> Iterator[Chunk]:
    """All of a file or a folder, under its own name. Raises OSError."""
    if path.is_dir():
        name = path.resolve().name
        for each in sorted(each for each in path.rglob("*") if each.is_file()):
            yield from _chunks(each, f"{name}/{each.relative_to(path).as_posix()}")
    else:
        yield from _chunks(path, path.name)


def take(chunk: Chunk, folder: Path) -> None:
    """Puts a part of a file where it belongs; those of one file come in order. Raises OSError."""
    path = folder / chunk.path
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab" if chunk.start else "wb") as file:
        file.write(chunk.data)


def _chunks(path: Path, name: str) -> Iterator[Chunk]:
    with path.open("rb") as file:
        start = 0
        while (data := file.read(CHUNK_BYTES)) or not start:
            yield Chunk(name, start, data)
            start += len(data)
            if not data or start >= os.fstat(file.fileno()).st_size:
                return
