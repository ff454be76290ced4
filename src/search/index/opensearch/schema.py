"""What an index on OpenSearch looks like, and what things are called there.

Four kinds of document stand side by side. A field that only one kind has tells them apart.

    episode   all comparable words of an episode in a row (`said`), so that a phrase is found wherever it crosses a
              segment; what an episode is filtered, sorted and counted by; and where each word stands (`at`)
    leaf      a few pages of what was said, to show hits from
    word      a comparable word and its stem, for beginnings, stems and near misses
    state     one: what the index was made by, and how often it has changed

OpenSearch splits `said` at the spaces that `words.words` was joined by, and that is all it knows of words. A similarity
that gives each episode as many points as it has occurrences makes totals exact: they are sums of scores.
"""

import hashlib
import sys
import zlib
from typing import Any, Final

from search.query.words import COMMON

STAMP = {"index": "4", "byteorder": sys.byteorder}
STATE_ID = "state"
BUCKETS: Final = 128
_LONGEST_KEY = 200  # bytes; OpenSearch has limits of its own for words and ids, and none of them cuts one short then
LONG_BEGINNING = 40  # letters of a longer word that its key begins with
_EPISODES_A_SHARD = 40_000  # of about an hour: 22 GB
_MOST_SHARDS = 256


def bucket(word: str) -> int:
    """Where a word's places are kept: with those of the words that begin alike, but for the commonest words.

    So few of an episode's places are read for a word, and hardly more for a beginning.
    """
    return zlib.crc32((word if word in COMMON else word[:2]).encode()) % BUCKETS


def field_of(bucket: int) -> str:
    """The field of an episode that holds a bucket."""
    return f"at.{bucket}"


def key(word: str) -> str:
    """A word as OpenSearch is told it: the word itself, but where it is longer than any language has them."""
    data = word.encode()
    if len(data) <= _LONGEST_KEY:
        return word
    return f"{word[:LONG_BEGINNING]}…{hashlib.blake2b(data, digest_size=16).hexdigest()}"


def shards_for(episodes: int) -> int:
    """How many shards a library of so many episodes has where nobody said so."""
    return min(_MOST_SHARDS, 1 + episodes // _EPISODES_A_SHARD)


def definition(shards: int, replicas: int | None) -> dict[str, Any]:
    """The settings and mappings of a new index; as many replicas as there are nodes for, up to one, where None."""
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
