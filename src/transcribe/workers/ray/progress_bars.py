"""What a person sees of it: a bar for the whole, and one for each node, however many episodes they have in hand."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from transcribe.console import Advance, Progress

EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Bar:
    """How far something is."""

    label: str
    done: int
    of: int | None  # None while nobody knows


class Board:
    """Where the bars hang."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._hanging: dict[str, tuple[Advance, ExitStack]] = {}  # by label
        self._shown = 0.0

    def show(self, bars: Callable[[], Sequence[Bar]]) -> None:
        """How it is now, but not too often."""
        if time.monotonic() - self._shown < EVERY_S:
            return
        self._shown, now = time.monotonic(), bars()
        self._take_down({*self._hanging} - {bar.label for bar in now})
        for bar in now:
            if bar.label not in self._hanging:
                stack = ExitStack()
                self._hanging[bar.label] = stack.enter_context(self._progress.task(bar.label)), stack
            advance, _ = self._hanging[bar.label]
            advance(bar.done, bar.of)

    def close(self) -> None:
        """Takes all bars down."""
        self._take_down({*self._hanging})

    def _take_down(self, labels: set[str]) -> None:
        for label in labels:
            _, stack = self._hanging.pop(label)
            stack.close()
