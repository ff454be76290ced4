"""The bytes of a download that have come so far, and what is known of the file that they are the beginning of."""

import contextlib
import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from transcribe.library.store import publish, write_whole
from transcribe.web.http_validators import Validators, for_if_range
from transcribe.web.media_types import AUDIO_SUFFIXES

BLOCK_BYTES = 1024 * 1024

_RANGE = re.compile(r"bytes\s+(\d{1,18})-\d{1,18}/(?:\d{1,18}|\*)", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Origin:
    """Which file it is, as its server told when the first byte came."""

    url: str  # without what is secret in it
    suffix: str  # of the audio, by its first bytes
    validators: Validators
    if_range: str | None  # what asks for the rest of this very file

    @classmethod
    def of(cls, url: str, suffix: str, headers: Mapping[str, str]) -> Self:
        """From the headers of an answer that holds the file from its first byte."""
        packed = "content-encoding" in headers  # its bytes are then not those that a Range counts
        return cls(url, suffix, Validators.of(headers), None if packed else for_if_range(headers))

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """From plain data as `dataclasses.asdict` gives it. Raises ValueError for anything else."""
        try:
            origin = cls(**{**data, "validators": Validators.from_json(data["validators"])})
        except (TypeError, KeyError) as problem:
            raise ValueError(f"not an origin: {data!r}") from problem
        texts = (origin.url, origin.suffix, origin.if_range)
        if not all(isinstance(text, str) for text in texts) or origin.suffix not in AUDIO_SUFFIXES:
            raise ValueError(f"not an origin: {data!r}")
        return origin


class Partial:
    """`<target>.part`, and beside it `<target>.part.json` with its origin, where one was told that allows to go on."""

    def __init__(self, target: Path) -> None:
        self.path, self._note = (target.with_name(f"{target.name}{end}") for end in (".part", ".part.json"))

    def size(self) -> int:
        """How many bytes there are."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def origin(self, url: str) -> Origin | None:
        """Of the bytes there are, if they are of this URL and can be gone on with."""
        try:
            origin = Origin.from_json(json.loads(self._note.read_bytes()))
        except (OSError, ValueError, RecursionError):
            return None
        length = origin.validators.length
        fits = self.size() > 0 and (length is None or self.size() <= length)
        return origin if fits and origin.url == url else None

    def goes_on(self, origin: Origin, headers: Mapping[str, str]) -> bool:
        """Whether an answer of status 206 is of the bytes that come next, in the same file, and its end is known.

        It may be of some of them alone, and need not say of how many there are (RFC 9110, section 14.4).
        """
        start, told = _RANGE.fullmatch(headers.get("content-range", "").strip()), Validators.of(headers)
        if not start or int(start[1]) != self.size() or "content-encoding" in headers:
            return False
        return _same(origin.validators, told) and (told.length or origin.validators.length) is not None

    def is_whole(self, origin: Origin, headers: Mapping[str, str]) -> bool:
        """Whether an answer of status 416 says that there is nothing left to come."""
        told = Validators.of(headers)
        if "content-range" not in headers:
            told = dataclasses.replace(told, length=origin.validators.length)  # that of the answer is an error page's
        return told.length == self.size() and _same(origin.validators, told)

    def begin(self, origin: Origin) -> None:
        """Makes room for the file from its first byte. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._note.unlink(missing_ok=True)  # first, so that it never speaks of other bytes than those there
        self.path.open("wb").close()
        if origin.if_range:
            write_whole(self._note, json.dumps(dataclasses.asdict(origin), indent=1).encode() + b"\n")

    def extend(self, chunks: Iterable[bytes]) -> str:
        """Adds to it, down to the disk, whatever becomes of the chunks; the sha256 of all of it. Raises OSError."""
        digest = self._digest()
        with self.path.open("ab") as file:
            for chunk in chunks:
                file.write(chunk)
                digest.update(chunk)
            file.flush()
            os.fsync(file.fileno())
        return digest.hexdigest()

    def publish(self, path: Path) -> None:
        """Gives the finished file its name. Raises OSError."""
        publish(self.path, path)
        self._note.unlink(missing_ok=True)

    def discard(self) -> None:
        """Leaves nothing of it."""
        for path in (self._note, self.path):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def _digest(self) -> "hashlib._Hash":
        digest, left = hashlib.sha256(), self.size()
        with self.path.open("rb") as file:
            while left and (block := file.read(min(left, BLOCK_BYTES))):
                digest.update(block)
                left -= len(block)
        return digest


def _same(old: Validators, new: Validators) -> bool:
    """Whether the file is still the one that the bytes come from, as far as is told: If-Range may be passed over."""
    pairs = zip(dataclasses.astuple(old), dataclasses.astuple(new), strict=True)
    return all(before is None or now is None or before == now for before, now in pairs)
