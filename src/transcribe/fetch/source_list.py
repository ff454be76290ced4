"""The list of sources that a library's owner has named: one a line; to delete a line is to forget the source.

The addresses of private feeds stand in it as they are, and nobody but its owner may read it.
"""

import os
from collections.abc import Iterable

from transcribe.library.store import Library, write_whole
from transcribe.sources.source import Source, WebSource, source_of

NAME = "sources.txt"  # in the audio folder, which is what people keep copies of
_HEAD = "# What `playhead run` asks again, one source a line. A line that is deleted is forgotten."
_OWNERS_ALONE = 0o600


class SourceList:
    """A library's list of sources. Without a file, it has the sources that the episodes came from."""

    def __init__(self, library: Library, before: Iterable[str] = ()) -> None:
        """`before` are the addresses of sources that were named before there was a list."""
        self._library, self._path, self._before = library, library.audio / NAME, tuple(before)

    def sources(self) -> list[Source]:
        """Each source once, in the file's order; files and folders need not exist any more."""
        return [source_of(line, self._library.root) for line in dict.fromkeys(self._lines()) if _is_address(line)]

    def add(self, sources: Iterable[Source]) -> None:
        """Adds the sources that are not in the list yet, and writes the file. Raises CannotWrite.

        What lies in the audio folder is found there, and need not be named.
        """
        known = {source.address for source in self.sources()}
        audio = self._library.audio
        new = [
            source.address
            for source in sources
            if source.address not in known
            and _is_address(source.address)
            and (isinstance(source, WebSource) or not source.path.resolve().is_relative_to(audio))
        ]
        if new or not self._path.exists():
            text = "".join(f"{line}\n" for line in [*self._lines(), *dict.fromkeys(new)])
            write_whole(self._path, os.fsencode(text), _OWNERS_ALONE)

    def _lines(self) -> list[str]:
        """The lines of the file, comments included."""
        try:
            return os.fsdecode(self._path.read_bytes()).splitlines()
        except FileNotFoundError:
            return [_HEAD, *self._before]


def _is_address(line: str) -> bool:
    """Whether a line is an address; the name of a file may hold a line break and cannot be listed."""
    return bool(line.strip()) and not line.startswith("#") and line.splitlines() == [line]
