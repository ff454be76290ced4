"""A real OpenSearch cluster for tests: the one named by PLAYHEAD_TEST_OPENSEARCH, or one started for this run."""

import atexit
import functools
import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections import deque
from pathlib import Path

import pytest

from search.opensearch.connection import LONG_S, Cluster, Connection
from search.opensearch.index import OpenSearchIndex
from search.opensearch.writer import OpenSearchWriter, current

SCRIPT = Path(__file__).parents[2] / "shared" / "opensearch" / "cluster"
KEPT = 8  # indexes
PORTS = range(9210, 9290, 5)  # the runner that starts it takes none above 9299

_kept: deque[str] = deque()


def urls() -> str:
    """Of the cluster; skips the test, saying why, where there is none."""
    found = _urls()
    if found.startswith("no "):
        pytest.skip(found)
    return found


@functools.cache
def connection() -> Connection:
    """To the cluster."""
    return Connection(Cluster.at(urls()))


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
    """Of the index of a folder."""
    return OpenSearchWriter(connection(), alias(folder))


def reader(folder: Path) -> OpenSearchIndex:
    """Of the index of a folder."""
    state = current(connection(), alias(folder))
    assert state is not None
    return OpenSearchIndex(connection(), state.index)


@functools.cache
def _urls() -> str:
    if given := os.environ.get("PLAYHEAD_TEST_OPENSEARCH"):
        return given
    nodes = os.environ.get("PLAYHEAD_TEST_OPENSEARCH_NODES")
    if not nodes:
        return "no cluster was asked for: `make test-cluster` starts one"
    if not shutil.which("java"):
        return "no Java to start OpenSearch with, and PLAYHEAD_TEST_OPENSEARCH is not set"
    if not SCRIPT.exists():
        return f"no {SCRIPT} to start OpenSearch with, and PLAYHEAD_TEST_OPENSEARCH is not set"
    folder = tempfile.mkdtemp(prefix="playhead-opensearch-")
    atexit.register(_stop, folder)
    command = [str(SCRIPT), "start", folder, "--nodes", nodes, "--port", str(_free_port())]
    started = subprocess.run(command, capture_output=True, text=True, check=True)
    return ",".join(started.stdout.split())


def _stop(folder: str) -> None:
    subprocess.run([SCRIPT, "stop", folder], check=False)
    shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    return next(port for port in PORTS if not _is_taken(port))


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
