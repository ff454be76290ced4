"""One of three nodes dies, the one that manages the others: every answer is right, and so is the index afterwards.

`bench/faults/kill_cluster.py` does the same with real speech, and for longer.
"""

import functools
import random
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from search.index.contract import Request
from search.index.opensearch.connection import Cluster
from search.index.opensearch.library_index import OpenSearchLibraryIndex
from search.query.parser import parse
from tests.support import opensearch_cluster
from tests.support.command import begun, ended
from tests.support.conversations import VOCABULARY, transcript
from tests.support.opensearch_cluster import Nodes
from tests.support.opensearch_kills import KillAt, searched_meanwhile
from tests.support.plain_scan import scan
from transcribe.library.store import Library
from transcribe.library.transcript import Transcript

EPISODES, WORDS = 36, 300
QUERIES = 30
NODES = 3
CLIENTS = 8


def spoken(number: int) -> Transcript:
    dice = random.Random(number)
    common = [f"word{n}" for n in range(100)]
    said = " ".join(dice.choice(VOCABULARY if dice.random() < 0.3 else common) for _ in range(WORDS))
    return transcript(said, name=f"show/{number}", published=f"2012-01-{1 + number % 28:02}")


@functools.cache
def transcripts() -> list[Transcript]:
    return [spoken(number) for number in range(EPISODES)]


@functools.cache
def expected() -> dict[str, int]:
    """Totals that a plain scan counts."""
    dice = random.Random(1)
    totals = {}
    for size in (dice.randint(1, 4) for _ in range(QUERIES)):
        said = [word.text for _, word in dice.choice(transcripts()).words() if word.text != "—"]
        at = dice.randrange(len(said) - size)
        query = f'"{" ".join(said[at : at + size])}"'
        totals[query] = sum(len(scan(one, parse(query))) for one in transcripts())
    return totals


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    nodes = opensearch_cluster.own()
    if len(nodes.urls.split(",")) < NODES:
        pytest.skip(f"{NODES} nodes are needed, so that two can elect another manager")
    yield nodes
    nodes.heal()


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path)


@pytest.fixture
def library_index(nodes: Nodes, library: Library) -> Iterator[OpenSearchLibraryIndex]:
    library_index = OpenSearchLibraryIndex(library, Cluster.at(nodes.urls))
    yield library_index
    opensearch_cluster.forget(library_index.alias())


@pytest.fixture
def small_bulks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.index.opensearch.writer._BULK_BYTES", 20_000)


def save(library: Library, some: Sequence[Transcript]) -> None:
    for one in some:
        library.save_transcript(one)


def totals(library_index: OpenSearchLibraryIndex) -> dict[str, int]:
    """As a process finds them that has just begun."""
    index = OpenSearchLibraryIndex(library_index.library, library_index.cluster).index()
    assert len(index.contents()) == EPISODES
    return {query: index.search(Request(parse(query))).total for query in expected()}


def test_clients_meet_right_totals_and_hardly_an_error_while_the_manager_is_killed(
    library_index: OpenSearchLibraryIndex, nodes: Nodes
) -> None:
    save(library_index.library, transcripts())
    library_index.refresh()
    serving = begun("--library", library_index.library.root, "serve", "--port", "0", "--index", nodes.urls)
    try:
        assert serving.stderr is not None
        port = int(serving.stderr.readline().split()[3].rpartition(":")[2])
        met = searched_meanwhile(nodes, port, list(expected()), CLIENTS, before_s=2, dead_s=5, after_s=2)
    finally:
        serving.send_signal(signal.SIGINT)
        ended(serving)
    assert len(met) > 10 * CLIENTS
    assert [one for one in met if one.status == 200 and one.total != expected()[one.query]] == []
    assert len([one for one in met if one.status != 200]) <= 1 + len(met) / 1000


@pytest.mark.usefixtures("small_bulks")
def test_an_index_is_whole_that_was_being_loaded_when_the_manager_was_killed(
    library_index: OpenSearchLibraryIndex, nodes: Nodes
) -> None:
    before, more = transcripts()[: EPISODES // 2], transcripts()[EPISODES // 2 :]
    save(library_index.library, before)
    library_index.refresh()
    save(library_index.library, more)
    kill = KillAt(nodes, len(more) // 2)
    report = library_index.refresh(advance=kill)
    assert (kill.has_killed, len(report.indexed)) == (True, len(more))
    assert totals(library_index) == expected()
    nodes.heal()
    assert totals(library_index) == expected()


@pytest.mark.usefixtures("small_bulks")
def test_an_index_is_whole_that_was_being_rebuilt_when_the_manager_was_killed(
    library_index: OpenSearchLibraryIndex, nodes: Nodes
) -> None:
    save(library_index.library, transcripts())
    library_index.refresh()
    kill = KillAt(nodes, EPISODES // 2)
    report = library_index.refresh(rebuild=True, advance=kill)
    assert (kill.has_killed, len(report.indexed)) == (True, EPISODES)
    assert totals(library_index) == expected()
    nodes.heal()
    assert totals(library_index) == expected()
