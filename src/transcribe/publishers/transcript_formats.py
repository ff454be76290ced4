"""A publisher's own transcript as it comes: which of those offered to take, and what is said in it, by whom and when.

The forms are those of Podcasting 2.0: WebVTT, SubRip and JSON, which `cues` reads, HTML with `<cite>`, `<time>` and
`<p>`, and plain text. They are described at
https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/examples/transcripts/transcripts.md. No network.
"""

import dataclasses
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, get_args
from urllib.parse import unquote, urlsplit

from transcribe.errors import TranscriptError
from transcribe.library.clock import milliseconds
from transcribe.library.episode import PublishedText, slug
from transcribe.library.language_tags import is_same_language
from transcribe.library.transcript import LATEST_MS, Word
from transcribe.publishers.caption_reader import Captions, are_words, parse_captions
from transcribe.web.html_stream import read
from transcribe.web.media_types import media_type
from transcribe.web.text_decoding import decoded, one_line

Form = Literal["json", "vtt", "srt", "html", "txt"]  # the more it says of times, the earlier

MEDIA_TYPES: dict[str, Form] = {
    "application/json": "json",
    "application/json+podcast": "json",
    "text/json": "json",
    "text/vtt": "vtt",
    "application/vtt": "vtt",
    "application/x-subrip": "srt",
    "application/srt": "srt",
    "text/srt": "srt",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/plain": "txt",
}
SUFFIXES: dict[str, Form] = {
    ".json": "json",
    ".vtt": "vtt",
    ".srt": "srt",
    ".html": "html",
    ".htm": "html",
    ".txt": "txt",
    ".text": "txt",
    ".md": "txt",
}

_CLOCK = r"(?:\d{1,3}:)?\d{1,3}:\d\d(?:[.,]\d{1,3})?"
_MARK = re.compile(rf"[\[(]({_CLOCK})[\])]")  # [00:01:02] or (1:02), wherever it stands
_HEADING = re.compile(rf"(?:(?P<name>[^\d\W][^:\[\]()]{{0,60}}?)[\s,–-]+)?[\[(]?(?P<time>{_CLOCK})[\])]?:?")
# A name at the start of a paragraph: up to four words that begin with a capital, a digit or a hash, and a colon.
_NAME = r"[^\W_a-z][\w.'’&#-]*"
_LABEL = re.compile(rf"(?:>>\s*|[-–]\s+)?({_NAME}(?:\s+(?:{_NAME}|of|de|van|von)){{0,3}})\s*:\s+")
_EVENT_SUFFIX = re.compile(r"(?:\s*[\[(][^\[\]()]*[\])])+\s*$")
_LONGEST_NAME = 200  # characters


@dataclass(frozen=True, slots=True)
class Line:
    """A stretch of text, one speaker's: a caption or a paragraph."""

    text: str  # one line, not empty, without markup
    speaker: str | None = None
    start_ms: int | None = None  # None where the text does not say when
    end_ms: int | None = None  # never without a start
    words: tuple[Word, ...] = ()  # where it says when each word begins; else empty


@dataclass(frozen=True, slots=True)
class Script:
    """All that a publisher says was said."""

    form: Form
    lines: tuple[Line, ...]  # in the order of speech; times where they are known never go back
    language: str | None = None  # BCP 47, as the text itself names it


def ranked(offered: Iterable[PublishedText], language: str | None = None) -> list[PublishedText]:
    """Those that can be read, best first: the one that says most of times, of equals the first.

    A text in another language than `language` (that of the episode, where it is known) is a translation, and left out;
    one that names no language comes after one that names the right one.
    """
    readable = [(text, form) for text in offered if (form := form_of(text.media_type, text.url))]
    fitting = [
        (text, form)
        for text, form in readable
        if not (language and text.language) or is_same_language(language, text.language)
    ]

    def rank(one: tuple[PublishedText, Form]) -> tuple[bool, int]:
        return bool(language) and not one[0].language, get_args(Form).index(one[1])

    return [text for text, _ in sorted(fitting, key=rank)]


