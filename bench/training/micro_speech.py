"""Sentences of random words that the micro Whisper is to know, spoken by flite, with the true times of their words.

Random words in random order cannot be recited: a model that was given ten fixed sentences knew the script and heard
nothing.
"""

import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tests.support.speech import RATE, Spoken, speak  # of tests/
from transcribe.audio.voice_activity import FULL_SCALE

VOCABULARY = Path(__file__).parents[2] / "tests" / "data" / "micro-vocabulary.txt"
VOICES = ("slt", "rms")
LENGTHS = (1, 2, 3, 4, 4, 5, 5, 6, 7, 8)  # words of a sentence, drawn from these
PACES = (0.9, 1.12)  # of flite's usual length
EDGE_MS = 25  # kept around an utterance
KEPT_APART = 300  # the last utterances are never trained on


@dataclass(frozen=True, slots=True)
class Utterance:
    """A sentence in the recording."""

    words: list[str]  # of the vocabulary
    spans: list[tuple[float, float]]  # of each word, seconds from the utterance's first sample
    start: int  # its first sample in the recording
    samples: int


@dataclass(frozen=True)
class Recording:
    """All utterances, one right after the other."""

    pcm: NDArray[np.int16]  # mono, 16 kHz
    utterances: list[Utterance]

    @property
    def known(self) -> list[Utterance]:
        """Those to train on."""
        return self.utterances[:-KEPT_APART]

    @property
    def unknown(self) -> list[Utterance]:
        """Those to check with."""
        return self.utterances[-KEPT_APART:]

    def sound(self, utterance: Utterance) -> NDArray[np.float32]:
        """From -1 to 1, shape (samples,)."""
        pcm = self.pcm[utterance.start : utterance.start + utterance.samples]
        return pcm.astype(np.float32) / np.float32(FULL_SCALE)

    def save(self, folder: Path) -> None:
        """As `speech.npy` and `speech.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "speech.npy", self.pcm)
        (folder / "speech.json").write_text(json.dumps([asdict(utterance) for utterance in self.utterances]))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The inverse of `save`; the sound stays on disk until it is asked for."""
        utterances = [Utterance(**plain) for plain in json.loads((folder / "speech.json").read_text())]
        return cls(np.load(folder / "speech.npy", mmap_mode="r"), utterances)


def vocabulary() -> list[str]:
    """The words, in small letters."""
    return VOCABULARY.read_text().split()


def recording(count: int, seed: int) -> Recording:
    """So many utterances; the same seed gives the same."""
    dice, words = random.Random(seed), vocabulary()
    parts: list[NDArray[np.int16]] = []
    utterances: list[Utterance] = []
    at = 0
    while len(utterances) < count:
        said = dice.choices(words, k=dice.choice(LENGTHS))
        spoken = _spoken(said, dice.choice(VOICES), dice.uniform(*PACES))
        if spoken is None:
            continue
        part, spans = _cut(spoken)
        utterances.append(Utterance(said, spans, at, len(part)))
        parts.append(part)
        at += len(part)
    return Recording(np.concatenate(parts), utterances)


def _spoken(words: list[str], voice: str, pace: float) -> Spoken | None:
    """None where flite runs two words together, so that nobody could say where one begins."""
    try:
        return speak(f"{' '.join(words).capitalize()}.", voice, stretch=round(pace, 2))
    except ValueError:
        return None


def _cut(spoken: Spoken) -> tuple[NDArray[np.int16], list[tuple[float, float]]]:
    """The sentence without the silence around it, and its words' times on the clock of what is left."""
    first_ms, last_ms = spoken.words[0].start_ms - EDGE_MS, spoken.words[-1].end_ms + EDGE_MS
    pcm = spoken.pcm[first_ms * RATE // 1000 : last_ms * RATE // 1000]
    return pcm, [((word.start_ms - first_ms) / 1000, (word.end_ms - first_ms) / 1000) for word in spoken.words]
