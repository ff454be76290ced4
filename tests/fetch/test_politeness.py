import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from transcribe.errors import FetchError
from transcribe.fetch.http_client import HttpClient
from transcribe.fetch.politeness import DEFAULT_S, LONGEST_S, Politeness, seconds_asked, side_by_side

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Watch:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = NOON.timestamp()

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def watch() -> Watch:
    return Watch()


def code(connection: HttpClient, url: str) -> str:
    try:
        connection.get(url)
    except FetchError as problem:
        return problem.code
    return "fetched"


# Fault 10.
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("30", 30),
        (format_datetime(NOON + timedelta(minutes=10), usegmt=True), 600),
        ("1000000000", LONGEST_S),
        ("9" * 5000, LONGEST_S),
        ("Sun, 22 Nov 9999 12:00:00 GMT", LONGEST_S),
        ("in a while", DEFAULT_S),
        ("-5", DEFAULT_S),
        ("1.5", DEFAULT_S),
        ("٣", DEFAULT_S),
    ],
)
def test_a_host_that_asks_for_it_is_left_alone_across_a_restart(
    httpserver: HTTPServer, tmp_path: Path, watch: Watch, status: int, retry_after: str, seconds: float
) -> None:
    header = {"Retry-After": retry_after.encode().decode("latin-1")}
    httpserver.expect_oneshot_request("/a").respond_with_data("later", status=status, headers=header)
    httpserver.expect_request("/a").respond_with_data("hello")
    url = httpserver.url_for("/a")
    with HttpClient(["localhost"], hosts=Politeness(tmp_path / "hosts.json", watch)) as connection:
        assert code(connection, url) == f"http_{status}"
        assert code(connection, url) == "retry_later"
    with HttpClient(["localhost"], hosts=Politeness(tmp_path / "hosts.json", watch)) as connection:
        watch.time += seconds - 1
        with pytest.raises(FetchError, match=f"localhost:{httpserver.port} asks to be left alone until") as refused:
            connection.get(httpserver.url_for("/other"))
        assert refused.value.retry_after_s == pytest.approx(1)
        assert len(httpserver.log) == 1
        watch.time += 1
        assert code(connection, url) == "fetched"


# Fault 10.
def test_a_redirect_to_a_host_that_asks_to_be_left_alone_does_not_reach_it(httpserver: HTTPServer) -> None:
    target = httpserver.url_for("/b").replace("localhost", "127.0.0.1")
    httpserver.expect_request("/a").respond_with_data(b"", status=302, headers={"Location": target})
    httpserver.expect_request("/b").respond_with_data(b"", status=429, headers={"Retry-After": "60"})
    with HttpClient(["localhost", "127.0.0.1"]) as connection:
        assert code(connection, httpserver.url_for("/a")) == "http_429"
        assert code(connection, httpserver.url_for("/a")) == "retry_later"
    assert [request.path for request, _ in httpserver.log] == ["/a", "/b", "/a"]


def test_other_hosts_are_asked_meanwhile(tmp_path: Path, watch: Watch) -> None:
    hosts = Politeness(tmp_path / "hosts.json", watch)
    hosts.leave_alone("a.test", "60")
    with hosts.turn("b.test"):
        pass


