"""Hits as keyword in context: a stream of CSV, one line a hit, for a spreadsheet or a corpus tool."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from search.index.hits import Hit

COLUMNS = (
    *("episode", "show", "title", "published", "start_ms", "end_ms", "speaker", "confidence", "flags", "audio_sha256"),
    *("before", "text", "after"),
)


def lines(hits: Iterable[Hit]) -> Iterator[str]:
    """A line of column names, then one line for each hit (RFC 4180)."""
    yield _line(COLUMNS)
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
    """The value; text that a spreadsheet would run as a formula gets an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
