"""Clients that search over HTTP, several at once, and what each of them met."""

import http.client
import re
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

PATIENCE_S = 30

_TOTAL = re.compile(rb'"total":\s*(\d+)')


@dataclass(frozen=True, slots=True)
class Met:
    """One answer."""

    query: str
    status: int  # 0 where none came
    total: int | None
    took_ns: int


def search(port: int, queries: Iterable[str], clients: int) -> list[Met]:
    """Each takes the next query as soon as it has an answer, over a connection of its own, until there are no more."""
    waiting = iter(queries)
    answers: list[Met] = []
    threads = [threading.Thread(target=_ask_all, args=(port, waiting, answers)) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _ask_all(port: int, queries: Iterator[str], answers: list[Met]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    for query in queries:
        began = time.perf_counter_ns()
        try:
            connection.request("GET", f"/api/search?q={quote(query)}")
            response = connection.getresponse()
            status, found = response.status, _TOTAL.search(response.read())
        except (OSError, http.client.HTTPException):
            connection.close()
            status, found = 0, None
        answers.append(Met(query, status, int(found[1]) if found else None, time.perf_counter_ns() - began))
    connection.close()
