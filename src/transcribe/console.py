"""What a person sees while long work goes on: bars on a terminal, plain lines elsewhere. All of it on stderr."""

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
    """Where nobody asks how far the work is."""


def printable(text: str) -> str:
    """Text as a terminal may be given it, without control characters other than line ends and tabs.

    A title in a feed could clear the screen, or rename it.
    """
    if text.isprintable():
        return text
    return "".join(letter for letter in text if letter in "\n\t" or unicodedata.category(letter) != "Cc")


class Progress(Protocol):
    """Tells somebody how far the work is."""

    def task(self, name: str, unit: Unit = "share") -> AbstractContextManager[Advance]:
        """A piece of work that takes a while; what is entered is told how far it is, perhaps in bytes."""

    def say(self, line: str) -> None:
        """Something is done, or went wrong."""


class ProgressBars:
    """Progress on the console of a person or a log."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
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
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    @contextmanager
    def task(self, name: str, unit: Unit = "share") -> Iterator[Advance]:
        """A bar for as long as the work takes; bytes with their speed."""
        bar = self._bars.add_task(printable(name), total=None, unit=unit)
        try:
            yield lambda done, of: self._bars.update(bar, completed=done, total=of)
        finally:
            self._bars.remove_task(bar)

    def say(self, line: str) -> None:
        """One line above the bars."""
        self.console.print(printable(line), markup=False)


class _Speed(TransferSpeedColumn):
    """Where bytes are counted, how many come in a second."""

    def render(self, task: Task) -> Text:
        return super().render(task) if task.fields.get("unit") == "bytes" else Text()


class Silent:
    """Progress that nobody looks at."""

    @contextmanager
    def task(self, name: str, unit: Unit = "share") -> Iterator[Advance]:  # noqa: ARG002 - as the protocol has it
        """Nothing to be seen."""
        yield unwatched

    def say(self, line: str) -> None:
        """Nothing to be heard."""
