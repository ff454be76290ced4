"""The condition of `playhead transcribe --redo`: which transcripts are made again.

`model!=small.en and flagged>0.1` is two parts, joined by `and` or a comma; all have to hold.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from transcribe.errors import UsageError
from transcribe.library.transcript import Transcript, mean_confidence
from transcribe.transcription.quality_flags import flagged_share

NOT_MADE_HERE = ("import", "published")  # engines of captions that were taken in
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
TEXTS: dict[str, Callable[[Transcript], str]] = {
    "engine": lambda transcript: transcript.engine.name,
    "model": lambda transcript: transcript.engine.model,
    "language": lambda transcript: transcript.language,
}
NUMBERS: dict[str, Callable[[Transcript], float | None]] = {
    "confidence": lambda transcript: mean_confidence(word for _, word in transcript.words()),
    "covered": lambda transcript: transcript.quality.covered if transcript.quality else None,
    "flagged": lambda transcript: flagged_share(transcript.segments),
}
SIGNS: dict[str, Callable[[Transcript], bool]] = {
    "flagged": lambda transcript: any(segment.flags for segment in transcript.segments),
    "damaged": lambda transcript: transcript.damage is not None,
}
WHAT_THERE_IS = (
    "There are flagged, damaged; engine, model, language with = or != and a word; version with =, !=, <, <=, > or >=;"
    " confidence, covered, flagged with any of these and a number from 0 to 1. Join them with a comma or 'and'."
)
_PART = re.compile(r"(?P<name>[a-z]+)(?:\s*(?P<comparison>[!<>]=|[=<>])\s*(?P<value>[^\s=<>!]\S*))?")
_VERSION = re.compile(r"\d{1,9}(?:\.\d{1,9}){0,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Part:
    """One comparison, such as `covered<0.9`, or a bare name, such as `damaged`."""

    name: str
    comparison: str = ""  # of COMPARISONS
    value: str = ""

    def __call__(self, transcript: Transcript) -> bool:
        """Whether it holds. A comparison with a value that the transcript lacks is false."""
        if not self.comparison:
            return SIGNS[self.name](transcript)
        has: Any
        wanted: Any
        if self.name in NUMBERS:
            has, wanted = NUMBERS[self.name](transcript), float(self.value)
        elif self.name == "version":
            has, wanted = _release(transcript.engine.version), _release(self.value)
        else:
            has, wanted = TEXTS[self.name](transcript), self.value
        return has is not None and COMPARISONS[self.comparison](has, wanted)

    def __str__(self) -> str:
        return f"{self.name}{self.comparison}{self.value}"


@dataclass(frozen=True, slots=True)
class Condition:
    """Parts that all have to hold. `str` gives it as it can be parsed again."""

    parts: tuple[Part, ...]

    def __call__(self, transcript: Transcript) -> bool:
        """Whether a transcript is to be made again.

        One that was not made here, but imported or its publisher's, only if its engine is asked for: `engine=import`.
        """
        ours = transcript.audio is not None and transcript.engine.name not in NOT_MADE_HERE
        asked_for = Part("engine", "=", transcript.engine.name) in self.parts
        return (ours or asked_for) and all(part(transcript) for part in self.parts)

    def __str__(self) -> str:
        return " and ".join(map(str, self.parts))


def parse(text: str) -> Condition:
    """The condition that a person wrote. Raises UsageError naming the part that cannot be read, and what there is."""
    parts = []
    for written in re.split(r"\s*,\s*|\s+and\s+", text.strip()):
        match = _PART.fullmatch(written)
        part = Part(match["name"], match["comparison"] or "", match["value"] or "") if match else None
        if not part or not _makes_sense(part):
            raise UsageError(f"--redo: {written!r} is no condition. {WHAT_THERE_IS}")
        parts.append(part)
    return Condition(tuple(parts))


def _makes_sense(part: Part) -> bool:
    if not part.comparison:
        return part.name in SIGNS
    if part.name in NUMBERS:
        return bool(re.fullmatch(r"0?\.\d{1,9}|[01](?:\.0{0,9})?", part.value, re.ASCII))
    if part.name == "version":
        return bool(_VERSION.fullmatch(part.value))
    return part.name in TEXTS and part.comparison in ("=", "!=")


def _release(version: str) -> tuple[int, ...] | None:
    """`20250625` and `5.1.1` as numbers that compare; None for a version that has none."""
    match = _VERSION.match(version)
    return tuple(int(number) for number in match[0].split(".")) if match else None
