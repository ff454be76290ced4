import gzip
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.support.rude_server import Answer, RudeServer, resetting, saying
from transcribe import __version__
from transcribe.errors import FetchError
from transcribe.fetch.http_client import USER_AGENT, HttpClient, is_public, login_for

TLS = Path(__file__).parents[1] / "data" / "tls"  # certificates for good.test, signed by themselves, with their key
LOCAL = ("127.0.0.1", "localhost")
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def connection() -> Iterator[HttpClient]:
    """One that may talk to servers of this test."""
    with HttpClient(allow_hosts=LOCAL, timeout_s=2) as open_connection:
        yield open_connection


def refusal(connection: HttpClient, url: str) -> FetchError:
    with pytest.raises(FetchError) as refused:
        connection.get(url)
    return refused.value


class Names:
    """A resolver with answers of its own: the next of the list each time a name is asked for."""

    def __init__(self, **answers: list[str]) -> None:
        self.answers = {name.replace("_", "."): iter(addresses) for name, addresses in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return [next(self.answers[host])]


def test_an_answer_is_had_in_whole(connection: HttpClient, httpserver: HTTPServer) -> None:
    seen = []

    def answer(request: Request) -> Response:
        seen.append((request.headers["User-Agent"], request.headers["Host"], request.headers.get("X")))
        return Response(gzip.compress(b"hello"), headers={"Content-Encoding": "gzip", "ETag": '"1"'})

    httpserver.expect_request("/a").respond_with_handler(answer)
    fetched = connection.get(httpserver.url_for("/a"), headers={"X": "y"})
    assert (fetched.status, fetched.body, fetched.headers["etag"]) == (200, b"hello", '"1"')
    assert fetched.url == httpserver.url_for("/a")
    assert seen == [(USER_AGENT, f"localhost:{httpserver.port}", "y")]


def test_playhead_says_who_asks_unless_it_is_to_say_something_else(httpserver: HTTPServer) -> None:
    assert USER_AGENT.startswith(f"Playhead/{__version__} ")
    httpserver.expect_request("/a", headers={"User-Agent": "An Archive"}).respond_with_data(b"hello")
    with HttpClient(LOCAL, user_agent="An Archive") as connection:
        assert connection.get(httpserver.url_for("/a")).body == b"hello"


def test_a_stream_asks_for_plain_bytes_and_unpacks_what_comes_packed_all_the_same(
    connection: HttpClient, httpserver: HTTPServer
) -> None:
    packed = gzip.compress(b"hello" * 1000)
    httpserver.expect_request("/a").respond_with_data(packed, headers={"Content-Encoding": "gzip"})
    with connection.stream(httpserver.url_for("/a"), {"Range": "bytes=0-"}) as answer:
        assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(packed)))
        assert b"".join(answer.chunks) == b"hello" * 1000
    (request, _) = httpserver.log[0]
    assert (request.headers["Accept-Encoding"], request.headers["Range"]) == ("identity", "bytes=0-")


