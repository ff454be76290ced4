import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from transcribe.errors import FetchError
from transcribe.fetch.feed_cache import CachedAnswer, FeedCache, FeedState, NotDue, NotModified
from transcribe.fetch.http_client import Fetched, HttpClient
from transcribe.fetch.politeness import HOUR_S, side_by_side
from transcribe.web.urls import host_of

FEED = b"<rss><channel><title>A Show</title></channel></rss>"
MARKS = {"ETag": 'W/"1 verbatim"', "Last-Modified": "sunday, 22-nov-26 18:00:00 GMT"}
NO_MARKS: dict[str, str] = {}


class Watch:
    """A clock that a test sets."""

    time = 1_790_000_000.0

    def __call__(self) -> float:
        return self.time


class Archive:
    """Visits of one library from run to run; each `ask` is a run of its own, an hour after the last."""

    def __init__(self, path: Path, connection: HttpClient) -> None:
        self.path, self.connection, self.watch = path, connection, Watch()

    def feed_cache(self) -> FeedCache:
        return FeedCache(self.path, now=self.watch)

    def ask(self, url: str, later_s: float = HOUR_S, new_url: str | None = None, anew: bool = False) -> object:
        self.watch.time += later_s
        with self.feed_cache() as feed_cache:
            answer = feed_cache.ask(url, self.connection, anew=anew)
            if isinstance(answer, Fetched):
                feed_cache.keep(url, CachedAnswer.of(answer), new_url)
            return answer

    def refusal(self, url: str) -> FetchError:
        with pytest.raises(FetchError) as refused:
            self.ask(url)
        return refused.value


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with HttpClient(["localhost", "127.0.0.1"], timeout_s=5) as connection:
        yield Archive(tmp_path / ".playhead" / "visits.json", connection)


def paths(server: HTTPServer) -> list[str]:
    return [request.path for request, _ in server.log]


def serve(server: HTTPServer, path: str = "/feed", body: bytes = FEED, marks: dict[str, str] = NO_MARKS) -> str:
    """A feed whose server knows ETag."""

    def answer(request: Request) -> Response:
        if marks and request.headers.get("If-None-Match") == marks["ETag"]:
            return Response(status=304)
        return Response(body, headers=marks)

    server.expect_request(path).respond_with_handler(answer)
    return server.url_for(path)


def lead(server: HTTPServer, path: str, to: str, status: int = 301) -> str:
    server.expect_request(path).respond_with_data(b"", status=status, headers={"Location": to})
    return server.url_for(path)


def test_a_feed_with_nothing_new_costs_one_small_request(archive: Archive, httpserver: HTTPServer) -> None:
    url = serve(httpserver, marks=MARKS)
    first = archive.ask(url)
    assert isinstance(first, Fetched)
    assert first.body == FEED
    assert archive.ask(url) == archive.ask(url) == NotModified(url)
    asked = [(r.headers.get("If-None-Match"), r.headers.get("If-Modified-Since")) for r, _ in httpserver.log]
    assert asked == [(None, None), *[(MARKS["ETag"], MARKS["Last-Modified"])] * 2]


def test_within_the_hour_it_is_not_asked_at_all(archive: Archive, httpserver: HTTPServer) -> None:
    url = serve(httpserver, marks=MARKS)
    archive.ask(url)
    assert archive.ask(url, HOUR_S - 1) == NotDue(url, archive.watch.time - HOUR_S + 1)
    assert len(httpserver.log) == 1
    assert archive.ask(url, 1) == NotModified(url)
    assert isinstance(archive.ask(url, HOUR_S - 1), NotDue)
    assert len(httpserver.log) == 2


def test_a_clock_that_was_set_back_does_not_keep_it_from_being_asked(archive: Archive, httpserver: HTTPServer) -> None:
    url = serve(httpserver, marks=MARKS)
    archive.ask(url)
    assert archive.ask(url, -10 * HOUR_S) == NotModified(url)


