"""Reads the recordings that a feed offers from its bytes. Uses no network and opens no file.

feedparser does the reading. Before it sees a feed, the text is decoded and all that stands before the root element is
cut away, document type and entities with it: measured on 6.0.14, an entity of 100 kB named 3,000 times cost 8 s and
0.9 GB, and 100 kB of blank lines before the root 33 s.
"""

import contextlib
import dataclasses
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from transcribe.errors import FetchError
from transcribe.library.episode import PublishedText
from transcribe.sources.json_feed import read_json_feed
from transcribe.sources.rss import CHAPTERS, LIVE, PERSONS, TRANSCRIPTS, read_xml_feed
from transcribe.sources.source import FoundFile, dated
from transcribe.web.media_types import audio_suffix
from transcribe.web.text_decoding import decoded, from_root, mended, one_line, plain_text
from transcribe.web.urls import public_url, web_address, without_tracking

# The errors that feedparser raises on broken markup; found by mutating feeds.
_GIVEN_UP = (ValueError, LookupError, AttributeError, TypeError, AssertionError, OverflowError, RecursionError)

_DESCRIPTION_LIMIT = 20_000  # characters of markup
_LENGTH = re.compile(r"[1-9]\d{0,14}", re.ASCII)  # in bytes; 0 is written where it is not known
_PLAYLIST = re.compile(r"mpegurl|scpls")


@dataclass(frozen=True, slots=True)
class _Enclosure:
    """A file that an item offers."""

    media_type: str  # lower case; may be empty
    address: Any
    length: Any = None  # in bytes


@dataclass(frozen=True, slots=True)
class Feed:
    """One page of a feed: a show and its items."""

    title: str
    items: tuple[FoundFile, ...]  # the items with audio, in the feed's order
    following: str | None = None  # URL of the next page, or of the archive before this one (RFC 5005)
    moved_to: str | None = None  # the feed's new URL (`itunes:new-feed-url`)


def parse_feed(data: bytes, url: str, headers: Mapping[str, str] | None = None) -> Feed:
    """Reads a feed (RSS, Atom or JSON Feed) that came from `url`; uses the charset of its HTTP headers.

    Raises FetchError (`not_a_feed`) where it is none. Items without audio are passed over, and those that came before
    (see `distinct`); addresses are made absolute.
    """
    about, entries = _read(decoded(data, (headers or {}).get("content-type", "")), url)
    title = _text(about, "title") or urlsplit(url).hostname or "Untitled"
    persons, language = _persons(about), _line(about, "language")
    items = (item for entry in entries if (item := _found(entry, title, url, persons, language)))
    return Feed(title, distinct(items), _following(about, url), _moved_to(about, url))


def distinct(items: Iterable[FoundFile]) -> tuple[FoundFile, ...]:
    """Each recording once, the first of equal ones; for one page of a feed, and for all of its pages together.

    A guid tells recordings apart, else the URL without its query. Where URLs without a guid differ in their queries
    alone (`play.mp3?id=1`, `?id=2`), the parameters that last do, or if even those are alike, as where each has no more
    than a token, the item's page or its title and date: `FoundFile.key` is set to it.
    """
    plain = [dataclasses.replace(item, key=None) for item in items]
    kept: dict[str, FoundFile] = {}
    for item in _told_apart(plain):
        kept.setdefault(item.identity, item)
    return tuple(kept.values())


def _told_apart(items: list[FoundFile]) -> list[FoundFile]:
    """The items, with a key where one is needed."""
    twins: dict[str, list[FoundFile]] = defaultdict(list)  # by what lasts of the URL
    addresses: dict[str, set[str]] = defaultdict(set)  # by identity
    for item in items:
        if item.enclosure and not item.guid:
            address = without_tracking(item.enclosure)
            twins[address].append(item)
            addresses[item.identity].add(address)
    keys: dict[FoundFile, str] = {}
    for address, alike in twins.items():
        for item, mark in zip(alike, _marks(alike), strict=True):
            if mark or len(addresses[item.identity]) > 1:
                keys[item] = f"{address} {mark}".rstrip()
    return [dataclasses.replace(item, key=keys.get(item)) for item in items]


def _marks(alike: list[FoundFile]) -> list[str]:
    """Texts that tell items with the same lasting URL apart; empty ones where they are one recording."""
    if len({item.enclosure for item in alike}) > 1:
        links = [without_tracking(item.link or "") for item in alike]
        if all(links) and len(set(links)) > 1:
            return links
        names = [f"{item.title} {item.published or ''}" for item in alike]
        if len(set(names)) > 1:
            return names
    return [""] * len(alike)


