"""What it costs to ask sources again, and that nothing of what they once held is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.support.silent import Silent
from transcribe.fetch.catalog import Catalog
from transcribe.fetch.feed_cache import FeedCache
from transcribe.fetch.http_client import HttpClient
from transcribe.fetch.politeness import HOUR_S
from transcribe.fetch.polling import Polling, PollResult
from transcribe.library.chapters import load_chapters
from transcribe.library.source_states import NAME as SOURCE_STATES
from transcribe.library.source_states import load_source_states
from transcribe.library.store import Library
from transcribe.library.transcript import Chapter
from transcribe.sources.source import AudioFileSource, FolderSource, Source, WebSource

ITEM = """<item><title>{name}</title><guid>{name}</guid>
<enclosure url="/{name}.mp3" type="audio/mpeg" length="{length}"/>{more}</item>"""
TRANSCRIPT = '<podcast:transcript url="/{name}.vtt?token={token}" type="text/vtt"/>'
PAGE = "<html><head><title>The Talk</title></head><body><a href=/talk.mp3>Listen</a></body></html>"


class Shelf:
    """A library whose sources are asked once a run, hour after hour."""

    def __init__(self, root: Path, connection: HttpClient) -> None:
        self.library, self.connection, self.time = Library(root), connection, 1_790_000_000.0

    def ask(self, *sources: str | Source, later_s: float = HOUR_S) -> PollResult:
        self.time += later_s
        state = self.library.state / "visits.json"
        with FeedCache(state, now=lambda: self.time) as feed_cache:
            catalog = Catalog(self.library)
            asked = Polling(self.library, catalog, self.connection, feed_cache, Silent())
            return asked.ask(WebSource(each) if isinstance(each, str) else each for each in sources)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with HttpClient(["localhost"]) as connection:
        yield Shelf(tmp_path / "library", connection)


def serve(server: HTTPServer, path: str, body: str, content_type: str = "application/rss+xml") -> str:
    """A server that knows ETag; what it served there before is replaced."""
    server.clear_all_handlers()

    def answer(request: Request) -> Response:
        etag = f'"{hash(body)}"'
        if request.headers.get("If-None-Match") == etag:
            return Response(status=304)
        return Response(body, content_type=content_type, headers={"ETag": etag})

    server.expect_request(path).respond_with_handler(answer)
    return server.url_for(path)


def feed(*names: str, length: int = 1000, more: str = "") -> str:
    items = "".join(ITEM.format(name=name, length=length, more=more.replace("{name}", name)) for name in names)
    space = 'xmlns:podcast="https://podcastindex.org/namespace/1.0"'
    return f'<rss version="2.0" {space}><channel><title>Talks</title>{items}</channel></rss>'


def answers(server: HTTPServer) -> list[int]:
    """The statuses of what was asked since the last time."""
    statuses = [response.status_code for _, response in server.log]
    server.clear_log()
    return statuses


def names(offered: PollResult) -> list[str]:
    return sorted(offered.candidates)


def test_an_episode_that_has_left_its_feed_is_still_offered(shelf: Shelf, httpserver: HTTPServer) -> None:
    url = serve(httpserver, "/feed", feed("one", "two"))
    shelf.ask(url)
    serve(httpserver, "/feed", feed("two", "three"))
    assert names(shelf.ask(url)) == ["talks/one", "talks/three", "talks/two"]


def test_what_is_known_of_a_source_that_cannot_be_had_is_offered(shelf: Shelf, httpserver: HTTPServer) -> None:
    url = serve(httpserver, "/feed", feed("one"))
    shelf.ask(url)
    httpserver.clear_all_handlers()
    offered = shelf.ask(url)
    assert names(offered) == ["talks/one"]
    assert [trouble.code for trouble in offered.troubles.values()] == ["http_500"]


def test_a_page_is_asked_as_sparingly_as_a_feed(shelf: Shelf, httpserver: HTTPServer) -> None:
    url = serve(httpserver, "/talk", PAGE, "text/html")
    (name,) = names(shelf.ask(url))
    assert answers(httpserver) == [200]
    assert shelf.library.load_record(name).through == (url,)
    assert (names(shelf.ask(url, later_s=60)), answers(httpserver)) == ([name], [])
    assert (names(shelf.ask(url)), answers(httpserver)) == ([name], [304])


def test_audio_without_a_name_is_asked_as_sparingly(shelf: Shelf, httpserver: HTTPServer) -> None:
    url = serve(httpserver, "/talk", "ID3 sound", "audio/mpeg")
    (name,) = names(shelf.ask(url))
    assert (names(shelf.ask(url, later_s=60)), answers(httpserver)) == ([name], [200])


def test_a_feed_without_episodes_is_asked_as_sparingly(shelf: Shelf, httpserver: HTTPServer) -> None:
    url = serve(httpserver, "/feed", feed())
    for later_s, asked in ((0, [200]), (60, []), (HOUR_S, [304])):
        assert (names(shelf.ask(url, later_s=later_s)), answers(httpserver)) == ([], asked)
    serve(httpserver, "/feed", feed("one"))
    assert names(shelf.ask(url)) == ["talks/one"]


def test_a_feed_without_episodes_that_is_gone_is_not_asked_again(shelf: Shelf, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/feed").respond_with_data("", status=410)
    url = httpserver.url_for("/feed")
    for asked in ([410], []):
        (trouble,) = shelf.ask(url).troubles.values()
        assert (trouble.code, answers(httpserver)) == ("gone", asked)


def test_a_list_that_has_not_changed_leads_to_its_feeds_still(shelf: Shelf, httpserver: HTTPServer) -> None:
    url, first = listed(httpserver, "/one")
    assert names(shelf.ask(url)) == ["talks/one"]
    assert shelf.library.load_record("talks/one").through == (url,)
    for later_s, asked in ((60, []), (HOUR_S, [304, 304])):  # the list and its feed
        answers(httpserver)
        assert (names(shelf.ask(url, later_s=later_s)), answers(httpserver)) == (["talks/one"], asked)
    url, second = listed(httpserver, "/one", "/two")
    assert names(shelf.ask(url)) == ["talks/one", "talks/two"]
    assert {record.source for record in shelf.library.records()} == {first, second}


def listed(server: HTTPServer, *paths: str) -> tuple[str, str]:
    """The addresses of a list of feeds that have an episode each, and of the last of them."""
    urls = [server.url_for(path) for path in paths]
    outlines = "".join(f'<outline xmlUrl="{url}"/>' for url in urls)
    url = serve(server, "/list", f'<opml version="2.0"><body>{outlines}</body></opml>', "text/x-opml")
    handlers = [(path, feed(path.strip("/"))) for path in paths]
    for path, body in handlers:
        server.expect_request(path, headers={"If-None-Match": '"a"'}).respond_with_data("", status=304)
        server.expect_request(path).respond_with_data(body, content_type="text/xml", headers={"ETag": '"a"'})
    return url, urls[-1]


def test_a_list_that_holds_a_secret_is_not_written_down(shelf: Shelf, httpserver: HTTPServer) -> None:
    url, _ = listed(httpserver, "/private/3fa9c2d17b8e4a60")
    shelf.ask(url)
    assert url not in (shelf.library.state / "visits.json").read_text()
    assert len(shelf.ask(url, later_s=60).candidates) == 1  # it is read anew


def test_episodes_that_are_not_in_the_library_any_more_are_asked_for(shelf: Shelf, httpserver: HTTPServer) -> None:
    url = serve(httpserver, "/talk", PAGE, "text/html")
    (name,) = names(shelf.ask(url))
    shelf.library.record_path(name).unlink()
    assert names(shelf.ask(url, later_s=60)) == [name]


def test_audio_of_another_length_may_be_other_audio(shelf: Shelf, httpserver: HTTPServer) -> None:
    url = serve(httpserver, "/feed", feed("one"))
    shelf.ask(url)
    for length, moved in ((1000, False), (0, False), (1000, False), (2000, True)):
        serve(httpserver, "/feed", feed("one", length=length) + f"<!-- {length} -->")
        assert shelf.ask(url).candidates["talks/one"].moved is moved


def test_a_transcript_that_comes_later_is_noticed_but_not_its_token(shelf: Shelf, httpserver: HTTPServer) -> None:
    url = serve(httpserver, "/feed", feed("one"))
    shelf.ask(url)
    for token, retold in (("a", True), ("b", False)):
        serve(httpserver, "/feed", feed("one", more=TRANSCRIPT.replace("{token}", token)))
        assert shelf.ask(url).candidates["talks/one"].retold is retold


def test_an_episode_of_two_feeds_came_through_both(shelf: Shelf, httpserver: HTTPServer) -> None:
    urls = []
    for path in ("/a", "/b"):
        urls.append(serve(httpserver, path, feed("one").replace("<guid>one</guid>", "")))
        shelf.ask(urls[-1], later_s=60)
    answers(httpserver)
    for url in urls:
        assert (names(shelf.ask(url, later_s=60)), answers(httpserver)) == (["talks/one"], [])


def test_what_has_nothing_more_to_give_is_told(shelf: Shelf, httpserver: HTTPServer, tmp_path: Path) -> None:
    recording, folder = AudioFileSource(tmp_path / "talk.wav"), FolderSource(tmp_path)
    recording.path.write_bytes(b"sound")
    gone, nothing = AudioFileSource(tmp_path / "gone.opml"), WebSource(serve(httpserver, "/x", "{}", "text/plain"))
    down = WebSource(httpserver.url_for("/down"))
    offered = shelf.ask(recording, folder, gone, nothing, down)
    assert offered.done_with == {recording, nothing}
    assert {source: trouble.code for source, trouble in offered.troubles.items()} == {
        gone: "not_there",
        nothing: "not_a_feed",
        down: "http_500",
    }


def test_one_feed_under_two_addresses_is_one_show(shelf: Shelf, httpserver: HTTPServer) -> None:  # fault line 13
    first = serve(httpserver, "/a", feed("one", "two", "three"))
    assert len(names(shelf.ask(first))) == 3
    second = serve(httpserver, "/b", feed("two", "three", "four"))
    assert names(shelf.ask(second)) == ["talks/four", "talks/three", "talks/two"]
    assert {record.source for record in shelf.library.records()} == {first}
    assert len(shelf.library.records()) == 4


def test_two_feeds_with_the_same_guids_and_other_audio_are_two_shows(shelf: Shelf, httpserver: HTTPServer) -> None:
    shelf.ask(serve(httpserver, "/a", feed("one", "two")))
    shelf.ask(serve(httpserver, "/b", feed("one", "two", length=7).replace('url="/', 'url="/other/')))
    assert len(shelf.library.records()) == 4


def test_new_guids_for_old_items_make_no_new_episodes(shelf: Shelf, httpserver: HTTPServer) -> None:
    url = serve(httpserver, "/feed", feed("one", "two"))
    before = names(shelf.ask(url))
    serve(httpserver, "/feed", feed("one", "two").replace("<guid>", "<guid>new-"))
    assert names(shelf.ask(url)) == before


DATED = """<item><title>Talk {n}</title><guid>{guid}{n}</guid><pubDate>{n} Feb 2012 10:00 GMT</pubDate>
<enclosure url="{url}/{n}.mp3" type="audio/mpeg" length="{length}"/></item>"""


def dated(guid: str, url: str, length: int) -> str:
    items = "".join(DATED.format(n=n, guid=guid, url=url, length=length + n) for n in range(1, 6))
    return f'<rss version="2.0"><channel><title>Talks</title>{items}</channel></rss>'


def test_a_show_that_moves_to_another_host_makes_no_new_episodes(shelf: Shelf, httpserver: HTTPServer) -> None:
    """Guids, addresses and, as advertisements are put in, lengths are other ones; titles and dates stay."""
    url = serve(httpserver, "/feed", dated("a", "http://old.example", 5_000_000))
    before = names(shelf.ask(url))
    serve(httpserver, "/feed", dated("b", "http://new.example/x", 6_000_000))
    assert names(shelf.ask(url)) == before
    records = shelf.library.records()
    assert len(records) == 5
    assert {record.episode.enclosure for record in records} == {f"http://new.example/x/{n}.mp3" for n in range(1, 6)}


def test_a_source_with_a_password_leaves_it_in_no_record(shelf: Shelf, httpserver: HTTPServer) -> None:
    url = serve(httpserver, "/feed", feed("one")).replace("://", "://me:secret@")
    for later_s in (0, 60):
        assert names(shelf.ask(url, later_s=later_s)) == ["talks/one"]
    written = "".join(path.read_text() for path in shelf.library.root.rglob("*.json"))
    assert "secret" not in written
    assert shelf.library.load_record("talks/one").source == httpserver.url_for("/feed")


def test_what_is_not_taken_is_told_by_its_reason(shelf: Shelf, httpserver: HTTPServer) -> None:
    pdf = '<item><enclosure url="/a.pdf" type="application/pdf"/></item><item><title>Words</title></item>'
    url = serve(httpserver, "/feed", feed("one").replace("</channel>", f"{pdf}</channel>"))
    assert shelf.ask(url).not_taken == {"application/pdf": 1, "no file": 1}
    (state,) = load_source_states(shelf.library.state / SOURCE_STATES)
    assert (state.answer, state.not_taken) == ("1 episode", {"application/pdf": 1})


def test_each_source_is_known_by_when_it_was_asked_and_since_when_it_fails(
    shelf: Shelf, httpserver: HTTPServer
) -> None:
    url = serve(httpserver, "/feed", feed("one"))
    shelf.ask(url)
    begun = shelf.time
    httpserver.clear_all_handlers()
    for _ in range(2):
        shelf.ask(url)
    (state,) = load_source_states(shelf.library.state / SOURCE_STATES)
    assert (state.source, state.asked, state.failing_since) == (url, shelf.time, begun + HOUR_S)
    assert "500" in state.answer
    serve(httpserver, "/feed", feed("one", "two"))
    shelf.ask(url)
    (state,) = load_source_states(shelf.library.state / SOURCE_STATES)
    assert (state.failing_since, state.answer) == (None, "2 episodes")


def test_chapters_that_stand_in_the_feed_are_kept_beside_the_audio(shelf: Shelf, httpserver: HTTPServer) -> None:
    chapter = '<psc:chapter start="00:01:02" title="Water"/>'
    more = f'<psc:chapters xmlns:psc="http://podlove.org/simple-chapters">{chapter}</psc:chapters>'
    shelf.ask(serve(httpserver, "/feed", feed("one", more=more)))
    assert load_chapters(shelf.library, "talks/one") == (Chapter(62_000, "Water"),)


def test_a_shows_own_page_is_asked_for_its_feed_again(shelf: Shelf, httpserver: HTTPServer) -> None:
    home, address = httpserver.url_for("/"), httpserver.url_for("/feed")

    def show(*episodes: str) -> None:
        linked = feed(*episodes).replace("<title>Talks", f"<link>{home}</link><title>Talks")
        serve(httpserver, "/feed", linked)
        page = f'<link rel="alternate" type="application/rss+xml" href="{address}">'
        httpserver.expect_request("/").respond_with_data(page, content_type="text/html")

    show("one")
    assert names(shelf.ask(home)) == ["talks/one"]
    show("one", "two")
    assert names(shelf.ask(home)) == ["talks/one", "talks/two"]
