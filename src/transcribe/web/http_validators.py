"""Validators: what a server says to tell one version of a file from the next (RFC 9110, section 8.8)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Self

_TOTAL = re.compile(r"bytes\s+(?:\d+-\d+|\*)/(\d{1,18})", re.IGNORECASE | re.ASCII)
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)
_STRONG_TAG = re.compile(r'"[^"]*"')
_LONGEST = 1000  # characters of a header that is kept
# A file may change twice within one second, so a date identifies it only when it is some time past.
_SETTLED = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Validators:
    """ETag and Last-Modified as the server sent them, and the length in bytes; None where it sent none."""

    etag: str | None = None
    last_modified: str | None = None
    length: int | None = None  # of the whole file, as sent

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Self:
        """From the headers of an answer with status 200, 206 or 416."""
        return cls(_kept(headers.get("etag")), _kept(headers.get("last-modified")), _length(headers))

    def conditions(self) -> dict[str, str]:
        """The headers that ask for the file only if it has changed."""
        given = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in given.items() if value}

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """From plain data as `dataclasses.asdict` gives it. Raises ValueError for anything else."""
        if not isinstance(data, dict) or not data.keys() <= {"etag", "last_modified", "length"}:
            raise ValueError(f"not validators: {data!r}")
        found = cls(**data)
        texts = all(text is None or _kept(text) for text in (found.etag, found.last_modified))
        if not texts or not (found.length is None or type(found.length) is int):
            raise ValueError(f"not validators: {data!r}")
        return found


def for_if_range(headers: Mapping[str, str]) -> str | None:
    """The If-Range value with which this file can be resumed (RFC 9110, section 13.1.5); None if it cannot.

    That is a strong ETag, or, where there is no ETag at all, a date of change well before the answer's own date.
    """
    if "etag" in headers:
        tag = _kept(headers["etag"])
        return tag if tag and _STRONG_TAG.fullmatch(tag) else None
    changed, answered = (_date(headers.get(name)) for name in ("last-modified", "date"))
    settled = changed and answered and answered - changed >= _SETTLED
    return _kept(headers.get("last-modified")) if settled else None


def differ(old: Validators, new: Validators) -> bool | None:
    """Whether two answers are of different files; None where that is unknown.

    Machines that serve one file together may each have a tag of their own for it, so a tag that is another says
    little where date and length are both the same.
    """
    tag = _compared(_weak(old.etag), _weak(new.etag))
    date, length = _compared(old.last_modified, new.last_modified), _compared(old.length, new.length)
    if length:
        return True
    if tag is None:
        return date
    return tag and not (date is False and length is False)


def _compared(old: object, new: object) -> bool | None:
    return None if old is None or new is None else old != new


def _weak(tag: str | None) -> str | None:
    return tag and tag.removeprefix("W/")


def _kept(value: object) -> str | None:
    """A header's value if it can be sent back as it is."""
    fits = isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isascii() and value.isprintable()
    return value if fits and isinstance(value, str) else None


def _length(headers: Mapping[str, str]) -> int | None:
    if "content-range" in headers:
        total = _TOTAL.fullmatch(headers["content-range"].strip())
        return int(total[1]) if total else None
    if "content-encoding" in headers:  # the length is then that of the packed bytes
        return None
    length = headers.get("content-length", "")
    return int(length) if _LENGTH.fullmatch(length) else None


def _date(value: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(value or "")
    except ValueError:
        return None
    return date if date.tzinfo else None
