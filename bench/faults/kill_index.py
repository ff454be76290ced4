"""An indexer is killed over and over: no episode whose indexing was acknowledged may be lost, none may be half there.

    python bench/faults/kill_index.py [--kills 500] [--seed 1]

A process saves a transcript, brings the index up to date, says so, and goes on to the next until SIGKILL meets it at
a random moment. Then a reader opens the index and the next process takes over. Exit status 1 where anything is lost.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.pop(0)  # this folder, whose search.py would hide the package

from search.index.contract import Request
from search.index.library_index import LibraryIndex
from search.query.parser import parse
from transcribe.library.episode import Episode
from transcribe.library.store import Library
from transcribe.library.transcript import Engine, Transcript, Word, segment

WORDS = 50  # of an episode, all alike
SPAN = 2.5  # a kill comes within the time of so many episodes


@dataclass
class Tally:
    """What became of the episodes, over all kills so far."""

    acknowledged: int = 0  # episodes, numbered from 0
    lost: int = 0
    half: int = 0  # kills after which an episode was partly there
    seconds_each: float = 0.1  # it takes to index one, by the last writer


def write_on(root: Path, first: int) -> None:
    """Indexes one episode after the other and says each number once it is done."""
    library = Library(root)
    for number in range(first, 1_000_000):
        library.save_transcript(_transcript(number))
        LibraryIndex(library).refresh()
        print(number, flush=True)


def kill_once(root: Path, tally: Tally, dice: random.Random) -> None:
    """Starts a writer, kills it, and looks at what is left."""
    command = [sys.executable, __file__, "--write", str(root), "--first", str(tally.acknowledged)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        begun = int(writer.stdout.readline())  # it got the lock, and went on where the last one was killed
        began = time.perf_counter()
        pause = dice.uniform(0, SPAN * tally.seconds_each)
        time.sleep(pause)
        writer.send_signal(signal.SIGKILL)
        said = [begun, *map(int, writer.stdout.read().split())]
    if len(said) > 1:
        tally.seconds_each = (time.perf_counter() - began) / (len(said) - 1)
    tally.acknowledged = said[-1] + 1
    _look(root, tally)


def _look(root: Path, tally: Tally) -> None:
    index = LibraryIndex(Library(root)).index()
    known = {contents.episode.id for contents in index.contents()}
    tally.lost += len({_name(number) for number in range(tally.acknowledged)} - known)
    tally.half += index.search(Request(parse("word"), facets=False, limit=0)).total != WORDS * len(known)


def _transcript(number: int) -> Transcript:
    said = [Word(300 * n, 300 * n + 200, "word") for n in range(WORDS)]
    episode = Episode(_name(number), "Show", f"Episode {number}")
    return Transcript(episode, None, Engine("bench", "1", ""), "en", "2026-11-23T00:00:00Z", (segment(0, said),))


def _name(number: int) -> str:
    return f"show/e{number}"


def main() -> int:
    """The whole run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.write:
        write_on(asked.write, asked.first)
    tally, dice = Tally(), random.Random(asked.seed)
    with tempfile.TemporaryDirectory(prefix="playhead-kills-") as folder:
        for number in range(asked.kills):
            kill_once(Path(folder), tally, dice)
            if number % 50 == 0:
                print(f"... {number}", file=sys.stderr, flush=True)
    print(
        f"{asked.kills} kills, {tally.acknowledged} episodes acknowledged, {tally.lost} lost, "
        f"half an episode found after {tally.half}"
    )
    return 1 if tally.lost or tally.half else 0


if __name__ == "__main__":
    sys.exit(main())
