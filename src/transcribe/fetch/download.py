"""Downloads or copies an audio file: whole, checked, under a name that the library chooses."""

import errno
import itertools
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import stamina

from transcribe.errors import FetchError
from transcribe.fetch.http_client import HttpClient, Stream
from transcribe.fetch.partial_download import Origin, Partial
from transcribe.web.http_validators import Validators, differ
from transcribe.web.media_types import (
    AUDIO_SUFFIXES,
    HEAD_BYTES,
    audio_suffix,
    is_never_audio_type,
    is_text,
    media_type,
    sniffed,
    suffix_of_type,
    type_of_file,
)
from transcribe.web.urls import public_url

GIB = 1024**3
CHUNK_BYTES = 256 * 1024

Downloading = Callable[[int, int | None], None]  # bytes so far, bytes in all where the server says

_USELESS = ("not_audio", "too_large")  # failures after which the bytes are deleted
_PASSING = ("incomplete", "connection_failed", "timeout")  # failures that another try may overcome


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A finished file."""

    path: Path
    sha256: str
    bytes: int
    media_type: str
    url: str | None  # the one that answered, after redirects; None for a copy of a local file
    validators: Validators | None = None  # what `changed` asks with later; None for a copy of a local file


@dataclass(frozen=True, slots=True)
class Pace:
    """The speed that a server must keep: bytes a second, measured over some time, and a limit for the whole."""

    least_bytes_per_s: float = 1000
    while_s: float = 60
    total_s: float = 12 * 3600


def download(
    connection: HttpClient,
    url: str,
    target: Path,
    progress: Downloading,
    limit_bytes: int = 2 * GIB,
    pace: Pace = Pace(),
) -> Downloaded:
    """Downloads audio to `target` plus a suffix that its content gives; the server has no say in the name.

    The bytes gather in `<target>.part`, which stays when the connection fails for good, and are published once they
    are all there and on the disk. A connection that breaks is tried again three times. Each try, and a later run, goes
    on where the one before broke off if the server says by which mark the file can be known again, and still has it
    under that mark (RFC 9110, sections 13.1.5 and 14.2); otherwise it begins anew.

    Raises FetchError: what Connection raises, and `not_audio`, `incomplete`, `too_large`, `disk_full`,
    `cannot_write`.
    """
    wanted = _Request(url, target, progress, limit_bytes, pace)
    try:
        return _TRIES(_download_once, connection, wanted)
    except FetchError as problem:
        if problem.code in _USELESS:
            Partial(target).discard()
        raise


def changed(connection: HttpClient, url: str, validators: Validators) -> bool | None:
    """Whether a URL has other audio than its validators describe; None where the server does not tell.

    At most one byte is asked for. Where it seems changed, it is asked once more: a server that puts other
    advertisements into each answer says something else again, and so lets on nothing. Raises FetchError where it
    cannot be had, such as `http_404`.
    """
    first = _validators_now(connection, url, validators)
    if first is None:
        return False
    if first.length == 0:
        return True
    verdict = differ(validators, first)
    if verdict is not True:
        return verdict
    second = _validators_now(connection, url, first)
    return None if second is not None and differ(first, second) is True else True


def _validators_now(connection: HttpClient, url: str, validators: Validators) -> Validators | None:
    """What a server says of a file now; None where it is still the one of these validators."""
    asked = {**validators.conditions(), "Range": "bytes=0-0"}
    with connection.stream(url, asked, also=(416,)) as answer:
        if answer.status == 304:
            return None
        return Validators(length=0) if answer.status == 416 else Validators.of(answer.headers)  # 416: it is empty now


def store(path: Path, target: Path) -> Downloaded:
    """Copies a local file as it is to `target` plus a suffix, whole or not at all.

    Raises FetchError: `not_audio` where neither content nor name is known for audio, `cannot_read`, `disk_full`,
    `cannot_write`.
    """
    try:
        with path.open("rb") as file:
            head, chunks = _headed(iter(lambda: file.read(CHUNK_BYTES), b""))
            suffix = sniffed(head) or path.suffix.lower()
            if suffix not in AUDIO_SUFFIXES:
                raise FetchError("not_audio", f"{path} is not audio, by its content or by its name")
            return _begun(Partial(target), Origin("", suffix, Validators(), None), None, chunks)
    except OSError as problem:
        raise FetchError("cannot_read", f"{path}: {problem.strerror}") from problem


logging.getLogger("stamina").addHandler(logging.NullHandler())  # a retry is no news unless somebody asks for it


_TRIES = stamina.RetryingCaller(attempts=4, timeout=None, wait_initial=0.5, wait_max=5).on(
    lambda problem: isinstance(problem, FetchError) and problem.code in _PASSING
)


@dataclass(frozen=True, slots=True)
class _Request:
    """A download as it was asked for."""

    url: str = field(repr=False)  # stamina's log shows the arguments, and this may hold a password
    target: Path
    progress: Downloading
    limit_bytes: int
    pace: Pace

    def too_large(self) -> FetchError:
        return FetchError("too_large", f"{public_url(self.url)} is larger than {self.limit_bytes:,} bytes")


def _download_once(connection: HttpClient, wanted: _Request) -> Downloaded:
    part = Partial(wanted.target)
    origin = part.origin(public_url(wanted.url))
    if origin and origin.if_range:
        asked = {"Range": f"bytes={part.size()}-", "If-Range": origin.if_range}
        with connection.stream(wanted.url, asked, also=(416,)) as answer:
            if answer.status == 206 and part.goes_on(origin, answer.headers):
                rest = _counted(answer, wanted, part.size(), origin.validators.length)
                return _finished(part, origin, answer.url, rest)
            if answer.status == 416 and part.is_whole(origin, answer.headers):
                return _finished(part, origin, answer.url, ())
            if answer.status == 200:
                return _from_its_start(part, answer, wanted)
    with connection.stream(wanted.url) as answer:
        return _from_its_start(part, answer, wanted)


def _from_its_start(part: Partial, answer: Stream, wanted: _Request) -> Downloaded:
    if answer.status != 200:
        raise FetchError(f"http_{answer.status}", f"{public_url(wanted.url)}: the server answers {answer.status}")
    head, chunks = _headed(_counted(answer, wanted))
    origin = Origin.of(public_url(wanted.url), _suffix(head, answer, wanted.url), answer.headers)
    return _begun(part, origin, answer.url, chunks)


def _counted(answer: Stream, wanted: _Request, done: int = 0, known: int | None = None) -> Iterator[bytes]:
    """The chunks after the first `done` bytes; raises where length, limit or pace are not kept.

    `known` is how many it announced in all before, should it not repeat that.
    """
    announced, watch = Validators.of(answer.headers).length, _Watch(wanted)
    total = known if announced is None else announced
    if total is not None and total > wanted.limit_bytes:
        raise wanted.too_large()
    for chunk in answer.chunks:
        done += len(chunk)
        if done > wanted.limit_bytes:
            raise wanted.too_large()
        yield chunk
        wanted.progress(done, total)
        watch.saw(len(chunk))
    if total is not None and done != total:
        raise FetchError("incomplete", f"{public_url(wanted.url)}: {done:,} of {total:,} bytes came")


@dataclass(slots=True)
class _Watch:
    """Whether a download keeps its pace."""

    wanted: _Request
    begun: float = field(default_factory=time.monotonic)
    since: float = field(default_factory=time.monotonic)
    bytes: int = 0  # since then

    def saw(self, count: int) -> None:
        pace, now = self.wanted.pace, time.monotonic()
        self.bytes += count
        if now - self.begun > pace.total_s:
            raise FetchError("timeout", f"{public_url(self.wanted.url)}: not done in {pace.total_s / 3600:.3g} hours")
        if now - self.since < pace.while_s:
            return
        speed = self.bytes / (now - self.since)
        if speed < pace.least_bytes_per_s:
            raise FetchError("timeout", f"{public_url(self.wanted.url)}: only {speed:.0f} bytes come in a second")
        self.since, self.bytes = now, 0


def _headed(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first HEAD_BYTES (fewer only where there are no more), and all chunks, those of the head again."""
    first: list[bytes] = []
    for chunk in chunks:
        first.append(chunk)
        if sum(map(len, first)) >= HEAD_BYTES:
            break
    return b"".join(first)[:HEAD_BYTES], itertools.chain(first, chunks)


