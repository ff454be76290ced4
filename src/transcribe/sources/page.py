"""Reads an episode's web page: its audio, title, date, author and feeds. Uses no network."""

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urldefrag, urlsplit, urlunsplit

from transcribe.errors import FetchError
from transcribe.sources.dates import read_date
from transcribe.sources.json_ld import LinkedAudio, LinkedData, parse_linked_data
from transcribe.sources.page_elements import Elements, FoundIn, Medium, Moment, parse_elements
from transcribe.sources.page_media import each_once, most_telling, of_the_post, page_post
from transcribe.sources.web_archive import original
from transcribe.web.text_decoding import plain_text
from transcribe.web.urls import host_of, public_url, same_audio, same_page, web_address

LOOKED_FOR = (
    "JSON-LD with an AudioObject or a PodcastEpisode",
    "og:audio",
    "<audio>, <video> and <source>",
    "links to audio files",
    "players and scripts that are given a file",
    "addresses of audio in its text",
)
FoundBy = Literal["", "JSON-LD", "og:audio", "player", "link", "embedded", "text"]
_FOUND_BY: dict[FoundIn, FoundBy] = {
    "player": "player",
    "download": "link",
    "video": "player",
    "embedded": "embedded",
    "link": "link",
    "script": "embedded",
    "text": "text",
}

_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json")
_STATED = (("og:audio", "og:audio:url", "og:audio:secure_url"), ("twitter:player:stream",))
_COMMENTS = re.compile(
    r"comment|[ck]om+ent|reacties|reaktion|yorum|коммент|коментар|hozzászól|σχόλι|コメント|评论|評論|댓글",
    re.IGNORECASE,
)
_FEED_ADDRESS = re.compile(r"/feed/?$|rss|atom|podcast[^/]*\.xml|feed[^/]*\.(?:xml|json)", re.IGNORECASE)
_FEED_TITLE = re.compile(
    r"^(.+?) [»›|:–—-] (?:(?:rss |atom )?feed|rss|atom)$", re.IGNORECASE
)  # as WordPress and Blogger have it
_DATE_IN_PATH = re.compile(r"/(\d{4})[/-](\d\d)[/-](\d\d)(?=[/_-]|$)", re.ASCII)
_BETWEEN = r"[»«›‹|:·•~–—-]"  # what stands between a page's title and its site's name
_BLOG_ARCHIVE = re.compile(rf"^blog archive {_BETWEEN} ", re.IGNORECASE)  # in titles of WordPress before 2.8
_TEXT_LIMIT = 20_000  # characters of markup


@dataclass(frozen=True, slots=True)
class PageAudio:
    """A recording of a page. Texts are plain, and empty where the page says no more of it than of itself."""

    address: str  # absolute
    title: str = ""
    published: str | None = None
    description: str = ""
    link: str = ""  # of its own page, absolute
    linked: bool = False  # only linked, as pages of other recordings may do


@dataclass(frozen=True, slots=True)
class Page:
    """An episode's web page. Texts are plain and on one line, addresses absolute."""

    url: str  # the one that answered
    title: str
    show: str  # the site's name, else its host
    published: str | None = None  # ISO 8601: a date, or a date and time
    author: str | None = None
    description: str = ""
    link: str = ""  # the address it wants to be known by, if that is on its own host
    addresses: tuple[str, ...] = ()  # all it is known by: its own, its canonical one, its short one
    feeds: tuple[str, ...] = ()  # those of its comments left out
    recordings: tuple[PageAudio, ...] = ()  # its parts in the page's order, each once
    frames: tuple[str, ...] = ()  # pages within the page, which may play what it does not show
    says_show: bool = False  # `show` is what it says, and not its host
    is_post: bool = False  # it is one post or article, and not the list of several or a show's own page
    found_by: FoundBy = ""  # what led to the audio; empty where there is none

    @property
    def audio(self) -> tuple[str, ...]:
        """The addresses of its recordings."""
        return tuple(recording.address for recording in self.recordings)


