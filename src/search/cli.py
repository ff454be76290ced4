"""The `playhead` command, assembled from both packages. Results go to stdout, all else to stderr."""

import contextlib
import functools
import logging
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlencode

import typer

import transcribe.cli as batch_cli
from search.errors import IndexUnavailable, QueryError
from search.query.limits import MAX_HITS, MAX_WITHIN_S, WITHIN_S
from transcribe import __version__
from transcribe.cli import (
    After,
    BatchSize,
    Beam,
    Before,
    CommandContext,
    Device,
    DryRun,
    EngineName,
    Language,
    Limit,
    Match,
    Model,
    Prompt,
    Quantize,
    RayAddress,
    ReportAsJson,
    Sources,
    WorkerCount,
)
from transcribe.console import log_to_console
from transcribe.errors import AudioError, CannotStart, CannotWrite, PlayheadError, UsageError
from transcribe.library.store import Library

if TYPE_CHECKING:
    from fastapi import FastAPI

    from search.index.library_index import IndexReport, LibraryIndex
    from search.settings import Settings
    from transcribe.library.sound_maker import SoundMaker

app = typer.Typer(
    name="playhead",
    help="Turns a podcast archive into text that can be searched to the word, each hit ready to play.",
    epilog="Start with: playhead run FILE-OR-FEED, then playhead search '\"a phrase\"', then playhead serve.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

EXIT_FAILED, EXIT_USAGE, EXIT_CANNOT_START = 1, 2, 3

log = logging.getLogger(__name__)
MAKES_A_LIBRARY = ("run", "fetch", "import")  # where there is none yet


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"playhead {__version__}")
        raise typer.Exit


IndexAt = Annotated[
    str | None,
    typer.Option("--index", metavar="URL[,URL…]", help="An OpenSearch cluster that holds the index; or whoosh, here."),
]
Update = Annotated[
    bool, typer.Option("--update", help="Take the audio that publishers have put in the place of what is stored.")
]


