"""Downloads that go on while something else is done."""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Self, TypeVar

from transcribe.errors import EpisodeError
from transcribe.fetch.politeness import side_by_side

READY_WAIT_S = 0.05  # for a download to be ready, before its caller does something else

Item = TypeVar("Item")
Result = TypeVar("Result")


class Downloads(Generic[Item, Result]):
    """Work for each item in threads, several hosts at once; see `side_by_side`.

    `with` begins it. Iterating gives each item with its result as soon as it is there; None where READY_WAIT_S passed
    and nothing was ready. The work is ten items ahead of the caller at most. Where the caller leaves before the end,
    `stop` must make the work under way fail soon, as `HttpClient.close` does.
    """

    def __init__(
        self,
        items: Sequence[Item],
        host: Callable[[Item], str],
        work: Callable[[Item], Result],
        stop: Callable[[], None],
    ) -> None:
        self._items, self._host, self._work, self._stop = items, host, work, stop
        self._ready: queue.Queue[tuple[Item, Result | EpisodeError] | BaseException | None] = queue.Queue(1)
        self._left = threading.Event()  # the caller has left
        self._over = False
        self._thread = threading.Thread(target=self._download, name="downloads", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        if not self._over:
            self._stop()
        self._thread.join()

    def __iter__(self) -> Iterator[tuple[Item, Result | EpisodeError] | None]:
        while True:
            try:
                done = self._ready.get(timeout=READY_WAIT_S)
            except queue.Empty:
                yield None
                continue
            if done is None:
                self._over = True
                return
            if isinstance(done, BaseException):
                raise done
            yield done

    def _download(self) -> None:
        done = side_by_side(self._items, self._host, self._work, stop=self._stop)
        with contextlib.closing(done):  # type: ignore[type-var]  # it is a generator
            try:
                for each in done:
                    if not self._put(each):
                        return
                self._put(None)
            except BaseException as problem:  # raised in the caller's thread
                self._put(problem)

    def _put(self, done: tuple[Item, Result | EpisodeError] | BaseException | None) -> bool:
        """False where the caller has left."""
        while not self._left.is_set():
            with contextlib.suppress(queue.Full):
                self._ready.put(done, timeout=READY_WAIT_S)
                return True
        return False
