"""Words to segments of readable length: a sentence or a pause ends one."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from transcribe.library.transcript import Segment, Word, joined, segment

SENTENCE_END = re.compile(r".*[.?!…。？！]['\"”’»)\]]*", re.DOTALL)
QUESTION_END = re.compile(r".*[?？]['\"”’»)\]]*", re.DOTALL)
CLAUSE_END = re.compile(r".*[,;:—、，；：]['\"”’»)\]]*", re.DOTALL)
# What has a full stop and goes on: titles and such, initials (but "so did I."), and letters with stops: U.S., e.g.
ABBREVIATION = re.compile(
    r"\W*(?:(?:mr|mrs|ms|dr|prof|st|jr|sr|rev|gen|sen|gov|vs|etc|no|vol|fig|approx|dept|est|ca|cf|inc|ltd|co"
    r"|z\.b|d\.h|bzw|usw|nr|bspw|mme|mlle|sra|dra)|(?!i\.)[^\W\d_]|(?:[^\W\d_]\.)+[^\W\d_])\.",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SegmentOptions:
    """What a reader takes in at a glance: as captions, one to six seconds."""

    pause_ms: int = 700  # silence that ends a segment by itself
    longest_ms: int = 6_000
    longest_text: int = 120  # characters
    least_ms: int = 1_000  # a shorter sentence joins a neighbour


def segments(words: Iterable[Word], options: SegmentOptions | None = None) -> tuple[Segment, ...]:
    """Segments numbered from 0, together holding every word once, in order.

    A segment ends with a sentence or before a pause. A longer one is cut after a clause, or else at its longest pause.
    A short one is joined to the one before, or else to the one behind; an answer is not joined to its question.
    """
    options = options or SegmentOptions()
    runs = _together(_readable(list(words), options), options)
    return tuple(segment(id, run) for id, run in enumerate(runs))


def _readable(words: Sequence[Word], options: SegmentOptions) -> Iterator[Sequence[Word]]:
    start = 0
    for i in range(1, len(words) + 1):
        if i == len(words) or _ends(words[i - 1], words[i], options):
            yield from _fitting(words[start:i], options)
            start = i


def _together(runs: Iterable[Sequence[Word]], options: SegmentOptions) -> list[Sequence[Word]]:
    """The same words, short sentences joined."""
    found: list[Sequence[Word]] = []
    for run in runs:
        if found and _belong(found[-1], run, options):
            found[-1] = [*found[-1], *run]
        else:
            found.append(run)
    return found


def _belong(run: Sequence[Word], following: Sequence[Word], options: SegmentOptions) -> bool:
    if min(map(_lasting_ms, (run, following))) >= options.least_ms or QUESTION_END.fullmatch(run[-1].text):
        return False
    return following[0].start_ms - run[-1].end_ms < options.pause_ms and _fits([*run, *following], options)


def _lasting_ms(run: Sequence[Word]) -> int:
    return run[-1].end_ms - run[0].start_ms


def _fits(run: Sequence[Word], options: SegmentOptions) -> bool:
    return _lasting_ms(run) <= options.longest_ms and len(joined(run)) <= options.longest_text


def _ends(word: Word, following: Word, options: SegmentOptions) -> bool:
    """Whether a segment ends between two words."""
    if following.start_ms - word.end_ms >= options.pause_ms:
        return True
    if not SENTENCE_END.fullmatch(word.text) or ABBREVIATION.fullmatch(word.text):
        return False
    return not following.text[:1].islower()  # "Wait... what?" and "at 5 p.m. or so" go on


def _fitting(run: Sequence[Word], options: SegmentOptions) -> Iterator[Sequence[Word]]:
    """The run itself if it is short enough, else the parts it is cut into."""
    if _fits(run, options) or len(run) == 1:
        yield run
        return
    at = _best_cut(run)
    yield from _fitting(run[:at], options)
    yield from _fitting(run[at:], options)


def _best_cut(run: Sequence[Word]) -> int:
    """After the clause that ends nearest to the middle, the outer fifths left out; else at the longest pause.

    Of equal pauses the one nearest to the middle: two lines of like length read best.
    """
    middle, edge = len(run) / 2, max(1, len(run) // 5)
    clauses = [i for i in range(edge, len(run) - edge + 1) if CLAUSE_END.fullmatch(run[i - 1].text)]
    if clauses:
        return min(clauses, key=lambda i: abs(i - middle))
    return max(range(1, len(run)), key=lambda i: (run[i].start_ms - run[i - 1].end_ms, -abs(i - middle)))
