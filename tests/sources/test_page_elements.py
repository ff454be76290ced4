"""The markup of a page, however broken, to the elements that matter."""

import pytest

from transcribe.sources.page_elements import MAX_LENGTH, Link, Moment, parse_elements
from transcribe.web.html_stream import MAX_DEPTH


def addresses(page: str) -> list[tuple[str, str]]:
    return [(medium.place, medium.address) for medium in parse_elements(page.encode()).media]


def test_texts_and_names_are_kept_as_written() -> None:
    found = parse_elements(
        b'<base href="/a/"><title>One &amp; two</title><meta property="OG:Title" content=" T ">'
        b'<link rel="Alternate home" href=/f type="Application/RSS+XML; charset=utf-8" title=S>'
        b'<h1>A <em>well</em></h1><article><time datetime=2012-02-18 class="x entry-date">Feb</time></article>'
    )
    assert (found.base, found.title, found.headings) == ("/a/", "One & two", ["A well"])
    assert found.metas == [("og:title", "T")]
    assert found.links == [Link(("alternate", "home"), "/f", "application/rss+xml", "S")]
    assert found.moments == [Moment("2012-02-18", of_publication=True, post=0)]


def test_a_player_is_the_first_of_its_sources_that_is_sound() -> None:
    page = (
        '<audio src=a.mp3></audio><audio><source src=p.m3u8 type="application/x-mpegurl"><source src=b.ogg>'
        "<source src=b.mp3></audio><video><source src=film.mp4></video><picture><source srcset=x></picture>"
        "<audio src=c.mp3><source src=d.mp3></audio>"
    )
    assert addresses(page) == [("player", "a.mp3"), ("player", "b.ogg"), ("video", "film.mp4"), ("player", "c.mp3")]


def test_links_count_where_they_lead_to_audio() -> None:
    assert addresses('<a href="a.MP3?x=1">a</a><a href=b.html>b</a><a>c</a><a href="mp3">d</a>') == [
        ("link", "a.MP3?x=1")
    ]


def test_embedded_players_are_given_their_file_in_many_ways() -> None:
    page = (
        '<iframe src="//p.example/player?theme=a&amp;file=https%3A%2F%2Fx.example%2Fa.mp3"></iframe>'
        '<embed flashvars="autostart=no&amp;soundFile=b.mp3"><object data="c.mp3"></object>'
        '<div data-audio-url=" d.mp3 " data-other="e.html"></div>'
    )
    assert addresses(page) == [
        ("embedded", "https://x.example/a.mp3"),
        ("embedded", "b.mp3"),
        ("embedded", "c.mp3"),
        ("embedded", " d.mp3 "),
    ]


def test_a_film_that_plays_by_itself_without_sound_is_an_ornament() -> None:
    assert addresses("<video src=a.mp4 muted autoplay loop></video><video src=b.mp4></video>") == [("video", "b.mp4")]


def test_what_stands_in_a_post_is_known_from_what_stands_outside() -> None:
    page = b"<a href=0.mp3></a><main><article><a href=1.mp3></a></article><a href=2.mp3></a></main><a href=3.mp3></a>"
    assert [(medium.post, medium.main) for medium in parse_elements(page).media] == [
        (None, False),
        (0, False),
        (None, True),
        (None, False),
    ]


@pytest.mark.parametrize(
    ("beside", "end"),
    [
        ("<aside>", "</aside>"),
        ("<footer>", "</footer>"),
        ("<nav>", "</nav>"),
        ("<div role=complementary>", "</div>"),
        ("<div role=contentinfo>", "</div>"),
        ("<ul class='xoxo'><li class='widget widget_text'>", "</ul>"),
        ("<div id=sidebar>", "</div>"),
        ("<div id='secondary-sidebar'>", "</div>"),
        ("<div class=sidebar-1>", "</div>"),
        ("<div id=comments><article class=comment>", "</article></div>"),
        ("<ol class=commentlist><li class='comment byuser'>", "</ol>"),
        ("<section class=related-posts><article class='post-9 hentry'>", "</article></section>"),
        ("<div class='jp-relatedposts'>", "</div>"),
    ],
)
def test_what_stands_beside_the_post_is_left_out(beside: str, end: str) -> None:
    assert addresses(f"{beside}<a href=a.mp3></a><audio src=b.mp3></audio><div data-x=c.mp3></div>{end}") == []
    assert len(addresses(f"{beside}<a href=a.mp3></a>{end}<a href=b.mp3></a>")) == 1