def test_name_and_password_of_a_url_are_sent_but_never_shown(connection: HttpClient, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a", headers={"Authorization": "Basic bWU6c2VjcmV0"}).respond_with_data("in", status=200)
    url = httpserver.url_for("/a").replace("localhost", "me:secret@localhost")
    assert connection.get(url).body == b"in"
    assert connection.get(url).url == httpserver.url_for("/a")
    assert "secret" not in str(refusal(connection, url.replace("/a", "/none")))


def test_a_password_stays_with_its_host_through_redirects(connection: HttpClient, httpserver: HTTPServer) -> None:
    seen = []

    def answer(request: Request) -> Response:
        seen.append((request.path, request.headers.get("Authorization")))
        leads = {
            "/a": "/b",
            "/b": httpserver.url_for("/c"),
            "/c": httpserver.url_for("/d").replace("localhost", "127.1"),
        }
        return Response(status=301, headers={"Location": leads[request.path]}) if request.path in leads else Response()

    with HttpClient([*LOCAL, "127.1"]) as connection:
        httpserver.expect_request("/a").respond_with_handler(answer)
        for path in "bcd":
            httpserver.expect_request(f"/{path}").respond_with_handler(answer)
        fetched = connection.get(httpserver.url_for("/a").replace("localhost", "me:secret@localhost"))
    login = "Basic bWU6c2VjcmV0"
    assert seen == [("/a", login), ("/b", login), ("/c", login), ("/d", None)]
    assert "secret" not in f"{fetched.url} {fetched.moved_to}"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a.test/b", "http://me:pw@a.test/b"),
        ("https://a.test/b", "https://me:pw@a.test/b"),
        ("https://you:x@a.test/b", "https://you:x@a.test/b"),
        ("http://a.test:81/b", "http://a.test:81/b"),
        ("https://a.test:8443/b", "https://a.test:8443/b"),
        ("http://b.test/", "http://b.test/"),
        ("http://a.test.evil.test/", "http://a.test.evil.test/"),
    ],
)
def test_a_password_goes_with_a_url_of_its_own_host_alone(url: str, expected: str) -> None:
    assert login_for(url, of="http://me:pw@a.test/feed") == expected


def test_a_password_that_went_over_tls_goes_nowhere_without_it() -> None:
    assert login_for("http://a.test/b", of="https://me:pw@a.test/feed") == "http://a.test/b"


def test_cookies_live_within_one_fetch(connection: HttpClient, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data(b"", status=302, headers={"Location": "/b", "Set-Cookie": "a=1"})
    httpserver.expect_request("/b").respond_with_data(b"", headers={"Set-Cookie": "b=2; Path=/"})
    for _ in range(2):
        connection.get(httpserver.url_for("/a"))
    assert [request.headers.get("Cookie") for request, _ in httpserver.log] == [None, "a=1"] * 2


def test_a_cookie_goes_to_no_other_host(connection: HttpClient, httpserver: HTTPServer) -> None:
    elsewhere = httpserver.url_for("/b").replace("localhost", "127.0.0.1")
    headers = {"Location": elsewhere, "Set-Cookie": "a=1"}
    httpserver.expect_request("/a").respond_with_data(b"", status=302, headers=headers)
    httpserver.expect_request("/b").respond_with_data(b"")
    with HttpClient(["localhost", "127.0.0.1"]) as both:
        both.get(httpserver.url_for("/a"))
    assert [request.headers.get("Cookie") for request, _ in httpserver.log] == [None, None]


def test_a_server_that_lets_nobody_in_may_want_another_name(connection: HttpClient, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data(b"", status=403)
    with pytest.raises(FetchError, match="user_agent"):
        connection.get(httpserver.url_for("/a"))


@pytest.mark.parametrize(
    ("statuses", "moved"),
    [([301], True), ([308, 301], True), ([302], False), ([301, 302], False), ([307, 301], False), ([], False)],
)
def test_a_move_is_told_where_every_redirect_was_for_good(
    connection: HttpClient, httpserver: HTTPServer, statuses: list[int], moved: bool
) -> None:
    for number, status in enumerate(statuses):
        httpserver.expect_request(f"/{number}").respond_with_data(
            b"", status=status, headers={"Location": f"/{number + 1}"}
        )
    end = httpserver.url_for(f"/{len(statuses)}")
    httpserver.expect_request(f"/{len(statuses)}").respond_with_data(b"hello")
    fetched = connection.get(httpserver.url_for("/0"))
    assert (fetched.url, fetched.moved_to) == (end, end if moved else None)


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 503])
def test_a_status_from_400_is_an_error_named_by_it(connection: HttpClient, httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/a").respond_with_data("no", status=status)
    problem = refusal(connection, httpserver.url_for("/a"))
    assert problem.code == f"http_{status}"
    assert "/a: the server answers" in str(problem)


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [(429, "120", 120), (503, "120", 120), (429, None, 60), (503, None, None), (404, "120", None)],
)
def test_an_error_says_for_how_long_the_host_asks_to_be_left_alone(
    connection: HttpClient, httpserver: HTTPServer, status: int, header: str | None, seconds: float | None
) -> None:
    headers = {"Retry-After": header} if header else {}
    httpserver.expect_request("/a").respond_with_data(b"", status=status, headers=headers)
    assert refusal(connection, httpserver.url_for("/a")).retry_after_s == seconds
    again = refusal(connection, httpserver.url_for("/a"))
    assert (again.code == "retry_later", len(httpserver.log)) == ((True, 1) if seconds else (False, 2))


