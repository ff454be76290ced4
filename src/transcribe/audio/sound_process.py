"""Makes sound in child processes: this one loads no decoder, and none that hangs or crashes takes it along."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

from transcribe.audio.child_process import ChildProcess
from transcribe.audio.sound_worker import make_seekable
from transcribe.errors import AudioError
from transcribe.library.seekable_copy import EpisodeSeeking
from transcribe.library.store import Library

AT_ONCE = 1  # child processes
WAITING = 64  # episodes asked for and not done, at most
LIMIT_S = 600.0  # for one episode; three hours of mp3 take about half a minute
MOST_BYTES = 1 << 30  # of memory that a child process may take

_LOOK_EVERY_S = 0.2


class SoundProcess:
    """The `SoundMaker` of one library. For many threads."""

    def __init__(
        self, library: Library, at_once: int = AT_ONCE, waiting: int = WAITING, limit_s: float = LIMIT_S
    ) -> None:
        self.library, self.waiting, self.limit_s = library, waiting, limit_s
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="sound")
        self._asked: dict[str, Future[EpisodeSeeking]] = {}  # and not done; those that brought a child down stay
        self._lock = threading.RLock()
        self._closed = threading.Event()

    def seekable(self, episode_id: str) -> "Future[EpisodeSeeking]":
        """See `SoundMaker`. What has brought a child process down is not tried again by this object."""
        with self._lock:
            if episode_id in self._asked:
                return self._asked[episode_id]
            if sum(not future.done() for future in self._asked.values()) >= self.waiting:
                busy: Future[EpisodeSeeking] = Future()
                busy.set_exception(AudioError("sound_busy", f"{self.waiting} episodes wait for their sound already."))
                return busy
            future = self._asked[episode_id] = self._pool.submit(self._seekable, episode_id)
        future.add_done_callback(lambda done: self._forget(episode_id, done))
        return future

    def close(self) -> None:
        """See `SoundMaker`."""
        self._closed.set()
        self._pool.shutdown(cancel_futures=True)

    def _forget(self, episode_id: str, done: "Future[EpisodeSeeking]") -> None:
        problem = None if done.cancelled() else done.exception()
        if not (isinstance(problem, AudioError) and problem.code == "decoder_failed"):
            with self._lock:
                self._asked.pop(episode_id, None)

    def _seekable(self, episode_id: str) -> EpisodeSeeking:
        child = ChildProcess(make_seekable, self.library.root, episode_id, most_bytes=MOST_BYTES)
        try:
            self._wait(child, episode_id)
            answer: EpisodeSeeking | AudioError = child.connection.recv()
        except (EOFError, OSError):
            raise AudioError("decoder_failed", f"{episode_id}: the decoder {child.why_it_ended()}") from None
        finally:
            child.connection.close()
            child.kill()
        if isinstance(answer, AudioError):
            raise answer
        return answer

    def _wait(self, child: ChildProcess, episode_id: str) -> None:
        """Waits for an answer. Raises AudioError where none comes in time."""
        begun = time.monotonic()
        while not child.connection.poll(_LOOK_EVERY_S):
            if self._closed.is_set():
                raise AudioError("sound_failed", f"{episode_id}: its sound was not made to the end.")
            if time.monotonic() - begun > self.limit_s:
                raise AudioError("decoder_failed", f"{episode_id}: the decoder took more than {self.limit_s:g} s")
