import contextlib
import random
import time
from pathlib import Path

import pytest

from tests.support.broken_feeds import WHOLE, broken
from transcribe.errors import FetchError
from transcribe.sources.opml import FeedList, Outline, parse_opml

URL = "https://me:secret@example.org/feeds.opml"
FEED = '<outline text="A" xmlUrl="https://example.org/a"/>'


def outlines(body: str, before: str = "", encoding: str = "utf-8") -> FeedList:
    text = f'<?xml version="1.0" encoding="{encoding}"?>{before}<opml version="2.0"><body>{body}</body></opml>'
    return parse_opml(text.encode(encoding), URL)


def test_feeds_are_listed_with_their_groups_in_order() -> None:
    nested = '<outline text="Deep"><outline title="B" xmlUrl="http://example.org/b"/></outline>'
    assert outlines(f'<outline text="News &amp; more" title="x">{nested}{FEED}</outline><outline/>') == (
        Outline("http://example.org/b", "B", ("News & more", "Deep")),
        Outline("https://example.org/a", "A", ("News & more",)),
    )


def test_a_feed_listed_twice_counts_once_where_it_came_first() -> None:
    again = '<outline text="G"><outline text="Again" xmlUrl=" https://example.org/a "/></outline>'
    assert outlines(FEED + again) == (Outline("https://example.org/a", "A"),)


@pytest.mark.parametrize(
    "attributes",
    ['text="x"', 'text="x" htmlUrl="https://example.org"', 'type="include" url="https://example.org/b.opml"', ""]
    + [f'xmlUrl="{url}"' for url in ("", "b", "/b", "file:///etc/passwd", "ftp://a/b", "http://[")],
)
def test_outlines_without_an_address_of_the_web_are_passed_over(attributes: str) -> None:
    assert outlines(f"<outline {attributes}/>{FEED}") == (Outline("https://example.org/a", "A"),)


@pytest.mark.parametrize(
    ("attributes", "url"),
    [
        ('xmlUrl="feed://example.org/b"', "http://example.org/b"),
        ('xmlUrl="feed:https://example.org/b"', "https://example.org/b"),
        ('xmlUrl="itpc://example.org/b"', "http://example.org/b"),
        ('xmlUrl="pcast://example.org/b"', "http://example.org/b"),
        ('xmlUrl="example.org/b"', "http://example.org/b"),
        ('xmlUrl="//example.org/b"', "http://example.org/b"),
        ('xmlUrl="me:secret@example.org/b"', "https://me:secret@example.org/b"),
        ('type="rss" url="https://example.org/b"', "https://example.org/b"),
    ],
)
def test_an_address_is_taken_as_it_is_meant(attributes: str, url: str) -> None:
    assert outlines(f"<outline {attributes}/>") == (Outline(url, ""),)


def test_a_feed_without_an_address_is_a_line_that_is_skipped() -> None:
    data = f'<opml><body><outline type="rss" htmlUrl="https://example.org/"/>{FEED}</body></opml>'
    assert parse_opml(data.encode(), "http://o.example/").skipped == 1


def test_lines_that_name_no_address_of_the_web_are_counted() -> None:
    listed = outlines(f'{FEED}<outline text="x" xmlUrl="ftp://a/b"/><outline xmlUrl=""/><outline text="a group"/>')
    assert (len(listed), listed.skipped) == (1, 2)


def test_the_episodes_that_overcast_lists_are_no_feeds() -> None:
    episode = '<outline type="podcast-episode" url="https://overcast.fm/+A" enclosureUrl="https://example.org/a.mp3"/>'
    feed = FEED.replace("<outline", '<outline type="rss"').replace("/>", f">{episode}</outline>")
    assert outlines(f'<outline text="feeds">{feed}</outline>') == (Outline("https://example.org/a", "A", ("feeds",)),)


def test_a_feed_within_a_feed_is_in_no_group_of_its_name() -> None:
    assert [each.groups for each in outlines(FEED.replace("/>", ">") + FEED.replace("/a", "/b") + "</outline>")] == [
        (),
        (),
    ]


def test_bare_ampersands_and_names_of_html_are_taken_as_they_are_meant() -> None:
    body = '<outline TEXT="Q&A &ndash; &lt;B&gt; &#252; &nope;" XMLURL="https://example.org/?a=1&b=2&amp;c=3"/>'
    assert outlines(body) == (Outline("https://example.org/?a=1&b=2&c=3", "Q&A – <B> ü &nope;"),)


def test_other_encodings_are_read() -> None:
    for encoding in ("iso-8859-1", "utf-16", "windows-1252"):
        assert outlines(FEED.replace("A", "Güte"), encoding=encoding)[0].title == "Güte"


@pytest.mark.parametrize("data", [b"", b"hello", b"<html/>", b"<opmlx/>", b"{}", b"<opml><body>", b"<opml a=1/>"])
def test_anything_else_is_refused_without_the_password(data: bytes) -> None:
    with pytest.raises(FetchError, match=r"//example\.org/feeds\.opml") as refusal:
        parse_opml(data, URL)
    assert refusal.value.code == "not_opml"


# Fault 5.
@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE o [<!ENTITY a "%s">]><opml>%s' % (b"x" * 100_000, b"&a;" * 5000),
        b"<opml>" + b"<outline " * 20_000,
        b"<opml>" + b'<outline text="g">' * 20_000,
        b"<opml>" + b'<outline text="g"><outline xmlUrl="http://a/b" text="a"/>' * 20_000 + b"</outline>" * 20_000,
        b"<opml>" + b"&" * 1_000_000,
        b"<opml>" + b"<outline/>" * 100_000 + b"</opml>",
    ],
)
def test_a_bomb_is_done_with_quickly(data: bytes) -> None:
    begun = time.monotonic()
    with contextlib.suppress(FetchError):
        assert parse_opml(data, URL) == ()
    assert time.monotonic() - begun < 20


# Fault 5.
def test_groups_without_end_stay_few() -> None:
    depth = 5000
    inner = '<outline text="g">' * depth + FEED + "</outline>" * depth
    assert outlines(inner) == (Outline("https://example.org/a", "A", ("g",) * 10),)


# Fault 5.
def test_the_content_of_an_external_file_appears_nowhere(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    doctype = f'<!DOCTYPE opml [<!ENTITY s SYSTEM "{secret.as_uri()}">]>'
    assert "secret" not in repr(outlines(FEED.replace("A", "&s;"), doctype))


def test_broken_outlines_are_read_or_refused_and_nothing_else() -> None:
    dice, read = random.Random(7), 0
    for _ in range(300):
        _, content = broken(WHOLE["OPML"], dice)
        with contextlib.suppress(FetchError):
            read += len(parse_opml(content, URL)) > 0
    assert 30 < read < 300
