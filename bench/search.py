"""Playhead's search, embedded and on OpenSearch, beside SQLite FTS5 and tantivy, on the same words, in the same run.

    python bench/search.py CORPUS_DIR [--files N] [--phrases 10000] [--opensearch 1,3] [--seed 1] [--markdown]
                           [--keep DIR]

What the columns mean stands in bench/README.md.
"""

import argparse
import contextlib
import datetime
import operator
import platform
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.pop(0)  # this folder, whose search.py would hide the package
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import opensearch, table
from bench.building import FTS5_CUES, PLAYHEAD, SYSTEMS, Built, built, system
from bench.corpus import SHOW, Asked, Corpus, Phrase, take_in
from bench.latency import Latency, latencies
from bench.peers import FTS5, System
from bench.playhead import text
from bench.service import cold_search_s, load, serving
from search.index.library_index import LibraryIndex
from transcribe.library.store import Library
from transcribe.publishers.caption_import import import_captions, walk

LONGEST = 9  # words of a phrase
QUERIES = 2_000  # phrases whose latency is taken
OTHERS = 500  # words, pairs and prefixes
CLIENTS = 16
CLIENTS_OF_A_CLUSTER = 4  # that ask for totals
MB = 1e6

Row = list[str]


@dataclass(frozen=True)
class Questions:
    """What all systems are asked."""

    workloads: Mapping[str, Sequence[Asked]]  # whose latency is taken
    phrases: Sequence[Phrase]  # whose totals are held against a plain scan


@dataclass(frozen=True)
class Measured:
    """Of one system."""

    built: Built
    took: Mapping[str, Latency | None]  # by workload
    totals: Sequence[int]  # of the phrases


def main() -> None:
    """The whole run."""
    asked = _arguments()
    with contextlib.ExitStack() as stack:
        folder = Path(asked.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="playhead-bench-")))
        folder.mkdir(parents=True, exist_ok=True)
        _run(asked, folder.resolve())


def _run(asked: argparse.Namespace, folder: Path) -> None:
    render = table.markdown if asked.markdown else table.plain
    library, rows = Library(folder / "library"), folder / "rows.tsv"
    if not rows.exists():
        _tell(f"importing {asked.corpus}")
        take_in(asked.corpus, library, rows, asked.files)
    corpus, dice = Corpus(rows), random.Random(asked.seed)
    questions = Questions(_workloads(corpus, dice), _drawn(corpus, asked.phrases, dice))
    print(_heading(corpus, library, asked.seed))
    measured = _measure_here(folder, corpus, questions)
    for nodes in opensearch.sizes(asked.opensearch):
        with opensearch.cluster(nodes, library) as urls:
            measured |= _measure_cluster(nodes, urls, folder, questions)
    print(f"\n{render(['', *measured], _compare(measured, corpus, questions))}\n")
    _tell("over HTTP")
    print(render(["Playhead as people meet it", ""], _of_service(library, corpus, dice, asked.corpus)))


def _measure_here(folder: Path, corpus: Corpus, questions: Questions) -> dict[str, Measured]:
    systems: dict[str, System] = {}
    builds: dict[str, Built] = {}
    for name in SYSTEMS:
        try:
            systems[name] = system(name, folder)
        except ImportError:
            print(f"{name} is passed over: it is not installed.")
            continue
        _tell(f"building {name}")
        builds[name] = built(name, folder)
    for opened in systems.values():
        opened.open()
    _check_tokens(systems[FTS5_CUES], corpus)
    return _measure(systems, builds, questions)


def _measure_cluster(nodes: int, urls: str, folder: Path, questions: Questions) -> dict[str, Measured]:
    name = f"Playhead, OpenSearch, {nodes} node{'s' if nodes > 1 else ''}"
    _tell(f"building {name}")
    builds = {name: built(name, folder, urls)}
    systems = {name: system(name, folder, urls)}
    systems[name].open()
    return _measure(systems, builds, questions, CLIENTS_OF_A_CLUSTER)