def test_a_server_without_marks_is_known_by_the_bytes(archive: Archive, httpserver: HTTPServer) -> None:
    url = serve(httpserver)
    archive.ask(url)
    assert archive.ask(url) == NotModified(url)
    httpserver.clear()
    serve(httpserver, body=FEED + b" ")
    assert isinstance(archive.ask(url), Fetched)


def test_what_was_not_kept_is_given_again(archive: Archive, httpserver: HTTPServer) -> None:
    url = serve(httpserver, marks=MARKS)
    for _ in range(2):  # a run that ends before the episodes are safe
        with archive.feed_cache() as feed_cache:
            assert isinstance(feed_cache.ask(url, archive.connection), Fetched)
    assert not archive.path.exists()


def test_what_is_asked_anew_is_had_whatever_is_remembered(archive: Archive, httpserver: HTTPServer) -> None:
    url = serve(httpserver, marks=MARKS)
    archive.ask(url)
    assert isinstance(archive.ask(url, 0, anew=True), Fetched)


def test_a_feed_that_is_gone_is_not_asked_again(archive: Archive, httpserver: HTTPServer) -> None:
    httpserver.expect_oneshot_request("/feed").respond_with_data(b"", status=410)
    url = serve(httpserver, "/feed")
    for _ in range(3):
        problem = archive.refusal(url)
        assert problem.code == "gone"
        assert f"{url}: its publisher has retired it (410 on " in str(problem)
    assert len(httpserver.log) == 1
    assert isinstance(archive.ask(url, anew=True), Fetched)
    assert archive.ask(url) == NotModified(url)


def test_a_failure_is_asked_again_at_once(archive: Archive, httpserver: HTTPServer) -> None:
    httpserver.expect_oneshot_request("/feed").respond_with_data(b"", status=500)
    url = serve(httpserver, "/feed")
    assert archive.refusal(url).code == "http_500"
    assert isinstance(archive.ask(url, 0), Fetched)


@pytest.mark.parametrize("status", [301, 308])
def test_a_feed_that_moved_for_good_is_asked_at_its_new_place(
    archive: Archive, httpserver: HTTPServer, status: int
) -> None:
    url = lead(httpserver, "/old", "/feed", status)
    serve(httpserver, "/feed", marks=MARKS)
    archive.ask(url)
    assert archive.ask(url) == NotModified(url)
    assert paths(httpserver) == ["/old", "/feed", "/feed"]


def test_a_feed_that_moved_for_now_is_asked_at_its_old_place(archive: Archive, httpserver: HTTPServer) -> None:
    url = lead(httpserver, "/old", "/feed", 302)
    serve(httpserver, "/feed", marks=MARKS)
    archive.ask(url)
    assert archive.ask(url) == NotModified(url)
    assert paths(httpserver) == ["/old", "/feed", "/old", "/feed"]


def test_a_new_place_that_the_feed_names_is_used_without_the_marks_of_the_old(
    archive: Archive, httpserver: HTTPServer
) -> None:
    url, new_url = serve(httpserver, "/old", marks=MARKS), serve(httpserver, "/new", FEED + b" ", marks=MARKS)
    archive.ask(url, new_url=new_url)
    answer = archive.ask(url, new_url=new_url)
    assert isinstance(answer, Fetched)
    assert answer.url == new_url
    assert archive.ask(url) == NotModified(url)
    assert paths(httpserver) == ["/old", "/new", "/new"]


def test_two_places_that_each_name_the_other_are_not_asked_in_turns(archive: Archive, httpserver: HTTPServer) -> None:
    url, new_url = serve(httpserver, "/old", b"1"), serve(httpserver, "/new", b"2")
    archive.ask(url, new_url=new_url)
    archive.ask(url, new_url=url)
    assert archive.ask(url) == NotModified(url)
    assert paths(httpserver) == ["/old", "/new", "/new"]


