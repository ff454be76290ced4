"""A cache of postings with a limit in bytes."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import cachetools

T = TypeVar("T")


class PostingCache(Generic[T]):
    """Keeps what was made for a key; drops what was not asked for the longest. Safe to share between threads."""

    def __init__(self, limit_bytes: int, size: Callable[[T], int]) -> None:
        """`size` gives the bytes that a value takes, about."""
        self._limit, self._size = limit_bytes, size
        self._values: cachetools.LRUCache[str, T] = cachetools.LRUCache(limit_bytes, size)
        self._lock = threading.Lock()

    def get(self, key: str, make: Callable[[], T]) -> T:
        """The value for a key, made by `make` if it is not in the cache. A value over the limit is made each time."""
        try:
            with self._lock:
                return self._values[key]
        except KeyError:
            made = make()
        if self._size(made) <= self._limit:
            with self._lock:
                self._values[key] = made
        return made
