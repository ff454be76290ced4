"""Shows progress on stderr while long work goes on: bars on a terminal, plain lines elsewhere."""

import logging
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, Protocol

from rich.console import Console
from rich.progress import BarColumn, Task, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bars
from rich.text import Text

Advance = Callable[[int, int | None], None]  # how much is done, and of how much if that is known
Unit = Literal["share", "bytes"]


def unwatched(done: int, of: int | None) -> None:
    """An `Advance` that shows nothing."""


def printable(text: str) -> str:
    """Text as a terminal may be given it, without control characters other than line ends and tabs.

    A title in a feed could clear the screen, or rename it.
    """
    if text.isprintable():
        return text
    return "".join(letter for letter in text if letter in "\n\t" or unicodedata.category(letter) != "Cc")


class Progress(Protocol):
    """Shows how far work is."""

    def task(self, name: str, unit: Unit = "share") -> AbstractContextManager[Advance]:
        """A context for one task. It gives the function to call with how much is done: a share, or bytes."""

    def say(self, line: str) -> None:
        """Shows one line: something is done, or went wrong."""


def _stderr() -> Console:
    return Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


_with_bars: list[Console] = []  # on which bars are shown now, the innermost last


class ProgressBars:
    """Progress on a console: a person's terminal, or a log."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or _stderr()
        self._bars = Bars(
            TextColumn("{task.description}", markup=False),  # a title may hold brackets
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            _Speed(),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )

    def __enter__(self) -> "ProgressBars":
        self._bars.start()
        _with_bars.append(self.console)
        return self

    def __exit__(self, *_: object) -> None:
        _with_bars.remove(self.console)
        self._bars.stop()

    @contextmanager
    def task(self, name: str, unit: Unit = "share") -> Iterator[Advance]:
        """A bar while the task lasts; for bytes, with their speed."""
        bar = self._bars.add_task(printable(name), total=None, unit=unit)
        try:
            yield lambda done, of: self._bars.update(bar, completed=done, total=of)
        finally:
            self._bars.remove_task(bar)

    def say(self, line: str) -> None:
        """Prints one line above the bars."""
        self.console.print(printable(line), markup=False)


class _Speed(TransferSpeedColumn):
    """A column with the bytes a second, for tasks that count bytes."""

    def render(self, task: Task) -> Text:
        return super().render(task) if task.fields.get("unit") == "bytes" else Text()


class _LogLines(logging.Handler):
    """Prints what is logged, above the bars where there are some."""

    def emit(self, record: logging.LogRecord) -> None:
        console = _with_bars[-1] if _with_bars else _stderr()
        console.print(printable(self.format(record)), markup=False)


_LOG_LINES = _LogLines()


def log_to_console(debug: bool = False) -> None:
    """Shows what Playhead logs: warnings, or with `debug` everything, tracebacks and other libraries' retries too.

    What an earlier call in this process asked for is over.
    """
    for name in ("transcribe", "search", "stamina", "opensearch"):
        logger = logging.getLogger(name)
        logger.removeHandler(_LOG_LINES)
        if debug or name in ("transcribe", "search"):
            logger.addHandler(_LOG_LINES)
        # At DEBUG, opensearch-py logs whole bodies, and users' names with them.
        logger.setLevel((logging.INFO if name == "opensearch" else logging.DEBUG) if debug else logging.WARNING)
