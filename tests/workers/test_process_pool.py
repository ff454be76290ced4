"""Beyond what test_workers.py asks of all workers alike."""

import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fake_recognizer import loaded
from tests.workers.test_worker import TALK, TIMEOUT_S, Watched, job, outcomes, owner, text
from transcribe.transcription.checkpoints import Checkpoints
from transcribe.transcription.job import Job
from transcribe.transcription.transcribe_episode import BatchDone
from transcribe.workers.process_pool import DIED, ProcessPool, WorkerSlot, _received


def test_what_is_heard_is_kept_while_the_owner_waits_for_the_next_job(tmp_path: Path) -> None:  # fault 28
    kept = Checkpoints(tmp_path / "checkpoints")

    def jobs() -> Iterator[Job]:
        yield job(tmp_path, "talk", TALK)
        deadline = time.monotonic() + TIMEOUT_S
        while not kept.load("talk").utterances:  # the next one takes long to fetch
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield job(tmp_path, "tone")

    done = outcomes(ProcessPool(2 * [WorkerSlot(loaded, threads=1)], owner(tmp_path)), jobs())
    assert "we heard this" in text(done["show/talk"])
    assert text(done["show/tone"]) == ""


def test_what_cannot_be_kept_ends_the_run(tmp_path: Path) -> None:
    class Full(Checkpoints):
        def __getattribute__(self, name: str) -> object:
            if name in ("add", "keep"):
                raise OSError("no space left")
            return super().__getattribute__(name)

    mine = owner(tmp_path)
    mine.checkpoints = Full(tmp_path / "checkpoints")
    with pytest.raises(OSError, match="no space left"):
        outcomes(ProcessPool([WorkerSlot(loaded, threads=1)], mine), [job(tmp_path, "talk", TALK)])


def test_a_worker_that_dies_in_the_midst_of_a_message_has_died() -> None:
    here, there = multiprocessing.Pipe()
    there.send(BatchDone("en", (), kept=False, done_ms=1, of_ms=2))
    assert isinstance(_received(here), BatchDone)
    os.write(there.fileno(), b"\0\0\x10\0only the beginning")
    there.close()
    assert _received(here) == DIED


def test_no_bar_is_left_standing(tmp_path: Path) -> None:
    progress = Watched()
    running = ProcessPool([WorkerSlot(loaded, threads=1)], owner(tmp_path, progress)).run(
        [job(tmp_path, "tone"), job(tmp_path, "talk", TALK)]
    )
    next(iter(running))
    running.close()  # type: ignore[attr-defined] # the caller leaves
    assert progress.ended == progress.begun