def _suffix(head: bytes, answer: Stream, url: str) -> str:
    """The suffix by content, else by media type, else by URL. Raises FetchError (`not_audio`)."""
    if suffix := sniffed(head):
        return suffix
    kind = media_type(answer.headers.get("content-type", ""))
    if not head or is_text(head) or is_never_audio_type(kind):
        what = f"it begins with {head[:20]!r}, served as {kind or 'nothing in particular'}" if head else "it is empty"
        raise FetchError("not_audio", f"{public_url(url)} is not audio: {what}")
    if suffix := suffix_of_type(kind) or audio_suffix(answer.url) or audio_suffix(url):
        return suffix
    raise FetchError("not_audio", f"{public_url(url)} is not audio, by its content, its media type or its name")


def _begun(part: Partial, origin: Origin, url: str | None, chunks: Iterable[bytes]) -> Downloaded:
    """Begins a file at its first byte."""
    try:
        part.begin(origin)
    except OSError as problem:
        raise _unwritten(part, problem) from problem
    return _finished(part, origin, url, chunks)


def _finished(part: Partial, origin: Origin, url: str | None, chunks: Iterable[bytes]) -> Downloaded:
    """Writes the rest of a file, syncs it and gives it its name."""
    path = part.path.with_name(part.path.name.removesuffix(".part") + origin.suffix)
    try:
        sha256 = part.extend(chunks)
        size = part.size()
        part.publish(path)
    except OSError as problem:
        raise _unwritten(part, problem) from problem
    return Downloaded(path, sha256, size, type_of_file(path), url, origin.validators if url else None)


def _unwritten(part: Partial, problem: OSError) -> FetchError:
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        part.discard()  # its room is better used
        return FetchError("disk_full", f"no room is left on the disk of {part.path.parent}; make some and run again")
    return FetchError("cannot_write", f"{part.path}: {problem.strerror}")
