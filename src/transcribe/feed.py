"""The bytes of a feed to the recordings it offers. No network, and no file is opened.

feedparser does the reading. Before it sees a feed, the text is decoded and all that stands before the root element is
cut away, document type and entities with it: measured on 6.0.14, an entity of 100 kB named 3,000 times cost 8 s and
0.9 GB, and 100 kB of blank lines before the root 33 s.
"""

import codecs
import contextlib
import html
import io
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import feedparser

from transcribe.errors import FetchError
from transcribe.sources import Found, audio_suffix, dated, public_url

_XML = b'<?xml version="1.0" encoding="utf-8"?>\n'
_DECLARED_ENCODING = re.compile(rb"""<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w.:-]{1,40})""")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Python's codecs that are no encodings of documents; some take quadratic time.
_NO_ENCODINGS = ("punycode", "idna", "undefined", "unicode-escape", "raw-unicode-escape")
_WIDER = {"iso8859-1": "windows-1252", "gb2312": "gb18030"}  # as browsers take them (WHATWG, Encoding, 4.2)
_NUMBERED = re.compile(r"&#(x[0-9a-f]{1,600}|[0-9]{1,600});", re.IGNORECASE | re.ASCII)
# What feedparser lets through on broken markup; found by mutating feeds.
_GIVEN_UP = (ValueError, LookupError, AttributeError, TypeError, AssertionError, OverflowError, RecursionError)

_TAG = re.compile(r"(<!--|-->|<[/!?a-z][^<>]*>)", re.IGNORECASE)
_TAG_START = re.compile(r"<!--|-->|</?[a-z0-9]*")
_INLINE = ("a", "abbr", "b", "cite", "code", "em", "font", "i", "mark", "q", "s", "small", "span", "strong", "u")
_HIDDEN = {"<!--": "-->", "<script": "</script", "<style": "</style"}
_DESCRIPTION_LIMIT = 20_000  # characters of markup
_PLAYLIST = re.compile(r"mpegurl|scpls")


@dataclass(frozen=True, slots=True)
class Feed:
    """A show as its publisher offers it."""

    title: str
    items: tuple[Found, ...]  # those that have audio, in the feed's order


def parse_feed(data: bytes, url: str, headers: Mapping[str, str] | None = None) -> Feed:
    """A feed, RSS or Atom, as it came from url with these headers of HTTP (of which the charset is used).

    Raises FetchError (`not_a_feed`) where it is none. Items without audio are passed over, and those of a guid that
    came before; addresses are made absolute.
    """
    root = _from_root(_decoded(data, (headers or {}).get("content-type", "")))
    parsed = _parsed(root, url) if root else None
    if parsed is None or not parsed.version:
        raise FetchError("not_a_feed", f"{public_url(url)} is not a feed: it holds neither RSS nor Atom")
    title = _text(parsed.feed, "title") or urlsplit(url).hostname or "Untitled"
    items: dict[str, Found] = {}
    for entry in parsed.entries:
        if item := _found(entry, title, url):
            items.setdefault(item.identity, item)
    return Feed(title, tuple(items.values()))


def plain_text(markup: str) -> str:
    """What a reader would see of HTML, on one line; in linear time, which html.parser does not promise.

    (20 kB of `<a <a <a` took the parser of Python 3.11 four seconds, and `<![<![` an AssertionError.)
    """
    kept: list[str] = []
    awaited = None  # what ends the comment, script or style that we are in
    for number, piece in enumerate(_TAG.split(markup)):
        start = _TAG_START.match(piece.lower()) if number % 2 else None
        if awaited:
            awaited = None if start and start[0] == awaited else awaited
        elif start:
            awaited = _HIDDEN.get(start[0])
            kept.append("" if start[0].strip("</") in _INLINE else " ")
        else:
            kept.append(piece)
    return _one_line(html.unescape("".join(kept)))


def _decoded(data: bytes, content_type: str) -> str:
    """By byte order mark, HTTP's charset, the XML declaration, UTF-8: the first that fits (RFC 7303, section 3)."""
    for encoding in _encodings(data, content_type):
        with contextlib.suppress(LookupError, UnicodeError):
            name = codecs.lookup(encoding).name.replace("_", "-")
            text = "" if name in _NO_ENCODINGS else data.decode(_WIDER.get(name, name))
            if "<" in text:  # else it is not what was said, as when UTF-8 says it is UTF-16
                return text
    return data.decode("windows-1252", "replace")


