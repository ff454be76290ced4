"""A node of three dies over and over, each time the one that manages the others: nothing wrong is told, nothing lost.

    python bench/faults/kill_cluster.py CORPUS_DIR [--files 100] [--seconds 60] [--clients 8] [--phrases 1000]
                                        [--seed 1] [--markdown]

First clients search through `playhead serve` while the manager is killed with SIGKILL and comes back. Then it is killed
amid the indexing of half of the episodes, and amid a rebuild of all. Exit status 1 where any total is not that of a
plain scan, more than one answer in a thousand is not 200, or an episode or a page of one is missing afterwards.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

sys.path.pop(0)  # this folder, whose search.py would hide the package
sys.path.insert(0, str(Path(__file__).parents[2]))

from bench import table
from bench.corpus import Asked, Corpus, take_in
from bench.latency import latency
from bench.playhead import text
from bench.service import serving
from search.index.contract import Request
from search.index.opensearch.connection import Cluster
from search.index.opensearch.library_index import OpenSearchLibraryIndex
from search.query.parser import parse
from tests.support.http_clients import Met
from tests.support.opensearch_cluster import Nodes, missing, started
from tests.support.opensearch_kills import KillAt, searched_meanwhile
from transcribe.library.store import Library

NODES = 3
LONGEST = 9  # words of a phrase
MOST_REFUSED = 1 / 1000  # of the answers


@dataclass(frozen=True)
class Row:
    """What one kill came to."""

    what: str
    told: str
    is_well: bool


class Trial:
    """A library, what a plain scan finds in it, and a cluster to index it on."""

    def __init__(self, library: Library, expected: Mapping[str, int], commonest: str, nodes: Nodes) -> None:
        self.library, self.expected, self.commonest, self.nodes = library, expected, commonest, nodes

    def library_index(self) -> OpenSearchLibraryIndex:
        """As a process has it that has just begun."""
        return OpenSearchLibraryIndex(self.library, Cluster.at(self.nodes.urls))

    def searched(self, clients: int, seconds: float) -> Iterator[Row]:
        """Clients search, and a third of the time the manager is dead."""
        self.library_index().refresh()
        queries = list(self.expected)
        with serving(self.library, "--index", self.nodes.urls) as server:
            third = seconds / 3
            met = searched_meanwhile(self.nodes, server.port, queries, clients, third, third, third)
        yield from _of_answers(met, self.expected)

    def loaded(self) -> Iterator[Row]:
        """The manager is killed when a quarter of the episodes joins half of them."""
        names = self.library.transcript_ids()
        later = [self.library.transcript_path(name) for name in names[::2]]
        for path in later:
            path.rename(path.with_suffix(".later"))
        self.library_index().refresh()
        for path in later:
            path.with_suffix(".later").rename(path)
        yield from self._indexed("a bulk load", rebuild=False, half=len(later) // 2)

    def rebuilt(self) -> Iterator[Row]:
        """The manager is killed when half of them are in the new generation."""
        yield from self._indexed("a rebuild", rebuild=True, half=len(self.library.transcript_ids()) // 2)

    def _indexed(self, what: str, rebuild: bool, half: int) -> Iterator[Row]:
        kill, began = KillAt(self.nodes, half), time.perf_counter()
        report = self.library_index().refresh(rebuild=rebuild, advance=kill)
        seconds = time.perf_counter() - began
        fine = kill.has_killed and not report.failed
        yield Row(f"killed amid {what}", f"{len(report.indexed)} episodes indexed in {seconds:.0f} s", fine)
        yield self._like_the_scan("before it is back")
        self.nodes.heal()
        yield self._like_the_scan("after")

    def _like_the_scan(self, when: str) -> Row:
        index = self.library_index().index()
        wrong = sum(index.search(Request(parse(query))).total != said for query, said in self.expected.items())
        lost = len(set(self.library.transcript_ids()) ^ {one.episode.id for one in index.contents()})
        shown = sum(1 for _ in index.every(Request(parse(self.commonest))))
        fine = not wrong and not lost and shown == self.expected[self.commonest]
        told = f"{lost} episodes lost or too many, {wrong} of {len(self.expected)} totals wrong, {shown:,} hits shown"
        return Row(f"... {when}", told, fine)


def _of_answers(met: Sequence[Met], expected: Mapping[str, int]) -> Iterator[Row]:
    answers = [one for one in met if one.status == HTTPStatus.OK]
    refused = Counter(one.status for one in met if one.status != HTTPStatus.OK)
    wrong = sum(one.total != expected[one.query] for one in answers)
    took = latency([one.took_ns for one in met])
    number = refused.total()
    yield Row("searched: answers", f"{len(met):,}", bool(answers))
    yield Row("... wrong totals", f"{wrong}", not wrong)
    told = ", ".join(f"{count} with {status}" for status, count in refused.items())
    yield Row("... not 200", f"{number}{f' ({told})' if told else ''}", number <= len(met) * MOST_REFUSED)
    yield Row("... median / 99th / worst, ms", f"{took.median:.0f} / {took.p99:.0f} / {took.worst:.0f}", is_well=True)


def _expected(corpus: Corpus, number: int, dice: random.Random) -> dict[str, int]:
    sizes = [dice.randint(1 + n % 2, LONGEST) for n in range(number)]
    phrases = [(corpus.across if n % 2 else corpus.inside)(dice, size) for n, size in enumerate(sizes)]
    return {text(Asked("phrase", phrase)): said for phrase, said in corpus.occurrences(phrases).items()}


def main() -> int:
    """The whole run."""
    asked = _arguments()
    if lacking := missing():
        print(f"There is {lacking}.")
        return 1
    with tempfile.TemporaryDirectory(prefix="playhead-kills-") as folder, started(NODES) as nodes:
        library, rows = Library(Path(folder, "library")), Path(folder, "rows.tsv")
        take_in(asked.corpus, library, rows, asked.files)
        corpus = Corpus(rows)
        expected = _expected(corpus, asked.phrases, random.Random(asked.seed))
        ((commonest, said),) = corpus.counts.most_common(1)
        trial = Trial(library, {**expected, f'"{commonest}"': said}, f'"{commonest}"', nodes)
        found = [*trial.searched(asked.clients, asked.seconds), *trial.loaded(), *trial.rebuilt()]
    render = table.markdown if asked.markdown else table.plain
    print(render(["", "", "as it must be"], [(row.what, row.told, "yes" if row.is_well else "NO") for row in found]))
    return 0 if all(row.is_well for row in found) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, help="a folder of caption files")
    parser.add_argument("--files", type=int, default=100, help="only so many of them")
    parser.add_argument("--seconds", type=float, default=60, help="of searching, the node's return not counted")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--phrases", type=int, default=1_000, help="whose totals are held against a plain scan")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
