"""Finds the recordings that a source offers, on this machine or on the web.

The answer of an address shows what it is: audio, a feed, an OPML file or a page.
"""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import unquote, urlsplit

from transcribe.errors import FetchError
from transcribe.fetch.feed_cache import BodyFilter, CachedAnswer, NotDue, NotModified
from transcribe.fetch.http_client import MIB, Fetched, HttpClient, login_for
from transcribe.fetch.ytdlp import extracted, is_installed
from transcribe.library.episode import slug
from transcribe.sources.feed import Feed, distinct, parse_feed
from transcribe.sources.opml import Outline, parse_opml
from transcribe.sources.page import Page, no_audio, parse_page
from transcribe.sources.source import (
    AudioFileSource,
    FolderSource,
    FoundFile,
    Source,
    WebSource,
    found_in_file,
    found_in_folder,
)
from transcribe.web.media_types import HEAD_BYTES, audio_suffix, is_audio_type, media_type, sniffed
from transcribe.web.text_decoding import decoded, from_root
from transcribe.web.urls import public_url, same_audio, same_page

MAX_PAGES = 100  # of one feed
_PAGES_FOR_ONE_ITEM = 10  # of a feed in which a web page is looked for
_FEEDS_OF_A_PAGE = 3  # that are asked
_FEEDS_REMEMBERED = 64
_LOCAL_LIMIT = 15 * MIB

Kind = Literal["audio", "feed", "opml", "page"]
Ask = Callable[[str, BodyFilter], Fetched | NotModified | NotDue]  # to a URL, where its headers are wanted

_ASKED = "yt-dlp found none either."
_NOT_ASKED = "With the extra `media` (yt-dlp), which knows many sites, that is asked as well."
_KINDS: dict[str, Kind] = {"rss": "feed", "feed": "feed", "rdf": "feed", "opml": "opml", "html": "page"}
_FEED_TYPE = re.compile(r"(?:rss|atom|rdf)\+xml|feed\+json")
_PAGE_TYPE = re.compile(r"text/html|xhtml")
_OF_ANYTHING = ("", "application/octet-stream", "binary/octet-stream", "application/force-download")


@dataclass(frozen=True, slots=True)
class Discovered:
    """The recordings or feeds that a source offers, in its order."""

    found: tuple[FoundFile, ...] = ()
    listed: tuple[Outline, ...] = ()  # the feeds of an OPML file, each a source of its own
    answer: CachedAnswer | None = None  # the first one, of a source on the web that was asked
    moved_to: str | None = None  # the new URL of a feed
    problem: FetchError | None = None  # what kept the rest of a feed from being read
    unchanged: bool = False  # it was asked recently, or has not changed since

    def __iter__(self) -> Iterator[FoundFile]:
        return iter(self.found)


