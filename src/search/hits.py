"""A place found becomes a hit: what was said there, when, by whom, what stands around it, what to distrust.

The one piece of code for every index: an index finds positions, this reads the words that stand there.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from search.passages import NO_CONFIDENCE, Contents, Said
from transcribe.clock import seconds
from transcribe.transcript import spaced

CONTEXT_WORDS = 24  # shown on either side at most
CONTEXT_LEAST = 8  # shown on either side even where the segment ends sooner


@dataclass(frozen=True, slots=True)
class Hit:
    """One occurrence of what was looked for. Text and offsets, never HTML."""

    contents: Contents  # of its episode
    start_ms: int  # of the first matched word
    end_ms: int  # of the last matched word
    before: str
    text: str  # from the first matched word to the last
    after: str
    marks: tuple[tuple[int, int], ...]  # character ranges of text that matched, end exclusive
    segments: tuple[int, ...]  # ids of the segments it touches
    speaker: str | None  # of the first matched word
    confidence: float | None  # mean of the words from the first to the last
    flags: tuple[str, ...]  # of the segments it touches

    @property
    def fragment(self) -> str:
        """Where it begins, as a media fragment: `t=754.2`."""
        return f"t={seconds(self.start_ms)}"

    def to_json(self) -> dict[str, Any]:
        """As the API gives it."""
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
            "audio": f"/audio/{episode.id}#{self.fragment},{seconds(self.end_ms + 99)}",
        }


def positions_around(first: int, last: int) -> tuple[int, int]:
    """The positions whose words must be read to show a hit from first to last."""
    return max(0, first - CONTEXT_WORDS), last + CONTEXT_WORDS


def hit(contents: Contents, said: Said, first: int, last: int, matched: Sequence[tuple[int, int]]) -> Hit:
    """The hit from position `first` to `last`.

    `said` holds the written words of at least `positions_around`; `matched` are the ranges of positions, both ends
    included, of each term within the hit.
    """
    begin, end = bisect_right(said.positions, first) - 1, bisect_right(said.positions, last)
    inside = slice(begin, end)
    told = dict.fromkeys(said.told[inside])
    sure = [given for given in said.confidences[inside] if given != NO_CONFIDENCE]
    return Hit(
        contents=contents,
        start_ms=said.starts[begin],
        end_ms=max(said.ends[inside]),
        before=spaced(said.texts[_before(said, begin) : begin]),
        text=spaced(said.texts[inside]),
        after=spaced(said.texts[end : _after(said, end)]),
        marks=_marks(said, inside, matched),
        segments=tuple(segment for segment, _, _ in told),
        speaker=said.told[begin][1],
        confidence=round(sum(sure) / len(sure) / 1000, 3) if sure else None,
        flags=tuple(dict.fromkeys(flag for _, _, flags in told for flag in flags)),
    )


def _before(said: Said, begin: int) -> int:
    """Where the context starts: with the hit's segment, or sooner where that would show too little."""
    least, most = max(0, begin - CONTEXT_LEAST), max(0, begin - CONTEXT_WORDS)
    while least > most and said.told[least - 1][0] == said.told[begin][0]:
        least -= 1
    return least


def _after(said: Said, end: int) -> int:
    count = len(said.texts)
    least, most = min(count, end + CONTEXT_LEAST), min(count, end + CONTEXT_WORDS)
    while least < most and said.told[least][0] == said.told[end - 1][0]:
        least += 1
    return least


def _marks(said: Said, inside: slice, matched: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Character ranges in the text of the words inside that belong to a match, neighbours joined."""
    marks: list[tuple[int, int]] = []
    whole, at = spaced(said.texts[inside]), 0
    joins = False  # whether the word before belongs to the same match
    for text, position, size in zip(said.texts[inside], said.positions[inside], said.sizes[inside], strict=True):
        at = whole.index(text, at) + len(text)
        if not size:
            continue  # a lone dash parts nothing
        mine = [last for first, last in matched if first < position + size and position <= last]
        if mine:
            marks.append((marks.pop()[0] if joins else at - len(text), at))
        joins = any(last >= position + size for last in mine)
    return tuple(marks)
