"""A library's index on an OpenSearch cluster: kept up with its transcripts, and open for searching while that goes on.

Any number of processes may search: all they need is the cluster, and the name of the library's index there, which
`.playhead/library.id` holds.
"""

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
    """The index that belongs to a library, on a cluster. It is rebuilt from the transcripts whenever that is asked."""

    def __init__(self, library: Library, cluster: Cluster) -> None:
        """Connects to nothing yet. Raises CannotStart where the extra is not installed."""
        super().__init__(library)
        self.cluster = cluster
        self._connection = Connection(cluster)
        self._id_path = library.state / "library.id"
        self._on_cluster: tuple[State, OpenSearchIndex] | None = None
        self._opening = threading.Lock()
        self._asked = 0.0  # when it was last looked whether there is a newer state

    def index(self) -> OpenSearchIndex:
        """The newest state of the index. Raises IndexUnavailable where there is none, or no cluster.

        While it cannot be asked for a newer state, the one at hand goes on: its own questions show whether it can.
        """
        with self._opening:
            if self._on_cluster is None:
                self._on_cluster = self._open(self._current())
            elif time.monotonic() - self._asked > LOOK_EVERY_S:
                self._on_cluster = self._renewed(self._on_cluster)
            self._asked = time.monotonic()
            return self._on_cluster[1]

    def ready(self) -> int:
        """How many episodes can be searched, as the cluster says at this moment. Raises IndexUnavailable."""
        self._current()
        return len(self.index().contents())

    def check(self) -> None:
        """Whether the cluster is there and lets us in. Raises IndexUnavailable as soon as a person wants to know."""
        self._connection.call("GET", "/playhead-*/_alias")  # which needs no right that indexing does not

    def refresh(self, rebuild: bool = False, advance: Advance = unwatched) -> IndexReport:
        """Brings the index up to date with the transcripts there are, by their content; `rebuild` starts afresh.

        A transcript that cannot be read is named in the report and the rest is indexed. Raises IndexBusy and
        IndexUnavailable.
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

    def _renewed(self, opened: tuple[State, OpenSearchIndex]) -> tuple[State, OpenSearchIndex]:
        try:
            state = self._current()
        except OutOfReach:
            return opened
        return opened if state.revision == opened[0].revision else self._open(state)

    def _open(self, state: State) -> tuple[State, OpenSearchIndex]:
        index = OpenSearchIndex(self._connection, state.index)
        weakref.finalize(index, index.reading.close)  # once the last search in it is done
        return state, index

    def _current(self) -> State:
        """Raises IndexUnavailable where there is nothing to be read."""
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
        """What the library's index is called, from now on if it was not before."""
        if not self._name():
            write_whole(self._id_path, uuid.uuid4().hex.encode())
        return f"playhead-{self._name()}"
