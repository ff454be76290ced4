"""Speakers that are written into the text: `[SPEAKER_00]: …`, `Ann Smith: …`, `>> ANN: …`, `[Ann Smith] …`, `- …`.

A word and a colon may be speech ("Remember: …"). So a name is a label only where it comes again, is in capitals, stands
behind `>>` or is somebody known; a dash at the start of a line, and a bare `>>`, change to somebody who is not named.
"""

import dataclasses
import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from transcribe.publishers.cue_markup import Token
from transcribe.publishers.sounds import names_a_sound

_PART = r"[^\W_a-z][\w.'’&#-]*"  # of a name: it begins with a capital, a digit or a letter that has no case
_NAME = rf"{_PART}(?:\s+(?:{_PART}|of|de|la|du|da|van|von|der|den|bin|al|y|e)){{0,4}}"
_COLON = r"\s*(?::(?=\s|$)|：)\s*"
_MANNER = r"(?:\s*[(\[][^()\[\]]{0,60}[)\]])?"  # ANN (laughs):
_ROLE = r"(?i:speaker|spk|participant|guest|caller|voice|interviewer|interviewee|host)(?:[ _-]?\d+|\s[A-Z])"
_ALONE = r"(?i:unknown speaker|interviewer|interviewee|moderator|narrator)"  # a role that needs no number
_SURELY = re.compile(rf"{_ROLE}|{_ALONE}")  # nobody says that before a colon
_COLONED = re.compile(rf"(?:[-–—]\s*)?({_ROLE}|{_ALONE}|{_NAME}){_MANNER}{_COLON}")
_LOOSE = re.compile(rf"([^\W\d_][\w.'’&#-]*(?:\s+[\w.'’&#-]+){{0,3}}){_MANNER}{_COLON}")  # ann:, iPhone von Bob:
_ARROWED = re.compile(rf">{{2,3}}\s*(?:({_NAME}){_MANNER}{_COLON})?")
_SURE = re.compile(r"(?:[-–—]\s*|>{2,3}\s*)?\[([^\[\]]{1,200})\]\s*:(?=\s|$)\s*")
_BRACKETED = re.compile(rf"(?:[-–—]\s*|>{{2,3}}\s*)?[\[(]({_NAME})[\])](?=\s)\s+(?=\S)")
_INSIDE = re.compile(rf"(?:[-–—]\s*)?\[({_NAME})\s*:\]\s*(?=\S)")  # [Ann:] Hello
_DASH = re.compile(r"[-–—](?:\s+|(?=[^\W\d_]))(?=\S)")
_ENDS_SENTENCE = re.compile(r".*[.?!…。？！—–\])>-][\"'”’»]*|.*--", re.DOTALL)
_MOSTLY = 0.8  # of all paragraphs: where so many begin with a name, those without a capital are names as well
_OFTEN = 0.2  # of all paragraphs: names that come again begin so many, or are more than one
# Words that begin a sentence with a colon in it, and are nobody's name.
_LEAD_INS = frozenset(
    word
    for line in (
        "once only except rather instead otherwise",
        "remember note notice warning caution attention example examples fact facts tip hint update breaking",
        "urgent alert reminder important summary conclusion result results problem solution reason rule rules",
        "step chapter part section lesson figure table number point first second third fourth fifth firstly",
        "secondly thirdly finally last next also and but so or because however therefore still then now today",
        "tomorrow yesterday again well okay ok yes no please imagine think look listen see here there this that",
        "these those what why how when where who which it he she they we you an the my our your his her their",
        "one two three four five six seven eight nine ten source sources title subject topic date time place",
        "address email website http https url copyright subtitles captions caption transcript transcription",
        "translation translated psalm genesis matthew mark luke john romans meaning spoiler disclaimer correction",
        "quote joke ps nb fyi aka faq todo ie eg namely consider suppose monday tuesday wednesday thursday friday",
        "saturday sunday",
    )
    for word in line.split()
) - {"mark", "luke", "john", "matthew"}

Kind = Literal["sure", "arrow", "colon", "bracket", "dash"]