class Discovery:
    """Asks sources for their recordings, one after another or in threads.

    A feed that several web pages belong to is read once. `extract` is asked for the audio of a page that shows none,
    `visit` for what a source's own address holds now: by default whatever is there.
    """

    def __init__(
        self,
        connection: HttpClient,
        extract: Callable[[str, HttpClient], Sequence[FoundFile]] = extracted,
        visit: Ask | None = None,
    ) -> None:
        self._connection, self._extract = connection, extract
        self._visit = visit or (lambda url, wanted: connection.get(url, wanted=wanted))
        self._remembered: dict[str, Feed | FetchError] = {}  # pages of feeds by URL

    def discover(self, source: Source) -> Discovered:
        """Every recording of a source. Raises FetchError where it cannot be had."""
        match source:
            case AudioFileSource(path):
                return _in_file(path)
            case FolderSource(path):
                return Discovered(tuple(found_in_folder(path)))
            case _:
                return self._on_the_web(source.url)

    def _on_the_web(self, url: str) -> Discovered:
        if audio_suffix(url):
            return Discovered((_audio(url),))
        answer = self._visit(url, _may_be_read)
        if not isinstance(answer, Fetched):
            return Discovered(unchanged=True)
        if not _may_be_read(answer.headers):
            if is_audio_type(answer.headers.get("content-type", "")) or self._begins_as_audio(url):
                return Discovered((_audio(url),), answer=CachedAnswer.of(answer))
            answer = self._connection.get(url)
        match _kind(answer.body, answer.headers.get("content-type", "")):
            case "audio":
                return Discovered((_audio(url),), answer=CachedAnswer.of(answer))
            case "opml":
                return Discovered(listed=parse_opml(answer.body, url, answer.headers), answer=CachedAnswer.of(answer))
            case "feed":
                return self._of_a_feed(url, answer)
            case _:
                return Discovered(self._of_a_page(url, answer), answer=CachedAnswer.of(answer))

    def _begins_as_audio(self, url: str) -> bool:
        """Whether the answer begins as audio does; reads only its first bytes."""
        with self._connection.stream(url) as stream:
            return sniffed(next(stream.chunks, b"")) is not None

    def _of_a_feed(self, url: str, answer: Fetched) -> Discovered:
        """The items of all pages of a feed, up to the first page that cannot be fetched or read."""
        first = _parsed(answer, url)
        items, problem = list(first.items), None
        try:
            for feed in self._pages(first, url, lambda page: _parsed(self._connection.get(page), url)):
                items += (dataclasses.replace(item, show=first.title) for item in feed.items)
        except FetchError as cut:
            problem = cut
        return Discovered(distinct(items), (), CachedAnswer.of(answer), first.moved_to or answer.moved_to, problem)

    def _pages(self, first: Feed, url: str, read: Callable[[str], Feed], most: int = MAX_PAGES) -> Iterator[Feed]:
        """The pages of a feed after its first, each once."""
        feed, seen = first, {url}
        while feed.following and feed.following not in seen:
            if len(seen) >= most:
                raise FetchError("too_many_pages", f"{public_url(url)}: over {most} pages; those after are not read")
            seen.add(feed.following)
            feed = read(login_for(feed.following, url))
            yield feed

    def _of_a_page(self, url: str, answer: Fetched) -> tuple[FoundFile, ...]:
        """The recordings of a page: its items in its feed, else its own audio, else what the extractor finds."""
        page = parse_page(answer.body, answer.url, answer.headers.get("content-type", ""))
        page = dataclasses.replace(page, addresses=(url, *page.addresses))
        show = None
        for address in page.feeds[:_FEEDS_OF_A_PAGE]:
            try:
                first = self._read_once(login_for(address, url))
                show = show or first.title
                if items := self._items(page, first, login_for(address, url)):
                    return tuple(_of_page(item, page, address) for item in items)
            except FetchError:
                continue  # the page may have more to say than its feed
        if own := _own(page, show or page.show) or tuple(self._extract(url, self._connection)):
            return own
        raise no_audio(url, _ASKED if is_installed() else _NOT_ASKED)

    def _items(self, page: Page, first: Feed, url: str) -> list[FoundFile]:
        """The items of a feed that belong to this web page, from the first page of the feed that has any."""
        if items := _matching(page, first):
            return items
        later = self._pages(first, url, self._read_once, most=_PAGES_FOR_ONE_ITEM)
        matching = (_matching(page, dataclasses.replace(feed, title=first.title)) for feed in later)
        return next((items for items in matching if items), [])

    def _read_once(self, url: str) -> Feed:
        if url not in self._remembered:
            if len(self._remembered) >= _FEEDS_REMEMBERED:
                self._remembered.clear()
            try:
                answer = self._connection.get(url)
                self._remembered[url] = _parsed(answer, answer.url)
            except FetchError as problem:
                self._remembered[url] = problem
        known = self._remembered[url]
        if isinstance(known, FetchError):
            raise known
        return known


def source_name(source: Source) -> str:
    """A source as a person named it, without a password."""
    return public_url(source.url) if isinstance(source, WebSource) else str(source.path)


def _in_file(path: Path) -> Discovered:
    """A file that a person named: a feed or an OPML file that was saved, else a recording.

    Only a person's word leads here: no feed, page or list can name a file. Nothing that it links to on this machine
    will be opened either, and the pages of a saved feed are not followed. Raises FetchError (`not_there`).
    """
    data = _document(path)
    place = path.absolute()
    match _kind(data, "") if data else "audio":
        case "opml":
            return Discovered(listed=parse_opml(data, str(path)))
        case "feed":
            items = parse_feed(data, place.as_uri()).items
            return Discovered(tuple(dataclasses.replace(item, source=str(place)) for item in items))
        case _:
            return Discovered((found_in_file(path),))


