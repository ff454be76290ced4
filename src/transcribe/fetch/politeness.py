"""Politeness to hosts: one connection to each at a time, and none while its Retry-After lasts."""

import contextlib
import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TypeVar

from transcribe.errors import EpisodeError, FetchError
from transcribe.library.store import write_whole

HOUR_S = 3600
LONGEST_S = 24 * HOUR_S  # for which a host is left alone, whatever it asks for
DEFAULT_S = 60  # where it asks in no way that can be read

_SECONDS = re.compile(r"\d+", re.ASCII)

Clock = Callable[[], float]  # seconds since 1970
Item = TypeVar("Item")
Result = TypeVar("Result")


class Politeness:
    """The turns at each host, and until when a host gets no request. Safe to share between threads.

    With a path, what hosts ask for outlasts the process; a file that cannot be read is as none. A host is named as by
    `urls.host_of`.
    """

    def __init__(self, path: Path | None = None, now: Clock = time.time) -> None:
        self._path, self._now = path, now
        self._until = _loaded(path, now()) if path else {}
        self._busy: dict[str, int] = {}  # hosts that are being asked, and by which thread
        self._closed = False
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def turn(self, host: str) -> Iterator[None]:
        """Waits until no other thread asks the host, and keeps it until the end of the block.

        Raises FetchError: `retry_later` at once where the host asks to be left alone, `stopped` after `close`.
        """
        me = threading.get_ident()
        with self._changed:
            assert self._busy.get(host) != me, f"{host} asked within an answer of its own"
            self._changed.wait_for(lambda: self._closed or host not in self._busy or self._left_alone_s(host))
            self._refuse(host)
            self._busy[host] = me
        try:
            yield
        finally:
            with self._changed:
                del self._busy[host]
                self._changed.notify_all()

    def leave_alone(self, host: str, retry_after: str | None) -> float:
        """Heeds a Retry-After; returns the seconds for which the host gets no request."""
        with self._changed:
            seconds = seconds_asked(retry_after, self._now())
            self._until[host] = self._now() + seconds
            self._changed.notify_all()
            if self._path:
                ahead = {name: until for name, until in sorted(self._until.items()) if until > self._now()}
                data = json.dumps({"version": 1, "left_alone_until": ahead}, indent=1).encode() + b"\n"
                with contextlib.suppress(OSError):  # what cannot be written holds for this process still
                    write_whole(self._path, data)
        return seconds

    def close(self) -> None:
        """Ends all waiting; nobody gets a turn any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _refuse(self, host: str) -> None:
        if self._closed:
            raise FetchError("stopped", f"{host}: fetching was stopped")
        if seconds := self._left_alone_s(host):
            now = self._now()
            then, today = (datetime.fromtimestamp(moment).astimezone() for moment in (now + seconds, now))
            until = then.strftime("%H:%M" if then.date() == today.date() else "%H:%M on %Y-%m-%d")
            raise FetchError("retry_later", f"{host} asks to be left alone until {until}", seconds)

    def _left_alone_s(self, host: str) -> float:
        return max(0.0, self._until.get(host, 0.0) - self._now())


def seconds_asked(retry_after: str | None, now: float) -> float:
    """The seconds that a Retry-After asks to wait: 0 to LONGEST_S; DEFAULT_S where it cannot be read.

    RFC 9110, section 10.2.3.
    """
    text = (retry_after or "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST_S)  # as a float it may have any number of digits
    try:
        date = parsedate_to_datetime(text)
        seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, OverflowError):
        return DEFAULT_S
    return min(max(0.0, seconds), LONGEST_S)


def side_by_side(
    items: Iterable[Item],
    host: Callable[[Item], str],
    work: Callable[[Item], Result],
    at_once: int = 8,
    stop: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Item, Result | EpisodeError]]:
    """Does the work for each item in threads: several hosts at once, items of one host in their order.

    Gives each item with what came of it, as they are done: a result, or the EpisodeError that it failed with. No more
    than `at_once` are under way or waiting to be taken. Where the caller leaves before the end, `stop` must make the
    work that is under way fail soon, as `HttpClient.close` does.
    """
    lines: dict[str, deque[Item]] = {}
    for item in items:
        lines.setdefault(host(item), deque()).append(item)
    waiting, running = deque(lines.values()), dict[Future[Result | EpisodeError], deque[Item]]()
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="fetch")
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                line = waiting.popleft()
                running[pool.submit(_attempted, work, line[0])] = line
            future = next(iter(wait(running, return_when=FIRST_COMPLETED).done))
            line = running.pop(future)
            item = line.popleft()
            if line:
                waiting.append(line)
            yield item, future.result()
    finally:
        if running:
            stop()
        pool.shutdown(cancel_futures=True)


def _attempted(work: Callable[[Item], Result], item: Item) -> Result | EpisodeError:
    try:
        return work(item)
    except EpisodeError as problem:
        return problem


def _loaded(path: Path, now: float) -> dict[str, float]:
    try:
        given = json.loads(path.read_bytes())["left_alone_until"].items()
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return {}
    times = {host: until for host, until in given if isinstance(until, int | float) and until > now}
    return {host: min(until, now + LONGEST_S) for host, until in times.items()}
