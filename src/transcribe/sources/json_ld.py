"""Reads JSON-LD (schema.org), in which a page describes its recordings, title, date and author.

No vocabulary is fetched and no context resolved: names are compared as pages write them. No network.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from transcribe.web.media_types import audio_suffix

# The keys of a thing with sound under which its sound's address stands.
_MEDIA = ("associatedMedia", "audio", "encoding", "encodings")
_OTHER_MEDIA = ("VideoObject", "ImageObject")
# What may tell of the page as a whole, the best first.
_ABOUT = (
    ("PodcastEpisode", "RadioEpisode", "Episode"),
    ("BlogPosting", "NewsArticle", "Article"),
    ("AudioObject",),
    ("WebPage",),
)
_EPISODES = (*_ABOUT[0], "BlogPosting", "NewsArticle", "Article", "AudioObject", "PodcastSeason")
_TEXT_LIMIT = 20_000  # characters


@dataclass(frozen=True, slots=True)
class LinkedAudio:
    """A file that a page names in data, and the episode that it is of; texts empty where nothing is said."""

    address: str  # as written
    title: str = ""
    published: str = ""
    description: str = ""
    link: str = ""  # the episode's own page, as written


@dataclass(frozen=True, slots=True)
class LinkedData:
    """What a page's JSON-LD says of it; texts as written, empty where it says nothing."""

    recordings: tuple[LinkedAudio, ...] = ()  # in the page's order
    title: str = ""
    show: str = ""
    published: str = ""
    author: str = ""
    description: str = ""

    @property
    def audio(self) -> tuple[str, ...]:
        """The addresses of the recordings, as written."""
        return tuple(recording.address for recording in self.recordings)


def parse_linked_data(texts: Iterable[str]) -> LinkedData:
    """Reads the texts of a page's JSON-LD scripts; ignores what is no JSON."""
    nodes = [node for text in texts for node in _nodes(_json(text))]
    about = [node for kinds in _ABOUT for _, node, _ in nodes if not set(kinds).isdisjoint(_types(node))]
    return LinkedData(
        recordings=tuple(_audio(address, owner) for key, node, owner in nodes for address in _addresses(key, node)),
        title=_first(about, "name", "headline"),
        show=_first(about, "partOfSeries") or _first([n for _, n, _ in nodes if "WebSite" in _types(n)], "name"),
        published=_first(about, "datePublished", "uploadDate"),
        author=_first(about, "author", "creator"),
        description=_first(about, "description"),
    )


def _json(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):  # an integer of 10,000 digits is a ValueError as well
        return None


def _nodes(data: Any) -> Iterator[tuple[str, Any, Any]]:
    """Every value within, in the order of the text, with the key that it stands under and the episode that it is of."""
    waiting: list[tuple[str, Any, Any]] = [("", data, None)]
    while waiting:
        key, value, owner = waiting.pop()
        if not set(_types(value)).isdisjoint(_EPISODES) and (owner is None or "AudioObject" not in _types(value)):
            owner = value
        yield key, value, owner
        if isinstance(value, dict):
            waiting += [(name, inner, owner) for name, inner in reversed(list(value.items()))]
        elif isinstance(value, list):
            waiting += [(key, inner, owner) for inner in reversed(value)]


def _audio(address: str, owner: Any) -> LinkedAudio:
    """What its episode says of a file."""
    if not isinstance(owner, dict):
        return LinkedAudio(address)
    return LinkedAudio(
        address,
        title=_first([owner], "name", "headline"),
        published=_first([owner], "datePublished", "uploadDate"),
        description=_first([owner], "description"),
        link=_link(owner),
    )


def _link(owner: dict[str, Any]) -> str:
    about = owner.get("mainEntityOfPage")
    about = about.get("@id") if isinstance(about, dict) else about
    found = (text for value in (owner.get("url"), about) if (text := _text(value)) and not audio_suffix(text))
    return next(found, "")


def _types(node: Any) -> Sequence[str]:
    kind = node.get("@type") if isinstance(node, dict) else None
    kinds = kind if isinstance(kind, list) else [kind]
    return [str(name).rpartition("/")[2].rpartition(":")[2] for name in kinds if name]


def _addresses(key: str, node: Any) -> list[str]:
    """The audio that a value names: `contentUrl`, or `url` where that ends as audio does."""
    if isinstance(node, str):
        return [node] if key in _MEDIA and audio_suffix(node) else []
    kinds = _types(node)
    if not isinstance(node, dict) or not ("AudioObject" in kinds or key in _MEDIA) or set(kinds) & set(_OTHER_MEDIA):
        return []
    if _text(node.get("encodingFormat")).lower().startswith(("image/", "text/")):
        return []
    if content := _text(node.get("contentUrl")):
        return [content]
    return [url for url in [_text(node.get("url"))] if audio_suffix(url)]


def _first(nodes: Sequence[Any], *names: str) -> str:
    """The first of these texts that a node has, by the order of nodes."""
    return next((text for node in nodes for name in names if (text := _text(node.get(name)))), "")


def _text(value: Any) -> str:
    """The first text: of a text, of a thing with a name, or of a list of either."""
    for _ in range(3):  # as deep as a list of persons with names
        if isinstance(value, list):
            value = value[0] if value else ""
        if isinstance(value, dict):
            value = value.get("name") or value.get("@value")
    return " ".join(value[:_TEXT_LIMIT].split()) if isinstance(value, str) else ""
