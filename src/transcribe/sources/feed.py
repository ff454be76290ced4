"""Reads the recordings that a feed offers from its bytes. Uses no network and opens no file.

feedparser does the reading. Before it sees a feed, the text is decoded and all that stands before the root element is
cut away, document type and entities with it: measured on 6.0.14, an entity of 100 kB named 3,000 times cost 8 s and
0.9 GB, and 100 kB of blank lines before the root 33 s.
"""

import contextlib
import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from transcribe.errors import FetchError
from transcribe.library.chapters import LONGEST_TITLE, MOST
from transcribe.library.clock import milliseconds
from transcribe.library.episode import PublishedText
from transcribe.library.transcript import LATEST_MS, Chapter
from transcribe.sources.dates import read_date
from transcribe.sources.enclosures import LIVE as LIVE_REASON
from transcribe.sources.enclosures import NO_FILE, Choice, Enclosure, chosen
from transcribe.sources.json_feed import read_json_feed
from transcribe.sources.page_elements import parse_elements
from transcribe.sources.page_media import each_once, most_telling
from transcribe.sources.rss import ALTERNATES, CHAPTERS, LIVE, PERSONS, TRANSCRIPTS, read_xml_feed
from transcribe.sources.source import FoundFile, file_title, part
from transcribe.web.media_types import audio_suffix, media_type
from transcribe.web.text_decoding import decoded, from_root, mended, one_line, plain_text
from transcribe.web.urls import is_web, public_url, same_audio, web_address, without_tracking

# The errors that feedparser raises on broken markup; found by mutating feeds.
_GIVEN_UP = (ValueError, LookupError, AttributeError, TypeError, AssertionError, OverflowError, RecursionError)

_DESCRIPTION_LIMIT = 20_000  # characters of markup
_LONGEST_S = 500 * 3600  # a longer recording is a mistake
_DURATION = re.compile(r"\d{1,7}(?::\d{1,2}){0,2}(?:\.\d{1,6})?", re.ASCII)
_RATE = re.compile(r"\d{1,7}(?:\.\d{1,3})?", re.ASCII)  # kbit/s
_LENGTH = re.compile(r"[1-9]\d{0,14}", re.ASCII)  # in bytes; 0 is written where it is not known
_CONTENT_LIMIT = 200_000  # characters of markup in which audio is looked for
_MAY_NAME_AUDIO = re.compile(r"\.(?:mp3|m4a|m4b|ogg|oga|opus|wav|aac|flac|mp4)\b|audio/|<audio", re.IGNORECASE)
_TRANSCRIPT_SUFFIXES = {
    ".vtt": "text/vtt",
    ".srt": "application/x-subrip",
    ".json": "application/json",
    ".html": "text/html",
    ".htm": "text/html",
    ".txt": "text/plain",
}
_TRANSCRIPT_TYPES = {
    **dict.fromkeys(("plain/txt", "plain/text", "text", "txt", "text/txt"), "text/plain"),
    **dict.fromkeys(("srt", "application/x-srt", "text/x-srt", "text/x-subrip"), "application/x-subrip"),
    **dict.fromkeys(("vtt", "webvtt", "text/webvtt"), "text/vtt"),
    **dict.fromkeys(("json", "text/x-json"), "application/json"),
    **dict.fromkeys(("html", "plain/html"), "text/html"),
}


@dataclass(frozen=True, slots=True)
class Feed:
    """One page of a feed: a show and its items."""

    title: str
    items: tuple[FoundFile, ...]  # those that have audio, in the feed's order
    not_taken: tuple[str, ...] = ()  # for each other item why it has none: `application/pdf`, `no file`
    following: str | None = None  # URL of the next page, or of the archive before this one (RFC 5005)
    link: str | None = None  # the show's own page
    moved_to: str | None = None  # URL at which the publisher wants it read from now on (`itunes:new-feed-url`)


@dataclass(frozen=True, slots=True)
class _About:
    """What a feed says that holds for its items."""

    title: str
    url: str  # what addresses are relative to
    persons: tuple[str, ...]
    language: str


def parse_feed(data: bytes, url: str, headers: Mapping[str, str] | None = None) -> Feed:
    """Reads a feed (RSS, Atom or JSON Feed) that came from `url`; uses the charset of its HTTP headers.

    Raises FetchError (`not_a_feed`) where it is none. Items without audio are passed over, and those that came before
    (see `distinct`); addresses are made absolute.
    """
    about, entries = _read(decoded(data, (headers or {}).get("content-type", "")), url)
    said = _About(
        _text(about, "title") or urlsplit(url).hostname or "Untitled", url, _persons(about), _line(about, "language")
    )
    items: list[FoundFile] = []
    not_taken: list[str] = []
    for entry in entries:
        choice = Choice(refused=LIVE_REASON) if LIVE in entry else _choice(entry, url)
        items += _found(entry, choice, said)
        not_taken += [choice.refused] if choice.refused else []
    moved_to = web_address(url, about.get("itunes_new-feed-url"))
    return Feed(
        said.title,
        distinct(items),
        not_taken=tuple(not_taken),
        following=_following(about, url),
        link=web_address(url, about.get("link")),
        moved_to=moved_to if moved_to != url else None,  # many feeds name the place where they are
    )


