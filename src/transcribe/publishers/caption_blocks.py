"""WebVTT, SubRip and SBV as lines: which belong to a cue, and when it is shown.

A cue begins with its times and goes on to the next one's, blank lines inside or not: programs that write them do not
agree on what ends one. HLS cuts WebVTT into parts, each with a header and a clock of its own (RFC 8216, 3.5); parts
that were joined again are laid one after the other.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from transcribe.library.transcript import LATEST_MS

_ARROW = re.compile(r"\s*(?:-{1,3}\s?>|[–—]>|→|=>)\s*")
_SBV = re.compile(r"\s*(\d{1,3}:\d{1,2}:\d{1,2}\.\d{1,3}),(\d{1,3}:\d{1,2}:\d{1,2}\.\d{1,3})\s*", re.ASCII)
_NUMBER = r"-?[\dOolI]{1,9}"
_CLOCK = re.compile(rf"{_NUMBER}(?:\s*[:.]\s*{_NUMBER}){{0,2}}(?:\s*[.,:;]\s*{_NUMBER})?", re.ASCII)
_INDEXED = re.compile(r"\d{1,6}[.)]?\s+(?=\d+:)", re.ASCII)  # a number on the line of the times
_PARTS = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+)(?:([.,:;])(\d+))?", re.ASCII)
_SETTING = re.compile(r"(?:[A-Za-z]+\d?[:=]\S*|\d+(?:\.\d+)?%?|start|end|left|right|middle|center)", re.ASCII)
_TIMELIKE = re.compile(r"\d\s*[:.,]\s*\d|:\S*:", re.ASCII)
_MAP = re.compile(r"X-TIMESTAMP-MAP=(?=.*MPEGTS:(\d{1,20}))(?=.*LOCAL:([\d:.]+))", re.ASCII)
_LANGUAGE = re.compile(r"\s*language:\s*([a-z]{2,3})\b", re.IGNORECASE)
_OURS = re.compile(r"NOTE Made by .*Language: ([A-Za-z]{2,8})[^ ]*\.")
_OURS_OPENING = re.compile(rb"\A(?:\xef\xbb\xbf)?WEBVTT\s*\nNOTE Made by .*Language: ")
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069"
_TICKS_A_MS = 90  # of the clock of MPEG
_TICKS = 2**33  # after which it begins anew
_MOST_MINUTES = 59  # behind hours; without hours, as many as there are
_FRAMES_A_SECOND = 25  # where times end with a frame and nothing says of how many
_NUMBERS_LEFT_OUT = 100  # where cues were deleted; a number further on is what somebody says
_MOST = 0.5  # of the cues: what they have is the way of the file


@dataclass(slots=True)
class Block:
    """A cue as it stands in its file."""

    start_ms: int | None  # None where it cannot be read
    end_ms: int | None
    lines: list[str]
    number: int = 0  # of the line with its times, from 1
    times: str = ""  # that line
    is_mended: bool = False  # a time was negative, or had letters for digits
    part: int = 0  # of a file that was joined of several


@dataclass(slots=True)
class Blocks:
    """What stands in the file."""

    cues: list[Block] = field(default_factory=list)
    language: str | None = None
    ours: bool = False  # written by Playhead, whose cues say all they mean
    parts: int = 0
    clocks: dict[int, tuple[int, int]] = field(default_factory=dict)  # by part: ticks of MPEG, and ms of its own clock
    follows: bool = False  # parts had no common clock, and were laid one after the other


def is_ours(data: bytes) -> bool:
    """Whether Playhead wrote a file of WebVTT: then it is UTF-8, and says what it means."""
    return bool(_OURS_OPENING.match(data))


def read_blocks(text: str) -> Blocks:
    """The cues of a text, in its order."""
    found = _Reader(re.split(r"\r\n|\r|\n", text)).read()
    if found.parts > 1:
        _join_parts(found)
    return found


class _Reader:
    """Goes through the lines once."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._raw, self._lines, self._found = lines, [line.strip(_INVISIBLE) for line in lines], Blocks()
        self._is_vtt = next((line for line in lines if line.strip()), "").upper().lstrip().startswith("WEBVTT")
        self._times = {at: block for at in range(len(lines)) if (block := self._times_at(at))}
        self._names = self._find_names()

    def read(self) -> Blocks:
        cue: Block | None = None
        passing = False  # over a header, a note or a style
        for at, line in enumerate(self._lines):
            block = self._times.get(at)
            if block and not (passing and block.start_ms is None):
                cue, passing = block, False
                block.part = max(0, self._found.parts - 1)
                self._found.cues.append(block)
            elif not line.strip():
                passing = False
            elif self._is_vtt and (passing or self._begins_passage(at)):
                passing, cue = True, None
                self._header(line)
            elif cue is None:
                self._header(line)
            elif at not in self._names:
                cue.lines.append(self._raw[at])
        return self._found

    def _begins_passage(self, at: int) -> bool:
        """Whether a header, a note, a style or a region begins with a line."""
        line = self._lines[at].strip()
        if re.match(r"WEBVTT(?:\s|$)", line, re.IGNORECASE) and (self._is_above_blank(at) or self._is_map(at + 1)):
            self._found.parts += 1
            return True
        if self._is_map(at):
            return True
        if not self._is_above_blank(at):
            return False
        if line in ("STYLE", "REGION"):
            return re.search(r"[:={]", "".join(self._lines[at + 1 : at + 2])) is not None
        return re.match(r"NOTE(?:\s|$)", line) is not None

    def _is_map(self, at: int) -> bool:
        return at < len(self._lines) and self._lines[at].startswith("X-TIMESTAMP-MAP")

    def _is_above_blank(self, at: int) -> bool:
        return at == 0 or not self._lines[at - 1].strip()

    def _header(self, line: str) -> None:
        if (told := _LANGUAGE.match(line)) and not self._found.cues:
            self._found.language = self._found.language or told[1].lower()
        if (ours := _OURS.fullmatch(line)) and not self._found.cues:
            self._found.ours, self._found.language = True, ours[1].lower()
        if clock := _MAP.match(line):
            local, _ = time_ms(clock[2])
            self._found.clocks[max(0, self._found.parts - 1)] = int(clock[1]), local or 0

    def _times_at(self, at: int) -> Block | None:
        line = self._lines[at]
        if sbv := _SBV.fullmatch(line):
            return Block(time_ms(sbv[1])[0], time_ms(sbv[2])[0], [], at + 1, line)
        parts = _ARROW.split(line, maxsplit=1)
        if len(parts) == 1:
            return None
        start_ms, start_mended = time_ms(_INDEXED.sub("", parts[0].strip(), count=1))
        matched = _CLOCK.match(parts[1].strip())
        end_ms, end_mended = time_ms(matched[0]) if matched else (None, False)
        rest = parts[1].strip()[matched.end() :] if matched else ""
        if rest[:1].strip():
            end_ms, rest = None, ""
        if (start_ms is None or end_ms is None) and not self._stand_for_times(at, parts):
            return None
        if (":" not in line or "-->" not in line) and not self._opens(at):
            return None  # "from 1 --> 2", "0:01 -> 0:02"
        text = "" if all(map(_SETTING.fullmatch, rest.split())) else rest.strip()
        block = Block(start_ms, end_ms, [text] if text else [], at + 1, line)
        block.is_mended = start_mended or end_mended
        return block

    def _stand_for_times(self, at: int, parts: Sequence[str]) -> bool:
        """Whether a line that has an arrow and no two times was to have them: by its place, and by what is left."""
        if "-->" not in self._lines[at] or not self._opens(at):
            return False
        if not self._is_vtt and at > 1 and self._lines[at - 1].strip().isdecimal() and self._is_above_blank(at - 1):
            return True
        return any(_TIMELIKE.search(part) or (_CLOCK.fullmatch(part.strip()) is not None) for part in parts)

    def _opens(self, at: int) -> bool:
        above = self._lines[at - 1].strip() if at else ""
        return not above or above.isdecimal()

    def _find_names(self) -> set[int]:
        """The lines that are numbers or names of cues: where most cues have them, those that stand above the times."""
        above = {  # by the line of the times: the nearest line above that is not blank
            at: next((other for other in range(at - 1, max(-1, at - 4), -1) if self._lines[other].strip()), None)
            for at in self._times
        }
        close = [at for at, name in above.items() if name == at - 1 and self._may_be_name(name)]
        if close and len(close) >= _MOST * len(above):
            names, last = set(), -1
            for at in close:
                text = self._lines[at - 1].strip()
                follows = text.isdecimal() and (int(text[:9]) <= 1 or 0 <= int(text[:9]) - last <= _NUMBERS_LEFT_OUT)
                if not text.isdecimal() or self._is_above_blank(at - 1) or follows:
                    names.add(at - 1)
                    last = int(text[:9]) if text.isdecimal() else last
            return names
        apart = [name for name in above.values() if name is not None and self._lines[name].strip().isdecimal()]
        numbers = [int(self._lines[name].strip()[:9]) for name in apart]
        counts = sum(after == before + 1 for before, after in pairwise(numbers))
        return set(apart) if len(apart) > 1 and counts >= 0.8 * (len(above) - 1) else set()

    def _may_be_name(self, at: int) -> bool:
        line = self._lines[at].strip()
        if line.isdecimal():
            return True
        return self._is_vtt and self._is_above_blank(at) and not line.startswith(("NOTE", "WEBVTT", "X-TIMESTAMP"))


