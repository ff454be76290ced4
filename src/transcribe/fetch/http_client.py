"""The only client for HTTP: connects to public addresses, and to those that the user allows."""

import contextlib
import ipaddress
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Self

import httpcore2
import httpx2

from transcribe import __version__
from transcribe.errors import FetchError
from transcribe.fetch.politeness import Politeness
from transcribe.web.urls import host_of, public_url

USER_AGENT = f"Playhead/{__version__} (podcast archive; contact: the person at this address)"
MIB = 1024 * 1024
MAX_REDIRECTS = 10

_SCHEMES = ("http", "https")
_PERMANENT = (301, 308)
_BUSY = (429, 503)  # a host that answers so may say when to come back
_CONNECT_S = 10  # longest wait for a connection to be made
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits

Resolve = Callable[[str, int], Sequence[str]]  # host and port to addresses; raises OSError where there are none


@dataclass(slots=True)
class _Deadline:
    at: float  # by time.monotonic


# The deadline of the present request; each thread has its own.
_deadline: ContextVar[_Deadline | None] = ContextVar("_deadline", default=None)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole answer. Its URLs have no name and password; `login_for` adds them again."""

    url: str  # the one that answered, after redirects
    status: int
    headers: Mapping[str, str]  # whatever the case of a name
    body: bytes  # decoded
    moved_to: str | None = None  # where every redirect on the way was for good: the URL to use from now on


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that is still coming in."""

    url: str  # the one that answered, after redirects, without name and password
    status: int
    headers: Mapping[str, str]  # whatever the case of a name
    chunks: Iterator[bytes]  # as sent, or unpacked where the server has packed them unasked; raises FetchError


