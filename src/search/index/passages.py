"""Makes of a transcript what an index stores: postings of its comparable words, and pages to show hits from.

A *position* is the number of a comparable word in its episode, from 0. A written word such as "peer-to-peer" has three
positions; a lone dash has none, and neither has what was not spoken.
"""

import dataclasses
import itertools
import json
import struct
import unicodedata
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from search.query.words import COMMON, comparable, words, words_of_token
from transcribe.library.episode import Episode
from transcribe.library.transcript import Transcript, Word, gap, spaced

PAGE_WORDS = 64  # written words a page: a hit with its context needs one or two
NO_CONFIDENCE = 0xFFFF
_ONE_EACH = array("I", [1] * PAGE_WORDS).tobytes()
_CODES = "iIHI"  # of a page's columns: steps, lengths, confidences, sizes; a step is negative where people overlap
_JOINS = (None, False, True)  # as a word has it, by number
_LONGEST_WORD = 256  # characters: what goes on for longer is no word that somebody said
_INSIDE_A_WORD = ("", "'", '"', "״", "+", "++", "#")  # alone no part of one: unseen characters, `c++`, Hebrew's צה״ל
_JOINS_SHIFT = 30  # where that number is in the column of sizes: above any size, and mostly nothing


class StoredWord(NamedTuple):
    """A written word of a transcript, as a hit shows it. A tuple, since a page of hits makes a thousand of them."""

    position: int  # of its first comparable word
    size: int  # in comparable words: 0 for a lone dash
    start_ms: int
    end_ms: int
    text: str
    confidence: float | None
    segment: int  # the id of its segment
    speaker: str | None
    flags: tuple[str, ...]
    joined: bool | None = None  # as `Word` has it


SegmentInfo = tuple[int, str | None, tuple[str, ...]]  # of a segment: id, speaker, flags


@dataclass(frozen=True, slots=True)
class WordColumns:
    """Written words in a row, as columns. Python objects are made only of the words that are shown.

    A page of hits unpacks a thousand words and shows a few hundred.
    """

    positions: Sequence[int]  # of the first comparable word of each
    sizes: "array[int]"  # in comparable words
    start_ms: int  # of the first word
    steps: "array[int]"  # milliseconds since the start of the word before, negative where people overlap; the first 0
    lengths: "array[int]"  # milliseconds
    confidences: "array[int]"  # thousandths, or NO_CONFIDENCE
    joins: bytes  # the number in _JOINS
    texts: list[str]
    firsts: list[int]  # the index of each segment's first word here
    infos: list[SegmentInfo]  # of each segment

    def __len__(self) -> int:
        return len(self.texts)

    def __add__(self, following: "WordColumns") -> "WordColumns":
        """These words and those that follow."""
        step = following.start_ms - self.start(len(self) - 1)
        begun = int(following.infos[0] == self.infos[-1])  # a segment that goes on from one page to the next
        return WordColumns(
            [*self.positions, *following.positions],
            self.sizes + following.sizes,
            self.start_ms,
            self.steps + array("i", [step]) + following.steps[1:],
            self.lengths + following.lengths,
            self.confidences + following.confidences,
            self.joins + following.joins,
            self.texts + following.texts,
            self.firsts + [len(self) + first for first in following.firsts[begun:]],
            self.infos + following.infos[begun:],
        )

    def start(self, index: int) -> int:
        """The start of a word, in milliseconds."""
        return self.start_ms + sum(self.steps[: index + 1])

    def end(self, begin: int, end: int) -> int:
        """The latest end of the words from index `begin` to before `end`, in milliseconds."""
        starts = itertools.accumulate(self.steps[begin + 1 : end], initial=self.start(begin))
        return max(start + length for start, length in zip(starts, self.lengths[begin:end], strict=True))

    def text(self, begin: int, end: int) -> str:
        """The words from index `begin` to before `end`, as they are read."""
        texts, joins = self.texts[begin:end], self.joins[begin:end]
        if any(joins):
            return spaced(texts, [_JOINS[join] for join in joins])
        text = " ".join(texts)
        return text if text.isascii() else spaced(texts)

    def is_joined(self, index: int) -> bool:
        """Whether no space stands before a word; not where there is none before it here."""
        if not 0 < index < len(self):
            return False
        join, text = _JOINS[self.joins[index]], self.texts[index]
        return bool(join) if text.isascii() else not gap(self.texts[index - 1], text, join)

    def segment(self, index: int) -> int:
        """The index in `firsts` and `infos` of a word's segment."""
        return bisect_right(self.firsts, index) - 1