def time_ms(text: str) -> tuple[int | None, bool]:
    """A time as it is typed, in milliseconds, and whether it had to be mended; None where nobody can tell.

    `1:02:03,450`, `00:00:01:12` (a frame), `00: 00: 01, 5`, `00.00.01,000`; what is before the start is the start.
    """
    plain = "".join(unicodedata.normalize("NFKC", text).split()).replace("−", "-")
    if not re.search(r"\d", plain) or not _CLOCK.fullmatch(plain):
        return None, False
    digits = plain.replace("-", "").translate(str.maketrans("OolI", "0011"))
    mended = digits != plain
    if digits.count(".") > 1 and ":" not in digits:
        whole, mark, fraction = digits.rpartition("," if "," in digits else ".")
        digits = f"{whole.replace('.', ':')}{mark}{fraction}"
    if not (match := _PARTS.fullmatch(digits)):
        return None, False
    hours, minutes, seconds = (int(part or 0) for part in match.group(1, 2, 3))
    if hours and minutes > _MOST_MINUTES:
        return None, False  # 99:99:99
    ms = 1000 * (3600 * hours + 60 * minutes + seconds) + _fraction(match[4], match[5])
    if ms > LATEST_MS:
        return None, False
    return (0 if "-" in plain else ms), mended


def _fraction(mark: str | None, digits: str | None) -> int:
    if not digits:
        return 0
    if mark in (":", ";") and len(digits) <= 2:
        return min(999, 1000 * int(digits) // _FRAMES_A_SECOND)
    return int(digits[:3].ljust(3, "0"))


def _join_parts(found: Blocks) -> None:
    """Lays the parts on one clock: that of MPEG, where they say how theirs lies to it."""
    first = next(iter(found.clocks.values()), (0, 0))
    later = {
        part: (ticks - first[0]) % _TICKS // _TICKS_A_MS - (own - first[1])
        for part, (ticks, own) in found.clocks.items()
    }
    _move(found.cues, later)
    if _goes_back(found.cues):
        _move(found.cues, {part: -ms for part, ms in later.items()})
        _move(found.cues, _one_after_another(found.cues))
        found.follows = True
    seen: set[tuple[int | None, int | None, str]] = set()
    kept = []
    for cue in found.cues:
        key = cue.start_ms, cue.end_ms, "\n".join(cue.lines)
        if key not in seen:
            kept.append(cue)
        seen.add(key)
    found.cues = kept


def _move(cues: Iterable[Block], later: dict[int, int]) -> None:
    known = 0
    for cue in cues:
        known = later.get(cue.part, known)
        cue.start_ms = None if cue.start_ms is None else max(0, cue.start_ms + known)
        cue.end_ms = None if cue.end_ms is None else max(0, cue.end_ms + known)


def _goes_back(cues: Sequence[Block]) -> bool:
    firsts: dict[int, int] = {}
    for cue in cues:
        if cue.start_ms is not None:
            firsts.setdefault(cue.part, cue.start_ms)
    starts = list(firsts.values())
    return any(after < before for before, after in pairwise(starts)) or (len(starts) > 1 and len(set(starts)) == 1)


def _one_after_another(cues: Sequence[Block]) -> dict[int, int]:
    later: dict[int, int] = {}
    end = 0  # of the part before
    last = 0
    for cue in cues:
        if cue.part not in later:
            later[cue.part] = end
        last = later[cue.part] + (cue.end_ms or cue.start_ms or 0)
        end = max(end, last)
    return later