class HttpClient:
    """Fetches over HTTP; close it, or use it with `with`. It may be shared by threads.

    `allow_hosts` are the names, addresses or `host:port` for which private addresses are good, written as in the URL.
    The environment's proxies are not used: behind one, the addresses that are connected to could not be checked.
    The certificates of `SSL_CERT_FILE` and `SSL_CERT_DIR` are. Cookies are sent back on the redirects of one fetch, as
    sites ask that let nobody in without, and are forgotten at its end. The name and password of a URL go
    to its host alone, whatever that redirects to.

    Each host has one request at a time; a thread waits for its turn. One that answers 429 or 503 with Retry-After is
    left alone for as long; `hosts` may remember that from run to run.

    Its methods raise FetchError: `bad_url`, `blocked_scheme`, `blocked_address`, `connection_failed`, `tls_error`,
    `timeout`, `too_many_redirects`, `http_404` and so on for every status from 400, `retry_later` for a host that asks
    to be left alone, `incomplete` for a body that ends before its time, `too_large`, `bad_encoding`, `stopped` once it
    is closed.
    """

    def __init__(
        self,
        allow_hosts: Collection[str] = (),
        user_agent: str = USER_AGENT,
        timeout_s: float = 30,
        total_s: float = 120,
        resolve: Resolve | None = None,
        hosts: Politeness | None = None,
    ) -> None:
        """`timeout_s` is for each wait, `total_s` for a `get` and for the headers of a `stream`; turns not counted."""
        self._total_s = total_s
        self._hosts = hosts or Politeness()
        self._backend = _CheckedBackend(allow_hosts, resolve or system_addresses)
        self._client = httpx2.Client(
            transport=_Transport(self._backend),
            headers={"User-Agent": user_agent},
            timeout=httpx2.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_S)),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends all connections. Fetching and waiting in other threads fails at once."""
        self._hosts.close()
        self._backend.hang_up()
        self._client.close()

    def get(
        self,
        url: str,
        limit_bytes: int = 15 * MIB,
        headers: Mapping[str, str] | None = None,
        wanted: Callable[[Mapping[str, str]], bool] = lambda headers: True,  # noqa: ARG005
    ) -> Fetched:
        """The answer in whole; `limit_bytes` is for the decoded body, which is read where its headers are `wanted`.

        Asked with If-None-Match or If-Modified-Since, it may be one of status 304, without a body.
        """
        with _within(self._total_s), self._opened(url, headers or {}) as (response, moved_to):
            body = bytearray()
            for chunk in _translated(response.iter_bytes(), url) if wanted(response.headers) else ():
                body += chunk
                if len(body) > limit_bytes:
                    raise FetchError("too_large", f"{public_url(url)} is larger than {limit_bytes:,} bytes")
            return Fetched(_bare(response.url), response.status_code, response.headers, bytes(body), moved_to)

    @contextlib.contextmanager
    def stream(
        self, url: str, headers: Mapping[str, str] | None = None, also: Collection[int] = ()
    ) -> Iterator[Stream]:
        """The answer as it comes in; there is no cap on its size or time. A status in `also` is no error.

        Its host has no other request until the block ends.
        """
        with self._opened(url, {"Accept-Encoding": "identity", **(headers or {})}, also) as (response, _):
            chunks = _translated(response.iter_bytes(), url)
            yield Stream(_bare(response.url), response.status_code, response.headers, chunks)

    @contextlib.contextmanager
    def _opened(
        self, url: str, headers: Mapping[str, str], also: Collection[int] = ()
    ) -> Iterator[tuple[httpx2.Response, str | None]]:
        """The last answer, still open, and the URL it has moved to for good."""
        with contextlib.ExitStack() as hop:
            with _within(self._total_s), _errors(url, "connection_failed"):
                response, moved_to = self._followed(url, headers, hop)
            if response.status_code >= 400 and response.status_code not in also:
                raise self._refusal(url, response)
            yield response, moved_to

    def _followed(
        self, url: str, headers: Mapping[str, str], hop: contextlib.ExitStack
    ) -> tuple[httpx2.Response, str | None]:
        """Follows redirects itself, so that it checks each address and awaits each host's turn.

        `hop` ends the answer and the turn at its host.
        """
        here, moved_to, for_good = _checked_url(url), None, True
        cookies = httpx2.Cookies()
        for _ in range(MAX_REDIRECTS + 1):
            with _untimed():
                hop.enter_context(self._hosts.turn(host_of(str(here))))
            request = self._client.build_request("GET", here, headers=headers)
            cookies.set_cookie_header(request)
            response = self._client.send(request, stream=True)
            hop.callback(response.close)
            cookies.extract_cookies(response)
            if not response.has_redirect_location:
                return response, moved_to
            hop.close()
            here = _with_login(_checked_url(response.headers["location"], base=here), here)
            for_good = for_good and response.status_code in _PERMANENT
            moved_to = _bare(here) if for_good else None
        raise FetchError("too_many_redirects", f"{public_url(url)} leads on and on: over {MAX_REDIRECTS} redirects")

    def _refusal(self, url: str, response: httpx2.Response) -> FetchError:
        """The error for a status from 400; heeds the Retry-After of a busy host."""
        status, asked = response.status_code, response.headers.get("retry-after")
        alone = status == 429 or (status in _BUSY and asked is not None)
        seconds = self._hosts.leave_alone(host_of(str(response.url)), asked) if alone else None
        reason = f"{status} {response.reason_phrase}".strip()
        hint = (
            ". Some servers let in only who they know: `user_agent` in playhead.toml may help" if status == 403 else ""
        )
        return FetchError(f"http_{status}", f"{public_url(url)}: the server answers {reason}{hint}", seconds)


def login_for(url: str, of: str) -> str:
    """A URL with the name and password of another one, if it is on the same host and no less safe.

    Raises FetchError where either is no URL that can be fetched.
    """
    return str(_with_login(_checked_url(url), _checked_url(of)))


def system_addresses(host: str, port: int) -> list[str]:
    """All addresses of a host, by the operating system; it reads odd spellings such as `2130706433` as well."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_public(address: str) -> bool:
    """Whether an IP address is public: no loopback, private, link-local or multicast address."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):  # what counts is the IPv4 address that it leads to: NAT64, mapped, 6to4
        of_nat64 = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None
        ip = of_nat64 or ip.ipv4_mapped or ip.sixtofour or ip
    barred = ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback or ip.is_link_local
    return ip.is_global and not barred and not getattr(ip, "is_site_local", False)


class _CheckedBackend(httpcore2.SyncBackend):
    """Resolves a name once and connects to the checked address, so a changing name cannot evade the check.

    TLS and the Host header are above this and still see the name.
    """

    def __init__(self, allow_hosts: Collection[str], resolve: Resolve) -> None:
        self._allowed = frozenset(host.lower() for host in allow_hosts)
        self._resolve = resolve
        self._streams: weakref.WeakSet[_TimedStream] = weakref.WeakSet()
        self._lock = threading.Lock()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        problem: Exception | None = None
        for address in self._addresses(host, port):
            try:
                stream = super().connect_tcp(address, port, _left(timeout), local_address, socket_options)
                return self._kept(_TimedStream(stream, self._kept))
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as failed:
                problem = problem or failed
        raise problem or httpcore2.ConnectError(f"{host} has no address")

    def hang_up(self) -> None:
        """Wakes threads that wait on a connection; closing it would leave them waiting."""
        with self._lock:
            for stream in self._streams:
                stream.shut_down()

    def _kept(self, stream: "_TimedStream") -> "_TimedStream":
        with self._lock:
            self._streams.add(stream)
        return stream

    def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as problem:
            raise httpcore2.ConnectError(f"could not resolve the name {host}") from problem
        if self._allowed.isdisjoint({host, f"{host}:{port}", f"[{host}]", f"[{host}]:{port}"}):
            for address in addresses:
                if not is_public(address):
                    at = "" if address == host else f" (at {address})"
                    hint = "To fetch from it, name it in PLAYHEAD_ALLOW_HOSTS."
                    raise FetchError("blocked_address", f"{host}{at} is not on the open internet. {hint}")
        return addresses


class _TimedStream(httpcore2.NetworkStream):
    """A stream whose waits end at the deadline, so a slow trickle of bytes cannot keep a request alive."""

    def __init__(
        self, stream: httpcore2.NetworkStream, made: Callable[["_TimedStream"], "_TimedStream"] = lambda stream: stream
    ) -> None:
        """`made` is told of the stream that TLS makes of this one."""
        self._stream, self._made = stream, made

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return self._made(_TimedStream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout))))

    def shut_down(self) -> None:
        with contextlib.suppress(OSError):  # it is closed already
            socket.socket.shutdown(self._stream.get_extra_info("socket"), socket.SHUT_RDWR)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


class _Transport(httpx2.BaseTransport):
    """Sends httpx2's requests over a pool with our network backend; httpx2's own transport takes none."""

    def __init__(self, backend: httpcore2.NetworkBackend) -> None:
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(), keepalive_expiry=5, network_backend=backend
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        answer = self._pool.handle_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions
        )

    def close(self) -> None:
        self._pool.close()


class _Body(httpx2.SyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


def _checked_url(url: str, base: httpx2.URL | None = None) -> httpx2.URL:
    try:
        parsed = base.join(url) if base else httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError) as problem:
        raise FetchError("bad_url", f"{public_url(url)!r} is not a URL: {problem}") from problem
    if parsed.scheme not in _SCHEMES:
        raise FetchError("blocked_scheme", f"{public_url(url)!r}: only http and https are fetched")
    if not parsed.host:
        raise FetchError("bad_url", f"{public_url(url)!r} names no host")
    return parsed


def _bare(url: httpx2.URL) -> str:
    return str(url.copy_with(userinfo=b""))


def _with_login(url: httpx2.URL, of: httpx2.URL) -> httpx2.URL:
    same = (url.scheme, url.port) == (of.scheme, of.port)
    safer = (url.scheme, url.port, of.scheme, of.port) == ("https", None, "http", None)
    belongs = url.host == of.host and (same or safer) and not url.userinfo
    return url.copy_with(userinfo=of.userinfo) if belongs else url


def _left(timeout: float | None) -> float | None:
    """The time that a wait may take, in seconds."""
    deadline = _deadline.get()
    if deadline is None:
        return timeout
    left = deadline.at - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("it took too long as a whole")
    return left if timeout is None else min(left, timeout)


@contextlib.contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Sets a deadline for the block, unless one is set already."""
    outer = _deadline.get()
    token = _deadline.set(outer or _Deadline(time.monotonic() + seconds))
    try:
        yield
    finally:
        _deadline.reset(token)


