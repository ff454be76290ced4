"""Transcription on two nodes of which one is killed, and for an owner who is: the same transcripts as without Ray.

    python bench/faults/kill_ray.py [--engines pocketsphinx,whisper] [--episodes 20] [--markdown]

The head of the cluster lends no processor; two nodes lend one each, all on this machine at ports of their own. Short
episodes and a long one are transcribed by `playhead transcribe` four times: with `--workers 2`, on the cluster, with
SIGKILL to the owner in the midst of the long one and the same command again, and with SIGKILL to all of the node that
has the long one. Workers count the batches that they hear. whisper is the micro Whisper of the tests. Exit status 1
where a transcript differs by a byte but for `created`, or more than one batch of an episode was heard again.
"""

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.pop(0)  # this folder, whose transcribe.py would hide the package
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from bench import table
from bench.command import command, unpack_micro
from tests.support import ray_nodes
from tests.support.command import environment  # of tests/
from tests.support.ray_nodes import SETTINGS, Nodes
from tests.support.speech import write_audio
from transcribe.audio.decode import RATE, open_audio
from transcribe.library.store import Library

DATA = Path(__file__).parents[2] / "tests" / "data"
SPEECH = {"pocketsphinx": DATA / "talk.mp3", "whisper": DATA / "micro.flac"}
LONG_S = {"pocketsphinx": 4 * 60, "whisper": 20 * 60}  # which hears the quicker
SHORT_S = (6, 12)  # of ever other lengths between
PAUSE_S = 3
LONG = "bench/long"
MIDST = 3  # batches of the long one, when somebody is killed
PATIENCE_S = 240  # for one run

# Python runs this at its start in each process of a node. It writes down which process has heard which batch.
COUNTING = """
import os
from transcribe.workers.transcriber import Transcriber

outcome = Transcriber.outcome

def counted(self, job, on_batch, *rest, **more):
    def told(done):
        if not done.kept:
            with open(os.environ["PLAYHEAD_BENCH_HEARD"], "a") as log:
                log.write(f"{os.getpid()} {job.episode.id} {done.done_ms}\\n")
        on_batch(done)

    return outcome(self, job, told, *rest, **more)

Transcriber.outcome = counted
"""


@dataclass(frozen=True)
class Way:
    """All episodes, transcribed in one way."""

    name: str
    seconds: float
    files: dict[str, bytes]  # of the transcripts, by their paths, but for `created`
    heard: "Counter[tuple[str, str]]" = field(default_factory=Counter)  # how often which batch of which episode

    def again(self) -> int:
        """Batches that were heard twice, of the episode with most of them."""
        twice = Counter(episode for episode, _ in self.heard.elements())
        twice.subtract(episode for episode, _ in self.heard)
        return max(twice.values(), default=0)


