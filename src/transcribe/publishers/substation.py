"""Advanced SubStation (.ass, .ssa) by way of pysubs2: karaoke times words, comments and drawings are no text."""

import re
from collections.abc import Iterator

import pysubs2

from transcribe.errors import TranscriptError
from transcribe.library.clock import timestamp
from transcribe.library.transcript import LATEST_MS
from transcribe.publishers.given import Given, GivenScript

_COMMENT = re.compile(r"\{[^{}\\]*\}")  # braces without a code: for other translators
_SYLLABLE = re.compile(r"\{[^{}]*\\[kK][fot]?(\d+)[^{}]*\}")  # for so many hundredths of a second


def read_substation(text: str) -> GivenScript:
    """The dialogue of a file. Raises TranscriptError (`bad_captions`) where it is none."""
    try:
        script = pysubs2.SSAFile.from_string(text, format_="ass")
    except (pysubs2.Pysubs2Error, ValueError, KeyError, IndexError) as problem:
        raise TranscriptError("bad_captions", f"not Advanced SubStation: {problem}") from problem
    return GivenScript(tuple(_cues(script)))


def _cues(script: pysubs2.SSAFile) -> Iterator[Given]:
    """Each line once: a shadow, and the same sign in several layers, stand there as lines of their own."""
    seen: set[tuple[int, int, str]] = set()
    for number, event in enumerate(script.events):
        key = event.start, event.end, event.plaintext
        if event.is_comment or key in seen:
            continue
        seen.add(key)
        start, end = (max(0, ms) if ms <= LATEST_MS else None for ms in (event.start, event.end))
        speaker = " ".join((event.name or "").split()) or None
        mended = event.start < 0 or event.end < 0
        trouble = f"event {number + 1} is too late" if start is None else ""
        text = _COMMENT.sub("", event.text)
        yield Given(start, end, _timed(text, event.start), speaker, trouble=trouble, is_mended=mended)


def _timed(text: str, start_ms: int) -> str:
    """The text with a time, as WebVTT writes it, before each word whose first syllable has one; codes stay."""
    first, *rest = _SYLLABLE.split(text)
    if not rest:
        return text
    written, at = [first], start_ms
    for hundredths, syllable in zip(rest[::2], rest[1::2], strict=True):
        begins = not "".join(written).strip() or written[-1][-1:].isspace() or syllable[:1].isspace()
        if begins and syllable.strip():
            lead = syllable[: len(syllable) - len(syllable.lstrip())]
            syllable = f"{lead}<{timestamp(max(0, at))}>{syllable.lstrip()}"
        written.append(syllable)
        at += 10 * int(hundredths)
    return "".join(part for part in written if part)
