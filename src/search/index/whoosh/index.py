"""The embedded index, on Whoosh. Outside this file only Whoosh's stemmer is used.

Layout. An episode is one Whoosh document. The posting of a word in it holds every position and start time. The
documents right behind it hold the pages of its written words. With whole episodes as documents, a phrase is found
across segments, captions and speakers; with times in the postings, words within 30 s are found without reading
anything else. Postings are decoded into NumPy arrays, a block of documents at a time, and matched there: Whoosh's own
matchers take a Python step for each document and position.
"""

import functools
import itertools
import sys
import threading
import weakref
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import whoosh.columns
import whoosh.fields
import whoosh.formats
import whoosh.index
import whoosh.lang.porter
import whoosh.matching
import whoosh.reading
import whoosh.writing
from numpy.typing import NDArray
from whoosh.codec.whoosh3 import W3Codec
from whoosh.filedb.filestore import FileStorage
from whoosh.filedb.structfile import BufferFile, StructFile

from search.index.contract import Answer, Request, hits_holding
from search.index.hits import Hit
from search.index.matching import DOCUMENT_BITS, NOWHERE, POSITION_MASK, Occurrences, Places, Points
from search.index.passages import Contents, Passages, WordColumns, pack_contents, unpack, unpack_contents
from search.index.searcher import Searcher
from search.index.whoosh.posting_cache import PostingCache
from search.query.spelling import nearest

STAMP = {"index": "4", "whoosh": whoosh.versionstring(), "byteorder": sys.byteorder}

# Caches. Speech has few common words: with this size of the first, 500 hours of speech are read once.
_POSTINGS_BYTES = 96 << 20
_DECODED_BYTES = 32 << 20
_REMEMBERED_PAGES = 512  # about 15 kB each
_WORTH_REMEMBERING = 1_000  # occurrences: fewer are decoded as fast as they are looked up
_BYTES_OVERHEAD = 16  # of a posting in one document
_BLOCK = 4096  # documents in a block of postings: blocks are read whole, so one for each word is best
_WRITER_MEMORY_MB = 128


class Postings(whoosh.fields.FieldType):  # type: ignore[misc] # Whoosh has no types
    """A field of finished postings: word -> positions and start times, as two interleaved columns of 32-bit numbers."""

    def __init__(self) -> None:
        super().__init__(whoosh.formats.Existence(), None)
        self.format.posting_size = -1  # the values are ours, of any size

    def index(self, value: "dict[str, array[int]]", **_: Any) -> Iterator[tuple[bytes, int, float, bytes]]:
        """The postings as Whoosh takes them: word, frequency, weight, value."""
        for word, numbers in value.items():
            yield word.encode(errors="replace"), len(numbers) // 2, len(numbers) // 2, numbers.tobytes()


_SCHEMA = whoosh.fields.Schema(
    id=whoosh.fields.ID(),
    said=Postings(),
    pairs=Postings(),
    contents=whoosh.fields.COLUMN(whoosh.columns.VarBytesColumn()),
    page=whoosh.fields.COLUMN(whoosh.columns.VarBytesColumn()),
)


def digests(folder: Path) -> dict[str, str]:
    """The episodes (ids) in the index of a folder, each with the digest of its transcript; none in an empty folder."""
    if not any(folder.iterdir()):
        return {}
    index = WhooshIndex(folder)
    try:
        return {contents.episode.id: contents.digest for contents in index.contents()}
    finally:
        index.close()


class WhooshWriter:
    """Changes the index in a folder. The caller makes sure that there is one writer at a time."""

    def __init__(self, folder: Path) -> None:
        storage = FileStorage(str(folder))
        self._lock_file = folder / f"{whoosh.index._DEF_INDEX_NAME}_WRITELOCK"
        new = not whoosh.index.exists_in(str(folder))
        self._index = storage.create_index(_SCHEMA) if new else storage.open_index()

    def update(self, changed: Iterable[Passages], removed: Iterable[str]) -> None:
        """Adds or replaces episodes and removes others (ids), in one commit."""
        # Not compound: to open a compound file, Whoosh reads all of it into memory.
        writer = self._index.writer(codec=W3Codec(_BLOCK, compression=0), limitmb=_WRITER_MEMORY_MB, compound=False)
        try:
            for episode_id in removed:
                writer.delete_by_term("id", episode_id)
            for passages in changed:
                _add(writer, passages)
        except BaseException:
            writer.cancel()
            raise
        writer.commit()
        self._lock_file.unlink(missing_ok=True)  # Whoosh leaves it behind


def _add(writer: whoosh.writing.SegmentWriter, passages: Passages) -> None:
    name = passages.contents.episode.id
    writer.delete_by_term("id", name)
    writer.add_document(
        id=name, said=passages.postings, pairs=passages.pairs, contents=pack_contents(passages.contents)
    )
    for page in passages.pages:
        writer.add_document(id=name, page=page)


