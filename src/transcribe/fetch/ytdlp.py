"""Asks yt-dlp, if it is installed (extra `media`), for the audio of pages that show none.

It runs here without its own network: what it asks for goes through our connection and its check of addresses, which
can GET alone. Sites that must be sent a form, or a program that runs in a browser, are not for it then.
"""

import io
import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from transcribe.errors import FetchError
from transcribe.fetch.http_client import HttpClient
from transcribe.sources.source import FoundFile
from transcribe.web.media_types import is_audio_type
from transcribe.web.text_decoding import plain_text
from transcribe.web.urls import citable_url, same_page

# Whole files over http(s); no playlists of pieces.
_FORMAT = "bestaudio[protocol~='^https?$']/best[protocol~='^https?$']"
_OPTIONS: dict[str, Any] = {
    "format": _FORMAT,
    "cachedir": False,
    "js_runtimes": {},  # starts no other program
    "remote_components": [],  # and loads none
    "extract_flat": False,
    "playlistend": 100,
    "quiet": True,
    "noprogress": True,
}
# The errors that its 1,800 extractors raise on unexpected pages.
_GIVEN_UP = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RecursionError,
    OSError,
)


def is_installed() -> bool:
    """Whether yt-dlp is installed."""
    return find_spec("yt_dlp") is not None


def extracted(url: str, connection: HttpClient) -> list[FoundFile]:
    """The recordings that yt-dlp finds on a page; none where it is not installed, or finds none."""
    if not is_installed():
        return []
    from yt_dlp.utils import YoutubeDLError

    try:
        with _downloader(connection) as downloader:
            info = downloader.extract_info(url, download=False)
    except (YoutubeDLError, *_GIVEN_UP):
        return []
    # yt-dlp takes an empty page for audio, so the page's own address is left out.
    told = [(entry, str(entry.get("url", ""))) for entry in _entries(info)]
    on_web = [(entry, address) for entry, address in told if address.startswith(("http://", "https://"))]
    return [_found(entry, url) for entry, address in on_web if same_page(address) != same_page(url)]


def _entries(info: Any) -> Iterator[dict[str, Any]]:
    for entry in (info or {}).get("entries") or [info]:
        if isinstance(entry, dict):
            yield entry


def _found(entry: dict[str, Any], url: str) -> FoundFile:
    day = re.fullmatch(r"(\d{4})(\d\d)(\d\d)", str(entry.get("upload_date") or ""))
    show = next((name for key in ("series", "channel", "uploader") if (name := entry.get(key))), None)
    return FoundFile(
        show=str(show or ""),
        title=plain_text(str(entry.get("title") or "")),
        published="-".join(day.groups()) if day else None,
        link=citable_url(url),
        enclosure=str(entry["url"]),
        description=plain_text(str(entry.get("description") or "")),
        key=f"{entry.get('extractor_key')} {entry.get('id')}",  # its URL may be good for an hour only
    )


def _downloader(connection: HttpClient) -> Any:
    """A downloader of yt-dlp that uses only our network. Its classes stand here: yt-dlp takes a second to load."""
    from yt_dlp import YoutubeDL
    from yt_dlp.networking import Request, RequestDirector, RequestHandler, Response
    from yt_dlp.networking.exceptions import RequestError, UnsupportedRequest

    class ConnectionRH(RequestHandler):  # type: ignore[misc]
        _SUPPORTED_URL_SCHEMES = ("http", "https")

        def _check_extensions(self, extensions: dict[str, Any]) -> None:
            extensions.clear()  # none of them concerns what is asked

        def _send(self, request: Request) -> Response:
            if request.method not in ("GET", "HEAD"):
                raise UnsupportedRequest(f"{request.method} is not for Playhead's connection")
            headers = {name: value for name, value in request.headers.items() if name.lower() in ("accept", "referer")}
            try:
                fetched = connection.get(request.url, headers=headers, wanted=_may_be_read)
            except FetchError as problem:
                raise RequestError(str(problem)) from problem
            return Response(io.BytesIO(fetched.body), fetched.url, _plain(fetched.headers), fetched.status)

    class Downloader(YoutubeDL):  # type: ignore[misc]
        def build_request_director(self, *_: Any, **__: Any) -> RequestDirector:
            director = RequestDirector(logger=_Silent())
            director.add_handler(ConnectionRH(logger=_Silent()))
            return director

    return Downloader({**_OPTIONS, "logger": _Silent()})


def _may_be_read(headers: Any) -> bool:
    return not is_audio_type(str(headers.get("content-type", "")))


def _plain(headers: Any) -> dict[str, str]:
    """The headers without the encoding that the body had when it was sent."""
    return {name: value for name, value in headers.items() if name.lower() != "content-encoding"}


class _Silent:
    """A logger that drops all that yt-dlp says."""

    def debug(self, message: str, *_: Any, **__: Any) -> None:
        pass

    def stdout(self, message: str, *_: Any, **__: Any) -> None:
        pass

    info = stderr = warning = error = report_warning = report_error = trouble = debug
