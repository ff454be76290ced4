"""Reads RSS and Atom with feedparser, and the tags of Podcasting 2.0, which it does not know.

Of a tag unknown to it, feedparser (below 7) keeps the last one alone, and an item may have several transcripts and
persons. So its two parsers, the strict and the loose one, each get a mixin of ours, and are driven from here as
`feedparser.parse` would, without the search for an encoding and with nothing that could be opened as a file.
"""

import xml.sax
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import unescape

import feedparser.api

# Keys of an element as it is read; with a space, which no element of a feed can have in its name.
TRANSCRIPTS = "podcast transcripts"  # attributes of each `podcast:transcript`
CHAPTERS = "podcast chapters"  # attributes of each `podcast:chapters`
PERSONS = "podcast persons"  # names of those in the cast
ALTERNATES = "podcast alternates"  # attributes of each `podcast:alternateEnclosure`, with the address of its source
LIVE = "podcast live"  # there where the item is an announcement of a live stream

_NAMESPACES = {
    "https://podcastindex.org/namespace/1.0": "podcast",
    "http://podcastindex.org/namespace/1.0": "podcast",
    "https://github.com/podcastindex-org/podcast-namespace/blob/main/docs/1.0.md": "podcast",
    "http://purl.oclc.org/net/rss_2.0/enc#": "enc",  # enclosures of RSS 1.0 (mod_enclosure)
}

Attributes = dict[str, str]


class _PodcastTags:
    """Handlers that feedparser finds by name: `_start_<prefix>_<element>` and `_end_…`, all in lower case."""

    namespaces = {**feedparser.api._FeedParserMixin.namespaces, **_NAMESPACES}  # noqa: RUF012 - as feedparser has it
    _matchnamespaces: dict[str, str] = {}  # noqa: RUF012 - our own, which feedparser fills from the one above

    push: Any
    pop: Any
    entries: list[Any]
    _get_context: Any
    _start_item: Any
    _end_item: Any
    _start_enclosure: Any
    _is_of_cast = True

    def _start_podcast_transcript(self, attributes: Attributes) -> None:
        self._get_context().setdefault(TRANSCRIPTS, []).append(attributes)

    def _start_podcast_chapters(self, attributes: Attributes) -> None:
        self._get_context().setdefault(CHAPTERS, []).append(attributes)

    def _start_podcast_person(self, attributes: Attributes) -> None:
        self._is_of_cast = attributes.get("group", "").strip().lower() in ("", "cast")
        self.push("podcast_person", 1)

    def _end_podcast_person(self) -> None:
        name = self.pop("podcast_person")
        if name and self._is_of_cast:
            self._get_context().setdefault(PERSONS, []).append(name)

    def _start_podcast_alternateenclosure(self, attributes: Attributes) -> None:
        self._get_context().setdefault(ALTERNATES, []).append(dict(attributes))

    def _start_podcast_source(self, attributes: Attributes) -> None:
        """The first source of an alternate enclosure is taken; the others are the same file elsewhere."""
        if alternates := self._get_context().get(ALTERNATES):
            alternates[-1].setdefault("uri", attributes.get("uri", ""))

    def _start_podcast_liveitem(self, attributes: Attributes) -> None:
        self._start_item(attributes)
        self.entries[-1][LIVE] = True

    def _end_podcast_liveitem(self) -> None:
        self._end_item()

    def _start_enc_enclosure(self, attributes: Attributes) -> None:
        names = {"rdf:resource": "url", "resource": "url", "enc:type": "type"}
        self._start_enclosure({names.get(name, name): value for name, value in attributes.items()})


class _Entities:
    """For the loose parser of feedparser: resolves `&amp;` in guids and the like, which it leaves as it is."""

    contentparams: Any

    def decode_entities(self, element: str, data: str) -> str:
        told: str = feedparser.api.LooseFeedParser.decode_entities(self, element, data)
        return told if self.contentparams else unescape(told, {"&quot;": '"', "&apos;": "'"})


_Strict = type("_Strict", (_PodcastTags, feedparser.api.StrictFeedParser), {})
_Loose = type("_Loose", (_PodcastTags, _Entities, feedparser.api.LooseFeedParser), {})


def read_xml_feed(text: str) -> tuple[Mapping[str, Any], list[Any]] | None:
    """The feed's own fields and its items, as feedparser gives them; None where the text is no feed.

    The text begins with the root element: whatever declares entities has been cut away. Broken markup can raise
    nearly anything here.
    """
    reader = _strictly(text)
    if reader is None:
        reader = _prepared(_Loose(None, None, "utf-8"))
        reader.feed(text)
    return (reader.feeddata, reader.entries) if reader.version else None


def _strictly(text: str) -> Any:
    """Reads well-formed XML; returns None for any other text."""
    reader = _prepared(_Strict(None, None, "utf-8"))
    parser: Any = xml.sax.make_parser()  # noqa: S317 - nothing is left in it that could grow or lead elsewhere
    parser.setFeature(xml.sax.handler.feature_namespaces, True)
    parser.setFeature(xml.sax.handler.feature_external_ges, False)
    parser.setContentHandler(reader)
    parser.setErrorHandler(reader)
    try:
        parser.feed(text.encode())  # at once: in pieces, expat before 2.6 took quadratic time over one long tag
        parser.close()
    except xml.sax.SAXException:
        return None
    return reader


def _prepared(reader: Any) -> Any:
    reader.resolve_relative_uris = False  # within HTML, of which we take the text alone
    reader.sanitize_html = False
    return reader
