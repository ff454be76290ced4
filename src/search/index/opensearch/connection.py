"""Talks to an OpenSearch cluster: tries its nodes in turn, and says in plain words what is wrong.

No message holds a user, a password or an API key.
"""

import itertools
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from search.errors import IndexUnavailable
from search.index.opensearch.circuit_breaker import CircuitBreaker
from transcribe.errors import CannotStart, UsageError

if TYPE_CHECKING:
    import opensearchpy

SOON_S = 1.8  # for a request that a person waits for
LONG_S = 60.0  # for work that nobody waits for: an election of a new manager takes up to half of it
_CONNECT_S = 0.5  # to one node
_DEAD_S = 5.0  # a node that failed is not asked again for so long; longer each time
_PAUSE_S = 0.05  # before a node is asked again, doubled each time
_MOST_DOUBLED = 5  # times
_OPEN_CONNECTIONS = 16  # to one node
_STATUS_REFUSED, _STATUS_FORBIDDEN, _STATUS_BUSY = 401, 403, 429
_PASSING = frozenset({502, 503, 504})  # another node may answer, or the same one in a moment
_LONGEST_REASON = 300  # characters of what OpenSearch says


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where a cluster is, and what it asks for to log in."""

    urls: tuple[str, ...]  # https://host:port of each node, without user or password
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    ca: Path | None = None  # certificates to trust; those of the machine where None
    shards: int | None = None  # by the size of the library where None
    replicas: int | None = None  # one as soon as there is a second node where None

    @classmethod
    def at(cls, urls: str | Sequence[str], **others: Any) -> "Cluster":
        """Made of `URL[,URL…]`; takes user and password out of them. Raises UsageError for what is no such URL."""
        given = urls.split(",") if isinstance(urls, str) else urls
        split = [_split(url.strip()) for url in given if url.strip()]
        if not split:
            raise UsageError("The index is to be `whoosh`, or the URLs of an OpenSearch cluster.")
        named = next(({"user": user, "password": password} for _, user, password in split if user), {})
        wanted = {name: value for name, value in others.items() if value is not None}
        return cls(tuple(url for url, _, _ in split), **{**named, **wanted})

    def __str__(self) -> str:
        return ", ".join(self.urls)


class Refused(IndexUnavailable):
    """OpenSearch answered with an error. `kind` is its name for the reason."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        self.status, self.kind = status, kind
        super().__init__(message)
        self.args = (status, kind, message)  # so that it can be sent from process to process

    def __str__(self) -> str:
        return str(self.args[2])


class OutOfReach(IndexUnavailable):
    """No node answered in time."""


