"""The index on an OpenSearch cluster, behind the same contract as the embedded one (`search.index.contract`).

Loaded only where it is asked for; it needs the extra `opensearch`.
"""
