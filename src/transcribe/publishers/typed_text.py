"""Transcripts as paragraphs: HTML with `<cite>`, `<time>` and `<p>`, plain text, Markdown, and Word's .docx.

The form of the HTML is that of Podcasting 2.0, described at
https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/examples/transcripts/transcripts.md. No network.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator

from lxml import etree

from transcribe.errors import TranscriptError
from transcribe.library.clock import milliseconds
from transcribe.library.transcript import LATEST_MS
from transcribe.publishers.given import Given, GivenScript
from transcribe.web.html_stream import read
from transcribe.web.text_decoding import one_line

_CLOCK = r"(?:\d{1,3}:)?\d{1,3}:\d\d(?:[.,]\d{1,3}|[:;]\d\d)?"
_UNTIL = rf"(?:\s*(?:[-–—]|-->|to)\s*{_CLOCK})?"
_MARK = re.compile(rf"[\[(]({_CLOCK}){_UNTIL}[\])]")  # [00:01:02], (1:02) or (1:02 - 1:07), wherever it stands
_HEADING = re.compile(
    rf"(?:\[?(?P<name>[^\d\W][^:\[\]()]{{0,60}}?)\]?[\s,–-]+)?[\[(]?(?P<time>{_CLOCK}){_UNTIL}[\])]?:?"
)
_FRAMES = re.compile(r"(\d+:\d+:\d+)[:;](\d\d)")
_SPEAKER = re.compile(r"(?:speaker|unknown)(?:[ _-]?\d{1,3})?", re.IGNORECASE)
_FRAME_MS = 40  # of 25 a second, where nothing says of how many
_LEADING = re.compile(rf"\s*({_CLOCK})\s+(?=[^\W\d])")  # 0:12 Welcome
_MOSTLY = 0.8  # of the lines: where so many begin with a time, a clock there is no part of the text
_NAME_AND_TIME = re.compile(rf"([^\[\]():]{{1,60}}?)\s*{_MARK.pattern}\s*:")
_NAME = re.compile(r"(?:>>\s*|[-–]\s+)?[^\W_a-z][\w.'’&#-]*(?:\s+[\w.'’&#-]+){0,3}\s*:")
_EVENT_SUFFIX = re.compile(r"(?:\s*[\[(][^\[\]()]*[\])])+\s*$")
_LONGEST_NAME = 200  # characters
_EMPHASIS = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_BOLD_NAME = re.compile(r"^[ \t]*(\*\*|__)([^*_:\[\]\n]{1,60}?)(?::\1|\1[ \t]*:)[ \t]*", re.MULTILINE)
_FRONT = re.compile(
    r"\ufeff?---[ \t]*\n(?:[\w-]+:.*\n|[ \t-].*\n){1,50}---[ \t]*\n"
)  # what a Markdown file says of itself
_UNSEEN = re.compile(
    r"<!--.*?-->|!\[[^\[\]]*\]\([^()\n]*\)|\[\^[^\[\]\s]{1,20}\]:?", re.DOTALL
)  # comments, images, notes
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)")
_LINE_MARKS = re.compile(r"^\s*(?:#{1,6}\s+|>(?!>)\s?|\*\s+)")
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_LARGEST = 50_000_000  # bytes of a document's text


def read_typed(text: str) -> GivenScript:
    """The paragraphs of plain text or Markdown."""
    shown = _UNSEEN.sub("", _FRONT.sub("", text, count=1) if _FRONT.match(text) else text)
    if len(_BOLD_NAME.findall(shown)) > 1:
        shown = _BOLD_NAME.sub(r">> \2: ", shown)
    lines = [line for line in shown.splitlines() if line.strip()]
    leading = [match for line in lines if (match := _LEADING.match(line))]
    if len(leading) > 1 and len(leading) >= _MOSTLY * len(lines):
        times = [_time(match[1]) for match in leading]
        if times == sorted(times, key=lambda time: time or 0):
            shown = "\n".join(_LEADING.sub(r"[\1] ", line, count=1) for line in shown.splitlines())
    notes = ("what stands between --- at its beginning was left out",) if _FRONT.match(text) else ()
    return GivenScript(tuple(_paragraphs(shown)), notes=notes)


def read_docx(data: bytes) -> GivenScript:
    """The paragraphs of a Word document. Raises TranscriptError (`bad_captions`) where it is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if archive.getinfo("word/document.xml").file_size > _LARGEST:
                raise TranscriptError("bad_captions", "the document is too long")
            document = archive.read("word/document.xml")
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        root = etree.fromstring(document, parser)
    except (zipfile.BadZipFile, KeyError, OSError, RuntimeError, NotImplementedError, etree.LxmlError) as problem:
        raise TranscriptError("bad_captions", f"not a Word document: {problem}") from problem
    signs = {f"{_WORD}tab": " ", f"{_WORD}br": "\n"}
    paragraphs = (paragraph.iter(f"{_WORD}t", *signs) for paragraph in root.iter(f"{_WORD}p"))
    return read_typed("\n".join("".join(signs.get(e.tag) or e.text or "" for e in each) for each in paragraphs))