@pytest.mark.parametrize(
    "around",
    ["<div class='right-sidebar'><main>", "<body class='has-sidebar sidebar-right'><div class=content-sidebar-wrap>",
     "<article class=hentry><div class='widget'>", "<div class='elementor-widget'>", "<article class=comments-open>"],
)  # fmt: skip
def test_what_only_sounds_like_a_sidebar_is_none(around: str) -> None:
    assert len(addresses(f"{around}<a href=a.mp3></a>")) == 1


@pytest.mark.parametrize(
    ("link", "place"),
    [
        ("<a href=/a.mp3>Listen</a>", "download"),
        ("<a href=/a.mp3>Play in new window</a>", "download"),
        ("<a href=/a.mp3>a.mp3</a>", "download"),
        ("<a href=/a.mp3><img src=play.png></a>", "download"),
        ("<a href=/a.mp3>Anhören (12 MB)</a>", "download"),
        ("<a href=/a.mp3>Télécharger</a>", "download"),
        ("<a href=/get?id=3 type=audio/mpeg>talk</a>", "download"),
        ("<a href=/get?id=3 download=talk.mp3>talk</a>", "download"),
        ("<a href='/download.php?file=talk.mp3'>Download</a>", "download"),
        ("<a href=/a.mp3>the first part of the talk that we had</a>", "link"),
        ("<a href=/a.mp3>part one</a>", "link"),
    ],
)
def test_a_link_offers_a_recording_or_mentions_it(link: str, place: str) -> None:
    ((found, _),) = addresses(f"<p>We spoke of it in {link} before")
    assert found == place


@pytest.mark.parametrize("link", ["<a href='/wiki/File:talk.ogg'>Listen</a>", "<a href=#a.mp3>x</a>", "<a href=/b/>"])
def test_a_page_that_is_named_like_audio_is_no_audio(link: str) -> None:
    assert addresses(link) == []


def test_comments_scripts_and_texts_are_no_markup() -> None:
    hidden = "<!-- X --><script>X</script><style>X</style><textarea>X</textarea><title>X</title>"
    assert addresses(hidden.replace("X", "<a href=a.mp3></a>")) == []


@pytest.mark.parametrize(
    ("encoding", "content_type", "meta"),
    [
        ("utf-8", "text/html", ""),
        ("utf-8", "text/html; charset=UTF-8", "<meta charset=shift_jis>"),
        ("windows-1251", "text/html", "<meta charset=windows-1251>"),
        ("koi8-r", "", '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">'),
        ("utf-16", "text/html", "<meta charset=utf-8>"),
        ("utf-8", "text/html; charset=nonsense", ""),
        ("utf-8", "text/html", "<meta charset=punycode>"),
    ],
)
def test_its_encoding_is_found(encoding: str, content_type: str, meta: str) -> None:
    page = f"<html>{meta}<title>Источник</title>"
    assert parse_elements(page.encode(encoding), content_type).title == "Источник"


def test_bytes_of_no_encoding_do_no_harm() -> None:
    assert parse_elements(b"<title>Caf\xe9\xff</title><a href=a.mp3>").media[0].address == "a.mp3"
    assert parse_elements(b"").media == parse_elements(b"\x00\xff" * 50).media == []


def test_a_tag_may_have_any_number_of_attributes() -> None:
    many = b" ".join(b"x%d=1" % n for n in range(100_000))
    assert parse_elements(b"<a " + many + b" href=a.mp3>").media


def test_a_page_is_read_to_a_certain_depth_and_length() -> None:
    link = b"<a href=a.mp3></a>"
    assert len(parse_elements(link + b"<div>" * MAX_DEPTH + link).media) == 1
    assert len(parse_elements(b"<div></div>" * MAX_DEPTH + link).media) == 1
    assert len(parse_elements(link + b" " * MAX_LENGTH + link).media) == 1
