"""The workers on a cluster: started as nodes join, dropped as they leave, given jobs once their engine is loaded.

The first worker on a node is asked for its versions, and is sent the model if the node lacks it. Then the others are
started there.
"""

import collections
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from transcribe.errors import CannotStart, PlayheadError
from transcribe.library.transcript import Engine
from transcribe.workers.ray import file_transfer
from transcribe.workers.ray.actor import EngineRequest, FileMissing, RayWorker, Versions, versions
from transcribe.workers.ray.cluster import Call, CallsEnded, Cluster, Node, Remote, WorkerLost
from transcribe.workers.ray.placement import Need, need, shares
from transcribe.workers.worker import EngineLoaded

LOOK_EVERY_S = 1.0  # for nodes that have come or gone
START_S = 30.0  # for the first worker of a node to answer: its processors or GPUs may be taken
MOST_DEATHS = 3  # of a node's workers, each with another job and none with one done: then the node is left alone

Say = Callable[[str], None]
OnAnswer = Callable[[Any], None]


@dataclass(eq=False)
class WorkerHandle:
    """A worker, seen from the process that assigns jobs."""

    node: Node
    remote: Remote
    known: bool = False  # it has told its versions
    ready: bool = False  # a job may be given to it, if it has none
    job: Any = None  # what it does now, for whoever assigned that
    job_name: str = ""  # for messages
    awaited: dict[Call, OnAnswer] = field(default_factory=dict)

    def ask(self, then: OnAnswer, method: str, *args: Any) -> None:
        """Calls a method; `then` is called with what it answers."""
        self.awaited[self.remote.call(method, *args)] = then

    def follow(self, then: OnAnswer, method: str, *args: Any) -> None:
        """The same with a method that answers again and again."""
        self.awaited[self.remote.stream(method, *args)] = then

    def send(self, path: Path, then: Callable[[], None], failed: Callable[[OSError], None]) -> None:
        """Sends a file or folder, and goes on when all of it is there, or it cannot be read."""
        rest, under_way = file_transfer.chunks(path), 0

        def more(_: None = None) -> None:
            nonlocal under_way
            under_way -= 1
            try:
                for chunk in itertools.islice(rest, file_transfer.UNDER_WAY - under_way):
                    under_way += 1
                    self.ask(more, "take", chunk)
            except OSError as problem:
                self.awaited.clear()
                failed(problem)
                return
            if not under_way:
                then()

        under_way = 1
        more()

    def receive(self, call: Call) -> None:
        """Takes an answer that has come. Raises WorkerLost."""
        try:
            answer = call.answer()
        except CallsEnded:
            del self.awaited[call]
            return
        then = self.awaited[call]
        if call.is_one:
            del self.awaited[call]
        then(answer)


@dataclass
class _NodeState:
    """A node, and what became of its workers."""

    node: Node
    engine_ready: bool = False  # its first worker is ready, so the others may come
    deaths: set[Any] = field(default_factory=set)  # the jobs that its workers died of, since one was done
    excluded: str = ""  # why no workers are started there
    count_said: int = 0  # the number of workers in the last message


