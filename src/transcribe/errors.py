"""Every error Playhead raises on purpose.

PlayheadError
├── UsageError            the command or a setting is wrong: exit status 2
├── CannotStart           nothing was begun: exit status 3
│   ├── LibraryLocked
│   └── EngineUnavailable
├── CannotWrite           nothing more can be kept, so all of it ends: exit status 3
└── EpisodeError          one episode failed, the others go on; `code` is what its record and the report say
    ├── FetchError
    ├── AudioError
    ├── RecognitionError
    └── TranscriptError

The search package adds its own below `PlayheadError`. Bugs are never wrapped in these.
"""

from pathlib import Path


class PlayheadError(Exception):
    """Something went wrong that its reader can do something about; the text says what."""


class UsageError(PlayheadError):
    """The command line, a setting or a source is not what it must be."""


class CannotStart(PlayheadError):  # noqa: N818 - said of a run, as a person would
    """The work could not begin."""


class LibraryLocked(CannotStart):
    """Another process is changing the library."""

    def __init__(self, root: Path, owner: str) -> None:
        self.root, self.owner = root, owner
        super().__init__(root, owner)

    def __str__(self) -> str:
        return f"The library {self.root} is locked by process {self.owner}. Wait for it to end, or stop it."


class EngineUnavailable(CannotStart):
    """An engine or its model cannot be had; the text says what to do."""


class CannotWrite(PlayheadError, OSError):  # noqa: N818 - likewise
    """A file of the library, as on a full disk. Made like an OSError: errno, what that means, the file."""

    def __str__(self) -> str:
        return f"{self.filename} cannot be written: {self.strerror}."


class EpisodeError(PlayheadError):
    """One episode cannot be done. `code` is a short state such as `not_audio`, for records and reports."""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(code, message)  # so that it can be sent from process to process

    def __str__(self) -> str:
        return self.message


class FetchError(EpisodeError):
    """A URL could not be had: `blocked_scheme`, `blocked_address`, `timeout`, `http_404`, `too_large` and so on."""

    def __init__(self, code: str, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(code, message)
        self.retry_after_s = retry_after_s  # for how long the host asks to be left alone, in seconds
        self.args = (code, message, retry_after_s)  # so that it can be sent from process to process


class AudioError(EpisodeError):
    """A file could not be decoded: `undecodable`, `no_audio`, `playlist`..."""


class RecognitionError(EpisodeError):
    """A recognizer failed on one episode."""


class TranscriptError(EpisodeError):
    """A transcript or caption file is not what it must be: `bad_transcript`, `bad_captions`."""
