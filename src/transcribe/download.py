"""A URL, or a file of the user's, to a finished audio file: whole, checked, and named by the library alone."""

import errno
import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import stamina

from transcribe.connection import Connection, Stream
from transcribe.errors import FetchError
from transcribe.library import publish
from transcribe.sources import AUDIO_SUFFIXES, MEDIA_TYPES, audio_suffix, public_url

GIB = 1024**3
CHUNK_BYTES = 256 * 1024
HEAD_BYTES = 4096  # enough for every format to show itself

Progress = Callable[[int, int | None], None]  # bytes so far, bytes in all where the server says

_PASSING = ("incomplete", "connection_failed", "timeout")  # failures that another try may overcome
_TEXT_BYTES = bytes([*range(0x20, 0x100), *b"\t\n\v\f\r\x1b"])  # what occurs in text; sound has other bytes in 4 kB
_TEXT_STARTS = (b"<", b"{", b"\xfe\xff", b"\xff\xfe")  # markup, JSON, the byte order marks of UTF-16
_OTHER_TYPES = ("text/", "application/json", "application/xml", "application/xhtml", "application/pdf", "image/")
_SUFFIXES = {
    "audio/mp3": ".mp3",
    "audio/x-m4a": ".m4a",
    "audio/m4a": ".m4a",
    "audio/aacp": ".aac",
    "audio/x-wav": ".wav",
    "audio/wave": ".wav",
    "audio/x-flac": ".flac",
    "audio/opus": ".opus",
    "application/ogg": ".ogg",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    # Of those that share a type, the usual one.
    **{media_type: suffix for suffix, media_type in MEDIA_TYPES.items()},
    "audio/mp4": ".m4a",
    "audio/ogg": ".ogg",
}


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A finished file."""

    path: Path
    sha256: str
    bytes: int
    media_type: str
    url: str | None  # the one that answered, after redirects; None for a copy of a local file


def download(
    connection: Connection, url: str, target: Path, progress: Progress, limit_bytes: int = 2 * GIB
) -> Downloaded:
    """Fetches audio to `target` plus a suffix that its content chooses; nothing that the server says names the file.

    The bytes gather in `<target>.part`, which stays when the connection fails for good, and are published once they
    are all there and on the disk. A connection that breaks is tried again three times, each from the start.

    Raises FetchError: what Connection raises, and `not_audio`, `incomplete`, `too_large`, `disk_full`,
    `cannot_write`.
    """
    return _TRIES(_download_once, connection, url, target, progress, limit_bytes)


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
            return _finished(target, suffix, None, chunks)
    except OSError as problem:
        raise FetchError("cannot_read", f"{path}: {problem.strerror}") from problem


def media_type(path: Path) -> str:
    """The media type of a stored file, by the suffix that its content has given it."""
    return MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")


def sniffed(head: bytes) -> str | None:
    """The suffix for audio that begins with these bytes (up to HEAD_BYTES); None where they do not tell."""
    if head[4:8] == b"ftyp":
        return ".m4a" if head[8:11] in (b"M4A", b"M4B") else ".mp4"
    if head.startswith(b"OggS"):
        return ".opus" if b"OpusHead" in head[:64] else ".ogg"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return ".webm" if b"webm" in head[:64] else ".mka"
    if head[:4] in (b"RIFF", b"FORM"):
        return {b"WAVE": ".wav", b"AIFF": ".aiff", b"AIFC": ".aiff"}.get(head[8:12])
    starts = {b"ID3": ".mp3", b"fLaC": ".flac", b"RF64": ".wav", b"#!AMR": ".amr", b"0&\xb2u\x8ef\xcf\x11": ".wma"}
    return next((suffix for start, suffix in starts.items() if head.startswith(start)), None) or _mpeg(head)


def _mpeg(head: bytes) -> str | None:
    """By an MPEG audio frame header (ISO 11172-3, 2.4.1.3), or ADTS, which has its layer at 0 (ISO 13818-7)."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    layer, rate = head[1] >> 1 & 3, head[2] >> 4
    if layer == 0:
        return ".aac" if head[1] & 0xF0 == 0xF0 else None
    return ".mp3" if layer != 3 and rate != 15 and head[2] >> 2 & 3 != 3 else None


