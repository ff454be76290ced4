"""Writes hits as CSV, one line a hit with the words before and after it, for a spreadsheet or a corpus tool."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

import regex

from search.index.hits import Hit

COLUMNS = (
    *("episode", "show", "title", "published", "start_ms", "end_ms", "speaker", "confidence", "flags", "audio_sha256"),
    *("before", "text", "after"),
)
BOM = "\ufeff"  # by which Excel knows a file as UTF-8
_PASSED_OVER = regex.compile(r"\A[\s\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]*")  # before a formula, by spreadsheets
_FORMULA = ("=", "+", "-", "@")
_SEPARATORS = ("\t", "\r", "\n")  # which may end a cell, so that a formula is the next


def lines(hits: Iterable[Hit], bom: bool = False) -> Iterator[str]:
    """A line of names, then one for each hit, each ended as RFC 4180 has it; `bom` puts a byte order mark first."""
    yield (BOM if bom else "") + _line(COLUMNS)
    for hit in hits:
        episode = hit.contents.episode
        about = [episode.id, episode.show, episode.title, episode.published, hit.start_ms, hit.end_ms, hit.speaker]
        trust = [hit.confidence, " ".join(hit.flags), hit.contents.audio_sha256]
        yield _line([*about, *trust, hit.before, hit.text, hit.after])


def _line(values: Iterable[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([_safe(value) for value in values])
    return text.getvalue()


def _safe(value: Any) -> Any:
    """Spreadsheets run what begins like a formula; an apostrophe before it makes it text.

    They pass over spaces and characters that nobody sees, and take full-width signs for the plain ones.
    """
    if not isinstance(value, str):
        return value
    first = unicodedata.normalize("NFKC", _PASSED_OVER.sub("", value, count=1)[:1])
    return f"'{value}" if first in _FORMULA or value.startswith(_SEPARATORS) else value
