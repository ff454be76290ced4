"""Builds one system's index in a process of its own, so that its time and peak memory are its own."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.corpus import cues, stretches
from bench.peers import FTS5, System, Tantivy

PLAYHEAD, FTS5_CUES, FTS5_STRETCHES, TANTIVY = "Playhead", "FTS5, a row a cue", "FTS5, 400 words", "tantivy, 400 words"
SYSTEMS = (PLAYHEAD, FTS5_CUES, FTS5_STRETCHES, TANTIVY)


@dataclass(frozen=True)
class Built:
    """What a build took."""

    seconds: float
    bytes: int  # on disk
    peak_bytes: int  # of memory


def system(name: str, folder: Path, urls: str = "") -> System:
    """The system of that name, its index in the folder; with `urls`, Playhead with its index on that cluster.

    Raises ImportError where it is not installed.
    """
    if urls:
        from bench.playhead import PlayheadOnOpenSearch

        return PlayheadOnOpenSearch(folder, urls)
    if name == PLAYHEAD:
        from bench.playhead import Playhead  # what it imports is no burden on the peers' memory

        return Playhead(folder)
    if name == TANTIVY:
        import tantivy  # noqa: F401 - only to know that it is there

        return Tantivy(folder)
    return FTS5(folder, cues if name == FTS5_CUES else stretches)


def built(name: str, folder: Path, urls: str = "") -> Built:
    """Builds in a fresh process."""
    command = [sys.executable, "-m", "bench.building", name, str(folder), urls]
    root = Path(__file__).parents[1]
    answer = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE)
    return Built(**json.loads(answer.stdout))


def memory(process: int | str, field: str) -> int:
    """`VmRSS` (now) or `VmHWM` (at most) of a process, in bytes. ru_maxrss would count what its parent had before."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(field))


def _main(name: str, folder: Path, urls: str) -> None:
    wanted = system(name, folder, urls)
    began = time.perf_counter()
    wanted.build()
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "bytes": wanted.size(), "peak_bytes": memory("self", "VmHWM")}))


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]).resolve(), sys.argv[3])
