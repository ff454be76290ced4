"""HTML as a stream of tags, however broken it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.web.html_stream import MAX_DEPTH, read

BEGINNINGS = (
    "<div>",
    "<ul><li>",
    "<b><i></p>",
    "<a ",
    "<!--",
    "<![CDATA[",
    "<![",
    "&",
    "<",
    "<svg><desc>",
    "<audio src=x>",
)


class Told:
    """What a reader is told, in words."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.open: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.words.append(" ".join([tag, *(f"{name}={value}" for name, value in attributes.items())]))
        self.open.append(tag)

    def end(self, tag: str) -> None:
        assert self.open.pop() == tag

    def data(self, text: str) -> None:
        self.words.append(repr(text))


def test_tags_and_texts_come_in_their_order() -> None:
    told = Told()
    assert read("<!doctype html><P class=x>caf&eacute;<br/>\u00fcber<!-- not this --><b hidden>now", told)
    assert told.words == [
        *("html", "body", "p class=x", "'caf'", "'\u00e9'", "br"),
        *("'\u00fcber'", "b hidden=", "'now'"),
    ]
    assert told.open == []


@given(st.text(alphabet="<>/pbtd!-[]& \n\0\ud83d=\"'", max_size=200) | st.text(max_size=50))
def test_what_is_opened_is_closed_again(text: str) -> None:
    told = Told()
    if read(text, told):
        assert told.open == []


@pytest.mark.parametrize("piece", BEGINNINGS)
def test_a_page_of_nothing_but_beginnings_is_soon_done(piece: str) -> None:
    """Parsers that build a tree take minutes for some of these; without a limit of depth, this one for others."""
    read(piece * (1_000_000 // len(piece)), Told())


def test_a_page_is_read_to_a_certain_depth() -> None:
    told = Told()
    assert not read("<p>seen</p>" + "<div>" * MAX_DEPTH + "<p>not seen</p>", told)
    assert "'seen'" in told.words
    assert "'not seen'" not in told.words
    assert read("<div></div>" * MAX_DEPTH, Told())