def form_of(content_type: str, url: str) -> Form | None:
    """The form that a media type names, or else the ending of a URL; None for what cannot be read, such as a PDF.

    `text/plain` is said of everything, so a telling ending counts for more.
    """
    try:
        suffix = PurePosixPath(unquote(urlsplit(url).path)).suffix.lower()
    except ValueError:
        suffix = ""
    named = MEDIA_TYPES.get(media_type(content_type))
    if named in (None, "txt"):
        return SUFFIXES.get(suffix) or named
    return named


def suffix(offered: PublishedText) -> str:
    """What the file's name ends in that keeps these bytes beside the audio, such as `.transcript.en.vtt`."""
    language = f".{slug(offered.language)}" if offered.language else ""
    return f".transcript{language}.{form_of(offered.media_type, offered.url) or 'txt'}"


def parse(data: bytes, form: Form) -> Script:
    """The text in one of the forms, or, where the bytes show that they are in another, in that one.

    Raises TranscriptError (`bad_captions`) for bytes that hold no text in it.
    """
    form = _seen(data) or form
    if form in ("json", "vtt", "srt"):
        script = _timed(parse_captions(data, f".{form}"), form)
    else:
        text = decoded(data)
        paragraphs, language = (_paragraphs(text), None) if form == "txt" else _html(text)
        script = Script(form, tuple(_in_order(_labelled(paragraphs))), language)
    if not script.lines:
        raise TranscriptError("bad_captions", "the published transcript holds no text")
    return script


def known_as(speaker: str | None, persons: Collection[str]) -> str | None:
    """The full name of a speaker where a tag gives one part of it, or its initials, and it fits one person alone."""
    if speaker is None:
        return None
    called = _bare(speaker)
    fitting = {person for person in persons if called in _ways_to_call(person)}
    return fitting.pop() if len(fitting) == 1 else speaker


def _seen(data: bytes) -> Form | None:
    """The form that the bytes show. Hosts serve WebVTT as SubRip, and an error page as anything."""
    opening = decoded(data[:2000]).lstrip("\ufeff \t\r\n")
    if opening.startswith("WEBVTT"):
        return "vtt"
    if opening.startswith("{"):
        return "json"
    if re.match(r"<(?:!doctype html|html|head|body|cite|time|p|div|article|section|h\d)[\s>]", opening, re.IGNORECASE):
        return "html"
    return "srt" if re.search(rf"^{_CLOCK}\s*-->", opening, re.MULTILINE) else None


def _timed(captions: Captions, form: Form) -> Script:
    lines = [Line(cue.text, cue.speaker, cue.start_ms, cue.end_ms, cue.words) for cue in captions.cues]
    if not any(line.speaker for line in lines):
        lines = list(_labelled(lines))
    if are_words([len(line.text.split()) for line in lines]):
        lines = [_word_by_word(line) for line in lines]
    return Script(form, tuple(lines), captions.language)


def _word_by_word(line: Line) -> Line:
    """A caption of one word says when that word is said."""
    if line.words or " " in line.text or line.start_ms is None or line.end_ms is None:
        return line
    return dataclasses.replace(line, words=(Word(line.start_ms, line.end_ms, line.text),))


def _paragraphs(text: str) -> Iterator[Line]:
    """Lines of plain text with the times that stand in them; a line of a name and a time alone leads the next."""
    heading: tuple[str | None, int | None] = None, None
    for line in text.splitlines():
        given = one_line(line)
        if not given:
            continue
        if (match := _HEADING.fullmatch(given)) and (time := _time(match["time"])) is not None:
            heading = (match["name"] or "").strip(" *_#:") or None, time
            continue
        name, start = heading
        for text_part, marked in _marked(given):
            yield Line(text_part, name, start if marked is None else marked)
            start = None
        heading = name, None


def _marked(text: str) -> Iterator[tuple[str, int | None]]:
    """Text cut at the times in brackets inside it, each part with its own; a name before a time stays in front."""
    leading = re.match(rf"([^\[\]():]{{1,60}}?)\s*{_MARK.pattern}\s*:", text)
    if leading:
        text = f"[{leading[2]}] {leading[1]}: {text[leading.end() :]}"
    first, *rest = _MARK.split(text)
    parts = [(first, None), *zip(rest[1::2], map(_time, rest[::2]), strict=True)]
    label, held = "", None
    for part, time in parts:
        held = held if time is None else time
        if not (words := f"{label} {part}".strip(" ")):
            continue
        if re.fullmatch(_LABEL, f"{words} "):  # "Ann: [0:12] Welcome"
            label = words
            continue
        yield words, held
        label, held = "", None


