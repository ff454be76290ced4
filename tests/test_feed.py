import contextlib
import random
import resource
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.errors import FetchError
from transcribe.feed import Feed, parse_feed, plain_text
from transcribe.sources import Found

URL = "https://example.org/shows/feed"
AUDIO = '<enclosure url="a.mp3" type="audio/mpeg"/>'


def rss(items: str, before: str = "") -> bytes:
    channel = f"<channel><title>Some Show</title><link>https://example.org</link>{items}</channel>"
    return f'<?xml version="1.0" encoding="utf-8"?>{before}<rss version="2.0">{channel}</rss>'.encode()


def items(content: str) -> tuple[Found, ...]:
    return parse_feed(rss(content), URL).items


def item(content: str) -> Found:
    (found,) = items(f"<item>{content}</item>")
    return found


def test_an_rss_item_becomes_a_recording() -> None:
    feed = parse_feed(
        rss(
            """<item><title>The Talk &amp; more</title><guid isPermaLink="false">guid 1</guid><link>/talks/1</link>
            <pubDate>Sun, 22 Nov 2026 18:00:00 +0200</pubDate>
            <enclosure url="audio/1.mp3" type="audio/mpeg" length="1000"/>
            <description><![CDATA[<p>About&nbsp;<b>commons</b>.</p><script>evil()</script>]]></description></item>"""
        ),
        URL,
    )
    expected = Found(
        show="Some Show",
        title="The Talk & more",
        published="2026-11-22T16:00:00Z",
        guid="guid 1",
        link="https://example.org/talks/1",
        enclosure="https://example.org/shows/audio/1.mp3",
        description="About commons.",
        source=URL,
    )
    assert feed == Feed("Some Show", (expected,))


