"""Progress that nobody looks at."""

from collections.abc import Iterator
from contextlib import contextmanager

from transcribe.console import Advance, Unit, unwatched


class Silent:
    """Progress that nobody looks at."""

    @contextmanager
    def task(self, name: str, unit: Unit = "share") -> Iterator[Advance]:
        """Nothing to be seen."""
        yield unwatched

    def say(self, line: str) -> None:
        """Nothing to be heard."""
