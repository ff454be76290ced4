"""The time limit of a query."""

import time

from search.errors import QueryTimeout


class Deadline:
    """Ends so many seconds from now; None sets no limit."""

    def __init__(self, budget_s: float | None) -> None:
        self._budget_s = budget_s
        self._at = time.monotonic() + budget_s if budget_s else None

    def check(self) -> None:
        """Raises QueryTimeout once the time is over."""
        if self._at is not None and time.monotonic() > self._at:
            raise QueryTimeout(
                f"The search took longer than {self._budget_s:g} s: give a rarer word, a longer beginning, "
                "or narrow it by show or date."
            )

    def lift(self) -> None:
        """Removes the time limit."""
        self._at = None