@app.callback()
def before_the_verb(
    context: typer.Context,
    library: Annotated[
        Path,
        typer.Option(
            envvar="PLAYHEAD_LIBRARY",
            file_okay=False,
            help="The folder with audio/ and transcripts/.",
            show_default="the current folder",
        ),
    ] = Path(),
    debug: Annotated[
        bool,
        typer.Option("--debug", envvar="PLAYHEAD_DEBUG", help="Say where an error came from, and log more."),
    ] = False,
    version: Annotated[  # noqa: ARG001 - no verb is wanted then, so its callback answers
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Turns a podcast archive into text that can be searched to the word, each hit ready to play."""
    log_to_console(debug)
    if context.invoked_subcommand not in MAKES_A_LIBRARY and not library.is_dir():
        raise UsageError(f"There is no library {library}: `playhead --library FOLDER run FILE-OR-FEED` makes one.")
    opened = Library(library)
    asked = CommandContext(
        opened,
        functools.partial(_settings, opened),
        lambda: _conclude_index(_refresh(_library_index(asked)), quiet=True),
    )
    context.obj = asked


@app.command()
def run(
    context: typer.Context,
    sources: Sources = None,
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
    after: After = None,
    before: Before = None,
    match: Match = None,
    update: Update = False,
    index: IndexAt = None,
    dry_run: DryRun = False,
    as_json: ReportAsJson = False,
) -> None:
    """Fetch, transcribe and index what is new: the whole batch."""
    from transcribe.batch.choice import choice

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
    library_index, named, chosen = _library_index(asked, index), batch_cli.given(sources), choice(after, before, match)
    if dry_run:
        with batch_cli.batch(asked.library, settings, update=update, dry_run=True) as work:
            planned = work.plan(chosen(work.find(named)), settings.limit)
        batch_cli.conclude(batch_cli.foreseen(work, planned, settings, _not_indexed(library_index, asked)), as_json)
        return
    library_index.check()  # rather than after hours of work
    with batch_cli.batch(asked.library, settings, update=update) as work:
        planned = work.plan(chosen(work.find(named)), settings.limit)
        try:
            batch_cli.transcribe_all(work, planned, settings)
        finally:  # what was transcribed before an interruption can be searched
            indexed = _refreshed(library_index)
        _make_seekable(asked.library, [*work.report.transcribed, *work.report.published])
    batch_cli.tell(work.report, as_json)
    _conclude_index(indexed, quiet=True)
    if work.report.failed:
        raise typer.Exit(1)


app.command()(batch_cli.fetch)
app.command()(batch_cli.transcribe)


@app.command("index")
def index_(
    context: typer.Context,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Start afresh from all transcripts.")] = False,
    index: IndexAt = None,
) -> None:
    """Bring the index up to date with the transcripts."""
    asked: CommandContext = context.obj
    with asked.library.locked():
        report = _refresh(_library_index(asked, index), rebuild)
    _conclude_index(report)


app.command("import")(batch_cli.import_)


@app.command()
def search(
    context: typer.Context,
    text: Annotated[list[str], typer.Argument(help="Words, or a phrase in double quotes: '\"peer to peer\"'.")],
    mode: Annotated[Literal["exact", "loose"], typer.Option(help="loose compares stems as well.")] = "exact",
    show: Annotated[str | None, typer.Option(help="Only in this show: its slug or title.")] = None,
    after: Annotated[
        str | None, typer.Option(help="Published on this date or later: 2012, 2012-02 or 2012-02-18.")
    ] = None,
    before: Annotated[str | None, typer.Option(help="Published before this date.")] = None,
    speaker: Annotated[str | None, typer.Option(help="Only where this speaker says the first word.")] = None,
    clean: Annotated[bool, typer.Option("--clean", help="Leave out words flagged as not to be trusted.")] = False,
    within: Annotated[int, typer.Option(min=1, max=MAX_WITHIN_S, help="Seconds between words at most.")] = WITHIN_S,
    sort: Annotated[
        Literal["newest", "oldest", "relevance"], typer.Option(help="relevance: the episodes with the most hits first.")
    ] = "newest",
    limit: Annotated[int, typer.Option(min=0, max=MAX_HITS, help="Hits to show.")] = 20,
    offset: Annotated[int, typer.Option(min=0, max=MAX_HITS, help="Hits to pass over.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="As the API answers.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="One line a hit, for a spreadsheet.")] = False,
    every: Annotated[bool, typer.Option("--all", help="With --csv: every hit there is.")] = False,
    bom: Annotated[bool, typer.Option("--bom", help="With --csv: marked as UTF-8, as Excel wants it.")] = False,
    index: IndexAt = None,
) -> None:
    """Find every place where the words were said.

    "a phrase" stands in double quotes, words without quotes must be said within 30 s of one another,
    -word leaves out, begin* is any word that begins so.
    """
    from search import terminal
    from search.index.contract import Filters, Request, body, show_named
    from search.query.parser import parse, synonyms
    from search.service.episode_sounds import EpisodeSounds
    from search.settings import web_root

    asked: CommandContext = context.obj
    _check_page(limit, offset, every, as_csv, bom)
    settings, said = _settings(asked.library), " ".join(text)
    query, dates = parse(said, mode, synonyms(settings.synonyms)), (_date(after), _date(before))
    opened = _library_index(asked, index).index()
    filters = Filters(show_named(show, opened) if show else None, *dates, speaker, clean)
    request = Request(query, filters, order=sort, limit=limit, offset=offset, within_ms=within * 1000)
    if as_csv:
        terminal.print_csv(opened.every(request) if every else opened.search(request).hits, bom)
        return
    began = time.perf_counter()
    answer = opened.search(request)
    if as_json:
        given = {"q": said, "mode": mode, "show": show, "after": after, "before": before, "speaker": speaker}
        how = {"flags": "clean" if clean else "all", "within": within, "sort": sort, "limit": limit}
        url = "/api/search?" + urlencode({name: value for name, value in (given | how).items() if value is not None})
        sounds = EpisodeSounds(asked.library, settings.seekable_copies)
        terminal.print_json(body(request, answer, time.perf_counter() - began, f"{url}&", sounds.address))
    else:
        terminal.print_hits(request, answer, web_root(settings.host, settings.port))


def _check_page(limit: int, offset: int, every: bool, as_csv: bool, bom: bool) -> None:
    if limit + offset > MAX_HITS:
        raise UsageError(f"--offset and --limit together may be {MAX_HITS} at most: narrow the search by date or show.")
    if every and not as_csv:
        raise UsageError("--all goes with --csv: playhead search TEXT --all --csv > hits.csv")
    if bom and not as_csv:
        raise UsageError("--bom goes with --csv: playhead search TEXT --csv --bom > hits.csv")


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="The address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="The port; 0 takes a free one.", show_default="8000")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer.")] = 1,
    index: IndexAt = None,
) -> None:
    """Serve the API and the player."""
    asked: CommandContext = context.obj
    from search.service.server import serve_forever

    settings = _settings(asked.library, host=host, port=port, index=index)
    sound_maker = _sound_maker(asked.library, settings) if workers == 1 else None  # else each worker has its own
    serve_forever(asked.library, settings, workers, sound_maker, worker="search.cli:worker")


def worker() -> "FastAPI":
    """The service as one of several workers makes it."""
    from search.service import server

    return server.app(_sound_maker)


app.command()(batch_cli.export)


@app.command()
def status(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """Show each episode: fetched, transcribed, indexed, or failed and why; and how each source answered.

    Exit status 1 where a source has failed for a week.
    """
    from search import terminal
    from search.status import episode_statuses, failing_for_a_week, in_work, seekable_copies
    from transcribe.library.source_states import NAME, load_source_states

    asked: CommandContext = context.obj
    try:
        contents, trouble = _library_index(asked).index().contents(), None
    except IndexUnavailable as problem:
        contents, trouble = [], str(problem)
    rows, at_work = episode_statuses(asked.library, contents), in_work(asked.library)
    copies, sources = seekable_copies(asked.library), load_source_states(asked.library.state / NAME)
    if as_json:
        plain = {
            "library": str(asked.library.root),
            "index": trouble,
            "seekable_copies": copies.to_json(),
            "episodes": [row.to_json() for row in rows],
            "running": [row.to_json() for row in at_work],
            "sources": [source.to_json() for source in sources],
        }
        terminal.print_json(plain)
    else:
        terminal.print_status(rows, at_work, asked.library, copies)
        terminal.print_sources(sources)
        if rows and trouble:
            _say(trouble)
    if failing_for_a_week(sources):
        raise typer.Exit(EXIT_FAILED)


def main() -> None:
    """The command's entry. Translates errors to one line and an exit status."""
    try:
        app()
    except (UsageError, QueryError) as problem:
        _fail(problem, EXIT_USAGE)
    except (CannotStart, CannotWrite, IndexUnavailable) as problem:
        _fail(problem, EXIT_CANNOT_START)
    except PlayheadError as problem:
        _fail(problem, EXIT_FAILED)
    except OSError as problem:  # a full disk, a library that may not be written
        _fail(": ".join(filter(None, [problem.filename, problem.strerror or str(problem)])), EXIT_CANNOT_START)
    except Exception as problem:
        told = f"This is an internal error of Playhead: {type(problem).__name__}: {problem}"
        way_out = "Run the same command as `playhead --debug ...`, and report what it prints to those who maintain it."
        _fail(f"{told}. {way_out}", EXIT_FAILED)


def _fail(problem: object, status: int) -> None:
    log.debug("Where it came from:", exc_info=True)
    _say(problem)
    sys.exit(status)


def _say(what: object) -> None:
    batch_cli.say(f"playhead: {what}")


def _settings(library: Library, **options: object) -> "Settings":
    from search.settings import Settings

    return Settings.load(library.root, **options)


def _sound_maker(library: Library, settings: "Settings") -> "SoundMaker | None":
    """What makes sound for the service; None where the settings want no copies."""
    from transcribe.audio.sound_process import SoundProcess

    return SoundProcess(library) if settings.seekable_copies else None


def _make_seekable(library: Library, episodes: Sequence[str]) -> None:
    """Makes the copies that browsers need of these episodes (ids). One that cannot be made is made later or never."""
    from search.service.episode_sounds import EpisodeSounds
    from transcribe.console import ProgressBars

    maker, sounds = _sound_maker(library, _settings(library)), EpisodeSounds(library)
    awaited = [name for name in episodes if (sound := sounds.of(name)) and sound.is_awaited]
    if maker is None or not awaited:
        return
    try:
        with ProgressBars() as progress, progress.task("seekable copies") as advance:
            for done, name in enumerate(awaited):
                advance(done, len(awaited))
                with contextlib.suppress(AudioError):
                    maker.seekable(name).result()
            advance(len(awaited), len(awaited))
    finally:
        maker.close()


def _library_index(asked: CommandContext, index: str | None = None) -> "LibraryIndex":
    """The library's index, by the option `--index` or else by the settings."""
    from search.index.backends import open_library_index

    return open_library_index(asked.library, _settings(asked.library, index=index))


def _not_indexed(library_index: "LibraryIndex", asked: CommandContext) -> set[str]:
    """The ids of the transcripts that the index does not hold yet."""
    try:
        held = {contents.episode.id for contents in library_index.index().contents()}
    except IndexUnavailable:
        held = set()
    return {*asked.library.transcript_ids()} - held


def _refresh(library_index: "LibraryIndex", rebuild: bool = False) -> "IndexReport":
    from transcribe.console import ProgressBars

    with ProgressBars() as progress, progress.task("index") as advance:
        return library_index.refresh(rebuild, advance)


def _refreshed(library_index: "LibraryIndex") -> "IndexReport | IndexUnavailable":
    """Updates the index; returns its report, or why it failed, so that the run is still reported."""
    try:
        return _refresh(library_index)
    except IndexUnavailable as problem:
        return problem


def _conclude_index(report: "IndexReport | IndexUnavailable", quiet: bool = False) -> None:
    """Prints what indexing did; with `quiet`, only what went wrong. Exits with status 1 where something did."""
    if isinstance(report, IndexUnavailable):
        _say(f"{report} What was transcribed is kept: `playhead index` takes it up.")
        raise typer.Exit(1)
    if report.unusable:
        batch_cli.say(f"The index was made anew from the transcripts. {report.unusable.split(':')[0]}.")
    if not quiet:
        done = f"{len(report.indexed)} indexed, {len(report.removed)} removed, {report.unchanged} unchanged"
        typer.echo(done, err=True)
    for name, reason in report.failed.items():
        batch_cli.say(f"  failed: {name}: {reason}")
    if report.failed:
        raise typer.Exit(1)


def _date(text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", text):
        raise UsageError(f"{text!r} is not a date: write 2012, 2012-02 or 2012-02-18.")
    return text
