"""Addresses on the web: what is one, which one is meant, what may be shown of it, what lies there. No network."""

import contextlib
import re
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urljoin, urlsplit

_PARAMETER = re.compile(r"([?&;#])([^?&;#=\s]+)=([^&;#\s]*)")
_SECRET_NAME = re.compile(
    r"""(?:.*[-_.])? (?: access[-_]?token | access[-_]?key | api[-_]?key | auth | auth[-_]?key | auth[-_]?token
      | authorization | code | credentials? | expires | expiry | expiration | hash | hmac | jwt | key | pass | passwd
      | password | policy | pwd | secret | session | session[-_]?id | sid | sig | sign | signature | ticket | token
      | uid | user | uuid | verify ) (?:[-_.].*)?""",
    re.IGNORECASE | re.VERBOSE,
)
_RANDOM = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?<![a-z0-9])(?=[a-z]*[0-9])(?=[0-9]*[a-z])[a-z0-9]{20}",
    re.IGNORECASE | re.ASCII,
)

_PATH_PART = re.compile(r"(?<=[^/:]/)[^/]+")
_PRIVATE = re.compile(r"(?<=/private/)[^?#\s]+")
_ADDRESS = re.compile(r"\bhttps?://[^\s<>\"']+", re.IGNORECASE)


def is_web(url: str) -> bool:
    """Whether it is an http or https address that names a host."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    return False


def web_address(base: str, address: Any) -> str | None:
    """The http(s) address that a document at `base` means; None for any other, and for what is none."""
    with contextlib.suppress(ValueError):
        if isinstance(address, str) and address.strip():
            meant = urljoin(base, address.strip())
            return meant if is_web(meant) else None
    return None


def media_type(content_type: str) -> str:
    """What a Content-Type or a `type` names, without its parameters, lower case; empty where it names nothing."""
    return content_type.partition(";")[0].strip().lower()


def public_url(url: str) -> str:
    """A URL as it may be shown and logged: as `citable_url`, and no parts of its path that nobody has thought up."""
    shown = citable_url(url)
    address = re.split("[?#]", shown, maxsplit=1)[0]
    return _PATH_PART.sub(_hidden, address) + shown[len(address) :]


def citable_url(url: str) -> str:
    """A URL as it may be passed on: without a user's name and password, secret parameters as `…`, and what is private.

    Secret is what is called a token, key, signature and the like, what says until when that is good, and whatever looks
    as if nobody had thought it up: a UUID, or 20 letters and digits in a row. In a path many recordings are named so.
    """
    return _PRIVATE.sub("…", _PARAMETER.sub(_shown, re.sub(r"//[^/?#]*@", "//", url)))


def citable(text: str) -> str:
    """Text whose addresses may be passed on."""
    return _ADDRESS.sub(lambda found: citable_url(found[0]), text)


def _hidden(part: re.Match[str]) -> str:
    return "…" + PurePosixPath(part[0]).suffix if _RANDOM.search(part[0]) else part[0]


def _shown(parameter: re.Match[str]) -> str:
    before, name, value = parameter.groups()
    secret = _SECRET_NAME.fullmatch(name) or _RANDOM.search(value)
    return f"{before}{name}={'…' if secret and value else value}"