@dataclass(frozen=True, slots=True)
class _Post:
    """The page's own post, and what of its markup tells of it."""

    elements: Elements
    told: LinkedData
    base: str  # what addresses are relative to
    known: frozenset[str]  # what the page's own addresses have in common, see `same_page`
    number: int | None  # of the post
    is_certain: bool
    title: str

    def absolute(self, address: str) -> str | None:
        return _absolute(self.base, address)

    def is_of_here(self, address: str) -> bool:
        return bool(address) and same_page(self.absolute(address) or "") in self.known


def parse_page(data: bytes, url: str, content_type: str = "") -> Page:
    """Reads the page that came from `url`, after redirects; accepts any bytes.

    Where several places tell of audio, the first of LOOKED_FOR that does is believed, and links stand with players:
    a page has often both for one recording. What og:audio names may be one part of several that the page plays.
    """
    elements = parse_elements(data, content_type)
    told = parse_linked_data(elements.linked_data)
    base = _absolute(url, elements.base) or url
    show = _show(elements, told, url, base)
    known_as = (elements.link("canonical"), elements.meta("og:url"), elements.link("shortlink"))
    others = [other for address in known_as if (other := _absolute(base, address))]
    addresses = tuple(dict.fromkeys([url, *others]))
    post = _post(elements, told, base, addresses, show)
    found_by, recordings = _audio(post)
    name = urlsplit(url).path.rstrip("/").rpartition("/")[2]
    frames = (frame for address in elements.frames if (frame := _absolute(base, address)))
    return Page(
        url=url,
        title=post.title or (name.rpartition(".")[0] or name).replace("-", " ") or show or _host(url),
        show=show or _host(url),
        published=_published(post, url),
        author=_author(elements, told),
        description=_plain(told.description or elements.meta("og:description", "description", "twitter:description")),
        link=next((other for other in others if host_of(other) == host_of(url)), url),
        addresses=addresses,
        feeds=tuple(dict.fromkeys(_feeds(elements, base, url))),
        recordings=recordings,
        frames=tuple(dict.fromkeys(frames)),
        is_post=_is_post(post, url),
        says_show=bool(show),
        found_by=found_by,
    )


def _post(elements: Elements, told: LinkedData, base: str, addresses: tuple[str, ...], show: str) -> _Post:
    known = frozenset(map(same_page, addresses))
    leads_here = {post.address for post in elements.posts if same_page(_absolute(base, post.address) or "") in known}
    number, is_certain = page_post(elements, leads_here)
    heading = elements.posts[number].title if number is not None and is_certain else ""
    return _Post(elements, told, base, known, number, is_certain, _title(elements, told, show or _host(base), heading))


def _is_post(post: _Post, url: str) -> bool:
    """Whether the page is of one post. The page at a site's root is of a show, whatever it says."""
    if urlsplit(original(url)).path in ("", "/") and not urlsplit(url).query:
        return False
    said = post.elements.is_single or post.elements.meta("og:type") == "article"
    return said or (post.is_certain and post.number is not None)


def no_audio(url: str, also: str) -> FetchError:
    """The error for a page without audio (`no_audio_on_page`); `also` says what else was tried or can be."""
    looked_for = ", ".join(LOOKED_FOR)
    message = f"{public_url(url)} is a page without audio. Looked for: an item of its feed, {looked_for}. {also}"
    return FetchError("no_audio_on_page", message)


def _audio(post: _Post) -> tuple[FoundBy, tuple[PageAudio, ...]]:
    """The page's recordings by the first of the places that name any."""
    if audio := _in_data(post):
        return "JSON-LD", audio
    media = [
        dataclasses.replace(medium, address=address)
        for medium in post.elements.media
        if (address := post.absolute(medium.address))
    ]
    if listed := _of_each_post(post, media):
        return "link", listed
    best = most_telling(of_the_post(media, post.number, post.is_certain), post.title)
    played = _each_once(best) if best and best[0].place not in ("embedded", "script", "text") else ()
    named = (post.absolute(text) for names in _STATED for name, text in post.elements.metas if name in names)
    if stated := each_once(address for address in named if address):
        known = {same_audio(audio.address) for audio in played}
        if not known.issuperset(map(same_audio, stated)):
            return "og:audio", tuple(PageAudio(_without_count(address)) for address in stated)
        return "og:audio", played
    return (_FOUND_BY[best[0].place], _each_once(best)) if best else ("", ())