def _worth_another(problem: Exception) -> bool:
    return isinstance(problem, FetchError) and problem.code in _PASSING


_TRIES = stamina.RetryingCaller(attempts=4, timeout=None, wait_initial=0.5, wait_max=5).on(_worth_another)


def _download_once(connection: Connection, url: str, target: Path, progress: Progress, limit_bytes: int) -> Downloaded:
    with connection.stream(url) as answer:
        if answer.status != 200:
            raise FetchError(f"http_{answer.status}", f"{public_url(url)}: the server answers {answer.status}")
        chunks = _counted(answer, url, progress, limit_bytes)
        head, chunks = _headed(chunks)
        return _finished(target, _suffix(head, answer, url), answer.url, chunks)


def _counted(answer: Stream, url: str, progress: Progress, limit_bytes: int) -> Iterator[bytes]:
    """The chunks, held to what the server announced and to the limit."""
    announced = answer.headers.get("content-length", "")
    total = int(announced) if announced.isdecimal() and announced.isascii() else None
    done = 0
    too_large = FetchError("too_large", f"{public_url(url)} is larger than {limit_bytes:,} bytes")
    if total is not None and total > limit_bytes:
        raise too_large
    for chunk in answer.chunks:
        done += len(chunk)
        if done > limit_bytes:
            raise too_large
        yield chunk
        progress(done, total)
    if total is not None and done != total:
        raise FetchError("incomplete", f"{public_url(url)}: {done:,} of {total:,} bytes came")


def _headed(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first HEAD_BYTES (fewer only where there are no more), and all chunks, those of the head again."""
    first: list[bytes] = []
    for chunk in chunks:
        first.append(chunk)
        if sum(map(len, first)) >= HEAD_BYTES:
            break
    return b"".join(first)[:HEAD_BYTES], itertools.chain(first, chunks)


def _suffix(head: bytes, answer: Stream, url: str) -> str:
    """By content, else by media type, else by the URL. Raises FetchError (`not_audio`)."""
    if suffix := sniffed(head):
        return suffix
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not head or _is_text(head) or kind.startswith(_OTHER_TYPES):
        what = f"it begins with {head[:20]!r}, served as {kind or 'nothing in particular'}" if head else "it is empty"
        raise FetchError("not_audio", f"{public_url(url)} is not audio: {what}")
    if suffix := _SUFFIXES.get(kind) or audio_suffix(answer.url) or audio_suffix(url):
        return suffix
    raise FetchError("not_audio", f"{public_url(url)} is not audio, by its content, its media type or its name")


def _is_text(head: bytes) -> bool:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith(_TEXT_STARTS) or not head.translate(None, _TEXT_BYTES)


def _finished(target: Path, suffix: str, url: str | None, chunks: Iterable[bytes]) -> Downloaded:
    """Writes, syncs and publishes."""
    part, path = (target.with_name(f"{target.name}{end}") for end in (".part", suffix))
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        sha256, size = _written(part, chunks)
        publish(part, path)
    except OSError as problem:
        raise _unwritten(part, problem) from problem
    return Downloaded(path, sha256, size, media_type(path), url)


def _written(part: Path, chunks: Iterable[bytes]) -> tuple[str, int]:
    """Writes a file down to the disk; its sha256 and its size in bytes."""
    digest = hashlib.sha256()
    with part.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
            digest.update(chunk)
        file.flush()
        os.fsync(file.fileno())
        return digest.hexdigest(), file.tell()


def _unwritten(part: Path, problem: OSError) -> FetchError:
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        part.unlink(missing_ok=True)  # its room is better used
        return FetchError("disk_full", f"no room is left on the disk of {part.parent}; make some and run again")
    return FetchError("cannot_write", f"{part}: {problem.strerror}")
