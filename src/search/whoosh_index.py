"""The embedded index, on Whoosh: nothing of Whoosh is outside this file.

Layout. Each episode is one Whoosh document whose words carry, in their posting, every position and start time in the
episode; the documents right behind it hold the pages of what was said. Whole episodes as documents let a phrase be
found wherever it crosses a segment, a caption or a speaker; times in the postings let words within 30 s be found
without reading anything else. Postings are decoded a block of documents at a time into NumPy arrays and matched there:
Whoosh's own matchers take a Python step per document and per position.
"""

import dataclasses
import functools
import json
import sys
import threading
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import whoosh.columns
import whoosh.fields
import whoosh.formats
import whoosh.index
import whoosh.lang.porter
import whoosh.reading
import whoosh.writing
from whoosh.codec.whoosh3 import W3Codec
from whoosh.filedb.filestore import FileStorage

from search.hits import Hit, hit, positions_around
from search.index import WITHIN_MS, Answer, Request
from search.matching import DOCUMENT_BITS, NOWHERE, Places, apart_from, either, phrase, together
from search.passages import Contents, Passages, unpack
from search.query import Slot, Term
from transcribe.episode import Episode

STAMP = {"index": "1", "whoosh": whoosh.versionstring(), "byteorder": sys.byteorder}

_POSITION = (1 << DOCUMENT_BITS) - 1
_REMEMBERED_WORDS = 256  # decoded posting lists kept; the commonest words of speech are few
_WRITER_MEMORY_MB = 128


class Postings(whoosh.fields.FieldType):  # type: ignore[misc] # Whoosh has no types
    """A field of ready postings: word -> positions and start times, as two interleaved columns of 32-bit numbers."""

    def __init__(self) -> None:
        super().__init__(whoosh.formats.Existence(), None)
        self.format.posting_size = -1  # the values are ours, of any size

    def index(self, value: "dict[str, array[int]]", **_: Any) -> Iterator[tuple[bytes, int, float, bytes]]:
        """As Whoosh asks for it: word, frequency, weight, value."""
        for word, numbers in value.items():
            yield word.encode(errors="replace"), len(numbers) // 2, len(numbers) // 2, numbers.tobytes()


def _schema() -> whoosh.fields.Schema:
    return whoosh.fields.Schema(
        id=whoosh.fields.ID(),
        said=Postings(),
        contents=whoosh.fields.COLUMN(whoosh.columns.VarBytesColumn()),
        page=whoosh.fields.COLUMN(whoosh.columns.VarBytesColumn()),
    )


def digests(folder: Path) -> dict[str, str]:
    """The episodes (ids) in the index of a folder, each with the digest of its transcript; none where there is none."""
    if not any(folder.iterdir()):
        return {}
    index = WhooshIndex(folder)
    try:
        return {contents.episode.id: contents.digest for contents in index.contents()}
    finally:
        index.close()


class WhooshWriter:
    """Changes the index in a folder. The caller sees to it that there is one writer at a time."""

    def __init__(self, folder: Path) -> None:
        storage = FileStorage(str(folder))
        self._lock_file = folder / f"{whoosh.index._DEF_INDEX_NAME}_WRITELOCK"
        new = not whoosh.index.exists_in(str(folder))
        self._index = storage.create_index(_schema()) if new else storage.open_index()

    def update(self, changed: Iterable[Passages], removed: Iterable[str]) -> None:
        """Adds or replaces episodes and takes others (ids) out, in one commit."""
        writer = self._index.writer(codec=W3Codec(compression=0), limitmb=_WRITER_MEMORY_MB)
        try:
            for episode_id in removed:
                writer.delete_by_term("id", episode_id)
            for passages in changed:
                _add(writer, passages)
        except BaseException:
            writer.cancel()
            raise
        writer.commit()
        self._lock_file.unlink(missing_ok=True)  # Whoosh leaves it; it is no part of the index


def _add(writer: whoosh.writing.SegmentWriter, passages: Passages) -> None:
    name = passages.contents.episode.id
    writer.delete_by_term("id", name)
    writer.add_document(id=name, said=passages.postings, contents=_pack_contents(passages.contents))
    for page in passages.pages:
        writer.add_document(id=name, page=page)


def _pack_contents(contents: Contents) -> bytes:
    data = dataclasses.asdict(contents)
    return json.dumps({**data, "page_firsts": contents.page_firsts.tolist()}).encode()


