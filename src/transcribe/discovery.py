"""A source to the recordings it offers: reading what is on this machine, asking the network for the rest."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from transcribe.connection import Connection
from transcribe.episode import slug
from transcribe.feed import parse_feed
from transcribe.sources import (
    AudioFileSource,
    FolderSource,
    Found,
    Source,
    WebSource,
    audio_suffix,
    found_in_file,
    found_in_folder,
    public_url,
)


def discover(source: Source, connection: Connection) -> list[Found]:
    """Every recording of a source, as the source lists them. Raises FetchError where it cannot be had."""
    match source:
        case AudioFileSource(path):
            return [found_in_file(path)]
        case FolderSource(path):
            return list(found_in_folder(path))
        case _:
            return _on_the_web(source.url, connection)


def source_name(source: Source) -> str:
    """A source as a person named it, without a password."""
    return public_url(source.url) if isinstance(source, WebSource) else str(source.path)


def _on_the_web(url: str, connection: Connection) -> list[Found]:
    if audio_suffix(url):
        return [_audio(url)]
    fetched = connection.get(url, wanted=lambda headers: not _is_audio(headers))
    if _is_audio(fetched.headers):
        return [_audio(url)]
    return list(parse_feed(fetched.body, url, fetched.headers).items)


def _is_audio(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").startswith(("audio/", "video/", "application/ogg"))


def _audio(url: str) -> Found:
    """One audio file on the web; its name and host are all that is known of it before it is fetched."""
    parts = urlsplit(url)
    name = PurePosixPath(unquote(parts.path))
    title = name.stem.replace("_", " ").strip() or parts.hostname or "untitled"
    show = slug(parts.hostname or "", fallback="web").removeprefix("www-")
    return Found(show=show, title=title, enclosure=url)
