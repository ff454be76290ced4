"""A transcript as an index takes it: its comparable words one by one, and pages of what was said to show hits from.

A *position* is the number of a comparable word in its episode, from 0. A written word such as "peer-to-peer" has three
positions, a lone dash none.
"""

import dataclasses
import itertools
import json
import struct
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from search.query.words import COMMON, words_of_token
from transcribe.library.episode import Episode
from transcribe.library.transcript import Segment, Transcript, Word

PAGE_WORDS = 64  # written words a page: a hit with its context touches one or two
NO_CONFIDENCE = 0xFFFF
_ONE_EACH = array("I", [1] * PAGE_WORDS).tobytes()
_CODES = "iIHI"  # of a page's columns: steps, lengths, confidences, sizes; a step back where people speak at once


class StoredWord(NamedTuple):
    """A written word of a transcript, as a hit shows it. A tuple, as a page of hits makes a thousand of them."""

    position: int  # of its first comparable word
    size: int  # in comparable words: 0 for a lone dash
    start_ms: int
    end_ms: int
    text: str
    confidence: float | None
    segment: int  # the id of its segment
    speaker: str | None
    flags: tuple[str, ...]


SegmentInfo = tuple[int, str | None, tuple[str, ...]]  # of a segment: id, speaker, flags


@dataclass(frozen=True, slots=True)
class WordColumns:
    """Written words in a row, as columns that are read only where they are looked at.

    A page of hits has a thousand words before it and shows a few hundred.
    """

    positions: Sequence[int]  # of the first comparable word of each
    sizes: "array[int]"  # in comparable words
    start_ms: int  # of the first word
    steps: "array[int]"  # milliseconds from the start of the word before, negative where people speak at once; first 0
    lengths: "array[int]"  # milliseconds
    confidences: "array[int]"  # thousandths, or NO_CONFIDENCE
    texts: list[str]
    firsts: list[int]  # the index of each segment's first word here
    told: list[SegmentInfo]  # of each segment

    def __len__(self) -> int:
        return len(self.texts)

    def __add__(self, following: "WordColumns") -> "WordColumns":
        """With the words that follow."""
        step = following.start_ms - self.start(len(self) - 1)
        begun = int(following.told[0] == self.told[-1])  # a segment that goes on from one page to the next
        return WordColumns(
            [*self.positions, *following.positions],
            self.sizes + following.sizes,
            self.start_ms,
            self.steps + array("i", [step]) + following.steps[1:],
            self.lengths + following.lengths,
            self.confidences + following.confidences,
            self.texts + following.texts,
            self.firsts + [len(self) + first for first in following.firsts[begun:]],
            self.told + following.told[begun:],
        )

    def start(self, index: int) -> int:
        """When a word starts, in milliseconds."""
        return self.start_ms + sum(self.steps[: index + 1])

    def end(self, begin: int, end: int) -> int:
        """When the last of the words from index `begin` to before `end` ends, in milliseconds."""
        starts = itertools.accumulate(self.steps[begin + 1 : end], initial=self.start(begin))
        return max(start + length for start, length in zip(starts, self.lengths[begin:end], strict=True))

    def segment(self, index: int) -> int:
        """Which of `firsts` and `told` is the segment of a word."""
        return bisect_right(self.firsts, index) - 1


@dataclass(frozen=True, slots=True)
class Contents:
    """What an index remembers of an episode to filter, sort and count by, without reading its words."""

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
        """Of publication."""
        return self.episode.published[:4] if self.episode.published else None

    def pages_between(self, first: int, last: int) -> range:
        """The numbers of the pages that hold these positions and those between."""
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
    position, before = 0, ("", 0)  # the word before, and when it starts
    for segment, word in transcript.words():
        found = words_of_token(word.text) if word.spoken else ()
        spoken.append(_spoken(position, len(found), segment, word))
        if word.spoken and (not turns or turns[-1][1] != segment.speaker):
            turns.append((position, segment.speaker))
        if found and segment.flags:
            _extend(doubts, position, position + len(found) - 1)
        for comparable in found:
            postings.setdefault(comparable, array("I")).extend((position, word.start_ms))
            if comparable in COMMON and before[0] in COMMON:
                pairs.setdefault(f"{before[0]} {comparable}", array("I")).extend((position - 1, before[1]))
            before = comparable, word.start_ms
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
    """A page as it is stored: columns of numbers, then the words, compressed. Starts are kept as steps: they repeat."""
    segments = [(word.segment, word.speaker, word.flags, n) for n, word in enumerate(page)]
    begun = [told for n, told in enumerate(segments) if not n or told[:3] != segments[n - 1][:3]]
    words = "\n".join([json.dumps(begun, ensure_ascii=False), *(word.text.replace("\n", " ") for word in page)])
    numbers = (
        (after.start_ms - word.start_ms for word, after in itertools.pairwise([page[0], *page])),
        (word.end_ms - word.start_ms for word in page),
        (NO_CONFIDENCE if word.confidence is None else round(word.confidence * 1000) for word in page),
        (word.size for word in page),
    )
    columns = (array(code, column) for code, column in zip(_CODES, numbers, strict=True))
    head = struct.pack("=III", page[0].position, page[0].start_ms, len(page))
    return zlib.compress(b"".join([head, *(column.tobytes() for column in columns), words.encode(errors="replace")]), 9)


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
    if sizes.tobytes() != _ONE_EACH[: 4 * count]:
        positions = list(itertools.accumulate(sizes, initial=position))[:-1]
    return WordColumns(
        positions=positions,
        sizes=sizes,
        start_ms=start_ms,
        steps=steps,
        lengths=lengths,
        confidences=confidences,
        texts=texts,
        firsts=[segment[3] for segment in segments],
        told=[(segment, speaker, tuple(flags)) for segment, speaker, flags, _ in segments],
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


def _extend(stretches: list[tuple[int, int]], first: int, last: int) -> None:
    """Adds positions at the end, to the last stretch where they follow it."""
    if stretches and stretches[-1][1] == first - 1:
        first = stretches.pop()[0]
    stretches.append((first, last))


def _spoken(position: int, count: int, segment: Segment, word: Word) -> StoredWord:
    return StoredWord(
        position,
        count,
        word.start_ms,
        word.end_ms,
        word.text,
        word.confidence,
        segment.id,
        segment.speaker,
        segment.flags,
    )
