import contextlib
import random
import resource
import sys
import time
from pathlib import Path

import pytest

from tests.support.broken_feeds import WHOLE, broken
from transcribe.errors import FetchError
from transcribe.library.episode import PublishedText
from transcribe.library.transcript import Chapter
from transcribe.sources.feed import Feed, distinct, parse_feed
from transcribe.sources.source import FoundFile

URL = "https://example.org/shows/feed"
AUDIO = '<enclosure url="a.mp3" type="audio/mpeg"/>'


def rss(items: str, before: str = "") -> bytes:
    channel = f"<channel><title>Some Show</title><link>https://example.org</link>{items}</channel>"
    return f'<?xml version="1.0" encoding="utf-8"?>{before}<rss version="2.0">{channel}</rss>'.encode()


def items(content: str) -> tuple[FoundFile, ...]:
    return parse_feed(rss(content), URL).items


def item(content: str) -> FoundFile:
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
    expected = FoundFile(
        show="Some Show",
        title="The Talk & more",
        published="2026-11-22T16:00:00Z",
        guid="guid 1",
        link="https://example.org/talks/1",
        enclosure="https://example.org/shows/audio/1.mp3",
        description="About commons.",
        source=URL,
        length=1000,
    )
    assert feed == Feed("Some Show", (expected,), link="https://example.org")


@pytest.mark.parametrize(
    ("length", "known"),
    [("1000", 1000), (" 1000 ", 1000), ("0", None), ("", None), ("-1", None), ("1e3", None), ("9" * 400, None)],
)
def test_an_enclosure_has_the_length_that_can_be_one(length: str, known: int | None) -> None:
    assert item(f'<enclosure url="a.mp3" type="audio/mpeg" length="{length}"/>').length == known


def test_a_recording_is_in_the_language_of_its_feed_or_its_own() -> None:
    german = "<dc:language xmlns:dc='http://purl.org/dc/elements/1.1/'>de</dc:language>"
    said = items(f"<language>en-us</language><item>{AUDIO}</item><item><guid>2</guid>{AUDIO}{german}</item>")
    assert [found.language for found in said] == ["en-us", "de"]
    assert item(AUDIO).language is None


