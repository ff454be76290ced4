"""Makes the small Whisper of the tests (tests/data/micro-whisper.md), in about two hours on two cores. Needs flite.

    python bench/training/train_micro_whisper.py speak FOLDER [--count 12000] [--seed 1]
    python bench/training/train_micro_whisper.py train FOLDER [--phases short,middle,full] [--steps N] [--seed 1]
    python bench/training/train_micro_whisper.py check FOLDER [CHECKPOINT]

`speak` fills the folder with sentences, `train` leaves micro-whisper.pt there, `check` tells how well a checkpoint
(.pt or .pt.xz) hears sentences that were kept apart.
"""

import argparse
import difflib
import lzma
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.pop(0)  # this folder, whose transcribe.py would hide the package
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import torch
import whisper
from numpy.typing import NDArray

from bench.training.micro_speech import Recording, recording, vocabulary
from bench.training.micro_training import PHASES, Trainer
from bench.training.micro_windows import Tokens, Windows
from bench.word_errors import errors, plain
from transcribe.audio.decode import RATE

Recognition = tuple[str, float]  # a word and its start in seconds

CHECKPOINT = "micro-whisper.pt"
SIZES = (1, 3, 8)  # utterances in a window that is checked
CHECKED = 15  # windows of each size


@dataclass
class Score:
    """Of windows alike."""

    wrong: int = 0
    spoken: int = 0
    offsets: list[float] = field(default_factory=list)  # seconds by which words that were heard begin too late

    def add(self, truth: Sequence[Recognition], heard: Sequence[Recognition]) -> None:
        """One more window."""
        said, words = [word for word, _ in truth], [word for word, _ in heard]
        self.wrong += errors(said, words)
        self.spoken += len(said)
        for at, there, length in difflib.SequenceMatcher(None, said, words, autojunk=False).get_matching_blocks():
            self.offsets += [heard[there + n][1] - truth[at + n][1] for n in range(length)]

    def __str__(self) -> str:
        off, late = statistics.median(map(abs, self.offsets)), statistics.median(self.offsets)
        share = 100 * self.wrong / self.spoken
        return f"{share:.1f} % of {self.spoken} words wrong, start off by {off:.3f} s, late by {late:.3f} s (medians)"


def train(folder: Path, phases: Sequence[str], steps: int | None, seed: int) -> None:
    """Saves after each phase; `steps` cuts all of them short."""
    tokens = Tokens(vocabulary())
    trainer = Trainer(Windows(Recording.load(folder), tokens, seed), tokens)
    for phase in (PHASES[name] for name in phases):
        trainer.run(phase, min(phase.steps, steps or phase.steps), every=10 if steps else 100)
        trainer.save(folder / CHECKPOINT)


def check(spoken: Recording, checkpoint: Path, seed: int) -> None:
    """Prints what `whisper.transcribe` makes of windows of sentences that were kept apart."""
    torch.set_num_threads(1)  # the model is so small that two wait more than they work
    model, dice = _loaded(checkpoint), random.Random(seed)
    for size in SIZES:
        score = Score()
        for _ in range(CHECKED):
            sound, truth = _window(spoken, size, dice)
            score.add(truth, _heard(model, sound))
        print(f"{size} utterances a window: {score}", flush=True)


def _window(spoken: Recording, size: int, dice: random.Random) -> tuple[NDArray[np.float32], list[Recognition]]:
    """30 s that begin anywhere before the first utterance, and as many of them as go in."""
    sound, at = np.zeros(30 * RATE, np.float32), dice.randrange(3000, 20_000)
    truth: list[Recognition] = []
    for utterance in dice.sample(spoken.unknown, size):
        if at + utterance.samples > len(sound) - RATE // 2:
            break
        sound[at : at + utterance.samples] = spoken.sound(utterance)
        starts = [at / RATE + first for first, _ in utterance.spans]
        truth += zip(utterance.words, starts, strict=True)
        at += utterance.samples + dice.randrange(RATE // 4, RATE * 3 // 4)
    return sound, truth


def _heard(model: Any, sound: NDArray[np.float32]) -> list[Recognition]:
    options = {"word_timestamps": True, "condition_on_previous_text": False, "temperature": 0, "fp16": False}
    result = whisper.transcribe(model, sound, language="en", **options)
    said = [word for segment in result["segments"] for word in segment["words"]]
    return [(word, item["start"]) for item in said for word in plain([item["word"]])]


def _loaded(checkpoint: Path) -> Any:
    if checkpoint.suffix != ".xz":
        return whisper.load_model(str(checkpoint), device="cpu")
    with tempfile.NamedTemporaryFile(suffix=".pt") as file:
        file.write(lzma.decompress(checkpoint.read_bytes()))
        file.flush()
        return whisper.load_model(file.name, device="cpu")


def main() -> None:
    """The command."""
    asked = _arguments()
    torch.manual_seed(asked.seed)
    match asked.verb:
        case "speak":
            spoken = recording(asked.count, asked.seed)
            spoken.save(asked.folder)
            print(f"{len(spoken.utterances)} utterances, {len(spoken.pcm) / RATE / 3600:.2f} h")
        case "train":
            train(asked.folder, asked.phases.split(","), asked.steps, asked.seed)
        case "check":
            check(Recording.load(asked.folder), asked.checkpoint or asked.folder / CHECKPOINT, asked.seed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=("speak", "train", "check"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("checkpoint", type=Path, nargs="?")
    parser.add_argument("--count", type=int, default=12_000, help="sentences")
    parser.add_argument("--phases", default=",".join(PHASES), help="of the training")
    parser.add_argument("--steps", type=int, help="of each phase at most, to try it")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