def _encodings(data: bytes, content_type: str) -> Iterator[str]:
    yield from (name for mark, name in _BYTE_ORDER_MARKS.items() if data.startswith(mark))
    if charset := _CHARSET.search(content_type):
        yield charset[1]
    if declared := _DECLARED_ENCODING.match(data[:200].lstrip()):
        yield declared[1].decode("ascii", "replace")
    yield "utf-8"


def _from_root(text: str) -> str:
    """From the root element on; empty where there is none. Comments before it are stepped over whole."""
    at = text.find("<")
    while at >= 0 and not text[at + 1 : at + 2].isalpha():
        if text.startswith("<!--", at):
            at = text.find("-->", at)
        at = text.find("<", at + 1) if at >= 0 else at
    return text[at:] if at >= 0 else ""


def _mended(text: str) -> str:
    """With characters given by number as two halves (`&#xD83D;&#xDE00;`) joined, and impossible ones as U+FFFD.

    One of these would otherwise cost the whole feed.
    """
    text = _NUMBERED.sub(_character, text)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(reference: re.Match[str]) -> str:
    digits = reference[1].lower()
    code = int(digits[1:], 16) if digits.startswith("x") else int(digits)
    if code > sys.maxunicode:
        return "\ufffd"
    return chr(code) if 0xD800 <= code <= 0xDFFF else reference[0]


def _parsed(text: str, url: str) -> Any:
    # A stream: plain bytes it would first try to open as a path. Its tidying of HTML is not needed for plain text.
    document = io.BytesIO(_XML + _mended(text).encode())
    try:
        return feedparser.parse(document, sanitize_html=False, resolve_relative_uris=False)
    except _GIVEN_UP as problem:
        raise FetchError("not_a_feed", f"{public_url(url)} could not be read as a feed: {problem}") from problem


def _found(entry: Any, show: str, url: str) -> Found | None:
    enclosure = _enclosure(entry, url)
    if enclosure is None:
        return None
    link = _absolute(url, entry.get("link"))
    return Found(
        show=show,
        title=_text(entry, "title") or _name(enclosure),
        published=_published(entry),
        guid=_one_line(entry.get("id") or "") or None,
        link=link if link and link.startswith(("http://", "https://")) else None,
        enclosure=enclosure,
        description=_description(entry),
        source=url,
    )


def _enclosure(entry: Any, url: str) -> str | None:
    """The first that says it is audio, else the first that is named like audio."""
    links = [link for link in entry.get("links", ()) if isinstance(link, dict) and link.get("rel") == "enclosure"]
    offered = [((link.get("type") or "").lower(), _absolute(url, link.get("href"))) for link in links]
    files = [(kind, address) for kind, address in offered if address and not _PLAYLIST.search(kind)]
    said = [address for kind, address in files if kind.startswith("audio/")]
    return next(iter(said + [address for _, address in files if audio_suffix(address)]), None)


def _absolute(url: str, address: str | None) -> str | None:
    """The address seen from the feed's; None for none, or for one that cannot be read."""
    try:
        return urljoin(url, address.strip()) if address and address.strip() else None
    except ValueError:
        return None


def _published(entry: Any) -> str | None:
    # Asked for by `in`, since feedparser's `updated` silently answers with `published`, and warns.
    for name in ("published_parsed", "updated_parsed"):
        if name in entry and isinstance(moment := entry[name], time.struct_time):
            with contextlib.suppress(ValueError, OverflowError):
                return datetime(*moment[:6], tzinfo=UTC).isoformat().replace("+00:00", "Z")
    return None


def _description(entry: Any) -> str:
    contents: Iterable[Any] = entry.get("content", ())
    return _text(entry, "summary") or next((t for c in contents if (t := _text({"x_detail": c}, "x"))), "")


def _text(element: Any, name: str) -> str:
    """A text of a feed or an item on one line, its markup taken off where it has any."""
    detail = element.get(f"{name}_detail")
    if not isinstance(detail, dict):  # an element of a feed may have any name, this one too
        return ""
    value = (detail.get("value") or "")[:_DESCRIPTION_LIMIT]
    return plain_text(value) if "html" in (detail.get("type") or "") else _one_line(value)


def _one_line(text: str) -> str:
    """With single spaces, and with nothing that UTF-8 cannot hold."""
    return " ".join(text.encode("utf-8", "replace").decode().replace("\x00", " ").split())


def _name(url: str) -> str:
    return dated(PurePosixPath(unquote(urlsplit(url).path, errors="replace")).stem)[1] or "Untitled"
