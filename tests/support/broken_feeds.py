"""Feeds and outlines as publishers write them, well and badly, and ways in which they come broken."""

import random
from collections.abc import Callable

PIECES = (
    *(b"<", b">", b"&", b'"', b"'", b"]]>", b"<![CDATA[", b"<!--", b"-->", b"<?xml ?>", b"<!DOCTYPE x>", b"</", b"/>"),
    *(b"&#xD800;", b"&#0;", b"&#99999999999;", b"&nope;", b"&amp;amp;", b"&#x1F4A9", b"%", b"%00", b"\0", b"\xff\xfe"),
    *(b"http://[", b"//", b"file:///etc/passwd", b"<links>", b"<title_detail>", b"<published_parsed>", b"<item>"),
    *(b"<entry>", b"</item>", b"</channel>", b"<source>", b"<image>", b'<content type="application/xhtml+xml">'),
    *(b"<podcast:person>", b"<podcast:liveItem>", b"<media:content/>", b'xmlns="x"', b'xml:base="\x01:"', b"<svg>"),
    *(b"{", b"}", b"[", b"]", b",", b":", b"null", b"1e999", b"NaN", b"-", b'\\ud800"', b"\xed\xa0\x80", b"\xe2\x80"),
)
ENCODINGS = ("utf-16", "utf-32", "utf-8", "windows-1252", "shift_jis", "utf-7", "koi8-r", "rot13", "cp037", "hz", "x")

PODCAST = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:atom="http://www.w3.org/2005/Atom"
     xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:podcast="https://podcastindex.org/namespace/1.0">
