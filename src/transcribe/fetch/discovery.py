"""Finds the recordings that a source offers, on this machine or on the web.

The answer of an address shows what it is: audio, a feed, an OPML file or a page.
"""

import contextlib
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
from transcribe.sources.opml import FeedList, Outline, parse_opml
from transcribe.sources.page import Page, no_audio, parse_page
from transcribe.sources.page_items import from_archive, is_home, items_of_page, own_recordings, persons_of, with_page
from transcribe.sources.source import (
    AudioFileSource,
    FolderSource,
    FoundFile,
    Source,
    WebSource,
    found_in_file,
    found_in_folder,
)
from transcribe.sources.web_archive import archived_copy
from transcribe.web.media_types import HEAD_BYTES, audio_suffix, is_audio_type, media_type, sniffed
from transcribe.web.text_decoding import decoded, from_root
from transcribe.web.urls import public_url

MAX_PAGES = 100  # of one feed
_PAGES_FOR_ONE_ITEM = 10  # of a feed in which a web page is looked for
_FEEDS_OF_A_PAGE = 3  # that are asked
_FRAMES_OF_A_PAGE = 3  # likewise
_FEEDS_REMEMBERED = 64
_NOT_THERE = ("http_404", "http_410")
_LOCAL_LIMIT = 15 * MIB

Kind = Literal["audio", "feed", "opml", "page"]
Ask = Callable[[str, BodyFilter], Fetched | NotModified | NotDue]  # to a URL, where its headers are wanted

