"""The protocol of what decodes files and finds the speech in them."""

from pathlib import Path
from typing import Protocol

from transcribe.audio.speech_stream import SpeechStream


class SpeechDecoder(Protocol):
    """Decodes files one after the other, and finds the speech in each."""

    def expect(self, path: Path) -> None:
        """Says which file will be asked for after those asked for so far, so that decoding it can begin."""

    def listen(self, path: Path) -> SpeechStream:
        """The speech in a file. The stream of the file before ends, even if not all of it was taken.

        Raises AudioError, here or while the stream is iterated: those of `open_audio`, and `decoder_failed`.
        """

    def close(self) -> None:
        """Ends the decoding that still goes on."""