<channel><title>The Commons &amp; more</title><link>https://example.org/</link><language>en-gb</language>
<atom:link rel="self" href="https://example.org/feed"/><atom:link rel="next" href="/feed?page=2"/>
<itunes:new-feed-url>https://example.org/new</itunes:new-feed-url><itunes:author>A. Host</itunes:author>
<podcast:person role="host">A. Host</podcast:person><image><url>i.png</url><title>I</title><link>/</link></image>
<podcast:liveItem status="live"><title>Now</title><guid>l</guid><enclosure url="l.mp3"/></podcast:liveItem>
<item><title>The Talk, part 1</title><itunes:title>Part 1</itunes:title><guid isPermaLink="false">guid-1</guid>
<link>/1</link><pubDate>Sun, 22 Nov 2026 18:00:00 +0200</pubDate><itunes:duration>1:02:03</itunes:duration>
<enclosure url="audio/1.mp3?a=1&amp;b=2" type="audio/mpeg" length="1000"/>
<podcast:transcript url="1.vtt" type="text/vtt" language="en"/><podcast:transcript url="1.srt" type="application/srt"/>
<podcast:chapters url="1.json" type="application/json+chapters"/><podcast:person>B. Guest</podcast:person>
<description><![CDATA[<p>About&nbsp;<b>commons</b>.</p><script>x()</script>]]></description></item>
<item><title>Part 2 &#8211; “Güte”</title><guid>https://example.org/2</guid><pubDate>Mon, 23 Nov 2026</pubDate>
<enclosure url="2.ogg" type="audio/ogg"/><content:encoded>&lt;p&gt;More&lt;/p&gt;</content:encoded></item>
</channel></rss>"""
ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de" xml:base="https://example.org/a/">
<title type="html">A &lt;i&gt;Show&lt;/i&gt;</title><id>urn:feed</id><updated>2026-11-22T10:00:00Z</updated>
<link rel="prev-archive" href="2025.atom"/><author><name>A. Host</name></author>
<entry><id>urn:1</id><title>Talk</title><updated>2026-11-22T10:00:00.5+01:00</updated><link href="1.html"/>
<link rel="enclosure" href="1.ogg" type="audio/ogg" length="5"/><summary type="xhtml">
<div xmlns="http://www.w3.org/1999/xhtml">About <b>commons</b> <svg><title>s</title></svg></div></summary></entry>
<entry><id>urn:2</id><title type="text">Talk 2</title><published>2026-11-23T10:00:00Z</published>
<source><id>urn:o</id><title>Other</title></source><link rel="enclosure" href="2.mp3"/>
<content type="html">&lt;p&gt;a&lt;/p&gt;</content></entry></feed>"""
ATOM_03 = """<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title mode="base64">QSBTaG93</title><entry>
<title mode="escaped">A &amp;amp; B</title><issued>2004-02-30T99:00</issued><modified>vorgestern</modified>
<link rel="enclosure" href="//example.org/1.mp3"/><content mode="xml"><p>x</p></content></entry></feed>"""
RSS_1 = """<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:enc="http://purl.oclc.org/net/rss_2.0/enc#">
<channel rdf:about="https://example.org/"><title>Old Show</title><link>https://example.org/</link>
<items><rdf:Seq><rdf:li rdf:resource="https://example.org/1"/></rdf:Seq></items></channel>
<item rdf:about="https://example.org/1"><title>Talk</title><link>https://example.org/1</link><dc:date>2004-05-06</dc:date>
<dc:creator>C</dc:creator><enc:enclosure rdf:resource="https://example.org/1.mp3" enc:type="audio/mpeg"/></item>
</rdf:RDF>"""
MEDIA = """<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title><![CDATA[Media <b>Show</b>]]>
</title><item><media:group><media:title>Talk</media:title><media:content url="1.jpg" medium="image"/>
<media:content url="/1.m4a" type="audio/mp4" duration="60"/></media:group><media:credit role="author">C</media:credit>
<media:description type="html"><![CDATA[a <!-- b --> ]]&gt; c]]></media:description></item>
<item><title>2</title><media:content url="/play?id=2" medium="audio"/><media:restriction>de</media:restriction></item>
</channel></rss>"""
SLOVENLY = """
<!-- made by hand --><!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://example.org/rss.dtd" [
<!ENTITY show "My Show"><!ENTITY x SYSTEM "file:///etc/passwd">]>
<RSS version=2.0><channel><title>&show; & friends &copy; &x;</title>
<item><title>Q&A: 3 < 4</title><link>http://example.org/?a=1&b=2<pubDate>22.11.2026</pubDate>
<enclosure url=http://example.org/a.mp3?x=1&y=2 type=audio/mpeg><podcast:transcript url="a.vtt" type="text/vtt">
<item><title>Unclosed <b>twice<guid>g</guid><enclosure url="b.mp3"/><description>&lt;div&gt;<p>x &#xD83D;&#xDE00;</item>
<item><guid>g</guid><enclosure url="http://[::1/c.mp3" type="audio/mpeg"/></item></channel>"""
JSON_FEED = """{"version": "https://jsonfeed.org/version/1.1", "title": "JSON Show", "next_url": "/feed.json?page=2",
"home_page_url": "https://example.org/", "items": [{"id": "1", "title": "Talk \\ud83d\\ude00", "url": "/1",
"content_html": "<p>About <b>commons</b></p>", "date_published": "2026-11-22T18:00:00+02:00", "attachments": [
{"url": "1.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 1000, "duration_in_seconds": 3.5}]},
{"id": 2, "summary": "Two", "date_modified": "2026-11-23", "attachments": [{"url": "2.mp3"}, null]}]}"""
JSON_FEED_1 = """{"version": "https://jsonfeed.org/version/1", "title": "Güte", "author": {"name": "A"}, "items": [
{"id": 1e3, "content_text": "a\\nb", "external_url": "https://example.net/", "date_published": "2026-13-45T00:00:00Z",
"attachments": [{"url": "https://example.org/1.ogg", "mime_type": "audio/ogg"}]}, [], {"attachments": {}}]}"""
OPML = """<?xml version="1.0"?><opml version="2.0"><head><title>Mine</title></head><body>
<outline text="News &amp; more"><outline type="rss" text="One" xmlUrl="https://example.org/1?a=1&b=2"/>
<outline title="Deep"><outline text="Two&nbsp;2" xmlUrl="http://example.org/2"/></outline></outline>
<outline text="x" xmlurl="/relative"/></body></opml>"""

