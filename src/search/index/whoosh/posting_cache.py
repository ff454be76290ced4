"""What was read once and is asked for often, up to so many bytes."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import cachetools

T = TypeVar("T")


class PostingCache(Generic[T]):
    """Remembers what was made for a key; what was not asked for the longest goes first. Shared by threads."""

    def __init__(self, limit_bytes: int, size: Callable[[T], int]) -> None:
        """`size` tells how many bytes a thing takes, about."""
        self._limit, self._size = limit_bytes, size
        self._things: cachetools.LRUCache[str, T] = cachetools.LRUCache(limit_bytes, size)
        self._lock = threading.Lock()

    def get(self, key: str, make: Callable[[], T]) -> T:
        """The thing for a key, made if it is not remembered. What is too large by itself is made each time."""
        try:
            with self._lock:
                return self._things[key]
        except KeyError:
            made = make()
        if self._size(made) <= self._limit:
            with self._lock:
                self._things[key] = made
        return made
