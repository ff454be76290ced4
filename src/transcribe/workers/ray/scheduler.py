"""Workers on a cluster: several episodes at once, on as many machines as it has, for one owner.

The thread that the batch runs in takes jobs as they are fetched, and gives back what is done. A second one hands them
out and hears what workers have to say, a third keeps it: no worker waits for a download or for a disk. The audio goes
to workers that do not see it where its owner has it, one episode at a time.

An episode whose worker dies goes on elsewhere from what its owner has kept, as it would in another run.
"""

import contextlib
import gc
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from transcribe.audio.decode import LONGEST_MS
from transcribe.errors import UsageError
from transcribe.library.episode import Failure
from transcribe.library.running_jobs import RunningJob, RunningJobs
from transcribe.library.transcript import Engine
from transcribe.workers.ray import file_transfer
from transcribe.workers.ray.actor import BatchReport, EngineRequest, FileMissing, JobDone, RayWorker
from transcribe.workers.ray.cluster import connected
from transcribe.workers.ray.job_queue import TRIES, JobQueue, QueuedJob
from transcribe.workers.ray.progress_bars import Bar, Board
from transcribe.workers.ray.worker_pool import WorkerHandle, WorkerPool
from transcribe.workers.worker import Job, Outcome, Owner

AT_HAND = 64  # jobs to choose the longest from; they may be fetched so far ahead of their turn
TURN_S = 0.1  # for what is new to be noticed
NOBODY_S = 300.0  # without a single worker: then what is left is given up
LEAVE_S = 3.0  # for each of the other threads to end
UNKEPT = 256  # batches that may be heard of and not yet be on disk


@contextmanager
def on_ray(
    address: str,
    wanted: EngineRequest,
    owner: Owner,
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
    wanted = _with_weights(wanted)
    with connected(address, cpus) as cluster:
        say = owner.progress.say
        if cluster.is_open:
            say(
                f"Ray at {address} asks nobody for a token: who reaches it, runs code there. See README, Many machines."
            )
        crew = WorkerPool(cluster, kind, wanted, most, longest_ms, say)
        try:
            yield RayScheduler(crew, crew.begin(), owner, RunningJobs(running), episodes)
        finally:
            crew.dismiss()
            running.unlink(missing_ok=True)


class RayScheduler:
    """See `Workers`."""

    def __init__(self, crew: WorkerPool, engine: Engine, owner: Owner, roster: RunningJobs, episodes: int) -> None:
        self._crew, self._engine, self._owner, self._roster = crew, engine, owner, roster
        self._episodes = episodes

    @property
    def engine(self) -> Engine:
        """See `Workers`."""
        return self._engine

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Outcome]]:
        """See `Workers`. When the caller stops asking, or an error or Ctrl-C ends it, no worker goes on."""
        with _Shift(self._crew, self._owner, self._roster, self._episodes) as shift:
            waiting, more = iter(jobs), True
            while more or shift.unfinished:
                if more and len(shift.backlog) < AT_HAND:
                    job = next(waiting, None)
                    if job is None:
                        more, shift.expected = False, 0
                    else:
                        shift.add(job)
                full = len(shift.backlog) >= AT_HAND
                yield from shift.finished(None if not more else TURN_S if full else 0)


