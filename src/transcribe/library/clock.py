"""Writes and reads times as players show them, `1:02:03.450`."""

import re

_CLOCK = re.compile(
    r"(?:(?:(?P<hours>\d{1,9}):)?(?P<minutes>\d{1,4}):(?P<seconds>\d{1,2})|(?P<alone>\d{1,9}))(?:[.,](?P<fraction>\d{1,3})\d*)?",
    re.ASCII,
)


def clock(ms: int) -> str:
    """A time for a person: `2:03`, `1:02:03`. Fractions are cut, so the time is never after the moment."""
    seconds = ms // 1000
    minutes, hours = seconds // 60 % 60, seconds // 3600
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def timestamp(ms: int, mark: str = ".") -> str:
    """A time for a caption file: `01:02:03.450`; SubRip takes a comma as `mark`."""
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{mark}{ms % 1000:03}"


def seconds(ms: int) -> str:
    """A time for a media fragment, in seconds cut to a tenth: 754290 ms is `754.2`."""
    return f"{ms // 1000}.{ms % 1000 // 100}"


def milliseconds(text: str) -> int:
    """Reads `1:02:03.450`, `02:03,45` and `754.2` (seconds). Raises ValueError for anything else."""
    match = _CLOCK.fullmatch(text.strip())
    if not match:
        raise ValueError(f"not a time: {text!r}")
    hours, minutes, seconds, alone = (int(match[name] or 0) for name in ("hours", "minutes", "seconds", "alone"))
    return (hours * 3600 + minutes * 60 + seconds + alone) * 1000 + int((match["fraction"] or "").ljust(3, "0"))