@contextlib.contextmanager
def _untimed() -> Iterator[None]:
    """Moves the deadline by the time that the block takes."""
    begun = time.monotonic()
    yield
    if deadline := _deadline.get():
        deadline.at += time.monotonic() - begun


@contextlib.contextmanager
def _errors(url: str, when_cut: str) -> Iterator[None]:
    """Raises errors of httpx2 and httpcore2 as FetchError; `when_cut` is the code for a broken connection."""
    name = public_url(url)
    try:
        yield
    except (httpcore2.TimeoutException, httpx2.TimeoutException) as problem:
        raise FetchError("timeout", f"{name}: no answer in time") from problem
    except httpcore2.ConnectError as problem:
        of_tls = problem.args and isinstance(problem.args[0], ssl.SSLError)  # httpcore2 keeps its cause there
        code = "tls_error" if of_tls else "connection_failed"
        raise FetchError(code, f"{name}: {problem}") from problem
    except (httpcore2.NetworkError, httpcore2.ProtocolError, httpx2.TransportError) as problem:
        raise FetchError(when_cut, f"{name}: {problem}") from problem
    except httpx2.DecodingError as problem:
        raise FetchError("bad_encoding", f"{name}: its body is not encoded as it says: {problem}") from problem


def _translated(chunks: Iterator[bytes], url: str) -> Iterator[bytes]:
    with _errors(url, "incomplete"):
        yield from chunks
