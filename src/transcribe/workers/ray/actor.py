"""A worker on another machine: it loads a recognizer, is sent the files that it lacks, and transcribes.

It writes to no library. It tells its owner, the process that assigns jobs, each batch that it has recognized.
"""

import contextlib
import os
import pickle
import platform
import queue
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import transcribe
from transcribe.audio.decoder_process import DecoderProcess
from transcribe.errors import CannotStart, PlayheadError
from transcribe.library.posix import is_running
from transcribe.library.store import sha256_of
from transcribe.recognizers import engines
from transcribe.recognizers.protocol import Recognizer
from transcribe.transcription.checkpoints import RecognizedSoFar
from transcribe.transcription.job import Job
from transcribe.transcription.transcribe_episode import BatchDone
from transcribe.workers.ray import file_transfer
from transcribe.workers.ray.file_transfer import Chunk, Content
from transcribe.workers.transcriber import Transcriber
from transcribe.workers.worker import EngineLoaded, Outcome

TEMPORARY = "playhead-worker-"  # followed by the number of the process whose folder it is


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions that a worker and its owner must have in common."""

    playhead: str
    python: str

    def __str__(self) -> str:
        return f"Playhead {self.playhead} on Python {self.python}"


def versions() -> Versions:
    """The versions of this process."""
    return Versions(transcribe.__version__, ".".join(platform.python_version_tuple()[:2]))


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """The engine that a worker is to load; see `engines.load`."""

    engine: str
    model: str | None = None
    language: str | None = None
    device: str | None = None
    batch_size: int | None = None
    quantize: str | None = None
    beam: int | None = None
    weights: Content | None = None  # of the model, where that is a file or a folder of the owner's
    load: Callable[..., Recognizer] = engines.load


@dataclass(frozen=True, slots=True)
class FileMissing:
    """The worker lacks the file: it is to be sent."""


# Messages hold text and bytes: the owner need not unpack them before it assigns the next job.


@dataclass(frozen=True, slots=True)
class BatchReport:
    """A batch is done."""

    batch: str | None  # as `RecognizedSoFar.to_json` puts it; None for one that its owner has kept
    done_ms: int  # of the audio
    of_ms: int | None  # if the container tells


@dataclass(frozen=True, slots=True)
class JobDone:
    """The job is done."""

    packed: bytes

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """With this outcome."""
        return cls(pickle.dumps(outcome))

    def outcome(self) -> Outcome:
        """What came of it."""
        came: Outcome = pickle.loads(self.packed)  # noqa: S301 - a worker's, as all that Ray unpacks by itself
        return came


class RayWorker:
    """An actor in a process that Ray has started for it. Its methods are called from another machine, one at a time."""

    def __init__(self, longest_ms: int) -> None:
        _sweep()
        sys.modules["__main__"].__file__ = None  # else child processes would run its script, which imports Ray
        self._decoder = DecoderProcess(longest_ms)
        self._transcriber: Transcriber | None = None
        self._thread = ThreadPoolExecutor(1)  # torch keeps a team of threads for each that calls it: so always the same
        self._folder = Path(tempfile.gettempdir()) / f"{TEMPORARY}{os.getpid()}"

    def versions(self) -> Versions:
        """The versions of this process; called before anything else."""
        return versions()

    def load(self, wanted: EngineRequest) -> EngineLoaded | FileMissing | PlayheadError:
        """Loads the engine. An error is returned: raised, it would reach the owner as one of Ray's."""
        model: str | None = wanted.model
        if wanted.weights:
            found = self._weights(Path(str(wanted.model)), wanted.weights)
            if not found:
                return FileMissing()
            model = str(found)
        return self._thread.submit(self._load, replace(wanted, model=model)).result()

    def take(self, chunk: Chunk) -> None:
        """Takes a part of a file that was lacking."""
        file_transfer.take(chunk, self._folder)

    def transcribe(self, job: Job, sent: bool) -> Iterator[BatchReport | JobDone | FileMissing]:
        """Each batch as it is done, and in the end what came of it.

        The audio is what was sent, which is thrown away afterwards, or where its owner has it.
        """
        try:
            path = self._folder / job.path.name if sent else _as_there(job)
            if path:
                yield from self._done(replace(job, path=path))
            else:
                yield FileMissing()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _done(self, job: Job) -> Iterator[BatchReport | JobDone]:
        assert self._transcriber is not None
        told: queue.SimpleQueue[BatchDone | None] = queue.SimpleQueue()
        ended = self._thread.submit(self._transcriber.outcome, job, told.put)
        ended.add_done_callback(lambda _: told.put(None))
        while done := told.get():
            batch = None if done.kept else RecognizedSoFar(done.language, done.utterances).to_json()
            yield BatchReport(batch, done.done_ms, done.of_ms)
        yield JobDone.of(ended.result())

    def _load(self, wanted: EngineRequest) -> EngineLoaded | PlayheadError:
        warnings: list[str] = []
        try:
            recognizer = wanted.load(
                wanted.engine,
                wanted.model,
                wanted.language,
                wanted.device,
                batch_size=wanted.batch_size,
                quantize=wanted.quantize,
                beam=wanted.beam,
                warn=warnings.append,
            )
        except PlayheadError as problem:
            return CannotStart(str(problem))
        self._transcriber = Transcriber(recognizer, self._decoder)
        return EngineLoaded(recognizer.engine, tuple(warnings))

    def _weights(self, there: Path, wanted: Content) -> Path | None:
        """The model's path: the owner's, that of a copy sent before, or of one sent now; None where there is none."""
        kept = _cache() / wanted.key / wanted.name
        for path in (there, kept):
            if _holds(path, wanted):
                return path
        sent = self._folder / wanted.name
        if not _holds(sent, wanted):
            return None
        return _kept(sent, kept)


def _as_there(job: Job) -> Path | None:
    """The audio's path, if this machine has it under the same one."""
    with contextlib.suppress(OSError):
        if sha256_of(job.path) == job.stored.sha256:
            return job.path
    return None


def _holds(path: Path, wanted: Content) -> bool:
    try:
        return path.exists() and file_transfer.content(path) == wanted
    except OSError:
        return False


def _kept(sent: Path, kept: Path) -> Path:
    """Moves a file into the cache, whole or not at all, even if another process does so at the same time."""
    kept.parent.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=".new-", dir=kept.parent.parent))
    shutil.move(sent, new / kept.name)
    shutil.rmtree(kept.parent, ignore_errors=True)  # where it was, it was not whole
    try:
        new.rename(kept.parent)
    except OSError:  # another process was quicker
        shutil.rmtree(new)
    return kept


def _cache() -> Path:
    """The folder of models that owners have sent."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "playhead" / "models"


def _sweep() -> None:
    """Deletes the folders of workers that were killed on this machine."""
    for folder in Path(tempfile.gettempdir()).glob(f"{TEMPORARY}*"):
        process = folder.name.removeprefix(TEMPORARY)
        if process.isdecimal() and not is_running(int(process)):
            shutil.rmtree(folder, ignore_errors=True)
