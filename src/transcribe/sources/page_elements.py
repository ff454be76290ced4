"""Collects the elements of a web page that describe a recording. Uses no network."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from transcribe.sources.page_regions import Regions
from transcribe.sources.players import audio_parameter, hosted_audio, is_audio_address, script_tracks, variables
from transcribe.web.html_stream import read
from transcribe.web.media_types import audio_suffix, is_audio_type, media_type
from transcribe.web.text_decoding import decoded

MAX_LENGTH = 4 * 1024 * 1024  # characters

# The most telling first: what the page plays, offers, and merely links to; what is hidden in players and scripts; what
# its text shows, as where the plugin of a player is gone.
FoundIn = Literal["player", "download", "video", "embedded", "link", "script", "text"]

_META_CHARSET = re.compile(rb"""<meta[^>]{1,200}?charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
_META_WITHIN = 1024  # bytes (WHATWG, HTML, 13.2.3.2)
_ADDRESS_LIMIT = 4000  # characters
_TEXT_LIMIT = 2000  # characters of one heading or link
_MOST_FRAMES = 20
# What a link to a page's own recording says: to hear or to keep it, its form or its size.
_OFFERS = re.compile(
    r"\b(?:listen|download|play|get|save|audio|mp3|m4a|ogg|podcast|stream|hear|file|h(?:ö|oe)r|anh(?:ö|oe)r|herunterladen"
    r"|abspielen|datei|t[ée]l[ée]charg|[ée]cout|escuch|descarg|o[ií]r|ascolt|scarica|baix|ouvir|luister|lyss?n|lytt|kuuntel"
    r"|lataa|pobierz|słucha|poslouch|stáhn|скач|слуш|dinle|indir)|\d\s?(?:mb|mib)\b|下载|收听|ダウンロード|聴く",
    re.IGNORECASE,
)
_OFFERING_CLASS = re.compile(r"download|powerpress|podpress|podlove|enclosure|player", re.IGNORECASE)
_LONGEST_OFFER = 8  # words; a longer text is a sentence of which the link is a part
_DATE_CLASSES = frozenset(
    ("published", "date-header", "entry-date", "post-date", "posted-on", "entry-time", "dt-published")
)
# Names of a line about a post, which has its date among other words.
_ABOUT_CLASSES = frozenset(
    (
        "postmetadata",
        "postmeta",
        "post-meta",
        "entry-meta",
        "post-info",
        "byline",
        "meta",
        "date",
        "postdate",
        "submitted",
    )
)
_FULL_YEAR = re.compile(r"\b(?:19|20)\d\d\b", re.ASCII)
_DATE_LENGTH = 30  # characters before a year in which its day and month stand
_SITE_NAMES = frozenset(("site-title", "blog-title", "site-name", "blogname", "blog-name"))
_EMBEDDING = ("iframe", "embed", "object", "param")
# An address in a text, such as `[audio:http://example.org/a.mp3|titles=A]` and `[audio mp3="http://..."]`.
_IN_TEXT = re.compile(
    r"https?://[^\s<>\"'\[\]|,]{1,500}?\.(?:mp3|m4a|m4b|ogg|oga|opus|wav|flac|aac)(?![\w./-])", re.IGNORECASE
)
_NO_TEXT = ("script", "style", "textarea", "noscript")
_BLOCKS = frozenset(("p", "li", "br", "div", "td", "tr", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "section"))
_LABEL_LIMIT = 200  # characters before a link or a player
_DATE_TAGS = ("time", "abbr", "span", "p", "div", "li", "a", "h2")


@dataclass(frozen=True, slots=True)
class Medium:
    """An address that may be that of audio, as the page writes it."""

    place: FoundIn
    address: str
    post: int | None = None  # the post of the page that it stands in, counted from 0; None for none
    main: bool = False  # within what the page says is its main content
    title: str = ""  # that the player gives it
    published: str = ""  # likewise
    label: str = ""  # what stands around it: the text of a link, else a line or heading right before it