_UNKNOWN_SITES = ("Generic", "HTML5", "Html5")  # yt-dlp's names for the extractors that know no site
_NO_PLAYER = re.compile(
    r"//[^/]*(?:youtube|vimeo|facebook|twitter|instagram|google|doubleclick|disqus|recaptcha|addthis)[^/]*/"
)
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
    notes: tuple[str, ...] = ()  # what a person is to know of it, and that is no failure
    not_taken: tuple[str, ...] = ()  # why other items of a feed have no recording, each by its reason
    unchanged: bool = False  # it was asked not long ago, or says that it holds what it held then

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
        """What lies at an address. One that ends like audio may be a page, such as a wiki's `File:talk.ogg`."""
        try:
            answer = self._visit(url, _may_be_read)
        except FetchError:
            if audio_suffix(url) is None:
                raise
            return Discovered((_audio(url),))  # which will say what is wrong, each time it is tried
        if not isinstance(answer, Fetched):
            return Discovered(unchanged=True)
        if not _may_be_read(answer.headers):
            is_audio = audio_suffix(url) or is_audio_type(answer.headers.get("content-type", ""))
            if not is_audio:  # its first bytes tell
                with self._connection.stream(url) as stream:
                    is_audio = sniffed(next(stream.chunks, b"")) is not None
            if is_audio:
                return Discovered((_audio(url),), answer=CachedAnswer.of(answer))
            answer = self._connection.get(url)
        match _kind(answer.body, answer.headers.get("content-type", "")):
            case "audio":
                return Discovered((_audio(url),), answer=CachedAnswer.of(answer))
            case "opml":
                listed = parse_opml(answer.body, url, answer.headers)
                return Discovered(listed=listed, answer=CachedAnswer.of(answer), notes=_skipped(listed, url))
            case "feed":
                return self._of_a_feed(url, answer)
            case _:
                return self._of_a_page(url, answer)

    def _of_a_feed(self, url: str, answer: Fetched) -> Discovered:
        """The items of all pages of a feed, up to the first page that cannot be fetched or read."""
        first = _parsed(answer, url)
        items, not_taken, problem = list(first.items), list(first.not_taken), None
        try:
            for feed in self._pages(first, url, lambda page: _parsed(self._connection.get(page), url)):
                items += (dataclasses.replace(item, show=first.title) for item in feed.items)
                not_taken += feed.not_taken
        except FetchError as cut:
            problem = cut
        found = tuple(from_archive(item, answer.url) for item in distinct(items))
        moved_to, notes = first.moved_to or answer.moved_to, tuple[str, ...]()
        if problem and problem.code in _NOT_THERE:
            problem, notes = None, (f"{problem}, so its older episodes are not read",)
        return Discovered(found, (), CachedAnswer.of(answer), moved_to, problem, notes, tuple(not_taken))

    def _pages(self, first: Feed, url: str, read: Callable[[str], Feed], most: int = MAX_PAGES) -> Iterator[Feed]:
        """The pages of a feed after its first, each once."""
        feed, seen = first, {url}
        while feed.following and feed.following not in seen:
            if len(seen) >= most:
                raise FetchError("too_many_pages", f"{public_url(url)}: over {most} pages; those after are not read")
            seen.add(feed.following)
            feed = read(login_for(feed.following, url))
            yield feed

    def _of_a_page(self, url: str, answer: Fetched) -> Discovered:
        """The item of its own feed that a page is, else what it says itself, else what the extractor finds.

        A show's own page leads to its feed.
        """
        page = parse_page(answer.body, answer.url, answer.headers.get("content-type", ""))
        page, kept = dataclasses.replace(page, addresses=(url, *page.addresses)), CachedAnswer.of(answer)
        feeds: dict[str, Feed] = {}
        for address in self._feeds(page):
            try:
                feed = feeds[address] = self._read_once(login_for(address, url))
                if is_home(page, feed):
                    return _show_of(page, address, feed, kept)
                if items := self._items(page, feed, login_for(address, url)):
                    # Without a source, as the page was asked for and not the show: its feed is not to be read again.
                    author = persons_of(page)
                    found = (
                        dataclasses.replace(i, source=None, feed=address, persons=i.persons or author)
                        for i in (from_archive(item, page.url) for item in items)
                    )
                    return Discovered(tuple(found), answer=kept)
            except FetchError:
                continue  # the page may have more to say than its feed
        shows = [feed.title for feed in feeds.values()]
        items = [item for feed in feeds.values() for item in feed.items]
        if own := self._own(url, page, [*shows, page.show][0], items):
            return Discovered(own, answer=kept)
        for address, feed in feeds.items():
            if feed.items and not page.is_post:
                return _show_of(page, address, feed, kept)
        raise no_audio(url, _ASKED if is_installed() else _NOT_ASKED)

    def _feeds(self, page: Page) -> list[str]:
        """Addresses of the feeds of a page; of an archived page its archive's copies."""
        copy = archived_copy(page.url)
        found = (copy.of(url) if copy and not archived_copy(url) else url for url in page.feeds)
        return list(found)[:_FEEDS_OF_A_PAGE]

    def _own(self, url: str, page: Page, show: str, items: Sequence[FoundFile]) -> tuple[FoundFile, ...]:
        """What a page shows, else what a page within it plays, else what the extractor finds."""
        if own := own_recordings(page, show, items):
            return own
        for address in [frame for frame in page.frames if not _NO_PLAYER.search(frame)][:_FRAMES_OF_A_PAGE]:
            with contextlib.suppress(FetchError):
                answer = self._connection.get(address, wanted=_may_be_read)
                frame = parse_page(answer.body, answer.url, answer.headers.get("content-type", ""))
                if frame.recordings:
                    return own_recordings(dataclasses.replace(page, recordings=frame.recordings), show)
        found = self._extract(url, self._connection)
        return tuple(with_page(each, page, not (each.key or "").startswith(_UNKNOWN_SITES)) for each in found)

    def _items(self, page: Page, first: Feed, url: str) -> list[FoundFile]:
        """The items of a feed that belong to this web page, from the first page of the feed that has any."""
        if items := items_of_page(page, first):
            return items
        later = self._pages(first, url, self._read_once, most=_PAGES_FOR_ONE_ITEM)
        matching = (items_of_page(page, dataclasses.replace(feed, title=first.title)) for feed in later)
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


def _show_of(page: Page, address: str, feed: Feed, answer: CachedAnswer) -> Discovered:
    """The feed of the show whose page was named."""
    said = f"{public_url(page.url)} is the page of a show; its feed is {public_url(address)} ({feed.title})"
    return Discovered(listed=(Outline(address, feed.title),), answer=answer, notes=(said,))


def _in_file(path: Path) -> Discovered:
    """A file that a person named: a feed or an OPML file that was saved, else a recording.

    Only a person's word leads here: no feed, page or list can name a file. Nothing that it links to on this machine
    will be opened either, and the pages of a saved feed are not followed. Raises FetchError (`not_there`).
    """
    data = _document(path)
    place = path.absolute()
    match _kind(data, "") if data else "audio":
        case "opml":
            listed = parse_opml(data, str(path))
            return Discovered(listed=listed, notes=_skipped(listed, str(path)))
        case "feed":
            feed = parse_feed(data, place.as_uri())
            found = tuple(dataclasses.replace(item, source=str(place)) for item in feed.items)
            return Discovered(found, not_taken=feed.not_taken)
        case _:
            return Discovered((found_in_file(path),))


def _skipped(listed: FeedList, name: str) -> tuple[str, ...]:
    if not listed.skipped:
        return ()
    lines = "1 line was" if listed.skipped == 1 else f"{listed.skipped} lines were"
    return (f"{public_url(name)}: {lines} skipped: no http(s) address of a feed",)


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