@dataclass(frozen=True)
class Bench:
    """Where it runs."""

    cluster: Nodes
    fetched: Library  # with all audio, and nothing done
    options: list[str]
    log: Path

    def library(self, name: str) -> Library:
        """A copy, yet to be worked on."""
        return Library(shutil.copytree(self.fetched.root, self.fetched.root.with_name(name)))

    def begin(self, library: Library, *where: str) -> "subprocess.Popen[bytes]":
        """The command."""
        line = command(library, "transcribe", *self.options, *where)
        with (library.root / "said.log").open("ab") as said:
            return subprocess.Popen(line, env=environment(**SETTINGS), stdout=said, stderr=said)

    def end(self, process: "subprocess.Popen[bytes]", library: Library) -> None:
        """Waits until it is done. Exits where it is not."""
        if process.wait(PATIENCE_S):
            raise SystemExit((library.root / "said.log").read_text())

    def lines(self) -> list[list[str]]:
        """Process, episode and end of each batch that was heard."""
        return [line.split() for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def midst(self) -> int:
        """Waits until the long episode is in work for a while; gives the worker's process."""
        _until(lambda: sum(episode == LONG for _, episode, _ in self.lines()) >= MIDST)
        return [int(process) for process, episode, _ in self.lines() if episode == LONG][-1]

    @contextlib.contextmanager
    def way(self, name: str, rows: list[Way]) -> Iterator[Library]:
        """Takes down what came of a library."""
        self.log.unlink(missing_ok=True)
        library, began = self.library(name.replace(" ", "-")), time.perf_counter()
        yield library
        took = time.perf_counter() - began
        rows.append(Way(name, took, _files(library), Counter((episode, end) for _, episode, end in self.lines())))
        print(f"... {name}: {took:.0f} s", file=sys.stderr, flush=True)


def main() -> int:
    """The whole run."""
    asked = _arguments()
    rows, good = [], True
    for engine in asked.engines.split(","):
        with _bench(engine, asked) as bench:
            ways = _ways(bench)
        plain, undisturbed = ways[0], ways[1]
        for way in ways:
            alike = way.files == plain.files
            whole = way is plain or set(way.heard) == set(undisturbed.heard)
            good = good and alike and whole and way.again() <= 1
            counted = [str(len(way.heard)), str(way.again())] if way.heard else ["", ""]
            rows.append([f"{engine}, {way.name}", f"{way.seconds:.0f}", "the same" if alike else "DIFFERENT", *counted])
    header = [f"{asked.episodes + 1} episodes", "s", "transcripts", "batches", "heard again, most of one episode"]
    print((table.markdown if asked.markdown else table.plain)(header, rows))
    return 0 if good else 1


def _ways(bench: Bench) -> list[Way]:
    rows: list[Way] = []
    with bench.way("without Ray", rows) as library:
        bench.end(bench.begin(library, "--workers", "2"), library)
    there = ("--ray", bench.cluster.address)
    with bench.way("on Ray", rows) as library:
        bench.end(bench.begin(library, *there), library)
    with bench.way("owner killed", rows) as library:
        owner = bench.begin(library, *there)
        bench.midst()
        owner.kill()
        owner.wait()
        _until(lambda: not any(Path(f"/proc/{process}").exists() for process, *_ in bench.lines()))
        bench.end(bench.begin(library, *there), library)
    with bench.way("node killed", rows) as library:
        owner = bench.begin(library, *there)
        worker = bench.midst()
        next(node for node in bench.cluster.running if node.holds(worker)).kill()
        bench.end(owner, library)
    return rows


@contextlib.contextmanager
def _bench(engine: str, asked: argparse.Namespace) -> Iterator[Bench]:
    """A cluster, and a library for one engine."""
    with tempfile.TemporaryDirectory(prefix="playhead-nodes-") as name, ray_nodes.nodes() as cluster:
        folder, options = Path(name), ["--engine", engine, "--language", "en", "--device", "cpu"]
        if engine == "whisper":
            unpack_micro(folder / "micro.pt")
            options += ["--model", str(folder / "micro.pt"), "--batch-size", "2"]
        (folder / "counting").mkdir()
        (folder / "counting" / "sitecustomize.py").write_text(COUNTING)
        os.environ["PLAYHEAD_BENCH_HEARD"] = str(folder / "heard")
        sys.path.insert(0, str(folder / "counting"))
        for cpus in (0, 1, 1):
            cluster.start(cpus)
        sys.path.pop(0)
        fetched = _library(folder / "fetched", SPEECH[engine], asked.episodes, LONG_S[engine])
        yield Bench(cluster, fetched, options, folder / "heard")


def _library(root: Path, speech: Path, episodes: int, long_s: int) -> Library:
    with open_audio(speech) as recording:
        said = np.concatenate([*recording.blocks(), np.zeros(PAUSE_S * RATE, np.int16)])
    library = Library(root)
    write_audio(np.resize(said, long_s * RATE), library.audio / f"{LONG}.flac")
    for number, seconds in enumerate(np.linspace(*SHORT_S, episodes)):
        start = number * len(said) // episodes
        sound = np.resize(np.roll(said, -start), round(seconds * RATE))
        write_audio(sound, library.audio / "bench" / f"short-{number:02}.flac")
    subprocess.run(command(library, "fetch"), check=True, capture_output=True)
    return library


def _files(library: Library) -> dict[str, bytes]:
    return {
        path.relative_to(library.root).as_posix(): re.sub(rb'"created": "[^"]*"', b"", path.read_bytes())
        for path in library.transcripts.rglob("*.*")
    }


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing happened for {PATIENCE_S} s")
        time.sleep(0.05)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engines", default="pocketsphinx,whisper")
    parser.add_argument("--episodes", type=int, default=20, help="short ones")
    parser.add_argument("--markdown", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
