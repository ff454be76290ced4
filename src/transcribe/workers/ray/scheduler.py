"""Workers on a cluster: several episodes at once, on as many machines as it has.

The thread that the batch runs in takes jobs as they are fetched, and gives back those that are done. A second thread
assigns jobs to workers and receives their messages, a third writes what they recognized: no worker waits for a download
or for a disk. Workers that do not see the audio at its path are sent it, one episode at a time.

An episode whose worker dies is resumed by another from its checkpoint, as another run would resume it.
"""

import contextlib
import gc
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from transcribe.audio.decode import LONGEST_MS
from transcribe.errors import UsageError
from transcribe.library.episode import Failure
from transcribe.library.running_jobs import RunningJob, RunningJobs
from transcribe.library.transcript import Engine
from transcribe.transcription.job import Job
from transcribe.workers.job_tracker import JobTracker
from transcribe.workers.ray import file_transfer
from transcribe.workers.ray.actor import BatchReport, EngineRequest, FileMissing, JobDone, RayWorker
from transcribe.workers.ray.cluster import connected
from transcribe.workers.ray.job_queue import TRIES, JobQueue, QueuedJob
from transcribe.workers.ray.progress_bars import Bar, Board
from transcribe.workers.ray.worker_pool import WorkerHandle, WorkerPool
from transcribe.workers.worker import Outcome

MOST_QUEUED = 64  # jobs to choose the longest from; so many are fetched ahead
POLL_S = 0.1  # to wait for messages
NO_WORKER_S = 300.0  # without a single worker, after which the jobs that are left fail
END_WAIT_S = 3.0  # for each of the other two threads to end
MOST_UNWRITTEN = 256  # batches received and not yet on disk


@contextmanager
def on_ray(
    address: str,
    request: EngineRequest,
    tracker: JobTracker,
    *,
    most: int | None,
    cpus: int,
    running: Path,
    episodes: int = 0,
    longest_ms: int = LONGEST_MS,
    kind: type[RayWorker] = RayWorker,
) -> Iterator["RayScheduler"]:
    """Workers on the cluster at that address, at most so many, the engine made ready on each node.

    `cpus` is what a cluster of its own has, with `local`; `running` the file that says what runs where; `episodes` how
    many there are to be done, at most, for the bar that shows the whole. Raises UsageError or CannotStart before any
    work is begun. No worker is left behind.
    """
    request = _with_weights(request)
    with connected(address, cpus) as cluster:
        say = tracker.progress.say
        if cluster.is_open:
            say(
                f"Ray at {address} asks nobody for a token: who reaches it, runs code there. See README, Many machines."
            )
        pool = WorkerPool(cluster, kind, request, most, longest_ms, say)
        try:
            yield RayScheduler(pool, pool.begin(), tracker, RunningJobs(running), episodes)
        finally:
            pool.end_all()
            running.unlink(missing_ok=True)


class RayScheduler:
    """See `Workers`."""

    def __init__(
        self, pool: WorkerPool, engine: Engine, tracker: JobTracker, running_jobs: RunningJobs, episodes: int
    ) -> None:
        self._pool, self._engine, self._tracker, self._running_jobs = pool, engine, tracker, running_jobs
        self._episodes = episodes

    @property
    def engine(self) -> Engine:
        """See `Workers`."""
        return self._engine

    def run(self, jobs: Iterable[Job | None]) -> Iterator[tuple[Job, Outcome]]:
        """See `Workers`. When the caller stops asking, or an error or Ctrl-C ends it, no worker goes on."""
        with _SchedulerThreads(self._pool, self._tracker, self._running_jobs, self._episodes) as threads:
            waiting, more = iter(jobs), True
            while more or threads.unfinished:
                if more and len(threads.job_queue) < MOST_QUEUED:
                    try:
                        job = next(waiting)
                    except StopIteration:
                        more, threads.expected = False, 0
                    else:
                        if job:
                            threads.add(job)
                full = len(threads.job_queue) >= MOST_QUEUED
                yield from threads.finished(None if not more else POLL_S if full else 0)


