"""Who transcribes, chosen from the settings."""

from pathlib import Path

import pytest

from tests.support.fake_recognizer import FakeRecognizer
from tests.support.silent import Silent
from transcribe.errors import CannotStart, UsageError
from transcribe.recognizers import engines
from transcribe.settings import Settings
from transcribe.transcription.checkpoints import Checkpoints
from transcribe.workers.in_this_process import InThisProcess
from transcribe.workers.job_tracker import JobTracker
from transcribe.workers.process_pool import ProcessPool
from transcribe.workers.setup import worker_setup


def tracker(root: Path) -> JobTracker:
    return JobTracker(Silent(), Checkpoints(root / "checkpoints"))


def test_with_several_workers_this_process_loads_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pocketsphinx")
    model = "transcribe.recognizers.pocketsphinx.recognizer.PocketSphinx.__init__"
    monkeypatch.setattr(model, lambda *_: pytest.fail("a model was loaded in the parent"))
    settings = Settings.load(tmp_path, engine="pocketsphinx", workers=2)
    with worker_setup(settings, 5, tracker(tmp_path), tmp_path / "running.json") as workers:
        assert isinstance(workers, ProcessPool)
        assert workers.engine.name == "pocketsphinx"  # as its first worker has told


def test_what_a_worker_cannot_load_is_raised_before_any_work(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path, engine="no-such", workers=2)
    with (
        pytest.raises(UsageError, match="There is no engine 'no-such'"),
        worker_setup(settings, 5, tracker(tmp_path), tmp_path / "running.json"),
    ):
        raise AssertionError


def test_a_worker_that_dies_as_it_loads_is_said(tmp_path: Path) -> None:
    from tests.workers.test_process_pool import dying
    from transcribe.workers.process_pool import WorkerSlot

    with ProcessPool([WorkerSlot(dying)], tracker(tmp_path)) as pool, pytest.raises(CannotStart, match="status 9"):
        _ = pool.engine


def test_one_episode_is_done_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "load", lambda *_, **__: FakeRecognizer())
    settings = Settings.load(tmp_path, engine="whisper", workers=4)
    with worker_setup(settings, 1, tracker(tmp_path), tmp_path / "running.json") as workers:
        assert isinstance(workers, InThisProcess)
        assert workers.engine.name == "fake"