def _of_each_post(post: _Post, media: list[Medium]) -> tuple[PageAudio, ...]:
    """The recordings of a page that lists posts, each under its post's title; none for a page of one post."""
    if post.is_certain or any(medium.post is None for medium in media):
        return ()
    found: list[PageAudio] = []
    for number, each in enumerate(post.elements.posts):
        title, link = _plain(each.title), post.absolute(each.address)
        own = _each_once(most_telling(of_the_post([m for m in media if m.post == number], number, True), title))
        if own and not (title and link and same_page(link) not in post.known):
            return ()  # that one is the page's own, and the others are offered beside it
        moments = (read_date(_plain(m.text), post.elements.language) for m in post.elements.moments if m.post == number)
        told = PageAudio("", title, next(filter(None, moments), None), link=link or "")
        found += (
            dataclasses.replace(told, address=a.address, title=title if len(own) == 1 else f"{title}, part {n}")
            for n, a in enumerate(own, start=1)
        )
    return tuple(found) if len({audio.link for audio in found}) > 1 else ()


def _in_data(post: _Post) -> tuple[PageAudio, ...]:
    """What JSON-LD names: of several episodes the one that this page is of, else each under its own name."""
    told = [(address, linked) for linked in post.told.recordings if (address := post.absolute(linked.address))]
    own = [
        (address, linked)
        for address, linked in told
        if post.is_of_here(linked.link) or (linked.title and _plain(linked.title) == post.title)
    ]
    told = own or told
    best = each_once(address for address, _ in told)
    said = dict(reversed(told))
    if len(best) < 2 or len({said[address].title for address in best}) < len(best):
        return tuple(PageAudio(_without_count(address)) for address in best)
    return tuple(_named(address, said[address], post) for address in best)


def _named(address: str, linked: LinkedAudio, post: _Post) -> PageAudio:
    return PageAudio(
        _without_count(address),
        title=_plain(linked.title),
        published=read_date(linked.published, post.elements.language),
        description=_plain(linked.description),
        link=post.absolute(linked.link) or "",
    )


def _each_once(media: list[Medium]) -> tuple[PageAudio, ...]:
    """Each recording once; under its own name where a list gives each one another."""
    best = each_once(medium.address for medium in media)
    said = {medium.address: medium for medium in reversed(media)}
    names = [_plain(said[address].title) for address in best]
    own = len(best) > 1 and all(names) and len(set(names)) == len(names)
    return tuple(
        PageAudio(
            _without_count(address),
            title=name if own else "",
            published=read_date(said[address].published) if own else None,
            linked=said[address].place in ("link", "text"),
        )
        for address, name in zip(best, names, strict=True)
    )


def _without_count(url: str) -> str:
    """The address without the `_=1` with which WordPress numbers the players of a page."""
    parts = urlsplit(url)
    query = re.sub(r"(?:^|&)_=\d+(?=&|$)", "", parts.query).lstrip("&")
    return urlunsplit(parts._replace(query=query))


def _absolute(base: str, address: str | None) -> str | None:
    """An http(s) address made absolute, without its fragment; None for any other text."""
    meant = web_address(base, address)
    if not meant:
        return None
    scheme, _, rest = urldefrag(meant).url.partition(":")
    return f"{scheme.lower()}:{rest}"


def _feeds(elements: Elements, base: str, url: str) -> Iterator[str]:
    """Those of comments left out; a feed under the page's own path may be that of its comments, and comes last."""
    own = urlsplit(url).path.rstrip("/") + "/"
    under: list[str] = []
    for link in elements.links:
        is_named = link.media_type in ("text/xml", "application/xml", "") and _FEED_ADDRESS.search(link.address)
        is_feed = "alternate" in link.rel and (link.media_type in _FEED_TYPES or is_named)
        feed = _absolute(base, link.address) if is_feed else None
        if feed and not _COMMENTS.search(link.title) and "/comments/" not in feed:
            if own != "/" and urlsplit(feed).path.startswith(own):
                under.append(feed)
            else:
                yield feed
    yield from under