@pytest.mark.parametrize(
    "new_url", ["http://localhost:{port}/gone", "http://10.0.0.1/", "http://no.invalid/", "http://["]
)
def test_a_new_place_that_is_none_is_given_up_for_the_old(
    archive: Archive, httpserver: HTTPServer, new_url: str
) -> None:
    httpserver.expect_request("/gone").respond_with_data(b"", status=410)
    url = serve(httpserver, "/old", marks=MARKS)
    archive.ask(url, new_url=new_url.format(port=httpserver.port))
    archive.ask(url)
    assert archive.ask(url) == NotModified(url)
    assert paths(httpserver)[-1] == "/old"


def test_a_new_place_is_not_forgotten_while_the_old_one_is_dead_as_well(
    archive: Archive, httpserver: HTTPServer
) -> None:
    httpserver.expect_oneshot_request("/old").respond_with_data(b"", status=301, headers={"Location": "/new"})
    url = httpserver.url_for("/old")
    for status in (200, 404, 200):
        httpserver.expect_oneshot_request("/new").respond_with_data(FEED, status=status)
    httpserver.expect_request("/old").respond_with_data(b"", status=410)
    archive.ask(url)
    assert archive.refusal(url).code == "http_404"
    assert archive.ask(url) == NotModified(url)
    assert paths(httpserver) == ["/old", "/new", "/new", "/old", "/new"]


def test_a_new_place_that_fails_for_now_is_asked_again(archive: Archive, httpserver: HTTPServer) -> None:
    url = serve(httpserver, "/old", marks=MARKS)
    httpserver.expect_oneshot_request("/new").respond_with_data(b"", status=500)
    archive.ask(url, new_url=serve(httpserver, "/new", b"2"))
    assert archive.refusal(url).code == "http_500"
    archive.ask(url)
    assert paths(httpserver) == ["/old", "/new", "/new"]


def test_an_answer_that_cannot_be_read_is_dropped_with_the_move_that_led_there(
    archive: Archive, httpserver: HTTPServer
) -> None:
    url = serve(httpserver, "/old", marks=MARKS)
    archive.ask(url, new_url=serve(httpserver, "/parked", b"buy this domain"))
    archive.watch.time += HOUR_S
    with archive.feed_cache() as feed_cache:
        feed_cache.ask(url, archive.connection)
        feed_cache.drop(url)
    archive.ask(url)
    assert paths(httpserver) == ["/old", "/parked", "/old"]


def test_no_secret_of_a_feed_is_written_down(archive: Archive, httpserver: HTTPServer) -> None:
    login = {"Authorization": "Basic bWU6cGFzc3dvcnQ="}
    httpserver.expect_request("/old", headers=login).respond_with_data(
        b"", status=301, headers={"Location": httpserver.url_for("/feed")}
    )
    httpserver.expect_request("/feed", headers=login).respond_with_data(FEED)
    private = httpserver.url_for("/old?token=geheim").replace("localhost", "me:passwort@localhost")
    archive.ask(private)
    assert archive.ask(private) == NotModified(private)  # the password goes along to the new place
    assert paths(httpserver) == ["/old", "/feed", "/feed"]
    assert isinstance(archive.ask(private.replace("geheim", "other")), Fetched)
    lead(httpserver, "/tokens", "/tokens-2?token=geheim")
    serve(httpserver, "/tokens-2")
    archive.ask(httpserver.url_for("/tokens"))
    written = archive.path.read_text()
    assert "geheim" not in written
    assert "passwort" not in written


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"{", b"[" * 10_000, b"[]", b"null", b"\xff", b'{"visits": {}}', b'{"visits": 3, "release": ""}'),
        b'{"visits": {"http://a.test/": null, "b": {"checked": "x", "validators": {}}, "c": {}}, "release": "0"}',
        b'{"visits": {"b": {"checked": 1%s, "validators": {}}}, "release": "0"}' % (400 * b"0"),
    ],
)
def test_a_file_that_cannot_be_read_is_as_none(archive: Archive, httpserver: HTTPServer, text: bytes) -> None:
    archive.path.parent.mkdir()
    archive.path.write_bytes(text)
    url = serve(httpserver, marks=MARKS)
    assert isinstance(archive.ask(url), Fetched)
    assert archive.ask(url) == NotModified(url)


