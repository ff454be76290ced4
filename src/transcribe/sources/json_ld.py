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
_TEXT_LIMIT = 20_000  # characters


@dataclass(frozen=True, slots=True)
class LinkedData:
    """What a page's JSON-LD says of it; texts as written, empty where it says nothing."""

    audio: tuple[str, ...] = ()  # addresses as written, in the page's order
    title: str = ""
    show: str = ""
    published: str = ""
    author: str = ""
    description: str = ""


def parse_linked_data(texts: Iterable[str]) -> LinkedData:
    """Reads the texts of a page's JSON-LD scripts; ignores what is no JSON."""
    nodes = [node for text in texts for node in _nodes(_json(text))]
    about = [node for kinds in _ABOUT for _, node in nodes if not set(kinds).isdisjoint(_types(node))]
    return LinkedData(
        audio=tuple(address for key, node in nodes for address in _addresses(key, node)),
        title=_first(about, "name", "headline"),
        show=_first(about, "partOfSeries") or _first([n for _, n in nodes if "WebSite" in _types(n)], "name"),
        published=_first(about, "datePublished", "uploadDate"),
        author=_first(about, "author", "creator"),
        description=_first(about, "description"),
    )


def _json(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):  # an integer of 10,000 digits is a ValueError as well
        return None


def _nodes(data: Any) -> Iterator[tuple[str, Any]]:
    """Every value in the data, in the order of the text, with its key."""
    waiting = [("", data)]
    while waiting:
        key, value = waiting.pop()
        yield key, value
        if isinstance(value, dict):
            waiting += reversed(list(value.items()))
        elif isinstance(value, list):
            waiting += [(key, inner) for inner in reversed(value)]


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
