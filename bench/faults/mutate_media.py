"""2,000 broken media files decoded beside this process: each ends in pieces of speech or an AudioError.

    python bench/faults/mutate_media.py [--files 2000] [--seed 1] [--keep DIR]

Exit status 1 where one is anything else, or where the decoder had to be ended; those are kept in DIR.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.pop(0)  # this folder, whose search.py would hide the package
sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.table import plain
from tests.support.broken_media import broken, whole
from transcribe.audio.decoder_process import DecoderProcess
from transcribe.errors import AudioError

PATIENCE_S = 20.0
LONGEST_MS = 2 * 3_600_000  # an edited header can make hours of silence
SLOWEST = 5


class Came(NamedTuple):
    """What came of a file."""

    suffix: str
    way: str
    outcome: str
    took_s: float
    path: Path


def try_all(folder: Path, files: int, seed: int) -> Iterator[Came]:
    """Breaks and decodes one file after the other; formats take turns."""
    dice = random.Random(seed)
    originals = [(path, path.read_bytes()) for path in whole(folder)]
    with DecoderProcess(LONGEST_MS, PATIENCE_S) as listener:
        for number in range(files):
            path, content = originals[number % len(originals)]
            way, content = broken(content, dice)
            path = folder / f"{number}{path.suffix}"
            path.write_bytes(content)
            began = time.monotonic()
            outcome = came_of(listener, path)
            yield Came(path.suffix, way, outcome, time.monotonic() - began, path)


def came_of(listener: DecoderProcess, path: Path) -> str:
    """In a word or two. Anything but an AudioError is a fault of ours, and goes through."""
    try:
        sound = listener.listen(path)
        pieces = list(sound)
    except AudioError as problem:
        return problem.code if problem.code != "decoder_failed" else f"decoder_failed: {problem.message}"
    ends = [0, *(at for piece in pieces for at in piece.span), sound.duration_ms + 32]  # of a last window, not full
    assert ends == sorted(ends), path
    kind = "whole" if not sound.damage else "truncated" if sound.damage.truncated else "damaged"
    return kind if pieces else f"{kind}, no speech"


def _report(results: list[Came]) -> int:
    """Prints what came of them; the exit status."""
    outcomes = [outcome for outcome, _ in Counter(_short(came) for came in results).most_common()]
    for name, key in (("format", lambda came: came.suffix), ("what was done", lambda came: came.way)):
        rows = [
            [row, *(str(sum(key(came) == row and _short(came) == outcome for came in results)) for outcome in outcomes)]
            for row in sorted({key(came) for came in results})
        ]
        print(plain([name, *outcomes], rows), end="\n\n")
    slowest = sorted(results, key=lambda came: -came.took_s)[:SLOWEST]
    print("slowest:", ", ".join(f"{came.took_s:.1f} s {came.path.name} ({came.way})" for came in slowest))
    bad = [came for came in results if came.outcome.startswith("decoder_failed")]
    for came in bad:
        print(f"{came.path}: {came.way}: {came.outcome}")
    print(f"{len(results):,} files, {len(bad)} of which the decoder did not survive or understand")
    return 1 if bad else 0


def _short(came: Came) -> str:
    return came.outcome.partition(":")[0]


def _tried(folder: Path, files: int, seed: int) -> list[Came]:
    results = []
    for came in try_all(folder, files, seed):
        results.append(came)
        if not came.outcome.startswith("decoder_failed"):
            came.path.unlink()
        if len(results) % 100 == 0:
            print(f"... {len(results)}", file=sys.stderr, flush=True)
    return results


def main() -> int:
    """The whole run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for the files; without it, they are removed at the end")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="playhead-media-") as temporary:
        folder = asked.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        return _report(_tried(folder, asked.files, asked.seed))


if __name__ == "__main__":
    sys.exit(main())
