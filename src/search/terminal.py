"""Results on a terminal, as JSON and as CSV, on stdout."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from search.index import kwic
from search.index.contract import Answer, Filters, Request, Unknown
from search.index.hits import Hit
from search.status import EpisodeStatus
from transcribe.console import printable
from transcribe.library.clock import clock
from transcribe.library.episode import DAMAGES, Quality
from transcribe.library.running_jobs import RunningJob
from transcribe.library.store import Library

TIME_WIDTH = 9  # a long one: "  1:02:03"


def print_hits(request: Request, answer: Answer, address: str) -> None:
    """Hits as they would be read, each with its time and a link that plays it while `playhead serve` runs."""
    console = _console()
    episode = None
    for hit in answer.hits:
        if hit.contents.episode != episode:
            episode = hit.contents.episode
            told = [episode.show, episode.title, (episode.published or "")[:10]]
            console.print(_text(" · ".join(part for part in told if part), style="bold"))
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_column(justify="right", width=TIME_WIDTH, style="cyan")
        line.add_row(clock(hit.start_ms), _sentence(hit))
        console.print(line)
        link = " " * (TIME_WIDTH + 2) + f"{address}/episodes/{episode.id}#{hit.fragment}"
        console.print(Text(link, style="dim"), soft_wrap=True)  # in one piece, to be clicked or copied
    console.print(_text(_summary(request, answer)), soft_wrap=True)


def print_csv(hits: Iterable[Hit]) -> None:
    """Keyword in context, one line a hit, each as soon as it is found."""
    for line in kwic.lines(hits):
        sys.stdout.write(line)


def print_json(data: Any) -> None:
    """For a program to read."""
    print(json.dumps(data, ensure_ascii=False, indent=1))


def print_status(rows: Sequence[EpisodeStatus], at_work: Sequence[RunningJob], library: Library) -> None:
    """Each episode and how far along it is; then what is being transcribed elsewhere, and where."""
    console = _console()
    if not rows:
        console.print(f"The library {library.root} is empty. `playhead run FILE-OR-FEED` fills it.", soft_wrap=True)
        return
    head = f"{'fetched':<9}{'transcribed':<13}{'indexed':<9}{'length':>8}  {'covered':>7}  {'flagged':>7}"
    console.print(f"{head}  {'by':<20}  episode", soft_wrap=True)
    for row in rows:
        fetched, transcribed, indexed = ("yes" if done else "-" for done in (row.fetched, row.transcribed, row.indexed))
        length = clock(row.duration_ms) if row.duration_ms else ""
        covered, flagged = (_percent(row.quality, name) for name in ("covered", "flagged"))
        line = f"{fetched:<9}{transcribed:<13}{indexed:<9}{length:>8}  {covered:>7}  {flagged:>7}"
        console.print(_text(f"{line}  {row.engine or '':<20}  {row.episode}"), soft_wrap=True)
        if row.failure:
            told = "" if row.failure.code in DAMAGES else "failed: "
            console.print(_text(f"  {told}{row.failure.code}: {row.failure.message}", style="red"), soft_wrap=True)
        if row.changed_upstream:
            note = "  changed_upstream: its publisher has other audio by now; `playhead run --update` takes it"
            console.print(Text(note), soft_wrap=True)

    for run in at_work:
        of = f" of {clock(run.of_ms)}" if run.of_ms else ""
        console.print(_text(f"on {run.node}: {run.episode}, {clock(run.done_ms)}{of}"), soft_wrap=True)


def _percent(quality: Quality | None, share: Literal["covered", "flagged"]) -> str:
    return f"{getattr(quality, share):.0%}" if quality else ""


def _console() -> Console:
    return Console(highlight=False, markup=False, emoji=False)  # what was said and asked may hold brackets and colons


def _sentence(hit: Hit) -> Text:
    text, at = Text(), 0
    for begin, end in hit.marks:
        text.append(printable(hit.text[at:begin])).append(printable(hit.text[begin:end]), "bold reverse")
        at = end
    text.append(printable(hit.text[at:]))
    before, after = printable(hit.before), printable(hit.after)
    return Text.assemble(before, " " if before else "", text, " " if after else "", after)


def _text(text: str, style: str = "") -> Text:
    return Text(printable(text), style=style)


def _summary(request: Request, answer: Answer) -> str:
    if not answer.total:
        narrowed = "" if request.filters == Filters() else ", narrowed as it is"
        return " ".join([f"No hits for {request.query.text}{narrowed}", *map(_blame, answer.unknown)])
    first, last = request.offset + 1, request.offset + len(answer.hits)
    partly = f", {first} to {last} shown" if answer.hits else ", none of them shown"
    shown = partly if len(answer.hits) < answer.total else ""
    return f"{answer.total} {'hit' if answer.total == 1 else 'hits'}{shown}"


def _blame(unknown: Unknown) -> str:
    meant = f" Did you mean {' or '.join(unknown.nearest)}?" if unknown.nearest else ""
    return f"\nNobody says “{unknown.word}”.{meant}"
