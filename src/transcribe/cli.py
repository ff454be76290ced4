"""The batch's share of the `playhead` command: fetch, transcribe, export. `search.cli` assembles the whole.

Functions here print and translate; everything else raises. Heavy imports stand inside, so that `--help` is quick.
"""

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from transcribe.errors import TranscriptError, UsageError
from transcribe.library import Library, write_whole

if TYPE_CHECKING:
    from transcribe.batch import Batch, Candidate, Report
    from transcribe.settings import Settings
    from transcribe.sources import Source
    from transcribe.workers import Workers

Sources = Annotated[
    list[str] | None,
    typer.Argument(
        help="An audio file, a folder of audio, an audio URL or a feed URL; none: the sources known so far and audio/.",
        show_default=False,
    ),
]
EngineName = Annotated[
    str | None,
    typer.Option("--engine", help="auto, whisper or pocketsphinx; auto is whisper where its model can be had."),
]
Model = Annotated[
    str | None, typer.Option(help="A Whisper model such as tiny.en or small, or the path of a .pt checkpoint.")
]
Language = Annotated[
    str | None, typer.Option(help="The spoken language, such as en; found by listening where not given.")
]
Device = Annotated[str | None, typer.Option(help="cpu or cuda; the best there is where not given.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Work on this many episodes at most, the newest first.")]
WorkerCount = Annotated[int | None, typer.Option("--workers", min=1, help="Episodes transcribed at once.")]


@dataclass(frozen=True, slots=True)
class Asked:
    """What stands before the verb, and how settings are read for that library."""

    library: Library
    settings: "Callable[..., Settings]"  # options by name; None where an option was not given


def fetch(context: typer.Context, sources: Sources = None, limit: Limit = None) -> None:
    """Fetch audio into the library, without transcribing it."""
    asked: Asked = context.obj
    settings = asked.settings(limit=limit)
    with batch(asked.library, settings) as work:
        for _ in work.fetched(work.wanted(work.find(named(sources, work, settings)), settings.limit)):
            pass  # each is in the library by now
    conclude(work.report)


def transcribe(
    context: typer.Context,
    engine: EngineName = None,
    model: Model = None,
    language: Language = None,
    device: Device = None,
    limit: Limit = None,
    workers: WorkerCount = None,
) -> None:
    """Transcribe the audio in the library that has no transcript yet."""
    asked: Asked = context.obj
    settings = asked.settings(
        engine=engine, model=model, language=language, device=device, limit=limit, workers=workers
    )
    with batch(asked.library, settings) as work:
        transcribe_all(work, work.wanted(work.stored(), settings.limit), settings)
    conclude(work.report)


def export(
    context: typer.Context,
    episode: Annotated[str, typer.Argument(help="Its id, show/episode, as `playhead status` lists it.")],
    form: Annotated[
        Literal["json", "vtt", "srt", "txt", "podcast"],
        typer.Option("--format", help="podcast is Podcasting 2.0 JSON."),
    ] = "vtt",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", dir_okay=False, help="A file instead of stdout.")
    ] = None,
) -> None:
    """Write one transcript for another program."""
    from transcribe.captions import FORMATS

    asked: Asked = context.obj
    try:
        text = FORMATS[form].write(asked.library.load_transcript(episode))
    except TranscriptError as problem:
        raise UsageError(f"{problem}. `playhead status` lists the episodes there are.") from problem
    if output:
        write_whole(output.absolute(), text.encode(errors="replace"))
    else:
        sys.stdout.buffer.write(text.encode(errors="replace"))


@contextmanager
def batch(library: Library, settings: "Settings") -> "Iterator[Batch]":
    """A run over the library, which is this process's alone meanwhile."""
    from transcribe.batch import Batch
    from transcribe.connection import Connection
    from transcribe.progress import Shown

    given: dict[str, Any] = {"user_agent": settings.user_agent} if settings.user_agent else {}
    with library.locked(), Shown() as progress, Connection(settings.allow_hosts, **given) as connection:
        yield Batch(library, connection, progress)


def named(sources: list[str] | None, work: "Batch", settings: "Settings") -> "list[Source]":
    """The sources given; without any, those of the settings, those that earlier runs met, and the audio folder."""
    from transcribe.sources import FolderSource, parse_source

    if sources:
        return [parse_source(text) for text in sources]
    known = dict.fromkeys([*(source.url for source in settings.source), *work.catalog.sources()])
    folder = [FolderSource(work.library.audio)] if work.library.audio.is_dir() else []
    return [*(parse_source(text) for text in known), *folder]


def transcribe_all(work: "Batch", wanted: "list[Candidate]", settings: "Settings") -> None:
    """Fetches and transcribes. The engine is made ready first: what cannot start is said before any work is done."""
    if wanted:
        work.transcribe(work.fetched(wanted), workers(work, len(wanted), settings))


def workers(work: "Batch", episodes: int, settings: "Settings") -> "Workers":
    """Who transcribes. Whisper uses all cores for one episode; pocketsphinx one core for each."""
    from transcribe import recognizers
    from transcribe.workers import InProcesses, InThisProcess

    load = functools.partial(recognizers.load, language=settings.language, device=settings.device)
    recognizer = load(settings.engine, settings.model, warn=work.progress.say)
    name, model = recognizer.engine.name, settings.model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = min(episodes, settings.workers or (cores if name == "pocketsphinx" else 1))
    if count == 1:
        return InThisProcess(recognizer, work.progress)
    return InProcesses(count, functools.partial(load, name, model, warn=_unheard), work.progress)


def _unheard(_: str) -> None:
    """For worker processes: what they would warn of has been said by then."""


def conclude(report: "Report") -> None:
    """Says what came of a run. Exit status 1 where something failed."""
    done = [f"{len(ids)} {what}" for what, ids in _parts(report) if ids]
    typer.echo(", ".join(done) or "Nothing to do.", err=True)
    for name, failure in report.failed.items():
        typer.echo(f"  failed: {name}: {failure.code}: {failure.message}", err=True)
    if report.failed:
        raise typer.Exit(1)


def _parts(report: "Report") -> list[tuple[str, list[str]]]:
    return [
        ("fetched", report.fetched),
        ("transcribed", report.transcribed),
        ("unchanged", report.unchanged),
        ("failed", list(report.failed)),
    ]