def _measure(
    systems: Mapping[str, System], builds: Mapping[str, Built], questions: Questions, clients: int = 1
) -> dict[str, Measured]:
    """Latency is met by one client; `clients` ask for totals, of a system that takes questions from several threads."""
    took: dict[str, dict[str, Latency | None]] = {}
    for workload, queries in questions.workloads.items():
        _tell(workload)
        took[workload] = latencies(systems, queries)
    _tell(f"totals of {len(questions.phrases)} phrases")
    return {
        name: Measured(
            builds[name],
            {workload: found[name] for workload, found in took.items()},
            _totals(opened, questions.phrases, clients),
        )
        for name, opened in systems.items()
    }


def _totals(opened: System, phrases: Sequence[Phrase], clients: int) -> list[int]:
    if clients == 1:
        return [_total(opened, phrase) for phrase in phrases]
    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(lambda phrase: _total(opened, phrase), phrases))


def _check_tokens(fts5: System, corpus: Corpus) -> None:
    """All search the same words, or nothing that follows could be compared."""
    assert isinstance(fts5, FTS5)
    if fts5.tokens() != corpus.counts:
        raise SystemExit("FTS5's tokens are not Playhead's words.")


def _workloads(corpus: Corpus, dice: random.Random) -> dict[str, list[Asked]]:
    sizes = [dice.randint(2, LONGEST) for _ in range(QUERIES)]
    return {
        "a word": [Asked("word", (corpus.word(dice),)) for _ in range(OTHERS)],
        "phrase of 2 to 9 words": [Asked("phrase", phrase) for phrase in _phrases(corpus, sizes, dice)],
        "20 commonest phrases": [Asked("phrase", phrase) for phrase in corpus.commonest(8, 6, 6)] * 10,
        "two words within 30 s": [Asked("near", corpus.pair(dice)) for _ in range(OTHERS)],
        "prefix of 3 to 5 letters": [Asked("prefix", (corpus.beginning(dice),)) for _ in range(OTHERS)],
    }


def _drawn(corpus: Corpus, number: int, dice: random.Random) -> list[Phrase]:
    return _phrases(corpus, [dice.randint(1 + n % 2, LONGEST) for n in range(number)], dice)


def _compare(measured: Mapping[str, Measured], corpus: Corpus, questions: Questions) -> list[Row]:
    text_bytes = sum(len(word) + 1 for word in corpus.counts.elements())
    return [
        *_of_builds({name: one.built for name, one in measured.items()}, text_bytes),
        *_of_latency(measured, questions),
        *_of_recall({name: one.totals for name, one in measured.items()}, corpus, questions.phrases),
    ]


def _of_builds(builds: Mapping[str, Built], text_bytes: int) -> list[Row]:
    return [
        _compared("build, s", {name: took.seconds for name, took in builds.items()}),
        _compared("size, MB", {name: took.bytes / MB for name, took in builds.items()}),
        ["size, times the text", *(f"{took.bytes / text_bytes:.1f}" for took in builds.values())],
        _compared("peak memory of the build, MB", {name: took.peak_bytes / MB for name, took in builds.items()}),
    ]


def _of_latency(measured: Mapping[str, Measured], questions: Questions) -> list[Row]:
    return [
        _compared(f"{workload}, {label}, ms", {name: _field(one, workload, field) for name, one in measured.items()})
        for workload in questions.workloads
        for label, field in (("median", "median"), ("99th percentile", "p99"), ("worst", "worst"))
    ]


def _of_recall(totals: Mapping[str, Sequence[int]], corpus: Corpus, phrases: Sequence[Phrase]) -> list[Row]:
    said = corpus.occurrences(phrases)
    expected = [said[phrase] for phrase in phrases]
    exact = [sum(map(operator.eq, found, expected)) for found in totals.values()]
    return [
        ["phrases within a cue found", *(_percent(_found(found[::2]), len(found[::2])) for found in totals.values())],
        ["phrases across cues found", *(_percent(_found(found[1::2]), len(found[1::2])) for found in totals.values())],
        ["total as a plain scan counts", *(f"{right} of {len(phrases)}" for right in exact)],
    ]


