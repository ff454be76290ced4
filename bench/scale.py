"""Ray against `--workers` at the same parallelism, and how many workers one owner keeps going.

    python bench/scale.py [--workers 2] [--episodes 8] [--seconds 60] [--engine pocketsphinx] [--model CHECKPOINT]
                          [--owners 1,4,16,64] [--wait 40] [--batches 10] [--audio-mb 10] [--markdown]

First the same episodes, spoken words in ever other lengths, by workers beside this process and by workers on a Ray of
this machine, from the first job to the last; starting up is shown apart. The transcripts must be alike to the byte but
for `created`: exit status 1 where they are not.

Then the owner's own limit. Workers that only wait stand in for GPUs: each takes `--wait` seconds for an episode, a
quarter more or less for one whose file is so much larger or smaller, and tells of it in so many batches of ten minutes
of speech, as an engine does. The owner writes checkpoints and transcripts. "Kept going" is the share of the time in
which a worker had something to do. All of them, and Ray, are on this machine: for 64 it needs 8 GB of memory.
"""

import argparse
import contextlib
import hashlib
import itertools
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

sys.path.pop(0)  # this folder, whose transcribe.py would hide the package
sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))  # for workers

import numpy as np

from bench import table
from bench.building import memory
from bench.waiting import WaitingWorker, waiting
from tests.support.ray_nodes import below
from tests.support.silent import Silent
from tests.support.speech import write_audio
from transcribe.audio.decode import RATE, open_audio
from transcribe.library.episode import AudioFile, Episode, Failure
from transcribe.library.store import Library
from transcribe.library.transcript import Transcript
from transcribe.recognizers import engines
from transcribe.transcription.checkpoints import Checkpoints
from transcribe.transcription.job import Job
from transcribe.workers.job_tracker import JobTracker
from transcribe.workers.process_pool import ProcessPool, WorkerSlot
from transcribe.workers.ray.actor import EngineRequest
from transcribe.workers.ray.scheduler import on_ray
from transcribe.workers.worker import Outcome, Workers

TALK = Path(__file__).parents[1] / "tests" / "data" / "talk.mp3"
ROUNDS = 3  # episodes for each worker that waits
SPREAD = 0.25  # by how much the shortest and the longest differ from the mean
MB = 1e6


@dataclass(frozen=True)
class Took:
    """One way to do all episodes."""

    start_s: float  # until the first job was asked for
    work_s: float  # from there to the end of the last
    done: dict[str, str]  # the transcripts, by episode


def main() -> int:
    """The whole run."""
    asked = _arguments()
    render = table.markdown if asked.markdown else table.plain
    with tempfile.TemporaryDirectory(prefix="playhead-scale-") as folder:
        alike = _compare(asked, Path(folder), render) if asked.episodes else True
    rows = []
    for count in map(int, filter(None, asked.owners.split(","))):
        with tempfile.TemporaryDirectory(prefix="playhead-owner-") as folder:
            row = _owner_row(count, asked, Path(folder))
        rows.append(row)
    if rows:
        print(render(OWNER, rows))
    return 0 if alike else 1


