"""The templates of the pages, and their filters. Templates escape everything they show."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from fastapi import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from search.index.hits import Hit
from search.query.limits import MAX_HITS, WITHIN_S
from transcribe.library.clock import clock
from transcribe.library.transcript import Segment, gap

ASSETS = Path(__file__).parents[1] / "player"

_FLAGS = {  # of a segment: label and explanation
    "low_confidence": ("unsure", "The recognizer was not sure of these words."),
    "repetition": ("repeats itself", "The recognizer said the same thing over and over: it may not have been said."),
    "no_speech": ("perhaps no speech", "There may be no speech here at all, only music or noise."),
    "too_fast": ("too fast", "Nobody speaks so fast: words were invented, or their times are wrong."),
    "interpolated": ("times estimated", "The caption has no times for its words: they are spread over it by length."),
}


def render(template: str, status: int = 200, media_type: str = "text/html", **context: Any) -> Response:
    """A page made of a template and its context."""
    text = _templates.get_template(template).render(context)
    return Response(text.encode(errors="replace"), status, media_type=media_type)


def _day(published: str | None) -> str:
    """A date as `18 February 2012`; any other text as it stands."""
    try:
        day = date.fromisoformat((published or "")[:10])
    except ValueError:
        return published or ""
    return f"{day.day} {day:%B %Y}"


def _exact(ms: int) -> str:
    """A time in seconds with its milliseconds, for a link: `754.29`."""
    return f"{ms // 1000}.{ms % 1000:03}".rstrip("0").rstrip(".")


def _web(link: str | None) -> str | None:
    """The link if it is http or https; a feed may hold any other."""
    return link if link and link.lower().startswith(("http://", "https://")) else None


def _pieces(hit: Hit) -> Iterator[tuple[str, bool]]:
    """The text of a hit in pieces, each with whether it is a match."""
    at = 0
    for begin, end in hit.marks:
        yield hit.text[at:begin], False
        yield hit.text[begin:end], True
        at = end
    yield hit.text[at:], False


def _sounds(segment: Segment) -> Iterator[tuple[str, bool]]:
    """The text of a segment in pieces, each with whether it is spoken."""
    shown = at = 0
    for word in segment.words:
        begin = segment.text.find(word.text, at)
        if begin < 0:  # the spaces of the text differ from its words'
            continue
        at = begin + len(word.text)
        if not word.spoken:
            yield segment.text[shown:begin], True
            yield word.text, False
            shown = at
    yield segment.text[shown:], True


def _corrected(text: str, word: str, other: str) -> str:
    """A query with one word replaced by another; the other word alone where the query has it in another form."""
    corrected = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", lambda _: other, text, flags=re.IGNORECASE)
    return corrected if corrected != text else other


def _count(number: int, noun: str) -> str:
    """`1 place`, `1,234 places`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _hours(ms: int) -> str:
    """A length of time: `4 min`, `12.5 h`."""
    return f"{max(1, round(ms / 60_000))} min" if ms < 5_400_000 else f"{ms / 3_600_000:.1f} h"


def _environment() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(ASSETS / "templates"),
        autoescape=True,  # in all of them, .xml too
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = {
        "day": _day,
        "exact": _exact,
        "web": _web,
        "pieces": _pieces,
        "count": _count,
        "hours": _hours,
        "sounds": _sounds,
    }
    templates.filters.update({**filters, "clock": clock, "corrected": _corrected})
    templates.globals.update(flag_labels=_FLAGS, max_hits=MAX_HITS, usual_within=WITHIN_S, gap=gap)
    return templates


_templates = _environment()
