"""How long answers take: every system asked the same, in turns, so that a busy machine is as busy for all."""

import gc
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.corpus import Asked
from bench.peers import System

CHUNK = 20  # queries a system is asked in a row, before the next has its turn


@dataclass(frozen=True)
class Latency:
    """In milliseconds."""

    median: float
    p99: float
    worst: float


def latency(took_ns: Sequence[int]) -> Latency:
    """Of so many answers."""
    ordered = sorted(took_ns)
    p99 = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    return Latency(statistics.median(ordered) / 1e6, p99 / 1e6, ordered[-1] / 1e6)


def latencies(systems: Mapping[str, System], queries: Sequence[Asked]) -> dict[str, Latency | None]:
    """Of each system; None where it has no such query."""
    for warming in queries[:CHUNK]:
        answered = {name: system.ask(warming) for name, system in systems.items()}
    able = [name for name, total in answered.items() if total is not None]
    took: dict[str, list[int]] = {name: [] for name in able}
    gc.collect()
    gc.freeze()
    for turn, at in enumerate(range(0, len(queries), CHUNK)):
        for name in able[turn % len(able) :] + able[: turn % len(able)]:
            took[name] += [_timed(systems[name], asked) for asked in queries[at : at + CHUNK]]
    gc.unfreeze()
    return {name: latency(took[name]) if name in took else None for name in systems}


def _timed(system: System, asked: Asked) -> int:
    began = time.perf_counter_ns()
    system.ask(asked)
    return time.perf_counter_ns() - began
