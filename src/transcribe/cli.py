"""The batch's share of the `playhead` command: fetch, transcribe, import, export. `search.cli` assembles the whole.

Functions here print and translate; everything else raises. Heavy imports stand inside, so that `--help` is quick.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from transcribe.console import printable
from transcribe.errors import TranscriptError, UsageError
from transcribe.library.posix import sigterm_interrupts
from transcribe.library.store import Library, write_whole

if TYPE_CHECKING:
    from transcribe.batch.forecast import Forecast
    from transcribe.batch.next_step import Plan
    from transcribe.batch.report import Report
    from transcribe.batch.run import Batch
    from transcribe.batch.run_options import Condition
    from transcribe.library.episode import Record
    from transcribe.settings import Settings
    from transcribe.sources.source import Source

EXIT_INTERRUPTED = 130  # as a shell has it
PAST_RUNS = "past_runs.json"

Sources = Annotated[
    list[str] | None,
    typer.Argument(
        help="An audio file, a folder, an OPML file, or the address of audio, a feed or an episode's page; "
        "none: the sources known so far and audio/.",
        show_default=False,
    ),
]
EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine",
        help="auto, whisper, faster-whisper or pocketsphinx; auto is whisper where its model can be had.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        help="A Whisper model such as tiny.en or small, or the path of a checkpoint (.pt; a CTranslate2 folder)."
    ),
]
Language = Annotated[
    str | None, typer.Option(help="The spoken language, such as en; found by listening where not given.")
]
Device = Annotated[str | None, typer.Option(help="cpu or cuda; the best there is where not given.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Work on this many episodes at most, the newest first.")]
After = Annotated[
    str | None, typer.Option(metavar="DATE", help="Only episodes published on this day or later: 2012-02-18, 2012.")
]
Before = Annotated[str | None, typer.Option(metavar="DATE", help="Only episodes published before this day.")]
Match = Annotated[str | None, typer.Option(metavar="TEXT", help="Only episodes whose title holds this text.")]
Prompt = Annotated[str | None, typer.Option(help="Names and terms for Whisper to expect.")]
BatchSize = Annotated[
    int | None, typer.Option(min=1, help="Pieces of 30 s that Whisper decodes together; what fits where not given.")
]
Quantize = Annotated[
    Literal["int8"] | None, typer.Option(help="int8: Whisper's weights in less memory, and faster on a processor.")
]
Beam = Annotated[
    int | None,
    typer.Option(min=1, max=20, help="Readings that Whisper follows at once: 5 is slower, better in rarer languages."),
]
RayAddress = Annotated[
    str | None,
    typer.Option("--ray", metavar="auto|local|HOST:PORT", help="Transcribe on the machines of this Ray cluster."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done, how much and how long; fetch and write nothing.")
]
ReportAsJson = Annotated[bool, typer.Option("--json", help="What came of it, for a program to read.")]
WorkerCount = Annotated[int | None, typer.Option("--workers", min=1, help="Episodes transcribed at once.")]


@dataclass(frozen=True, slots=True)
class CommandContext:
    """What stands before the verb, and how settings are read for that library."""

    library: Library
    settings: "Callable[..., Settings]"  # options by name; None where an option was not given
    index: Callable[[], None]  # brings the index up to date, in a library that is locked; raises typer.Exit


def fetch(
    context: typer.Context,
    sources: Sources = None,
    limit: Limit = None,
    after: After = None,
    before: Before = None,
    match: Match = None,
    dry_run: DryRun = False,
    as_json: ReportAsJson = False,
) -> None:
    """Fetch audio into the library, without transcribing it."""
    from transcribe.batch.choice import choice
    from transcribe.batch.next_step import FETCH
    from transcribe.batch.past_runs import PastRuns

    asked: CommandContext = context.obj
    settings, named, chosen = asked.settings(limit=limit), given(sources), choice(after, before, match)
    with batch(asked.library, settings, dry_run=dry_run) as work:
        planned = work.plan(work.find(named, chosen), settings.limit, steps=FETCH)
        if not dry_run:
            work.fetch(planned)
            PastRuns(asked.library.state / PAST_RUNS).add(work.fetch_speed)
    if dry_run:
        conclude(foreseen(work, planned), as_json)
    else:
        conclude(work.report, as_json)


def transcribe(
    context: typer.Context,
    engine: EngineName = None,
    model: Model = None,
    language: Language = None,
    prompt: Prompt = None,
    device: Device = None,
    quantize: Quantize = None,
    beam: Beam = None,
    batch_size: BatchSize = None,
    limit: Limit = None,
    workers: WorkerCount = None,
    ray: RayAddress = None,
    redo: Annotated[
        str | None,
        typer.Option(
            metavar="CONDITION",
            help="Do again what has a transcript like this: flagged, damaged, 'model!=small', 'confidence<0.7'.",
        ),
    ] = None,
    dry_run: DryRun = False,
    as_json: ReportAsJson = False,
) -> None:
    """Transcribe the audio in the library that has no transcript yet, or deserves a better one."""
    from transcribe.batch.redo_condition import parse

    asked: CommandContext = context.obj
    settings = asked.settings(
        engine=engine,
        model=model,
        language=language,
        prompt=prompt,
        device=device,
        quantize=quantize,
        beam=beam,
        batch_size=batch_size,
        limit=limit,
        workers=workers,
        ray=ray,
    )
    with batch(asked.library, settings, redo=parse(redo) if redo else None, dry_run=dry_run) as work:
        planned = work.plan(work.stored(), settings.limit)
        if not dry_run:
            transcribe_all(work, planned, settings)
    if dry_run:
        conclude(foreseen(work, planned, settings), as_json)
    else:
        conclude(work.report, as_json)


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
    from transcribe.library.caption_writer import FORMATS

    asked: CommandContext = context.obj
    try:
        text = FORMATS[form].write(asked.library.load_transcript(episode))
    except TranscriptError as problem:
        raise UsageError(f"{problem}. `playhead status` lists the episodes there are.") from problem
    if output:
        write_whole(output.absolute(), text.encode(errors="replace"))
    else:
        sys.stdout.buffer.write(text.encode(errors="replace"))


def import_(
    context: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(help="Caption files (.vtt, .srt, .json, .ttml, .ass, .sbv, .lrc, .tsv) or folders of them."),
    ],
    show: Annotated[
        str | None, typer.Option(help="The show they belong to; their folder's name where not given.")
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="The language spoken, such as en, where the file says none.")
    ] = None,
    episode: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The episode whose text the file is: it is laid on that one's sound."),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="How the files' letters are encoded, such as cp1251, where they do not tell.")
    ] = None,
) -> None:
    """Take existing captions in as transcripts, and index them."""
    _check_encoding(encoding)
    if episode:
        _attach(context.obj, paths, episode, language, encoding)
        return
    from transcribe.publishers.caption_import import walk
    from transcribe.publishers.imported_episodes import ImportedEpisodes

    asked: CommandContext = context.obj
    failed, told, imported = dict[Path, str](), list[str](), set[str]()
    with asked.library.locked():
        episodes = ImportedEpisodes(asked.library)
        for path in walk(paths):
            try:
                taken = episodes.take(path, show, language, encoding)
            except TranscriptError as problem:
                failed[path] = str(problem)
                continue
            imported.add(taken.id)
            notes = [*(["replaced, as this file made it before"] if taken.replaced else []), *taken.notes]
            if notes:
                told.append(f"  {taken.id} from {path.name}: {'; '.join(notes)}")
        typer.echo(f"{len(imported)} imported, {len(failed)} failed", err=True)
        for line in told:
            say(line)
        for path, reason in failed.items():
            say(f"  failed: {path}: {reason.removeprefix(f'{path}: ')}")
        asked.index()
    if failed:
        raise typer.Exit(1)


def _check_encoding(encoding: str | None) -> None:
    if encoding is None:
        return
    try:
        "".encode(encoding)
    except (LookupError, ValueError) as problem:
        raise UsageError(f"{encoding!r} is no encoding that is known here: write one such as cp1251.") from problem


def _attach(asked: CommandContext, paths: list[Path], episode: str, language: str | None, encoding: str | None) -> None:
    """Makes a file an episode's text: laid on its sound, where that is here."""
    if len(paths) != 1 or not paths[0].is_file():
        raise UsageError("--episode takes one file: playhead import FILE --episode ID")
    settings, path = asked.settings(language=language), paths[0]
    with batch(asked.library, settings) as work:
        record = work.catalog.records.get(episode)
        if record is None and not asked.library.transcript_path(episode).exists():
            raise UsageError(f"There is no episode {episode}. `playhead status` lists the episodes there are.")
        if record is None or record.audio is None:
            reason = _taken_alone(asked.library, path, episode, language, encoding)
        else:
            reason = _laid_on_sound(work, settings, record, path, encoding)
        typer.echo(f"{0 if reason else 1} imported, {1 if reason else 0} failed", err=True)
        say(
            f"  failed: {path}: {reason.removeprefix(f'{path}: ')}"
            if reason
            else f"  {episode} has the text of {path.name} now"
        )
        for trouble in work.report.unchecked.values():
            say(f"  {trouble.code}: {episode}: {trouble.message}")
        asked.index()
    if reason:
        raise typer.Exit(1)


