"""How many workers each node of a cluster gets, computed from plain numbers."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from transcribe.workers.ray.cluster import Node

THREADS = 8  # of a processor, for one episode: more of them add little


@dataclass(frozen=True, slots=True)
class Need:
    """The resources of its node that one worker takes."""

    gpus: float = 0  # a share of one; 0 for a worker that computes on the processor
    threads: int | None = None  # on a processor; None for all, up to THREADS

    def cpus_of(self, node: Node) -> int:
        """The number of the node's processors that one worker takes."""
        if self.gpus:
            return 1 if node.cpus >= self.room(node) else 0  # it decodes there
        if self.threads:
            return self.threads
        return node.cpus // max(1, node.cpus // THREADS)

    def room(self, node: Node) -> int:
        """The number of workers that a node has room for."""
        if self.gpus:
            return math.floor(node.gpus / self.gpus + 1e-9)
        each = self.threads or self.cpus_of(node)
        return node.cpus // each if each else 0


def need(engine: str, device: str | None, nodes: Iterable[Node], most: int | None) -> Need:
    """A GPU, where the engine can use one and there is one; a share of it where `most` is more than there are.

    On a processor, pocketsphinx takes one thread.
    """
    if engine == "pocketsphinx":
        return Need(threads=1)
    gpus = int(sum(node.gpus for node in nodes))
    if device == "cpu" or (device is None and not gpus):
        return Need()
    return Need(gpus=1 / math.ceil((most or 1) / gpus) if gpus and most and most > gpus else 1)


def shares(need: Need, nodes: Iterable[Node], most: int | None) -> dict[str, int]:
    """The number of workers for each node, by its id: as many as fit, `most` in all, given to nodes in turns."""
    room = {node.id: need.room(node) for node in nodes}
    given = dict.fromkeys(room, 0)
    left = sum(room.values()) if most is None else min(most, sum(room.values()))
    while left:
        for name in room:
            if left and given[name] < room[name]:
                given[name] += 1
                left -= 1
    return given