def _compare(asked: argparse.Namespace, folder: Path, render: Callable[..., str]) -> bool:
    jobs = [_spoken(folder, number, asked.seconds * (number + 1) // asked.episodes) for number in range(asked.episodes)]
    beside = _took(_beside(asked, folder / "beside"), jobs)
    on = _took(_on(asked, folder / "on"), jobs)
    rows = [
        [name, f"{took.start_s:.1f}", f"{took.work_s:.1f}", f"{took.work_s / beside.work_s:.2f}"]
        for name, took in ((f"--workers {asked.workers}", beside), ("--ray local", on))
    ]
    print(render([f"{asked.episodes} episodes", "start, s", "work, s", "times --workers"], rows), flush=True)
    alike = beside.done == on.done
    print(f"\ntranscripts: {'the same' if alike else 'DIFFERENT'}\n", flush=True)
    return alike


@contextlib.contextmanager
def _beside(asked: argparse.Namespace, folder: Path) -> Iterator[Workers]:
    load = partial(engines.load, asked.engine, asked.model, "en", "cpu", warn=print)
    places = asked.workers * [WorkerSlot(load, threads=_threads(asked))]
    yield ProcessPool(places, JobTracker(Silent(), Checkpoints(folder)))


@contextlib.contextmanager
def _on(asked: argparse.Namespace, folder: Path) -> Iterator[Workers]:
    wanted = EngineRequest(asked.engine, asked.model, "en", "cpu")
    owner = JobTracker(Silent(), Checkpoints(folder))
    cpus = asked.workers * _threads(asked)
    with on_ray("local", wanted, owner, most=asked.workers, cpus=cpus, running=folder / "running.json") as workers:
        yield workers


def _threads(asked: argparse.Namespace) -> int:
    return 1 if asked.engine == "pocketsphinx" else max(1, (os.cpu_count() or 1) // asked.workers)


def _took(way: "contextlib.AbstractContextManager[Workers]", jobs: list[Job]) -> Took:
    began = time.perf_counter()
    with way as workers:
        ready = time.perf_counter()
        done = {job.episode.id: _text(outcome) for job, outcome in workers.run(iter(jobs))}
        return Took(ready - began, time.perf_counter() - ready, done)


def _text(outcome: Outcome) -> str:
    if isinstance(outcome, Failure):
        raise SystemExit(f"{outcome.code}: {outcome.message}")
    return replace(outcome, created="").to_json()


OWNER = (
    "workers",
    "episodes",
    "episodes/s",
    "kept going",
    "owner's CPU, s",
    "of one core",
    "owner's memory, MB",
    "all others' CPU, s",
)


def _owner_row(count: int, asked: argparse.Namespace, folder: Path) -> list[str]:
    """With so many workers that wait."""
    wanted = EngineRequest("pocketsphinx", load=waiting)  # which takes one thread
    kind = _waiting_worker(asked.audio_mb * MB / asked.wait, asked.batches)
    library, owner = Library(folder), JobTracker(Silent(), Checkpoints(folder / "checkpoints"))
    sizes = np.linspace(1 - SPREAD, 1 + SPREAD, ROUNDS * count) * asked.audio_mb * MB
    jobs = [_silent(folder, number, int(size)) for number, size in enumerate(sizes)]
    running = folder / "running.json"
    with on_ray("local", wanted, owner, most=count, cpus=count, running=running, kind=kind) as workers:
        _until_all_are_ready(workers, count)
        with _most_resident() as peak:
            began, cpu, others = time.perf_counter(), _cpu_s(), _others_cpu_s()
            for job, outcome in workers.run(iter(jobs)):
                assert isinstance(outcome, Transcript), outcome
                library.save_transcript(outcome)
                owner.checkpoints.forget(job.stored.sha256)
            took, used, others = time.perf_counter() - began, _cpu_s() - cpu, _others_cpu_s() - others
    going = len(jobs) * asked.wait / (count * took)
    numbers = [f"{len(jobs) / took:.2f}", f"{going:.1%}", f"{used:.1f}", f"{used / took:.1%}", f"{peak[0] / MB:.0f}"]
    return [str(count), str(len(jobs)), *numbers, f"{others:.1f}"]


def _waiting_worker(bytes_a_second: float, batches: int) -> type[WaitingWorker]:
    """Workers of Ray are told by their environment how to wait: their class is named, not sent."""
    os.environ["PLAYHEAD_BENCH_BYTES_A_SECOND"], os.environ["PLAYHEAD_BENCH_BATCHES"] = (
        str(bytes_a_second),
        str(batches),
    )
    return WaitingWorker


def _until_all_are_ready(workers: Any, count: int) -> None:
    crew = workers._crew
    while sum(hand.ready for hand in crew.hands) < count:
        crew.turn(1.0)


@contextlib.contextmanager
def _most_resident() -> Iterator[list[int]]:
    """Of this process, looked at ten times a second, in bytes."""
    peak, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            peak[0] = max(peak[0], memory("self", "VmRSS"))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield peak
    finally:
        over.set()
        looking.join()


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _others_cpu_s() -> float:
    """Of Ray and the workers."""
    times = [Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()[11:13] for each in below(os.getpid())]
    return sum(map(int, itertools.chain(*times))) / os.sysconf("SC_CLK_TCK")


def _spoken(root: Path, number: int, seconds: int) -> Job:
    with open_audio(TALK) as recording:
        talk = np.concatenate(list(recording.blocks()))
    again = np.concatenate([talk, np.zeros(3 * RATE, np.int16)])
    path = root / f"spoken-{number}.flac"
    write_audio(np.resize(again, max(1, seconds) * RATE), path)
    return _job(path)


def _silent(root: Path, number: int, size: int) -> Job:
    path = root / f"silent-{number}.mp3"
    path.write_bytes(number.to_bytes(8, "big") + bytes(size))
    return _job(path)


def _job(path: Path) -> Job:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    stored = AudioFile(f"audio/bench/{path.name}", sha256, path.stat().st_size, "audio/mpeg")
    episode = Episode(f"bench/{path.stem}", "Bench", path.stem)
    return Job(episode, stored, path, checkpoint=f"{sha256}-bench")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--episodes", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=60, help="of the longest")
    parser.add_argument("--engine", default="pocketsphinx")
    parser.add_argument("--model")
    parser.add_argument("--owners", default="1,4,16,64")
    parser.add_argument("--wait", type=float, default=40, help="seconds for an episode")
    parser.add_argument("--batches", type=int, default=10)
    parser.add_argument("--audio-mb", type=float, default=10)
    parser.add_argument("--markdown", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
