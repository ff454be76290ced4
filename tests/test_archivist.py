"""A long feed as an archivist meets it: a few at a time, chosen, again, with items that are no recordings."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from search.settings import Settings
from tests.support.blog import TALK
from tests.support.command import Ended, playhead
from tests.support.fake_recognizer import FakeRecognizer
from tests.support.film import write_film
from transcribe.library.source_states import NAME, SourceStates
from transcribe.library.store import Library
from transcribe.recognizers import engines

FETCH = Callable[..., Ended]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "library")


@pytest.fixture
def fetch(library: Library, monkeypatch: pytest.MonkeyPatch) -> FETCH:
    for name in map(str.upper, Settings.model_fields):
        monkeypatch.delenv(f"PLAYHEAD_{name}", raising=False)
    monkeypatch.setenv("PLAYHEAD_ALLOW_HOSTS", "localhost")
    return lambda *args: playhead("--library", library.root, "fetch", *args)


def serve(server: HTTPServer, count: int = 30, more: str = "") -> str:
    items = "".join(
        f"<item><title>Talk {n}</title><guid>{n}</guid><pubDate>{n % 28 + 1} Feb {2000 + n // 10} 10:00 GMT</pubDate>"
        f'<enclosure url="/{n}.mp3" type="audio/mpeg"/></item>'
        for n in range(count)
    )

    def audio(request: Request) -> Response:
        return Response(TALK + request.path.encode(), content_type="audio/mpeg")

    feed = f"<rss version='2.0'><channel><title>Talks</title>{items}{more}</channel></rss>"
    server.expect_request("/feed").respond_with_data(feed, content_type="application/rss+xml")
    for n in range(count):
        server.expect_request(f"/{n}.mp3").respond_with_handler(audio)
    return server.url_for("/feed")


def test_with_a_limit_it_is_told_how_many_are_to_go(fetch: FETCH, library: Library, httpserver: HTTPServer) -> None:
    url = serve(httpserver)
    ran = fetch(url, "--limit", "5")
    assert "5 fetched" in ran.err
    assert "25 to go; the same command goes on with them" in ran.err
    again = fetch("--limit", "10")
    assert "5 unchanged" in again.err
    assert "15 to go" in again.err
    assert "30 to go" in playhead("--library", library.root, "status").out  # none is transcribed


def test_episodes_are_chosen_by_date_and_title(fetch: FETCH, library: Library, httpserver: HTTPServer) -> None:
    assert fetch(serve(httpserver), "--after", "2001", "--before", "2002", "--match", "talk 1").status == 0
    fetched = sorted(record.episode.title for record in library.records() if record.audio)
    assert fetched == [f"Talk {n}" for n in range(10, 20)]
    assert fetch("--after", "soon").status == 2


def test_where_none_is_chosen_it_is_told_of_how_many(fetch: FETCH, httpserver: HTTPServer) -> None:
    url = serve(httpserver)
    for more in ([], ["--dry-run"]):
        ran = fetch(url, "--match", "nothing like it", *more)
        assert "None of the 30 episodes is chosen by --after, --before and --match." in ran.err
        assert "Nothing to do" not in ran.err
    told = fetch(url, "--match", "talk 2", "--json").json()
    assert (len(told["fetched"]), told["not_chosen"]) == (11, 19)


def test_a_dry_run_tells_what_is_not_taken_and_what_is_to_go(fetch: FETCH, httpserver: HTTPServer) -> None:
    url = serve(httpserver, 30, '<item><title>Slides</title><enclosure url="/a.pdf"/></item>')
    ran = fetch(url, "--limit", "5", "--dry-run")
    assert "5 to be fetched" in ran.err
    assert "1 item not taken: 1 application/pdf" in ran.err
    assert "25 to go after that" in ran.err


def test_an_address_stands_once_in_what_is_wrong_with_it(
    fetch: FETCH, library: Library, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/feed").respond_with_data("", status=500)
    url = httpserver.url_for("/feed")
    assert f"  failed: {url}: http_500: the server answers 500 INTERNAL SERVER ERROR\n" in fetch(url).err
    assert playhead("--library", library.root, "status").out.count(url) == 1


def test_what_is_no_recording_is_counted_and_tried_once(fetch: FETCH, library: Library, httpserver: HTTPServer) -> None:
    odd = '<item><guid>{0}</guid><enclosure url="/{0}" type="{1}"/></item>'
    url = serve(httpserver, 2, odd.format("a.pdf", "application/pdf") + odd.format("handout", "file"))
    httpserver.expect_request("/handout").respond_with_data(b"%PDF-1.4 text", content_type="application/pdf")
    ran = fetch(url)
    assert ran.status == 0, ran.err
    assert "2 items not taken: 2 application/pdf" in ran.err
    asked = len(httpserver.log)
    assert fetch().status == 0
    assert len(httpserver.log) == asked
    status = playhead("--library", library.root, "status", "--json").json()
    assert [source["not_taken"] for source in status["sources"] if source["source"] == url] == [{"application/pdf": 1}]


def test_a_film_without_sound_is_a_reason_of_its_own(
    fetch: FETCH, library: Library, httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "load", lambda *_, **__: FakeRecognizer())
    write_film(tmp_path / "film.mp4")
    film = '<item><title>Film</title><guid>f</guid><enclosure url="/film.mp4" type="video/mp4"/></item>'
    url = serve(httpserver, 1, film)
    httpserver.expect_request("/film.mp4").respond_with_data(
        (tmp_path / "film.mp4").read_bytes(), content_type="video/mp4"
    )
    ran = playhead("--library", library.root, "run", url)
    assert ran.status == 0, ran.err
    assert "1 transcribed" in ran.err
    assert "1 item not taken: 1 video without sound" in ran.err
    again = playhead("--library", library.root, "run")
    assert (again.status, "failed" in again.err) == (0, False)
    status = playhead("--library", library.root, "status").out
    assert "video without sound" in status


def test_a_feed_of_which_nothing_can_be_taken_says_so(fetch: FETCH, httpserver: HTTPServer) -> None:
    url = serve(httpserver, 0, '<item><title>Words</title></item><item><enclosure url="/a.pdf"/></item>')
    for source in ([url], [url], [], ["--dry-run"]):  # asked once, and not again within the hour
        ran = fetch(*source)
        assert f"{url}: nothing of it could be taken: 1 no file, 1 application/pdf" in " ".join(ran.err.split())
        assert "Nothing to do" not in ran.err
    assert len(httpserver.log) == 1
    told = fetch("--json")
    assert told.status == 0, told
    assert told.json()["nothing_of"] == {url: {"no file": 1, "application/pdf": 1}}


def test_a_feed_without_items_says_so_where_it_is_named(fetch: FETCH, httpserver: HTTPServer, tmp_path: Path) -> None:
    url = serve(httpserver, 0)
    for _ in range(2):
        assert f"{url}: it holds no episode" in fetch(url).err
    assert "Nothing to do" in fetch().err
    (tmp_path / "empty").mkdir()
    assert f"{tmp_path / 'empty'}: it holds no episode" in " ".join(fetch(tmp_path / "empty").err.split())


def test_status_fails_where_a_source_has_failed_for_a_week(library: Library) -> None:
    states = SourceStates(library.state / NAME)
    states.failed("https://example.org/feed", 1_000, "http_404: gone")
    states.save()
    ended = playhead("--library", library.root, "status")
    assert ended.status == 1
    assert "failing since 1970" in ended.out
    assert "http_404: gone" in ended.out


def test_a_password_stands_in_the_list_of_sources_alone(fetch: FETCH, library: Library, httpserver: HTTPServer) -> None:
    url = serve(httpserver, 2).replace("://", "://me:pa55word@")
    for source in ([url], []):
        ran = fetch(*source)
        assert ran.status == 0, ran.err
        assert "pa55word" not in ran.err
    holding = [path.name for path in library.root.rglob("*") if path.is_file() and b"pa55word" in path.read_bytes()]
    assert holding == ["sources.txt"]
    assert {request.authorization is not None for request, _ in httpserver.log} == {True}
