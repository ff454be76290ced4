"""What the child processes of `sound_process` do; what decodes is imported there alone."""

import contextlib
import os
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import filelock

from transcribe.errors import AudioError, PlayheadError
from transcribe.library.seekable_copy import EpisodeSeeking, SeekableCopies
from transcribe.library.store import Library

_NICENESS = 10  # whoever searches or plays goes first


def make_seekable(connection: Connection, root: Path, episode_id: str) -> None:
    """Finds out how a browser seeks in an episode, makes the copy where one is needed, and sends what was found.

    Sends an AudioError where that could not be done.
    """
    os.nice(_NICENESS)
    try:
        connection.send(_seekable(Library(root), episode_id))
    except AudioError as problem:
        connection.send(problem)
    except Exception as problem:  # the isolation edge: libav raises what it likes
        told = str(problem) if isinstance(problem, PlayheadError) else f"{type(problem).__name__}: {problem}"
        connection.send(AudioError("sound_failed", told))


def _seekable(library: Library, episode_id: str) -> EpisodeSeeking:
    from transcribe.audio.seekable import seeking_of

    audio = library.load_record(episode_id).audio
    if audio is None:
        raise AudioError("no_audio", f"The audio of {episode_id} is not in the library.")
    with _alone(SeekableCopies(library).finding_path(episode_id)):
        return seeking_of(library, episode_id, audio)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Waits for other processes that work on the same episode: whoever comes second finds all done."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(path.with_suffix(".lock")):
        yield