@dataclass(frozen=True, slots=True)
class Link:
    """A `<link>` of the page's head."""

    rel: tuple[str, ...]  # lower case
    address: str
    media_type: str  # lower case, without parameters
    title: str


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was, as a `<time>` or hAtom says."""

    text: str  # for programs where there is that, else for people
    of_publication: bool  # it says so itself
    post: int | None = None  # the post that it stands in


@dataclass(slots=True)
class Post:
    """One of the page's posts."""

    number: str | None = None  # in WordPress
    title: str = ""
    address: str = ""  # of its own page, as written
    has_h1: bool = False


@dataclass(slots=True)
class Elements:
    """The elements of a page, in its order; texts as written, addresses not yet absolute."""

    base: str | None = None
    language: str = ""
    title: str = ""
    headings: list[str] = field(default_factory=list)  # <h1>
    metas: list[tuple[str, str]] = field(default_factory=list)  # name or property in lower case, content
    links: list[Link] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    media: list[Medium] = field(default_factory=list)  # those beside the posts left out
    posts: list[Post] = field(default_factory=list)
    post_number: str | None = None  # of the post that the page is of, where WordPress says that
    is_single: bool = False  # WordPress says that the page is of one post
    site_names: list[str] = field(default_factory=list)  # as the page's head shows them
    heading_links: list[tuple[str, str]] = field(default_factory=list)  # of <h1> outside posts: address, text
    frames: list[str] = field(default_factory=list)  # addresses of pages within the page
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
    declared = _META_CHARSET.search(data[:_META_WITHIN])
    if declared and "charset" not in content_type.lower():  # the header names none: the page's own word counts
        content_type = f"text/html; charset={declared[1].decode('ascii', 'replace')}"
    read(decoded(data, content_type)[:MAX_LENGTH], reader)
    return reader.found


@dataclass(slots=True)
class _Awaited:
    """Text that is being gathered until its element ends."""

    depth: int
    told: Callable[[str], None]
    parts: list[str] = field(default_factory=list)
    length: int = 0