@dataclass(frozen=True, slots=True)
class Contents:
    """What an index stores of an episode to filter, sort and count by, without reading its words."""

    episode: Episode
    duration_ms: int
    audio_sha256: str | None
    language: str
    engine: str  # "whisper small"
    words: int
    digest: str  # sha256 of the transcript's file
    page_firsts: "array[int]"  # the first position of each page
    turns: tuple[tuple[int, str | None], ...]  # (first position, speaker) wherever the speaker changes
    doubts: tuple[tuple[int, int], ...]  # first and last position of each stretch of flagged segments

    @property
    def year(self) -> str | None:
        """The year of publication."""
        return self.episode.published[:4] if self.episode.published else None

    def pages_between(self, first: int, last: int) -> range:
        """The numbers of the pages that hold the positions from `first` to `last`."""
        if not self.page_firsts:
            return range(0)
        return range(max(0, bisect_right(self.page_firsts, first) - 1), bisect_right(self.page_firsts, last))


@dataclass(frozen=True, slots=True)
class Passages:
    """One transcript, ready to be indexed."""

    contents: Contents
    postings: "dict[str, array[int]]" = field(repr=False)  # word -> position, start_ms, position, start_ms, ...
    pairs: "dict[str, array[int]]" = field(repr=False)  # "of the", two common words -> the same of the first of them
    pages: tuple[bytes, ...] = field(repr=False)


def passages(transcript: Transcript, digest: str) -> Passages:
    """Everything an index needs of a transcript; `digest` is the sha256 of its file."""
    postings: dict[str, array[int]] = {}
    pairs: dict[str, array[int]] = {}
    turns: list[tuple[int, str | None]] = []
    doubts: list[tuple[int, int]] = []
    spoken: list[StoredWord] = []
    position, before = 0, ("", 0)  # the word before, and its start_ms
    written = ((part, word) for part in transcript.segments for word in _whole(part.words))
    for segment, word in written:
        found = words_of_token(word.text) if word.spoken else ()
        about = segment.id, segment.speaker, segment.flags, word.joined
        spoken.append(StoredWord(position, len(found), word.start_ms, word.end_ms, word.text, word.confidence, *about))
        if word.spoken and (not turns or turns[-1][1] != segment.speaker):
            turns.append((position, segment.speaker))
        if found and segment.flags:
            begun = doubts.pop()[0] if doubts and doubts[-1][1] == position - 1 else position
            doubts.append((begun, position + len(found) - 1))
        for one in found:
            postings.setdefault(one, array("I")).extend((position, word.start_ms))
            if one in COMMON and before[0] in COMMON:
                pairs.setdefault(f"{before[0]} {one}", array("I")).extend((position - 1, before[1]))
            before = one, word.start_ms
            position += 1
    pages = [spoken[at : at + PAGE_WORDS] for at in range(0, len(spoken), PAGE_WORDS)]
    contents = Contents(
        episode=transcript.episode,
        duration_ms=transcript.duration_ms,
        audio_sha256=transcript.audio.sha256 if transcript.audio else None,
        language=transcript.language,
        engine=f"{transcript.engine.name} {transcript.engine.model}".strip(),
        words=position,
        digest=digest,
        page_firsts=array("I", (page[0].position for page in pages)),
        turns=tuple(turns),
        doubts=tuple(doubts),
    )
    return Passages(contents, postings, pairs, tuple(pack(page) for page in pages))


