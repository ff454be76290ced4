"""Transcription on a real Ray of two nodes on this machine, against the same without it."""

import functools
import importlib.util
import json
import lzma
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support import ray_nodes
from tests.support.command import environment
from tests.support.ray_nodes import SETTINGS, TIMEOUT_S, Nodes
from tests.support.silent import Silent
from tests.support.speech import write_audio
from transcribe.audio.decode import open_audio
from transcribe.audio.inline_decoder import InlineDecoder
from transcribe.console import Advance, Unit
from transcribe.errors import CannotStart, EngineUnavailable, UsageError
from transcribe.library import running_jobs
from transcribe.library.episode import AudioFile, Episode, Failure
from transcribe.library.running_jobs import RunningJob, running
from transcribe.library.store import sha256_of
from transcribe.library.transcript import Transcript
from transcribe.recognizers import engines
from transcribe.recognizers.protocol import Recognizer
from transcribe.transcription.checkpoints import Checkpoints, RecognizedSoFar
from transcribe.transcription.job import Job
from transcribe.workers.in_this_process import InThisProcess
from transcribe.workers.job_tracker import JobTracker
from transcribe.workers.ray import file_transfer, progress_bars, worker_pool
from transcribe.workers.ray.actor import EngineRequest, Versions
from transcribe.workers.ray.cluster import Node, connected
from transcribe.workers.ray.job_queue import JobQueue, QueuedJob
from transcribe.workers.ray.placement import Need, need, shares
from transcribe.workers.ray.progress_bars import Bar, Board
from transcribe.workers.ray.scheduler import on_ray
from transcribe.workers.worker import Outcome

DATA = Path(__file__).parents[2] / "data"
TALK = DATA / "talk.mp3"
OUT_WITHIN_S = 60
PIECES = 6

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed (playhead[ray])")
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")  # of Ray's own


class Saying(Silent):
    """Keeps the lines that were said, and how far each bar came; those that are gone stand under `down`."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.bars: dict[str, tuple[int, int | None]] = {}
        self.down: dict[str, tuple[int, int | None]] = {}

    @contextmanager
    def task(self, name: str, unit: Unit = "share") -> Iterator[Advance]:
        yield lambda done, of: self.bars.update({name: (done, of)})
        self.down[name] = self.bars.pop(name)

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Nodes]:
    with pytest.MonkeyPatch.context() as patch, ray_nodes.nodes() as started:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        for module, name in ((worker_pool, "LOOK_EVERY_S"), (running_jobs, "EVERY_S"), (progress_bars, "EVERY_S")):
            patch.setattr(module, name, 0.1)
        started.start()
        started.start()
        yield started


@pytest.fixture(scope="module")
def long_pcm() -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    """A few words again and again with pauses between, which makes as many pieces."""
    with open_audio(TALK) as recording:
        talk = np.concatenate(list(recording.blocks()))[: 4 * 16_000]
    return np.concatenate(PIECES * [talk, np.zeros(9 * 16_000, np.int16)])


def job(root: Path, name: str, sound: Path | Sequence[int] | None = None, prompt: str = "") -> Job:
    """An episode; without sound, a second of a tone, in which nobody speaks. Its prompt tells it in a worker's log."""
    path = root / f"audio/show/{name}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(sound, Path):
        path.write_bytes(sound.read_bytes())
    else:
        tone = (8000 * np.sin(np.arange(16_000) / 6)).astype(np.int16)
        write_audio(tone if sound is None else np.asarray(sound, np.int16), path)
    stored = AudioFile(f"audio/show/{name}.wav", sha256_of(path), path.stat().st_size, "audio/wav")
    episode = Episode(f"show/{name}", "Show", name)
    so_far = Checkpoints(root / "checkpoints").load(name)
    return Job(episode, stored, path, prompt, checkpoint=name, so_far=so_far)


def owner(root: Path, progress: Silent | None = None) -> JobTracker:
    return JobTracker(progress or Silent(), Checkpoints(root / "checkpoints"))


