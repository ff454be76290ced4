"""Reads HTML as a stream of tags, without building a tree. Uses no network.

lxml's parser takes linear time for whatever it is given, up to a certain depth. Measured with lxml 6.1.3 (libxml2 2.14)
against selectolax 1.0.2 (lexbor), which builds a tree: of 100,000 nested `<div>`, `<ul><li>` or attributes of one tag,
0.1 s here, and over 30 s there; of 20,000 `<a `, 31 s with html.parser, which has an AssertionError for `<![<![`.
"""

from typing import Protocol

from lxml import etree

MAX_DEPTH = 1000  # browsers stop at 512; each closing tag is searched among the open ones, so depth costs time
_CHUNK = 65_536  # characters


class TagHandler(Protocol):
    """Gets every tag and text in order. Every element that starts also ends, as far as the page is read."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element starts; its names are in lower case."""

    def end(self, tag: str) -> None:
        """An element ends, with or without a closing tag."""

    def data(self, text: str) -> None:
        """Text, references resolved; one text may come in several calls."""


def read(text: str, reader: TagHandler) -> bool:
    """Gives a page's tags to the reader; returns whether it read all. It stops at MAX_DEPTH open elements."""
    parser = etree.HTMLParser(target=_Shallow(reader), encoding="utf-8")
    try:
        for start in range(0, len(text), _CHUNK):
            parser.feed(text[start : start + _CHUNK].encode("utf-8", "replace"))
        parser.close()
    except (_TooDeepError, etree.LxmlError):
        return False
    return True


class _TooDeepError(Exception):
    """More elements are open than any page needs."""


class _Shallow:
    """The target of lxml's parser; it counts the open elements."""

    def __init__(self, reader: TagHandler) -> None:
        self._reader, self._depth = reader, 0
        self.data = reader.data

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _TooDeepError
        self._reader.start(tag, attributes)

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._reader.end(tag)

    def close(self) -> None:
        """Does nothing; lxml's parser calls it."""