def test_a_status_that_is_waited_for_is_no_error(connection: HttpClient, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data(b"", status=416)
    with connection.stream(httpserver.url_for("/a"), also=(416,)) as answer:
        assert answer.status == 416


def test_304_is_an_answer(connection: HttpClient, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data(b"", status=304)
    assert connection.get(httpserver.url_for("/a"), headers={"If-None-Match": '"1"'}).status == 304


# Fault 1.
@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://127.0.0.1/a", "gopher://127.0.0.1/", "data:text/plain,x", "/etc/passwd", "x"]
)
def test_only_http_and_https_are_fetched(connection: HttpClient, url: str) -> None:
    problem = refusal(connection, url)
    assert problem.code == "blocked_scheme"
    assert url in str(problem)


# Fault 1.
@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/a", "gopher://127.0.0.1/", "data:,x"])
def test_a_redirect_to_another_scheme_is_not_followed(connection: HttpClient, url: str) -> None:
    with RudeServer(saying(b"HTTP/1.1 302 Found\r\nLocation: " + url.encode() + b"\r\n\r\n")) as server:
        assert refusal(connection, server.url).code == "blocked_scheme"


@pytest.mark.parametrize("url", ["http://", "http://[::1", "http://a:b/", "http://\udcff.org/", "http://é\0/"])
def test_what_is_no_url_is_said_to_be_none(connection: HttpClient, url: str) -> None:
    assert refusal(connection, url).code == "bad_url"


PRIVATE = """127.0.0.1 127.8.8.8 0.0.0.0 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 192.0.0.1 192.0.2.1
    198.18.0.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 :: ::1 fe80::1 fe80::1%eth0 fc00::1 fd12::1 fec0::1
    ff02::1 2001:db8::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 2002:7f00:1:: 64:ff9b::7f00:1 64:ff9b::a00:1"""


# Fault 2.
@pytest.mark.parametrize("address", PRIVATE.split())
def test_an_address_that_is_not_on_the_open_internet_is_told(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_an_address_on_the_open_internet_is_told(address: str) -> None:
    assert is_public(address)


# Fault 2.
@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1", "localhost"])
def test_no_spelling_of_this_machine_is_connected_to(host: str) -> None:
    with RudeServer(saying(OK + b"\r\nsecret")) as server, HttpClient() as connection:
        problem = refusal(connection, server.url.replace("127.0.0.1", host))
        assert server.requests == []
    assert problem.code == "blocked_address"
    assert "PLAYHEAD_ALLOW_HOSTS" in str(problem)


@pytest.mark.parametrize("allowed", ["127.0.0.1", "other.test:{port}", "OTHER.test"])
def test_a_host_that_is_allowed_is_connected_to(httpserver: HTTPServer, allowed: str) -> None:
    httpserver.expect_request("/").respond_with_data("hello")
    names = Names(other_test=["127.0.0.1"], **{"127.0.0.1": ["127.0.0.1"]})
    host = allowed.partition(":")[0].lower()
    with HttpClient([allowed.format(port=httpserver.port)], resolve=names) as connection:
        assert connection.get(f"http://{host}:{httpserver.port}/").body == b"hello"


def test_an_allowed_port_allows_no_other(httpserver: HTTPServer) -> None:
    with HttpClient([f"localhost:{httpserver.port + 1}"]) as connection:
        assert refusal(connection, httpserver.url_for("/")).code == "blocked_address"


# Fault 3.
def test_a_redirect_to_a_private_address_leaves_it_untouched() -> None:
    with RudeServer(saying(OK + b"\r\nsecret")) as target:
        port = target.url.rpartition(":")[2]
        moved = f"HTTP/1.1 302 Found\r\nLocation: http://localhost:{port}/\r\nContent-Length: 0\r\n\r\n".encode()
        with RudeServer(saying(moved)) as server, HttpClient(["127.0.0.1"]) as connection:
            assert refusal(connection, server.url).code == "blocked_address"
            assert len(server.requests) == 1
        assert target.requests == []


# Fault 3.
def test_ten_redirects_are_followed_and_an_eleventh_is_not(connection: HttpClient, httpserver: HTTPServer) -> None:
    for number in range(12):
        httpserver.expect_request(f"/{number}").respond_with_data(
            b"", status=302, headers={"Location": f"{number - 1}" if number else "/end"}
        )
    httpserver.expect_request("/end").respond_with_data("hello")
    fetched = connection.get(httpserver.url_for("/9"))
    assert (fetched.body, fetched.url) == (b"hello", httpserver.url_for("/end"))
    assert refusal(connection, httpserver.url_for("/10")).code == "too_many_redirects"


# Fault 3.
def test_a_loop_of_redirects_ends(connection: HttpClient, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data(b"", status=301, headers={"Location": "/a"})
    assert refusal(connection, httpserver.url_for("/a")).code == "too_many_redirects"
    assert len(httpserver.log) == 11


# Fault 4.
def test_a_name_that_changes_its_address_gains_nothing() -> None:
    names = Names(turning_test=["192.0.2.1", "127.0.0.1"])
    with RudeServer(saying(OK + b"\r\nsecret")) as server, HttpClient(resolve=names) as connection:
        url = server.url.replace("127.0.0.1", "turning.test")
        assert refusal(connection, url).code == "blocked_address"
        assert refusal(connection, url).code == "blocked_address"
        assert server.requests == []


# Fault 4.
def test_only_the_checked_address_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []

    def connect(address: object, *_: object, **__: object) -> socket.socket:
        tried.append(address)
        raise OSError("this test has no internet")

    monkeypatch.setattr(socket, "create_connection", connect)
    names = Names(turning_test=["93.184.216.34", "127.0.0.1"])
    with HttpClient(resolve=names) as connection:
        assert refusal(connection, "http://turning.test/").code == "connection_failed"
    assert tried == [("93.184.216.34", 80)]
    assert names.asked == ["turning.test"]


# Fault 4.
def test_one_private_address_among_several_is_enough_to_refuse() -> None:
    with HttpClient(resolve=lambda *_: ["93.184.216.34", "127.0.0.1"]) as connection:
        assert refusal(connection, "http://mixed.test/").code == "blocked_address"


@pytest.fixture
def secure_server() -> Iterator[tuple[HTTPServer, list[str]]]:
    """An https server for good.test, and the names that were asked of it in TLS."""
    context, asked = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), []
    context.load_cert_chain(TLS / "good.pem")
    context.sni_callback = lambda _, name, __: asked.append(name)
    with HTTPServer(host="127.0.0.1", ssl_context=context) as server:
        server.expect_request("/").respond_with_handler(lambda request: Response(request.headers["Host"]))
        yield server, asked


# Fault 4.
def test_the_name_stays_in_tls_and_host(
    secure_server: tuple[HTTPServer, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, asked = secure_server
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "good.pem"))
    with HttpClient(["good.test"], resolve=Names(good_test=["127.0.0.1"])) as connection:
        assert connection.get(f"https://good.test:{server.port}/").body == f"good.test:{server.port}".encode()
    assert asked == ["good.test"]


# Fault 11.
@pytest.mark.parametrize(("host", "trusted"), [("wrong.test", "good.pem"), ("good.test", "expired.pem")])
def test_a_certificate_for_another_host_or_of_no_known_authority_is_refused(
    secure_server: tuple[HTTPServer, list[str]], monkeypatch: pytest.MonkeyPatch, host: str, trusted: str
) -> None:
    server, _ = secure_server
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / trusted))
    with HttpClient([host], resolve=lambda *_: ["127.0.0.1"]) as connection:
        assert refusal(connection, f"https://{host}:{server.port}/").code == "tls_error"
    assert server.log == []


