"""The elected manager of a cluster dies and comes back, amid searches or amid indexing."""

import itertools
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.support.http_clients import Met, search
from tests.support.opensearch_cluster import Nodes


@dataclass(slots=True)
class KillAt:
    """Told how far indexing is (`transcribe.console.Advance`), kills the manager after so many episodes."""

    nodes: Nodes
    episodes: int
    has_killed: bool = False

    def __call__(self, done: int, total: int | None) -> None:
        if done == self.episodes:
            self.nodes.kill_manager()
            self.has_killed = True


def searched_meanwhile(
    nodes: Nodes, port: int, queries: Sequence[str], clients: int, before_s: float, dead_s: float, after_s: float
) -> list[Met]:
    """What clients of a service meet that search from before the manager dies until some time after it is back."""
    enough = threading.Event()
    asked = itertools.takewhile(lambda _: not enough.is_set(), itertools.cycle(queries))
    with ThreadPoolExecutor(1) as pool:
        met = pool.submit(search, port, asked, clients)
        try:
            time.sleep(before_s)
            nodes.kill_manager()
            time.sleep(dead_s)
            nodes.heal()
            time.sleep(after_s)
        finally:
            enough.set()
        return met.result()
