"""A JSON Feed (1.0 and 1.1, https://www.jsonfeed.org/version/1.1/) in the shape that feedparser gives to RSS and Atom.

So one reader of that shape, in `transcribe.sources.feed`, serves them all.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

Element = Mapping[str, Any]

_VERSION = "jsonfeed.org/version/"


def read_json_feed(text: str) -> tuple[Element, list[Element]] | None:
    """The feed's own fields and its items; None where the text is no JSON Feed."""
    try:
        # Numbers stay text: an id may be one, and Python refuses an integer of 10,000 digits.
        feed = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    if not isinstance(feed, dict) or _VERSION not in _string(feed, "version"):
        return None
    links = [{"rel": "next", "href": _string(feed, "next_url")}]
    about = {
        "title_detail": _plain(feed, "title"),
        "link": _string(feed, "home_page_url"),
        "links": links,
        "language": _string(feed, "language"),
    }
    return about, [_entry(item) for item in _objects(feed, "items")]


def _entry(item: Element) -> Element:
    return {
        "id": _string(item, "id"),
        "title_detail": _plain(item, "title"),
        "link": _string(item, "url") or _string(item, "external_url"),
        "language": _string(item, "language"),
        "links": [
            {
                "rel": "enclosure",
                "href": _string(attachment, "url"),
                "type": _string(attachment, "mime_type"),
                "length": _string(attachment, "size_in_bytes"),
            }
            for attachment in _objects(item, "attachments")
        ],
        "summary_detail": _plain(item, "summary"),
        "content": [_plain(item, "content_text"), {"value": _string(item, "content_html"), "type": "text/html"}],
        "published": _string(item, "date_published"),
        "updated": _string(item, "date_modified"),
    }


def _plain(element: Element, name: str) -> Element:
    return {"value": _string(element, name), "type": "text/plain"}


def _string(element: Element, name: str) -> str:
    value = element.get(name)
    return value if isinstance(value, str) else ""


def _objects(element: Element, name: str) -> Iterator[Element]:
    values = element.get(name)
    yield from (value for value in (values if isinstance(values, list) else ()) if isinstance(value, dict))
