"""Playhead as people meet it: the server, and the command from a cold start."""

import contextlib
import http.client
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bench.building import memory
from bench.latency import Latency, latency

PLAYHEAD = (sys.executable, "-c", "from search.cli import main; main()")
PATIENCE_S = 30


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
def serving(library: Path) -> Iterator[Server]:
    """`playhead serve` on a free port."""
    began = time.perf_counter()
    command = [*PLAYHEAD, "--library", str(library), "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            port = next(int(found[1]) for line in process.stderr if (found := re.search(r":(\d+) ", line)))
            _await_ready(port)
            yield Server(process.pid, port, time.perf_counter() - began)
        finally:
            process.terminate()


def load(server: Server, queries: Sequence[str], clients: int) -> Load:
    """Clients that ask one query after the other, each over its own connection."""
    waiting = iter(queries)
    answers: list[tuple[int, bool]] = []
    threads = [threading.Thread(target=_ask_all, args=(server.port, waiting, answers)) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    return Load(latency([took for took, _ in answers]), sum(not fine for _, fine in answers), len(queries) / seconds)


def cold_search_s(library: Path, queries: Sequence[str]) -> float:
    """The median of `playhead search`, each run a new process."""
    took = []
    for query in queries:
        began = time.perf_counter()
        subprocess.run([*PLAYHEAD, "--library", str(library), "search", query], check=True, stdout=subprocess.DEVNULL)
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def _ask_all(port: int, queries: Iterator[str], answers: list[tuple[int, bool]]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    for query in queries:
        began = time.perf_counter_ns()
        try:
            connection.request("GET", f"/api/search?q={quote(query)}")
            response = connection.getresponse()
            fine = b'"total"' in response.read() and response.status == 200
        except (OSError, http.client.HTTPException):
            connection.close()
            fine = False
        answers.append((time.perf_counter_ns() - began, fine))
    connection.close()


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