@contextmanager
def asking(
    cluster: Nodes, root: Path, wanted: EngineRequest, progress: Silent | None = None, most: int | None = None
) -> "Iterator[Callable[[Iterable[Job]], dict[str, Outcome]]]":
    with on_ray(
        cluster.address, wanted, owner(root, progress), most=most, cpus=1, running=root / "running.json"
    ) as workers:
        yield lambda jobs: outcomes(workers.run(jobs))


def outcomes(done: Iterable[tuple[Job, Outcome]]) -> dict[str, Outcome]:
    """By episode. Each is given back once."""
    found: dict[str, Outcome] = {}
    for one, outcome in done:
        assert one.episode.id not in found
        found[one.episode.id] = outcome
    return found


def here(root: Path, recognizer: Recognizer, jobs: Iterable[Job]) -> dict[str, Outcome]:
    return outcomes(InThisProcess(recognizer, InlineDecoder(), owner(root / "here")).run(jobs))


def texts(done: dict[str, Outcome]) -> dict[str, str]:
    """The files they make, but for when that was; of a failure, its code."""
    told = {name: outcome.code if isinstance(outcome, Failure) else str(outcome) for name, outcome in done.items()}
    written = {name: made for name, made in done.items() if isinstance(made, Transcript)}
    return told | {name: replace(made, created="").to_json() for name, made in written.items()}


def heard(log: Path) -> "Counter[tuple[str, int]]":
    """How often which piece of which episode was heard."""
    lines = log.read_text().splitlines() if log.exists() else []
    return Counter((prompt, int(start)) for _, prompt, start in map(str.split, lines))


@needs_ray
def test_two_nodes_write_what_one_process_writes(cluster: Nodes, tmp_path: Path) -> None:
    jobs = [job(tmp_path, "talk", TALK), job(tmp_path, "broken"), *(job(tmp_path, f"tone-{n}") for n in range(4))]
    jobs[1].path.write_bytes(b"no sound at all" * 99)
    progress = Saying()
    with asking(cluster, tmp_path, EngineRequest("pocketsphinx"), progress) as on:
        done = on(jobs)
    expected = here(tmp_path, engines.load("pocketsphinx", warn=print), jobs)
    assert texts(done) == texts(expected)
    assert texts(done)["show/broken"] == "undecodable"
    assert [line.rpartition(": ")[2] for line in progress.lines] == 2 * ["1 worker"]
    assert not (tmp_path / "running.json").exists()
    kept = Checkpoints(tmp_path / "checkpoints").load("talk")
    assert kept == Checkpoints(tmp_path / "here/checkpoints").load("talk") != RecognizedSoFar()


