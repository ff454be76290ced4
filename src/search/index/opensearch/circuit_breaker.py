"""Remembers that a cluster does not answer, so that the next requests fail at once and not after a wait."""

import copy
import time

from search.errors import IndexUnavailable

REMEMBERED_S = 1.0


class CircuitBreaker:
    """Knows whether a cluster answers at the moment. Safe to share between threads."""

    def __init__(self) -> None:
        self._answered_at = 0.0
        self._noticed: tuple[float, IndexUnavailable] | None = None

    def check(self) -> None:
        """Raises IndexUnavailable for a second after a request got no answer, with that request's error."""
        if self._noticed and time.monotonic() - self._noticed[0] < REMEMBERED_S:
            raise copy.copy(self._noticed[1])  # without the traceback of the first

    def close(self) -> None:
        """Call it when a request was answered."""
        self._answered_at, self._noticed = time.monotonic(), None

    def open(self, problem: IndexUnavailable, since: float) -> None:
        """Call it when a request begun at `since` got no answer; it opens unless another was answered meanwhile."""
        if self._answered_at < since:
            self._noticed = time.monotonic(), problem
