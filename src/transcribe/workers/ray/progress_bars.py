"""Progress bars: one for the whole, and one for each node, however many episodes it works on."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from transcribe.console import Advance, Progress

EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Bar:
    """How much of something is done."""

    label: str
    done: int
    of: int | None  # None while nobody knows


class Board:
    """The bars that are shown now."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._shown_bars: dict[str, tuple[Advance, ExitStack]] = {}  # by label
        self._shown = 0.0

    def show(self, bars: Callable[[], Sequence[Bar]]) -> None:
        """Shows the bars as they are now, at most every EVERY_S."""
        if time.monotonic() - self._shown < EVERY_S:
            return
        self._shown, now = time.monotonic(), bars()
        self._remove({*self._shown_bars} - {bar.label for bar in now})
        for bar in now:
            if bar.label not in self._shown_bars:
                stack = ExitStack()
                self._shown_bars[bar.label] = stack.enter_context(self._progress.task(bar.label)), stack
            advance, _ = self._shown_bars[bar.label]
            advance(bar.done, bar.of)

    def close(self) -> None:
        """Removes all bars."""
        self._remove({*self._shown_bars})

    def _remove(self, labels: set[str]) -> None:
        for label in labels:
            _, stack = self._shown_bars.pop(label)
            stack.close()
