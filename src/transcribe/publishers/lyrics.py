"""LRC, lines of lyrics with a time each (or several), some with a time a word; and Whisper's tables (.tsv)."""

import re
from collections.abc import Iterator

from transcribe.errors import TranscriptError
from transcribe.library.clock import timestamp
from transcribe.publishers.given import Given, GivenScript

_TIMES = re.compile(r"\s*((?:\[\d{1,4}:\d{1,2}(?:[.:]\d{1,3})?\]\s*)+)(.*)", re.ASCII)
_TIME = re.compile(r"\[(\d{1,4}):(\d{1,2})(?:[.:](\d{1,3}))?\]", re.ASCII)
_WORD_TIME = re.compile(r"<(\d{1,4}):(\d{1,2})(?:[.:](\d{1,3}))?>", re.ASCII)
_TAG = re.compile(r"\s*\[([a-z#]{2,8}):([^\]]*)\]\s*", re.IGNORECASE)
_LAST_MS = 5_000  # that the last line is taken to last


def read_lrc(text: str) -> GivenScript:
    """The lines of a file, each until the next. Raises TranscriptError (`bad_captions`) where none has a time."""
    tags: dict[str, str] = {}
    timed: list[tuple[int, str]] = []
    for line in text.splitlines():
        if times := _TIMES.fullmatch(line):
            timed += [(_ms(match), times[2]) for match in _TIME.finditer(times[1])]
        elif tag := _TAG.fullmatch(line):
            tags[tag[1].lower()] = tag[2].strip()
        elif timed and line.strip():  # a line that goes on
            timed[-1] = timed[-1][0], f"{timed[-1][1]}\n{line}"
    if not timed:
        raise TranscriptError("bad_captions", "not LRC: no line begins with a time such as [01:02.34]")
    offset = tags.get("offset", "").replace("+", "")
    earlier = int(offset) if re.fullmatch(r"-?\d{1,7}", offset, re.ASCII) else 0
    language = tags.get("la", "").lower()
    return GivenScript(tuple(_cues(timed, earlier)), language if re.fullmatch("[a-z]{2,3}", language) else None)


def read_tsv(text: str) -> GivenScript:
    """A table of start, end and text, in milliseconds, as Whisper writes it."""
    first, *lines = text.lstrip("\ufeff").splitlines() or [""]
    if first.split("\t")[:3] != ["start", "end", "text"]:
        raise TranscriptError("bad_captions", "not a table of captions: its first line is not start, end, text")
    cues = []
    for number, line in enumerate(lines, 2):
        if line.strip():
            row = [*line.split("\t", 2), "", ""]
            start, end = (int(cell) if re.fullmatch(r"\d{1,9}", cell, re.ASCII) else None for cell in row[:2])
            trouble = f"line {number} has no start" if start is None else ""
            cues.append(Given(start, end, row[2], plain=True, trouble=trouble))
    return GivenScript(tuple(cues))


def _cues(timed: list[tuple[int, str]], earlier: int) -> Iterator[Given]:
    timed = sorted(timed, key=lambda each: each[0])
    for at, (start, text) in enumerate(timed):
        end = next((later for later, _ in timed[at + 1 :] if later > start), start + _LAST_MS)
        words = _WORD_TIME.sub(lambda match: f"<{timestamp(max(0, _ms(match) - earlier))}>", text)
        yield Given(max(0, start - earlier), max(0, end - earlier), words)


def _ms(match: re.Match[str]) -> int:
    return 1000 * (60 * int(match[1]) + int(match[2])) + int((match[3] or "").ljust(3, "0"))