def distinct(items: Iterable[FoundFile]) -> tuple[FoundFile, ...]:
    """Each recording once, the first of equal ones; for one page of a feed, and for all of its pages together.

    A guid tells recordings apart, else the URL without its query. Where a guid stands at several recordings, their URLs
    do: `FoundFile.mark`. Where URLs without a guid differ in their queries alone (`play.mp3?id=1`, `?id=2`), the
    parameters that last do, or if even those are alike, as where each has no more than a token, the item's page or its
    title and date: `FoundFile.key` is set to it.
    """
    plain = [dataclasses.replace(item, key=None, mark=None) for item in items]
    twins: dict[str, list[FoundFile]] = defaultdict(list)  # by what lasts of the URL
    addresses: dict[str, set[str]] = defaultdict(set)  # by identity
    for item in plain:
        if item.enclosure and not item.guid:
            address = without_tracking(item.enclosure)
            twins[address].append(item)
            addresses[item.identity].add(address)
    keys: dict[FoundFile, str] = {}
    shared = _marks_of_shared_guids(plain)
    for address, alike in twins.items():
        for item, mark in zip(alike, _marks(alike), strict=True):
            if mark or len(addresses[item.identity]) > 1:
                keys[item] = f"{address} {mark}".rstrip()
    kept: dict[str, FoundFile] = {}
    for item in plain:
        told_apart = dataclasses.replace(item, key=keys.get(item), mark=shared.get(item))
        kept.setdefault(told_apart.identity, told_apart)
    return tuple(kept.values())


def _marks_of_shared_guids(items: list[FoundFile]) -> dict[FoundFile, str]:
    """Marks items that share a guid by the addresses of their audio: some programs write one guid for all items."""
    alike: dict[str, list[FoundFile]] = defaultdict(list)
    for item in items:
        if item.guid and item.enclosure:
            alike[item.guid].append(item)
    marks: dict[FoundFile, str] = {}
    for same in alike.values():
        # Addresses without what may be another one tomorrow.
        urls = [item.enclosure or "" for item in same]
        lasting = [same_audio(url, lasting_query=audio_suffix(url) is None) for url in urls]
        if len(set(lasting)) > 1:
            marks.update(zip(same, lasting, strict=True))
    return marks


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


def _found(entry: Any, choice: Choice, about: _About) -> Iterator[FoundFile]:
    """The recordings of an item: one, or its parts."""
    chapters = (web_address(about.url, each.get("url")) for each in entry.get(CHAPTERS, ()))
    address = next((address for address in chapters if address), None)
    contents = (_text({"x_detail": content}, "x") for content in entry.get("content", ()))
    description = _text(entry, "summary") or next((text for text in contents if text), "")
    for number, file in enumerate(choice.files, start=1):
        length = str(file.length or "").strip()
        found = FoundFile(
            show=about.title,
            title=_text(entry, "title") or _line(entry, "itunes_title") or file_title(file.address),
            published=_published(entry, about.language),
            guid=_line(entry, "id") or None,
            link=_link(entry, about.url),
            enclosure=file.address,
            description=description,
            source=about.url,
            transcripts=tuple(dict.fromkeys(_transcripts(entry, about.url))) if number == 1 else (),
            chapters=address if number == 1 else None,
            headings=_headings(entry) if number == 1 else (),
            persons=_persons(entry) or about.persons,
            language=_line(entry, "language") or about.language or None,
            length=int(length) if _LENGTH.fullmatch(length) else None,
            duration_ms=_duration_ms(_line(entry, "itunes_duration")) if len(choice.files) == 1 else None,
            doubtful=choice.doubtful,
        )
        yield found if len(choice.files) == 1 else part(found, number)


def _duration_ms(text: str) -> int | None:
    """`itunes:duration`: seconds, or hours, minutes and seconds with colons; None for anything else, and for 0."""
    if not _DURATION.fullmatch(text):
        return None
    seconds = 0.0
    for figures in text.split(":"):
        seconds = 60 * seconds + float(figures)
    return round(1000 * seconds) if 0 < seconds < _LONGEST_S else None


def _choice(entry: Any, url: str) -> Choice:
    """The files of an item: its enclosures, else what stands in for them, else what its text plays or offers."""
    choice = chosen(
        [
            _links(entry, "enclosure"),
            _media(entry),
            (
                Enclosure(_lower(each, "type"), each.get("uri"), each.get("length"))
                for each in entry.get(ALTERNATES, ())
            ),
            (
                Enclosure(_lower(content, "type"), content.get("src"))
                for content in entry.get("content", ())
                if isinstance(content, dict) and content.get("src")  # Atom's content may lie elsewhere
            ),
        ],
        lambda address: _absolute(url, address),
    )
    if choice.refused != NO_FILE:
        return choice
    return chosen([_in_its_text(entry), _as_its_link(entry)], lambda address: _absolute(url, address))