def _read(text: str, url: str) -> tuple[Any, Iterable[Any]]:
    """The feed's own fields and its items, in the shape of feedparser."""
    try:
        is_json = text.lstrip("\ufeff \t\r\n").startswith("{")
        root = "" if is_json else mended(from_root(text))
        feed = read_json_feed(text) if is_json else read_xml_feed(root) if root else None
    except _GIVEN_UP as problem:
        raise FetchError("not_a_feed", f"{public_url(url)} could not be read as a feed: {problem}") from problem
    if feed is None:
        raise FetchError("not_a_feed", f"{public_url(url)} is not a feed: it holds neither RSS, Atom nor a JSON Feed")
    return feed


def _found(entry: Any, show: str, url: str, persons: tuple[str, ...], language: str) -> FoundFile | None:
    audio = _enclosure(entry, url)
    if audio is None or LIVE in entry:
        return None
    enclosure, length = audio.address, str(audio.length or "").strip()
    chapters = (web_address(url, each.get("url")) for each in entry.get(CHAPTERS, ()))
    return FoundFile(
        show=show,
        title=_text(entry, "title") or _line(entry, "itunes_title") or _name(enclosure),
        published=_published(entry),
        guid=_line(entry, "id") or None,
        link=web_address(url, entry.get("link")),
        enclosure=enclosure,
        description=_description(entry),
        source=url,
        transcripts=tuple(dict.fromkeys(_transcripts(entry, url))),
        chapters=next((address for address in chapters if address), None),
        persons=_persons(entry) or persons,
        language=_line(entry, "language") or language or None,
        length=int(length) if _LENGTH.fullmatch(length) else None,
    )


def _enclosure(entry: Any, url: str) -> _Enclosure | None:
    """The first enclosure with an audio type, else the first with an audio name, else that of Media RSS."""
    return _audio(_links(entry, "enclosure"), url) or _audio(_media(entry), url)


def _audio(offered: Iterable[_Enclosure], url: str) -> _Enclosure | None:
    resolved = [dataclasses.replace(file, address=_absolute(url, file.address)) for file in offered]
    files = [file for file in resolved if file.address and not _PLAYLIST.search(file.media_type)]
    said = [file for file in files if file.media_type.startswith("audio/")]
    return next(iter(said + [file for file in files if audio_suffix(file.address)]), None)


def _links(element: Any, relation: str) -> Iterator[_Enclosure]:
    """Each link of a relation. An element of a feed may be named `links`: it is text."""
    for link in element.get("links", ()):
        if isinstance(link, dict) and link.get("rel") == relation:
            yield _Enclosure((link.get("type") or "").lower(), link.get("href"), link.get("length"))


def _media(entry: Any) -> Iterator[_Enclosure]:
    for content in entry.get("media_content", ()):
        if isinstance(content, dict):
            media_type = (content.get("type") or f"{content.get('medium')}/").lower()
            yield _Enclosure(media_type, content.get("url"), content.get("filesize"))


def _transcripts(entry: Any, url: str) -> Iterator[PublishedText]:
    for offered in entry.get(TRANSCRIPTS, ()):
        if address := web_address(url, offered.get("url")):
            language = one_line(offered.get("language") or "")
            yield PublishedText(address, one_line(offered.get("type") or "").lower(), language or None)


def _persons(element: Any) -> tuple[str, ...]:
    names = (one_line(name) for name in element.get(PERSONS, ()))
    return tuple(dict.fromkeys(name for name in names if name))


def _following(about: Any, url: str) -> str | None:
    """The next page comes before an archive: in a feed that has both, it leads to the archive by and by."""
    links = [*_links(about, "next"), *_links(about, "prev-archive")]
    addresses = (web_address(url, link.address) for link in links)
    return next((address for address in addresses if address and address != url), None)


def _moved_to(about: Any, url: str) -> str | None:
    address = web_address(url, about.get("itunes_new-feed-url"))
    return address if address != url else None  # many name the place where they are


def _absolute(url: str, address: Any) -> str | None:
    """The address made absolute; None where there is none, or where it cannot be read."""
    try:
        return urljoin(url, address.strip()) if isinstance(address, str) and address.strip() else None
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
    """A text of a feed or an item on one line, without markup."""
    detail = element.get(f"{name}_detail")
    if not isinstance(detail, dict):  # an element of a feed may have any name, this one too
        return ""
    value: str = (detail.get("value") or "")[:_DESCRIPTION_LIMIT]
    return plain_text(value) if "html" in (detail.get("type") or "") else one_line(value)


def _line(element: Any, name: str) -> str:
    value = element.get(name)
    return one_line(value) if isinstance(value, str) else ""


def _name(url: str) -> str:
    return dated(PurePosixPath(unquote(urlsplit(url).path, errors="replace")).stem)[1] or "Untitled"
