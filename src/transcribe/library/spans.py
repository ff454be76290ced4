"""Stretches of time: in order, joined, one set without another. All in milliseconds."""

from collections.abc import Iterable, Iterator

from transcribe.library.transcript import Span


def merged(spans: Iterable[Span], gap_ms: int = 0) -> list[Span]:
    """The same stretches in order, those that overlap, touch, or are no further than `gap_ms` apart made one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start - found[-1][1] <= gap_ms:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def without(spans: Iterable[Span], holes: Iterable[Span]) -> Iterator[Span]:
    """What of some stretches lies in none of the others. Both in order, and disjoint, as `merged` gives them."""
    waiting = iter(holes)
    hole = next(waiting, None)
    for start, end in spans:
        while hole and hole[1] <= start:
            hole = next(waiting, None)
        while hole and hole[0] < end:
            if start < hole[0]:
                yield start, hole[0]
            start = hole[1]
            if start >= end:  # it may reach into the next stretch as well
                break
            hole = next(waiting, None)
        if start < end:
            yield start, end


def total_ms(spans: Iterable[Span]) -> int:
    """How long they are together, where they do not overlap."""
    return sum(end - start for start, end in spans)