def _in_its_text(entry: Any) -> list[Enclosure]:
    for content in (*entry.get("content", ()), entry.get("summary_detail")):
        text = content.get("value") if isinstance(content, dict) else None
        if isinstance(text, str) and _MAY_NAME_AUDIO.search(text):
            media = parse_elements(text[:_CONTENT_LIMIT].encode("utf-8", "replace"), "text/html; charset=utf-8").media
            if media := most_telling([medium for medium in media if medium.place != "script"]):
                return [Enclosure("", address) for address in each_once(medium.address for medium in media)]
    return []


def _as_its_link(entry: Any) -> list[Enclosure]:
    """What feeds that were written by hand give: a link or a guid that leads to the audio."""
    return [Enclosure("", text) for name in ("link", "id") if audio_suffix(text := _line(entry, name))]


def _links(element: Any, relation: str) -> Iterator[Enclosure]:
    """Each link of a relation. An element of a feed may be named `links`: it is text."""
    for link in element.get("links", ()):
        if isinstance(link, dict) and link.get("rel") == relation:
            yield Enclosure(_lower(link, "type"), link.get("href"), link.get("length"))


def _media(entry: Any) -> Iterator[Enclosure]:
    contents = [content for content in entry.get("media_content", ()) if isinstance(content, dict)]
    for content in sorted(contents, key=_rank_of_media):
        kind = _lower(content, "type") or {"audio": "audio", "video": "video", "image": "image/"}.get(
            _lower(content, "medium")
        )
        yield Enclosure(kind or "", content.get("url"), content.get("fileSize") or content.get("filesize"))


def _rank_of_media(content: Mapping[str, Any]) -> tuple[bool, float]:
    """The one that its publisher plays by default first, then the one of the highest rate."""
    rate = str(content.get("bitrate") or "")
    return _lower(content, "isdefault") != "true", -float(rate) if _RATE.fullmatch(rate) else 0.0


def _transcripts(entry: Any, url: str) -> Iterator[PublishedText]:
    """Gives each transcript its registered type; where it states none, the type of its name."""
    for offered in entry.get(TRANSCRIPTS, ()):
        if address := web_address(url, offered.get("url")):
            said, language = one_line(offered.get("type") or "").lower(), one_line(offered.get("language") or "")
            suffix = PurePosixPath(unquote(urlsplit(address).path, errors="replace")).suffix.lower()
            of_name = said if "/" in said else _TRANSCRIPT_SUFFIXES.get(suffix, said)
            yield PublishedText(address, _TRANSCRIPT_TYPES.get(media_type(said)) or of_name, language or None)


def _headings(entry: Any) -> tuple[Chapter, ...]:
    """Podlove Simple Chapters (https://podlove.org/simple-chapters), which stand in the feed itself."""
    simple = entry.get("psc_chapters")
    given = simple.get("chapters") if isinstance(simple, dict) else None
    found: dict[int, Chapter] = {}
    for each in (given or ())[:MOST]:
        title, link = one_line(each.get("title") or "")[:LONGEST_TITLE], str(each.get("href") or "").strip()
        with contextlib.suppress(ValueError):
            if title and (start_ms := milliseconds(str(each.get("start")))) <= LATEST_MS:
                found.setdefault(start_ms, Chapter(start_ms, title, link if is_web(link) else None))
    return tuple(found[start_ms] for start_ms in sorted(found))


def _link(entry: Any, url: str) -> str | None:
    """The item's page; feedparser takes a guid for it, which is one only where it is a whole address."""
    link = entry.get("link")
    if entry.get("guidislink") and link == entry.get("id") and not is_web(str(link)):
        return None
    return web_address(url, link)


def _lower(element: Any, name: str) -> str:
    value = element.get(name)
    return value.strip().lower() if isinstance(value, str) else ""


def _persons(element: Any) -> tuple[str, ...]:
    names = (one_line(name) for name in element.get(PERSONS, ()))
    return tuple(dict.fromkeys(name for name in names if name))


def _following(about: Any, url: str) -> str | None:
    """The next page comes before an archive: in a feed that has both, it leads to the archive by and by."""
    links = [*_links(about, "next"), *_links(about, "prev-archive")]
    addresses = (web_address(url, link.address) for link in links)
    return next((address for address in addresses if address and address != url), None)


def _absolute(url: str, address: Any) -> str | None:
    """The address made absolute; None where there is none, or where it cannot be read."""
    try:
        return urljoin(url, address.strip()) if isinstance(address, str) and address.strip() else None
    except ValueError:
        return None


def _published(entry: Any, language: str) -> str | None:
    """As it is written: feedparser's own dates fill in from today what is missing."""
    # Asked for by `in`, since feedparser's `updated` silently answers with `published`, and warns.
    texts = (entry[name] for name in ("published", "created", "updated") if name in entry)
    dates = (read_date(text, language or None) for text in texts if isinstance(text, str))
    return next((date for date in dates if date), None)


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
