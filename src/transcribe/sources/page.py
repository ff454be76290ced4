"""Reads an episode's web page: its audio, title, date, author and feeds. Uses no network."""

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urldefrag, urlsplit, urlunsplit

from transcribe.errors import FetchError
from transcribe.sources.audio_tags import full_date
from transcribe.sources.json_ld import LinkedData, parse_linked_data
from transcribe.sources.page_elements import Elements, Medium, parse_elements
from transcribe.web.media_types import audio_suffix
from transcribe.web.text_decoding import plain_text
from transcribe.web.urls import host_of, public_url, same_audio, web_address

LOOKED_FOR = (
    "JSON-LD with an AudioObject or a PodcastEpisode",
    "og:audio",
    "<audio> and <source>",
    "links to audio files",
    "embedded players that are given a file",
)
FoundBy = Literal["", "JSON-LD", "og:audio", "player", "link", "embedded"]

_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json")
_OG_AUDIO = ("og:audio", "og:audio:url", "og:audio:secure_url")
_COMMENTS = re.compile(r"comment|kommentar|comentario|commento", re.IGNORECASE)
_FEED_TITLE = re.compile(r"^(.+?) [»›|:–—-] (?:rss |atom )?feed$", re.IGNORECASE)  # as WordPress has it
_DATE_IN_PATH = re.compile(r"/(\d{4})[/-](\d\d)[/-](\d\d)(?=[/_-]|$)", re.ASCII)
_BETWEEN = r"[»«›‹|:·•~–—-]"  # what stands between a page's title and its site's name
_TEXT_LIMIT = 20_000  # characters of markup


@dataclass(frozen=True, slots=True)
class Page:
    """An episode's web page. Texts are plain and on one line, addresses absolute."""

    url: str  # the one that answered
    title: str
    show: str  # the site's name, else its host
    published: str | None = None  # ISO 8601: a date, or a date and time
    author: str | None = None
    description: str = ""
    link: str = ""  # its canonical address, if that is on its own host
    addresses: tuple[str, ...] = ()  # all its addresses: its own, the canonical one, the short one
    feeds: tuple[str, ...] = ()  # without the feeds of its comments
    audio: tuple[str, ...] = ()  # its parts in the page's order, each once
    found_by: FoundBy = ""  # where its audio was found; empty where there is none


def parse_page(data: bytes, url: str, content_type: str = "") -> Page:
    """Reads the page that came from `url`, after redirects; accepts any bytes.

    Where several places tell of audio, the first of LOOKED_FOR that does is believed, and links stand with players:
    a page has often both for one recording. What og:audio names may be one part of several that the page plays.
    """
    elements = parse_elements(data, content_type)
    told = parse_linked_data(elements.linked_data)
    base = _absolute(url, elements.base) or url
    show = _show(elements, told) or urlsplit(url).hostname or "Untitled"
    found_by, audio = _audio(elements, told, base)
    others = list(_other_addresses(elements, base))
    return Page(
        url=url,
        title=_title(elements, told, show) or _last_of_path(url) or show,
        show=show,
        published=_published(elements, told, url),
        author=_author(elements, told),
        description=_plain(told.description or elements.meta("og:description", "description", "twitter:description")),
        link=next((other for other in others if host_of(other) == host_of(url)), url),
        addresses=tuple(dict.fromkeys([url, *others])),
        feeds=tuple(dict.fromkeys(_feeds(elements, base, url))),
        audio=audio,
        found_by=found_by,
    )


def no_audio(url: str, also: str) -> FetchError:
    """The error for a page without audio (`no_audio_on_page`); `also` says what else was tried or can be."""
    looked_for = ", ".join(LOOKED_FOR)
    message = f"{public_url(url)} is a page without audio. Looked for: an item of its feed, {looked_for}. {also}"
    return FetchError("no_audio_on_page", message)


def _audio(elements: Elements, told: LinkedData, base: str) -> tuple[FoundBy, tuple[str, ...]]:
    def parts(addresses: Iterable[str]) -> tuple[str, ...]:
        return _each_once(found for address in dict.fromkeys(addresses) if (found := _absolute(base, address)))

    shown = [medium for medium in elements.media if medium.place != "embedded"]
    if audio := parts(told.audio):
        return "JSON-LD", audio
    played = parts(medium.address for medium in _of_the_article(shown))
    if audio := parts(text for name, text in elements.metas if name in _OG_AUDIO):
        known = {same_audio(url) for url in played}
        return "og:audio", played if known.issuperset(map(same_audio, audio)) else audio
    if played:
        return "player" if any(medium.place == "player" for medium in _of_the_article(shown)) else "link", played
    audio = parts(medium.address for medium in _of_the_article(elements.media))
    return ("embedded", audio) if audio else ("", ())


