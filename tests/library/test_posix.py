import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from transcribe.library.posix import is_running, lock_alone, share_lock, sigterm_interrupts, usable_cores


def test_many_may_share_a_lock_and_one_alone_has_it_after_them(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with path.open() as other:
        with path.open() as one, path.open() as two:
            share_lock(one)
            share_lock(two)
            assert not lock_alone(other)
        assert lock_alone(other)


def test_sigterm_interrupts_and_does_afterwards_what_it_did() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), sigterm_interrupts():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_process_runs_until_it_has_ended() -> None:
    assert is_running(os.getpid())
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not is_running(ended.pid)


def test_there_is_a_core_to_use() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