@dataclass(frozen=True, slots=True)
class Turn:
    """Words of one speaker in a row."""

    speaker: str | None
    tokens: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class _Label:
    kind: Kind
    name: str | None
    length: int  # characters of the text that it takes up
    shouts: bool = False  # in capitals, before text that is not
    opens: bool = False  # a sentence begins behind it
    loose: bool = False  # it does not begin with a capital


@dataclass(frozen=True, slots=True)
class Known:
    """Who may be a label, found in the whole file before any is taken."""

    names: frozenset[str] = frozenset()  # as they are written, before a colon
    bracketed: frozenset[str] = frozenset()


def turns(
    paragraphs: Sequence[Sequence[Token]],
    persons: Collection[str] = (),
    speakers: Sequence[str | None] = (),
    typed: bool = False,
) -> list[list[Turn]]:
    """Each paragraph or cue as its speakers' turns, labels taken off; a speaker goes on until another comes.

    `persons` are known to speak, `speakers` are those that paragraphs have by other means. In a text that somebody
    typed (`typed`), where most paragraphs begin with a name, all of these are labels.
    """
    known = _known(paragraphs, persons, typed)
    found, speaker = [], None
    for paragraph, told in itertools.zip_longest(paragraphs, speakers):
        parts, speaker = _cut(paragraph, known, told or speaker)
        found.append(parts)
    return found


def known_as(speaker: str | None, persons: Collection[str]) -> str | None:
    """The full name of a speaker where a tag gives one part of it, or its initials, and it fits one person alone."""
    if speaker is None:
        return None
    called = _bare(speaker)
    fitting = {person for person in persons if called in _ways_to_call(person)}
    return fitting.pop() if len(fitting) == 1 else speaker


def _known(paragraphs: Sequence[Sequence[Token]], persons: Collection[str], typed: bool) -> Known:
    openings = (_text(paragraph[at:]) for paragraph in paragraphs for at, _ in _line_starts(paragraph))
    labels = [label for text in openings if (label := _label(text))]
    coloned = Counter(label.name for label in labels if label.kind == "colon" and label.name and not label.loose)
    loose = Counter(label.name for label in labels if label.name and label.loose)
    bracketed = Counter(label.name for label in labels if label.kind == "bracket" and label.name)
    sure = {label.name for label in labels if label.name and label.kind in ("arrow", "sure")}
    shouted = {label.name for label in labels if label.kind == "colon" and label.name and label.shouts}
    opened = Counter(label.name for label in labels if label.kind == "colon" and label.opens)
    again = {name for name, times in coloned.items() if times > 1}
    if len(again) < 2 and sum(opened[name] for name in again if opened[name] > 1) < _OFTEN * len(paragraphs):
        again = set()
    mostly = 2 * sum(coloned.values()) >= len(paragraphs) and (typed or (bool(again) and sum(coloned.values()) > 2))
    by_name = {name for name in coloned if known_as(name, persons) in persons or name in persons}
    named = {name for name in coloned if _SURELY.fullmatch(name)}
    names = set(coloned) if mostly else again | shouted | by_name | named | (sure & set(coloned))
    lower = {name for name, times in loose.items() if times > 1}
    if sum(coloned.values()) + sum(loose[name] for name in lower) >= _MOSTLY * len(paragraphs) and len(lower) > 0:
        names = names | lower | set(coloned)
    in_brackets = {
        name for name, times in bracketed.items() if times > 1 or known_as(name, persons) in persons or name in names
    }
    if any(times > 1 and name != name.upper() for name, times in bracketed.items()):
        in_brackets |= {name for name in bracketed if name != name.upper()}  # one that speaks once, among others
    return Known(frozenset(names), frozenset(in_brackets))


def _line_starts(paragraph: Sequence[Token]) -> Iterator[tuple[int, Token]]:
    line = None
    for at, token in enumerate(paragraph):
        if token.line != line:
            yield at, token
        line = token.line