WHOLE: dict[str, bytes] = {
    "podcast": PODCAST.encode(),
    "podcast, UTF-16": PODCAST.replace("utf-8", "utf-16").encode("utf-16"),
    "podcast, Windows-1252": PODCAST.replace("utf-8", "iso-8859-1").encode("windows-1252"),
    "podcast, Shift JIS": PODCAST.replace("utf-8", "shift_jis").replace("ü", "語").encode("shift_jis"),
    "podcast, no namespaces": PODCAST.replace("xmlns:", "x-").encode(),
    "Atom": ATOM.encode(),
    "Atom 0.3": ATOM_03.encode(),
    "RSS 1.0": RSS_1.encode(),
    "Media RSS": MEDIA.encode(),
    "slovenly": SLOVENLY.encode(),
    "JSON Feed 1.1": JSON_FEED.encode(),
    "JSON Feed 1.0": JSON_FEED_1.encode("utf-8-sig"),
    "OPML": OPML.encode(),
}


def broken(content: bytes, dice: random.Random) -> tuple[str, bytes]:
    """What was done to it, and what it is then. The same dice give the same."""
    way = dice.choice(WAYS)
    return way.__name__.strip("_").replace("_", " "), way(content, dice)


def _bits_flipped(content: bytes, dice: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(dice.choice((1, 3, 30))):
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _cut(content: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(content))
    return dice.choice((content[:at], content[at:], content[:at] + content[at + dice.choice((1, 20, 200)) :]))


def _pieces_put_in(content: bytes, dice: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(dice.choice((1, 5, 20))):
        at = dice.randrange(len(changed))
        changed[at : at + dice.choice((0, 1, 20))] = dice.choice(PIECES)
    return bytes(changed)


def _piece_put_in_often(content: bytes, dice: random.Random) -> bytes:
    at, piece = dice.randrange(len(content)), dice.choice(PIECES) * dice.choice((1, 1, 2))
    return content[:at] + piece * dice.choice((10, 1000, 5000)) + content[at:]


def _parts_swapped(content: bytes, dice: random.Random) -> bytes:
    one, two, three, four = sorted(dice.randrange(len(content)) for _ in range(4))
    return content[:one] + content[three:four] + content[two:three] + content[one:two] + content[four:]


def _tags_swapped(content: bytes, dice: random.Random) -> bytes:
    tags = content.split(b"<")
    for _ in range(dice.choice((1, 5))):
        one, other = dice.randrange(len(tags)), dice.randrange(len(tags))
        tags[one], tags[other] = tags[other], tags[one]
    return b"<".join(tags)


def _part_repeated(content: bytes, dice: random.Random) -> bytes:
    at, length = dice.randrange(len(content)), dice.choice((20, 200, 2000))
    return content[:at] + content[at : at + length] * dice.choice((2, 2, 50)) + content[at:]


def _entities_broken(content: bytes, dice: random.Random) -> bytes:
    parts = content.split(b";")
    names = (
        b"",
        b"&",
        b"&#",
        b"&#x",
        b"&amp",
        b"&#1114112",
        b"&#xDFFF",
        b"&" + b"a" * 99,
        b"&nbsp",
        b"&#" + b"9" * 700,
    )
    return b";".join(part + (dice.choice(names) if dice.random() < 0.3 else b"") for part in parts)


def _encoding_changed(content: bytes, dice: random.Random) -> bytes:
    """Encoded as another, declared as another, or both; they need not be the same."""
    named = dice.choice(ENCODINGS).encode()
    if dice.random() < 0.5:
        content = b'<?xml version="1.0" encoding="' + named + b'"?>' + content.partition(b"?>")[2]
    if dice.random() < 0.5:
        content = content.decode("utf-8", "replace").encode(dice.choice(ENCODINGS[:7]), "replace")
    return content


def _mixed(content: bytes, dice: random.Random) -> bytes:
    """The beginning of this and the rest of another."""
    other = dice.choice(list(WHOLE.values()))
    return content[: dice.randrange(len(content))] + other[dice.randrange(len(other)) :]


WAYS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _bits_flipped,
    _cut,
    _pieces_put_in,
    _piece_put_in_often,
    _parts_swapped,
    _tags_swapped,
    _part_repeated,
    _entities_broken,
    _encoding_changed,
    _mixed,
)