def test_what_an_answer_held_is_remembered(archive: Archive, httpserver: HTTPServer) -> None:
    empty, listing, gone = (serve(httpserver, path) for path in ("/empty", "/list", "/gone"))
    listed = ["https://example.org/one", "https://example.org/two"]
    with archive.feed_cache() as feed_cache:
        for url, holds, feeds in ((empty, 0, []), (listing, 0, listed), (gone, 5, [])):
            answer = feed_cache.ask(url, archive.connection)
            assert isinstance(answer, Fetched)
            feed_cache.keep(url, CachedAnswer.of(answer), holds=holds, listed=feeds)
    again = archive.feed_cache()
    assert again.listed(listing) == tuple(listed)
    assert [again.held_nothing(url) for url in (empty, listing, gone, "http://unknown.test")] == [
        True,
        True,
        False,
        False,
    ]
    httpserver.clear()
    httpserver.expect_request("/gone").respond_with_data(b"", status=410)
    assert archive.refusal(gone).code == "gone"
    assert archive.feed_cache().held_nothing(gone)


@pytest.mark.parametrize("held", [{"holds": "1"}, {"listed": 5}, {"listed": [None]}])
def test_what_it_cannot_have_held_is_refused(held: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a visit"):
        FeedState.from_json({"checked": 1, "validators": {}, **held})


@pytest.mark.parametrize("checked", [pytest.param(10**400, id="400 digits"), 1e300, -1, float("nan")])
def test_a_time_that_no_clock_shows_is_none(checked: float) -> None:
    with pytest.raises(ValueError, match="not a visit"):
        FeedState.from_json({"checked": checked, "validators": {}, "gone": True})


def test_another_release_reads_again_what_it_may_understand_better(archive: Archive, httpserver: HTTPServer) -> None:
    url = lead(httpserver, "/old", "/feed")
    serve(httpserver, "/feed", marks=MARKS)
    archive.ask(url)
    data = json.loads(archive.path.read_bytes())
    archive.path.write_text(json.dumps({**data, "release": "0.0.1"}))
    assert isinstance(archive.ask(url, 0), Fetched)
    assert paths(httpserver) == ["/old", "/feed", "/feed"]


def test_an_answer_of_304_that_nobody_asked_for_is_an_error(archive: Archive, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/feed").respond_with_data(b"", status=304)
    assert archive.refusal(httpserver.url_for("/feed")).code == "http_304"


# What must show, 5, in small: bench/fetch.py has the 500.
def test_many_feeds_with_nothing_new_cost_one_request_each(archive: Archive, httpserver: HTTPServer) -> None:
    urls = [serve(httpserver, f"/{number}", marks=MARKS) for number in range(40)]
    urls = [url.replace("localhost", host) for url in urls for host in ("localhost", "127.0.0.1")]
    with archive.feed_cache() as feed_cache:
        for url, answer in side_by_side(urls, host_of, lambda url: feed_cache.ask(url, archive.connection)):
            assert isinstance(answer, Fetched)
            feed_cache.keep(url, CachedAnswer.of(answer))
    archive.watch.time += HOUR_S
    httpserver.clear_log()
    with archive.feed_cache() as feed_cache:
        answers = dict(side_by_side(urls, host_of, lambda url: feed_cache.ask(url, archive.connection)))
    assert answers == {url: NotModified(url) for url in urls}
    assert sorted(paths(httpserver)) == sorted(f"/{number}" for number in range(40) for _ in range(2))
