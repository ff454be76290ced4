"""Workers against real files and real processes; only the recognizer is a stand-in.

A process of its own takes seconds to begin, so few are begun here.
"""

import functools
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from fake_recognizer import FakeRecognizer, loaded
from speech import write_audio
from transcribe import workers
from transcribe.episode import AudioFile, Episode, Failure, Record
from transcribe.progress import Advance, Silent
from transcribe.speech import Piece
from transcribe.transcript import Transcript, Word
from transcribe.workers import InProcesses, InThisProcess, Job, Outcome, Workers

TALK = Path(__file__).parent / "data/talk.mp3"
TIMEOUT_S = 60  # generous: for a process to begin and to die


class Watched:
    """Progress that keeps what it was told."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.told: dict[str, list[tuple[int, int | None]]] = {}

    @contextmanager
    def task(self, name: str) -> Iterator[Advance]:
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

    def recognize(self, pieces: Iterable[Piece]) -> Iterator[list[Word]]:
        for _ in pieces:
            workers._messages._wlock.acquire()  # type: ignore[attr-defined] # the worst moment: while it tells how far it is
            self.epitaph.touch()
            os._exit(9)
        yield from ()


def fatal(epitaph: Path) -> Fatal:
    return Fatal(epitaph)


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
    return Job(Record(Episode(f"show/{name}", "Show", "The Title of Them All"), audio=stored), root)


def outcomes(workers: Workers, jobs: Iterable[Job]) -> dict[str, Outcome]:
    """By episode. Each is given back once."""
    done: dict[str, Outcome] = {}
    for job, outcome in workers.run(jobs):
        assert job.record.episode.id not in done
        done[job.record.episode.id] = outcome
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
    assert_all_done(outcomes(InThisProcess(loaded(), progress), four_jobs(tmp_path)))
    assert progress.ended == progress.begun == 4 * ["transcribe The Title of Them All"]
    (told,) = progress.told.values()
    assert (9_000, 9_000) < max(told) < (20_000, 20_000)  # milliseconds of talk.mp3


def test_in_processes_too_and_what_they_tell_reaches_the_owner(tmp_path: Path) -> None:
    progress = Watched()
    assert_all_done(outcomes(InProcesses(2, loaded, progress), four_jobs(tmp_path)))  # fault line 31
    assert progress.ended == progress.begun == 4 * ["transcribe The Title of Them All"]
    (told,) = progress.told.values()
    assert (9_000, 9_000) < max(told) < (20_000, 20_000)


def test_a_process_that_dies_fails_its_episode_and_new_ones_do_the_rest(tmp_path: Path) -> None:
    epitaph = tmp_path / "epitaph"

    def jobs() -> Iterator[Job]:
        yield job(tmp_path, "talk", TALK)
        deadline = time.monotonic() + TIMEOUT_S
        while not epitaph.exists():  # the next one takes long to fetch: meanwhile the process dies
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)  # until the owner can know
        yield job(tmp_path, "tone")
        yield job(tmp_path, "other")

    progress = Watched()
    done = outcomes(InProcesses(2, functools.partial(fatal, epitaph), progress), jobs())
    died = done.pop("show/talk")
    assert isinstance(died, Failure)
    assert died.code == "worker_died"
    assert set(done) == {"show/tone", "show/other"}
    assert {text(outcome) for outcome in done.values()} == {""}
    assert sorted(progress.ended) == sorted(progress.begun)  # no bar is left standing


def test_jobs_are_taken_only_as_they_are_got_to(tmp_path: Path) -> None:
    taken: list[str] = []

    def jobs() -> Iterator[Job]:
        for name in ("first", "second"):
            taken.append(name)
            yield job(tmp_path, name)

    running = InThisProcess(loaded(), Silent()).run(jobs())
    next(running)
    assert taken == ["first"]  # the second may still have to be fetched
    next(running)
    assert taken == ["first", "second"]
    with pytest.raises(StopIteration):
        next(running)


def test_no_jobs_begin_no_process() -> None:
    def never() -> FakeRecognizer:  # a function of a function cannot be sent to another process
        raise AssertionError

    assert outcomes(InProcesses(2, never, Silent()), []) == {}
