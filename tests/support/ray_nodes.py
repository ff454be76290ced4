"""A Ray cluster on this machine: nodes that can be started and killed one by one, and recognizers for their workers.

Everything listens on the loopback address, at ports of its own, and asks for a token.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.fake_recognizer import FakeRecognizer
from transcribe.audio.voice_activity import Piece
from transcribe.library.transcript import Engine
from transcribe.recognizers.protocol import Hints, Recognition

TIMEOUT_S = 240  # generous: for a process to begin and to die, on a machine with much else to do
STORE_BYTES = 80_000_000

# `ray start`, but for its way to put the machine's address in the place of 127.0.0.1.
START = """
import sys
from ray._private import services
services.resolve_ip_for_localhost = lambda host: host
from ray.scripts.scripts import main
sys.argv = ["ray", "start", *sys.argv[1:]]
main()
"""
OPTIONS = ("--block", "--node-ip-address", "127.0.0.1", "--object-store-memory", str(STORE_BYTES))
QUIET = ("--disable-usage-stats", "--include-log-monitor", "false")
SETTINGS = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": "a-token-for-the-tests-of-playhead",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # the owner connects to 127.0.0.1 itself
}
HEALTH = {  # that a node is dead, the head is to find out in seconds
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_failure_threshold": "3",
}


@dataclass
class Node:
    """The processes of one node."""

    process: "subprocess.Popen[bytes]"

    def kill(self) -> None:
        """As a machine dies that loses its power."""
        family = [self.process.pid, *below(self.process.pid)]
        for each in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        self.process.wait()

    def holds(self, process: int) -> bool:
        """Whether a process is one of its workers."""
        return process in below(self.process.pid)


@dataclass
class Nodes:
    """A head and what has joined it."""

    folder: Path
    address: str = ""
    running: list[Node] = field(default_factory=list)

    def start(self, cpus: int = 1) -> Node:
        """One more; the first is the head."""
        if self.running:
            place = ["--address", self.address]
        else:
            port = _free_port()
            self.address = f"127.0.0.1:{port}"
            client = ["--ray-client-server-port", str(_free_port())]
            place = [
                "--head",
                "--port",
                str(port),
                "--include-dashboard",
                "false",
                "--temp-dir",
                str(self.folder),
                *client,
            ]
        environment = {**os.environ, **SETTINGS, **HEALTH, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        environment["XDG_CACHE_HOME"] = str(self.folder)  # models that were sent are kept there
        if self.running:
            environment["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "1"
        with (self.folder / f"node-{len(self.running)}.log").open("wb") as log:
            command = [sys.executable, "-c", START, *place, *OPTIONS, *QUIET, "--num-cpus", str(cpus)]
            process = subprocess.Popen(
                command, env=environment, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )
        node = Node(process)
        self.running.append(node)
        _wait_for(Path(log.name), process)
        return node


@contextmanager
def nodes() -> Iterator[Nodes]:
    """None yet. All that are started end."""
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as folder:  # a short path
        cluster = Nodes(Path(folder))
        try:
            yield cluster
        finally:
            for node in reversed(cluster.running):
                node.kill()


def _wait_for(log: Path, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while b"Ray runtime started" not in log.read_bytes():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def _free_port() -> int:
    """Outside of what Ray gives its workers, 10002 to 19999."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port: int = server.getsockname()[1]
        if port > 20_000:
            return port


def below(process: int) -> list[int]:
    """All that it has started, and what those have."""
    found = []
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            for child in map(int, (thread / "children").read_text().split()):
                found += [child, *below(child)]
    return found


# What follows is loaded in workers, which find this module on the path that they are started with.


class Patient(FakeRecognizer):
    """Hears two pieces of an episode and no more until it may; writes down which process has heard which."""

    def __init__(self, log: Path, go: Path) -> None:
        super().__init__()
        self.log, self.go = log, go
        self._counts: Counter[str] = Counter()

    def recognize(self, pieces: Sequence[Piece], hints: Hints) -> list[Recognition]:
        self._counts[hints.prompt] += 1
        while self._counts[hints.prompt] > 2 and not self.go.exists():
            time.sleep(0.05)
        with self.log.open("a") as log:
            log.writelines(f"{os.getpid()} {hints.prompt or '-'} {piece.start_ms}\n" for piece in pieces)
        return super().recognize(pieces, hints)


class Poisoned(FakeRecognizer):
    """Ends its process where it is given one prompt."""

    def recognize(self, pieces: Sequence[Piece], hints: Hints) -> list[Recognition]:
        if hints.prompt == "poison":
            os._exit(9)
        return super().recognize(pieces, hints)


def fake(*_: Any, **__: Any) -> FakeRecognizer:
    return FakeRecognizer()


def patient(log: Path, go: Path, *_: Any, **__: Any) -> FakeRecognizer:
    return Patient(log, go)


def poisoned(*_: Any, **__: Any) -> FakeRecognizer:
    return Poisoned()


def unlike(*_: Any, **__: Any) -> FakeRecognizer:
    """Another engine in each process."""
    recognizer = FakeRecognizer()
    recognizer.engine = Engine("fake", f"1.{os.getpid()}", "none")
    return recognizer