def read_html(text: str) -> GivenScript:
    """The paragraphs of a page. Raises TranscriptError (`bad_captions`) where it can't be read to its end."""
    page = _Page()
    if not read(text.replace("\0", " "), page):
        raise TranscriptError("bad_captions", "the published transcript is no page that can be read to its end")
    page.end_paragraph()
    return GivenScript(tuple(page.paragraphs), page.language)


def _paragraphs(text: str) -> Iterator[Given]:
    """Lines of text with the times that stand in them; a line of a name and a time alone leads the next."""
    name: str | None = None
    start: int | None = None
    for line in text.splitlines():
        given = one_line(_unmarked(line))
        if start is not None and name is None and _SPEAKER.fullmatch(given):  # alone, below a time: Premiere's
            name = given
            continue
        if (match := _HEADING.fullmatch(given)) and (time := _time(match["time"])) is not None:
            name, start = (match["name"] or "").strip(" *_#:") or None, time
            continue
        for part, marked in _cut_at_times(given):
            yield Given(start if marked is None else marked, None, part, name, plain=True)
            start = None


def _unmarked(line: str) -> str:
    """A line without the marks of Markdown."""
    if not re.search(r"[*_#>\]]", line):
        return line
    return _EMPHASIS.sub(r"\2", _LINK.sub(r"\1", _LINE_MARKS.sub("", line)))


def _cut_at_times(text: str) -> Iterator[tuple[str, int | None]]:
    """The parts of a line, each with the time in brackets before it; a name before a time stays with what follows."""
    if leading := _NAME_AND_TIME.match(text):  # "Ann [0:12]: Welcome"
        text = f"[{leading[2]}] {leading[1]}: {text[leading.end() :]}"
    first, *rest = _MARK.split(text)
    label, held = "", None
    for part, time in [(first, None), *zip(rest[1::2], map(_time, rest[::2]), strict=True)]:
        held = held if time is None else time
        words = f"{label} {part}".strip()
        if words and not _NAME.fullmatch(words):
            yield words, held
            label, held = "", None
        elif words:  # "Ann: [0:12] Welcome"
            label = words


def _time(text: str) -> int | None:
    try:
        frames = _FRAMES.fullmatch(text)
        time = milliseconds(frames[1]) + _FRAME_MS * int(frames[2]) if frames else milliseconds(text)
    except ValueError:
        return None
    return time if time <= LATEST_MS else None


class _Page:
    """The text of a page, paragraph by paragraph, with the `<cite>` and the `<time>` that go before."""

    UNSEEN = frozenset({"script", "style", "head", "nav", "template", "noscript", "svg", "title"})
    INLINE = frozenset({"a", "abbr", "b", "bdi", "bdo", "code", "em", "font", "i", "mark", "q", "s", "small", "span"})
    INLINE |= {"strong", "sub", "sup", "u", "wbr"}

    def __init__(self) -> None:
        self.paragraphs: list[Given] = []
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
        if text:
            self.paragraphs += self._told(_paragraphs(text))
            self._start = None

    def _told(self, paragraphs: Iterable[Given]) -> Iterator[Given]:
        start = self._start
        for each in paragraphs:
            begins = each.start_ms if each.start_ms is not None else start
            yield Given(begins, None, each.text, each.speaker or self._speaker, plain=True)
            start = None
