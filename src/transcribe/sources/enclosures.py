"""Which of the files that an item of a feed offers are its recording: judged by their types and names. No network.

A type may be anything (`mp3`, `file`, none), so only what is surely no recording is refused, and with a reason; what is
in doubt is taken, and shows what it is once it is fetched.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from transcribe.sources.page_media import each_once
from transcribe.web.media_types import audio_suffix, media_type

Judgement = Literal["sound", "film", "doubtful", "refused"]

NO_FILE = "no file"  # the reason where an item offers none at all
LIVE = "live, and not recorded yet"
_PLAYLIST = re.compile(r"mpegurl|scpls|xspf|dash\+xml")
_SOUND_TYPE = re.compile(
    r"audio(?:/.*)?|(?:x-)?(?:mp3|mpeg3?|mpga|m4a|m4b|ogg|opus|wav|aac|flac)|application/(?:x-)?ogg"
)
_FILM_TYPE = re.compile(r"video(?:/.*)?|(?:mp4|m4v|mov|webm|mpg)")
_FILM_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".avi", ".ogv", ".3gp", ".wmv", ".flv")
_SOUND_SUFFIXES = (".m4r", ".spx", ".f4a", ".weba", ".ac3", ".caf", ".au")  # beside those of `media_types`
_OTHER_TYPES = re.compile(
    r"(?:image|text|font|model|message)/.*|application/(?:pdf|(?:x-)?zip|epub\+zip|json|xml|.*\+xml|.*\+json|msword|rtf"
    r"|x-bittorrent|x-shockwave-flash|javascript|postscript|x-mobipocket-ebook|vnd\.(?!apple).*)|pdf|jpe?g|png|gif|zip"
)
_OTHER_SUFFIXES = {
    ".pdf": "application/pdf",
    ".epub": "application/epub+zip",
    ".mobi": "application/x-mobipocket-ebook",
    ".doc": "application/msword",
    ".docx": "application/msword",
    ".zip": "application/zip",
    ".torrent": "application/x-bittorrent",
    ".swf": "application/x-shockwave-flash",
    ".json": "application/json",
    ".gif": "image/gif",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".rtf": "text/rtf",
    ".htm": "text/html",
    ".html": "text/html",
    ".srt": "text/srt",
    ".vtt": "text/vtt",
    **dict.fromkeys((".m3u", ".m3u8", ".pls", ".xspf"), "a playlist"),
}


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that an item offers."""

    media_type: str  # as the feed gives it, lower case; may be empty
    address: Any
    length: Any = None  # in bytes


@dataclass(frozen=True, slots=True)
class Choice:
    """The files of an item that are its recording, each a part of it; or why none is."""

    files: tuple[Enclosure, ...] = ()  # addresses absolute
    refused: str = ""  # a reason; empty where there are files
    doubtful: bool = False  # the files may turn out to have no sound


def chosen(places: Sequence[Iterable[Enclosure]], absolute: Callable[[Any], str | None]) -> Choice:
    """Of the first place that offers any: all that is sound, else the first film, else the first that may be either.

    Those of the first place may be parts of one item, as WordPress makes them; of the others only one is taken, since
    they offer one recording in several forms.
    """
    refused = ""
    for number, place in enumerate(places):
        offered = [Enclosure(f.media_type, address, f.length) for f in place if (address := absolute(f.address))]
        by_judgement: dict[Judgement, list[Enclosure]] = {}
        for file in offered:
            verdict, reason = judged(file)
            by_judgement.setdefault(verdict, []).append(file)
            refused = refused or reason
        for verdict in ("sound", "film", "doubtful"):
            if files := by_judgement.get(verdict):
                parts = _parts(files) if number == 0 and verdict == "sound" else files[:1]
                return Choice(tuple(parts), doubtful=verdict != "sound")
    return Choice(refused=refused or NO_FILE)


def judged(file: Enclosure) -> tuple[Judgement, str]:
    """What a file may be, and where it is refused, why: its type, said or told by its name."""
    kind, suffix = media_type(file.media_type), _suffix(file.address)
    if _PLAYLIST.search(kind) or _OTHER_SUFFIXES.get(suffix) == "a playlist":
        return "refused", "a playlist"
    if _SOUND_TYPE.fullmatch(kind):
        return "sound", ""
    if _FILM_TYPE.fullmatch(kind) or suffix in _FILM_SUFFIXES:
        return "film", ""
    if audio_suffix(file.address) or suffix in _SOUND_SUFFIXES:
        return "sound", ""
    if _OTHER_TYPES.fullmatch(kind):
        return "refused", kind
    if suffix in _OTHER_SUFFIXES:
        return "refused", _OTHER_SUFFIXES[suffix]
    return "doubtful", ""


def _parts(files: list[Enclosure]) -> list[Enclosure]:
    """Each recording once: of a file in several formats the best."""
    best = set(each_once(file.address for file in files))
    kept = {file.address: file for file in reversed(files) if file.address in best}
    return list(reversed(kept.values()))


def _suffix(address: str) -> str:
    try:
        return PurePosixPath(unquote(urlsplit(address).path, errors="replace")).suffix.lower()
    except ValueError:
        return ""
