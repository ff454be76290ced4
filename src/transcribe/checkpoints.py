"""What has been heard of an episode so far, on disk after each batch: a kill costs the batch in work, no more.

.playhead/checkpoints/<audio>-<key>.json

The name says what it holds for: these bytes, this engine and model, these options, this way of cutting speech. Anything
else is another file. Each is written whole, as everything in a library is.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from transcribe.library import write_whole
from transcribe.speech import CUTTING
from transcribe.transcript import Engine
from transcribe.utterance import Utterance


@dataclass(frozen=True, slots=True)
class SoFar:
    """What has been heard of an episode, from its start."""

    language: str | None = None  # None while nothing has been heard
    utterances: tuple[Utterance, ...] = ()

    def to_json(self) -> str:
        """As text."""
        lines = ",\n".join(json.dumps(utterance.to_json(), ensure_ascii=False) for utterance in self.utterances)
        return f'{{"language": {json.dumps(self.language)}, "utterances": [\n{lines}\n]}}\n'

    @classmethod
    def from_json(cls, text: bytes) -> "SoFar":
        """The inverse of `to_json`. Raises KeyError, TypeError or ValueError for anything else."""
        data = json.loads(text)
        return cls(data["language"], tuple(Utterance.from_json(each) for each in data["utterances"]))


class Checkpoints:
    """Of one library. The process that holds its lock writes them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, name: str) -> SoFar:
        """What is kept under a name of `checkpoint_name`; nothing where none is, or where it cannot be read."""
        try:
            return SoFar.from_json(self._path(name).read_bytes())
        except (OSError, KeyError, TypeError, ValueError):
            return SoFar()

    def keep(self, name: str, so_far: SoFar) -> None:
        """Puts it in place of what was kept before."""
        write_whole(self._path(name), so_far.to_json().encode(errors="replace"))

    def forget(self, audio_sha256: str) -> None:
        """Drops all that was kept of this audio, under any options: its transcript is there."""
        for path in self.folder.glob(f"{audio_sha256}-*.json"):
            path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def checkpoint_name(audio_sha256: str, engine: Engine, prompt: str) -> str:
    """One name for all that would hear the same words in the same audio."""
    listener = json.dumps([dataclasses.asdict(engine), prompt, CUTTING], sort_keys=True)
    return f"{audio_sha256}-{hashlib.sha256(listener.encode()).hexdigest()[:16]}"
