"""Which transcripts deserve to be made again: the condition of `playhead transcribe --redo`.

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
    """One thing that has to hold, such as `covered<0.9`; a bare name, `damaged`, compares with nothing."""

    name: str
    comparison: str = ""  # of COMPARISONS
    value: str = ""

    def __call__(self, transcript: Transcript) -> bool:
        """Whether it holds. What is not known of a transcript is neither more nor less than anything."""
        if not self.comparison:
            return SIGNS[self.name](transcript)
        has, wanted = self._sides(transcript)
        return has is not None and COMPARISONS[self.comparison](has, wanted)

    def __str__(self) -> str:
        return f"{self.name}{self.comparison}{self.value}"

    def _sides(self, transcript: Transcript) -> tuple[Any, Any]:
        if self.name in NUMBERS:
            return NUMBERS[self.name](transcript), float(self.value)
        if self.name == "version":
            return _release(transcript.engine.version), _release(self.value)
        return TEXTS[self.name](transcript), self.value


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
    return Condition(tuple(_part(part) for part in re.split(r"\s*,\s*|\s+and\s+", text.strip())))


def _part(text: str) -> Part:
    match = _PART.fullmatch(text)
    part = Part(match["name"], match["comparison"] or "", match["value"] or "") if match else None
    if not part or not _makes_sense(part):
        raise UsageError(f"--redo: {text!r} is no condition. {WHAT_THERE_IS}")
    return part


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