def test_an_atom_entry_becomes_a_recording() -> None:
    data = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title type="html">A &lt;i&gt;Show&lt;/i&gt;</title>
      <entry><id>urn:1</id><title>The Talk</title><updated>2026-11-22T10:00:00Z</updated>
      <link href="https://example.org/1"/><link rel="enclosure" href="1.ogg" type="audio/ogg"/>
      <summary type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">About <b>commons</b></div></summary>
      </entry></feed>"""
    expected = FoundFile(
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


def test_items_without_audio_are_counted_by_reason() -> None:
    feed = parse_feed(
        rss(
            '<item><title>News</title></item><item><enclosure url="a.pdf" type="application/pdf"/></item>'
            '<item><enclosure url="b.epub"/></item><item><enclosure url="c.m3u8" type="application/x-mpegurl"/></item>'
        ),
        URL,
    )
    assert feed.items == ()
    assert feed.not_taken == ("no file", "application/pdf", "application/epub+zip", "a playlist")


@pytest.mark.parametrize(
    "offer",
    [
        '<enclosure url="a.mp3" type="mp3"/>',
        '<enclosure url="talk?id=1" type="mp3"/>',
        '<enclosure url="talk?id=1" type="file"/>',
        '<enclosure url="talk?id=1"/>',
        '<enclosure url="talk?id=1" type="application/octet-stream"/>',
        '<enclosure url="talk?id=1" type="video/mp4"/>',
        '<enclosure url="a.m4v"/>',
        '<enclosure url="a.mp2"/>',
        '<enclosure url="a.mpg" type="video/mpeg"/>',
        '<media:content url="talk?id=1" medium="audio"/>',
        '<media:content url="talk?id=1"/>',
        '<media:group><media:content url="talk?id=1" type="audio/mpeg"/></media:group>',
        '<podcast:alternateEnclosure type="audio/mpeg"><podcast:source uri="talk?id=1"/></podcast:alternateEnclosure>',
        "<content:encoded>&lt;p&gt;&lt;a href='a.mp3'&gt;Listen&lt;/a&gt;</content:encoded>",
        "<description><![CDATA[<audio src='a.mp3'></audio>]]></description>",
    ],
)
def test_whatever_may_be_a_recording_is_taken(offer: str) -> None:
    said = rss(f"<item><guid>1</guid><title>T</title>{offer}</item>").decode()
    spaces = "".join(
        f' xmlns:{name}="{space}"'
        for name, space in (
            ("media", "http://search.yahoo.com/mrss/"),
            ("podcast", "https://podcastindex.org/namespace/1.0"),
            ("content", "http://purl.org/rss/1.0/modules/content/"),
        )
    )
    for data in (said, said.replace("<rss", f"<rss{spaces}")):
        feed = parse_feed(data.encode(), URL)
        assert [found.title for found in feed.items] == ["T"], feed.not_taken
        assert feed.not_taken == ()


@pytest.mark.parametrize(
    ("offer", "doubtful"),
    [
        ('url="a.mp3"', False),
        ('url="a" type="audio/mpeg"', False),
        ('url="a" type="file"', True),
        ('url="a.mp4"', True),
    ],
)
def test_what_may_have_no_sound_is_taken_in_doubt(offer: str, doubtful: bool) -> None:
    assert item(f"<enclosure {offer}/>").doubtful is doubtful


def test_atom_may_have_its_content_elsewhere() -> None:
    entry = b'<entry><id>1</id><content type="audio/mpeg" src="a"/></entry>'
    data = b'<feed xmlns="http://www.w3.org/2005/Atom">' + entry + b"</feed>"
    assert [found.enclosure for found in parse_feed(data, URL).items] == ["https://example.org/shows/a"]


def test_several_enclosures_are_parts_unless_they_are_one_talk_in_several_formats() -> None:
    two = '<enclosure url="one.mp3" type="audio/mpeg" length="7"/><enclosure url="two.mp3" type="audio/mpeg"/>'
    parts = items(f"<item><guid>1</guid><title>The Wells</title>{two}</item>")
    assert [(found.title, found.guid, found.length) for found in parts] == [
        ("The Wells, part 1", "1", 7),
        ("The Wells, part 2", "1", None),
    ]
    assert len({found.identity for found in parts}) == 2
    formats = '<enclosure url="a.m4a" type="audio/mp4"/><enclosure url="a.mp3" type="audio/mpeg"/>'
    assert item(formats).enclosure == "https://example.org/shows/a.m4a"


@pytest.mark.parametrize(
    ("written", "published"),
    [
        ("2016/6/29 15:07:41", "2016-06-29T15:07:41Z"),
        ("1329561000", "2012-02-18T10:30:00Z"),
        ("Sa, 31 Okt 2020 10:00:00 +0100", "2020-10-31T09:00:00Z"),
        ("18. helmikuuta 2012", "2012-02-18"),
        ("mar. 18 f\u00e9vr. 2012 10:30:00 GMT", "2012-02-18T10:30:00Z"),
        ("18.02.2012", "2012-02-18"),
        ("Feb 18, 2012 9:30 PM", "2012-02-18T21:30:00Z"),
        ("Sun 01 Mar 2015 01:00:00 GMT-0400 (EDT)", "2015-03-01T05:00:00Z"),
        ("15:07", None),
        ("29", None),
    ],
)
def test_a_date_is_what_is_written_or_none(written: str, published: str | None) -> None:
    assert item(f"<pubDate>{written}</pubDate>{AUDIO}").published == published


def test_a_date_of_numbers_is_read_in_the_language_of_the_feed() -> None:
    dates = [
        items(f"<language>{language}</language><item><pubDate>03/04/2012</pubDate>{AUDIO}</item>")[0].published
        for language in ("en-us", "en-gb", "")
    ]
    assert dates == ["2012-03-04", "2012-04-03", None]


def test_a_guid_that_is_no_address_makes_no_link() -> None:
    assert item(f"<guid>3</guid>{AUDIO}").link is None
    assert item(f"<guid>https://example.org/3</guid>{AUDIO}").link == "https://example.org/3"
    assert item(f'<guid isPermaLink="false">3</guid><link>/3</link>{AUDIO}').link == "https://example.org/3"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ('url="a" type="plain/txt"', "text/plain"),
        ('url="a" type="srt"', "application/x-subrip"),
        ('url="a" type="application/x-srt"', "application/x-subrip"),
        ('url="a.vtt" type=""', "text/vtt"),
        ('url="a.srt"', "application/x-subrip"),
        ('url="a" type="Text/VTT"', "text/vtt"),
    ],
)
def test_a_transcript_is_known_by_any_spelling_of_its_type_or_by_its_name(said: str, kind: str) -> None:
    (offered,) = item(f"{AUDIO}<podcast:transcript {said}/>").transcripts
    assert offered.media_type == kind


def test_chapters_may_stand_in_the_feed_itself() -> None:
    chapters = (
        '<psc:chapters xmlns:psc="http://podlove.org/simple-chapters"><psc:chapter start="00:01:02.5" title="Water"/>'
        '<psc:chapter start="0" title="Hello" href="https://x.example/"/>'
        '<psc:chapter start="x" title="?"/></psc:chapters>'
    )
    assert item(AUDIO + chapters).headings == (
        Chapter(0, "Hello", "https://x.example/"),
        Chapter(62_500, "Water"),
    )


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


@pytest.mark.parametrize(
    ("links", "following"),
    [
        ('<atom:link rel="next" href="?page=2"/>', "https://example.org/shows/feed?page=2"),
        ('<atom:link rel="prev-archive" href="/2025"/>', "https://example.org/2025"),
        ('<atom:link rel="prev-archive" href="/2025"/><atom:link rel="next" href="/2"/>', "https://example.org/2"),
        ('<atom:link rel="next" href="feed"/>', None),  # itself
        ('<atom:link rel="next" href="file:///etc/passwd"/>', None),
        ('<atom:link rel="next" href="http://["/><atom:link rel="next"/>', None),
        ('<item><atom:link rel="next" href="/2"/></item>', None),
        ("<links>/2</links>", None),
    ],
)
def test_the_next_page_or_archive_is_named(links: str, following: str | None) -> None:
    data = rss(links).replace(b"<rss", b'<rss xmlns:atom="http://www.w3.org/2005/Atom"')
    assert parse_feed(data, URL).following == following


@pytest.mark.parametrize(
    ("address", "moved_to"),
    [
        ("https://example.net/feed", "https://example.net/feed"),
        (" /new ", "https://example.org/new"),
        (URL, None),
        ("file:///etc/passwd", None),
        ("", None),
    ],
)
def test_the_new_address_of_a_feed_is_named(address: str, moved_to: str | None) -> None:
    data = rss(f"<itunes:new-feed-url>{address}</itunes:new-feed-url>")
    for markup in (data, data.replace(b"<rss", b'<rss xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"')):
        assert parse_feed(markup, URL).moved_to == moved_to


def test_media_rss_stands_in_for_an_enclosure() -> None:
    first, second = parse_feed(WHOLE["Media RSS"], URL).items
    assert (first.title, first.enclosure) == ("Talk", "https://example.org/1.m4a")
    assert second.enclosure == "https://example.org/play?id=2"
    assert item(f'<media:content url="b.mp3" type="audio/mpeg"/>{AUDIO}').enclosure == "https://example.org/shows/a.mp3"


def test_the_title_made_for_apple_stands_in_for_a_missing_one() -> None:
    assert item(f"<itunes:title>A &amp; B</itunes:title>{AUDIO}").title == "A & B"
    assert item(f"<itunes:title>A</itunes:title><title>B</title>{AUDIO}").title == "B"


# Podcasting 2.0 as a whole; the encodings make the parser strict, the missing namespaces make it loose.
@pytest.mark.parametrize("name", [name for name in WHOLE if name.startswith("podcast")])
def test_a_podcast_has_transcripts_chapters_and_persons(name: str) -> None:
    feed = parse_feed(WHOLE[name], URL)
    assert feed.title == "The Commons & more"
    assert [(found.guid, found.persons) for found in feed.items] == [
        ("guid-1", ("B. Guest",)),
        ("https://example.org/2", ("A. Host",)),
    ]
    assert feed.items[0].transcripts == (
        PublishedText("https://example.org/shows/1.vtt", "text/vtt", "en"),
        PublishedText("https://example.org/shows/1.srt", "application/srt"),
    )
    assert feed.items[0].chapters == "https://example.org/shows/1.json"
    assert (feed.items[1].transcripts, feed.items[1].chapters) == ((), None)


# Fault 1.
def test_transcripts_and_chapters_are_only_ever_of_the_web() -> None:
    offered = '<podcast:transcript url="{0}" type="text/vtt"/><podcast:chapters url="{0}"/>'
    found = item(
        AUDIO
        + "".join(
            map(offered.format, ("file:///etc/passwd", "http://[", "", "data:,x", "//b.org/v", "https://b.org/v"))
        )
    )
    assert found.transcripts == (PublishedText("https://b.org/v", "text/vtt"),)
    assert found.chapters == "https://b.org/v"


# Fault 13.
def test_a_guid_that_comes_twice_is_one_item_if_its_address_does_too() -> None:
    def feed(*names: str) -> list[str]:
        same = "".join(f'<item><guid>g</guid><enclosure url="{name}"/></item>' for name in names)
        return [(found.enclosure or "").rpartition("/")[2] for found in items(same)]

    assert feed("1.mp3", "1.mp3?token=x") == ["1.mp3"]
    assert feed("1.mp3", "2.mp3") == ["1.mp3", "2.mp3"]
    assert feed("play?id=1&amp;token=a", "play?id=1&amp;token=b", "play?id=2&amp;token=a") == [
        "play?id=1&token=a",
        "play?id=2&token=a",
    ]


# Fault 13.
def test_one_guid_for_all_items_tells_none_of_them_apart() -> None:
    found = items("".join(f'<item><guid>https://x.example/</guid><enclosure url="{n}.mp3"/></item>' for n in range(5)))
    assert len({item.identity for item in found}) == 5


# Fault 13.
def test_a_new_token_in_a_url_makes_no_new_item() -> None:
    with_guid = [item(f'<guid>g</guid><enclosure url="a.mp3?token={n}"/>') for n in (1, 2)]
    without = [item(f'<enclosure url="a.mp3?token={n}"/>') for n in (1, 2)]
    assert with_guid[0].identity == with_guid[1].identity
    assert without[0].identity == without[1].identity
    assert with_guid[0].identity != without[0].identity


TOKENS = ("token=a", "token=b"), ("Expires=1&Signature=x", "Expires=2&Signature=y"), ("utm_source=x", "X-Amz-Date=y")


# Fault 13.
@pytest.mark.parametrize("tokens", TOKENS)
@pytest.mark.parametrize("address", ["download.php", "play.mp3"])
def test_without_guids_what_lasts_of_the_query_tells_items_of_a_feed_apart(
    address: str, tokens: tuple[str, str]
) -> None:
    today, tomorrow = (
        items("".join(f'<item><enclosure url="{address}?{each}&amp;id={n}" type="audio/mpeg"/></item>' for n in (1, 2)))
        for each in (token.replace("&", "&amp;") for token in tokens)
    )
    assert [found.identity for found in today] == [found.identity for found in tomorrow]
    assert len({found.identity for found in today}) == 2
    assert "x" not in today[0].identity.removeprefix("https://example.org/shows/")


# Fault 13.
@pytest.mark.parametrize("told", ["<link>/{n}?utm_id={token}</link>", "<title>Part {n}</title><link>/</link>"])
def test_items_with_no_more_than_a_token_in_their_urls_are_told_apart_by_their_page_or_title(told: str) -> None:
    def feed(token: str) -> tuple[FoundFile, ...]:
        audio = '<enclosure url="play.mp3?token={n}{token}"/>'
        return items("".join(f"<item>{told}{audio}</item>".format(n=n, token=token) for n in (1, 2, 2)))

    assert [found.identity for found in feed("a")] == [found.identity for found in feed("b")]
    assert len({found.identity for found in feed("a")}) == 2


# Fault 13.
def test_an_item_offered_twice_with_two_tokens_is_one() -> None:
    again = "".join(f'<item><title>T</title><enclosure url="a.mp3?token={n}"/></item>' for n in (1, 2))
    (found,) = items(again)
    assert found.identity == "https://example.org/shows/a.mp3"


# Fault 13.
def test_items_of_several_pages_are_told_apart_together() -> None:
    pages = [items(f'<item><enclosure url="play.mp3?id={n}"/></item>') for n in (1, 2, 1)]
    assert len({found.identity for page in pages for found in page}) == 1
    told = distinct(found for page in pages for found in page)
    assert [found.key for found in told] == [f"https://example.org/shows/play.mp3?id={n}" for n in (1, 2)]
    assert distinct(told) == told


# Fault 13.
def test_a_guid_is_the_same_on_the_day_that_the_feed_is_broken() -> None:
    said = f"<guid>https://example.org/?type=podcast&amp;p=1</guid>{AUDIO}"
    assert item(said).guid == item(said + "<title>A <b></title>").guid == "https://example.org/?type=podcast&p=1"
    assert item(said.replace("&amp;", "&")).guid == item(said).guid


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
        b'{"version": "https://jsonfeed.org/version/1", "items": [',
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
    "transcripts": rss(f"<item>{AUDIO}" + '<podcast:transcript url="a.vtt"/>' * NESTED),
    "no guids": rss("".join(f'<item><enclosure url="a.mp3?n={n}"/></item>' for n in range(5000))),
    "JSON": b"{" + b'"a":[' * 1_000_000,
    "a number in JSON": b'{"version": "https://jsonfeed.org/version/1", "n": ' + b"9" * 5_000_000 + b"}",
    "punycode": b'<?xml version="1.0" encoding="punycode"?>' + b"<rss>-" + b"b9" * 500_000,
}


# Fault 5.
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_done_with_quickly_and_in_little_memory(bomb: bytes) -> None:
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with contextlib.suppress(FetchError):
        parse_feed(bomb, URL)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert time.monotonic() - begun < 20
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


# `bench/faults/mutate_feeds.py` does this with 20,000.
def test_broken_feeds_are_read_or_refused_and_nothing_else() -> None:
    dice, read = random.Random(7), 0
    for name, content in [feed for feed in WHOLE.items() if feed[0] != "OPML"] * 25:
        way, content = broken(content, dice)
        begun = time.monotonic()
        with contextlib.suppress(FetchError):
            read += len(parse_feed(content, URL).items) > 0
        assert time.monotonic() - begun < 50, f"{name}: {way}"
    assert 150 < read < 300


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
    "told",
    [
        "<link>/a.mp3</link>",
        "<guid>http://example.org/a.mp3</guid>",
        "<description>Listen: http://example.org/a.mp3 (3 MB)</description>",
        "<content:encoded><![CDATA[<p>[audio:http://example.org/a.mp3|titles=A]</p>]]></content:encoded>",
        '<content:encoded><![CDATA[[audio mp3="http://example.org/a.mp3"][/audio]]]></content:encoded>',
    ],
)
def test_an_item_written_by_hand_names_its_audio_anywhere(told: str) -> None:
    space = 'xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    data = f'<rss version="2.0" {space}><channel><title>S</title><item><title>T</title>{told}</item></channel></rss>'
    assert [i.enclosure for i in parse_feed(data.encode(), "http://example.org/feed").items] == [
        "http://example.org/a.mp3"
    ]


def test_of_media_the_publishers_own_choice_or_the_best_is_taken() -> None:
    medium = '<media:content url="/{}.mp3" bitrate="{}" type="audio/mpeg"/>'
    low, high = medium.format("low", 64), medium.format("high", 128)
    chosen = low.replace("/>", ' isDefault="true"/>')
    for media, best in ((low + high, "high"), (high + chosen, "low")):
        data = f"""<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>S</title>
<item><title>T</title><media:group>{media}</media:group></item></channel></rss>"""
        assert [i.enclosure for i in parse_feed(data.encode(), "http://h/feed").items] == [f"http://h/{best}.mp3"]
