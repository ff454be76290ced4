"""The text of one cue as it stands in its file, to words: tags, entities and codes taken off, what they say kept.

Tags are those of WebVTT and of HTML as SubRip has it, codes those of Advanced SubStation. What only looks like a tag
(`List<String>`) is text.
"""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from transcribe.library.clock import milliseconds
from transcribe.library.transcript import Word
from transcribe.publishers.script import spread

_NAMES = "c|i|b|u|s|em|strong|font|span|ruby|rp|small|big|sub|sup|mark|center|strike|tt"
_EMPHASIS = frozenset(["c", "i", "b", "u", "em", "strong", "font", "span", "mark"])
# Attributes have values: `a<b and b>c` is text.
_PLAIN_TAG = rf"</?(?:{_NAMES})(?:\.[^\s<>]*)*(?:\s[^<>]*=[^<>]*|\s*)/?>"
_PIECE = re.compile(
    rf"(<(?:\d+:)?\d\d:\d\d[.,]\d{{3}}>|<br\s*/?>|</?(?:v|lang)(?:[.\s][^<>]*)?>|{_PLAIN_TAG}|\{{\\[^{{}}]*\}}|(?<!\S)[C-H]:\\[^\s\\]*\\\S*|(?<![\w:\\])\\[Nnh]|\\[Nh])",
    re.IGNORECASE | re.ASCII,
)
_TIME = re.compile(r"<((?:\d+:)?\d\d:\d\d[.,]\d{3})>", re.ASCII)
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>]*)>", re.IGNORECASE)
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[a-z]+)", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});", re.ASCII)
_READING = re.compile(r"<rt(?:[.\s][^<>]*)?>[^<]*(?:</rt>|(?=<))", re.IGNORECASE)  # how a character is pronounced
_DRAWING = re.compile(r"\{[^{}]*\\p[1-9][^{}]*\}.*?(?:\{[^{}]*\\p0[^{}]*\}|\Z)", re.DOTALL)
_INVISIBLE = re.compile("\ufeff|^[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069]+$")
_MARKUP = re.compile(r"[<&{\\\x00\ufeff\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Token:
    """A word as a cue shows it."""

    text: str
    line: int = 0  # of the cue
    start_ms: int | None = None  # where the file says it
    voice: str | None = None  # of WebVTT's <v>
    marked: bool = False  # shown in another way than the rest, as the word that is being sung
    word: Word | None = None  # where the file gives all of it


@dataclass(frozen=True, slots=True)
class Shown:
    """A cue as its file has it, its text in words."""

    start_ms: int
    end_ms: int
    tokens: tuple[Token, ...]
    speaker: str | None = None
    torn: bool = field(default=False)  # a time stands inside a word

    @property
    def text(self) -> str:
        """On one line."""
        return " ".join(token.text for token in self.tokens)


def tokens_of(raw: str, codes: bool = True) -> tuple[tuple[Token, ...], bool]:
    """The words of a cue's text; and whether an inline time stands inside one of them.

    Without `codes`, what looks like those of Advanced SubStation is text, as WebVTT has it.
    """
    if not _MARKUP.search(raw):
        plain = (Token(word, line) for line, text in enumerate(raw.split("\n")) for word in text.split())
        return tuple(plain), False
    reader = _Reader(codes)
    shown = _READING.sub("", _DRAWING.sub("", raw) if codes else raw)
    for number, piece in enumerate(_PIECE.split(shown)):
        if number % 2 and (codes or piece[0] == "<"):
            reader.tag(piece)
        else:
            reader.text(piece)
    reader.end_word()
    return tuple(reader.tokens), reader.torn


def plain(raw: str, codes: bool = True) -> str:
    """A cue's text on one line, without markup."""
    return " ".join(token.text for token in tokens_of(raw, codes)[0])


def timed_words(tokens: Sequence[Token], start_ms: int, end_ms: int) -> tuple[Word, ...]:
    """Words by the inline times before them; none where there are no such times or they make no sense."""
    if tokens and all(token.word for token in tokens):
        return tuple(token.word for token in tokens if token.word)
    if all(token.start_ms is None for token in tokens):
        return ()
    pieces = list(_pieces(tokens, start_ms))
    bounds = [*(start for start, _ in pieces), end_ms]
    if bounds != sorted(bounds) or bounds[0] < start_ms:
        return ()
    return tuple(
        word for (start, texts), end in zip(pieces, bounds[1:], strict=True) for word in spread(texts, start, end)
    )


def _pieces(tokens: Iterable[Token], start_ms: int) -> Iterator[tuple[int, list[str]]]:
    """Words that stand between two times, with the first of these."""
    start, texts = start_ms, list[str]()
    for token in tokens:
        if token.start_ms is not None:
            if texts:
                yield start, texts
            start, texts = token.start_ms, []
        texts.append(token.text)
    yield start, texts


class _Reader:
    """What is known at a place in a cue's text."""

    def __init__(self, codes: bool) -> None:
        self._codes = codes
        self.tokens: list[Token] = []
        self.torn = False
        self._letters = ""
        self._line, self._depth = 0, 0
        self._voice: str | None = None
        self._time: int | None = None  # of the next word
        self._begins: int | None = None  # when the word that is being read begins
        self._is_cut = False  # a time has just been read, behind letters
        self._marked = False

    def text(self, piece: str) -> None:
        for part in re.split(r"(\s+)", _ENTITY.sub(lambda entity: html.unescape(entity[0]), piece)):
            if part.isspace():
                self.end_word()
                self._line += part.count("\n")
            elif part:
                self.torn = self.torn or self._is_cut
                if not self._letters:
                    self._begins, self._time = self._time, None
                self._marked = self._depth > 0 if not self._letters else self._marked or self._depth > 0
                self._letters += part

    def tag(self, piece: str) -> None:
        if time := _TIME.fullmatch(piece):
            self._is_cut = bool(self._letters)
            self._time = milliseconds(time[1])
        elif voice := _VOICE.fullmatch(piece):
            self.end_word()
            self._voice = plain(voice[1], self._codes) or None
        elif piece in ("\\N", "\\n", "\\h"):
            self.text("\n" if piece in ("\\N", "\\n") else " ")
        elif piece[:1] not in "<{":  # a path
            self.text(piece)
        elif (tag := _TAG.match(piece)) and tag["name"].lower() == "br":
            self.text("\n")
        elif tag and tag["name"].lower() in _EMPHASIS and not piece.endswith("/>"):
            self._depth = max(0, self._depth + (-1 if tag["end"] else 1))

    def end_word(self) -> None:
        """Ends the word that is being read."""
        text = _INVISIBLE.sub("", self._letters).encode(errors="replace").decode()
        if text:
            self.tokens.append(Token(text, self._line, self._begins, self._voice, self._marked))
        self._letters, self._is_cut = "", False
