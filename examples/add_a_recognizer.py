"""Add a recognizer of your own: here one that asks another program, any program, what is said.

    python examples/add_a_recognizer.py tests/data/talk.mp3 ./my-recognizer --its-option

The program is started once for each piece of speech. It reads a WAV file (16 kHz, mono, 16 bit) from its stdin, and
writes a line for each word to its stdout: start and end in seconds from the start of the piece, a tab between, then
the word. CONTRIBUTING.md says how such a class becomes an engine that `--engine` names.
"""

import io
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from transcribe.audio.decode import open_audio
from transcribe.audio.voice_activity import Piece, pieces
from transcribe.errors import RecognitionError
from transcribe.library.transcript import Engine, Word
from transcribe.recognizers.protocol import Hints, Recognition, Recognizer, heard


class ProgramRecognizer:
    """A `Recognizer` (see `transcribe.recognizers.protocol`): these four members are all that one needs."""

    batch_size = 1  # pieces that are recognized together

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command
        self.engine = Engine(name="program", version="1", model=Path(command[0]).name)  # stands in each transcript

    def language(self, pieces: Sequence[Piece]) -> str:
        """The language as ISO 639-1; `und` says that the program does not tell."""
        return "und"

    def recognize(self, pieces: Sequence[Piece], hints: Hints) -> list[Recognition]:
        """The words of each piece, in order. Raises RecognitionError where the program fails."""
        return [Recognition(tuple(self._words(piece))) for piece in pieces]

    def _words(self, piece: Piece) -> Iterator[Word]:
        sound = io.BytesIO()
        piece.audio.export(sound, format="wav")
        ended = subprocess.run(self.command, input=sound.getvalue(), stdout=subprocess.PIPE, check=False)
        if ended.returncode:
            raise RecognitionError("recognizer_failed", f"{self.command[0]} ended with status {ended.returncode}")
        for line in ended.stdout.decode().splitlines():
            start_s, end_s, text = line.split("\t")
            start_ms, end_ms = (piece.start_ms + 1000 * float(seconds) for seconds in (start_s, end_s))
            yield heard(piece.span, start_ms, end_ms, text, confidence=None)  # keeps the times inside the piece


if __name__ == "__main__":
    recognizer: Recognizer = ProgramRecognizer(sys.argv[2:])
    with open_audio(Path(sys.argv[1])) as recording:
        for piece in pieces(recording.blocks()):
            for recognition in recognizer.recognize([piece], Hints()):
                for word in recognition.words:
                    print(f"{word.start_ms / 1000:8.2f} {word.text}")
