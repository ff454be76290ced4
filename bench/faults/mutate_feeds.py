"""20,000 broken feeds and outlines read in this process: each gives its items or a FetchError, in under 2 s of work.

    python bench/faults/mutate_feeds.py [--feeds 20000] [--seed 1] [--keep DIR]

Exit status 1 where one gives anything else or takes longer; those are kept in DIR.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.pop(0)  # this folder, whose search.py would hide the package
sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.table import plain
from tests.support.broken_feeds import WHOLE, broken
from transcribe.errors import FetchError
from transcribe.sources.feed import parse_feed
from transcribe.sources.opml import parse_opml

URL = "https://example.org/shows/feed"
PATIENCE_S = 2.0
SLOWEST = 5


class Came(NamedTuple):
    """What came of a feed."""

    name: str
    way: str
    outcome: str
    is_fault: bool
    took_s: float
    content: bytes


def try_all(feeds: int, seed: int) -> Iterator[Came]:
    """Breaks and reads one after the other; the whole ones take turns."""
    dice = random.Random(seed)
    originals = list(WHOLE.items())
    for number in range(feeds):
        name, content = originals[number % len(originals)]
        way, content = broken(content, dice)
        began = time.process_time()  # others may be at work on this machine
        outcome, is_fault = came_of(name, content)
        took_s = time.process_time() - began
        yield Came(name, way, outcome, is_fault or took_s > PATIENCE_S, took_s, content)


def came_of(name: str, content: bytes) -> tuple[str, bool]:
    """In a word or two, and whether it is a fault of ours."""
    try:
        read = parse_opml(content, URL) if name == "OPML" else parse_feed(content, URL).items
        return ("read" if read else "read, nothing in it"), False
    except FetchError as problem:
        return problem.code, False
    except Exception as fault:  # what is looked for
        return f"{type(fault).__name__}: {fault}", True


def _report(results: list[Came]) -> int:
    """Prints what came of them; the exit status."""
    outcomes = [outcome for outcome, _ in Counter(_short(came) for came in results).most_common()]
    for field in ("name", "way"):
        counts = Counter((getattr(came, field), _short(came)) for came in results)
        rows = [
            [row, *(str(counts[row, outcome]) for outcome in outcomes)] for row in sorted({row for row, _ in counts})
        ]
        print(plain([field, *outcomes], rows), end="\n\n")
    slowest = sorted(results, key=lambda came: -came.took_s)[:SLOWEST]
    print("slowest:", ", ".join(f"{came.took_s:.2f} s ({came.name}, {came.way})" for came in slowest))
    bad = [came for came in results if came.is_fault]
    for came in bad:
        print(f"{came.name}: {came.way}: {came.outcome}, {came.took_s:.2f} s")
    print(f"{len(results):,} feeds, {len(bad)} of which gave something else or took over {PATIENCE_S:g} s")
    return 1 if bad else 0


def _short(came: Came) -> str:
    return came.outcome.partition(":")[0]


def _tried(feeds: int, seed: int, keep: Path | None) -> list[Came]:
    results: list[Came] = []
    for came in try_all(feeds, seed):
        if came.is_fault and keep:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{len(results)}.feed").write_bytes(came.content)
        results.append(came if came.is_fault else came._replace(content=b""))
        if len(results) % 1000 == 0:
            print(f"... {len(results)}", file=sys.stderr, flush=True)
    return results


def main() -> int:
    """The whole run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--feeds", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for those that are faults")
    asked = parser.parse_args()
    return _report(_tried(asked.feeds, asked.seed, asked.keep))


if __name__ == "__main__":
    sys.exit(main())
