"""What has been heard of an episode so far, on disk after each batch: a kill costs the batch in work, no more.

.playhead/checkpoints/<audio>-<key>.jsonl

The name says what it holds for: these bytes, this engine and model, these options, this way of cutting speech. Anything
else is another file. Each line is a batch, whole once its newline is there, so that a batch costs what it holds however
long the episode is. What follows the last newline was being written when somebody pulled the plug; it counts for
nothing and makes way for the next line.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from transcribe.audio.voice_activity import CUTTING
from transcribe.errors import CannotWrite
from transcribe.library.store import write_whole
from transcribe.library.transcript import Engine
from transcribe.transcription.utterance import Utterance


@dataclass(frozen=True, slots=True)
class RecognizedSoFar:
    """What has been heard of an episode: all from its start, or what one batch adds to that."""

    language: str | None = None  # None while nothing has been heard
    utterances: tuple[Utterance, ...] = ()

    def to_json(self) -> str:
        """As text, on one line."""
        utterances = [utterance.to_json() for utterance in self.utterances]
        return json.dumps({"language": self.language, "utterances": utterances}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: bytes) -> "RecognizedSoFar":
        """The inverse of `to_json`. Raises KeyError, TypeError or ValueError for anything else."""
        data = json.loads(text)
        return cls(data["language"], tuple(Utterance.from_json(each) for each in data["utterances"]))


class Checkpoints:
    """Of one library. The process that holds its lock writes them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, name: str) -> RecognizedSoFar:
        """What is kept under a name of `checkpoint_name`; nothing where none is. What is no batch is passed over."""
        try:
            *lines, _ = self._path(name).read_bytes().split(b"\n")
        except OSError:
            return RecognizedSoFar()
        language, heard = None, list[Utterance]()
        for line in lines:
            with contextlib.suppress(KeyError, TypeError, ValueError):
                batch = RecognizedSoFar.from_json(line)
                language = batch.language
                while heard and batch.utterances and heard[-1].span[0] >= batch.utterances[0].span[0]:
                    heard.pop()
                heard += batch.utterances
        return RecognizedSoFar(language, tuple(heard))

    def add(self, name: str, batch: RecognizedSoFar) -> None:
        """Keeps one more batch. What was kept from where it begins on holds no longer. Raises CannotWrite."""
        self.add_line(name, batch.to_json())

    def add_line(self, name: str, batch: str) -> None:
        """The same for a batch that somebody has put as `RecognizedSoFar.to_json` does. Raises CannotWrite."""
        path, line = self._path(name), f"{batch}\n".encode(errors="replace")
        try:
            with path.open("r+b") as file:
                _to_the_end(file)
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except FileNotFoundError:
            write_whole(path, line)
        except OSError as problem:
            raise CannotWrite(problem.errno, problem.strerror, str(path)) from problem

    def forget(self, audio_sha256: str) -> None:
        """Drops all that was kept of this audio, under any options: its transcript is there."""
        for path in self.folder.glob(f"{audio_sha256}-*"):
            path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.jsonl"


def checkpoint_name(audio_sha256: str, engine: Engine, prompt: str) -> str:
    """One name for all that would hear the same words in the same audio."""
    listener = json.dumps([dataclasses.asdict(engine), prompt, CUTTING], sort_keys=True)
    return f"{audio_sha256}-{hashlib.sha256(listener.encode()).hexdigest()[:16]}"


def _to_the_end(file: BinaryIO) -> None:
    """Of the last whole line; what is there of another one is cut off."""
    if end := file.seek(0, os.SEEK_END):
        file.seek(end - 1)
        if file.read() != b"\n":
            file.seek(0)
            file.truncate(file.seek(file.read().rfind(b"\n") + 1))