def _label(text: str) -> _Label | None:
    """The label that a text may begin with."""
    if (match := _SURE.match(text)) and not names_a_sound(match[1]):
        return _Label("sure", " ".join(match[1].split()), match.end())
    if (match := _BRACKETED.match(text)) and _may_be_name(match[1]) and not names_a_sound(match[1]):
        return _Label("bracket", " ".join(match[1].split()), match.end())
    if match := _INSIDE.match(text):
        return _Label("arrow", " ".join(match[1].split()), match.end())
    if match := _ARROWED.match(text):
        return _Label("arrow", match[1] and " ".join(match[1].split()), match.end())
    if (match := _COLONED.match(text)) and _may_be_name(match[1]):
        name, rest = " ".join(match[1].split()), text[match.end() :]
        shouts = name == name.upper() != name.lower() and rest != rest.upper()
        return _Label("colon", name, match.end(), shouts, opens=not rest[:1].islower())
    if match := _DASH.match(text):
        return _Label("dash", None, match.end())
    if (match := _LOOSE.match(text)) and _may_be_name(match[1]):
        return _Label("colon", " ".join(match[1].split()), match.end(), loose=True)
    return None


def _cut(paragraph: Sequence[Token], known: Known, speaker: str | None) -> tuple[list[Turn], str | None]:
    """A paragraph's turns, and who goes on speaking after it."""
    starts = {at for at, _ in _line_starts(paragraph)}
    dashes = sum(bool((label := _label(_text(paragraph[at:]))) and label.kind == "dash") for at in starts)
    found: list[tuple[str | None, list[Token]]] = [(speaker, [])]
    at, goes_on = 0, True
    rest = list(paragraph)
    while at < len(rest):
        before = rest[at - 1] if at else None
        opens = at in starts or before is None
        label = _taken(rest, at, before, opens, known, dashes)
        if label is None:
            found[-1][1].append(rest[at])
            at += 1
            continue
        at_before = at
        at, partial = _after(rest, at, label.length)
        if partial is not None:
            rest[at] = partial
            starts.discard(at)
        if at in starts and at == at_before:
            starts.discard(at)
        found.append((label.name, []))
        goes_on = label.kind != "sure"
    last = found[-1][0]
    said = [Turn(name, tuple(tokens)) for name, tokens in found if tokens]
    return said, last if goes_on else None


def _taken(
    tokens: Sequence[Token], at: int, before: Token | None, opens: bool, known: Known, dashes: int
) -> _Label | None:
    """The label that is one at this place."""
    first = tokens[at].text[0]
    if not opens and first not in ">[" and not (before and _ENDS_SENTENCE.fullmatch(before.text)):
        return None
    label = _label(_text(tokens[at:]))
    if label is None or label.kind == "sure":
        return label
    ended = opens or (before is not None and _ENDS_SENTENCE.fullmatch(before.text) is not None)
    if label.kind == "arrow":
        return label if ended and label.length < len(_text(tokens[at:])) + 1 else None
    if label.kind == "colon":
        return label if label.name in known.names and ended else None
    if label.kind == "bracket":
        return label if label.name in known.bracketed and ended else None
    follows = _text(tokens[at:])[label.length :][:1]
    return label if opens and (dashes > 1 or (at == 0 and not follows.islower())) else None


def _after(tokens: Sequence[Token], at: int, length: int) -> tuple[int, Token | None]:
    """The token behind so many characters, and what is left of it where the label ends inside."""
    while at < len(tokens) and length >= len(tokens[at].text):
        length -= len(tokens[at].text) + 1
        at += 1
    if at < len(tokens) and length > 0:
        return at, dataclasses.replace(tokens[at], text=tokens[at].text[length:])
    return at, None


def _text(tokens: Iterable[Token]) -> str:
    """Enough of it to tell a label."""
    parts, length = list[str](), 0
    for token in tokens:
        parts.append(token.text)
        length += len(token.text) + 1
        if length > 300:
            break
    return " ".join(parts)


def _may_be_name(name: str) -> bool:
    words = _bare(name).split()
    if not words or words[0] in _LEAD_INS or all(word.isdecimal() for word in words):
        return False
    return len(name) <= 60 and not words[0][0].isdecimal()


def _bare(name: str) -> str:
    return " ".join(re.findall(r"\w+", name.casefold()))


def _ways_to_call(person: str) -> set[str]:
    parts: Sequence[str] = _bare(person).split()
    if not parts:
        return set()
    initials = "".join(part[0] for part in parts)
    first_and_initial = f"{parts[0]} {parts[-1][0]}"
    return {" ".join(parts), parts[0], parts[-1], initials, " ".join(initials), first_and_initial}