def _time(text: str) -> int | None:
    try:
        time = milliseconds(text)
    except ValueError:
        return None
    return time if time <= LATEST_MS else None


def _labelled(lines: Iterable[Line]) -> Iterator[Line]:
    """Names at the start of lines made speakers, for as long as no other comes.

    A word and a colon may be text ("Note: ..."), so it is a name only where most paragraphs have one or it is said
    again.
    """
    given = list(lines)
    matches = [None if line.speaker else _LABEL.match(f"{line.text} ") for line in given]
    said = Counter(match[1] for match in matches if match)
    mostly = 2 * sum(said.values()) >= len(given)
    speaker: str | None = None
    for line, match in zip(given, matches, strict=True):
        text = line.text
        if line.speaker:
            speaker = line.speaker
        elif match and (mostly or said[match[1]] > 1):
            speaker, text = match[1], text[match.end() :].strip()
        if text:
            yield dataclasses.replace(line, speaker=speaker, text=text)


def _in_order(lines: Iterable[Line]) -> Iterator[Line]:
    """Times that go back are taken for text of another kind, and left out."""
    before = 0
    for line in lines:
        if line.start_ms is not None and line.start_ms < before:
            line = dataclasses.replace(line, start_ms=None)
        before = line.start_ms if line.start_ms is not None else before
        yield line


def _html(text: str) -> tuple[list[Line], str | None]:
    page = _Page()
    if not read(text.replace("\0", " "), page):
        raise TranscriptError("bad_captions", "the published transcript is no page that can be read to its end")
    page.end_paragraph()
    return page.lines, page.language


class _Page:
    """The text of a page, paragraph by paragraph, with the `<cite>` and the `<time>` that go before."""

    UNSEEN = frozenset({"script", "style", "head", "nav", "template", "noscript", "svg", "title"})
    INLINE = frozenset({"a", "abbr", "b", "bdi", "bdo", "code", "em", "font", "i", "mark", "q", "s", "small", "span"})
    INLINE |= {"strong", "sub", "sup", "u", "wbr"}

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.language: str | None = None
        self._unseen = 0  # elements open now
        self._within = [""]  # of cite and time
        self._text: dict[str, list[str]] = {"": [], "cite": [], "time": []}
        self._speaker: str | None = None
        self._start: int | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "html":
            self.language = attributes.get("lang", "").strip() or None
        if tag not in self.INLINE:
            self.end_paragraph()
        self._unseen += tag in self.UNSEEN
        if tag in ("cite", "time"):
            self._within.append(tag)

    def end(self, tag: str) -> None:
        if tag not in self.INLINE:
            self.end_paragraph()
        self._unseen -= tag in self.UNSEEN
        if tag in ("cite", "time"):
            self._within.pop()

    def data(self, text: str) -> None:
        if not self._unseen:
            self._text[self._within[-1]].append(text)

    def end_paragraph(self) -> None:
        """Ends the paragraph, or the name or time, that is being read."""
        text, cite, time = (one_line(" ".join(parts) if name else "".join(parts)) for name, parts in self._text.items())
        for parts in self._text.values():
            parts.clear()
        if cite:
            self._speaker = _EVENT_SUFFIX.sub("", cite[:_LONGEST_NAME]).rstrip(": ") or None
        if time:
            self._start = _time(time.strip("[]()"))
        if not text:
            return
        for line in _paragraphs(text):
            start = line.start_ms if line.start_ms is not None else self._start
            self.lines.append(dataclasses.replace(line, speaker=line.speaker or self._speaker, start_ms=start))
            self._start = None


def _bare(name: str) -> str:
    return " ".join(re.findall(r"\w+", name.casefold()))


def _ways_to_call(person: str) -> set[str]:
    parts: Sequence[str] = _bare(person).split()
    if not parts:
        return set()
    initials = "".join(part[0] for part in parts)
    first_and_initial = f"{parts[0]} {parts[-1][0]}"
    return {" ".join(parts), parts[0], parts[-1], initials, " ".join(initials), first_and_initial}
