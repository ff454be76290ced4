"""Prints results on stdout: for a terminal, as JSON, as CSV."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from search.index import hits_csv
from search.index.contract import Answer, Filters, Request
from search.index.hits import Hit
from search.status import CopiesStatus, EpisodeStatus
from transcribe.console import printable
from transcribe.library.clock import clock
from transcribe.library.episode import DAMAGES
from transcribe.library.running_jobs import RunningJob
from transcribe.library.source_states import SourceState
from transcribe.library.store import Library

TIME_WIDTH = 9  # a long one: "  1:02:03"


def print_hits(request: Request, answer: Answer, address: str) -> None:
    """Prints hits, each with its time and a link that plays it while `playhead serve` runs."""
    console = _console()
    episode = None
    for hit in answer.hits:
        if hit.contents.episode != episode:
            episode = hit.contents.episode
            heading = [episode.show, episode.title, (episode.published or "")[:10]]
            console.print(_text(" · ".join(filter(None, heading)), style="bold"))
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_column(justify="right", width=TIME_WIDTH, style="cyan")
        line.add_row(clock(hit.start_ms), _sentence(hit))
        console.print(line)
        link = " " * (TIME_WIDTH + 2) + f"{address}/episodes/{episode.id}#{hit.fragment}"
        console.print(Text(link, style="dim"), soft_wrap=True)  # in one piece, so that it can be clicked or copied
    console.print(_text(_summary(request, answer)), soft_wrap=True)


def print_csv(hits: Iterable[Hit], bom: bool = False) -> None:
    """CSV, one line a hit, each as soon as it is found; `bom` for Excel (`hits_csv.lines`)."""
    for line in hits_csv.lines(hits, bom):
        sys.stdout.write(line)


def print_json(data: Any) -> None:
    """Prints JSON for a program."""
    print(json.dumps(data, ensure_ascii=False, indent=1))


def print_status(
    rows: Sequence[EpisodeStatus], at_work: Sequence[RunningJob], library: Library, copies: CopiesStatus
) -> None:
    """Prints the status of each episode, what seekable copies take, and the jobs that run on other machines."""
    console = _console()
    if not rows:
        console.print(f"The library {library.root} is empty. `playhead run FILE-OR-FEED` fills it.", soft_wrap=True)
        return
    head = f"{'fetched':<9}{'transcribed':<13}{'indexed':<9}{'length':>8}  {'covered':>7}  {'flagged':>7}"
    console.print(f"{head}  {'by':<20}  episode", soft_wrap=True)
    for row in rows:
        fetched, transcribed, indexed = ("yes" if done else "-" for done in (row.fetched, row.transcribed, row.indexed))
        length = clock(row.duration_ms) if row.duration_ms else ""
        covered, flagged = (f"{row.quality.covered:.0%}", f"{row.quality.flagged:.0%}") if row.quality else ("", "")
        line = f"{fetched:<9}{transcribed:<13}{indexed:<9}{length:>8}  {covered:>7}  {flagged:>7}"
        console.print(_text(f"{line}  {row.engine or '':<20}  {row.episode}"), soft_wrap=True)
        if row.failure:
            failed = "" if row.failure.code in DAMAGES else "failed: "
            console.print(_text(f"  {failed}{row.failure.code}: {row.failure.message}", style="red"), soft_wrap=True)
        if row.changed_upstream:
            note = "  changed_upstream: its publisher has other audio by now; `playhead run --update` takes it"
            console.print(Text(note), soft_wrap=True)
    if copies.files:
        console.print(f"seekable copies: {copies.files}, {copies.bytes / 1e6:.1f} MB", soft_wrap=True)

    if to_go := sum(not row.transcribed and not row.failure for row in rows):
        console.print(f"{to_go} to go", soft_wrap=True)
    for job in at_work:
        of = f" of {clock(job.of_ms)}" if job.of_ms else ""
        console.print(_text(f"on {job.node}: {job.episode}, {clock(job.done_ms)}{of}"), soft_wrap=True)


def print_sources(sources: Sequence[SourceState]) -> None:
    """Prints when each source was asked, what it answered, and since when it fails."""
    console = _console()
    for source in sources:
        told = source.answer
        if source.failing_since is not None:
            told = f"failing since {_day(source.failing_since)}: {told}"
        line = _text(f"{_day(source.asked)}  {source.source}: {told}", style="red" if source.failing_since else "")
        console.print(line, soft_wrap=True)
        if source.not_taken:
            count = sum(source.not_taken.values())
            reasons = ", ".join(f"{n} {reason}" for reason, n in source.not_taken.items())
            console.print(_text(f"  {count} item{'' if count == 1 else 's'} not taken: {reasons}"), soft_wrap=True)


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment).astimezone().strftime("%Y-%m-%d %H:%M")


def _console() -> Console:
    return Console(highlight=False, markup=False, emoji=False)  # transcripts and queries may hold brackets and colons


def _sentence(hit: Hit) -> Text:
    text, at = Text(), 0
    for begin, end in hit.marks:
        text.append(printable(hit.text[at:begin])).append(printable(hit.text[begin:end]), "bold reverse")
        at = end
    text.append(printable(hit.text[at:]))
    before, after = printable(hit.before), printable(hit.after)
    gap_before, gap_after = ("" if joined else " " for joined in hit.joined)
    return Text.assemble(before, gap_before if before else "", text, gap_after if after else "", after)


def _text(text: str, style: str = "") -> Text:
    return Text(printable(text), style=style)


def _summary(request: Request, answer: Answer) -> str:
    if not answer.total:
        narrowed = "" if request.filters == Filters() else ", narrowed as it is"
        lines = [f"No hits for {request.query.text}{narrowed}"]
        for unknown in answer.unknown:
            meant = f" Did you mean {' or '.join(unknown.nearest)}?" if unknown.nearest else ""
            lines.append(f"\nNobody says “{unknown.word}”.{meant}")
        if forms := [form for unknown in answer.unknown for form in unknown.other_forms]:
            lines.append(f"\n--mode loose finds {', '.join(forms)}.")
        return " ".join(lines)
    first, last = request.offset + 1, request.offset + len(answer.hits)
    partly = f", {first} to {last} shown" if answer.hits else ", none of them shown"
    shown = partly if len(answer.hits) < answer.total else ""
    return f"{answer.total} {'hit' if answer.total == 1 else 'hits'}{shown}"