def _document(path: Path) -> bytes:
    """The bytes of a file that may be a document; empty where it is too long, unreadable or something else."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
            begin = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
            data = head + file.read(_LOCAL_LIMIT) if begin[:1] in (b"<", b"{") else b""
            return data if len(data) <= _LOCAL_LIMIT else b""
    except FileNotFoundError:
        raise FetchError("not_there", "there is no such file or folder") from None
    except OSError:
        return b""


def _kind(data: bytes, content_type: str) -> Kind:
    """What a document is: by its root element, and where that says nothing, by its Content-Type."""
    if sniffed(data[:HEAD_BYTES]):
        return "audio"
    text = decoded(data, content_type)
    root = re.match(r"<(?:\w+:)?(\w+)", from_root(text)[:100])
    named = _KINDS.get(root[1].lower()) if root else None
    if named:
        return named
    is_feed = text.lstrip("\ufeff \t\r\n").startswith("{") or _FEED_TYPE.search(content_type.lower())
    is_page = _PAGE_TYPE.search(content_type.lower()) or (root and "xml" not in content_type.lower())
    return "page" if is_page and not is_feed else "feed"


def _may_be_read(headers: Mapping[str, str]) -> bool:
    kind = headers.get("content-type", "")
    return not is_audio_type(kind) and media_type(kind) not in _OF_ANYTHING


def _audio(url: str) -> FoundFile:
    """The recording at an audio URL: before it is fetched, only its name and host are known."""
    parts = urlsplit(url)
    name = PurePosixPath(unquote(parts.path))
    title = name.stem.replace("_", " ").strip() or parts.hostname or "untitled"
    show = slug(parts.hostname or "", fallback="web").removeprefix("www-")
    return FoundFile(show=show, title=title, enclosure=url)


def _parsed(answer: Fetched, source: str) -> Feed:
    """A page of a feed; its items get the source, wherever the page was read."""
    feed = parse_feed(answer.body, answer.url, answer.headers)
    return dataclasses.replace(feed, items=tuple(dataclasses.replace(item, source=source) for item in feed.items))


def _matching(page: Page, feed: Feed) -> list[FoundFile]:
    """The items of a feed that a web page is: by its address, or by its audio.

    A page may have more parts than its feed tells of, as those of WordPress do; they are added. Where many items name
    one page, as those of a show that has no other, its audio decides.
    """
    places, parts = {same_page(address) for address in page.addresses}, {same_audio(url) for url in page.audio}
    items = [dataclasses.replace(item, show=feed.title) for item in feed.items]
    here = [item for item in items if any(same_page(url) in places for url in (item.link, item.guid) if url)]
    heard = [item for item in items if same_audio(item.enclosure or "") in parts]
    if len(here) == 1 and here[0] not in heard:
        return here
    if here and not parts:
        return here
    taken = [item for item in heard if item in here] or heard
    return _with_other_parts(page, taken, items) if taken else []


def _with_other_parts(page: Page, taken: list[FoundFile], items: list[FoundFile]) -> list[FoundFile]:
    """The items in the page's order, with the parts between them that no item of the feed has."""
    by_audio = {same_audio(item.enclosure or ""): item for item in taken}
    others = {same_audio(item.enclosure or "") for item in items} - by_audio.keys()
    parts = [(same_audio(url), url) for url in page.audio]
    return [
        by_audio.get(key) or _part(taken[0], number, url)
        for number, (key, url) in enumerate(parts, start=1)
        if key not in others
    ]


def _part(item: FoundFile, number: int, url: str) -> FoundFile:
    """A further part of an item's recording."""
    return FoundFile(
        show=item.show,
        title=f"{item.title}, part {number}",
        published=item.published,
        link=item.link,
        enclosure=url,
        description=item.description,
        persons=item.persons,
        language=item.language,
    )


def _of_page(item: FoundFile, page: Page, feed: str) -> FoundFile:
    """A feed's item without the feed as its source: the page was asked for, not the show."""
    return dataclasses.replace(item, source=None, feed=feed, persons=item.persons or _persons(page))


def _own(page: Page, show: str) -> tuple[FoundFile, ...]:
    """The recordings that a page describes itself."""
    whole = FoundFile(
        show, page.title, page.published, link=page.link, description=page.description, persons=_persons(page)
    )
    if len(page.audio) == 1:
        return (dataclasses.replace(whole, enclosure=page.audio[0]),)
    return tuple(_part(whole, number, url) for number, url in enumerate(page.audio, start=1))


def _persons(page: Page) -> tuple[str, ...]:
    return (page.author,) if page.author else ()
