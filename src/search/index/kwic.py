"""Every hit as keyword in context: one line of CSV each, streamed, for a spreadsheet or a corpus tool."""

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
    """A line of names, then one for each hit, each ended as RFC 4180 has it."""
    yield _line(COLUMNS)
    for hit in hits:
        yield _line(_row(hit))


def _row(hit: Hit) -> list[Any]:
    contents, episode = hit.contents, hit.contents.episode
    about = [episode.id, episode.show, episode.title, episode.published, hit.start_ms, hit.end_ms, hit.speaker]
    return [*about, hit.confidence, " ".join(hit.flags), contents.audio_sha256, hit.before, hit.text, hit.after]


def _line(values: Iterable[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([_safe(value) for value in values])
    return text.getvalue()


def _safe(value: Any) -> Any:
    """Spreadsheets run what begins like a formula; an apostrophe before it makes it text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
