"""The machines of a Ray cluster: the one module that imports Ray.

This process is Ray's driver. It must run on a machine of the cluster, which may offer no processors. What is started
here ends with this process, however that ends.
"""

import importlib
import logging
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from transcribe.errors import CannotStart, EngineUnavailable, UsageError
from transcribe.library.posix import sigterm_kept

AUTO, LOCAL = "auto", "local"
CONNECT_S = 5.0  # to find out whether there is anything at an address
GET_S = 60.0  # for a message that has been announced to come over
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_NUM_REDIS_GET_RETRIES": "5",  # seconds to be let in
}
STORE_BYTES = 256 << 20  # of memory for what is under way, in a cluster started here


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the cluster, and the resources that Ray may assign on it."""

    id: str
    host: str
    cpus: int
    gpus: float

    @property
    def name(self) -> str:
        """The name in messages; several nodes may be on one machine."""
        return f"{self.host} ({self.id[:6]})"


class WorkerLost(Exception):  # noqa: N818 - said of a worker
    """The worker is dead: no answer will come. The text says why in one line."""


class CallsEnded(Exception):  # noqa: N818 - as StopIteration
    """All answers of a stream have come."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """An answer that is awaited, or a stream of them."""

    pending: Any  # an ObjectRef or an ObjectRefGenerator
    is_one: bool = True  # and no stream

    def answer(self) -> Any:
        """The answer that has come. Raises WorkerLost, and CallsEnded at the end of a stream."""
        ray = _module("ray")
        try:
            one = self.pending if self.is_one else next(self.pending)
            return ray.get(one, timeout=GET_S)
        except StopIteration:
            raise CallsEnded from None
        except ray.exceptions.RayError as problem:
            raise WorkerLost(_in_short(problem)) from problem


class Remote:
    """An object in a process of its own, on some node."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def call(self, method: str, *args: Any) -> Call:
        """Answers once. Calls are answered one after the other."""
        return Call(getattr(self._handle, method).remote(*args))

    def stream(self, method: str, *args: Any) -> Call:
        """Answers as often as the method yields."""
        return Call(getattr(self._handle, method).options(num_returns="streaming").remote(*args), is_one=False)

    def end(self) -> None:
        """Kills its process."""
        _module("ray").kill(self._handle)


class Cluster:
    """A cluster that this process is connected to; see `connected`."""

    def nodes(self) -> list[Node]:
        """The nodes that are alive."""
        return [
            Node(
                node["NodeID"],
                node["NodeManagerHostname"],
                int(node["Resources"].get("CPU", 0)),
                float(node["Resources"].get("GPU", 0)),
            )
            for node in _module("ray").nodes()
            if node["Alive"]
        ]

    def start(self, kind: type, args: Sequence[Any], node: Node, cpus: int, gpus: float) -> Remote:
        """Starts an object of that class on a node, once so much is free there. It ends with this process."""
        ray = _module("ray")
        there = _module("ray.util.scheduling_strategies").NodeAffinitySchedulingStrategy(node.id, soft=False)
        actor = ray.remote(max_restarts=0, num_cpus=cpus, num_gpus=gpus, scheduling_strategy=there)(kind)
        return Remote(actor.remote(*args))

    def answered(self, calls: Sequence[Call], wait_s: float) -> list[Call]:
        """The calls that have an answer; waits so long for the first."""
        ray = _module("ray")
        by_pending = {call.pending: call for call in calls}
        pending = list(by_pending)
        ready, _ = ray.wait(pending, num_returns=1, timeout=wait_s)
        if ready:
            ready, _ = ray.wait(pending, num_returns=len(pending), timeout=0)
        return [by_pending[each] for each in ready]

    @property
    def is_open(self) -> bool:
        """Whether anybody who reaches it may run code on it."""
        raylet = _module("ray._raylet")
        return bool(raylet.get_authentication_mode() != raylet.AuthenticationMode.TOKEN)


@contextmanager
def connected(address: str, cpus: int) -> Iterator[Cluster]:
    """The cluster at an address: `auto`, the one this machine belongs to; `local`, one of its own; or HOST:PORT.

    `cpus` is what a local one has. Raises UsageError for what is no address, EngineUnavailable where Ray is not
    installed, CannotStart where there is no such cluster, or it is of another version, or takes no such token.
    """
    _check(address)
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if address == LOCAL:
        _keep_to_this_machine()
    try:
        ray = _module("ray")
    except ImportError:
        raise EngineUnavailable("--ray needs Ray, which is not installed: pip install 'playhead[ray]'") from None
    # Silences Ray, which prints pages on stdout for each worker that dies; Playhead says what matters.
    logging.getLogger("ray").setLevel(logging.ERROR)
    _module("ray._private.worker").print_to_stdstream = lambda *_, **__: None
    if address != LOCAL:
        address = _reachable(address)
    with ExitStack() as stack:
        own: dict[str, Any] = {}
        if address == LOCAL:
            folder = tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True)  # a short path
            own = {"num_cpus": cpus, "include_dashboard": False, "object_store_memory": STORE_BYTES}
            own["_temp_dir"] = stack.enter_context(folder)
        try:
            with sigterm_kept(), _without_stderr():  # Ray takes SIGTERM for itself
                ray.init(address, log_to_driver=False, logging_level="ERROR", **own)
        except (OSError, RuntimeError, ValueError, AssertionError, ray.exceptions.RayError) as problem:
            raise CannotStart(f"Ray at {address} cannot be used: {_refusal(problem)}") from problem
        stack.callback(ray.shutdown)
        yield Cluster()


def _module(name: str) -> Any:
    """A part of Ray: only where it is needed, and with no types where it is not installed."""
    return importlib.import_module(name)


def _check(address: str) -> None:
    """Raises UsageError for what is no address."""
    host, _, port = address.rpartition(":")
    if address not in (AUTO, LOCAL) and (not host or not port.isdecimal() or "/" in host):
        raise UsageError(f"There is no Ray at {address!r}; give auto, local, or HOST:PORT as `ray start` took it")


def _reachable(address: str) -> str:
    """Host and port as Ray understands the address. Raises CannotStart where nobody listens: Ray would try for ever."""
    try:
        found: str = _module("ray._private.services").canonicalize_bootstrap_address(address)
        host, _, port = found.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
    except (OSError, OverflowError) as problem:
        reason = "this machine belongs to none" if address == AUTO else str(problem)
        raise CannotStart(f"Ray at {address} cannot be reached: {reason}") from problem
    return found


def _keep_to_this_machine() -> None:
    """Makes a local cluster listen on the loopback address alone, to those who have a token made for this run."""
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # Ray's only way to say so
    if "RAY_AUTH_MODE" not in os.environ:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


@contextmanager
def _without_stderr() -> Iterator[None]:
    """Discards stderr while Ray connects: its C++ code writes of every attempt. The result is raised."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _refusal(problem: Exception) -> str:
    text = str(problem)
    if "Version mismatch" in text:
        return f"it is of another Ray or Python: {' '.join(text.split())}"
    if "Failed to connect" in text or "token" in text.lower():
        return (
            "it does not let us in; RAY_AUTH_TOKEN, or ~/.ray/auth_token, must hold the token that it was started with"
        )
    return _in_short(problem)


def _in_short(problem: Exception) -> str:
    """The line of an error that says most: the last of a remote error."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    if not lines:
        return type(problem).__name__
    said = lines[-1] if "Traceback" in str(problem) or "The actor is dead" in lines[-1] else lines[0]
    return said.partition(". Some common causes")[0].rstrip(".")
