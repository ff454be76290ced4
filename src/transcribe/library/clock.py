"""Milliseconds to and from the clock of a player, `1:02:03.450`."""

import re

_CLOCK = re.compile(
    r"(?:(?:(?P<hours>\d{1,9}):)?(?P<minutes>\d{1,4}):(?P<seconds>\d{1,2})|(?P<alone>\d{1,9}))(?:[.,](?P<fraction>\d{1,3})\d*)?",
    re.ASCII,
)


def clock(ms: int) -> str:
    """As a person writes it: `2:03`, `1:02:03`. Fractions are cut, never rounded up past the moment."""
    seconds = ms // 1000
    minutes, hours = seconds // 60 % 60, seconds // 3600
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def timestamp(ms: int, mark: str = ".") -> str:
    """As caption files write it: `01:02:03.450`; SubRip has a comma for `mark`."""
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{mark}{ms % 1000:03}"


def seconds(ms: int) -> str:
    """As a media fragment writes it, cut to a tenth: 754290 ms is `754.2`."""
    return f"{ms // 1000}.{ms % 1000 // 100}"


def milliseconds(text: str) -> int:
    """The inverse: `1:02:03.450`, `02:03,45`, `754.2` (seconds) to milliseconds. ValueError for anything else."""
    match = _CLOCK.fullmatch(text.strip())
    if not match:
        raise ValueError(f"not a time: {text!r}")
    hours, minutes, seconds, alone = (int(match[name] or 0) for name in ("hours", "minutes", "seconds", "alone"))
    return (hours * 3600 + minutes * 60 + seconds + alone) * 1000 + int((match["fraction"] or "").ljust(3, "0"))
