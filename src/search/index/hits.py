"""Makes a hit of a place: what was said there, when, by whom, with the words around it and its flags.

Every index uses this code: an index finds positions, and this module reads the words at them.
"""

import functools
import operator
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from search.index.passages import NO_CONFIDENCE, Contents, WordColumns
from transcribe.library.clock import seconds

CONTEXT_WORDS = 24  # shown on either side at most
CONTEXT_LEAST = 8  # shown on either side even where the segment ends sooner


@dataclass(frozen=True, slots=True)
class Hit:
    """One occurrence of a query. Text and offsets, never HTML."""

    contents: Contents  # of its episode
    start_ms: int  # of the first matched word
    end_ms: int  # of the last matched word
    before: str
    text: str  # from the first matched word to the last
    after: str
    marks: tuple[tuple[int, int], ...]  # ranges of text that matched, in Unicode code points, end exclusive
    segments: tuple[int, ...]  # ids of the segments it touches
    speaker: str | None  # of the first matched word
    confidence: float | None  # mean of the words from the first to the last
    flags: tuple[str, ...]  # of the segments it touches
    joined: tuple[bool, bool] = (False, False)  # whether no space stands between it and what is before, what is after

    @property
    def fragment(self) -> str:
        """The hit's start as a media fragment: `t=754.2`."""
        return f"t={seconds(self.start_ms)}"

    def to_json(self, audio: str | None = None) -> dict[str, Any]:
        """The hit as the API gives it; `audio` is the address of the sound, the stored bytes' where not given."""
        episode = self.contents.episode
        return {
            "episode": {
                "id": episode.id,
                "show": episode.show,
                "title": episode.title,
                "published": episode.published,
                "duration_ms": self.contents.duration_ms,
            },
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "before": self.before,
            "text": self.text,
            "after": self.after,
            "marks": [list(mark) for mark in self.marks],
            "segments": list(self.segments),
            "speaker": self.speaker,
            "confidence": self.confidence,
            "flags": list(self.flags),
            "player": f"/episodes/{episode.id}#{self.fragment}",
            "audio": f"{audio or stored_address(episode.id)}#{self.fragment},{seconds(self.end_ms + 99)}",
        }


def stored_address(episode_id: str) -> str:
    """Of the stored bytes of an episode's sound."""
    return f"/audio/{episode_id}"


def hit(
    contents: Contents, read: Callable[[int], WordColumns], first: int, last: int, matched: Sequence[tuple[int, int]]
) -> Hit:
    """The hit from position `first` to `last`.

    `read` gives a page of the episode's written words by its number. `matched` are the ranges of positions of each
    term within the hit, both ends included.
    """
    said, begin, end = _around(contents, read, first, last)
    inside = slice(begin, end)
    infos = said.infos[said.segment(begin) : said.segment(end - 1) + 1]
    sure = [given for given in said.confidences[inside] if given != NO_CONFIDENCE]
    return Hit(
        contents=contents,
        start_ms=said.start(begin),
        end_ms=said.end(begin, end),
        before=said.text(_before(said, begin), begin),
        text=said.text(begin, end),
        after=said.text(end, _after(said, end)),
        marks=_marks(said, inside, matched),
        segments=tuple(segment for segment, _, _ in infos),
        speaker=infos[0][1],
        confidence=round(sum(sure) / len(sure) / 1000, 3) if sure else None,
        flags=tuple(dict.fromkeys(flag for _, _, flags in infos for flag in flags)),
        joined=(said.is_joined(begin), said.is_joined(end)),
    )


def pages_shown(contents: Contents, first: int, last: int) -> range:
    """The numbers of the pages that a hit from position `first` to `last` most likely needs."""
    pages = contents.pages_between(max(0, first - CONTEXT_WORDS), last + CONTEXT_WORDS)
    return range(pages.start, min(pages.stop, len(contents.page_firsts)))


def _around(
    contents: Contents, read: Callable[[int], WordColumns], first: int, last: int
) -> tuple[WordColumns, int, int]:
    """The words of a hit's pages, with a neighbouring page that its context reaches, and its indices in them."""
    pages = contents.pages_between(first, last)
    said = functools.reduce(operator.add, map(read, pages))
    begin, end = _indices(said, first, last)
    if pages.start and not _before(said, begin) and begin < CONTEXT_WORDS:
        said = read(pages.start - 1) + said
        begin, end = _indices(said, first, last)
    if pages.stop < len(contents.page_firsts) and _after(said, end) == len(said) < end + CONTEXT_WORDS:
        said += read(pages.stop)
    return said, begin, end


def _indices(said: WordColumns, first: int, last: int) -> tuple[int, int]:
    """The indices of the written words from position `first` to `last`, the end exclusive."""
    return bisect_right(said.positions, first) - 1, bisect_right(said.positions, last)


def _before(said: WordColumns, begin: int) -> int:
    """The index at which the context starts: that of the hit's segment, or a lower one if that is too few words."""
    segment = said.firsts[said.segment(begin)]
    return max(0, begin - CONTEXT_WORDS, min(segment, begin - CONTEXT_LEAST))


def _after(said: WordColumns, end: int) -> int:
    following = said.segment(end - 1) + 1
    segment = said.firsts[following] if following < len(said.firsts) else len(said)
    return min(len(said), end + CONTEXT_WORDS, max(segment, end + CONTEXT_LEAST))


def _marks(said: WordColumns, inside: slice, matched: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Ranges of the text of the words inside that match, in code points; those that share a word are one."""
    whole = said.text(inside.start, inside.stop)
    if len(matched) == 1:  # of one term a hit is all there is
        return ((0, len(whole)),)
    words: list[tuple[int, int]] = []  # the words of each range, end exclusive
    for begin, end in sorted(_indices(said, first, last) for first, last in matched):
        joins = bool(words) and begin < words[-1][1]
        words.append((words[-1][0], max(end, words.pop()[1])) if joins else (begin, end))
    offsets = _offsets(whole, said.texts[inside])
    return tuple(
        (offsets[begin - inside.start], offsets[end - 1 - inside.start] + len(said.texts[end - 1]))
        for begin, end in words
    )


def _offsets(whole: str, texts: Sequence[str]) -> list[int]:
    """The index in the text at which each written word begins."""
    offsets, at = [], 0
    for text in texts:
        at = whole.index(text, at)
        offsets.append(at)
        at += len(text)
    return offsets
