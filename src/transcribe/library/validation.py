"""Checks plain data that was read from a file, where Python's types do not.

Every function raises TranscriptError (`bad_transcript`) if the check fails; `name` says in the message what the value
belongs to.
"""

import math
from collections.abc import Iterable

from transcribe.errors import TranscriptError


def check(holds: bool, name: str, wrong: str) -> None:
    """Raises TranscriptError with `name` and `wrong` unless `holds`."""
    if not holds:
        raise TranscriptError("bad_transcript", f"{name}: {wrong}")


def check_texts(name: str, *texts: str) -> None:
    """Checks that all are text."""
    for text in texts:
        check(isinstance(text, str), name, f"{text!r} must be text")


def check_whole(name: str, value: int, most: float = math.inf) -> None:
    """Checks that the value is a whole number from 0 to `most`."""
    check(type(value) is int and 0 <= value <= most, name, f"it cannot be {value!r}")


def check_share(name: str, value: float) -> None:
    """Checks that the value is a number from 0 to 1."""
    check(type(value) in (int, float) and 0 <= value <= 1, name, f"{value!r} is not between 0 and 1")


def check_span(name: str, start_ms: int, end_ms: int, earliest_ms: int, latest_ms: float) -> None:
    """Checks that a span lies between two times and does not end before it starts."""
    check(type(start_ms) is int and type(end_ms) is int, name, "times must be whole milliseconds")
    check(earliest_ms <= start_ms <= end_ms <= latest_ms, name, f"{start_ms} to {end_ms} ms is out of order")


def check_spans(name: str, spans: Iterable[tuple[int, int]], latest_ms: float) -> None:
    """Checks that spans are in order, do not overlap, and end by `latest_ms`."""
    before = 0
    for start_ms, end_ms in spans:
        check_span(name, start_ms, end_ms, before, latest_ms)
        before = end_ms
