"""Published captions as they come: WebVTT, SubRip and Podcasting 2.0 JSON, with the slips of real files put right."""

import html
import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from webvtt import Caption, WebVTT

from transcribe.errors import TranscriptError
from transcribe.library.clock import milliseconds, timestamp
from transcribe.library.transcript import LATEST_MS, Word
from transcribe.web.text_decoding import decoded, one_line

_UNKNOWN_LENGTH_MS = 5_000  # at most, of a cue that ends before it starts
_WORD_BY_WORD = 1.5  # words a caption, on average, under which a file times words, not lines

_TAG = re.compile(r"</?(?:v|c|i|b|u|s|em|strong|font|span|lang|ruby|rt)(?:[.\s][^<>]*)?>", re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>]*)>")
_INLINE_TIME = re.compile(r"<((?:\d+:)?\d\d:\d\d\.\d{3})>", re.ASCII)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});", re.ASCII)
_STYLE_OVERRIDE = re.compile(r"\{\\[^{}]*\}")  # {\an8}, which SubRip files have from Advanced SubStation
_LANGUAGE = re.compile(r"\blanguage:\s*([a-z]{2,3})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown at a time, in one speaker's voice. 0 <= start <= end."""

    start_ms: int
    end_ms: int
    text: str  # one line, not empty, without markup
    speaker: str | None = None
    words: tuple[Word, ...] = ()  # where the file says when each word begins; else empty


@dataclass(frozen=True, slots=True)
class Captions:
    """What a caption file holds."""

    cues: tuple[Cue, ...]  # by start
    language: str | None = None  # where the file names it, as it does
    repairs: int = 0  # cues whose times had to be put right, or that had to be dropped for want of any


class _Shown(NamedTuple):
    """A cue as it stands in its file."""

    start_ms: int
    end_ms: int
    text: str  # with its markup
    speaker: str | None = None


def read_captions(path: Path) -> Captions:
    """The captions of a `.vtt`, `.srt` or Podcasting 2.0 `.json` file.

    Raises TranscriptError (`bad_captions`), naming the path and what is wrong, where it is none or cannot be read.
    """
    try:
        return parse_captions(path.read_bytes(), path.suffix)
    except OSError as problem:
        raise TranscriptError("bad_captions", f"{path}: {problem.strerror}") from problem
    except TranscriptError as problem:
        raise TranscriptError(problem.code, f"{path}: {problem}") from problem


def parse_captions(data: bytes, suffix: str) -> Captions:
    """The same, of the bytes of a file and its suffix (`.vtt`, `.srt` or `.json`)."""
    match suffix.lower():
        case ".json":
            return _from_json(data)
        case ".vtt" | ".srt":
            return _from_text(decoded(data), suffix.lower())
    raise TranscriptError("bad_captions", f"not a caption file: its name ends in {suffix!r}, not .vtt, .srt or .json")


def are_words(lengths: Collection[int]) -> bool:
    """Whether captions of so many words each are single words, as in some podcasts' JSON, and not lines."""
    return sum(lengths) < _WORD_BY_WORD * len(lengths)


def spread(texts: Sequence[str], start_ms: int, end_ms: int) -> list[Word]:
    """Texts one after the other, each with a share of the time by its length and the space behind it."""
    marks = list(accumulate((len(text) + 1 for text in texts), initial=0))
    whole = marks[-1] or 1
    bounds = [start_ms + (end_ms - start_ms) * mark // whole for mark in marks]
    return [Word(start, end, text) for text, (start, end) in zip(texts, pairwise(bounds), strict=True)]


def _from_text(text: str, suffix: str) -> Captions:
    """WebVTT by its first word, whatever the file is called; else SubRip. webvtt reads the blocks of both."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if text.lstrip().startswith("WEBVTT"):
        while not lines[0].strip():
            del lines[0]
        lines = list(_vtt_lines([lines[0].lstrip(), *lines[1:]]))
    elif "-->" in text or (suffix == ".srt" and not text.strip()):
        lines = ["WEBVTT", *_subrip_lines(lines)]
    else:
        raise TranscriptError("bad_captions", "it does not begin with WEBVTT, and no line of it has a cue's times")
    captions = WebVTT.from_string("\n".join(lines)).captions
    ordered, repairs = _in_order(_unrolled(captions))
    # Sorted once more: the second voice of a cue can begin after the next cue does.
    cues = sorted((turn for cue in ordered for turn in _turns(cue)), key=attrgetter("start_ms"))
    language = _LANGUAGE.search(text.partition("-->")[0])
    return Captions(tuple(cues), language[1].lower() if language else None, repairs)


def _vtt_lines(lines: Iterable[str]) -> Iterator[str]:
    """The lines with cue times in strict form: webvtt passes over in silence what is not."""
    opened = False  # whether the block at hand has begun with times or is a note, so that an arrow is only text
    for number, line in enumerate(lines, 1):
        opened = bool(line) and (opened or line.startswith("NOTE"))
        if "-->" not in line:
            yield line
        elif times := _times(line):
            opened = True
            yield times
        elif opened:
            yield line.replace("-->", "--&gt;")
        else:
            raise _no_times(number, line)


def _subrip_lines(lines: Iterable[str]) -> Iterator[str]:
    """SubRip in WebVTT's form. A cue ends where the next one's number or times stand: blank lines inside are let go."""
    above = ""
    held: list[str] = []  # a line that may turn out to be the next cue's number
    for number, line in enumerate(lines, 1):
        if times := "-->" in line and _times(line):
            yield from ("", times)
            held = []
        elif "-->" in line and (not above.strip() or held):
            raise _no_times(number, line)
        else:
            yield from held
            shown = _STYLE_OVERRIDE.sub("", line).replace("-->", "--&gt;")
            held = [line] if line.strip().isdecimal() else []
            if shown.strip() and not held:
                yield shown
        above = line
    yield from held


def _times(line: str) -> str | None:
    """The line of a cue's times as WebVTT wants it, without settings; None if it is not one."""
    start, _, rest = line.partition("-->")
    try:
        start_ms, end_ms = milliseconds(start), milliseconds(" ".join(rest.split()[:1]))
    except ValueError:
        return None
    return f"{timestamp(start_ms)} --> {timestamp(end_ms)}" if max(start_ms, end_ms) <= LATEST_MS else None


def _no_times(number: int, line: str) -> TranscriptError:
    return TranscriptError("bad_captions", f"line {number} has an arrow but not a cue's times: {line.strip()[:80]!r}")


def _unrolled(captions: Sequence[Caption]) -> Iterator[_Shown]:
    """Cues with text. Captions that roll up, as YouTube's do, show each line twice: the second time it is dropped.

    Such files are known by their inline times; in others a line said twice was said twice.
    """
    rolls = any(_INLINE_TIME.search(caption.raw_text) for caption in captions)
    above = ""
    for caption in captions:
        lines = [line for line in caption.lines if _plain(line)]
        fresh = [line for line in lines if not (rolls and _plain(line) == above)]
        above = _plain(lines[-1]) if lines else above
        if fresh:
            yield _Shown(milliseconds(caption.start), milliseconds(caption.end), "\n".join(fresh))


def _in_order(shown: Iterable[_Shown]) -> tuple[list[_Shown], int]:
    """Cues by start, none ending before it starts, and how many were not so."""
    given = list(shown)
    repairs = sum(one.start_ms > other.start_ms for one, other in pairwise(given))
    ordered = sorted(given, key=itemgetter(0))
    for at, cue in enumerate(ordered):
        if cue.end_ms < cue.start_ms:
            following = ordered[at + 1].start_ms if at + 1 < len(ordered) else cue.start_ms
            ordered[at] = cue._replace(end_ms=min(following, cue.start_ms + _UNKNOWN_LENGTH_MS))
            repairs += 1
    return ordered, repairs


def _turns(cue: _Shown) -> Iterator[Cue]:
    """The cue, or where several voices share it, one for each with its part of the time."""
    first, *rest = _VOICE.split(cue.text)
    spans = [
        (cue.speaker, first),
        *((_plain(name) or None, text) for name, text in zip(*[iter(rest)] * 2, strict=True)),
    ]
    voices = groupby((span for span in spans if _plain(span[1])), key=itemgetter(0))
    turns = [(speaker, "\n".join(text for _, text in texts)) for speaker, texts in voices]
    parts = spread([_plain(text) for _, text in turns], cue.start_ms, cue.end_ms)
    for (speaker, text), part in zip(turns, parts, strict=True):
        words = _timed_words(text, part.start_ms, part.end_ms)
        yield Cue(part.start_ms, part.end_ms, part.text, speaker, words)


def _timed_words(text: str, start_ms: int, end_ms: int) -> tuple[Word, ...]:
    """Words by the inline times among them; none where there are no such times or they make no sense."""
    first, *rest = _INLINE_TIME.split(text)
    bounds = [start_ms, *map(milliseconds, rest[::2]), end_ms]
    if not rest or bounds != sorted(bounds):
        return ()
    pieces = zip([first, *rest[1::2]], pairwise(bounds), strict=True)
    words = tuple(word for piece, span in pieces for word in spread(_plain(piece).split(), *span))
    return words if " ".join(word.text for word in words) == _plain(text) else ()


def _plain(text: str) -> str:
    """Without tags, entities and line breaks. What only looks like a tag (`List<String>`) is text."""
    text = _INLINE_TIME.sub("", _TAG.sub("", _BREAK.sub(" ", text)))
    text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    return " ".join(text.split())


def _from_json(data: bytes) -> Captions:
    try:
        segments = json.loads(data)["segments"]
        given = [_shown(number, segment) for number, segment in enumerate(segments)]
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        raise TranscriptError("bad_captions", f"not a Podcasting 2.0 transcript: {problem}") from problem
    timed = [cue for cue in given if cue]
    if given and not timed:
        raise TranscriptError("bad_captions", "not a Podcasting 2.0 transcript: no segment has a startTime")
    ordered, repairs = _in_order(cue for cue in timed if cue.text)
    cues = tuple(Cue(cue.start_ms, cue.end_ms, cue.text, cue.speaker) for cue in ordered)
    return Captions(cues, repairs=repairs + len(given) - len(timed))


def _shown(number: int, segment: Any) -> _Shown | None:
    """A segment of the JSON; None where nobody can tell when it was said."""
    if not isinstance(segment, dict):
        raise TypeError(f"segment {number} is not an object")
    start, end = (_from_seconds(segment.get(name)) for name in ("startTime", "endTime"))
    if start is None:
        return None
    speaker = _clean(segment.get("speaker")).rstrip(":").rstrip() or None
    return _Shown(start, -1 if end is None else end, _clean(segment.get("body")), speaker)


def _from_seconds(value: object) -> int | None:
    """Milliseconds of a number or a text that holds one; before the start is the start."""
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return round(1000 * max(0.0, seconds)) if seconds <= LATEST_MS / 1000 else None


def _clean(value: object) -> str:
    """On one line, and such that it can be written again: JSON can hold halves of characters."""
    return one_line(value) if isinstance(value, str) else ""
