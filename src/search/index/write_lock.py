"""The lock of an index: one process writes at a time."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import filelock

from search.errors import IndexBusy

WAIT_S = 30  # for another writer


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Holds the lock file; waits for another process that holds it. Raises IndexBusy after WAIT_S."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(path, timeout=WAIT_S)
    try:
        lock.acquire()
    except filelock.Timeout as problem:
        raise IndexBusy(f"The index is busy: another process has been writing it for {WAIT_S} s.") from problem
    try:
        yield
    finally:
        lock.release()
