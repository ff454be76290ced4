"""Joins, subtracts and adds up spans of time, in milliseconds."""

from collections.abc import Iterable, Iterator

from transcribe.library.transcript import Span


def merged(spans: Iterable[Span], gap_ms: int = 0) -> list[Span]:
    """The spans in order; spans that overlap, touch, or are at most `gap_ms` apart are joined."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start - found[-1][1] <= gap_ms:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def without(spans: Iterable[Span], holes: Iterable[Span]) -> Iterator[Span]:
    """The parts of `spans` that lie in none of `holes`. Both must be in order and disjoint, as `merged` gives them."""
    waiting = iter(holes)
    hole = next(waiting, None)
    for start, end in spans:
        while hole and hole[1] <= start:
            hole = next(waiting, None)
        while hole and hole[0] < end:
            if start < hole[0]:
                yield start, hole[0]
            start = hole[1]
            if start >= end:  # the hole may reach into the next span
                break
            hole = next(waiting, None)
        if start < end:
            yield start, end


def total_ms(spans: Iterable[Span]) -> int:
    """The length of all spans together; they must not overlap."""
    return sum(end - start for start, end in spans)