def _of_the_article(media: list[Medium]) -> list[Medium]:
    """The audio within the page's article, if there is any; a sidebar plays other episodes."""
    return [medium for medium in media if medium.in_article] or media


def _each_once(addresses: Iterable[str]) -> tuple[str, ...]:
    """Each recording's address once; of files that differ in their format alone, the first."""
    kept: dict[str, str] = {}
    for address in addresses:
        key = same_audio(address)
        kept.setdefault(key.removesuffix(audio_suffix(key) or ""), _without_count(address))
    return tuple(kept.values())


def _without_count(url: str) -> str:
    """The address without the `_=1` with which WordPress numbers the players of a page."""
    parts = urlsplit(url)
    query = re.sub(r"(?:^|&)_=\d+(?=&|$)", "", parts.query).lstrip("&")
    return urlunsplit(parts._replace(query=query))


def _absolute(base: str, address: str | None) -> str | None:
    """An http(s) address made absolute, without its fragment; None for any other text."""
    meant = web_address(base, address)
    return meant and urldefrag(meant).url


def _other_addresses(elements: Elements, base: str) -> Iterator[str]:
    for address in (elements.link("canonical"), elements.meta("og:url"), elements.link("shortlink")):
        if url := _absolute(base, address):
            yield url


def _feeds(elements: Elements, base: str, url: str) -> Iterator[str]:
    own = urlsplit(url).path.rstrip("/") + "/"
    for link in elements.links:
        feed = _absolute(base, link.address) if "alternate" in link.rel and link.media_type in _FEED_TYPES else None
        if feed and not _COMMENTS.search(link.title) and "/comments/" not in feed:
            of_its_comments = own != "/" and urlsplit(feed).path.startswith(own)  # WordPress: <page>/feed/
            if not of_its_comments:
                yield feed


def _show(elements: Elements, told: LinkedData) -> str:
    named = (match[1] for link in elements.links if (match := _FEED_TITLE.match(_plain(link.title))))
    return _plain(told.show or elements.meta("og:site_name", "application-name")) or next(named, "")


def _title(elements: Elements, told: LinkedData, show: str) -> str:
    """The first of JSON-LD, og:title, a heading and the title that says more than the site's name."""
    texts = [told.title, elements.meta("og:title"), *elements.headings[:3], elements.title]
    return next((title for text in texts if (title := _without_name(_plain(text), show))), "")


def _without_name(title: str, show: str) -> str:
    """A title without its site's name before or after it; empty where nothing is left."""
    name = re.escape(show)
    title = re.sub(rf" {_BETWEEN} {name}$|^{name} {_BETWEEN} ", "", title, flags=re.IGNORECASE)
    return "" if title.casefold() == show.casefold() else title


def _author(elements: Elements, told: LinkedData) -> str | None:
    names = (told.author, elements.meta("author"), elements.meta("article:author"), elements.meta("dc.creator"))
    return next((name for text in names if (name := _plain(text)) and "://" not in name), None)


def _published(elements: Elements, told: LinkedData, url: str) -> str | None:
    moments = sorted(elements.moments, key=lambda moment: (not moment.of_publication, not moment.in_article))
    texts = [
        elements.meta("article:published_time"),
        told.published,
        elements.meta("datepublished", "date", "dc.date", "pubdate"),
        *(moment.text for moment in moments),
    ]
    if match := _DATE_IN_PATH.search(urlsplit(url).path):
        texts.append("-".join(match.groups()))
    return next((date for text in texts if (date := _utc(text.strip()))), None)


def _utc(text: str) -> str | None:
    """A date as it is; a date and time in UTC, like those of feeds."""
    date = full_date(text)
    if date is None or len(date) == 10:
        return date
    moment = datetime.fromisoformat(date)
    if moment.tzinfo is None:
        return date
    with contextlib.suppress(OverflowError):  # in the first or the last hours of the calendar
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return None


def _plain(text: str) -> str:
    return plain_text(text[:_TEXT_LIMIT])


def _last_of_path(url: str) -> str:
    name = urlsplit(url).path.rstrip("/").rpartition("/")[2]
    return name.rpartition(".")[0].replace("-", " ") or name.replace("-", " ")
