"""Makes sound for whoever may not decode: the search service asks, and imports no decoder."""

from concurrent.futures import Future
from typing import Protocol

from transcribe.library.seekable_copy import EpisodeSeeking


class SoundMaker(Protocol):
    """Makes sound outside this process, few at a time, each within a limit of time."""

    def seekable(self, episode_id: str) -> "Future[EpisodeSeeking]":
        """Finds out how a browser seeks in the episode's stored bytes, and makes the copy where it cannot seek truly.

        All who ask for an episode while it is worked on get one and the same future. The future raises AudioError:
        `no_audio` where the library holds no audio, `sound_busy` where too much is waiting already, `sound_failed`.
        """

    def close(self) -> None:
        """Ends what is still being made."""
