"""What only POSIX systems have: signals, locks of open files, processes by number, the cores that may be used."""

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any


def share_lock(file: IO[Any]) -> None:
    """Holds an open file together with others, until it is closed. Waits for whoever has it alone. Raises OSError."""
    fcntl.flock(file, fcntl.LOCK_SH)


def lock_alone(file: IO[Any]) -> bool:
    """Holds an open file alone, until it is closed; False at once where others hold it. Raises OSError."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt, as Ctrl-C does, until the end of the block."""
    with sigterm_kept():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        yield


@contextmanager
def sigterm_kept() -> Iterator[None]:
    """After the block SIGTERM does what it did before."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def sigint_blocked() -> Iterator[None]:
    """A child that begins within the block inherits that, so Ctrl-C cannot end it before it ignores it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ignore_sigint() -> None:
    """For a child process: Ctrl-C goes to its parent as well, which decides."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])


def signal_name(number: int) -> str:
    """What a signal is called."""
    return signal.strsignal(number) or str(number)


def is_running(process: int) -> bool:
    """Whether there is a process of that number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def usable_cores() -> int:
    """The cores that this process may use; macOS tells only how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