class WorkerPool:
    """All workers. To be used by one thread at a time."""

    def __init__(
        self,
        cluster: Cluster,
        kind: type[RayWorker],
        request: EngineRequest,
        most: int | None,
        longest_ms: int,
        say: Say,
    ) -> None:
        self.cluster, self.kind, self.request, self.most = cluster, kind, request, most
        self.longest_ms, self.say = longest_ms, say
        self.workers: list[WorkerHandle] = []
        self.lost = collections.deque[tuple[WorkerHandle, str]]()  # dead workers that had a job, and why they died
        self.engine: Engine | None = None
        self._states: dict[str, _NodeState] = {}
        self._need = Need()
        self._nodes_updated = 0.0
        self._has_begun = False

    def begin(self) -> Engine:
        """Starts the first worker of each node, and gives the engine. Raises CannotStart if one cannot be used."""
        self._need = need(self.request.engine, self.request.device, self.cluster.nodes(), self.most)
        if self.request.device is None:
            self.request = replace(self.request, device="cuda" if self._need.gpus else "cpu")
        began = time.monotonic()
        while not self._is_ready(time.monotonic() - began):
            self.poll(LOOK_EVERY_S)
            excluded = [f"{state.node.name}: {state.excluded}" for state in self._states.values() if state.excluded]
            if excluded:
                raise CannotStart("; ".join(excluded))
        assert self.engine
        self._has_begun = True
        return self.engine

    def poll(self, wait_s: float) -> None:
        """Receives messages of workers, waiting so long for the first; now and then asks which nodes there are."""
        if time.monotonic() - self._nodes_updated > LOOK_EVERY_S:
            self._update_nodes()
            self._nodes_updated = time.monotonic()
        whose = {call: worker for worker in self.workers for call in worker.awaited}
        if not whose:
            time.sleep(wait_s)
            return
        for call in self.cluster.answered(list(whose), wait_s):
            worker = whose[call]
            if worker in self.workers and call in worker.awaited:
                try:
                    worker.receive(call)
                except WorkerLost as problem:
                    self.mark_dead(worker, str(problem))

    def idle(self) -> Iterator[WorkerHandle]:
        """The workers that are ready and have no job."""
        return (worker for worker in self.workers if worker.ready and not worker.job)

    def by_node(self) -> list[list[WorkerHandle]]:
        """The workers that are ready, a list for each node."""
        nodes = [
            [worker for worker in self.workers if worker.ready and worker.node.id == name] for name in self._states
        ]
        return [workers for workers in nodes if workers]

    def record_success(self, worker: WorkerHandle) -> None:
        """Notes that a worker has done a job: its node is in order."""
        self._states[worker.node.id].deaths.clear()

    def mark_dead(self, worker: WorkerHandle, why: str) -> None:
        """Ends a worker that is dead or cannot be used; its node is excluded where too many die."""
        self._end(worker)
        if worker.job:
            self.lost.append((worker, why))
        state = self._states.get(worker.node.id)
        if state and not state.excluded:
            state.deaths.add(worker.job_name or worker)
            if "failed to import" in why or "ModuleNotFoundError" in why:
                self._exclude(state, f"this Playhead is not installed there ({why})")
            elif len(state.deaths) >= MOST_DEATHS and (not worker.job_name or self._others(state)):
                self._exclude(state, f"its workers die: {why}")

    def end_all(self) -> None:
        """Ends all workers at once, whatever they do."""
        while self.workers:
            self._end(self.workers[-1])

    def _is_ready(self, waited_s: float) -> bool:
        """Whether each node has a worker with the engine, or is late. Raises CannotStart where all are late."""
        firsts = [worker for worker in self.workers if not self._states[worker.node.id].engine_ready]
        if self.engine and not firsts:
            return True
        late = [worker for worker in firsts if waited_s > START_S and not worker.known]
        if waited_s > START_S and (not firsts or len(late) == len(firsts)):
            if self.engine:
                return True
            raise CannotStart(f"No worker could be started within {START_S:g} s: Ray has no processor or GPU to give")
        return False

    def _update_nodes(self) -> None:
        """Asks which nodes there are; starts workers where there is room, and drops those of nodes that have left."""
        nodes = {node.id: node for node in self.cluster.nodes()}
        for name in [name for name in self._states if name not in nodes]:
            gone = self._states.pop(name).node
            for worker in [worker for worker in self.workers if worker.node.id == gone.id]:
                self.mark_dead(worker, f"its node {gone.name} is gone")
            self.say(f"{gone.name}: gone")
        for node in nodes.values():
            self._states.setdefault(node.id, _NodeState(node))
        fit = [state.node for state in self._states.values() if not state.excluded]
        for name, share in shares(self._need, fit, self.most).items():
            state = self._states[name]
            for _ in range(self._count(state), share if state.engine_ready else min(share, 1)):
                if self.most is None or len(self.workers) < self.most:
                    self._start(state.node)
            self._say_count(state)

    def _start(self, node: Node) -> None:
        start = self.cluster.start(self.kind, [self.longest_ms], node, self._need.cpus_of(node), self._need.gpus)
        worker = WorkerHandle(node, start)
        self.workers.append(worker)
        worker.ask(partial(self._versions_told, worker), "versions")

    def _versions_told(self, worker: WorkerHandle, there: Versions) -> None:
        here = versions()
        if there != here:
            self._exclude(self._states[worker.node.id], f"it has {there}, and here is {here}")
        else:
            worker.known = True
            self._load(worker)

    def _load(self, worker: WorkerHandle) -> None:
        worker.ask(partial(self._loaded, worker), "load", self.request)

    def _loaded(self, worker: WorkerHandle, answer: EngineLoaded | FileMissing | PlayheadError) -> None:
        state = self._states[worker.node.id]
        if isinstance(answer, FileMissing):
            self.say(f"{state.node.name}: the model is being sent there")
            failed = partial(self._unreadable, state)
            worker.send(Path(str(self.request.model)), lambda: self._load(worker), failed)
        elif isinstance(answer, PlayheadError):
            self._exclude(state, str(answer))
        elif self.engine is None:
            self._accept_engine(answer, worker)
        elif answer.engine != self.engine:
            self._exclude(state, f"it has {_difference(answer.engine, self.engine)}")
        else:
            state.engine_ready = worker.ready = True

    def _unreadable(self, state: _NodeState, problem: OSError) -> None:
        self._exclude(state, f"the model cannot be sent: {problem}")

    def _accept_engine(self, answer: EngineLoaded, worker: WorkerHandle) -> None:
        """Makes the first worker's engine the one that all must have."""
        for warning in answer.warnings:
            self.say(warning)
        engine = self.engine = answer.engine
        if self.request.engine == "auto":
            self.request = replace(self.request, engine=engine.name)
            changed = need(engine.name, self.request.device, self.cluster.nodes(), self.most)
            if changed != self._need:  # another engine, which takes something else of its node
                self._need = changed
                self.end_all()
                return
        size = engine.options.get("batch_size")
        self.request = replace(self.request, batch_size=size or self.request.batch_size)
        self._states[worker.node.id].engine_ready = worker.ready = True

    def _exclude(self, state: _NodeState, why: str) -> None:
        state.excluded = why
        for worker in [worker for worker in self.workers if worker.node == state.node]:
            self.mark_dead(worker, why)
        if self._has_begun:
            self.say(f"{state.node.name}: no workers there: {why}")

    def _end(self, worker: WorkerHandle) -> None:
        self.workers.remove(worker)
        worker.awaited.clear()
        worker.remote.end()

    def _others(self, state: _NodeState) -> bool:
        return any(other is not state and not other.excluded for other in self._states.values())

    def _count(self, state: _NodeState) -> int:
        return sum(worker.node.id == state.node.id for worker in self.workers)

    def _say_count(self, state: _NodeState) -> None:
        """Says how many workers of a node are ready, when that number changes."""
        ready = sum(worker.ready for worker in self.workers if worker.node.id == state.node.id)
        if ready != state.count_said:
            state.count_said = ready
            self.say(f"{state.node.name}: {ready} worker{'' if ready == 1 else 's'}")


def _difference(there: Engine, here: Engine) -> str:
    """The first trait in which two engines differ, for a message."""
    for name in ("name", "version", "model", "model_sha256", "options"):
        one, other = getattr(there, name), getattr(here, name)
        if one != other:
            return f"{there.name} with {name} {one}, and others have {other}"
    return "another engine"
