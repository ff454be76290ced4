"""Sends many documents to OpenSearch; in the end each is stored, or an error names one that is not."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import stamina

from search.errors import IndexUnavailable
from search.index.opensearch.connection import LONG_S, Connection, Refused
from search.index.opensearch.documents import Document

PATIENCE_S = 120.0  # for a cluster that is overloaded or elects a new manager
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 10.0
_LATER = frozenset({429, 502, 503, 504})  # the item may be accepted later
_BLOCKED = "cluster_block_exception"


@dataclass(frozen=True, slots=True)
class Action:
    """One action of a bulk request: one line, or two."""

    id: str
    lines: str
    fine: frozenset[int] = frozenset()  # statuses that are as good as success

    @classmethod
    def store(cls, document: Document) -> "Action":
        """Stores a document, in place of another with its id."""
        verb = "create" if document.once else "index"
        head, body = json.dumps({verb: {"_id": document.id}}), json.dumps(document.body)
        return cls(document.id, f"{head}\n{body}\n", frozenset({409}) if document.once else frozenset())

    @classmethod
    def delete(cls, name: str) -> "Action":
        """Removes a document."""
        return cls(name, json.dumps({"delete": {"_id": name}}) + "\n", frozenset({404}))


class _NotYet(Exception):  # noqa: N818 - said of documents; it never leaves this module
    pass


def send(connection: Connection, index: str, actions: Iterable[Action]) -> None:
    """Does all actions, in no order; sends those again that the cluster has no time for. Raises IndexUnavailable."""
    pending = list(actions)
    try:
        for attempt in stamina.retry_context(
            on=_NotYet,
            attempts=None,
            timeout=PATIENCE_S,
            wait_initial=_FIRST_PAUSE_S,
            wait_max=_LONGEST_PAUSE_S,
        ):
            with attempt:
                pending = _sent(connection, index, pending)
                if pending:
                    raise _NotYet
    except _NotYet:
        raise IndexUnavailable(
            f"OpenSearch at {connection.cluster} has had no time for {len(pending)} documents for {PATIENCE_S:g} s: "
            "run `playhead index` again when it has less to do."
        ) from None


def _sent(connection: Connection, index: str, actions: Sequence[Action]) -> list[Action]:
    """Sends the actions; returns those that must be sent again."""
    if not actions:
        return []
    try:
        answer = connection.call("POST", f"/{index}/_bulk", "".join(action.lines for action in actions), LONG_S)
    except Refused as refused:
        if refused.status in _LATER and refused.kind != _BLOCKED:
            return list(actions)
        raise
    items = [next(iter(item.values())) for item in answer["items"]]
    return [action for action, item in zip(actions, items, strict=True) if not _is_done(connection, action, item)]


def _is_done(connection: Connection, action: Action, item: Mapping[str, Any]) -> bool:
    status = int(item["status"])
    if status < 300 or status in action.fine:
        return True
    error = item.get("error", {})
    if status in _LATER and error.get("type") != _BLOCKED:
        return False
    raise connection.refused(status, {"error": {**error, "reason": f"{action.id}: {error.get('reason')}"}})
