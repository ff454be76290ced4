"""Workers against real files and real processes; only the recognizer is a stand-in.

A process of its own takes seconds to begin, so few are begun here.
"""

import functools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.command import environment
from tests.support.fake_recognizer import FakeRecognizer, loaded
from tests.support.silent import Silent
from tests.support.speech import write_audio
from transcribe.audio.inline_decoder import InlineDecoder
from transcribe.audio.voice_activity import Piece
from transcribe.console import Advance, Progress
from transcribe.library.episode import AudioFile, Episode, Failure
from transcribe.library.transcript import Transcript
from transcribe.recognizers.protocol import Hints, Recognition
from transcribe.transcription.checkpoints import Checkpoints, RecognizedSoFar
from transcribe.transcription.job import Job
from transcribe.workers.in_this_process import InThisProcess
from transcribe.workers.job_tracker import JobTracker
from transcribe.workers.process_pool import ProcessPool, WorkerSlot
from transcribe.workers.worker import Outcome, Workers

TALK = Path(__file__).parents[1] / "data/talk.mp3"
TIMEOUT_S = 60  # generous: for a process to begin and to die


class Watched:
    """Progress that keeps what it was told."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.told: dict[str, list[tuple[int, int | None]]] = {}

    @contextmanager
    def task(self, name: str, unit: str = "share") -> Iterator[Advance]:
        self.begun.append(name)
        try:
            yield lambda done, of: self.told.setdefault(name, []).append((done, of))
        finally:
            self.ended.append(name)

    def say(self, line: str) -> None:
        raise AssertionError(f"workers have nothing to say: {line}")


class Fatal(FakeRecognizer):
    """Ends its process, as running out of memory would, where it hears speech; leaves a file to say so."""

    def __init__(self, epitaph: Path) -> None:
        super().__init__()
        self.epitaph = epitaph

    def recognize(self, pieces: Sequence[Piece], hints: Hints) -> list[Recognition]:
        self.epitaph.touch()
        os._exit(9)


def fatal(epitaph: Path, **_: object) -> Fatal:
    return Fatal(epitaph)


def full() -> FakeRecognizer:
    return FakeRecognizer(failure=MemoryError())


def owner(root: Path, progress: Progress | None = None) -> JobTracker:
    return JobTracker(progress or Silent(), Checkpoints(root / "checkpoints"))


def here(root: Path, recognizer: FakeRecognizer | None = None, progress: Progress | None = None) -> InThisProcess:
    return InThisProcess(recognizer or FakeRecognizer(), InlineDecoder(), owner(root, progress))


def job(root: Path, name: str, content: Path | bytes | None = None) -> Job:
    """An episode whose audio is this file or these bytes; without, a second of a tone, in which nobody speaks."""
    path = root / f"audio/show/{name}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        shutil.copy(content, path)
    else:
        write_audio((8000 * np.sin(np.arange(16_000) / 6)).astype(np.int16), path)
    stored = AudioFile(f"audio/show/{name}.wav", "0" * 64, path.stat().st_size, "audio/wav")
    episode = Episode(f"show/{name}", "Show", "The Title of Them All")
    return Job(episode, stored, path, checkpoint=name)


def outcomes(workers: Workers, jobs: Iterable[Job]) -> dict[str, Outcome]:
    """By episode. Each is given back once."""
    done: dict[str, Outcome] = {}
    for job, outcome in workers.run(jobs):
        assert job.episode.id not in done
        done[job.episode.id] = outcome
    return done


def text(outcome: Outcome) -> str:
    assert isinstance(outcome, Transcript), outcome
    return " ".join(segment.text for segment in outcome.segments)


def assert_all_done(done: dict[str, Outcome]) -> None:
    assert set(done) == {"show/talk", "show/tone", "show/broken", "show/other"}
    assert "we heard this" in text(done["show/talk"])
    assert (text(done["show/tone"]), text(done["show/other"])) == ("", "")
    broken = done["show/broken"]
    assert isinstance(broken, Failure)
    assert broken.code == "undecodable"
    assert "broken.wav" in broken.message


def four_jobs(root: Path) -> list[Job]:
    return [
        job(root, "broken", b"no sound at all" * 99),
        job(root, "talk", TALK),
        job(root, "tone"),
        job(root, "other"),
    ]


def test_in_this_process_each_job_is_done_once_and_failures_are_given_back(tmp_path: Path) -> None:
    progress = Watched()
    assert_all_done(outcomes(here(tmp_path, progress=progress), four_jobs(tmp_path)))
    assert progress.ended == progress.begun == 4 * ["transcribe The Title of Them All"]
    (told,) = progress.told.values()
    assert (9_000, 9_000) < max(told) < (20_000, 20_000)  # milliseconds of talk.mp3


def test_in_processes_too_and_what_they_tell_reaches_the_owner(tmp_path: Path) -> None:
    progress = Watched()
    workers = ProcessPool(2 * [WorkerSlot(loaded, threads=1)], owner(tmp_path, progress))
    assert_all_done(outcomes(workers, four_jobs(tmp_path)))  # fault 31
    assert progress.ended == progress.begun == 4 * ["transcribe The Title of Them All"]
    (told,) = progress.told.values()
    assert (9_000, 9_000) < max(told) < (20_000, 20_000)
    assert Checkpoints(tmp_path / "checkpoints").load("talk").language == "en"


def test_a_process_that_dies_fails_its_episode_alone(tmp_path: Path) -> None:
    epitaph = tmp_path / "epitaph"

    def jobs() -> Iterator[Job]:
        yield job(tmp_path, "talk", TALK)
        yield job(tmp_path, "beside")
        deadline = time.monotonic() + TIMEOUT_S
        while not epitaph.exists():  # the next one takes long to fetch: meanwhile the process dies
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield job(tmp_path, "tone")
        yield job(tmp_path, "other")

    progress = Watched()
    places = 2 * [WorkerSlot(functools.partial(fatal, epitaph), threads=1)]
    done = outcomes(ProcessPool(places, owner(tmp_path, progress)), jobs())
    died = done.pop("show/talk")
    assert isinstance(died, Failure)
    assert died.code == "worker_died"
    assert {name: text(outcome) for name, outcome in done.items()} == dict.fromkeys(
        ("show/beside", "show/tone", "show/other"), ""
    )
    assert sorted(progress.ended) == sorted(progress.begun)  # no bar is left standing


def test_out_of_memory_in_one_episode_leaves_the_others(tmp_path: Path) -> None:  # fault 32
    done = outcomes(here(tmp_path, full()), [job(tmp_path, "talk", TALK), job(tmp_path, "tone")])
    failed = done["show/talk"]
    assert isinstance(failed, Failure)
    assert failed.code == "out_of_memory"
    assert text(done["show/tone"]) == ""


def test_each_batch_is_kept_as_soon_as_it_is_heard(tmp_path: Path) -> None:
    kept: list[int] = []

    class Looking(FakeRecognizer):
        def recognize(self, pieces: Sequence[Piece], hints: Hints) -> list[Recognition]:
            kept.append(len(Checkpoints(tmp_path / "checkpoints").load("talks").utterances))
            return super().recognize(pieces, hints)

    outcomes(here(tmp_path, Looking()), [talks(tmp_path)])
    assert kept == [0, 1, 2]


def test_what_was_kept_is_not_heard_again(tmp_path: Path) -> None:
    first = FakeRecognizer()
    outcomes(here(tmp_path, first), [talks(tmp_path)])
    so_far = Checkpoints(tmp_path / "checkpoints").load("talks")
    second = FakeRecognizer()
    again = talks(tmp_path, RecognizedSoFar(so_far.language, so_far.utterances[:2]))
    done = outcomes(here(tmp_path, second), [again])
    assert (first.pieces, second.pieces) == (3, 1)
    assert text(done["show/talks"]) == " ".join(3 * ["we heard this"])
    assert Checkpoints(tmp_path / "checkpoints").load("talks") == so_far


def talks(root: Path, so_far: RecognizedSoFar | None = None) -> Job:
    """Three talks with pauses between, in one file."""
    from transcribe.audio.decode import open_audio

    with open_audio(TALK) as recording:
        talk = np.concatenate(list(recording.blocks()))
    pause = np.zeros(5 * 16_000, np.int16)
    made = job(root, "talks")
    write_audio(np.concatenate([talk, pause, talk, pause, talk]), made.path)
    return replace(made, so_far=so_far or RecognizedSoFar())


def test_jobs_are_taken_only_as_they_are_got_to(tmp_path: Path) -> None:
    taken: list[str] = []

    def jobs() -> Iterator[Job]:
        for name in ("first", "second", "third"):
            taken.append(name)
            yield job(tmp_path, name)

    running = here(tmp_path).run(jobs())
    next(running)
    assert taken == ["first", "second"]  # the second is decoded while the first is recognized; the third is not fetched
    next(running)
    assert taken == ["first", "second", "third"]
    assert next(running)[0].episode.id == "show/third"
    with pytest.raises(StopIteration):
        next(running)


def test_what_goes_wrong_with_the_next_job_is_no_fault_of_the_one_in_work(tmp_path: Path) -> None:
    def jobs() -> Iterator[Job]:
        yield job(tmp_path, "tone")
        raise ZeroDivisionError

    running = here(tmp_path).run(jobs())
    assert text(next(running)[1]) == ""
    with pytest.raises(ZeroDivisionError):
        next(running)


def test_no_jobs_begin_no_process(tmp_path: Path) -> None:
    def never() -> FakeRecognizer:  # a function of a function cannot be sent to another process
        raise AssertionError

    assert outcomes(ProcessPool(2 * [WorkerSlot(never)], owner(tmp_path)), []) == {}


OWNING = """
import pathlib, sys
from tests.workers.test_worker import *
root = pathlib.Path(sys.argv[1])
workers = ProcessPool([WorkerSlot(functools.partial(endless, root / "pid"), threads=1)], owner(root))
outcomes(workers, [job(root, "talk", TALK)])
"""


class Endless(FakeRecognizer):
    """Never done with a piece; leaves its process's number."""

    def __init__(self, pid: Path) -> None:
        super().__init__()
        self.pid = pid

    def recognize(self, pieces: Sequence[Piece], hints: Hints) -> list[Recognition]:
        self.pid.write_text(str(os.getpid()))
        time.sleep(10 * TIMEOUT_S)
        raise AssertionError


def endless(pid: Path, **_: object) -> Endless:
    return Endless(pid)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_when_the_owner_ends_so_do_its_workers(tmp_path: Path, how: signal.Signals) -> None:  # fault 29
    owning = subprocess.Popen(
        [sys.executable, "-c", OWNING, str(tmp_path)],
        env=environment(),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    owning.send_signal(how)
    owning.wait(timeout=10)
    _until(lambda: not _lives(int((tmp_path / "pid").read_text())))


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