def _show(elements: Elements, told: LinkedData, url: str, base: str) -> str:
    """The site's name: as data, its feed's title, the page's head or the page's title have it."""
    named = (match[1] for link in elements.links if (match := _FEED_TITLE.match(_plain(link.title))))
    said = _plain(told.show or elements.meta("og:site_name", "application-name")) or next(named, "")
    shown = (name for text in elements.site_names if (name := _plain(text)))
    own = original(url)
    above = (
        text for address, text in elements.heading_links if _is_above(original(_absolute(base, address) or ""), own)
    )
    return said or next(shown, "") or next(filter(None, map(_plain, above)), "") or _rest_of_title(elements)


def _is_above(address: str, page: str) -> bool:
    """Whether an address is of the site or the folder that a page is in, as that of its blog."""
    folder = f"{urlsplit(address)._replace(scheme='', query='', fragment='').geturl().rstrip('/')}/"
    return (
        folder != "/"
        and urlsplit(page)._replace(scheme="").geturl().startswith(folder)
        and same_page(address) != same_page(page)
    )


def _rest_of_title(elements: Elements) -> str:
    """What stands beside a heading of the page in its title: `The Well | Peer Talks`."""
    title = _plain(elements.title)
    for heading in (*elements.headings, elements.meta("og:title"), *(post.title for post in elements.posts)):
        text = re.escape(_plain(heading))
        if text and (
            match := re.fullmatch(
                rf"{text} ({_BETWEEN}) (?:.+ \1 )?(.+)|(.+?)(?: {_BETWEEN}|:) (?:.+ {_BETWEEN} )?{text}", title
            )
        ):
            return match[2] or match[3]
    return ""


def _title(elements: Elements, told: LinkedData, show: str, heading: str) -> str:
    """The first of JSON-LD, og:title, headings and the title that says more than the site's name."""
    several = len({recording.title for recording in told.recordings}) > 1  # and the page may be of none of them
    texts = ["" if several else told.title, elements.meta("og:title"), *elements.headings[:3], heading, elements.title]
    name = re.escape(show)
    for text in texts:
        title = re.sub(rf" {_BETWEEN} {name}$|^{name}(?: {_BETWEEN}|:) ", "", _plain(text), flags=re.IGNORECASE)
        title = _BLOG_ARCHIVE.sub("", title)
        if title and title.casefold() != show.casefold():
            return title
    return ""


def _author(elements: Elements, told: LinkedData) -> str | None:
    names = (told.author, elements.meta("author"), elements.meta("article:author"), elements.meta("dc.creator"))
    return next((name for text in names if (name := _plain(text)) and "://" not in name), None)


def _published(post: _Post, url: str) -> str | None:
    """The page's date. Of moments those that say they are of the publication, of its own post, come first."""
    elements, language = post.elements, post.elements.language or None

    def rank(moment: Moment) -> tuple[bool, bool, bool]:
        of_another = moment.post not in (None, post.number)
        return of_another, not moment.of_publication, moment.post is None

    moments = [m for m in sorted(elements.moments, key=rank) if not post.is_certain or m.post in (None, post.number)]
    texts = [
        elements.meta("article:published_time"),
        post.told.published,
        elements.meta("datepublished", "date", "dc.date", "dc.date.issued", "dcterms.created", "pubdate"),
        *(moment.text for moment in moments),
        elements.meta("uploaddate"),
    ]
    dates = (read_date(_plain(text), language) for text in texts if text)
    in_path = (match := _DATE_IN_PATH.search(urlsplit(original(url)).path)) and read_date("-".join(match.groups()))
    return next((date for date in dates if date), in_path)


def _plain(text: str) -> str:
    return plain_text(text[:_TEXT_LIMIT])


def _host(url: str) -> str:
    """Of the page itself, where it is a web archive's copy."""
    return urlsplit(original(url)).hostname or "Untitled"