class _ElementCollector:
    """Collects the elements that describe a recording."""

    def __init__(self) -> None:
        self.found = Elements()
        self._regions = Regions()
        self._depth = 0
        self._heading = 0  # the depth of the heading of a post that is open
        self._site_heading = 0  # the depth of the <h1> that is open outside posts
        self._player: Literal["none", "open", "filled"] = "none"
        self._player_tag: Literal["player", "video"] = "player"
        self._awaited: list[_Awaited] = []
        self._no_text = 0  # the depth of the script that is open
        self._before = ""  # the last text that was read; a line for each block

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._regions.start(tag, attributes)
        if tag in _NO_TEXT and not self._no_text:
            self._no_text = self._depth
        if tag in _BLOCKS:
            self._read("\n")
        for number in self._regions.posts[len(self.found.posts) :]:
            self.found.posts.append(Post(number))
        if told := getattr(self, f"_on_{tag.replace('-', '_')}", None):
            told(attributes)
        self._site_name(attributes)
        self._item_property(tag, attributes)
        self._moment(tag, attributes)
        self._embedded(tag, attributes)

    def end(self, tag: str) -> None:
        while self._awaited and self._awaited[-1].depth >= self._depth:
            awaited = self._awaited.pop()
            awaited.told("".join(awaited.parts))
        if tag in ("audio", "video", "amp-audio"):
            self._player = "none"
        if self._no_text == self._depth:
            self._no_text = 0
        if self._heading == self._depth:
            self._heading = 0
        if self._site_heading == self._depth:
            self._site_heading = 0
        self._depth -= 1
        self._regions.end()

    def data(self, text: str) -> None:
        self._read(text)
        if not self._no_text and "://" in text:
            for match in _IN_TEXT.finditer(text):
                self._add("text", match[0])
        for awaited in self._awaited[-3:]:
            if awaited.length <= MAX_LENGTH:
                awaited.parts.append(text)
                awaited.length += len(text)

    def _read(self, text: str) -> None:
        self._before = (self._before + text)[-_LABEL_LIMIT:]

    def _await(self, told: Callable[[str], None]) -> None:
        self._awaited.append(_Awaited(self._depth, told))

    def _on_html(self, attributes: dict[str, str]) -> None:
        self.found.language = attributes.get("lang", "") or attributes.get("xml:lang", "")

    def _on_body(self, attributes: dict[str, str]) -> None:
        names = attributes.get("class", "").lower().split()
        numbers = (match[1] for name in names if (match := re.fullmatch(r"(?:postid|page-id)-(\d+)", name)))
        self.found.post_number = next(numbers, None)
        self.found.is_single = "single" in names

    def _on_title(self, _: dict[str, str]) -> None:
        self._await(self._titled)

    def _titled(self, text: str) -> None:
        self.found.title = self.found.title or text

    def _on_h1(self, attributes: dict[str, str]) -> None:
        post = self._post()
        if post:
            post.has_h1 = True
        elif len(self.found.heading_links) < _MOST_FRAMES:
            self._site_heading = self._depth
        self._await(self.found.headings.append)
        self._on_h2(attributes)

    def _on_h2(self, _: dict[str, str]) -> None:
        """The first heading of a post is its title."""
        post = self._post()
        if post and not post.title:
            self._heading = self._depth

            def told(text: str) -> None:
                post.title = post.title or " ".join(text[:_TEXT_LIMIT].split())

            self._await(told)

    _on_h3 = _on_h2

    def _on_script(self, attributes: dict[str, str]) -> None:
        kind = media_type(attributes.get("type", ""))
        if address := hosted_audio(attributes.get("src", "")):
            self._add("embedded", address)
        elif kind == "application/ld+json":
            self._await(self.found.linked_data.append)
        elif not attributes.get("src"):
            is_list = "wp-playlist-script" in attributes.get("class", "")
            self._await(lambda text: self._add_tracks("player" if is_list else "script", text))

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
        if "enclosure" in rel:
            self._add("player", attributes.get("href", ""))

    def _site_name(self, attributes: dict[str, str]) -> None:
        """The site's name, which themes show above the post as a link to the site's own page."""
        names = f"{attributes.get('class', '')} {attributes.get('id', '')}".lower().split()
        is_home = "home" in attributes.get("rel", "").lower().split()
        if (is_home or not _SITE_NAMES.isdisjoint(names)) and len(self.found.site_names) < _MOST_FRAMES:
            self._await(lambda text: self.found.site_names.append(text[:_TEXT_LIMIT]))

    def _item_property(self, tag: str, attributes: dict[str, str]) -> None:
        """The `contentUrl` of schema.org, in microdata."""
        if attributes.get("itemprop", "").lower() in ("contenturl", "audio", "embedurl") and tag not in (
            "audio",
            "video",
        ):
            address = next((attributes[name] for name in ("content", "href", "src") if attributes.get(name)), "")
            if is_audio_address(address) or (address and attributes["itemprop"].lower() == "contenturl"):
                self._add("player", address)

    def _moment(self, tag: str, attributes: dict[str, str]) -> None:
        marks = f"{attributes.get('itemprop', '')} {attributes.get('class', '')}".lower().split()
        said = "pubdate" in attributes or not _DATE_CLASSES.isdisjoint(marks) or "datepublished" in marks
        if self._regions.here.beside:
            return
        post = self._regions.here.post
        if not said and tag != "time" and not _ABOUT_CLASSES.isdisjoint(marks):
            self._await(lambda told: self._told_of_post(told[:_TEXT_LIMIT], post))
        if not (tag == "time" or (said and tag in _DATE_TAGS)):
            return
        text = attributes.get("datetime", "") or (attributes.get("title", "") if tag in ("abbr", "span") else "")
        if text or tag == "time":
            self.found.moments.append(Moment(text, said, post))
        if said and not text:
            self._await(lambda told: self.found.moments.append(Moment(told[:_TEXT_LIMIT], True, post)))

    def _told_of_post(self, text: str, post: int | None) -> None:
        """Takes the date of a line about a post, where it gives the whole year: it may count comments too."""
        if year := _FULL_YEAR.search(text):
            self.found.moments.append(Moment(text[max(year.start() - _DATE_LENGTH, 0) : year.end() + 12], False, post))

    def _on_audio(self, attributes: dict[str, str]) -> None:
        self._player, self._player_tag = "open", "player"
        self._play(attributes.get("src", ""))

    _on_amp_audio = _on_audio

    def _on_video(self, attributes: dict[str, str]) -> None:
        is_ornament = "muted" in attributes and not {"loop", "autoplay"}.isdisjoint(attributes)
        self._player, self._player_tag = "none" if is_ornament else "open", "video"
        if not is_ornament:
            self._play(attributes.get("src", ""))

    def _on_source(self, attributes: dict[str, str]) -> None:
        """Takes the first of a player's sources: they are one recording in several formats."""
        kind, address = media_type(attributes.get("type", "")), attributes.get("src", "")
        if self._player == "open" and (not kind or is_audio_type(kind)):
            self._play("" if "mpegurl" in kind else address)

    def _play(self, address: str) -> None:
        if address.strip():
            self._player = "filled"
            self._add(self._player_tag, address)

    def _on_a(self, attributes: dict[str, str]) -> None:
        post, address = self._post(), attributes.get("href", "").strip()
        if self._site_heading and address:
            self._await(lambda text: self.found.heading_links.append((address, text[:_TEXT_LIMIT])))
        is_bookmark = self._heading or "bookmark" in attributes.get("rel", "").lower().split()
        if post and not post.address and is_bookmark:
            post.address = address
        kind = media_type(attributes.get("type", ""))
        is_typed = kind.startswith("audio/") and "mpegurl" not in kind and "scpls" not in kind
        is_named = is_audio_address(address) or audio_parameter(address)
        is_kept = bool(audio_suffix(attributes.get("download", "")))
        if address and not address.startswith("#") and (is_typed or is_named or is_kept):
            sure = is_typed or "download" in attributes or _OFFERING_CLASS.search(attributes.get("class", ""))
            before = self._before

            def told(text: str) -> None:
                place: FoundIn = "download" if sure or _offers(text, address) else "link"
                self._add(place, address, label=f"{before}\n{text[:_TEXT_LIMIT]}")

            self._await(told)

    def _on_iframe(self, attributes: dict[str, str]) -> None:
        address = attributes.get("src", "").strip() or attributes.get("data-src", "").strip()
        if address and not self._regions.here.beside and len(self.found.frames) < _MOST_FRAMES:
            self.found.frames.append(address)

    def _embedded(self, tag: str, attributes: dict[str, str]) -> None:
        typed = attributes.get("type", "").lower().startswith("audio/")
        for name, value in attributes.items():
            is_data = name.startswith("data-")
            if is_data and is_audio_address(value):
                self._add("embedded", value)
            elif is_data and value.lstrip().startswith(("{", "[")):
                self._add_tracks("embedded", value)
            elif tag in _EMBEDDING and name in ("src", "data", "flashvars", "value", "movie"):
                found = [value] if typed and name in ("src", "data") else list(variables(value))
                for address in [*found, *filter(None, [hosted_audio(value)])]:
                    self._add("embedded", address)

    def _add_tracks(self, place: FoundIn, text: str) -> None:
        for track in script_tracks(text):
            self._add(place, track.address, track.title, track.published)

    def _add(self, place: FoundIn, address: str, title: str = "", published: str = "", label: str = "") -> None:
        here, label = self._regions.here, label or f"{self._before}\n"
        self._read("\n")
        if address.strip() and len(address) <= _ADDRESS_LIMIT and not here.beside:
            self.found.media.append(Medium(place, address, here.post, here.main, title, published, label))

    def _post(self) -> Post | None:
        """The post that the innermost open element stands in, but for what is beside it."""
        here = self._regions.here
        return self.found.posts[here.post] if here.post is not None and not here.beside else None


def _offers(text: str, address: str) -> bool:
    """Whether a link's text is of the recording itself: a word or two, its name, or a picture."""
    words = text.split()
    if not words or address.rpartition("/")[2].partition("?")[0].lower() in text.lower():
        return True
    return bool(audio_suffix(words[-1])) or (len(words) <= _LONGEST_OFFER and bool(_OFFERS.search(text)))
