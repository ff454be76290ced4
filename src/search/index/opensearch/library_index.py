"""The index of a library on OpenSearch: brings it up to date with the transcripts, and opens it for searching.

Any number of processes may search. They need the cluster, and `.playhead/library.id`, which names the library's index
there.
"""

import contextlib
import itertools
import threading
import time
import uuid
import weakref

from search.errors import IndexUnavailable
from search.index.library_index import LOOK_EVERY_S, IndexReport, LibraryIndex
from search.index.opensearch.connection import Cluster, Connection, OutOfReach
from search.index.opensearch.index import OpenSearchIndex
from search.index.opensearch.writer import OpenSearchWriter, State, current
from search.index.write_lock import alone
from transcribe.console import Advance, unwatched
from transcribe.library.store import Library, write_whole


class OpenSearchLibraryIndex(LibraryIndex):
    """The index of a library on a cluster. It can be rebuilt from the transcripts at any time."""

    def __init__(self, library: Library, cluster: Cluster) -> None:
        """Connects to nothing yet. Raises CannotStart where the extra `opensearch` is not installed."""
        super().__init__(library)
        self.cluster = cluster
        self._connection = Connection(cluster)
        self._id_path = library.state / "library.id"
        self._on_cluster: tuple[State, OpenSearchIndex] | None = None
        self._opening = threading.Lock()
        self._asked = 0.0  # the time of the last look for a newer state

    def index(self) -> OpenSearchIndex:
        """The newest state of the index. Raises IndexUnavailable where there is none, or no cluster.

        While the cluster does not answer, the present state is given; its own requests show whether it still can.
        """
        with self._opening:
            if self._on_cluster is None:
                self._on_cluster = self._open(self._current())
            elif time.monotonic() - self._asked > LOOK_EVERY_S:
                with contextlib.suppress(OutOfReach):
                    state = self._current()
                    if state.revision != self._on_cluster[0].revision:
                        self._on_cluster = self._open(state)
            self._asked = time.monotonic()
            return self._on_cluster[1]

    def ready(self) -> int:
        """The number of episodes that can be searched now; asks the cluster. Raises IndexUnavailable."""
        self._current()
        return len(self.index().contents())

    def check(self) -> None:
        """Raises IndexUnavailable, soon, where the cluster does not answer or does not let us in."""
        self._connection.call("GET", "/playhead-*/_alias")  # needs no right that indexing does not need

    def refresh(self, rebuild: bool = False, advance: Advance = unwatched) -> IndexReport:
        """Brings the index up to date with the transcripts, by their content; `rebuild` starts from nothing.

        The report names the transcripts that cannot be read; the others are indexed. Raises IndexBusy where another
        process writes the index, IndexUnavailable where the cluster fails.
        """
        self.check()
        report = IndexReport()
        with alone(self.library.state / "index.lock"):
            seen = self._look(report)
            writer = OpenSearchWriter(self._connection, self.alias(), len(seen))
            writer.tidy()
            before = None if rebuild else writer.digests()
            known = before or {}
            changed = [name for name, file in seen.items() if known.get(name) != file.digest]
            report.unchanged = len(seen) - len(changed)
            report.removed = sorted(known.keys() - seen.keys())
            read = self._read(changed, seen, report, advance)
            if before is None:
                writer.rebuild(read)
            elif changed or report.removed:
                unreadable = (name for name in changed if name in known and name in report.failed)  # once all are read
                writer.update(read, itertools.chain(report.removed, unreadable))
        self._remember({name: file for name, file in seen.items() if name not in report.failed})
        return report

    def _open(self, state: State) -> tuple[State, OpenSearchIndex]:
        index = OpenSearchIndex(self._connection, state.index)
        weakref.finalize(index, index.snapshot.close)  # once the last search in it is done
        return state, index

    def _current(self) -> State:
        """The generation that is read. Raises IndexUnavailable where there is none, or none of this version."""
        name = self._name()
        state = current(self._connection, f"playhead-{name}") if name else None
        if state is None:
            raise IndexUnavailable(f"There is no index at {self._connection.cluster} yet: `playhead index` makes it.")
        if not state.is_ours():
            raise IndexUnavailable(
                f"The index at {self._connection.cluster} was made by another version of Playhead, or another kind of "
                "machine: `playhead index` makes it anew."
            )
        return state

    def _name(self) -> str | None:
        try:
            return self._id_path.read_text().strip()
        except FileNotFoundError:
            return None

    def alias(self) -> str:
        """The name of the library's index; gives it one if it has none."""
        if not self._name():
            write_whole(self._id_path, uuid.uuid4().hex.encode())
        return f"playhead-{self._name()}"
