"""Collects the elements of a web page that describe a recording. Uses no network."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from transcribe.web.html_stream import read
from transcribe.web.media_types import audio_suffix, is_audio_type, media_type
from transcribe.web.text_decoding import decoded

MAX_LENGTH = 4 * 1024 * 1024  # characters

FoundIn = Literal["player", "link", "embedded"]

_META_CHARSET = re.compile(rb"""<meta[^>]{1,200}?charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
_META_WITHIN = 1024  # bytes (WHATWG, HTML, 13.2.3.2)
_ADDRESS_LIMIT = 4000  # characters


@dataclass(frozen=True, slots=True)
class Medium:
    """An address that may be that of audio, as the page writes it."""

    place: FoundIn
    address: str
    in_article: bool  # within <article> or <main>: not in a sidebar or a footer


@dataclass(frozen=True, slots=True)
class Link:
    """A `<link>` of the page's head."""

    rel: tuple[str, ...]  # lower case
    address: str
    media_type: str  # lower case, without parameters
    title: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A `<time>`."""

    text: str  # its `datetime`
    of_publication: bool  # it says so itself
    in_article: bool


@dataclass(slots=True)
class Elements:
    """The elements of a page, in its order; texts as written, addresses not yet absolute."""

    base: str | None = None
    title: str = ""
    headings: list[str] = field(default_factory=list)  # <h1>
    metas: list[tuple[str, str]] = field(default_factory=list)  # name or property in lower case, content
    links: list[Link] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    media: list[Medium] = field(default_factory=list)
    linked_data: list[str] = field(default_factory=list)  # JSON-LD

    def meta(self, *names: str) -> str:
        """The first content that is not empty, by the order of names; empty for none."""
        return next((text for name in names for said, text in self.metas if said == name and text), "")

    def link(self, rel: str) -> str | None:
        """The address of the first link of this kind."""
        return next((link.address for link in self.links if rel in link.rel), None)


def parse_elements(data: bytes, content_type: str = "") -> Elements:
    """The elements of a page with this Content-Type header. Accepts any bytes; those of no page give few elements.

    From MAX_LENGTH or `markup.MAX_DEPTH` open elements on, the rest of the page is left unread.
    """
    reader = _ElementCollector()
    read(decoded(data, _said_charset(data, content_type))[:MAX_LENGTH], reader)
    return reader.found


class _ElementCollector:
    """Collects the elements that describe a recording."""

    def __init__(self) -> None:
        self.found = Elements()
        self._articles = 0  # open now
        self._player: Literal["none", "open", "filled"] = "none"
        self._awaited = ""  # the tag whose text is being kept
        self._texts: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in ("article", "main"):
            self._articles += 1
        if told := getattr(self, f"_on_{tag}", None):
            told(attributes)
        self._embedded(tag, attributes)

    def end(self, tag: str) -> None:
        if tag in ("article", "main"):
            self._articles -= 1
        if tag == "audio":
            self._player = "none"
        if tag == self._awaited:
            self._said(tag, "".join(self._texts))
            self._awaited, self._texts = "", []

    def data(self, text: str) -> None:
        if self._awaited:
            self._texts.append(text)

    def _said(self, tag: str, text: str) -> None:
        if tag == "title":
            self.found.title = self.found.title or text
        elif tag == "h1":
            self.found.headings.append(text)
        else:
            self.found.linked_data.append(text)

    def _await(self, tag: str) -> None:
        if not self._awaited:
            self._awaited, self._texts = tag, []

    def _on_title(self, _: dict[str, str]) -> None:
        self._await("title")

    def _on_h1(self, _: dict[str, str]) -> None:
        self._await("h1")

    def _on_script(self, attributes: dict[str, str]) -> None:
        if media_type(attributes.get("type", "")) == "application/ld+json":
            self._await("script")

    def _on_base(self, attributes: dict[str, str]) -> None:
        self.found.base = self.found.base or attributes.get("href")

    def _on_meta(self, attributes: dict[str, str]) -> None:
        for key in ("property", "name", "itemprop"):
            if name := attributes.get(key):
                self.found.metas.append((name.strip().lower(), attributes.get("content", "").strip()))

    def _on_link(self, attributes: dict[str, str]) -> None:
        rel = tuple(attributes.get("rel", "").lower().split())
        kind, title = media_type(attributes.get("type", "")), attributes.get("title", "")
        self.found.links.append(Link(rel, attributes.get("href", ""), kind, title))

    def _on_time(self, attributes: dict[str, str]) -> None:
        marks = f"{attributes.get('itemprop', '')} {attributes.get('class', '')}".lower().split()
        said = "pubdate" in attributes or not {"datepublished", "published", "entry-date"}.isdisjoint(marks)
        self.found.moments.append(Moment(attributes.get("datetime", ""), said, self._articles > 0))

    def _on_audio(self, attributes: dict[str, str]) -> None:
        self._player = "open"
        self._play(attributes.get("src", ""))

    def _on_source(self, attributes: dict[str, str]) -> None:
        """Takes the first of a player's sources: they are one recording in several formats."""
        kind, address = media_type(attributes.get("type", "")), attributes.get("src", "")
        if self._player == "open" and (not kind or is_audio_type(kind)):
            self._play("" if "mpegurl" in kind else address)

    def _play(self, address: str) -> None:
        if address.strip():
            self._player = "filled"
            self._add("player", address)

    def _on_a(self, attributes: dict[str, str]) -> None:
        address = attributes.get("href", "")
        if audio_suffix(address.strip()):
            self._add("link", address)

    def _embedded(self, tag: str, attributes: dict[str, str]) -> None:
        for name, value in attributes.items():
            if name.startswith("data-") and audio_suffix(value.strip()):
                self._add("embedded", value)
            elif tag in ("iframe", "embed", "object", "param") and name in ("src", "data", "flashvars", "value"):
                for address in _parameters(value):
                    self._add("embedded", address)

    def _add(self, place: FoundIn, address: str) -> None:
        if len(address) <= _ADDRESS_LIMIT:
            self.found.media.append(Medium(place, address, self._articles > 0))


def _parameters(address: str) -> Iterator[str]:
    """The audio in an embedded player's address or variables, or the embedded audio itself."""
    if audio_suffix(address.strip()) and "=" not in address:
        yield address
    with contextlib.suppress(ValueError):  # not an address, or more parameters than any player has
        query = urlsplit(address).query or address
        for _, value in parse_qsl(query, max_num_fields=100):
            if audio_suffix(value.strip()):
                yield value


def _said_charset(data: bytes, content_type: str) -> str:
    """The Content-Type header, with the charset that the page declares where the header names none."""
    declared = _META_CHARSET.search(data[:_META_WITHIN])
    if not declared or "charset" in content_type.lower():
        return content_type
    return f"text/html; charset={declared[1].decode('ascii', 'replace')}"