@needs_ray
def test_workers_are_sent_the_audio_and_the_model_that_they_do_not_see(
    cluster: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("whisper")
    monkeypatch.chdir(tmp_path)
    unseen = Path("/proc/self/cwd")  # here; for a worker it is another folder
    (tmp_path / "micro.pt").write_bytes(lzma.decompress((DATA / "micro-whisper.pt.xz").read_bytes()))
    jobs = [job(unseen, "talk", DATA / "micro.flac"), job(unseen, "tone")]
    progress = Saying()
    model = str(unseen / "micro.pt")
    with asking(cluster, tmp_path, EngineRequest("whisper", model, "en", "cpu"), progress, most=1) as on:
        done = on(jobs)
    assert any("the model is being sent" in line for line in progress.lines)
    local = engines.load("whisper", model, "en", "cpu", warn=print)
    assert texts(done) == texts(here(tmp_path, local, jobs))
    talk = done["show/talk"]
    assert isinstance(talk, Transcript)
    assert talk.engine.model == "micro.pt"


@needs_ray
def test_what_a_killed_node_had_goes_on_elsewhere_and_a_new_node_gets_work(
    cluster: Nodes, tmp_path: Path, long_pcm: Sequence[int]
) -> None:
    log, progress, last = tmp_path / "log", Saying(), cluster.running[-1]
    seen: list[RunningJob] = []

    def jobs() -> Iterator[Job]:
        yield job(tmp_path, "one", long_pcm, "one")
        yield job(tmp_path, "two", long_pcm, "two")
        until(lambda: min(Counter(name for name, _ in heard(log))[name] for name in ("one", "two")) == 2)
        until(lambda: len(running(tmp_path / "running.json")) == 2)
        seen.extend(running(tmp_path / "running.json"))
        until(lambda: {*progress.bars} == {"transcribe on Ray", *(f"{row.node}: 1 of 1 at work" for row in seen)})
        last.kill()
        (tmp_path / "go").touch()
        cluster.start()
        old = {row.node for row in seen}
        until(lambda: any(line.endswith(": 1 worker") and line[:-10] not in old for line in progress.lines))
        until(lambda: any(line.endswith("gone") for line in progress.lines))
        yield job(tmp_path, "three", prompt="three")

    with asking(cluster, tmp_path, patiently(tmp_path), progress) as on:
        done = on(jobs())
    assert sorted(row.episode for row in seen) == ["show/one", "show/two"]
    assert not progress.bars
    assert sum(line.endswith("gone") for line in progress.lines) == 1
    assert set(done) == {"show/one", "show/two", "show/three"}
    again = [
        here(tmp_path, ray_nodes.fake(), [job(tmp_path / "again", name, long_pcm, name)]) for name in ("one", "two")
    ]
    assert texts({**again[0], **again[1]}).items() <= texts(done).items()
    times = heard(log)
    assert len(times) == 2 * PIECES
    assert sum(times.values()) <= 2 * PIECES + 1  # one batch at most was heard twice


@needs_ray
def test_an_episode_that_workers_die_of_is_given_up_and_the_others_go_on(cluster: Nodes, tmp_path: Path) -> None:
    jobs = [job(tmp_path, "poison", TALK, "poison"), *(job(tmp_path, f"tone-{n}") for n in range(3))]
    with asking(cluster, tmp_path, EngineRequest("fake", device="cpu", load=ray_nodes.poisoned)) as on:
        done = on(jobs)
    died = done.pop("show/poison")
    assert isinstance(died, Failure)
    assert died.code == "worker_died"
    assert died.message.startswith("4 workers died of it")
    assert {type(outcome) for outcome in done.values()} == {Transcript}


OWNING = """
import pathlib, sys
from tests.workers.ray.test_scheduler import *
root = pathlib.Path(sys.argv[1])
pcm = np.load(root / "pcm.npy")
cluster = Nodes(root, sys.argv[2])
with asking(cluster, root, patiently(root)) as on:
    on([job(root, "one", pcm, "one")])
"""


@needs_ray
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_when_the_owner_ends_so_do_its_workers_and_the_next_one_goes_on(
    cluster: Nodes, tmp_path: Path, long_pcm: Sequence[int], how: signal.Signals
) -> None:
    np.save(tmp_path / "pcm.npy", long_pcm)
    owning = subprocess.Popen(
        [sys.executable, "-c", OWNING, str(tmp_path), cluster.address],
        env=environment(**SETTINGS),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    try:
        until(lambda: owning.poll() is not None or len(checkpoints.load("one").utterances) >= 2)
        owning.send_signal(how)
        owning.wait(timeout=OUT_WITHIN_S)
    finally:
        owning.kill()
        owning.wait()
    process = int((tmp_path / "log").read_text().split()[0])
    until(lambda: not any(node.holds(process) for node in cluster.running))

    kept = len(checkpoints.load("one").utterances)
    (tmp_path / "go").touch()
    with asking(cluster, tmp_path, patiently(tmp_path)) as on:
        done = on([job(tmp_path, "one", long_pcm, "one")])
    expected = here(
        tmp_path, ray_nodes.fake(), [replace(job(tmp_path, "one", long_pcm, "one"), so_far=RecognizedSoFar())]
    )
    assert texts(done) == texts(expected)
    times = heard(tmp_path / "log")
    assert len(times) == PIECES
    assert sum(times.values()) <= PIECES + 1
    assert kept >= 2


@needs_ray
def test_a_worker_with_another_playhead_stops_it_before_any_work(
    cluster: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_pool, "versions", lambda: Versions("9.9", "3.11"))
    wanted = EngineRequest("fake", load=ray_nodes.fake)
    with pytest.raises(CannotStart) as problem, asking(cluster, tmp_path, wanted):
        raise AssertionError
    assert re.search(r"it has Playhead 0\.\S+ on Python 3\S+, and here is Playhead 9\.9", str(problem.value))
    assert "\n" not in str(problem.value)


@needs_ray
def test_so_does_one_with_another_engine(cluster: Nodes, tmp_path: Path) -> None:
    with (
        pytest.raises(CannotStart, match="with version 1"),
        asking(cluster, tmp_path, EngineRequest("fake", load=ray_nodes.unlike)),
    ):
        raise AssertionError


@needs_ray
def test_so_does_one_where_the_engine_is_not_to_be_had(cluster: Nodes, tmp_path: Path) -> None:
    with (
        pytest.raises(CannotStart, match="pocketsphinx knows English alone"),
        asking(cluster, tmp_path, EngineRequest("pocketsphinx", language="de")),
    ):
        raise AssertionError


@needs_ray
def test_who_has_another_token_is_not_let_in(cluster: Nodes) -> None:
    code = "import sys; from tests.workers.ray.test_scheduler import connected; connected(sys.argv[1], 1).__enter__()"
    ended = subprocess.run(
        [sys.executable, "-c", code, cluster.address],
        env=environment(
            **SETTINGS | {"RAY_AUTH_TOKEN": "not-the-token-of-the-tests", "RAY_NUM_REDIS_GET_RETRIES": "1"}
        ),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    last = ended.stderr.splitlines()[-1]
    assert "CannotStart: Ray at 127.0.0.1" in last
    assert "RAY_AUTH_TOKEN" in last
    assert "not-the-token" not in ended.stderr
    assert "Unauthenticated" not in ended.stderr


@needs_ray
def test_with_local_a_cluster_of_our_own_is_there_for_the_run_and_for_nobody_else(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LOCAL, str(tmp_path)]
    clean = {name: value for name, value in environment().items() if not name.startswith("RAY_")}
    ended = subprocess.run(command, env=clean, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    told = json.loads(ended.stdout)
    assert (told["done"], told["listening"]) == (["show/one", "show/two"], ["127.0.0.1"])
    assert told["said"] in (["2 workers"], ["1 worker"])  # the first to be ready may do both while the second starts


LOCAL = """
import json, pathlib, sys
from tests.workers.ray.test_scheduler import *
root, progress = pathlib.Path(sys.argv[1]), Saying()
wanted = EngineRequest("pocketsphinx")
with on_ray("local", wanted, owner(root, progress), most=2, cpus=2, running=root / "running.json") as workers:
    done = outcomes(workers.run([job(root, "one"), job(root, "two")]))
    listening = addresses(os.getpid())
said = [line.rpartition(": ")[2] for line in progress.lines]
print(json.dumps({"done": sorted(done), "listening": listening, "said": said[-1:]}))
"""


def addresses(process: int) -> list[str]:
    """Where a process and those it has started listen."""
    sockets = {
        str(link.readlink())
        for each in [process, *ray_nodes.below(process)]
        for link in Path(f"/proc/{each}/fd").iterdir()
        if link.is_symlink()
    }
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == "0A" and f"socket:[{rest[5]}]" in sockets:
                found.add(".".join(str(byte) for byte in reversed(bytes.fromhex(local.partition(":")[0][-8:]))))
    return sorted(found)


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EngineUnavailable, match=r"pip install 'playhead\[ray\]'"), connected("local", 1):
        raise AssertionError


@pytest.mark.parametrize("address", ["nowhere", "ray://host:10001", "host:", "host:port"])
def test_what_is_no_address_is_said(address: str) -> None:
    with pytest.raises(UsageError, match="give auto, local, or HOST:PORT"), connected(address, 1):
        raise AssertionError


@needs_ray
def test_where_nobody_listens_it_cannot_start() -> None:
    with pytest.raises(CannotStart, match="cannot be reached"), connected("127.0.0.1:1", 1):
        raise AssertionError


def test_the_longest_goes_first_and_not_where_it_was_the_death_of_one(tmp_path: Path) -> None:
    job_queue = JobQueue()
    short, long = (QueuedJob(job(tmp_path, name, range(size))) for name, size in (("short", 100), ("long", 9000)))
    job_queue.add(short)
    job_queue.add(long)
    long.excluded_nodes.add("there")
    assert job_queue.take(lambda queued: "there" not in queued.excluded_nodes) is short
    assert job_queue.take() is long
    assert job_queue.take() is None


def test_there_is_one_bar_for_each_label_and_none_for_one_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_bars, "EVERY_S", 0)
    progress = Saying()
    shown = Board(progress)
    shown.show(lambda: [Bar("all", 0, None), Bar("a node: 1 of 2 at work", 300, 1000)])
    assert progress.bars == {"all": (0, None), "a node: 1 of 2 at work": (300, 1000)}
    shown.show(lambda: [Bar("all", 500, 9000), Bar("a node: 2 of 2 at work", 400, 2000)])
    assert progress.bars == {"all": (500, 9000), "a node: 2 of 2 at work": (400, 2000)}
    assert progress.down == {"a node: 1 of 2 at work": (300, 1000)}
    shown.close()
    assert not progress.bars


def test_bars_are_not_moved_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    progress = Saying()
    shown = Board(progress)
    for wait_s, done in ((0, 1), (3600, 2)):
        monkeypatch.setattr(progress_bars, "EVERY_S", wait_s)
        shown.show(lambda done=done: [Bar("all", done, 100)])  # type: ignore[misc]
    assert progress.bars == {"all": (1, 100)}


LARGE, SMALL, GPUS = Node("a", "large", 64, 0), Node("b", "small", 2, 0), Node("c", "gpus", 32, 4)
NODES = [LARGE, SMALL, GPUS, Node("d", "owner", 0, 0)]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Need(threads=1), {"a": 64, "b": 2, "c": 32, "d": 0}),
        (Need(), {"a": 8, "b": 1, "c": 4, "d": 0}),
        (Need(gpus=1), {"a": 0, "b": 0, "c": 4, "d": 0}),
        (Need(gpus=1 / 3), {"a": 0, "b": 0, "c": 12, "d": 0}),
    ],
)
def test_a_node_gets_as_many_workers_as_it_has_room_for(wanted: Need, expected: dict[str, int]) -> None:
    assert shares(wanted, NODES, None) == expected