# Fault 11.
def test_an_expired_certificate_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "expired.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "expired.pem")
    with (
        HTTPServer(host="127.0.0.1", ssl_context=context) as server,
        HttpClient(["good.test"], resolve=lambda *_: ["127.0.0.1"]) as connection,
    ):
        problem = refusal(connection, f"https://good.test:{server.port}/")
    assert problem.code == "tls_error"
    assert "expired" in str(problem)


# Fault 7.
def test_a_body_over_the_limit_is_too_large_however_it_is_packed(
    connection: HttpClient, httpserver: HTTPServer
) -> None:
    bomb = gzip.compress(bytes(40_000_000))
    httpserver.expect_request("/bomb").respond_with_data(bomb, headers={"Content-Encoding": "gzip"})
    httpserver.expect_request("/fits").respond_with_data(b"x" * 1000)
    assert refusal(connection, httpserver.url_for("/bomb")).code == "too_large"
    assert len(connection.get(httpserver.url_for("/fits"), limit_bytes=1000).body) == 1000
    with pytest.raises(FetchError, match="999 bytes"):
        connection.get(httpserver.url_for("/fits"), limit_bytes=999)


# Fault 7.
def test_endless_chunks_end_at_the_limit(connection: HttpClient) -> None:
    def endless(peer: socket.socket) -> None:
        peer.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n")
        while True:
            peer.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")

    with RudeServer(endless) as server:
        assert refusal(connection, server.url).code == "too_large"