def test_the_time_is_told_as_a_person_reads_it(watch: Watch) -> None:
    hosts = Politeness(now=watch)
    for seconds, pattern in (("3600", r"until \d\d:\d\d$"), ("86400", r"until \d\d:\d\d on 2026-11-23$")):
        hosts.leave_alone("a.test", seconds)
        with pytest.raises(FetchError, match=pattern), hosts.turn("a.test"):
            pass


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"{", b"[" * 10_000, b"[]", b"null", b"\xff", b'{"left_alone_until": 3}'),
        b'{"left_alone_until": {"a.test": "x"}}',
        b'{"left_alone_until": {"a.test": NaN, "b.test": 1%s}}' % (400 * b"0"),
    ],
)
def test_a_file_that_cannot_be_read_is_as_none(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "hosts.json"
    path.write_bytes(text)
    hosts = Politeness(path)
    with hosts.turn("a.test"):
        pass
    hosts.leave_alone("a.test", "60")
    assert "a.test" in json.loads(path.read_bytes())["left_alone_until"]


def test_a_clock_that_was_set_back_keeps_no_host_waiting_for_years(tmp_path: Path, watch: Watch) -> None:
    Politeness(tmp_path / "hosts.json", watch).leave_alone("a.test", "60")
    watch.time -= 10**9
    hosts = Politeness(tmp_path / "hosts.json", watch)
    watch.time += LONGEST_S
    with hosts.turn("a.test"):
        pass


def test_what_is_over_is_not_written_again(tmp_path: Path, watch: Watch) -> None:
    hosts = Politeness(tmp_path / "hosts.json", watch)
    hosts.leave_alone("a.test", "60")
    watch.time += 60
    hosts.leave_alone("b.test", "60")
    assert "a.test" not in (tmp_path / "hosts.json").read_text()


def test_a_place_that_cannot_be_written_costs_the_memory_only(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    hosts = Politeness(tmp_path / "file" / "hosts.json")
    assert hosts.leave_alone("a.test", "60") == 60
    with pytest.raises(FetchError), hosts.turn("a.test"):
        pass


@given(st.none() | st.text(max_size=60), st.floats(0, 4e9))
def test_whatever_is_asked_is_between_nothing_and_a_day(text: str | None, now: float) -> None:
    assert 0 <= seconds_asked(text, now) <= LONGEST_S


def test_who_waits_for_a_turn_is_told_at_once_that_the_host_wants_none() -> None:
    hosts, codes, waiting = Politeness(), list[str](), threading.Event()

    def wait() -> None:
        waiting.set()
        try:
            with hosts.turn("a.test"):
                codes.append("turn")
        except FetchError as problem:
            codes.append(problem.code)

    with hosts.turn("a.test"):
        thread = threading.Thread(target=wait)
        thread.start()
        waiting.wait(5)
        hosts.leave_alone("a.test", "60")
        thread.join(5)
    assert codes == ["retry_later"]


def test_after_the_close_nobody_gets_a_turn() -> None:
    hosts = Politeness()
    hosts.close()
    with pytest.raises(FetchError, match="stopped"), hosts.turn("a.test"):
        pass


def test_several_hosts_are_worked_at_once_and_each_in_its_order() -> None:
    together = threading.Barrier(3, timeout=10)

    def work(item: str) -> str:
        if item.endswith("1"):
            together.wait()
        return item.upper()

    items = ["a1", "a2", "b1", "c1", "a3", "c2"]
    done = list(side_by_side(items, lambda item: item[0], work, at_once=3))
    assert sorted(item for item, _ in done) == sorted(items)
    assert all(result == item.upper() for item, result in done)
    for host in "abc":
        mine = [item for item, _ in done if item[0] == host]
        assert mine == sorted(mine)


def test_a_failure_stays_with_its_item() -> None:
    def work(item: int) -> int:
        if item == 1:
            raise FetchError("timeout", "too late")
        return item

    done = dict(side_by_side(range(3), str, work))
    assert (done[0], done[2]) == (0, 2)
    assert isinstance(done[1], FetchError)


def test_a_bug_is_no_failure_of_an_item() -> None:
    with pytest.raises(ZeroDivisionError):
        list(side_by_side([0], str, lambda item: 1 // item))


def test_who_leaves_early_stops_what_is_under_way() -> None:
    stopped = threading.Event()

    def work(item: int) -> bool:
        return stopped.wait(20) if item else True

    def leave(outcomes: Iterator[object]) -> None:
        for _ in outcomes:
            raise KeyboardInterrupt

    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        leave(side_by_side(range(50), str, work, at_once=4, stop=stopped.set))
    assert stopped.wait(5)
    assert time.monotonic() - begin < 10
