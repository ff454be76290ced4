"""A real OpenSearch cluster for tests: the one named by PLAYHEAD_TEST_OPENSEARCH, or one started for this run."""

import atexit
import contextlib
import functools
import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from search.index.opensearch.connection import LONG_S, Cluster, Connection
from search.index.opensearch.index import OpenSearchIndex
from search.index.opensearch.writer import OpenSearchWriter, current

SCRIPT = Path(__file__).parents[3] / "shared" / "opensearch" / "cluster"
GIVEN = "PLAYHEAD_TEST_OPENSEARCH"
KEPT = 8  # indexes
PORTS = range(9210, 9290, 5)  # the runner that starts it takes none above 9299
WHOLE_S = 60  # until a node that came back has its copies again

_kept: deque[str] = deque()


@dataclass(frozen=True, slots=True)
class Nodes:
    """A cluster of our own on this machine, each node a process that may be killed."""

    folder: str
    urls: str  # with commas between

    def kill_manager(self) -> None:
        """SIGKILL to the elected manager."""
        told = Connection(Cluster.at(self.urls)).call("GET", "/_nodes/_cluster_manager/http", patience_s=LONG_S)
        (manager,) = told["nodes"].values()
        number = 1 + self.urls.split(",").index(f"http://{manager['http']['publish_address']}")
        _script("kill", self.folder, str(number))

    def heal(self) -> None:
        """Lets nodes that were killed come back with their old data; waits until every shard has all its copies."""
        for number, _, _, state in map(str.split, _script("status", self.folder).splitlines()):
            if state == "down":
                _script("resume", self.folder, number)
        health = Connection(Cluster.at(self.urls)).call(
            "GET",
            "/_cluster/health",
            patience_s=2 * WHOLE_S,
            wait_for_nodes=str(len(self.urls.split(","))),
            wait_for_status="green",
            timeout=f"{WHOLE_S}s",
        )
        assert not health["timed_out"], health


@contextlib.contextmanager
def started(nodes: int) -> Iterator[Nodes]:
    """A cluster of so many nodes, for as long as it is wanted. What is `missing` for it must be there."""
    folder = tempfile.mkdtemp(prefix="playhead-opensearch-")  # a TemporaryDirectory may go before atexit stops nodes
    try:
        told = _script("start", folder, "--nodes", str(nodes), "--port", str(_free_port()))
        yield Nodes(folder, ",".join(told.split()))
    finally:
        _script("stop", folder)
        shutil.rmtree(folder, ignore_errors=True)


def missing() -> str | None:
    """What is not here that it takes to start a cluster."""
    if not shutil.which("java"):
        return "no Java to start OpenSearch with"
    return None if SCRIPT.exists() else f"no {SCRIPT} to start OpenSearch with"


def urls() -> str:
    """Of the cluster; skips the test, saying why, where there is none."""
    return os.environ.get(GIVEN) or own().urls


def own() -> Nodes:
    """The cluster started for this run; skips the test, saying why, where there is none or it is somebody else's."""
    nodes = os.environ.get("PLAYHEAD_TEST_OPENSEARCH_NODES")
    if os.environ.get(GIVEN):
        pytest.skip(f"{GIVEN} names a cluster whose nodes are not ours to kill")
    if not nodes:
        pytest.skip("no cluster was asked for: `make test-cluster` starts one")
    if lacking := missing():
        pytest.skip(f"{lacking}, and {GIVEN} is not set")
    return _own(int(nodes))


@functools.cache
def connection(replicas: int | None = None) -> Connection:
    """To the cluster, for indexes of so many copies."""
    return Connection(Cluster.at(urls(), replicas=replicas))


def alias(folder: Path) -> str:
    """What the index of a folder is called; another one for each folder. Only the last few are kept."""
    name = f"playhead-{uuid.uuid5(uuid.NAMESPACE_URL, str(folder)).hex}"
    if name not in _kept:
        _kept.append(name)
        if len(_kept) > KEPT:
            forget(_kept.popleft())
    return name


def forget(alias: str) -> None:
    """Takes all of its generations away."""
    names = connection().call("GET", f"/{alias}-*/_alias", patience_s=LONG_S)
    for name in names:
        connection().call("DELETE", f"/{name}", patience_s=LONG_S)


def writer(folder: Path) -> OpenSearchWriter:
    """Of the index of a folder. It has no copies: making them takes longer than what most tests ask of it."""
    return OpenSearchWriter(connection(replicas=0), alias(folder))


def reader(folder: Path) -> OpenSearchIndex:
    """Of the index of a folder."""
    state = current(connection(), alias(folder))
    assert state is not None
    return OpenSearchIndex(connection(), state.index)


@functools.cache
def _own(nodes: int) -> Nodes:
    kept = contextlib.ExitStack()
    atexit.register(kept.close)
    return kept.enter_context(started(nodes))


def _script(verb: str, folder: str, *others: str) -> str:
    return subprocess.run([str(SCRIPT), verb, folder, *others], capture_output=True, text=True, check=True).stdout


def _free_port() -> int:
    return next(port for port in PORTS if not _is_taken(port))


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
