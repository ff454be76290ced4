"""The workers on a cluster: hired as nodes come, given up as they go, each made ready before it is given a job.

The first on a node is asked who it is and is sent the model where the node has not got it; then come the others.
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
from transcribe.workers.ray.actor import EngineLoaded, EngineRequest, FileMissing, RayWorker, Versions, versions
from transcribe.workers.ray.cluster import Call, CallsEnded, Cluster, Node, Remote, WorkerLost
from transcribe.workers.ray.placement import Need, need, shares

LOOK_EVERY_S = 1.0  # for nodes that have come or gone
START_S = 30.0  # for the first worker of a node to answer: its processors or GPUs may be taken
MOST_DEATHS = 3  # of a node's workers, each with another job and none with one done: then the node is left alone

Say = Callable[[str], None]
Then = Callable[[Any], None]


@dataclass(eq=False)
class WorkerHandle:
    """A worker as its owner sees it."""

    node: Node
    remote: Remote
    known: bool = False  # it has said who it is
    ready: bool = False  # a job may be given to it, if it has none
    job: Any = None  # whatever its owner has it do
    what: str = ""  # the name of that
    awaited: dict[Call, Then] = field(default_factory=dict)
    hired: float = field(default_factory=time.monotonic)

    def ask(self, then: Then, method: str, *args: Any) -> None:
        """Calls a method; `then` is called with what it answers."""
        self.awaited[self.remote.call(method, *args)] = then

    def follow(self, then: Then, method: str, *args: Any) -> None:
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

    def hear(self, call: Call) -> None:
        """Takes an answer that has come. Raises Lost."""
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
class _Site:
    """A node, and how it went with the workers there."""

    node: Node
    cleared: bool = False  # its first worker is ready, so the others may come
    deaths: set[Any] = field(default_factory=set)  # what its workers had in hand when they died, since one did a job
    refused: str = ""  # why there are to be none
    told: int = 0  # how many workers were last spoken of


class WorkerPool:
    """All workers. For one thread at a time."""

    def __init__(
        self,
        cluster: Cluster,
        kind: type[RayWorker],
        wanted: EngineRequest,
        most: int | None,
        longest_ms: int,
        say: Say,
    ) -> None:
        self.cluster, self.kind, self.wanted, self.most = cluster, kind, wanted, most
        self.longest_ms, self.say = longest_ms, say
        self.hands: list[WorkerHandle] = []
        self.lost: collections.deque[tuple[WorkerHandle, str]] = (
            collections.deque()
        )  # with what had a job, to be seen to
        self.engine: Engine | None = None
        self._sites: dict[str, _Site] = {}
        self._need = Need()
        self._looked = 0.0
        self._started = False

    def begin(self) -> Engine:
        """Hires the first workers and makes sure of them. Raises CannotStart where one will not do."""
        self._need = need(self.wanted.engine, self.wanted.device, self.cluster.nodes(), self.most)
        if self.wanted.device is None:
            self.wanted = replace(self.wanted, device="cuda" if self._need.gpus else "cpu")
        began = time.monotonic()
        while not self._begun(time.monotonic() - began):
            self.turn(LOOK_EVERY_S)
            refused = [f"{site.node.name}: {site.refused}" for site in self._sites.values() if site.refused]
            if refused:
                raise CannotStart("; ".join(refused))
        assert self.engine
        self._started = True
        return self.engine

    def turn(self, wait_s: float) -> None:
        """Hears what workers have to say, waiting so long for the first, and looks after the nodes now and then."""
        if time.monotonic() - self._looked > LOOK_EVERY_S:
            self._look()
            self._looked = time.monotonic()
        whose = {call: hand for hand in self.hands for call in hand.awaited}
        if not whose:
            time.sleep(wait_s)
            return
        for call in self.cluster.answered(list(whose), wait_s):
            hand = whose[call]
            if hand in self.hands and call in hand.awaited:
                try:
                    hand.hear(call)
                except WorkerLost as problem:
                    self.lose(hand, str(problem))

    def idle(self) -> Iterator[WorkerHandle]:
        """Those that could do something."""
        return (hand for hand in self.hands if hand.ready and not hand.job)

    def by_node(self) -> list[list[WorkerHandle]]:
        """Those that are ready, a list for each node."""
        nodes = [[hand for hand in self.hands if hand.ready and hand.node.id == name] for name in self._sites]
        return [hands for hands in nodes if hands]

    def record_success(self, hand: WorkerHandle) -> None:
        """It has done a job."""
        self._sites[hand.node.id].deaths.clear()

    def lose(self, hand: WorkerHandle, why: str) -> None:
        """It is dead, or as good as that."""
        self._dismiss(hand)
        if hand.job:
            self.lost.append((hand, why))
        site = self._sites.get(hand.node.id)
        if site and not site.refused:
            site.deaths.add(hand.what or hand)
            if "failed to import" in why or "ModuleNotFoundError" in why:
                self._refuse(site, f"this Playhead is not installed there ({why})")
            elif len(site.deaths) >= MOST_DEATHS and (not hand.what or self._others(site)):
                self._refuse(site, f"its workers die: {why}")

    def dismiss(self) -> None:
        """Ends all of them, at once."""
        while self.hands:
            self._dismiss(self.hands[-1])

    def _begun(self, waited_s: float) -> bool:
        """Whether all nodes that could be made sure of are; Raises CannotStart where that takes too long."""
        firsts = [hand for hand in self.hands if not self._sites[hand.node.id].cleared]
        if self.engine and not firsts:
            return True
        late = [hand for hand in firsts if waited_s > START_S and not hand.known]
        if waited_s > START_S and (not firsts or len(late) == len(firsts)):
            if self.engine:
                return True
            raise CannotStart(f"No worker could be started within {START_S:g} s: Ray has no processor or GPU to give")
        return False

    def _look(self) -> None:
        """At which nodes there are: hires where there is room, gives up what is gone."""
        nodes = {node.id: node for node in self.cluster.nodes()}
        for name in [name for name in self._sites if name not in nodes]:
            self._leave(self._sites.pop(name))
        for node in nodes.values():
            self._sites.setdefault(node.id, _Site(node))
        fit = [site.node for site in self._sites.values() if not site.refused]
        for name, share in shares(self._need, fit, self.most).items():
            site = self._sites[name]
            for _ in range(self._count(site), share if site.cleared else min(share, 1)):
                if self.most is None or len(self.hands) < self.most:
                    self._hire(site.node)
            self._tell(site)

    def _hire(self, node: Node) -> None:
        start = self.cluster.start(self.kind, [self.longest_ms], node, self._need.cpus_of(node), self._need.gpus)
        hand = WorkerHandle(node, start)
        self.hands.append(hand)
        hand.ask(partial(self._greeted, hand), "versions")

    def _greeted(self, hand: WorkerHandle, there: Versions) -> None:
        here = versions()
        if there != here:
            self._refuse(self._sites[hand.node.id], f"it has {there}, and here is {here}")
        else:
            hand.known = True
            self._load(hand)

    def _load(self, hand: WorkerHandle) -> None:
        hand.ask(partial(self._loaded, hand), "load", self.wanted)

    def _loaded(self, hand: WorkerHandle, answer: EngineLoaded | FileMissing | PlayheadError) -> None:
        site = self._sites[hand.node.id]
        if isinstance(answer, FileMissing):
            self.say(f"{site.node.name}: the model is being sent there")
            failed = partial(self._unreadable, site)
            hand.send(Path(str(self.wanted.model)), lambda: self._load(hand), failed)
        elif isinstance(answer, PlayheadError):
            self._refuse(site, str(answer))
        elif self.engine is None:
            self._settle(answer, hand)
        elif answer.engine != self.engine:
            self._refuse(site, f"it has {_difference(answer.engine, self.engine)}")
        else:
            site.cleared = hand.ready = True

    def _unreadable(self, site: _Site, problem: OSError) -> None:
        self._refuse(site, f"the model cannot be sent: {problem}")

    def _settle(self, answer: EngineLoaded, hand: WorkerHandle) -> None:
        """The first engine is everybody's."""
        for warning in answer.warnings:
            self.say(warning)
        engine = self.engine = answer.engine
        if self.wanted.engine == "auto":
            self.wanted = replace(self.wanted, engine=engine.name)
            changed = need(engine.name, self.wanted.device, self.cluster.nodes(), self.most)
            if changed != self._need:  # another engine, which takes something else of its node
                self._need = changed
                self.dismiss()
                return
        size = engine.options.get("batch_size")
        self.wanted = replace(self.wanted, batch_size=size or self.wanted.batch_size)
        self._sites[hand.node.id].cleared = hand.ready = True

    def _refuse(self, site: _Site, why: str) -> None:
        site.refused = why
        for hand in [hand for hand in self.hands if hand.node == site.node]:
            self.lose(hand, why)
        if self._started:
            self.say(f"{site.node.name}: no workers there: {why}")

    def _leave(self, site: _Site) -> None:
        for hand in [hand for hand in self.hands if hand.node.id == site.node.id]:
            self.lose(hand, f"its node {site.node.name} is gone")
        self.say(f"{site.node.name}: gone")

    def _dismiss(self, hand: WorkerHandle) -> None:
        self.hands.remove(hand)
        hand.awaited.clear()
        hand.remote.end()

    def _others(self, site: _Site) -> bool:
        return any(other is not site and not other.refused for other in self._sites.values())

    def _count(self, site: _Site) -> int:
        return sum(hand.node.id == site.node.id for hand in self.hands)

    def _tell(self, site: _Site) -> None:
        """A line for a node, whenever another number of workers is ready there."""
        ready = sum(hand.ready for hand in self.hands if hand.node.id == site.node.id)
        if ready != site.told:
            site.told = ready
            self.say(f"{site.node.name}: {ready} worker{'' if ready == 1 else 's'}")


def _difference(there: Engine, here: Engine) -> str:
    """In which of its traits an engine is another."""
    for name in ("name", "version", "model", "model_sha256", "options"):
        one, other = getattr(there, name), getattr(here, name)
        if one != other:
            return f"{there.name} with {name} {one}, and others have {other}"
    return "another engine"
