"""Makes OpenSearch documents of a transcript's passages, and reads them again."""

import base64
import binascii
import hashlib
import itertools
import struct
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import whoosh.lang.porter
from numpy.typing import NDArray

from search.index.opensearch.schema import bucket, key
from search.index.passages import Contents, Passages, pack_contents

LEAF_PAGES = 4  # a hit with its context touches one leaf, seldom two
Numbers = NDArray[np.uint32]  # position and start_ms of each occurrence, shape (occurrences, 2)

_NONE: Numbers = np.empty((0, 2), np.uint32)


@dataclass(frozen=True, slots=True)
class Document:
    """A document to be stored under an id; `once`: it never changes, so one that is stored already will do."""

    id: str
    body: Mapping[str, Any]
    once: bool = False


def edition(contents: Contents) -> str:
    """The name of one version of one transcript."""
    name = f"{contents.episode.id} {contents.digest}"
    return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()


def episode_document(passages: Passages) -> Document:
    """The document by which an episode is found."""
    contents, episode = passages.contents, passages.contents.episode
    buckets: dict[int, dict[str, array[int]]] = {}
    for word, numbers in passages.postings.items():
        buckets.setdefault(bucket(word), {})[word] = numbers
    body = {
        "said": " ".join(map(key, _in_order(passages))),
        "id": episode.id,
        "show": episode.slugs[0],
        "year": contents.year or None,
        "published": episode.published or None,
        "speakers": any(speaker for _, speaker in contents.turns),
        "edition": edition(contents),
        "digest": contents.digest,
        "contents": _text(zlib.compress(pack_contents(contents))),
        "at": {str(number): _text(pack_bucket(part)) for number, part in buckets.items()},
    }
    return Document(episode.id, body)


def leaf_documents(passages: Passages) -> Iterator[Document]:
    """The documents from which its hits are shown."""
    of = edition(passages.contents)
    for number, begin in enumerate(range(0, len(passages.pages), LEAF_PAGES)):
        pages = passages.pages[begin : begin + LEAF_PAGES]
        packed = struct.pack(f"={len(pages) + 1}I", len(pages), *map(len, pages)) + b"".join(pages)
        yield Document(leaf_id(of, number), {"of": of, "leaf": number, "pages": _text(packed)}, once=True)


def leaf_id(edition: str, number: int) -> str:
    """The id of the leaf with that number."""
    return f"{edition} {number}"


def word_document(word: str) -> Document:
    """The document of a word, by which beginnings and stems find it."""
    short = key(word)
    body = {"word": short, "stem": key(whoosh.lang.porter.stem(word))}
    if short != word:
        body["whole"] = _text(word.encode())
    return Document(f"word {short}", body, once=True)


def data(value: str) -> bytes:
    """The bytes of a binary field as OpenSearch gives it."""
    return binascii.a2b_base64(value.replace("-", "+").replace("_", "/") + "==")  # OpenSearch omits the padding


def unpack_leaf(packed: bytes) -> list[bytes]:
    """The pages of a leaf, each as `passages.unpack` takes it."""
    (count,) = struct.unpack_from("=I", packed)
    ends = list(itertools.accumulate(struct.unpack_from(f"={count}I", packed, 4), initial=4 + 4 * count))
    return [packed[begin:end] for begin, end in itertools.pairwise(ends)]


class Bucket:
    """Some of an episode's words and their occurrences."""

    __slots__ = ("_counts", "_numbers", "_words")

    def __init__(self, packed: bytes) -> None:
        count, size = struct.unpack_from("=II", packed)
        self._words = packed[8 : 8 + size].decode().split("\n")
        self._counts = struct.unpack_from(f"={count}I", packed, 8 + size)
        self._numbers = np.frombuffer(packed, np.uint32, offset=8 + size + 4 * count).reshape(-1, 2)

    def numbers(self, word: str) -> Numbers:
        """The occurrences of the word; none where it is not in this bucket."""
        try:
            at = self._words.index(word)
        except ValueError:
            return _NONE
        begin = sum(self._counts[:at])
        return self._numbers[begin : begin + self._counts[at]]


def pack_bucket(postings: Mapping[str, "array[int]"]) -> bytes:
    """The bytes that `Bucket` reads."""
    text = "\n".join(postings).encode()
    counts = [len(numbers) // 2 for numbers in postings.values()]
    head = struct.pack("=II", len(postings), len(text))
    body = b"".join(numbers.tobytes() for numbers in postings.values())
    return head + text + struct.pack(f"={len(counts)}I", *counts) + body


def _in_order(passages: Passages) -> Iterable[str]:
    said = [""] * passages.contents.words
    for word, numbers in passages.postings.items():
        for position in numbers[::2]:
            said[position] = word
    return said


def _text(packed: bytes) -> str:
    return base64.b64encode(packed).decode()
