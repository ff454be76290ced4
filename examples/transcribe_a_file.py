"""Transcribe an audio file and print its segments, each with the time at which it starts.

    python examples/transcribe_a_file.py tests/data/talk.mp3 pocketsphinx

The second word names an engine (`whisper`, `faster-whisper`, `pocketsphinx`, `auto`), the third, if given, its model.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from transcribe.audio.decode import open_audio
from transcribe.audio.voice_activity import pieces
from transcribe.library.clock import clock
from transcribe.library.transcript import Word
from transcribe.recognizers.engines import load
from transcribe.recognizers.protocol import Hints, Recognizer
from transcribe.transcription.segmentation import segments


def words(path: Path, recognizer: Recognizer) -> Iterator[Word]:
    """The words of a file, one piece of speech after another. Raises AudioError where it cannot be decoded."""
    with open_audio(path) as recording:
        for piece in pieces(recording.blocks()):
            hints = Hints(language=recognizer.language([piece]))
            for recognition in recognizer.recognize([piece], hints):
                yield from recognition.words


if __name__ == "__main__":
    path, engine, *model = sys.argv[1:]
    recognizer = load(engine, *model, warn=print)
    for segment in segments(words(Path(path), recognizer)):
        print(f"{clock(segment.start_ms):>7}  {segment.text}")