@dataclass(eq=False)
class _Assignment:
    """A job that a worker has."""

    queued: QueuedJob
    sent: bool = False  # the worker was sent the audio
    last: BatchReport | None = None

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1; 0 where its file does not tell how long it is."""
        return min(1.0, self.last.done_ms / self.last.of_ms) if self.last and self.last.of_ms else 0.0


class _SchedulerThreads:
    """The thread that assigns jobs to workers and hears them, and the one that writes."""

    def __init__(self, pool: WorkerPool, tracker: JobTracker, running_jobs: RunningJobs, expected: int) -> None:
        self.pool, self.tracker, self.running_jobs = pool, tracker, running_jobs
        self.job_queue = JobQueue()
        self.added = self.unfinished = 0
        self.expected = expected  # jobs in all, as far as anybody knows
        self._board = Board(tracker.progress)
        self._done: queue.SimpleQueue[tuple[Job, JobDone | Failure] | BaseException] = queue.SimpleQueue()
        self._over = threading.Event()
        self._sending: WorkerHandle | None = None
        self._without_files: set[str] = set()  # nodes that do not see the library's files
        self._last_worker = time.monotonic()  # when there was last a worker
        self._unwritten: queue.Queue[tuple[QueuedJob, BatchReport | JobDone | Failure | None] | None] = queue.Queue(
            MOST_UNWRITTEN
        )
        self._scheduling = threading.Thread(target=self._schedule, daemon=True)
        self._writing = threading.Thread(target=self._write, daemon=True)

    def __enter__(self) -> "_SchedulerThreads":
        gc.freeze()  # transcripts are thousands of objects: collecting would look through all older ones each time
        self._scheduling.start()
        self._writing.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._scheduling.join(END_WAIT_S)
        with contextlib.suppress(queue.Full):
            self._unwritten.put(None, timeout=END_WAIT_S)  # after all that was heard
        self._writing.join(END_WAIT_S)
        gc.unfreeze()
        self._board.close()
        if any(worker.job for worker in self.pool.workers):
            self.pool.end_all()

    def add(self, job: Job) -> None:
        """Queues a job."""
        self.added, self.unfinished = self.added + 1, self.unfinished + 1
        self.job_queue.add(QueuedJob(job))

    def finished(self, wait_s: float | None) -> Iterator[tuple[Job, Outcome]]:
        """The jobs that are done by now; waits so long for the first. Raises what went wrong in the other threads."""
        while self.unfinished:
            try:
                done = self._done.get(timeout=wait_s) if wait_s != 0 else self._done.get_nowait()
            except queue.Empty:
                return
            if isinstance(done, BaseException):
                raise done
            self.unfinished -= 1
            wait_s = 0
            job, came = done
            yield job, came.outcome() if isinstance(came, JobDone) else came

    def _schedule(self) -> None:
        try:
            while not self._over.is_set():
                self._assign()
                self.pool.poll(POLL_S)
                self._reassign_lost()
                self._give_up_without_workers()
                self.running_jobs.show(self._rows)
                self._board.show(self._bars)
        except BaseException as problem:  # for the thread that waits
            self._done.put(problem)

    def _write(self) -> None:
        """Writes batches in their order; all of a job's are on disk before it is given back or queued again."""
        while item := self._unwritten.get():
            try:
                self._write_one(*item)
            except BaseException as problem:  # for the thread that waits
                self._done.put(problem)

    def _write_one(self, queued: QueuedJob, message: BatchReport | JobDone | Failure | None) -> None:
        if isinstance(message, BatchReport):
            if message.batch:
                self.tracker.checkpoints.add_line(queued.job.checkpoint, message.batch)
        elif message:
            self._done.put((queued.job, message))
        else:
            queued.resume(self.tracker.checkpoints.load(queued.job.checkpoint))
            self.job_queue.add(queued)

    def _assign(self) -> None:
        for worker in list(self.pool.idle()):
            if worker.job or (self._sending and worker.node.id in self._without_files):
                continue
            queued = self.job_queue.take(self._suits(worker))
            if not queued:
                continue
            worker.job = _Assignment(queued)
            worker.job_name = queued.job.episode.id
            if worker.node.id in self._without_files:
                self._sending, worker.job.sent = worker, True
                worker.send(queued.job.path, partial(self._sent, worker), partial(self._unreadable, worker))
            else:
                self._begin(worker)

    def _suits(self, worker: WorkerHandle) -> Callable[[QueuedJob], bool]:
        """Whether a job may be given to a worker: not on a node where a worker died of it, if there are others."""
        nodes = {other.node.id for other in self.pool.workers}
        return lambda queued: worker.node.id not in queued.excluded_nodes or nodes <= queued.excluded_nodes

    def _begin(self, worker: WorkerHandle) -> None:
        worker.follow(partial(self._on_message, worker), "transcribe", worker.job.queued.job, worker.job.sent)

    def _sent(self, worker: WorkerHandle) -> None:
        self._sending = None
        self._begin(worker)

    def _unreadable(self, worker: WorkerHandle, problem: OSError) -> None:
        self._sending = None
        name = worker.job.queued.job.path.name
        self._finish(worker, Failure("unreadable", f"{name} cannot be read ({problem.strerror})"))

    def _on_message(self, worker: WorkerHandle, message: BatchReport | JobDone | FileMissing) -> None:
        if isinstance(message, FileMissing):
            self._without_files.add(worker.node.id)
            self._put_back(worker)
        elif isinstance(message, BatchReport):
            worker.job.last = message
            self._unwritten.put((worker.job.queued, message))
        else:
            self._finish(worker, message)

    def _put_back(self, worker: WorkerHandle) -> None:
        self._unwritten.put((worker.job.queued, None))
        worker.job, worker.job_name = None, ""

    def _finish(self, worker: WorkerHandle, outcome: JobDone | Failure) -> None:
        self._unwritten.put((worker.job.queued, outcome))
        worker.job, worker.job_name = None, ""
        self.pool.record_success(worker)
        self._assign()

    def _reassign_lost(self) -> None:
        """Queues the jobs of dead workers again; one that TRIES workers died of has failed."""
        while self.pool.lost:
            worker, why = self.pool.lost.popleft()
            if worker is self._sending:
                self._sending = None
            queued: QueuedJob = worker.job.queued
            queued.deaths += 1
            queued.excluded_nodes.add(worker.node.id)
            if queued.deaths < TRIES:
                self.tracker.progress.say(
                    f"{worker.node.name}: a worker died ({why}); {worker.job_name} goes on elsewhere"
                )
                self._put_back(worker)
                continue
            message = f"{queued.deaths} workers died of it, the last on {worker.node.name}: {why}"
            self._unwritten.put((queued, Failure("worker_died", message)))

    def _give_up_without_workers(self) -> None:
        if self.pool.workers:
            self._last_worker = time.monotonic()
        elif time.monotonic() - self._last_worker > NO_WORKER_S:
            while queued := self.job_queue.take():
                self._done.put((queued.job, Failure("no_worker", f"for {NO_WORKER_S:g} s there was no worker on Ray")))

    def _rows(self) -> list[RunningJob]:
        working = [worker for worker in self.pool.workers if worker.job]
        return [
            RunningJob(
                worker.node.name,
                worker.job.queued.job.episode.id,
                worker.job.last.done_ms if worker.job.last else 0,
                worker.job.last.of_ms if worker.job.last else None,
            )
            for worker in working
        ]

    def _bars(self) -> list[Bar]:
        shares = sum(worker.job.share for worker in self.pool.workers if worker.job)
        done, of = self.added - self.unfinished + shares, max(self.added, self.expected)
        bars = [Bar("transcribe on Ray", round(1000 * done), 1000 * of)]
        for workers in self.pool.by_node():  # how much of each node's jobs is done
            at_work = [worker.job.share for worker in workers if worker.job]
            label = f"{workers[0].node.name}: {len(at_work)} of {len(workers)} at work"
            bars.append(Bar(label, round(1000 * sum(at_work)), 1000 * len(at_work) or None))
        return bars


def _with_weights(request: EngineRequest) -> EngineRequest:
    """The request with the model's content, if the model is a file here. Raises UsageError if it cannot be read."""
    if not request.model:
        return request
    path = Path(request.model).expanduser().absolute()
    if not path.exists():
        return request
    try:
        return replace(request, model=str(path), weights=file_transfer.content(path))
    except OSError as problem:
        raise UsageError(f"The model {path} cannot be read: {problem}") from problem