def _of_service(library: Library, corpus: Corpus, dice: random.Random, captions: Path) -> list[Row]:
    sizes = [dice.randint(2, LONGEST) for _ in range(QUERIES)]
    queries = [text(Asked("phrase", phrase)) for phrase in _phrases(corpus, sizes, dice)]
    for memory in (library.state / "index").glob("checked-*.json"):
        memory.unlink()
    with serving(library) as server:
        rows = [["serve: until /readyz, index yet to be checked, s", f"{server.started_s:.2f}"]]
    with serving(library) as server:
        rows += [["serve: until /readyz, s", f"{server.started_s:.2f}"]]
        rows += [["serve: memory after the start, MB", f"{server.memory / MB:.0f}"]]
        load(server, queries[:50], 1)
        for clients in (1, CLIENTS):
            met = load(server, queries, clients)
            name = f"HTTP, {clients} client{'s' if clients > 1 else ''}"
            took = met.latency
            rows += [
                [f"{name}: median / 99th / worst, ms", f"{took.median:.1f} / {took.p99:.1f} / {took.worst:.1f}"],
                [f"{name}: answers a second; errors", f"{met.per_second:.0f}; {met.errors}"],
            ]
        rows += [["serve: memory after these, MB", f"{server.memory / MB:.0f}"]]
    rows += [["`playhead search` from a cold start, median of 5, s", f"{cold_search_s(library, queries[:5]):.2f}"]]
    return [*rows, ["one more episode, s", f"{_add_one(library, captions):.2f}"]]


def _add_one(library: Library, captions: Path) -> float:
    """How long the index takes to know one more; the episode is taken out again."""
    more = import_captions(walk([captions])[-1], f"{SHOW} again")
    library.save_transcript(more)
    began = time.perf_counter()
    LibraryIndex(library).refresh()
    seconds = time.perf_counter() - began
    for suffix in (".json", ".vtt"):
        library.transcript_path(more.episode.id).with_suffix(suffix).unlink()
    LibraryIndex(library).refresh()
    return seconds


def _phrases(corpus: Corpus, sizes: Sequence[int], dice: random.Random) -> list[Phrase]:
    """Every second one, from the second on, lies across a cue's edge."""
    return [(corpus.across if n % 2 else corpus.inside)(dice, size) for n, size in enumerate(sizes)]


def _total(opened: System, phrase: Phrase) -> int:
    return opened.ask(Asked("phrase", phrase)) or 0


def _found(totals: Sequence[int]) -> int:
    return sum(total > 0 for total in totals)


def _field(measured: Measured, workload: str, field: str) -> float | None:
    found = measured.took[workload]
    return None if found is None else getattr(found, field)


def _compared(label: str, values: Mapping[str, float | None]) -> Row:
    """A row of values, the peers' with how many times Playhead's they are."""
    ours = values[PLAYHEAD]
    assert ours
    cells = {name: "-" if value is None else f"{_number(value)} ({value / ours:.2f})" for name, value in values.items()}
    return [label, *{**cells, PLAYHEAD: _number(ours)}.values()]


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / max(1, whole):.2f} %"


def _heading(corpus: Corpus, library: Library, seed: int) -> str:
    return (
        f"{datetime.date.today()}, {platform.machine()}, Python {platform.python_version()}, seed {seed}: "
        f"{len(library.transcript_ids())} episodes, {corpus.cues:,} cues, {corpus.counts.total():,} words. "
        "In brackets: how many times Playhead's."
    )


def _tell(what: str) -> None:
    print(f"... {what}", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, help="a folder of caption files")
    parser.add_argument("--files", type=int, help="only so many of them")
    parser.add_argument("--phrases", type=int, default=10_000, help="for recall")
    parser.add_argument("--opensearch", type=_numbers, default="1,3", metavar="NODES,…", help="in clusters of so many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    parser.add_argument("--keep", help="a folder to work in and leave; what is imported there is not imported again")
    return parser.parse_args()


def _numbers(given: str) -> list[int]:
    return [int(number) for number in given.split(",") if number]


if __name__ == "__main__":
    main()