def _unpack_contents(data: bytes) -> Contents:
    fields = json.loads(data)
    fields["episode"] = Episode(**fields["episode"])
    fields["page_firsts"] = array("I", fields["page_firsts"])
    fields["turns"] = tuple((first, speaker) for first, speaker in fields["turns"])
    return Contents(**fields)


class WhooshIndex:
    """The index in a folder that no longer changes, open for reading. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        """The caller has made sure that the files are whole: they are unpickled here."""
        self._reader = FileStorage(str(folder)).open_index().reader()
        segments = self._reader.leaf_readers() if self._reader.doc_count_all() else []
        self._leaves = [_Leaf(reader, base) for reader, base in segments]
        self._contents = {number: contents for leaf in self._leaves for number, contents in leaf.contents()}
        self._newest_first = _newest_first(self._contents)
        self._lock = threading.Lock()  # Whoosh reads through one file position
        self._places = functools.lru_cache(_REMEMBERED_WORDS)(self._read_places)

    def close(self) -> None:
        """Lets go of files."""
        self._reader.close()

    def contents(self) -> Sequence[Contents]:
        """Every episode, the newest first."""
        return [self._contents[number] for number in self._newest_first]

    def search(self, request: Request) -> Answer:
        """The hits asked for, exactly. See `index.Index`."""
        with self._lock:
            found = self._admitted(self._find(request), request)
            order = self._newest_first if request.order == "newest" else self._newest_first[::-1]
            documents, hits = np.unique(found.documents, return_counts=True)
            counts = Counter(dict(zip(documents.tolist(), hits.tolist(), strict=True)))
            page = _page(found, [number for number in order if number in counts], counts, request.offset, request.limit)
            return Answer(
                total=len(found),
                hits=tuple(self._hit(request, first, last) for first, last in page),
                facets=self._facets(found, counts),
            )

    def _find(self, request: Request) -> Places:
        """Everywhere in the index, filters aside."""
        query = request.query
        found = together([self._term(term, query.mode == "loose") for term in query.wanted], WITHIN_MS)
        for term in query.unwanted:
            found = apart_from(found, self._term(term, query.mode == "loose"), WITHIN_MS)
        return found

    def _admitted(self, found: Places, request: Request) -> Places:
        filters = request.filters
        if filters == type(filters)():
            return found
        admitted = [number for number, contents in self._contents.items() if filters.admits(contents)]
        found = found.where(np.isin(found.documents, admitted))
        if filters.speaker is None:
            return found
        spoken = [self._speaker(point) == filters.speaker for point in found.first.tolist()]
        return found.where(np.array(spoken, bool))

    def _speaker(self, point: int) -> str | None:
        return self._contents[point >> DOCUMENT_BITS].speaker_at(point & _POSITION)

    def _facets(self, found: Places, counts: Counter[int]) -> dict[str, list[tuple[str, int]]]:
        shows: Counter[str] = Counter()
        years: Counter[str] = Counter()
        for number, count in counts.items():
            contents = self._contents[number]
            shows[contents.episode.slugs[0]] += count
            if contents.year:
                years[contents.year] += count
        told_apart = [number for number in counts if any(speaker for _, speaker in self._contents[number].turns)]
        spoken = found.where(np.isin(found.documents, told_apart)) if told_apart else NOWHERE
        speakers = Counter(speaker for point in spoken.first.tolist() if (speaker := self._speaker(point)))
        return {"show": _ranked(shows), "year": _ranked(years), "speaker": _ranked(speakers)}

    def _hit(self, request: Request, first: int, last: int) -> Hit:
        number, begin, end = first >> DOCUMENT_BITS, first & _POSITION, last & _POSITION
        contents = self._contents[number]
        around = positions_around(begin, end)
        said = [
            word for page in contents.pages_between(*around) for word in unpack(self._page(number + 1 + page), *around)
        ]
        matched = [(begin, end)]
        if len(request.query.wanted) > 1:
            matched = self._matched(request, first, last)
        return hit(contents, said, begin, end, matched)

    def _matched(self, request: Request, first: int, last: int) -> list[tuple[int, int]]:
        """The ranges of positions in a hit that belong to one of the terms."""
        ranges = []
        for term in request.query.wanted:
            places = self._term(term, request.query.mode == "loose")
            low, high = np.searchsorted(places.first, (first, last + 1))
            inside = zip(places.first[low:high].tolist(), places.last[low:high].tolist(), strict=True)
            ranges += [(begin & _POSITION, end & _POSITION) for begin, end in inside if end <= last]
        return ranges

    def _page(self, number: int) -> bytes:
        return next(leaf for leaf in reversed(self._leaves) if leaf.base <= number).page(number)

    def _term(self, term: Term, loose: bool) -> Places:
        slots = [either([self._places(word) for word in self._words_of(slot, loose)]) for slot in term.slots]
        return slots[0] if len(slots) == 1 else phrase(slots)

    def _words_of(self, slot: Slot, loose: bool) -> list[str]:
        """The words of the index that a slot stands for."""
        if slot.prefix:
            return self._beginning_with(slot.word)
        if not loose:
            return [slot.word]
        stem = whoosh.lang.porter.stem(slot.word)
        # A Porter stem differs from its words in its last letters at most, so they stand together in the lexicon.
        alike = [
            word
            for word in self._beginning_with(stem[: max(1, len(stem) - 2)])
            if whoosh.lang.porter.stem(word) == stem
        ]
        return alike or [slot.word]

    def _beginning_with(self, prefix: str) -> list[str]:
        return [word.decode() for word in self._reader.expand_prefix("said", prefix)]

    def _read_places(self, word: str) -> Places:
        """Every occurrence of one word in the index."""
        found = [leaf.places(word) for leaf in self._leaves]
        columns = zip(*((places.first, places.last, places.start) for places in found if len(places)), strict=True)
        merged = [np.concatenate(column) for column in columns]
        return Places(*merged) if merged else NOWHERE


class _Leaf:
    """One Whoosh segment and the number of its first document in the whole index."""

    def __init__(self, reader: whoosh.reading.SegmentReader, base: int) -> None:
        self.base = base
        self._reader = reader
        self._pages = reader.column_reader("page")
        self._deleted = np.array(sorted(reader.segment().deleted_docs()), np.int64)

    def contents(self) -> Iterator[tuple[int, Contents]]:
        """Of every episode here, with its document's number in the whole index."""
        column = self._reader.column_reader("contents")
        for number in self._reader.all_doc_ids():
            if data := column[number]:
                yield self.base + number, _unpack_contents(data)

    def page(self, number: int) -> bytes:
        """The page in the document of that number in the whole index."""
        return bytes(self._pages[number - self.base])

    def places(self, word: str) -> Places:
        """Every occurrence of the word in this segment."""
        if ("said", word) not in self._reader:
            return NOWHERE
        documents, values = _posting_list(self._reader, word)
        numbers = np.frombuffer(b"".join(values), np.uint32).reshape(-1, 2).astype(np.int64)
        counts = np.fromiter((len(value) // 8 for value in values), np.int64, len(values))
        owner = np.repeat(np.array(documents, np.int64), counts)
        points = numbers + ((owner + self.base) << DOCUMENT_BITS)[:, None]
        if len(self._deleted):
            points = points[~np.isin(owner, self._deleted)]
        first = np.ascontiguousarray(points[:, 0])
        return Places(first, first, np.ascontiguousarray(points[:, 1]))


def _posting_list(reader: whoosh.reading.SegmentReader, word: str) -> tuple[list[int], list[bytes]]:
    """The documents of a word in one segment and its value in each, deleted ones included, a block at a time."""
    matcher = reader.postings("said", word)
    matcher = getattr(matcher, "child", matcher)  # past Whoosh's filter of deleted documents: ours is vectorised
    documents: list[int] = []
    values: list[bytes] = []
    while matcher.is_active():
        matcher._read_ids()
        matcher._read_values()
        documents += matcher._ids
        values += matcher._values
        matcher._next_block()
    return documents, values


def _newest_first(contents: dict[int, Contents]) -> list[int]:
    by_id = sorted(contents, key=lambda number: contents[number].episode.id)
    return sorted(by_id, key=lambda number: contents[number].episode.published or "", reverse=True)


def _page(found: Places, order: list[int], counts: Counter[int], offset: int, limit: int) -> Iterator[tuple[int, int]]:
    """First and last point of the hits from `offset` on, episodes taken in that order, each from its start."""
    for number in order:
        if offset >= counts[number]:
            offset -= counts[number]
            continue
        begin = int(np.searchsorted(found.first, number << DOCUMENT_BITS)) + offset
        stop = begin - offset + min(counts[number], offset + limit)
        yield from zip(found.first[begin:stop].tolist(), found.last[begin:stop].tolist(), strict=True)
        limit -= stop - begin
        offset = 0
        if limit <= 0:
            return


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