def pack(page: list[StoredWord]) -> bytes:
    """A page as it is stored: columns of numbers, then the words, compressed. Starts are stored as steps."""
    segments = [(word.segment, word.speaker, word.flags, n) for n, word in enumerate(page)]
    begun = [info for n, info in enumerate(segments) if not n or info[:3] != segments[n - 1][:3]]
    said = "\n".join([json.dumps(begun, ensure_ascii=False), *(word.text.replace("\n", " ") for word in page)])
    numbers = (
        (after.start_ms - word.start_ms for word, after in itertools.pairwise([page[0], *page])),
        (word.end_ms - word.start_ms for word in page),
        (NO_CONFIDENCE if word.confidence is None else round(word.confidence * 1000) for word in page),
        (word.size | _JOINS.index(word.joined) << _JOINS_SHIFT for word in page),
    )
    columns = (array(code, column) for code, column in zip(_CODES, numbers, strict=True))
    head = struct.pack("=III", page[0].position, page[0].start_ms, len(page))
    return zlib.compress(b"".join([head, *(column.tobytes() for column in columns), said.encode(errors="replace")]), 9)


def unpack(data: bytes) -> WordColumns:
    """The inverse of `pack`."""
    data = zlib.decompress(data)
    position, start_ms, count = struct.unpack_from("=III", data)
    steps, lengths, confidences, sizes, at = *(array(code) for code in _CODES), 12
    for column in (steps, lengths, confidences, sizes):
        column.frombytes(data[at : (at := at + count * column.itemsize)])
    begun, *texts = data[at:].decode().split("\n")
    segments = json.loads(begun)
    positions: Sequence[int] = range(position, position + count)  # as on most pages of speech
    joins = bytes(count)
    if sizes.tobytes() != _ONE_EACH[: 4 * count]:
        joins = bytes(size >> _JOINS_SHIFT for size in sizes)
        sizes = array("I", (size & ~(-1 << _JOINS_SHIFT) for size in sizes)) if any(joins) else sizes
        positions = list(itertools.accumulate(sizes, initial=position))[:-1]
    return WordColumns(
        positions=positions,
        sizes=sizes,
        start_ms=start_ms,
        steps=steps,
        lengths=lengths,
        confidences=confidences,
        joins=joins,
        texts=texts,
        firsts=[segment[3] for segment in segments],
        infos=[(segment, speaker, tuple(flags)) for segment, speaker, flags, _ in segments],
    )


def pack_contents(contents: Contents) -> bytes:
    """Contents as they are stored."""
    return json.dumps({**dataclasses.asdict(contents), "page_firsts": contents.page_firsts.tolist()}).encode()


def unpack_contents(data: bytes) -> Contents:
    """The inverse of `pack_contents`."""
    fields = json.loads(data)
    fields["episode"] = Episode(**fields["episode"])
    fields["page_firsts"] = array("I", fields["page_firsts"])
    for name in ("turns", "doubts"):
        fields[name] = tuple(map(tuple, fields[name]))
    return Contents(**fields)


def _whole(parts: Iterable[Word]) -> Iterator[Word]:
    """A segment's words; parts of a word, each with a time of its own, as the one word that they are."""
    whole: Word | None = None
    for part in parts:
        if whole and _is_torn(whole, part):
            end_ms = max(whole.end_ms, part.end_ms)
            whole = dataclasses.replace(whole, text=whole.text + part.text, end_ms=end_ms)
        else:
            if whole:
                yield whole
            whole = part
    if whole:
        yield whole


def _is_torn(whole: Word, part: Word) -> bool:
    """Whether a comparable word goes on from the one to the other.

    Older transcripts have a space between all characters of some scripts, between a letter and its vowel sign too.
    """
    if not part.joined and (part.text.isascii() or not unicodedata.category(part.text[0]).startswith("M")):
        return False
    if not (whole.spoken and part.spoken) or len(whole.text) > _LONGEST_WORD:
        return False
    alone = words_of_token(part.text)
    if not alone and comparable(part.text) in _INSIDE_A_WORD:
        return True
    return words(whole.text + part.text) != [*words_of_token(whole.text), *alone]