class WhooshIndex:
    """The index in a folder that does not change any more, open for reading. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        """The caller has checked that the files are whole: Whoosh unpickles them."""
        self._store = _Store(folder)
        self._searcher = Searcher(self._store, dict(self._store.contents()))
        self._closing = weakref.finalize(self, self._store.close)  # Whoosh would leave its files open

    def close(self) -> None:
        """Closes its files."""
        self._closing()

    def contents(self) -> Sequence[Contents]:
        """Every episode, the newest first."""
        facets = self._searcher.facets
        return [facets.episodes[number] for number in facets.newest_first]

    def search(self, request: Request) -> Answer:
        """The page of hits asked for. See `contract.Index`."""
        return self._searcher.answer(request)

    def every(self, request: Request) -> Iterator[Hit]:
        """Every hit, one by one. See `contract.Index`."""
        return hits_holding(self, self._searcher.every(request))


class _Storage(FileStorage):  # type: ignore[misc] # Whoosh has no types
    """Reads the list of terms into memory: it is small, and Whoosh looks a term up in many small steps."""

    def open_file(self, name: str, **kwargs: Any) -> StructFile:
        if name.endswith(W3Codec.TERMS_EXT):
            return BufferFile(Path(self.folder, name).read_bytes(), name=name)
        return super().open_file(name, **kwargs)


class _Store:
    """Where words stand. See `searcher.Store`."""

    def __init__(self, folder: Path) -> None:
        self._reader = _Storage(str(folder)).open_index().reader()
        segments = self._reader.leaf_readers() if self._reader.doc_count_all() else []
        self._leaves = [_Leaf(reader, base) for reader, base in segments]
        self._lock = threading.Lock()  # Whoosh's readers share one position in a file
        self._remembered = PostingCache[_WordOccurrences](_POSTINGS_BYTES, lambda occurrences: occurrences.nbytes)
        self._decoded = PostingCache[Places](_DECODED_BYTES, lambda places: places.first.nbytes + places.start.nbytes)
        self._page = functools.lru_cache(_REMEMBERED_PAGES)(functools.partial(_read_page, self._leaves, self._lock))

    def close(self) -> None:
        """Closes its files."""
        self._reader.close()

    def contents(self) -> Iterator[tuple[int, Contents]]:
        """The contents of every episode, with its document's number."""
        return itertools.chain.from_iterable(leaf.contents() for leaf in self._leaves)

    def occurrences(self, word: str) -> Occurrences:
        """The occurrences of a word; they are decoded when they are asked for."""
        return self._remembered.get(word, lambda: self._read("said", word))

    def pair(self, first: str, second: str) -> Occurrences:
        """The occurrences of two common words side by side."""
        words = f"{first} {second}"
        return self._remembered.get(words, lambda: self._read("pairs", words))

    def _read(self, field: str, words: str) -> "_WordOccurrences":
        with self._lock:
            parts = [part for leaf in self._leaves if (part := leaf.postings(field, words))]
        return _WordOccurrences(words, parts, self._decoded)

    def beginning_with(self, prefix: str) -> list[str]:
        """Every word with this beginning."""
        with self._lock:
            return [word.decode() for word in self._reader.expand_prefix("said", prefix)]

    def alike(self, word: str) -> list[str]:
        """Every word of the same stem, by Porter's rules.

        A stem differs from its words only in the last letters, so these words follow one another in the index.
        """
        stem = whoosh.lang.porter.stem(word)
        near = self.beginning_with(stem[: max(1, len(stem) - 2)])
        return [other for other in near if whoosh.lang.porter.stem(other) == stem]

    def nearest(self, word: str) -> list[str]:
        """See `spelling.nearest`."""
        with self._lock:
            return nearest(word, functools.partial(self._within, word))

    def _within(self, word: str, distance: int) -> dict[str, float]:
        near = self._reader.terms_within("said", word, distance, prefix=1)
        return {other: self._reader.frequency("said", other) for other in near}

    def page(self, document: int, number: int) -> WordColumns:
        """A page of a document's episode: its pages are the documents right behind it."""
        return self._page(document + 1 + number)


class _Leaf:
    """One Whoosh segment and the number of its first document in the whole index."""

    def __init__(self, reader: whoosh.reading.SegmentReader, base: int) -> None:
        self.base = base
        self._reader = reader
        self._pages = reader.column_reader("page")
        self._deleted = frozenset(reader.segment().deleted_docs())

    def contents(self) -> Iterator[tuple[int, Contents]]:
        """The contents of every episode here, with its document's number in the whole index."""
        column = self._reader.column_reader("contents")
        for number in self._reader.all_doc_ids():
            if data := column[number]:
                yield self.base + number, unpack_contents(data)

    def page(self, number: int) -> bytes:
        """The page in the document of that number in the whole index."""
        return bytes(self._pages[number - self.base])

    def postings(self, field: str, word: str) -> "_Postings | None":
        """The postings of a word in this segment; None where it has none. Reads a block of documents at a time."""
        try:
            matcher = self._reader.postings(field, word)
        except whoosh.reading.TermNotFound:
            return None
        matcher = getattr(matcher, "child", matcher)  # without Whoosh's slower filter of deleted documents
        documents: list[int] = []
        values: list[bytes] = []
        while matcher.is_active():
            matcher._read_ids()
            matcher._read_values()
            documents += matcher._ids
            values += matcher._values
            matcher._next_block()
        if self._deleted:
            there = [number not in self._deleted for number in documents]
            documents, values = list(itertools.compress(documents, there)), list(itertools.compress(values, there))
        return _Postings.of(np.array(documents, np.int64) + self.base, values)


