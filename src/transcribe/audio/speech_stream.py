"""The speech of one file, piece by piece."""

from collections.abc import Iterator

from transcribe.audio.decoder_messages import FileBegun, FileEnded, Message
from transcribe.audio.voice_activity import Piece
from transcribe.library.transcript import Damage


class SpeechStream:
    """The pieces of speech in one file; it can be iterated once, which may raise AudioError.

    `duration_ms` and `damage` are known after the last piece, and raise RuntimeError before it.
    """

    def __init__(self, messages: Iterator[Message]) -> None:
        self._messages = messages
        begun = next(message for message in messages if isinstance(message, FileBegun))
        self.declared_ms = begun.declared_ms  # for progress only, often an estimate
        self.chapters = begun.chapters  # that the file itself holds
        self._ended: FileEnded | None = None

    def __iter__(self) -> Iterator[Piece]:
        for message in self._messages:
            if isinstance(message, Piece):
                yield message
            elif isinstance(message, FileEnded):
                self._ended = message

    @property
    def duration_ms(self) -> int:
        """The length of the sound that could be decoded."""
        return self._end.duration_ms

    @property
    def damage(self) -> Damage | None:
        """What of the file could not be decoded."""
        return self._end.damage

    @property
    def _end(self) -> FileEnded:
        if self._ended is None:
            raise RuntimeError("the length of a file is not known before all its pieces are taken")
        return self._ended