@dataclass(eq=False)
class _Work:
    """An errand in a worker's hands."""

    errand: QueuedJob
    sent: bool = False  # the worker was sent the audio
    last: BatchReport | None = None

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1; 0 where its file does not tell how long it is."""
        return min(1.0, self.last.done_ms / self.last.of_ms) if self.last and self.last.of_ms else 0.0


class _Shift:
    """The other two threads."""

    def __init__(self, crew: WorkerPool, owner: Owner, roster: RunningJobs, expected: int) -> None:
        self.crew, self.owner, self.roster = crew, owner, roster
        self.backlog = JobQueue()
        self.added = self.unfinished = 0
        self.expected = expected  # jobs in all, as far as anybody knows
        self._board = Board(owner.progress)
        self._done: queue.SimpleQueue[tuple[Job, JobDone | Failure] | BaseException] = queue.SimpleQueue()
        self._over = threading.Event()
        self._sending: WorkerHandle | None = None
        self._blind: set[str] = set()  # nodes that do not see the owner's files
        self._staffed = time.monotonic()  # when there was last a worker
        self._news: queue.Queue[tuple[QueuedJob, BatchReport | JobDone | Failure | None] | None] = queue.Queue(UNKEPT)
        self._working = threading.Thread(target=self._work, daemon=True)
        self._keeping = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> "_Shift":
        gc.freeze()  # transcripts are thousands of objects: to look through all the others again for each is no use
        self._working.start()
        self._keeping.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._working.join(LEAVE_S)
        with contextlib.suppress(queue.Full):
            self._news.put(None, timeout=LEAVE_S)  # after all that was heard
        self._keeping.join(LEAVE_S)
        gc.unfreeze()
        self._board.close()
        if any(hand.job for hand in self.crew.hands):
            self.crew.dismiss()

    def add(self, job: Job) -> None:
        """To be done."""
        self.added, self.unfinished = self.added + 1, self.unfinished + 1
        self.backlog.add(QueuedJob(job))

    def finished(self, wait_s: float | None) -> Iterator[tuple[Job, Outcome]]:
        """What is done by now; waits so long for the first. Raises what went wrong in the other thread."""
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

    def _work(self) -> None:
        try:
            while not self._over.is_set():
                self._hand_out()
                self.crew.turn(TURN_S)
                self._see_to_the_lost()
                self._give_up_alone()
                self.roster.show(self._rows)
                self._board.show(self._bars)
        except BaseException as problem:  # for the thread that waits
            self._done.put(problem)

    def _keep(self) -> None:
        """What was heard, in that order; all of an episode is kept before it is given back, or goes on elsewhere."""
        while news := self._news.get():
            try:
                self._keep_one(*news)
            except BaseException as problem:  # for the thread that waits
                self._done.put(problem)

    def _keep_one(self, errand: QueuedJob, message: BatchReport | JobDone | Failure | None) -> None:
        if isinstance(message, BatchReport):
            if message.batch:
                self.owner.checkpoints.add_line(errand.job.checkpoint, message.batch)
        elif message:
            self._done.put((errand.job, message))
        else:
            errand.resume(self.owner.checkpoints.load(errand.job.checkpoint))
            self.backlog.add(errand)

    def _hand_out(self) -> None:
        for hand in list(self.crew.idle()):
            if hand.job or (self._sending and hand.node.id in self._blind):
                continue
            errand = self.backlog.take(self._suits(hand))
            if not errand:
                continue
            hand.job = _Work(errand)
            hand.what = errand.job.record.episode.id
            if hand.node.id in self._blind:
                self._send(hand)
            else:
                self._begin(hand)

    def _suits(self, hand: WorkerHandle) -> Callable[[QueuedJob], bool]:
        """Whether an errand may be given to a worker: not where it was the death of one, if there are other nodes."""
        nodes = {other.node.id for other in self.crew.hands}
        return lambda errand: hand.node.id not in errand.excluded_nodes or nodes <= errand.excluded_nodes

    def _begin(self, hand: WorkerHandle) -> None:
        hand.follow(partial(self._hear, hand), "transcribe", hand.job.errand.job, hand.job.sent)

    def _send(self, hand: WorkerHandle) -> None:
        self._sending, hand.job.sent = hand, True
        hand.send(hand.job.errand.job.path, partial(self._sent, hand), partial(self._unreadable, hand))

    def _sent(self, hand: WorkerHandle) -> None:
        self._sending = None
        self._begin(hand)

    def _unreadable(self, hand: WorkerHandle, problem: OSError) -> None:
        self._sending = None
        name = hand.job.errand.job.path.name
        self._finish(hand, Failure("unreadable", f"{name} cannot be read ({problem.strerror})"))

    def _hear(self, hand: WorkerHandle, message: BatchReport | JobDone | FileMissing) -> None:
        work: _Work = hand.job
        if isinstance(message, FileMissing):
            self._blind.add(hand.node.id)
            self._put_back(hand)
        elif isinstance(message, BatchReport):
            work.last = message
            self._news.put((work.errand, message))
        else:
            self._finish(hand, message)

    def _put_back(self, hand: WorkerHandle) -> None:
        self._news.put((hand.job.errand, None))
        hand.job, hand.what = None, ""

    def _finish(self, hand: WorkerHandle, outcome: JobDone | Failure) -> None:
        self._news.put((hand.job.errand, outcome))
        hand.job, hand.what = None, ""
        self.crew.record_success(hand)
        self._hand_out()

    def _see_to_the_lost(self) -> None:
        """What dead workers had goes to others, unless it is what they die of."""
        while self.crew.lost:
            hand, why = self.crew.lost.popleft()
            if hand is self._sending:
                self._sending = None
            errand: QueuedJob = hand.job.errand
            errand.deaths += 1
            errand.excluded_nodes.add(hand.node.id)
            if errand.deaths < TRIES:
                self.owner.progress.say(f"{hand.node.name}: a worker died ({why}); {hand.what} goes on elsewhere")
                self._put_back(hand)
                continue
            message = f"{errand.deaths} workers died of it, the last on {hand.node.name}: {why}"
            self._news.put((errand, Failure("worker_died", message)))

    def _give_up_alone(self) -> None:
        if self.crew.hands:
            self._staffed = time.monotonic()
        elif time.monotonic() - self._staffed > NOBODY_S:
            while errand := self.backlog.take():
                self._done.put((errand.job, Failure("no_worker", f"for {NOBODY_S:g} s there was no worker on Ray")))

    def _rows(self) -> list[RunningJob]:
        working = [hand for hand in self.crew.hands if hand.job]
        return [
            RunningJob(
                hand.node.name,
                hand.job.errand.job.record.episode.id,
                hand.job.last.done_ms if hand.job.last else 0,
                hand.job.last.of_ms if hand.job.last else None,
            )
            for hand in working
        ]

    def _bars(self) -> list[Bar]:
        shares = sum(hand.job.share for hand in self.crew.hands if hand.job)
        done, of = self.added - self.unfinished + shares, max(self.added, self.expected)
        return [Bar("transcribe on Ray", round(1000 * done), 1000 * of), *map(_bar, self.crew.by_node())]


def _bar(hands: Sequence[WorkerHandle]) -> Bar:
    """Of a node: how much of what it has in hand is done."""
    shares = [hand.job.share for hand in hands if hand.job]
    label = f"{hands[0].node.name}: {len(shares)} of {len(hands)} at work"
    return Bar(label, round(1000 * sum(shares)), 1000 * len(shares) or None)


def _with_weights(wanted: EngineRequest) -> EngineRequest:
    """The same, with what is in the model's file, where it is one here. Raises UsageError where it cannot be read."""
    if not wanted.model:
        return wanted
    path = Path(wanted.model).expanduser().absolute()
    if not path.exists():
        return wanted
    try:
        return replace(wanted, model=str(path), weights=file_transfer.content(path))
    except OSError as problem:
        raise UsageError(f"The model {path} cannot be read: {problem}") from problem
