"""Clusters that the benchmarks start for themselves, or the one that PLAYHEAD_TEST_OPENSEARCH names."""

import contextlib
import os
from collections.abc import Iterator, Sequence

from search.index.opensearch.connection import Cluster
from search.index.opensearch.library_index import OpenSearchLibraryIndex
from tests.support.opensearch_cluster import GIVEN, forget, missing, started  # of tests/
from transcribe.library.store import Library


def sizes(wanted: Sequence[int]) -> Sequence[int]:
    """Of the clusters that can be had, in nodes; says why where there are none."""
    given, lacking = os.environ.get(GIVEN), missing()
    if wanted and given:
        return [len(given.split(","))]
    if wanted and lacking:
        print(f"OpenSearch is passed over: {lacking}, and {GIVEN} is not set.")
    return [] if lacking else wanted


@contextlib.contextmanager
def cluster(nodes: int, library: Library) -> Iterator[str]:
    """The URLs of one, for the time being; nothing of the library is left there."""
    if given := os.environ.get(GIVEN):
        yield given
        forget(OpenSearchLibraryIndex(library, Cluster.at(given)).alias())
    else:
        with started(nodes) as own:
            yield own.urls
