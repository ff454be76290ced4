"""Playhead as people meet it: the server, and the command from a cold start."""

import contextlib
import http.client
import re
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from bench.building import memory
from bench.command import command, playhead
from bench.latency import Latency, latency
from tests.support.http_clients import PATIENCE_S, search  # of tests/
from transcribe.library.store import Library


@dataclass(frozen=True)
class Server:
    """A running `playhead serve`."""

    process: int
    port: int
    started_s: float  # from the command to the first answer of /readyz

    @property
    def memory(self) -> int:
        """Bytes that it holds now."""
        return memory(self.process, "VmRSS")


@dataclass(frozen=True)
class Load:
    """What clients met."""

    latency: Latency
    errors: int
    per_second: float


@contextlib.contextmanager
def serving(library: Library, *options: str) -> Iterator[Server]:
    """`playhead serve` on a free port."""
    began = time.perf_counter()
    serve = command(library, "serve", "--port", "0", *options)
    with subprocess.Popen(serve, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            port = next(int(found[1]) for line in process.stderr if (found := re.search(r":(\d+) ", line)))
            _await_ready(port)
            yield Server(process.pid, port, time.perf_counter() - began)
        finally:
            process.terminate()


def load(server: Server, queries: Sequence[str], clients: int) -> Load:
    """Clients that ask one query after the other, each over its own connection."""
    began = time.perf_counter()
    met = search(server.port, queries, clients)
    seconds = time.perf_counter() - began
    errors = sum(one.status != HTTPStatus.OK or one.total is None for one in met)
    return Load(latency([one.took_ns for one in met]), errors, len(queries) / seconds)


def cold_search_s(library: Library, queries: Sequence[str]) -> float:
    """The median of `playhead search`, each run a new process."""
    took = []
    for query in queries:
        began = time.perf_counter()
        playhead(library, "search", query)
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def _await_ready(port: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        connection.close()
        time.sleep(0.01)
    raise TimeoutError(f"/readyz did not answer 200 within {PATIENCE_S} s")
