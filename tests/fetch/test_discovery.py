"""From a source to its recordings, with a real server for those on the web."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.support.blog import DESCRIPTION, POSTS, SHOW, Blog, serve_blog
from transcribe.errors import FetchError
from transcribe.fetch.discovery import MAX_PAGES, Discovery, source_name
from transcribe.fetch.feed_cache import NotModified
from transcribe.fetch.http_client import HttpClient
from transcribe.sources.source import AudioFileSource, FolderSource, FoundFile, WebSource

TALK = Path(__file__).parents[1] / "data/talk.mp3"

FEED = """<?xml version="1.0"?>
<rss version="2.0"><channel><title>Peer Talks</title>
<item><title>First</title><guid>1</guid><enclosure url="/one.mp3" type="audio/mpeg" length="1"/></item>
<item><title>Words alone</title><guid>2</guid></item>
<item><title>Third</title><guid>3</guid><enclosure url="/three.mp3" type="audio/mpeg" length="1"/></item>
</channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Peer Talks</title><entry><id>1</id><title>First</title>
<link rel="enclosure" type="audio/mpeg" href="/one.mp3"/></entry></feed>"""

JSON_FEED = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Peer Talks",
        "items": [{"id": "1", "title": "First", "attachments": [{"url": "/one.mp3", "mime_type": "audio/mpeg"}]}],
    }
)

OPML = """<?xml version="1.0"?><opml version="2.0"><body><outline text="Futures">
<outline type="rss" text="Peer Talks" xmlUrl="https://x.example/feed"/></outline></body></opml>"""


@pytest.fixture
def connection() -> Iterator[HttpClient]:
    with HttpClient(["127.0.0.1", "localhost"]) as connection:
        yield connection


def of(url: str, connection: HttpClient) -> tuple[FoundFile, ...]:
    return Discovery(connection).discover(WebSource(url)).found


def paths(server: HTTPServer) -> list[str]:
    return [request.path for request, _ in server.log]


def serve(server: HTTPServer, path: str, body: str | bytes, kind: str = "text/html; charset=utf-8") -> str:
    server.expect_request(path).respond_with_data(body, content_type=kind)
    return server.url_for(path)


# This machine


def test_a_file_is_one_recording(connection: HttpClient) -> None:
    (found,) = Discovery(connection).discover(AudioFileSource(TALK))
    assert (found.path, found.title, found.show) == (TALK, "talk", "data")
    assert found.source is None


def test_a_file_that_is_not_there_any_more_is_no_recording(connection: HttpClient, tmp_path: Path) -> None:
    with pytest.raises(FetchError) as problem:
        Discovery(connection).discover(AudioFileSource(tmp_path / "talk.mp3"))
    assert problem.value.code == "not_there"


def test_a_folder_is_as_many_as_there_are_audio_files(connection: HttpClient, tmp_path: Path) -> None:
    for name in ("b.mp3", "deeper/a.mp3", ".hidden.mp3", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(TALK, tmp_path / name)
    found = Discovery(connection).discover(FolderSource(tmp_path)).found
    assert [item.path for item in found] == [tmp_path / "b.mp3", tmp_path / "deeper/a.mp3"]
    assert {item.source for item in found} == {str(tmp_path)}


@pytest.mark.parametrize("text", [FEED, ATOM.replace("/one.mp3", "https://x.example/one.mp3"), "\n\n" + FEED])
def test_a_saved_feed_is_a_source_by_its_owners_own_word(connection: HttpClient, tmp_path: Path, text: str) -> None:
    path = tmp_path / "saved.xml"  # fault line 6
    path.write_text(text)
    found = Discovery(connection).discover(AudioFileSource(path)).found
    assert {(item.show, item.source) for item in found} == {("Peer Talks", str(path))}


def test_a_saved_feed_leads_to_nothing_else_on_this_machine(connection: HttpClient, tmp_path: Path) -> None:
    path, other = tmp_path / "saved.xml", tmp_path / "three.mp3"  # fault line 6
    shutil.copy(TALK, other)
    link = f'<link rel="next" xmlns="http://www.w3.org/2005/Atom" href="{path.as_uri()}?2"/>'
    path.write_text(FEED.replace("<item>", link + "<item>", 1).replace("/three.mp3", other.as_uri()))
    found = Discovery(connection).discover(AudioFileSource(path)).found
    assert {item.path for item in found} == {None}
    for item in found:
        with pytest.raises(FetchError) as problem:
            connection.get(item.enclosure or "")
        assert problem.value.code == "blocked_scheme"


def test_no_feed_page_or_list_on_the_web_can_name_a_file(
    connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
) -> None:
    saved = tmp_path / "saved.xml"  # fault lines 1 and 6
    saved.write_text(FEED)
    next_page = f'<link rel="next" xmlns="http://www.w3.org/2005/Atom" href="{saved.as_uri()}"/>'
    feed = Discovery(connection).discover(
        WebSource(serve(httpserver, "/feed", FEED.replace("<item>", next_page + "<item>", 1)))
    )
    assert [item.title for item in feed] == ["First", "Third"]
    page = f'<link rel="alternate" type="application/rss+xml" href="{saved.as_uri()}"><a href="{saved.as_uri()}.mp3">'
    with pytest.raises(FetchError) as problem:
        of(serve(httpserver, "/page", page), connection)
    assert problem.value.code == "no_audio_on_page"
    opml = OPML.replace("https://x.example/feed", saved.as_uri())
    assert Discovery(connection).discover(WebSource(serve(httpserver, "/opml", opml))).listed == ()


def test_a_saved_list_of_feeds_is_as_many_sources(connection: HttpClient, tmp_path: Path) -> None:
    (tmp_path / "shows.opml").write_text(OPML)
    discovered = Discovery(connection).discover(AudioFileSource(tmp_path / "shows.opml"))
    assert [(one.url, one.groups) for one in discovered.listed] == [("https://x.example/feed", ("Futures",))]
    assert discovered.found == ()


@pytest.mark.parametrize("data", [b"", b"<html>", b"{}", b"<rss" * 5_000_000])
def test_a_file_that_is_no_document_is_taken_for_a_recording(
    connection: HttpClient, tmp_path: Path, data: bytes
) -> None:
    path = tmp_path / "odd.mp3"
    path.write_bytes(data)
    if data == b"{}":
        with pytest.raises(FetchError, match="not a feed"):
            Discovery(connection).discover(AudioFileSource(path))
    else:
        assert [item.path for item in Discovery(connection).discover(AudioFileSource(path))] == [path]


# Audio, feeds and lists on the web


@pytest.mark.parametrize(
    "kind", ["application/rss+xml", "text/html", "application/octet-stream", "text/plain", "text/xml; charset=utf-8"]
)
@pytest.mark.parametrize(("text", "titles"), [(FEED, ["First", "Third"]), (ATOM, ["First"]), (JSON_FEED, ["First"])])
def test_a_feed_is_its_items_that_have_audio(
    connection: HttpClient, httpserver: HTTPServer, text: str, titles: list[str], kind: str
) -> None:
    url = serve(httpserver, "/feed", text, kind)
    found = of(url, connection)
    assert [item.title for item in found] == titles
    assert found[0].enclosure == httpserver.url_for("/one.mp3")
    assert {(item.show, item.source) for item in found} == {("Peer Talks", url)}


def test_a_feed_that_has_gone_elsewhere_is_read_there(connection: HttpClient, httpserver: HTTPServer) -> None:
    there = serve(httpserver, "/there/feed", FEED.replace("/one.mp3", "one.mp3"), "application/rss+xml")
    httpserver.expect_request("/here").respond_with_data("", status=301, headers={"Location": there})
    discovered = Discovery(connection).discover(WebSource(httpserver.url_for("/here")))
    assert discovered.moved_to == there
    assert discovered.found[0].source == httpserver.url_for("/here")  # until its episodes are told
    assert discovered.found[0].enclosure == httpserver.url_for("/there/one.mp3")


def test_a_source_that_is_known_to_hold_nothing_new_offers_nothing(connection: HttpClient) -> None:
    source = WebSource("http://localhost/feed")
    discovered = Discovery(connection, visit=lambda url, wanted: NotModified(url)).discover(source)
    assert (discovered.found, discovered.unchanged) == ((), True)


@pytest.mark.parametrize("text", [FEED, OPML, "<title>A page</title><audio src=/one.mp3></audio>"])
def test_of_a_source_that_has_been_read_nothing_long_is_kept(
    connection: HttpClient, httpserver: HTTPServer, text: str
) -> None:
    url = serve(httpserver, "/long", f"{text}<!--{'long ' * 100_000}-->")
    assert len(repr(Discovery(connection).discover(WebSource(url)))) < 10_000


def test_a_list_of_feeds_is_as_many_sources(connection: HttpClient, httpserver: HTTPServer) -> None:
    discovered = Discovery(connection).discover(WebSource(serve(httpserver, "/shows", OPML, "text/xml")))
    assert [one.url for one in discovered.listed] == ["https://x.example/feed"]


def test_an_address_that_ends_as_audio_does_is_audio_unless_it_is_a_page(
    connection: HttpClient, httpserver: HTTPServer
) -> None:
    url = serve(httpserver, "/talks/The_Old Well.MP3", TALK.read_bytes(), "audio/mpeg")
    (found,) = of(url + "?token=a", connection)
    assert (found.title, found.show) == ("The Old Well", "localhost")
    wiki = serve(httpserver, "/wiki/File:Talk.ogg", "<h1>A talk</h1><audio src=/talk.ogg></audio>")
    (found,) = of(wiki, connection)
    assert (found.title, found.enclosure) == ("A talk", httpserver.url_for("/talk.ogg"))


def test_audio_that_cannot_be_had_now_is_a_recording_still(connection: HttpClient, httpserver: HTTPServer) -> None:
    assert [found.enclosure for found in of(httpserver.url_for("/gone.mp3"), connection)] == [
        httpserver.url_for("/gone.mp3")
    ]


@pytest.mark.parametrize("kind", ["audio/mpeg", "application/octet-stream", "text/html"])
def test_an_address_that_answers_with_sound_is_one_recording(
    connection: HttpClient, httpserver: HTTPServer, kind: str
) -> None:
    httpserver.expect_request("/play").respond_with_data(TALK.read_bytes(), content_type=kind)
    (found,) = of(httpserver.url_for("/play?id=7"), connection)
    assert (found.title, found.enclosure) == ("play", httpserver.url_for("/play?id=7"))


def test_sound_of_any_length_that_is_not_said_to_be_sound_is_not_read(
    connection: HttpClient, httpserver: HTTPServer
) -> None:
    url = serve(httpserver, "/play", TALK.read_bytes() + bytes(20_000_000), "application/octet-stream")
    assert [found.enclosure for found in of(url, connection)] == [url]


def test_an_address_without_a_name_is_called_after_its_host(connection: HttpClient, httpserver: HTTPServer) -> None:
    (found,) = of(serve(httpserver, "/", TALK.read_bytes(), "audio/mpeg"), connection)
    assert found.title == "localhost"


def test_what_cannot_be_had_says_why(connection: HttpClient, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/gone").respond_with_data("gone", status=410)
    with pytest.raises(FetchError) as problem:
        of(httpserver.url_for("/gone"), connection)
    assert problem.value.code == "http_410"
    with pytest.raises(FetchError) as problem, HttpClient() as strict:
        of(httpserver.url_for("/gone"), strict)
    assert problem.value.code == "blocked_address"


# The pages of a feed


def paged(server: HTTPServer, pages: int, broken: int | None = None, loop: bool = False) -> str:
    """A feed of two items a page, one of which the page before had too; each links to the next."""

    def answer(request: Request) -> Response:
        number = int(request.args.get("page", 1))
        if number == broken:
            return Response("down", status=500)
        following = number + 1 if number < pages else 1
        link = f'<link xmlns="http://www.w3.org/2005/Atom" rel="next" href="/feed?page={following}"/>'
        items = "".join(
            f'<item><title>{n}</title><guid>{n}</guid><enclosure url="/{n}.mp3" type="audio/mpeg"/></item>'
            for n in (number, number + 1)
        )
        last = number == pages and not loop
        text = f"<rss version='2.0'><channel><title>Page {number}</title>{'' if last else link}{items}</channel></rss>"
        return Response(text, content_type="application/rss+xml")

    server.expect_request("/feed").respond_with_handler(answer)
    return server.url_for("/feed")


@pytest.mark.parametrize("loop", [False, True])
def test_a_feed_is_read_to_its_last_page_and_each_item_counts_once(
    connection: HttpClient, httpserver: HTTPServer, loop: bool
) -> None:  # fault line 13
    url = paged(httpserver, 6, loop=loop)
    discovered = Discovery(connection).discover(WebSource(url))
    assert [item.title for item in discovered] == [str(n) for n in range(1, 8)]
    assert {(item.source, item.show) for item in discovered} == {(url, "Page 1")}
    assert len(httpserver.log) in (6, 7)  # the first may be met again under the name of a page
    assert discovered.problem is None


def test_a_page_that_cannot_be_had_costs_none_of_those_before(connection: HttpClient, httpserver: HTTPServer) -> None:
    discovered = Discovery(connection).discover(WebSource(paged(httpserver, 6, broken=4)))
    assert [item.title for item in discovered] == ["1", "2", "3", "4"]
    assert discovered.problem is not None
    assert discovered.problem.code == "http_500"


def test_a_feed_without_an_end_is_left_at_some_page(connection: HttpClient, httpserver: HTTPServer) -> None:
    discovered = Discovery(connection).discover(WebSource(paged(httpserver, 10 * MAX_PAGES)))
    assert len(httpserver.log) == MAX_PAGES
    assert len(discovered.found) == MAX_PAGES + 1
    assert discovered.problem is not None
    assert discovered.problem.code == "too_many_pages"


# An episode's page


def as_posted(blog: Blog, show: str = SHOW) -> list[tuple[str, str, str | None, str | None, str | None]]:
    posts = zip(POSTS, blog.pages, blog.audio, strict=True)
    return [(show, post.title, post.published, page, audio) for post, page, audio in posts]


def told(found: list[FoundFile]) -> list[tuple[str, str, str | None, str | None, str | None]]:
    return [(item.show, item.title, item.published, item.link, item.enclosure) for item in found]


@pytest.mark.parametrize("posts_in_feed", [POSTS, POSTS[1:], (), None])
def test_pages_of_a_blog_are_episodes_of_one_show(
    connection: HttpClient, httpserver: HTTPServer, posts_in_feed: tuple[()] | None
) -> None:
    """With or without a feed, and whether or not that still has them."""
    blog = serve_blog(httpserver, posts_in_feed)
    discovery = Discovery(connection)
    found = [item for page in blog.pages for item in discovery.discover(WebSource(page))]
    assert told(found) == as_posted(blog)
    assert {item.source for item in found} == {None}  # the show is not subscribed to
    assert {item.persons for item in found} == {("Jose Ramos",)}
    assert all(item.description.startswith(DESCRIPTION) for item in found)
    assert paths(httpserver).count("/feed/") == 1
    assert not [path for path in paths(httpserver) if "comments" in path or path.endswith("part-1/feed/")]


def test_a_page_is_the_very_item_of_its_feed(connection: HttpClient, httpserver: HTTPServer) -> None:
    blog = serve_blog(httpserver)
    pages = {item.identity for page in blog.pages for item in of(page, connection)}
    assert pages == {item.identity for item in of(blog.feed, connection)}
    assert len(pages) == 2


@pytest.mark.parametrize("query", ["?utm_source=mail", "?fbclid=1", "#comments"])
def test_a_page_is_known_by_any_of_its_addresses(connection: HttpClient, httpserver: HTTPServer, query: str) -> None:
    blog = serve_blog(httpserver)
    (found,) = of(blog.pages[0] + query, connection)
    assert (found.title, found.guid) == (POSTS[0].title, f"{blog.site}/?p=1")


def test_a_page_may_be_reached_by_a_redirect(connection: HttpClient, httpserver: HTTPServer) -> None:
    blog = serve_blog(httpserver, posts_in_feed=None)
    httpserver.expect_request("/short").respond_with_data("", status=302, headers={"Location": blog.pages[0]})
    (found,) = of(f"{blog.site}/short", connection)
    assert (found.link, found.enclosure) == (blog.pages[0], blog.audio[0])


HEAD = '<link rel="alternate" type="application/rss+xml" href="/feed"><title>Both wells</title>'


def test_a_page_has_parts_that_its_feed_does_not_tell_of(connection: HttpClient, httpserver: HTTPServer) -> None:
    serve(httpserver, "/feed", FEED.replace("<guid>1", "<link>/wells</link><guid>1"), "application/rss+xml")
    page = HEAD + "<audio src=/two.mp3></audio><audio src=/one.mp3?_=1></audio><a href=/three.mp3>another episode</a>"
    found = of(serve(httpserver, "/wells", page), connection)
    assert [(item.title, item.enclosure) for item in found] == [
        ("First, part 1", httpserver.url_for("/two.mp3")),
        ("First", httpserver.url_for("/one.mp3")),
    ]
    assert len({item.identity for item in found}) == 2


def test_parts_of_a_page_without_a_feed_are_numbered(connection: HttpClient, httpserver: HTTPServer) -> None:
    url = serve(httpserver, "/2012/02/18/wells", "<title>Both wells</title><a href=/b.mp3></a><a href=/a.mp3></a>")
    found = of(url, connection)
    assert [(item.title, item.published) for item in found] == [
        ("Both wells, part 1", "2012-02-18"),
        ("Both wells, part 2", "2012-02-18"),
    ]


def test_a_page_whose_player_is_a_program_is_found_in_its_feed(connection: HttpClient, httpserver: HTTPServer) -> None:
    serve(httpserver, "/feed", FEED.replace("<guid>3", "<link>/third/</link><guid>3"), "application/rss+xml")
    (found,) = of(serve(httpserver, "/third", HEAD + "<script>play()</script>"), connection)
    assert found.title == "Third"


def test_a_page_is_known_by_its_audio_where_all_items_name_one_page(
    connection: HttpClient, httpserver: HTTPServer
) -> None:
    feed = FEED.replace("<guid>", "<link>/</link><guid>")
    serve(httpserver, "/feed", feed, "application/rss+xml")
    (found,) = of(serve(httpserver, "/", HEAD + "<audio src=/three.mp3?x=1></audio>"), connection)
    assert found.title == "Third"


def test_a_page_is_looked_for_on_the_later_pages_of_its_feed(connection: HttpClient, httpserver: HTTPServer) -> None:
    paged(httpserver, 50)
    (found,) = of(serve(httpserver, "/x", HEAD + "<audio src=/4.mp3></audio>"), connection)
    assert (found.title, found.show, paths(httpserver).count("/feed")) == ("4", "Page 1", 3)
    (found,) = of(serve(httpserver, "/y", HEAD + "<audio src=/40.mp3></audio>"), connection)
    assert (found.title, found.show) == ("Both wells", "Page 1")  # not for ever
    assert paths(httpserver).count("/feed") == 3 + 10


def test_a_page_without_audio_is_told_so(
    connection: HttpClient, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = serve(httpserver, "/page", "<html>hello</html>")
    monkeypatch.setattr("transcribe.fetch.discovery.is_installed", lambda: False)
    with pytest.raises(FetchError, match=r"og:audio.*extra `media`") as problem:
        Discovery(connection, extract=lambda url, connection: []).discover(WebSource(url))
    assert problem.value.code == "no_audio_on_page"


def test_the_extractor_is_asked_only_for_a_page_without_audio(connection: HttpClient, httpserver: HTTPServer) -> None:
    asked = []

    def extract(url: str, connection: HttpClient) -> list[FoundFile]:
        asked.append(url)
        return [FoundFile("Show", "Hidden", enclosure="https://x.example/a")]

    discovery = Discovery(connection, extract)
    bare, full = serve(httpserver, "/bare", "<html>"), serve(httpserver, "/full", "<a href=/a.mp3>")
    assert [discovery.discover(WebSource(url)).found[0].title for url in (bare, full)] == ["Hidden", "full"]
    assert asked == [bare]


def test_a_source_is_named_without_its_password() -> None:
    assert source_name(WebSource("https://me:secret@example.org/feed")) == "https://example.org/feed"
    assert source_name(FolderSource(Path("/tapes"))) == "/tapes"


# A show's own page, frames, archives


def show(server: HTTPServer, link: str) -> str:
    feed = FEED.replace("<title>Peer Talks</title>", f"<title>Peer Talks</title><link>{server.url_for(link)}</link>")
    return serve(server, f"{link.rstrip('/')}/feed", feed, "application/rss+xml")


@pytest.mark.parametrize("path", ["/", "/radar"])
def test_a_shows_own_page_leads_to_its_feed(connection: HttpClient, httpserver: HTTPServer, path: str) -> None:
    feed = show(httpserver, path)
    link = f'<link rel="alternate" type="application/rss+xml" href="{feed}">'
    url = serve(httpserver, path, f"{link}<audio src=/three.mp3></audio>")
    discovered = Discovery(connection).discover(WebSource(url))
    assert [one.url for one in discovered.listed] == [feed]
    assert discovered.found == ()
    assert feed in discovered.notes[0]


def test_a_page_of_words_is_not_taken_for_its_show(connection: HttpClient, httpserver: HTTPServer) -> None:
    show(httpserver, "/")
    link = '<link rel="alternate" type="application/rss+xml" href="/feed">'
    url = serve(httpserver, "/essay", f"{link}<body class='single'><article class=hentry><h1>Essay</h1>")
    with pytest.raises(FetchError) as problem:
        of(url, connection)
    assert problem.value.code == "no_audio_on_page"


def test_a_player_in_a_frame_is_looked_into(connection: HttpClient, httpserver: HTTPServer) -> None:
    serve(httpserver, "/embed/episode/id/7", '<title>Player</title><script>var x = {"url": "/hidden.mp3"}</script>')
    page = '<title>The Well</title><iframe src="/embed/episode/id/7/theme/standard"></iframe>'
    serve(httpserver, "/embed/episode/id/7/theme/standard", '<script>var x = {"media": "/hidden.mp3"}</script>')
    (found,) = of(serve(httpserver, "/2012/02/18/well", page), connection)
    assert (found.title, found.published) == ("The Well", "2012-02-18")
    assert found.enclosure == httpserver.url_for("/hidden.mp3")


def test_what_an_extractor_finds_keeps_what_the_page_says(connection: HttpClient, httpserver: HTTPServer) -> None:
    page = (
        '<meta property="og:site_name" content="Peer Talks"><meta property="og:title" content="The Well">'
        '<meta property="article:published_time" content="2012-02-18T10:30:00Z">'
    )
    url = serve(httpserver, "/page", page)
    bare = FoundFile("", "page", enclosure="https://x.example/a", key="Generic page")
    told = FoundFile("Our channel", "Our talk", "2012-02-19", enclosure="https://x.example/a", key="Vimeo 7")
    for extracted, expected in (
        (bare, ("Peer Talks", "The Well", "2012-02-18T10:30:00Z")),
        (told, ("Our channel", "Our talk", "2012-02-19")),
    ):
        (found,) = Discovery(connection, lambda *_, each=extracted: [each]).discover(WebSource(url))
        assert (found.show, found.title, found.published) == expected


def test_an_archived_feed_leads_to_the_archives_copies_first(connection: HttpClient, httpserver: HTTPServer) -> None:
    feed = FEED.replace('"/one.mp3"', '"http://blog.invalid/one.mp3"')
    archive = httpserver.url_for("/web/20120301120000")
    found = of(serve(httpserver, "/web/20120301120000/http://blog.invalid/feed/", feed, "text/xml"), connection)[0]
    assert found.enclosure == f"{archive}id_/http://blog.invalid/one.mp3"
    assert found.alternates == ("http://blog.invalid/one.mp3",)


def test_a_next_page_that_is_not_there_is_a_note(connection: HttpClient, httpserver: HTTPServer) -> None:
    link = '<link xmlns="http://www.w3.org/2005/Atom" rel="next" href="/nowhere"/>'
    httpserver.expect_request("/nowhere").respond_with_data("", status=404)
    url = serve(httpserver, "/feed", FEED.replace("<item>", f"{link}<item>", 1), "text/xml")
    discovered = Discovery(connection).discover(WebSource(url))
    assert discovered.problem is None
    assert "404" in discovered.notes[0]


def test_a_raw_copy_in_an_archive_leads_to_the_archives_audio(connection: HttpClient, httpserver: HTTPServer) -> None:
    """Copies with `id_` are as the blog wrote them, and so name the host that is dead."""
    copy, blog = "/web/20120301120000id_/", "http://blog.invalid"
    page = f"""<title>Part II</title><link rel=alternate type=application/rss+xml href={blog}/feed/>
<a href={blog}/ii.mp3>Download</a>"""
    feed = f"""<rss version="2.0"><channel><title>S</title><item><title>Part II</title><link>{blog}/ii/</link>
<enclosure url="{blog}/ii.mp3" type="audio/mpeg"/></item></channel></rss>"""
    for path, text, kind in (("/ii/", page, "text/html"), ("/feed/", feed, "text/xml")):
        httpserver.expect_request(f"{copy}{blog}{path}").respond_with_data(text, content_type=kind)
    (found,) = Discovery(connection).discover(WebSource(httpserver.url_for(f"{copy}{blog}/ii/")))
    assert found.enclosure == httpserver.url_for(f"{copy}{blog}/ii.mp3")
    assert found.alternates == (f"{blog}/ii.mp3",)