def test_an_atom_entry_becomes_a_recording() -> None:
    data = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title type="html">A &lt;i&gt;Show&lt;/i&gt;</title>
      <entry><id>urn:1</id><title>The Talk</title><updated>2026-11-22T10:00:00Z</updated>
      <link href="https://example.org/1"/><link rel="enclosure" href="1.ogg" type="audio/ogg"/>
      <summary type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">About <b>commons</b></div></summary>
      </entry></feed>"""
    expected = Found(
        show="A Show",
        title="The Talk",
        published="2026-11-22T10:00:00Z",
        guid="urn:1",
        link="https://example.org/1",
        enclosure="https://example.org/shows/1.ogg",
        description="About commons",
        source=URL,
    )
    assert parse_feed(data, URL) == Feed("A Show", (expected,))


def test_a_feed_that_says_little_still_has_names() -> None:
    feed = parse_feed(b'<rss><channel><item><enclosure url="/a/the_talk.mp3"/></item></channel></rss>', URL)
    assert feed.title == "example.org"
    assert [(found.title, found.published, found.guid) for found in feed.items] == [("the talk", None, None)]


def test_items_without_audio_are_passed_over() -> None:
    assert items('<item><title>News</title></item><item><enclosure url="a.pdf" type="application/pdf"/></item>') == ()


def test_the_enclosure_that_says_it_is_audio_comes_before_one_that_looks_like_it() -> None:
    video, audio = '<enclosure url="v.mp4" type="video/mp4"/>', '<enclosure url="audio?id=1" type="audio/mpeg"/>'
    playlist = '<enclosure url="live.m3u" type="audio/x-mpegurl"/>'
    assert item(playlist + video + audio).enclosure == "https://example.org/shows/audio?id=1"
    assert item(video).enclosure == "https://example.org/shows/v.mp4"


# Fault 1: such an enclosure stays what it is, for the connection to refuse; a link is only ever a web page.
@pytest.mark.parametrize("address", ["file:///etc/passwd.mp3", "ftp://example.org/a.mp3", "data:audio/mpeg,x"])
def test_no_scheme_is_made_another(address: str) -> None:
    found = item(f'<link>{address}</link><enclosure url="{address}" type="audio/mpeg"/>')
    assert (found.enclosure, found.link) == (address, None)


@pytest.mark.parametrize("date", ["Sun, 22 Nov 99999 18:00:00 GMT", "yesterday", "0000-00-00", "", "1e99"])
def test_a_date_that_is_none_is_left_out(date: str) -> None:
    assert item(f"<pubDate>{date}</pubDate>{AUDIO}").published is None


def test_an_item_updated_but_never_published_has_the_date_of_its_update() -> None:
    data = b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><updated>2026-11-22T10:00:00+01:00</updated>'
    data += b'<link rel="enclosure" href="1.ogg"/></entry></feed>'
    assert parse_feed(data, URL).items[0].published == "2026-11-22T09:00:00Z"


# Fault 13.
def test_a_guid_that_comes_twice_is_one_item_and_the_first_counts() -> None:
    one, two = (f'<item><guid>g</guid><enclosure url="{n}.mp3"/></item>' for n in (1, 2))
    other = '<item><guid>h</guid><enclosure url="3.mp3"/></item>'
    assert [found.enclosure for found in items(one + other + two)] == [
        "https://example.org/shows/1.mp3",
        "https://example.org/shows/3.mp3",
    ]


# Fault 13.
def test_a_new_token_in_a_url_makes_no_new_item() -> None:
    with_guid = [item(f'<guid>g</guid><enclosure url="a.mp3?token={n}"/>') for n in (1, 2)]
    without = [item(f'<enclosure url="a.mp3?token={n}"/>') for n in (1, 2)]
    assert with_guid[0].identity == with_guid[1].identity
    assert without[0].identity == without[1].identity
    assert with_guid[0].identity != without[0].identity


# Fault 13.
def test_the_same_guid_in_two_feeds_is_two_items() -> None:
    data = rss(f"<item><guid>g</guid>{AUDIO}</item>")
    one, two = (parse_feed(data, url).items[0] for url in (URL, "https://example.org/other"))
    assert one.identity != two.identity


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"<html><body><p>A page</p></body></html>",
        b'{"version": "https://jsonfeed.org"}',
        b"\x00\xff" * 99,
    ],
)
def test_a_thing_that_is_no_feed_is_refused(data: bytes) -> None:
    with pytest.raises(FetchError, match=r"example\.org") as refusal:
        parse_feed(data, URL)
    assert refusal.value.code == "not_a_feed"


# Fault 6.
def test_the_path_of_a_feed_on_disk_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    path.write_bytes(rss(f"<item>{AUDIO}</item>"))
    for data in (str(path).encode(), path.as_uri().encode()):
        with pytest.raises(FetchError):
            parse_feed(data, URL)


ENTITIES = "".join(
    f'<!ENTITY {name} "{f"&{below};" * 10}">\n' for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)
NESTED = 20_000
BOMBS = {
    "entities of entities": rss(
        f"<item><title>&i;</title>{AUDIO}</item>", f'<!DOCTYPE r [<!ENTITY a "lol">{ENTITIES}]>'
    ),
    "one long entity": rss("<item>" + "&a;" * 5000, f'\n<!DOCTYPE r [\n<!ENTITY a "{"x" * 100_000}">\n]>\n'),
    "entities in UTF-7": b'<?xml version="1.0" encoding="utf-7"?>\n'
    + rss("&a;" * 5000, f'\n<!DOCTYPE r [\n<!ENTITY a "{"x" * 100_000}">\n]>\n').replace(b"<!", b"+ADwAIQ-")[39:],
    "an external DTD": rss(f"<item>{AUDIO}</item>", '<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd">'),
    "blank lines": b"\n" * 1_000_000 + rss(f"<item>{AUDIO}</item>"),
    "tags": rss("<div>" * NESTED + "</div>" * NESTED + f"<item>{AUDIO}</item>"),
    "tags in an item": rss(f"<item>{AUDIO}<description>{'<div>' * NESTED}{'</div>' * NESTED}</description></item>"),
    "escaped tags": rss(f"<item>{AUDIO}<description>{'&lt;div&gt;' * NESTED}</description></item>"),
    "open tags": rss("<item>" * NESTED),
    "open comments": rss(f"<item>{AUDIO}<description>{'&lt;!--' * NESTED}</description></item>"),
    "tags never closed": rss(f"<item>{AUDIO}<description>{'&lt;a ' * NESTED}</description></item>"),
    "punycode": b'<?xml version="1.0" encoding="punycode"?>' + b"<rss>-" + b"b9" * 500_000,
}


# Fault 5.
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_done_with_quickly_and_in_little_memory(bomb: bytes) -> None:
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with contextlib.suppress(FetchError):
        parse_feed(bomb, URL)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert time.monotonic() - begun < 2
    assert grown < 300 * 1024 * (1024 if sys.platform == "darwin" else 1)


# Fault 5.
def test_the_content_of_an_external_file_appears_nowhere(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    doctype = f'<!DOCTYPE rss [<!ENTITY s SYSTEM "{secret.as_uri()}">]>'
    (found,) = parse_feed(rss(f"<item><title>A &s; B</title>{AUDIO}</item>", doctype), URL).items
    assert "secret" not in repr(found)


def test_html_entities_are_read_with_no_declaration_of_theirs() -> None:
    doctype = '<!-- <rss> --><!DOCTYPE rss [<!ENTITY nbsp "&#160;">]>'
    (found,) = parse_feed(rss(f"<item><title>A&nbsp;B&eacute;</title>{AUDIO}</item>", doctype), URL).items
    assert found.title == "A Bé"


def test_a_half_character_does_not_cost_the_feed() -> None:
    assert item(f"<title>A &#xD83D;&#xDE00; &#55357; &#x110000; B</title>{AUDIO}").title == "A 😀 � � B"


@pytest.mark.parametrize("name", ["title_detail", "published_parsed", "content", "enclosures", "id", "x:y"])
def test_an_element_named_like_a_field_of_the_parser_does_no_harm(name: str) -> None:
    assert item(f"<{name}>x</{name}>{AUDIO}").enclosure == "https://example.org/shows/a.mp3"


def test_mutated_feeds_are_read_or_refused_and_nothing_else() -> None:
    whole = rss(f"<item><title>T</title><guid>g</guid>{AUDIO}<pubDate>{time.ctime()}</pubDate></item>" * 3)
    pieces = [
        b"<",
        b">",
        b"&",
        b'"',
        b"]]>",
        b"<![CDATA[",
        b"&#xD800;",
        b"&#99999999999;",
        b"http://[",
        b"<links>",
        b"\0",
    ]
    chance, read = random.Random(7), 0
    for _ in range(1000):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 5))):
            at = chance.randrange(len(data))
            data[at : at + chance.choice((0, 1, 20))] = chance.choice(pieces)
        with contextlib.suppress(FetchError):
            read += len(parse_feed(bytes(data), URL).items) > 0
    assert read > 500


@pytest.mark.parametrize(
    ("encoding", "declared", "content_type"),
    [
        ("utf-8", "utf-8", "text/xml"),
        ("utf-16", "utf-16", ""),
        ("utf-8-sig", "iso-8859-1", ""),
        ("windows-1252", "iso-8859-1", ""),
        ("windows-1252", "utf-8", ""),
        ("utf-8", "utf-16", ""),
        ("utf-8", "no-such-encoding", 'application/rss+xml; charset="utf-8"'),
        ("iso-8859-15", "utf-8", "application/rss+xml;charset=ISO-8859-15"),
    ],
)
def test_text_is_read_in_the_encoding_that_fits(encoding: str, declared: str, content_type: str) -> None:
    text = rss(f"<item><title>“Güte”</title>{AUDIO}</item>").decode().replace("utf-8", declared, 1)
    if encoding == "iso-8859-15":
        text = text.replace("“", "").replace("”", "")
    (found,) = parse_feed(text.encode(encoding), URL, {"content-type": content_type}).items
    assert found.title.strip("“”") == "Güte"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("a <b>bold</b> word", "a bold word"),
        ("3 < 4 &amp; 5 &gt; 4", "3 < 4 & 5 > 4"),
        ("<style>p {}</style>x<!-- <p>hidden</p> -->y<SCRIPT\n>z</script >", "x y"),
        ("open <!-- for ever", "open"),
        ("<p>One</p><p>two</p>", "One two"),
        ("one<br/>two\n\n three", "one two three"),
    ],
)
def test_markup_is_read_as_plain_text(markup: str, text: str) -> None:
    assert plain_text(markup) == text


@given(st.text(st.characters(exclude_characters="<&", exclude_categories=("C", "Z"))))
def test_text_without_markup_stays_as_it_is(text: str) -> None:
    assert plain_text(text) == text
