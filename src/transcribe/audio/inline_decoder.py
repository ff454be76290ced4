"""A decoder in this process, for tests and for files that are known to be good."""

from pathlib import Path

from transcribe.audio.decode import LONGEST_MS
from transcribe.audio.decoder_messages import file_messages
from transcribe.audio.speech_stream import SpeechStream


class InlineDecoder:
    """Decodes in this process, as the pieces are asked for; see `SpeechDecoder`."""

    def __init__(self, longest_ms: int = LONGEST_MS) -> None:
        self.longest_ms = longest_ms

    def expect(self, path: Path) -> None:
        """Does nothing: a file is opened when it is asked for."""

    def listen(self, path: Path) -> SpeechStream:
        """The speech in a file. Raises AudioError, here or while the stream is iterated."""
        return SpeechStream(file_messages(path, self.longest_ms))

    def close(self) -> None:
        """Does nothing: nothing goes on between two pieces."""
