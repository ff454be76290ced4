"""Changes the index of a library on a cluster: generations behind an alias.

    playhead-<library>              the alias, which readers ask
    playhead-<library>-00000003     the generation behind it

A rebuild fills a new generation beside the old one and moves the alias in one step. The next writer removes the old
generation, and what a crash left; until then those who read it can go on. Changes to a few episodes are written into
the current generation. An episode is one document: it is written after its leaves, and the leaves of its old transcript
are removed after that, so at any moment and after any crash there is the old episode or the new one.
"""

import contextlib
import itertools
import json
import uuid
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from search.errors import IndexUnavailable
from search.index.opensearch.bulk import Action, send
from search.index.opensearch.connection import LONG_S, SOON_S, Connection, Refused
from search.index.opensearch.documents import edition, episode_document, leaf_documents, word_document
from search.index.opensearch.schema import STAMP, STATE_ID, definition, shards_for
from search.index.opensearch.snapshot import Snapshot
from search.index.passages import Passages

_BULK_BYTES = 4 << 20
_AT_ONCE = 2  # bulk requests at the same time
_COPIES = "20s"  # to wait for replicas; after that the index is filled without them
_OLD_EDITIONS = 1_000  # named in one request
_THERE_ALREADY = "resource_already_exists_exception"
_NO_SUCH_INDEX = "index_not_found_exception"
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class State:
    """The state of a generation."""

    index: str  # its name
    stamp: dict[str, str]  # what it was made by
    revision: str  # a new one after each change
    is_written: bool  # whether a writer works on it, or died while it did

    def is_ours(self) -> bool:
        """Whether this version of Playhead can read it."""
        return self.stamp == STAMP


def current(connection: Connection, alias: str, patience_s: float = SOON_S) -> State | None:
    """The generation behind the alias; None where there is none. Raises IndexUnavailable."""
    try:
        answer = connection.call("GET", f"/{alias}/_doc/{STATE_ID}", None, patience_s, stored_fields="state")
    except Refused as refused:
        if refused.kind == _NO_SUCH_INDEX:
            return None
        if refused.status == _NOT_FOUND:
            raise IndexUnavailable(f"What answers at {connection.cluster} is no index of Playhead's.") from refused
        raise
    state = json.loads(answer["fields"]["state"][0])
    return State(answer["_index"], state["made_by"], state["revision"], state["is_written"])