class Connection:
    """A connection to a cluster. Safe to share between threads."""

    def __init__(self, cluster: Cluster) -> None:
        """Raises CannotStart where the extra is not installed, IndexUnavailable where the CA file cannot be used."""
        try:
            import opensearchpy
        except ImportError as problem:
            raise CannotStart(
                "The index is on OpenSearch, whose client is not installed: pip install 'playhead[opensearch]'."
            ) from problem
        logging.getLogger("opensearch").addHandler(logging.NullHandler())  # errors are raised, not logged
        self.cluster = cluster
        self._errors = opensearchpy.exceptions
        self._transport = _transport(cluster)
        self._breaker = CircuitBreaker()

    def call(
        self, method: str, path: str, body: object = None, patience_s: float = SOON_S, **parameters: str
    ) -> dict[str, Any]:
        """The answer of OpenSearch to a request; `body` is made JSON unless it is text.

        Asks other nodes while nodes fail, for `patience_s` seconds. A request may be done although it fails, or be done
        twice, so it must be safe to repeat. Raises Refused for an error, IndexUnavailable where there is no answer.
        """
        if patience_s <= SOON_S:
            self._breaker.check()
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        began = time.monotonic()
        deadline = began + patience_s
        pauses = (_PAUSE_S * 2 ** min(n, _MOST_DOUBLED) for n in itertools.count())
        while True:
            try:
                return self._ask(method, path, text, deadline, parameters)
            except IndexUnavailable as problem:
                pause = next(pauses)
                if _is_passing(problem) and time.monotonic() + pause <= deadline:
                    time.sleep(pause)
                    continue
                if isinstance(problem, OutOfReach):
                    self._breaker.open(problem, began)
                raise

    def close(self) -> None:
        """Closes all connections."""
        self._transport.close()

    def _ask(
        self, method: str, path: str, text: str | None, deadline: float, parameters: Mapping[str, str]
    ) -> dict[str, Any]:
        import urllib3

        left_s = max(0.1, deadline - time.monotonic())
        nodes = len(self.cluster.urls)
        wait = urllib3.Timeout(connect=min(_CONNECT_S, left_s), read=left_s if nodes == 1 else left_s / 2)
        try:
            answer: dict[str, Any] = self._transport.perform_request(
                method,
                path,
                params=dict(parameters),
                body=text,
                timeout=wait,  # type: ignore[arg-type] # urllib3, to which it goes, takes both
            )
            self._breaker.close()
            return answer
        except self._errors.SSLError as problem:
            raise IndexUnavailable(
                f"The certificate of OpenSearch at {self.cluster} is not to be trusted: "
                "set `ca` under [index] in playhead.toml, or PLAYHEAD_INDEX_CA, to the file of the CA that signed it."
            ) from problem
        except self._errors.ConnectionError as problem:
            why = "it took too long" if isinstance(problem, self._errors.ConnectionTimeout) else "no connection"
            raise OutOfReach(f"OpenSearch at {self.cluster} is out of reach: {why}.") from problem
        except self._errors.TransportError as problem:
            self._breaker.close()
            raise self.refused(int(problem.status_code), problem.info) from problem
        except self._errors.SerializationError as problem:
            raise IndexUnavailable(f"What answers at {self.cluster} is not OpenSearch.") from problem

    def refused(self, status: int, info: Any) -> Refused:
        """The error for what OpenSearch says of a request, or of one item of a bulk request."""
        kind, reason = _kind_and_reason(info)
        if status == _STATUS_REFUSED:
            message = (
                f"OpenSearch at {self.cluster} did not accept the user and password, or the API key: "
                "see PLAYHEAD_INDEX_USER and PLAYHEAD_INDEX_PASSWORD, or PLAYHEAD_INDEX_API_KEY."
            )
        elif kind == "cluster_block_exception" and status in (_STATUS_FORBIDDEN, _STATUS_BUSY):
            message = (
                f"OpenSearch at {self.cluster} has made the index read-only, as it does when a disk is nearly full: "
                "free some space there, then run `playhead index` again."
            )
        elif status == _STATUS_FORBIDDEN:  # the reason given would name the user
            message = f"OpenSearch at {self.cluster} does not let this user do that: it needs all rights on playhead-*."
        else:
            message = f"OpenSearch at {self.cluster} did not do it ({status} {kind}): {reason[:_LONGEST_REASON]}"
        return Refused(status, kind, message)


def _is_passing(problem: IndexUnavailable) -> bool:
    return isinstance(problem, OutOfReach) or (isinstance(problem, Refused) and problem.status in _PASSING)


def _transport(cluster: Cluster) -> "opensearchpy.Transport":
    import opensearchpy

    secure = any(url.startswith("https:") for url in cluster.urls)
    options: dict[str, Any] = {}
    if cluster.api_key:
        options["headers"] = {"authorization": f"ApiKey {cluster.api_key}"}
    elif cluster.user:
        options["http_auth"] = (cluster.user, cluster.password or "")
    if secure and cluster.ca:
        if not cluster.ca.is_file():
            raise IndexUnavailable(f"The file of the CA, {cluster.ca}, is not there.")
        options["ca_certs"] = str(cluster.ca)
    client = opensearchpy.OpenSearch(
        hosts=list(cluster.urls),
        max_retries=0,  # `call` repeats requests: it knows how long to wait
        retry_on_timeout=True,  # this only means: another node next time
        retry_on_status=(),
        dead_timeout=_DEAD_S,
        pool_maxsize=_OPEN_CONNECTIONS,
        **options,
    )
    return client.transport


def _split(url: str) -> tuple[str, str | None, str | None]:
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("A URL of OpenSearch looks like https://host:9200.")  # it may hold a password
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    where = f"{parts.scheme}://{host}:{port}{parts.path.rstrip('/')}"
    return where, unquote(parts.username or "") or None, unquote(parts.password or "") or None


def _kind_and_reason(info: Any) -> tuple[str, str]:
    """The name of an error and its text; those of its root cause where there is one."""
    error = info.get("error") if isinstance(info, dict) else None
    if not isinstance(error, dict):
        return "", str(error or "")
    causes = error.get("root_cause") or [error]
    cause = causes[0] if isinstance(causes[0], dict) else error
    return str(cause.get("type", "")), str(cause.get("reason", ""))
