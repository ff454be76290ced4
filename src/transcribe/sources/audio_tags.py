"""Reads the tags of an audio file: title, show, date, description."""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import mutagen

_DAY = re.compile(r"\d{4}-\d\d-\d\d(?![\d-])", re.ASCII)

# What ID3 (mp3, wav, aiff), MP4, Vorbis comments (ogg, opus, flac) and ASF call them, best first.
_TITLE = ("TIT2", "\xa9nam", "title", "Title")
_SHOW = ("TALB", "\xa9alb", "album", "WM/AlbumTitle", "TPE1", "\xa9ART", "artist", "Author")
_PUBLISHED = ("TDRL", "TDRC", "\xa9day", "date", "WM/Year")
_DESCRIPTION = ("TDES", "ldes", "desc", "description", "COMM", "\xa9cmt", "comment", "Description")

# The errors that mutagen raises on damaged files (found by mutating a hundred thousand).
_UNREADABLE = (mutagen.MutagenError, struct.error, LookupError, ValueError, ArithmeticError, EOFError)


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of a file; each is None where it is missing or empty."""

    title: str | None = None
    show: str | None = None  # the album, else the artist
    published: str | None = None  # ISO 8601: a full date, or a date and time
    description: str | None = None


def read_tags(path: Path) -> Tags:
    """The file's tags, whatever its name; all None where it has none, is no audio or cannot be read."""
    try:
        file = mutagen.File(path)
    except _UNREADABLE:
        return Tags()
    tags: Mapping[str, Any] = {} if file is None or file.tags is None else file.tags
    dates = (full_date(text) for text in _texts(tags, _PUBLISHED))
    return Tags(
        title=next(iter(_texts(tags, _TITLE)), None),
        show=next(iter(_texts(tags, _SHOW)), None),
        published=next((date for date in dates if date), None),
        description=next(iter(_texts(tags, _DESCRIPTION)), None),
    )


def full_date(text: str) -> str | None:
    """The text as an ISO 8601 date, or date and time; None where it is no full date."""
    if not _DAY.match(text):
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment.date().isoformat() if len(text.strip()) == 10 else moment.isoformat().replace("+00:00", "Z")


def _texts(tags: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    """The texts under these names, in their order, without blank ones."""
    found = (_text(value) for name in names for key, value in _items(tags) if _bare(key) == name)
    return [text for text in found if text]


def _items(tags: Mapping[str, Any]) -> list[tuple[str, Any]]:
    # Vorbis comments are a list of pairs as well as a mapping; only `keys` and `[]` are common to all formats.
    return [(key, tags[key]) for key in tags.keys()]  # noqa: SIM118 - iterating Vorbis comments gives pairs


def _bare(key: str) -> str:
    """A comment's key in ID3 is `COMM:<what it is for>:<language>`; one for nothing in particular is the comment."""
    return key.split("::")[0]


def _text(value: Any) -> str:
    """The first text of an ID3 frame, a list, or a text."""
    value = getattr(value, "text", value)
    if isinstance(value, list | tuple):
        value = value[0] if value else ""
    return " ".join(str(value).replace("\x00", " ").split())
