"""A talk to be recognized: in the micro Whisper's words, spoken by flite, so that it is known what is said.

Every 30 s begin anew, after a pause so long that Playhead cuts there. So all systems, however they cut, get the same
windows.
"""

import json
import pickle
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.training.micro_speech import Recording, recording
from transcribe.audio.decode import RATE, segment
from transcribe.audio.voice_activity import FULL_SCALE, Piece, pieces

WINDOW = 30 * RATE
BEGIN_MS, END_MS = 300, 27_300  # of speech in a window
PAUSE_MS = (300, 700)
UTTERANCES = 13  # flite speaks for each window; about ten go in


@dataclass(frozen=True)
class Talk:
    """In a folder, for processes that need only a part of it."""

    folder: Path

    def sound(self, windows: int | None = None) -> NDArray[np.float32]:
        """From -1 to 1, shape (samples,): all, or so many windows."""
        pcm: NDArray[np.int16] = np.load(self.folder / "talk.npy", mmap_mode="r")
        return pcm[: windows and windows * WINDOW].astype(np.float32) / np.float32(FULL_SCALE)

    def spans(self, windows: int | None = None) -> list[tuple[int, int]]:
        """Start and end of each piece of speech, in milliseconds."""
        return [(start, end) for start, end in json.loads((self.folder / "spans.json").read_text())[:windows]]

    def pieces(self, windows: int | None = None) -> list[Piece]:
        """As Playhead cuts them."""
        cut: list[Piece] = pickle.loads((self.folder / "pieces.pickle").read_bytes())
        return cut[:windows]

    @property
    def file(self) -> Path:
        """The whole as a sound file."""
        return self.folder / "talk.wav"

    @property
    def words(self) -> list[str]:
        """What is said, in small letters."""
        return (self.folder / "words.txt").read_text().split()


def write(windows: int, seed: int, folder: Path) -> Talk:
    """A talk of so many times 30 s."""
    folder.mkdir(parents=True, exist_ok=True)
    pcm, words = _joined(recording(windows * UTTERANCES, seed), windows, random.Random(seed))
    np.save(folder / "talk.npy", pcm)
    segment(pcm).export(folder / "talk.wav", "wav")
    (folder / "words.txt").write_text(" ".join(words))
    cut = list(pieces([pcm]))
    (folder / "spans.json").write_text(json.dumps([piece.span for piece in cut]))
    (folder / "pieces.pickle").write_bytes(pickle.dumps(cut))
    return Talk(folder)


def _joined(spoken: Recording, windows: int, dice: random.Random) -> tuple[NDArray[np.int16], list[str]]:
    pcm, words, utterances = np.zeros(windows * WINDOW, np.int16), [], iter(spoken.utterances)
    for window in range(windows):
        at, end = (window * WINDOW + ms * RATE // 1000 for ms in (BEGIN_MS, END_MS))
        for utterance in utterances:
            if at + utterance.samples > end:
                break
            pcm[at : at + utterance.samples] = spoken.pcm[utterance.start : utterance.start + utterance.samples]
            words += utterance.words
            at += utterance.samples + dice.randint(*PAUSE_MS) * RATE // 1000
    return pcm, words
