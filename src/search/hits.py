"""A place found becomes a hit: what was said there, when, by whom, what stands around it, what to distrust.

The one piece of code for every index: an index finds positions, this reads the words that stand there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from search.passages import Contents, Spoken
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


def hit(contents: Contents, said: Sequence[Spoken], first: int, last: int, matched: Sequence[tuple[int, int]]) -> Hit:
    """The hit from position `first` to `last`.

    `said` holds the written words of at least `positions_around`; `matched` are the ranges of positions, both ends
    included, of each term within the hit.
    """
    begin = next(n for n, word in enumerate(said) if word.position + word.size > first)
    end = next(n for n in range(begin, len(said)) if said[n].position + said[n].size > last) + 1
    inside = said[begin:end]
    sure = [word.confidence for word in inside if word.confidence is not None]
    return Hit(
        contents=contents,
        start_ms=inside[0].start_ms,
        end_ms=max(word.end_ms for word in inside),
        before=_text(said[_before(said, begin) : begin]),
        text=_text(inside),
        after=_text(said[end : _after(said, end)]),
        marks=_marks(inside, matched),
        segments=tuple(dict.fromkeys(word.segment for word in inside)),
        speaker=inside[0].speaker,
        confidence=round(sum(sure) / len(sure), 3) if sure else None,
        flags=tuple(dict.fromkeys(flag for word in inside for flag in word.flags)),
    )


def _before(said: Sequence[Spoken], begin: int) -> int:
    """Where the context starts: with the hit's segment, or sooner where that would show too little."""
    start = begin
    while start > 0 and begin - start < CONTEXT_WORDS:
        if begin - start >= CONTEXT_LEAST and said[start - 1].segment != said[begin].segment:
            break
        start -= 1
    return start


def _after(said: Sequence[Spoken], end: int) -> int:
    stop = end
    while stop < len(said) and stop - end < CONTEXT_WORDS:
        if stop - end >= CONTEXT_LEAST and said[stop].segment != said[end - 1].segment:
            break
        stop += 1
    return stop


def _text(said: Sequence[Spoken]) -> str:
    return spaced([word.text for word in said])


def _marks(inside: Sequence[Spoken], matched: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Character ranges in the text of `inside` whose words belong to a match, neighbours joined."""
    marks: list[tuple[int, int]] = []
    whole, at = _text(inside), 0
    joins = False  # whether the word before belongs to the same match
    for word in inside:
        at = whole.index(word.text, at)
        mine = [m for m in matched if word.size and m[0] < word.position + word.size and word.position <= m[1]]
        if mine and joins:
            marks[-1] = (marks[-1][0], at + len(word.text))
        elif mine:
            marks.append((at, at + len(word.text)))
        at += len(word.text)
        joins = any(last >= word.position + word.size for _, last in mine)
    return tuple(marks)
