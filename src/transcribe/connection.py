"""The one place that connects to anything: http and https, to public addresses and to those the user allows."""

import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Self

import httpcore2
import httpx2

from transcribe.errors import FetchError
from transcribe.sources import public_url

USER_AGENT = "Playhead/0.1"
MIB = 1024 * 1024
MAX_REDIRECTS = 10

_SCHEMES = ("http", "https")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits

Resolve = Callable[[str, int], Sequence[str]]  # host and port to addresses; raises OSError where there are none

# Until when the request in hand must be through, by time.monotonic; each thread has its own.
_deadline: ContextVar[float | None] = ContextVar("_deadline", default=None)


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer, whole."""

    url: str  # the one that answered, after redirects
    status: int
    headers: Mapping[str, str]  # whatever the case of a name
    body: bytes  # decoded


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that is still coming in."""

    url: str  # the one that answered, after redirects
    status: int
    headers: Mapping[str, str]  # whatever the case of a name
    chunks: Iterator[bytes]  # as sent; raises FetchError


class Connection:
    """Fetches over HTTP; close it, or use it with `with`. It may be shared by threads.

    `allow_hosts` are the names, addresses or `host:port` for which private addresses are good, written as in the URL.
    The environment's proxies are not used: behind one, the addresses that are connected to could not be checked.
    The certificates of `SSL_CERT_FILE` and `SSL_CERT_DIR` are.

    Its methods raise FetchError: `bad_url`, `blocked_scheme`, `blocked_address`, `connection_failed`, `tls_error`,
    `timeout`, `too_many_redirects`, `http_404` and so on for every status from 400, `incomplete` for a body that ends
    before its time, `too_large`, `bad_encoding`.
    """

    def __init__(
        self,
        allow_hosts: Collection[str] = (),
        user_agent: str = USER_AGENT,
        timeout_s: float = 30,
        total_s: float = 120,
        resolve: Resolve | None = None,
    ) -> None:
        """`timeout_s` is for each wait, `total_s` for a `get` and for the headers of a `stream`."""
        self._total_s = total_s
        self._client = httpx2.Client(
            transport=_Transport(_CheckedBackend(allow_hosts, resolve or system_addresses)),
            headers={"User-Agent": user_agent},
            timeout=timeout_s,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends all connections."""
        self._client.close()

    def get(
        self,
        url: str,
        limit_bytes: int = 15 * MIB,
        headers: Mapping[str, str] | None = None,
        wanted: Callable[[Mapping[str, str]], bool] = lambda headers: True,  # noqa: ARG005
    ) -> Fetched:
        """The answer in whole; `limit_bytes` is for the decoded body, which is read where its headers are `wanted`."""
        with _within(self._total_s), self._opened(url, headers or {}) as response:
            body = bytearray()
            for chunk in _translated(response.iter_bytes(), url) if wanted(response.headers) else ():
                body += chunk
                if len(body) > limit_bytes:
                    raise FetchError("too_large", f"{public_url(url)} is larger than {limit_bytes:,} bytes")
            return Fetched(str(response.url), response.status_code, response.headers, bytes(body))

    @contextlib.contextmanager
    def stream(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[Stream]:
        """The answer as it comes in, in no encoding but its own; there is no cap on its size or time."""
        with self._opened(url, {"Accept-Encoding": "identity", **(headers or {})}) as response:
            chunks = _translated(response.iter_raw(), url)
            yield Stream(str(response.url), response.status_code, response.headers, chunks)

    @contextlib.contextmanager
    def _opened(self, url: str, headers: Mapping[str, str]) -> Iterator[httpx2.Response]:
        with _within(self._total_s), _errors(url, "connection_failed"):
            response = self._followed(url, headers)
        try:
            if response.status_code >= 400:
                reason = f"{response.status_code} {response.reason_phrase}".strip()
                raise FetchError(f"http_{response.status_code}", f"{public_url(url)}: the server answers {reason}")
            yield response
        finally:
            response.close()

    def _followed(self, url: str, headers: Mapping[str, str]) -> httpx2.Response:
        """By hand, so that every address on the way is checked like the first."""
        here = _checked_url(url)
        for _ in range(MAX_REDIRECTS + 1):
            response = self._client.send(self._client.build_request("GET", here, headers=headers), stream=True)
            if not response.has_redirect_location:
                return response
            response.close()
            here = _checked_url(response.headers["location"], base=here)
        raise FetchError("too_many_redirects", f"{public_url(url)} leads on and on: over {MAX_REDIRECTS} redirects")


def system_addresses(host: str, port: int) -> list[str]:
    """All addresses of a host, by the operating system; it reads odd spellings such as `2130706433` as well."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open internet: not to a machine itself, a private network or a group."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address) and (inner := _inner(ip)):
        ip = inner
    barred = ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback or ip.is_link_local
    return ip.is_global and not barred and not getattr(ip, "is_site_local", False)


class _CheckedBackend(httpcore2.SyncBackend):
    """Resolves a name once and connects to what it has checked, so a name that changes its address gains nothing.

    TLS and the Host header are above this and still see the name.
    """

    def __init__(self, allow_hosts: Collection[str], resolve: Resolve) -> None:
        self._allowed = frozenset(host.lower() for host in allow_hosts)
        self._resolve = resolve

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
                return _TimedStream(stream)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as failed:
                problem = problem or failed
        raise problem or httpcore2.ConnectError(f"{host} has no address")

    def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as problem:
            raise httpcore2.ConnectError(f"could not resolve the name {host}") from problem
        if self._allowed.isdisjoint({host, f"{host}:{port}", f"[{host}]", f"[{host}]:{port}"}):
            for address in addresses:
                if not is_public(address):
                    raise FetchError("blocked_address", _blocked(host, address))
        return addresses


class _TimedStream(httpcore2.NetworkStream):
    """A stream on which no wait goes beyond the deadline, so a byte now and then cannot keep a request alive."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


class _Transport(httpx2.BaseTransport):
    """httpx2's requests over a pool with a network backend of our own, for which httpx2's own has no place."""

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


def _inner(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to: mapped, 6to4, NAT64."""
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


def _blocked(host: str, address: str) -> str:
    at = "" if address == host else f" (at {address})"
    return f"{host}{at} is not on the open internet. To fetch from it, name it in PLAYHEAD_ALLOW_HOSTS."


def _left(timeout: float | None) -> float | None:
    """The time that a wait may take, in seconds."""
    deadline = _deadline.get()
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("it took too long as a whole")
    return left if timeout is None else min(left, timeout)


@contextlib.contextmanager
def _within(seconds: float) -> Iterator[None]:
    """A deadline for what is done inside; one that is set already stays."""
    outer = _deadline.get()
    token = _deadline.set(time.monotonic() + seconds if outer is None else outer)
    try:
        yield
    finally:
        _deadline.reset(token)


@contextlib.contextmanager
def _errors(url: str, when_cut: str) -> Iterator[None]:
    """The errors of httpx2 and httpcore2 as FetchError; `when_cut` is the code for a connection that breaks."""
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
