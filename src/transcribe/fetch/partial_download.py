"""A partial download: its bytes so far, and what identifies the file that they belong to."""

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
    """What identifies the file, from the answer with its first byte."""

    url: str  # without what is secret in it
    suffix: str  # of the audio, by its first bytes
    validators: Validators
    if_range: str | None  # the If-Range value for the rest of this file

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
    """`<target>.part`, and beside it `<target>.part.json` with its origin, if it can be resumed."""

    def __init__(self, target: Path) -> None:
        self.path, self._note = (target.with_name(f"{target.name}{end}") for end in (".part", ".part.json"))

    def size(self) -> int:
        """The number of bytes so far."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def origin(self, url: str) -> Origin | None:
        """The origin of the bytes so far, if they are of this URL and can be resumed."""
        try:
            origin = Origin.from_json(json.loads(self._note.read_bytes()))
        except (OSError, ValueError, RecursionError):
            return None
        length = origin.validators.length
        fits = self.size() > 0 and (length is None or self.size() <= length)
        return origin if fits and origin.url == url else None

    def goes_on(self, origin: Origin, headers: Mapping[str, str]) -> bool:
        """Whether an answer of status 206 has the bytes that come next in the same file, and states its end.

        It may be of some of them alone, and need not say of how many there are (RFC 9110, section 14.4).
        """
        start, told = _RANGE.fullmatch(headers.get("content-range", "").strip()), Validators.of(headers)
        if not start or int(start[1]) != self.size() or "content-encoding" in headers:
            return False
        return _same(origin.validators, told) and (told.length or origin.validators.length) is not None

    def is_whole(self, origin: Origin, headers: Mapping[str, str]) -> bool:
        """Whether an answer of status 416 says that all bytes are there."""
        told = Validators.of(headers)
        if "content-range" not in headers:
            told = dataclasses.replace(told, length=origin.validators.length)  # that of the answer is an error page's
        return told.length == self.size() and _same(origin.validators, told)

    def begin(self, origin: Origin) -> None:
        """Begins the file at its first byte. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._note.unlink(missing_ok=True)  # first, so that it never speaks of other bytes than those there
        self.path.open("wb").close()
        if origin.if_range:
            write_whole(self._note, json.dumps(dataclasses.asdict(origin), indent=1).encode() + b"\n")

    def extend(self, chunks: Iterable[bytes]) -> str:
        """Appends the chunks, syncs what came of them, and returns the sha256 of the whole file. Raises OSError."""
        digest, left = hashlib.sha256(), self.size()
        with self.path.open("rb") as file:
            while left and (block := file.read(min(left, BLOCK_BYTES))):
                digest.update(block)
                left -= len(block)
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
        """Deletes the bytes and the note."""
        for path in (self._note, self.path):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _same(old: Validators, new: Validators) -> bool:
    """Whether the file is still the same, as far as validators tell; a server may ignore If-Range."""
    pairs = zip(dataclasses.astuple(old), dataclasses.astuple(new), strict=True)
    return all(before is None or now is None or before == now for before, now in pairs)
