"""A library that a dry run looks at: nothing is written to it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from transcribe.library.episode import Record
from transcribe.library.store import Library
from transcribe.library.transcript import Transcript


class DryLibrary(Library):
    """Reads what is there, and writes nothing."""

    read_only = True

    def save_record(self, record: Record) -> None:
        """Does nothing: the catalog of the run holds the record."""

    def save_transcript(self, transcript: Transcript) -> None:
        """Does nothing."""

    def set_record_aside(self, episode_id: str) -> None:
        """Does nothing."""


@contextmanager
def copied_state(library: Library) -> Iterator[Path]:
    """A folder for what a run remembers of hosts and feeds, with a copy of what the library's own holds."""
    with tempfile.TemporaryDirectory(prefix="playhead-") as folder:
        for path in library.state.glob("*.json"):
            shutil.copy(path, folder)
        yield Path(folder)
