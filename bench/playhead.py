"""Playhead as one of the compared systems."""

import shutil
from pathlib import Path

from bench.corpus import Asked

from search.archive import Archive
from search.index import Request
from search.query import parse
from transcribe.library import Library


class Playhead:
    """The index of a library, as `playhead index` builds and `playhead search` asks it."""

    def __init__(self, folder: Path) -> None:
        self.library = Library(folder / "library")
        self.files = self.library.state / "index"
        self.archive = Archive(self.library)

    def build(self) -> None:
        shutil.rmtree(self.files, ignore_errors=True)  # else the generation before would stay, and be counted
        self.archive.refresh()

    def open(self) -> None:
        self._index = self.archive.index()

    def ask(self, asked: Asked) -> int | None:
        return self._index.search(Request(parse(text(asked)), facets=False)).total


def text(asked: Asked) -> str:
    """A query as a person types it."""
    match asked.kind:
        case "prefix":
            return f"{asked.words[0]}*"
        case "near":
            return " ".join(asked.words)
    return f'"{" ".join(asked.words)}"'