class OpenSearchWriter:
    """Changes the index behind an alias. The caller makes sure that there is one writer at a time."""

    def __init__(self, connection: Connection, alias: str, episodes: int = 0) -> None:
        """`episodes`: about how many there are, to choose the shards of a new generation."""
        self._connection, self._alias, self._episodes = connection, alias, episodes

    def digests(self) -> dict[str, str] | None:
        """The episodes (ids) in the index, each with the digest of its transcript; None where a rebuild is needed.

        Cleans up first what a writer that died left half done. Raises IndexUnavailable.
        """
        state = current(self._connection, self._alias, LONG_S)
        if state is None or not state.is_ours():
            return None
        if state.is_written:
            self.update([], [])
        return {name: digest for name, (digest, _) in self._digests_and_editions(state).items()}

    def update(self, changed: Iterable[Passages], removed: Iterable[str]) -> None:
        """Adds or replaces episodes, then removes others (ids). Raises IndexUnavailable."""
        state = current(self._connection, self._alias, LONG_S)
        if state is None or not state.is_ours():
            self.rebuild(changed)
            return
        before = self._digests_and_editions(state)
        self._stamp(state.index, state.revision, is_written=True)
        added = self._fill(state.index, changed)
        gone = list(removed)
        send(self._connection, state.index, map(Action.delete, gone))
        revision = self._publish(state.index)
        now = {name: of for name, (_, of) in before.items() if name not in gone} | added
        there = {of for _, of in before.values()}
        if state.is_written:  # a writer died, and may have left leaves of editions that no episode has
            with contextlib.closing(Snapshot.of(self._connection, state.index, LONG_S)) as snapshot:
                there = set(snapshot.editions_of_leaves())
        self._drop_leaves(state.index, there - set(now.values()))
        self._stamp(state.index, revision, is_written=False)

    def rebuild(self, passages: Iterable[Passages]) -> None:
        """Makes a new generation of these episodes, and moves the alias to it. Raises IndexUnavailable."""
        self.tidy()
        index = self._new()
        self._stamp(index, "", is_written=True)
        self._fill(index, passages)
        self._stamp(index, self._publish(index), is_written=False)
        others = [name for name in self._generations() if name != index]
        taken = [{"remove": {"index": name, "alias": self._alias, "must_exist": False}} for name in others]
        self._call("POST", "/_aliases", {"actions": [*taken, {"add": {"index": index, "alias": self._alias}}]})

    def tidy(self) -> None:
        """Removes the generations that are not behind the alias. Raises IndexUnavailable."""
        state = current(self._connection, self._alias, LONG_S)
        old = [name for name in self._generations() if state is None or name != state.index]
        for name in old:
            self._call("DELETE", f"/{name}", ignore_unavailable="true")

    def _fill(self, index: str, passages: Iterable[Passages]) -> dict[str, str]:
        """Writes episodes; returns the edition of each by its id."""
        editions: dict[str, str] = {}
        words: set[str] = set()

        def send_both(first: Sequence[Action], then: Sequence[Action]) -> None:
            send(self._connection, index, first)
            send(self._connection, index, then)

        with ThreadPoolExecutor(_AT_ONCE, "bulk") as pool:
            running: deque[Future[None]] = deque()
            for first, then in _portions(self._actions(passages, words, editions)):
                if len(running) > _AT_ONCE:
                    running.popleft().result()
                running.append(pool.submit(send_both, first, then))
            for sent in running:
                sent.result()
        return editions

    def _actions(
        self, passages: Iterable[Passages], words: set[str], editions: dict[str, str]
    ) -> Iterator[tuple[list[Action], Action]]:
        """For each episode the actions that must be done before it, and the one that stores it."""
        for one in passages:
            editions[one.contents.episode.id] = edition(one.contents)
            new = one.postings.keys() - words
            words |= new
            documents = itertools.chain(leaf_documents(one), map(word_document, sorted(new)))
            yield list(map(Action.store, documents)), Action.store(episode_document(one))

    def _publish(self, index: str) -> str:
        """Makes what was written visible, all at once; returns the new revision."""
        revision = uuid.uuid4().hex
        self._call("POST", f"/{index}/_refresh")
        self._stamp(index, revision, is_written=True)
        return revision

    def _stamp(self, index: str, revision: str, is_written: bool) -> None:
        state = {"made_by": STAMP, "revision": revision, "is_written": is_written}
        self._call("PUT", f"/{index}/_doc/{STATE_ID}", {"state": json.dumps(state)})

    def _new(self) -> str:
        """Makes an empty generation with the next number; returns its name."""
        numbers = [int(name.rpartition("-")[2]) for name in self._generations()]
        index = f"{self._alias}-{max([0, *numbers]) + 1:08}"
        cluster = self._connection.cluster
        shards = cluster.shards or shards_for(self._episodes)
        wanted = definition(shards, cluster.replicas)
        try:  # with replicas from the start: a node may die as soon as anything is written
            self._call("PUT", f"/{index}", wanted, wait_for_active_shards="all", timeout=_COPIES)
        except Refused as refused:
            if refused.kind != _THERE_ALREADY:  # the request was repeated, since the first answer was lost with a node
                raise
        return index

    def _generations(self) -> list[str]:
        answer = self._connection.call("GET", f"/{self._alias}-*/_alias", None, LONG_S)
        return [name for name in answer if name.removeprefix(f"{self._alias}-").isdecimal()]

    def _digests_and_editions(self, state: State) -> dict[str, tuple[str, str]]:
        """For each episode in a generation the digest of its transcript, and its edition."""
        if state.is_written:  # a writer died: make visible what it wrote
            self._call("POST", f"/{state.index}/_refresh")
        with contextlib.closing(Snapshot.of(self._connection, state.index, LONG_S)) as snapshot:
            return snapshot.digests()

    def _drop_leaves(self, index: str, editions: Iterable[str]) -> None:
        names = sorted(editions)
        for begin in range(0, len(names), _OLD_EDITIONS):
            body = {"query": {"terms": {"of": names[begin : begin + _OLD_EDITIONS]}}}
            answer = self._call("POST", f"/{index}/_delete_by_query", body, conflicts="proceed", refresh="true")
            if answer.get("failures"):
                raise IndexUnavailable(
                    f"OpenSearch at {self._connection.cluster} left some of what is to go: run again."
                )

    def _call(self, method: str, path: str, body: object = None, **parameters: str) -> dict[str, object]:
        return self._connection.call(method, path, body, LONG_S, **parameters)


def _portions(actions: Iterable[tuple[list[Action], Action]]) -> Iterator[tuple[list[Action], list[Action]]]:
    """Portions of about _BULK_BYTES: the actions that come first, then those that store the episodes."""
    first: list[Action] = []
    then: list[Action] = []
    size = 0
    for before, episode in actions:
        first += before
        then.append(episode)
        size += len(episode.lines) + sum(len(action.lines) for action in before)
        if size >= _BULK_BYTES:
            yield first, then
            first, then, size = [], [], 0
    if then:
        yield first, then