def _taken_alone(library: Library, path: Path, episode: str, language: str | None, encoding: str | None) -> str | None:
    """Makes a file the transcript of an episode without sound; why it cannot be, if so."""
    from transcribe.publishers.imported_episodes import ImportedEpisodes

    try:
        taken = ImportedEpisodes(library).take(path, language=language, encoding=encoding, episode=episode)
    except TranscriptError as problem:
        return str(problem)
    for note in taken.notes:
        say(f"  {episode} from {path.name}: {note}")
    return None


def _laid_on_sound(
    work: "Batch", settings: "Settings", record: "Record", path: Path, encoding: str | None
) -> str | None:
    """Lays a file's text on an episode's sound; why it cannot be, if so."""
    from transcribe.workers.job_tracker import JobTracker
    from transcribe.workers.setup import worker_setup

    tracker, running = JobTracker(work.progress, work.checkpoints), work.library.state / "running.json"
    with worker_setup(settings, 1, tracker, running) as workers:
        return work.attach(record, path, workers, settings.language, encoding)


@contextmanager
def batch(
    library: Library,
    settings: "Settings",
    redo: "Condition | None" = None,
    update: bool = False,
    dry_run: bool = False,
) -> "Iterator[Batch]":
    """A run over the library, which this process has alone meanwhile. Ctrl-C and SIGTERM end it in good order.

    A dry run only asks sources: it takes no lock, and writes what it learns into a folder that is deleted at its end.
    """
    from transcribe.batch.dry_library import DryLibrary, copied_state
    from transcribe.batch.run import Batch
    from transcribe.batch.run_options import RunOptions
    from transcribe.console import ProgressBars
    from transcribe.fetch.feed_cache import FeedCache
    from transcribe.fetch.http_client import HttpClient
    from transcribe.fetch.politeness import Politeness
    from transcribe.sources.source import source_of

    given: dict[str, Any] = {"user_agent": settings.user_agent} if settings.user_agent else {}
    sources = {source_of(source.url, library.root): source.transcripts for source in settings.source}
    options = RunOptions(redo, update, sources, settings.language, dry_run)
    work: Batch | None = None
    try:
        with (
            sigterm_interrupts(),
            copied_state(library) if dry_run else library.locked() as state,
            ProgressBars() as progress,
            HttpClient(settings.allow_hosts, hosts=Politeness(state / "hosts.json"), **given) as connection,
            FeedCache(state / "visits.json", settings.poll_every_s) as feed_cache,
        ):
            work = Batch(DryLibrary(library.root) if dry_run else library, connection, feed_cache, progress, options)
            yield work
    except KeyboardInterrupt:
        for line in work.report.table() if work else ():
            say(line)
        typer.echo("Interrupted. What was done is kept; the same command goes on from there.", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None


def given(sources: list[str] | None) -> "list[Source]":
    """The sources that were named. Raises UsageError for one that is none, before anything is begun."""
    from transcribe.sources.source import parse_source

    return [parse_source(text) for text in sources or ()]


def transcribe_all(work: "Batch", planned: "Plan", settings: "Settings") -> None:
    """Fetches and transcribes. The engine is made ready first: what cannot start is said before any work is done."""
    if not planned.episodes:
        return
    from transcribe.batch.past_runs import EngineOptions, PastRuns, Speed
    from transcribe.workers.job_tracker import JobTracker
    from transcribe.workers.setup import worker_setup

    tracker, running = JobTracker(work.progress, work.checkpoints), work.library.state / "running.json"
    with worker_setup(settings, len(planned), tracker, running) as workers:
        work.transcribe(planned, workers, settings.prompt_for)
    recognized = Speed(tracker.audio_ms, tracker.busy_s, EngineOptions.of(settings))
    PastRuns(work.library.state / PAST_RUNS).add(work.fetch_speed, recognized)


def foreseen(
    work: "Batch", planned: "Plan", settings: "Settings | None" = None, not_indexed: "Iterable[str] | None" = None
) -> "Forecast":
    """What a plan comes to; settings are given where it transcribes, `not_indexed` transcripts where it indexes."""
    from transcribe.batch.forecast import forecast
    from transcribe.batch.past_runs import EngineOptions, PastRuns

    options = EngineOptions.of(settings) if settings else None
    past = PastRuns(work.library.state / PAST_RUNS)
    return forecast(planned, work.report, work.library, past, options, not_indexed)


def conclude(report: "Report | Forecast", as_json: bool = False) -> None:
    """Says what came of a run, or would. Exit status 1 where something failed."""
    tell(report, as_json)
    if report.failed:
        raise typer.Exit(1)


def tell(report: "Report | Forecast", as_json: bool = False) -> None:
    """Says what came of a run, on stdout where a program is to read it."""
    if as_json:
        typer.echo(json.dumps(report.to_json(), ensure_ascii=False, indent=1))
    else:
        for line in report.lines():
            say(line)


def say(line: str) -> None:
    """One line for a person."""
    typer.echo(printable(line), err=True)