def _read_page(leaves: Sequence[_Leaf], lock: threading.Lock, number: int) -> WordColumns:
    with lock:
        data = next(leaf for leaf in reversed(leaves) if leaf.base <= number).page(number)
    return unpack(data)


@dataclass(frozen=True, slots=True)
class _Postings:
    """A word's postings in one segment: all documents' numbers in one array."""

    documents: Points  # ascending
    ends: NDArray[np.int64]  # a 0, then the index in `numbers` at which each document's numbers end
    numbers: NDArray[np.uint32]  # position and start_ms of each occurrence, shape (occurrences, 2)

    @classmethod
    def of(cls, documents: Points, values: list[bytes]) -> "_Postings":
        """Made of the value that each document has in the index."""
        ends = np.fromiter(itertools.accumulate(map(len, values), initial=0), np.int64, len(values) + 1)
        return cls(documents, ends // 8, np.frombuffer(b"".join(values), np.uint32).reshape(-1, 2))

    def __len__(self) -> int:
        return len(self.numbers)

    def numbers_of(self, documents: Points) -> NDArray[np.int64]:
        """The indices in `documents` of those of these documents that have the word."""
        at = np.searchsorted(self.documents, documents)
        at = at[: int(np.searchsorted(documents, self.documents[-1], side="right"))] if len(self.documents) else at[:0]
        found: NDArray[np.int64] = at[self.documents[at] == documents[: len(at)]]
        return found

    def holds(self, document: int, position: int) -> bool:
        """Whether the word stands there. It uses memory views: an array's item takes Python three times as long."""
        documents, ends, positions = self.documents.data, self.ends.data, self.numbers[:, 0].data
        at = bisect_left(documents, document)
        if at == len(documents) or documents[at] != document:
            return False
        there = bisect_left(positions, position, ends[at], ends[at + 1])
        return there < ends[at + 1] and bool(positions[there] == position)

    def decoded(self, chosen: NDArray[np.int64] | None) -> Places:
        """The places in the chosen documents (by index); in all where None."""
        if chosen is None:
            return _placed(self.documents, self.ends[1:] - self.ends[:-1], self.numbers)
        spans = list(zip(self.ends[chosen].tolist(), self.ends[chosen + 1].tolist(), strict=True))
        if not spans:
            return NOWHERE
        numbers = np.concatenate([self.numbers[begin:end] for begin, end in spans])
        return _placed(self.documents[chosen], np.array([end - begin for begin, end in spans]), numbers)


def _placed(documents: Points, counts: NDArray[np.int64], numbers: NDArray[np.uint32]) -> Places:
    owner = np.repeat(documents << DOCUMENT_BITS, counts)
    first: Points = np.add(owner, numbers[:, 0], dtype=np.int64)
    return Places(first, first, np.add(owner, numbers[:, 1], dtype=np.int64))


class _WordOccurrences:
    """The occurrences of one word in the whole index. See `matching.Occurrences`."""

    def __init__(self, word: str, parts: list[_Postings], decoded: PostingCache[Places]) -> None:
        self._word, self._parts, self._decoded = word, parts, decoded
        self._count = sum(map(len, parts))

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        """The bytes that they take in memory, about."""
        return 8 * self._count + _BYTES_OVERHEAD * sum(len(part.documents) for part in self._parts)

    def among(self, documents: Points | None) -> Places:
        """See `Occurrences`. Where many documents are asked for, all are decoded and kept in a cache."""
        if documents is None:
            return self._all()
        if len(documents) * 4 > sum(len(part.documents) for part in self._parts):
            return self._all()
        return _joined([part.decoded(part.numbers_of(documents)) for part in self._parts])

    def holds(self, point: int) -> bool:
        """See `Occurrences`."""
        document, position = point >> DOCUMENT_BITS, point & POSITION_MASK
        return any(part.holds(document, position) for part in self._parts)

    def _all(self) -> Places:
        if self._count < _WORTH_REMEMBERING:
            return _joined([part.decoded(None) for part in self._parts])
        return self._decoded.get(self._word, lambda: _joined([part.decoded(None) for part in self._parts]))


def _joined(parts: Sequence[Places]) -> Places:
    """The places of one segment after another."""
    parts = [part for part in parts if len(part)]
    if len(parts) < 2:
        return parts[0] if parts else NOWHERE
    first, start = (np.concatenate([getattr(part, name) for part in parts]) for name in ("first", "start"))
    return Places(first, first, start)