def test_few_workers_are_spread_over_the_nodes() -> None:
    assert shares(Need(threads=1), NODES, 4) == {"a": 2, "b": 1, "c": 1, "d": 0}


def test_a_gpu_is_taken_where_there_is_one_and_shared_where_more_workers_are_asked_for() -> None:
    assert need("whisper", None, NODES, None) == Need(gpus=1)
    assert need("whisper", None, NODES, 8) == Need(gpus=0.5)
    assert need("whisper", "cpu", NODES, 8) == need("whisper", None, [LARGE], 8) == Need()
    assert need("pocketsphinx", None, NODES, None) == Need(threads=1)


def test_a_folder_arrives_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_transfer, "CHUNK_BYTES", 10)
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    for name, size in {"empty": 0, "ten": 10, "deep/long": 25}.items():
        (folder / name).write_bytes(os.urandom(size))
    for path in (folder, folder / "deep/long"):
        for chunk in file_transfer.chunks(path):
            file_transfer.take(chunk, tmp_path / "there")
    assert file_transfer.content(tmp_path / "there/model") == file_transfer.content(folder)
    assert file_transfer.content(tmp_path / "there/long") == file_transfer.content(folder / "deep/long")


def patiently(root: Path) -> EngineRequest:
    return EngineRequest("fake", device="cpu", load=functools.partial(ray_nodes.patient, root / "log", root / "go"))


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
