"""Shows progress on stderr while long work goes on: bars on a terminal, plain lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, Protocol

from rich.console import Console
from rich.progress import BarColumn, Task, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bars
from rich.text import Text

from transcribe.printable import printable

Advance = Callable[[int, int | None], None]  # takes how much is done, and the total, if known
Unit = Literal["share", "bytes"]


def unwatched(done: int, of: int | None) -> None:
    """An `Advance` that shows nothing."""


class Progress(Protocol):
    """Shows how far work is."""

    def task(self, name: str, unit: Unit = "share") -> AbstractContextManager[Advance]:
        """A context for one task. It gives the function to call with how much is done: a share, or bytes."""

    def say(self, line: str) -> None:
        """Shows one line: something is done, or went wrong."""


class ProgressBars:
    """Progress on a console: a person's terminal, or a log."""

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


class Silent:
    """Progress that shows nothing."""

    @contextmanager
    def task(self, name: str, unit: Unit = "share") -> Iterator[Advance]:  # noqa: ARG002 - as the protocol has it
        """Shows no bar."""
        yield unwatched

    def say(self, line: str) -> None:
        """Shows no line."""
