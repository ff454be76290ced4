"""Playhead as one of the compared systems."""

import shutil
from pathlib import Path

from bench.corpus import Asked
from bench.peers import size
from search.index.contract import Request
from search.index.library_index import LibraryIndex
from search.index.opensearch.connection import LONG_S, Cluster, Connection
from search.index.opensearch.library_index import OpenSearchLibraryIndex
from search.query.parser import parse
from transcribe.library.store import Library


class Playhead:
    """The index of a library, as `playhead index` builds and `playhead search` asks it."""

    def __init__(self, folder: Path) -> None:
        self.library = Library(folder / "library")
        self.library_index = LibraryIndex(self.library)
        self._files = self.library.state / "index"

    def build(self) -> None:
        shutil.rmtree(self._files, ignore_errors=True)  # else the generation before would stay, and be counted
        self.library_index.refresh()

    def open(self) -> None:
        self._index = self.library_index.index()

    def ask(self, asked: Asked) -> int | None:
        return self._index.search(Request(parse(text(asked)), facets=False)).total

    def size(self) -> int:
        return size(self._files)


class PlayheadOnOpenSearch(Playhead):
    """The same on a cluster, as with `--index`."""

    def __init__(self, folder: Path, urls: str) -> None:
        super().__init__(folder)
        self._cluster = Cluster.at(urls)
        self.library_index = OpenSearchLibraryIndex(self.library, self._cluster)

    def build(self) -> None:
        self.library_index.refresh(rebuild=True)

    def size(self) -> int:
        """With all copies, as the cluster says it."""
        alias = OpenSearchLibraryIndex(self.library, self._cluster).alias()
        told = Connection(self._cluster).call("GET", f"/{alias}/_stats/store", patience_s=LONG_S)
        return int(told["_all"]["total"]["store"]["size_in_bytes"])


def text(asked: Asked) -> str:
    """A query as a person types it."""
    match asked.kind:
        case "prefix":
            return f"{asked.words[0]}*"
        case "near":
            return " ".join(asked.words)
    return f'"{" ".join(asked.words)}"'
