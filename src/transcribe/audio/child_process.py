"""A process started from this one, with a pipe to it: how it is started, watched and ended.

The child ignores Ctrl-C, which a terminal sends to all processes at once: its parent decides what it means. A thread
in the child ends it when the parent is gone or when it takes too much memory, even while its main thread hangs.
"""

import contextlib
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from transcribe.library.posix import ignore_sigint, sigint_blocked, signal_name

KILL_WAIT_S = 1.0  # for a killed process to be gone; a disk that does not answer may hold it
WATCH_EVERY_S = 0.2

_PARENT_GONE, _TOO_MUCH_MEMORY = 1, 71  # exit statuses


class ChildProcess:
    """A running child process. `connection` is this side's end of the pipe."""

    def __init__(
        self, main: Callable[..., None], *args: Any, most_bytes: int | None = None, daemon: bool = True
    ) -> None:
        """Starts `main(connection, *args)` in a new process; `main` and `args` must be picklable.

        The child ends itself when it holds more than `most_bytes` of memory. A daemon cannot start children itself.
        """
        context = multiprocessing.get_context("spawn")  # torch does not survive a fork
        self.connection, childs_end = context.Pipe()
        self._process = context.Process(
            target=_run, args=(childs_end, os.getpid(), most_bytes, main, args), daemon=daemon
        )
        with sigint_blocked():
            self._process.start()
        childs_end.close()  # so that reading from the pipe fails when the child ends

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process.pid
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.is_alive()

    def kill(self) -> None:
        """Ends it at once, whatever it does."""
        self._process.kill()
        self._process.join(KILL_WAIT_S)

    def close(self, wait_s: float) -> None:
        """Closes the pipe, which an idle child reads as its end, and kills the process if it outlives `wait_s`."""
        self.connection.close()
        self._process.join(wait_s)
        self.kill()

    def why_it_ended(self) -> str:
        """How a child that has closed its pipe ended; the child is the subject of the text."""
        self._process.join(KILL_WAIT_S)
        status = self._process.exitcode
        if status == _TOO_MUCH_MEMORY:
            return "needed too much memory"
        if status is not None and status < 0:
            return f"was ended: {signal_name(-status)}"
        return f"ended with status {status}"


# The functions below run in the child.


def _run(
    connection: Connection, parent: int, most_bytes: int | None, main: Callable[..., None], args: tuple[Any, ...]
) -> None:
    ignore_sigint()
    threading.Thread(target=_watch, args=(parent, most_bytes), daemon=True).start()
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the parent has closed the pipe
        main(connection, *args)


def _watch(parent: int, most_bytes: int | None) -> None:
    """Ends this process when its parent is gone, or when it takes too much memory."""
    while os.getppid() == parent:
        if most_bytes is not None and _resident_bytes() > most_bytes:
            os._exit(_TOO_MUCH_MEMORY)
        time.sleep(WATCH_EVERY_S)
    os._exit(_PARENT_GONE)


def _resident_bytes() -> int:
    """The memory that this process holds; 0 where the system does not tell (Linux alone has /proc)."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except FileNotFoundError:
        return 0
