"""What is remembered of a cluster that answers nobody, so that not everyone who asks has to wait to be told."""

import copy
import time

from search.errors import IndexUnavailable

REMEMBERED_S = 1.0


class CircuitBreaker:
    """Whether a cluster answers nobody at the moment. Safe to share between threads."""

    def __init__(self) -> None:
        self._answered_at = 0.0
        self._noticed: tuple[float, IndexUnavailable] | None = None

    def check(self) -> None:
        """Raises what the last one was told who waited in vain, for a second from then on."""
        if self._noticed and time.monotonic() - self._noticed[0] < REMEMBERED_S:
            raise copy.copy(self._noticed[1])  # without the way that the first one took

    def over(self) -> None:
        """Somebody was answered."""
        self._answered_at, self._noticed = time.monotonic(), None

    def notice(self, problem: IndexUnavailable, since: float) -> None:
        """Somebody who asked at `since` was not answered; it is an outage where nobody else was meanwhile either."""
        if self._answered_at < since:
            self._noticed = time.monotonic(), problem