# Fault 7.
@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX-Slow: ", OK + b"Content-Length: 1000\r\n\r\n"])
def test_a_byte_now_and_then_ends_at_the_cap_in_headers_or_body(start: bytes) -> None:
    gone = threading.Event()

    def drip(peer: socket.socket) -> None:
        peer.sendall(start)
        while not gone.wait(0.1):
            peer.sendall(b"x")

    begun = time.monotonic()
    with RudeServer(drip) as server, HttpClient(["127.0.0.1"], timeout_s=5, total_s=0.6) as connection:
        assert refusal(connection, server.url).code == "timeout"
        gone.set()
    assert time.monotonic() - begun < 10


def test_a_server_that_says_nothing_is_given_up() -> None:
    gone = threading.Event()

    def silent(_: socket.socket) -> None:
        gone.wait(10)

    with RudeServer(silent) as server, HttpClient(["127.0.0.1"], timeout_s=0.2) as connection:
        problem = refusal(connection, server.url)
        gone.set()
    assert problem.code == "timeout"
    assert server.url in str(problem)


# Fault 8.
@pytest.mark.parametrize(
    "answer",
    [
        saying(OK + b"Content-Length: 100\r\n\r\n", b"short"),
        saying(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhel"),
        saying(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n"),
    ],
)
def test_a_body_that_ends_before_its_time_is_incomplete(connection: HttpClient, answer: Answer) -> None:
    with RudeServer(answer) as server:
        assert refusal(connection, server.url).code == "incomplete"


@pytest.mark.parametrize("answer", [saying(), resetting(), saying(b"SSH-2.0-hello\r\n"), saying(b"\x00" * 100)])
def test_an_answer_that_is_no_http_is_a_failed_connection(connection: HttpClient, answer: Answer) -> None:
    with RudeServer(answer) as server:
        assert refusal(connection, server.url).code == "connection_failed"


def test_a_body_that_is_not_encoded_as_it_says_is_told(connection: HttpClient, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data(b"plain", headers={"Content-Encoding": "gzip"})
    assert refusal(connection, httpserver.url_for("/a")).code == "bad_encoding"


def test_a_port_where_nobody_listens_is_a_failed_connection(connection: HttpClient) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        problem = refusal(connection, f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert problem.code == "connection_failed"
    assert "refused" in str(problem)


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 64 + ".invalid"])
def test_a_name_without_an_address_is_a_failed_connection(connection: HttpClient, host: str) -> None:
    problem = refusal(connection, f"http://{host}/")
    assert problem.code in ("connection_failed", "bad_url")
    assert host in str(problem)


def test_a_host_whose_first_address_is_dead_is_reached_at_its_next(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data("hello")
    with HttpClient(["two.test"], resolve=lambda *_: ["127.0.0.99", "127.0.0.1"]) as connection:
        assert connection.get(f"http://two.test:{httpserver.port}/").body == b"hello"


def test_the_proxies_of_the_environment_are_not_used(
    connection: HttpClient, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    httpserver.expect_request("/").respond_with_data("hello")
    with HttpClient(LOCAL) as behind_a_proxy:
        assert behind_a_proxy.get(httpserver.url_for("/")).body == b"hello"


def test_threads_share_a_connection_and_have_their_own_deadlines() -> None:
    def late(peer: socket.socket) -> None:
        time.sleep(0.2)
        peer.sendall(OK + b"Content-Length: 5\r\nConnection: close\r\n\r\nhello")

    bodies: list[bytes] = []
    with RudeServer(late) as server, HttpClient(LOCAL, total_s=1) as connection:
        threads = [threading.Thread(target=lambda: bodies.append(connection.get(server.url).body)) for _ in range(6)]
        for thread in threads:
            thread.start()
            time.sleep(0.25)  # the last begins when the first one's time is over
        for thread in threads:
            thread.join()
    assert bodies == [b"hello"] * 6


def test_a_host_has_one_request_at_a_time_and_other_hosts_have_theirs() -> None:
    at_once: list[int] = []
    now, lock = [0], threading.Lock()

    def busy(peer: socket.socket) -> None:
        with lock:
            now[0] += 1
            at_once.append(now[0])
        time.sleep(0.1)
        with lock:
            now[0] -= 1
        peer.sendall(OK + b"Content-Length: 5\r\nConnection: close\r\n\r\nhello")

    with RudeServer(busy) as one, RudeServer(busy) as two, HttpClient(LOCAL) as shared:
        for urls, most in (([one.url] * 4, 1), ([one.url, two.url], 2)):
            at_once.clear()
            threads = [threading.Thread(target=shared.get, args=(url,)) for url in urls]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert (len(at_once), max(at_once)) == (len(urls), most)


def test_two_hosts_that_redirect_to_each_other_do_not_lock_each_other_out() -> None:
    def leading(to: list[str]) -> Answer:
        return lambda peer: saying(f"HTTP/1.1 302 F\r\nLocation: {to[0]}\r\nContent-Length: 0\r\n\r\n".encode())(peer)

    codes: list[str] = []
    one_leads, two_leads = [""], [""]
    with RudeServer(leading(one_leads)) as one, RudeServer(leading(two_leads)) as two, HttpClient(LOCAL) as connection:
        one_leads[0], two_leads[0] = two.url, one.url
        threads = [
            threading.Thread(target=lambda url=url: codes.append(refusal(connection, url).code))
            for url in (one.url, two.url)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert codes == ["too_many_redirects"] * 2


def test_closing_ends_what_other_threads_are_waiting_for() -> None:
    gone = threading.Event()
    codes: list[str] = []

    def silent(_: socket.socket) -> None:
        gone.wait(20)

    with RudeServer(silent) as server:
        connection = HttpClient(LOCAL, timeout_s=20)
        threads = [threading.Thread(target=lambda: codes.append(refusal(connection, server.url).code)) for _ in "ab"]
        for thread in threads:
            thread.start()
        while not server.requests:
            time.sleep(0.01)
        connection.close()
        for thread in threads:
            thread.join(5)
        gone.set()
    assert sorted(codes) == ["connection_failed", "stopped"]
