"""The settings, mappings and names of an index on OpenSearch.

There are four kinds of document. Each has a field that the others do not have.

    episode   all comparable words of an episode in a row (`said`), so that a phrase is found across segments;
              what an episode is filtered, sorted and counted by; and the places of its words (`at`)
    leaf      a few pages of written words, to show hits from
    word      a comparable word and its stem, for beginnings, stems and near misses
    state     only one: the stamp of the index and its revision

OpenSearch splits `said` at its spaces and does nothing else to words. The similarity gives an episode one point for
each occurrence, so totals are sums of scores, and exact.
"""

import hashlib
import sys
import zlib
from typing import Any, Final

from search.query.words import COMMON

STAMP = {"index": "3", "byteorder": sys.byteorder}
STATE_ID = "state"
BUCKETS: Final = 128
_LONGEST_KEY = 200  # bytes; OpenSearch's own limits for words and ids are higher
LONG_BEGINNING = 40  # letters of a longer word with which its key begins
_EPISODES_A_SHARD = 40_000  # of about an hour: 22 GB
_MOST_SHARDS = 256


def bucket(word: str) -> int:
    """The bucket that holds a word's places: words with the same two first letters share one, common words do not.

    So a search for a word or a beginning reads few of an episode's places.
    """
    return zlib.crc32((word if word in COMMON else word[:2]).encode()) % BUCKETS


def field_of(bucket: int) -> str:
    """The field of an episode that holds a bucket."""
    return f"at.{bucket}"


def key(word: str) -> str:
    """A word as OpenSearch stores it: the word itself, or a shortened form of one over 200 bytes."""
    data = word.encode()
    if len(data) <= _LONGEST_KEY:
        return word
    return f"{word[:LONG_BEGINNING]}…{hashlib.blake2b(data, digest_size=16).hexdigest()}"


def shards_for(episodes: int) -> int:
    """The number of shards for a library of so many episodes, unless the settings give one."""
    return min(_MOST_SHARDS, 1 + episodes // _EPISODES_A_SHARD)


def definition(shards: int, replicas: int | None) -> dict[str, Any]:
    """The settings and mappings of a new index. With `replicas` None: one replica if there is a second node."""
    copies = {"auto_expand_replicas": "0-1"} if replicas is None else {"number_of_replicas": replicas}
    return {
        "settings": {
            "index": {
                "number_of_shards": shards,
                **copies,
                "refresh_interval": -1,  # what is written is seen once all of it is there
                "max_docvalue_fields_search": BUCKETS + 10,
                "similarity": {"occurrences": {"type": "scripted", "script": {"source": "return doc.freq;"}}},
                "analysis": {"analyzer": {"words": {"type": "custom", "tokenizer": "whitespace"}}},
            }
        },
        "mappings": {"dynamic": "strict", "_source": {"enabled": False}, "properties": _properties()},
    }


def _properties() -> dict[str, Any]:
    said = {"type": "text", "analyzer": "words", "similarity": "occurrences", "norms": False, "index_phrases": True}
    keyword, binary = {"type": "keyword"}, {"type": "binary", "doc_values": True}
    return {
        "said": said,
        "id": keyword,
        "show": keyword,
        "year": keyword,
        "published": keyword,
        "speakers": {"type": "boolean"},  # whether it is known who speaks anywhere
        "edition": keyword,  # of its transcript: whose leaves are its own
        "digest": keyword,
        "contents": binary,
        "at": {"properties": {str(number): binary for number in range(BUCKETS)}},
        "of": keyword,  # the edition that a leaf belongs to
        "leaf": {"type": "integer"},  # its number
        "pages": binary,
        "word": keyword,
        "stem": keyword,
        "whole": binary,  # a word whose key is not the word itself
        "state": {"type": "keyword", "index": False, "doc_values": False, "store": True},
    }
