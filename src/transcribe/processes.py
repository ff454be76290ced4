"""Workers beside this process: several episodes at once, each process with a recognizer of its own.

Each is held by a pipe. One that dies takes its episode with it and no other; the next episode gets a new process.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from transcribe.audio import LONGEST_MS
from transcribe.episode import Failure
from transcribe.listening import Listener
from transcribe.recognizers.protocol import Recognizer
from transcribe.transcript import Engine
from transcribe.transcription import BatchDone
from transcribe.workers import Job, Outcome, Owner, Tell, do

WATCH_EVERY_S = 1.0  # how often a worker looks whether its owner is still there
GRACE_S = 2.0  # for a worker to end by itself


@dataclass(frozen=True, slots=True)
class Place:
    """Where one worker works."""

    load: Callable[[], Recognizer]  # called in the worker's process; can be sent there
    longest_ms: int = LONGEST_MS  # of an episode: where its transcript stops
    threads: int | None = None  # of the processor, where it is to keep to some


class InProcesses:
    """Several episodes at once, one for each place."""

    def __init__(self, places: Iterable[Place], engine: Engine, owner: Owner) -> None:
        self.places, self.engine, self.owner = list(places), engine, owner

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Outcome]]:
        """See `Workers`. When the caller stops asking, or an error or Ctrl-C ends it, no process is left behind."""
        waiting, crew = iter(jobs), _Crew([_Worker(place) for place in self.places])
        try:
            more = True
            while more or crew.busy():
                while more and (idle := crew.idle()):
                    job = next(waiting, None)
                    if job is None:
                        more = False
                    else:
                        idle.begin(job, self.owner)
                for worker in crew.ready():
                    if finished := worker.receive():
                        yield finished
        finally:
            crew.dismiss()


@dataclass
class _Crew:
    workers: "list[_Worker]"

    def busy(self) -> "list[_Worker]":
        return [worker for worker in self.workers if worker.job]

    def idle(self) -> "_Worker | None":
        return next((worker for worker in self.workers if not worker.job), None)

    def ready(self) -> "list[_Worker]":
        """Those that have something to tell, be it that they are dead; waits until there is one."""
        busy = self.busy()
        speaking = wait([worker.pipe for worker in busy]) if busy else []
        return [worker for worker in busy if worker.pipe in speaking]

    def dismiss(self) -> None:
        for worker in self.workers:
            worker.dismiss()


@dataclass
class _Worker:
    """A process and the job it has; the process is begun with its first job."""

    place: Place
    job: Job | None = None
    _process: BaseProcess | None = None
    _pipe: Connection | None = None
    _following: ExitStack = field(default_factory=ExitStack)
    _tell: Tell | None = None

    @property
    def pipe(self) -> Connection:
        assert self._pipe is not None
        return self._pipe

    def begin(self, job: Job, owner: Owner) -> None:
        self.job = job
        self._tell = self._following.enter_context(owner.following(job))
        try:
            self._ensure_process()
            self.pipe.send(job)
        except (BrokenPipeError, ConnectionResetError):  # it died between two jobs
            self._end()
            self._ensure_process()
            self.pipe.send(job)

    def receive(self) -> tuple[Job, Outcome] | None:
        """What the process has to say; the job with what came of it, if that is it."""
        assert self.job is not None
        assert self._tell is not None
        try:
            message: BatchDone | Outcome = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self._end()
            message = Failure("worker_died", "the process that transcribed it was ended")
        if isinstance(message, BatchDone):
            self._tell(message)
            return None
        job, self.job = self.job, None
        self._following.close()
        return job, message

    def dismiss(self) -> None:
        self._following.close()
        self._end()

    def _ensure_process(self) -> None:
        if self._process is None:
            context = multiprocessing.get_context("spawn")  # torch does not survive a fork
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_work, args=(theirs, self.place))
            self._process.start()
            theirs.close()  # so that its end is seen here when it dies

    def _end(self) -> None:
        if self._process is not None:
            self.pipe.close()  # which an idle one takes for its leave
            if self.job:
                self._process.kill()
            self._process.join(GRACE_S)
            self._process.kill()
            self._process.join()
        self._process = self._pipe = None


def _work(pipe: Connection, place: Place) -> None:
    """The life of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all of us; the owner says when to stop
    _leave_with(os.getppid())
    if place.threads:
        os.environ["OMP_NUM_THREADS"] = str(place.threads)  # read when torch is loaded
    recognizer = place.load()
    with Listener(place.longest_ms) as listening:
        while True:
            try:
                job: Job = pipe.recv()
                pipe.send(do(job, recognizer, listening, pipe.send))
            except (EOFError, BrokenPipeError, ConnectionResetError):
                return


def _leave_with(owner: int) -> None:
    """Ends this process once its owner is gone, whatever it is doing then."""

    def watch() -> None:
        while os.getppid() == owner:
            time.sleep(WATCH_EVERY_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
