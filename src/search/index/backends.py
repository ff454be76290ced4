"""Opens the index of a library: the embedded one, or one on a cluster, as the settings say."""

from search.index.library_index import LibraryIndex
from search.settings import Settings
from transcribe.library.store import Library

EMBEDDED = "whoosh"


def open_library_index(library: Library, settings: Settings) -> LibraryIndex:
    """The library's index; connects to nothing yet.

    Raises CannotStart where the extra `opensearch` is needed and missing, UsageError for a bad URL of a cluster,
    IndexUnavailable where the CA file of the settings is not there.
    """
    if settings.index == EMBEDDED:
        return LibraryIndex(library)
    from search.index.opensearch.connection import Cluster
    from search.index.opensearch.library_index import OpenSearchLibraryIndex

    password, api_key = (
        secret.get_secret_value() if secret else None for secret in (settings.index_password, settings.index_api_key)
    )
    cluster = Cluster.at(
        settings.index,
        user=settings.index_user,
        password=password,
        api_key=api_key,
        ca=settings.index_ca,
        shards=settings.index_shards,
        replicas=settings.index_replicas,
    )
    return OpenSearchLibraryIndex(library, cluster)
