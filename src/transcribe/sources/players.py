"""What an embedded player is given to play: in its address, its variables, its script or its data. No network.

Players of Flash take their files as `mp3=a.mp3|b.mp3`, `soundFile=a.mp3,b.mp3` (in base 64 where WordPress' Audio
Player hides it) or as JSON in `config=`; those of today as JSON in a script or an attribute.
"""

import base64
import binascii
import contextlib
import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from transcribe.web.media_types import audio_suffix

MOST_TRACKS = 300  # of one script
_LONGEST = 4000  # characters of an address
_MOST_PARAMETERS = 100
_DEEPEST = 40  # values within values
_QUOTED = re.compile(r""""((?:[^"\\\n]|\\.){1,4000})"|'((?:[^'\\\n]|\\.){1,4000})'""")
_BASE_64_OF_HTTP = re.compile(r"aHR0c[\w+/-]{8,4000}", re.ASCII)
_PROGRAM = re.compile(r"\.(?:php\d?|aspx?|ashx|cgi|pl|jsp|cfm)\?|download[^?]*\?", re.IGNORECASE)
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_BUZZSPROUT = re.compile(r"(?P<show>/\d+)/(?:episodes/)?(?P<episode>\d+[\w%.-]*?)(?:\.js)?")
_BUZZSPROUT_HOST = re.compile(r"(?:www\.)?buzzsprout\.com", re.IGNORECASE)
_TITLES = ("title", "name", "headline", "episodeTitle", "episode_title")
_DATES = ("datePublished", "published", "publishedAt", "published_at", "publicationDate", "pubDate", "date")


@dataclass(frozen=True, slots=True)
class Track:
    """A file that a player is given, and what is said of it there."""

    address: str  # as written
    title: str = ""
    published: str = ""


def variables(text: str) -> Iterator[str]:
    """The audio in an address' query or in the variables of a player (`a=1&b=2`), or the address itself."""
    if is_audio_address(text) and "=" not in text:
        yield from _split(text)
        return
    with contextlib.suppress(ValueError):  # not an address, or more parameters than any player has
        query = urlsplit(text).query or text
        for _, value in parse_qsl(query, max_num_fields=_MOST_PARAMETERS):
            yield from _within(value)


def script_tracks(text: str) -> list[Track]:
    """The audio in a script or an attribute: with its title where that is JSON, else every address that is quoted."""
    data = _json(text)
    found = list(_tracks(data)) if data is not None else [Track(address) for address in _addresses(text)]
    kept = {track.address: track for track in reversed(found)}
    return list(reversed(kept.values()))[:MOST_TRACKS]


def is_audio_address(text: str) -> bool:
    """Whether text may be the address of audio, by its ending. Pages that are named like the file they show are not."""
    text = text.strip()
    if not text or len(text) > _LONGEST or "\n" in text or not audio_suffix(text):
        return False
    path = urlsplit(text).path
    return not re.search(r":[^/]*$|/(?:wiki|details|blob)/", path)  # File:talk.ogg, archive.org, GitHub


def audio_parameter(address: str) -> bool:
    """Whether an address is of a program that sends audio by name, such as `download.php?file=talk.mp3`."""
    with contextlib.suppress(ValueError):
        query = urlsplit(address).query
        return any(is_audio_address(value) for _, value in parse_qsl(query, max_num_fields=_MOST_PARAMETERS))
    return False


def hosted_audio(address: str) -> str | None:
    """The audio of a player whose address says it: Buzzsprout's script and frame."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(address)
        is_theirs = _BUZZSPROUT_HOST.fullmatch(parts.hostname or "") or "container_id=buzzsprout" in parts.query
        if is_theirs and (match := _BUZZSPROUT.fullmatch(parts.path)):
            return parts._replace(path=f"{match['show']}/{match['episode']}.mp3", query="", fragment="").geturl()
    return None


def _within(value: str) -> Iterator[str]:
    """The audio in the value of a variable."""
    pieces = list(_split(value))
    if pieces:
        yield from pieces
    elif value.lstrip().startswith(("{", "[")):
        yield from (track.address for track in script_tracks(value))
    else:
        yield from _hidden(value)


def _split(value: str) -> Iterator[str]:
    """The files of a list: commas and bars stand between them, and may stand in an address too."""
    if audio_suffix(value) is None and not re.search(r"[|,]", value):
        return
    pieces = [piece.strip() for piece in re.split(r"[|,]", value)]
    if all(is_audio_address(piece) for piece in pieces if piece):
        yield from (piece for piece in pieces if piece)
    elif is_audio_address(value):
        yield value.strip()


def _addresses(text: str) -> Iterator[str]:
    """Gives the audio that the strings of a script name."""
    text = html.unescape(_ESCAPED.sub(lambda found: chr(int(found[1], 16)), text.replace("\\/", "/")))
    for match in _QUOTED.finditer(text):
        string = (match[1] or match[2]).strip()
        if "%3A%2F%2F" in string.upper() and not is_audio_address(string):
            string = unquote(string, errors="replace")
        if " " in string and "/" not in string.partition(" ")[0]:
            continue  # with spaces it is a sentence, unless it is an address
        if _PROGRAM.search(string) and audio_parameter(string):
            yield string
        elif "=" in string:
            yield from variables(string)
        else:
            yield from _within(string)


def _hidden(value: str) -> Iterator[str]:
    """The files in base 64, of either alphabet."""
    for match in _BASE_64_OF_HTTP.finditer(value):
        code = match[0].replace("-", "+").replace("_", "/")
        with contextlib.suppress(binascii.Error, ValueError):
            yield from _split(base64.b64decode(code + "=" * (-len(code) % 4)).decode().rstrip("\0"))


def _json(text: str) -> Any:
    text = text.strip()
    if not text.startswith(("{", "[")):
        return None
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(text, strict=False)
    return None


def _tracks(data: Any, said: Track = Track(""), depth: int = 0) -> Iterator[Track]:
    """Every audio address in JSON, with the nearest title and date around it."""
    if depth > _DEEPEST:
        return
    if isinstance(data, dict):
        title, published = _first(data, _TITLES) or said.title, _first(data, _DATES) or said.published
        said = Track("", title, published)
        for value in data.values():
            yield from _tracks(value, said, depth + 1)
    elif isinstance(data, list):
        for value in data:
            yield from _tracks(value, said, depth + 1)
    elif isinstance(data, str) and (is_audio_address(data) or audio_parameter(data)):
        yield Track(data.strip(), said.title, said.published)


def _first(data: dict[str, Any], names: tuple[str, ...]) -> str:
    return next((" ".join(value.split()) for name in names if isinstance(value := data.get(name), str) and value), "")
