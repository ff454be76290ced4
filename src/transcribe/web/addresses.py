"""What different addresses of one thing have in common. No network."""

import contextlib
import re
from urllib.parse import urlsplit, urlunsplit

from transcribe.sources.source import audio_suffix
from transcribe.web.tracking import without_tracking

_HOST = re.compile(r"(?:[a-z0-9-]{1,63}\.){1,9}[a-z]{2,24}", re.ASCII)


def same_page(url: str) -> str:
    """What two addresses of one page have in common: no scheme, `www.`, last slash, fragment or tracking."""
    address, _, query = _bare(url).partition("?")
    return f"{address.rstrip('/')}?{query}" if query else address.rstrip("/")


def same_audio(url: str, lasting_query: bool = False) -> str:
    """What two addresses of one audio file have in common: no scheme, `www.` or tracking, no query after its name.

    A host within the path is where the audio lies behind a service that counts downloads, and the rest follows it.
    With `lasting_query`, what of a query is not known to pass counts even after a file's name: `play.mp3?id=1` may be
    another recording than `?id=2`, or the same with another token.
    """
    address, _, query = _bare(url).partition("?")
    parts = address.split("/")
    hosts = (n for n in range(len(parts) - 2, 0, -1) if _HOST.fullmatch(parts[n]) and not audio_suffix(parts[n]))
    where = "/".join(parts[next(hosts, 0) :]).removeprefix("www.")
    return where if not query or (audio_suffix(url) and not lasting_query) else f"{where}?{query}"


def _bare(url: str) -> str:
    """An address without its scheme, `www.`, a usual port and what passes."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(without_tracking(url))
        port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
        host = (parts.hostname or "").removeprefix("www.")
        return urlunsplit(("", "", f"{host}{port}{parts.path}", parts.query, ""))
    return url
