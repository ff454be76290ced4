"""Addresses on the web: what is one, which are of one thing, what may be shown of it. No network."""

import contextlib
import hashlib
import re
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from transcribe.web.media_types import audio_suffix

# Parameters that sign a URL, name its reader, or count: those of web servers and stores, of trackers and advertisers.
_PASSING = {
    *("token", "access_token", "auth_token", "authtoken", "tok", "jwt", "auth", "authorization", "apikey", "api_key"),
    *("sig", "signature", "sign", "hmac", "md5", "mac", "policy", "key-pair-id", "awsaccesskeyid", "googleaccessid"),
    *("expires", "expiry", "expire", "exp", "nonce", "timestamp", "ts", "user", "username", "password", "pass", "pw"),
    *("session", "sessionid", "session_id", "sid", "phpsessid", "jsessionid", "listeningsessionid", "listenerid"),
    *("rand", "random", "cb", "cachebuster", "nocache", "_", "updated", "ref", "referrer", "referer", "gclid"),
    *("fbclid", "msclkid", "mkt_tok", "played_from", "dest-id"),
}
_PASSING_STARTS = ("utm_", "x-amz-", "x-goog-", "aw_0_", "hdne", "hdnt", "pk_", "mtm_", "mc_")
_USER = re.compile(r"//[^/?#]*@")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(?:[a-z0-9-]{1,63}\.){1,9}[a-z]{2,24}", re.ASCII)
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

_COUNTED = re.compile(r"/podpress_trac/(?:web|play|feed)/")  # where the plugin PodPress counts who asks from where


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


def host_of(url: str) -> str:
    """The host that a URL is asked of, lower case, with its port if that is not the usual one; empty where none is."""
    try:
        parts = urlsplit(url)
        name, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return ""
    name = f"[{name}]" if ":" in name else name
    return name if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{name}:{port}"


def without_tracking(url: str) -> str:
    """A URL without a user's name, its fragment and such parameters as a token of the day; the others are sorted.

    A parameter of any other name stays: it may be what tells one recording from the next (`download.php?id=2`).
    """
    address, _, query = _USER.sub("//", url).partition("#")[0].partition("?")
    lasting = sorted(part for part in query.split("&") if part and not _is_passing(part.partition("=")[0]))
    return f"{address}?{'&'.join(lasting)}" if lasting else address


def same_page(url: str) -> str:
    """What two addresses of one page have in common: no scheme, `www.`, last slash, fragment or tracking."""
    address, _, query = _bare(url).partition("?")
    return f"{address.rstrip('/')}?{query}" if query else address.rstrip("/")


def same_audio(url: str, lasting_query: bool = False) -> str:
    """What two addresses of one audio file have in common: no scheme, `www.` or tracking, no query after its name.

    A host within the path is where the audio lies behind a service that counts downloads, and the rest follows it.
    With `lasting_query`, what of a query is not known to pass counts even after a file's name: `play.mp3?id=1` may be
    another recording than `?id=2`, or the same with another token.
    """
    address, _, query = _bare(url).partition("?")
    parts = address.split("/")
    hosts = (n for n in range(len(parts) - 2, 0, -1) if _HOST.fullmatch(parts[n]) and not audio_suffix(parts[n]))
    where = _COUNTED.sub("/podpress_trac/", "/".join(parts[next(hosts, 0) :]).removeprefix("www."))
    return where if not query or (audio_suffix(url) and not lasting_query) else f"{where}?{query}"


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


def source_key(address: str) -> str:
    """What a source is known by in what is written down: its address, with a hash in the place of what is secret.

    A name and password alone are left out: without them it is the same source. A path is its own key.
    """
    if not address.startswith(("http://", "https://")):
        return address
    plain, shown = _USER.sub("//", address), citable_url(address)
    return plain if shown == plain else f"{shown} {hashlib.sha256(address.encode(errors='replace')).hexdigest()[:16]}"


def citable(text: str) -> str:
    """Text whose addresses may be passed on."""
    return _ADDRESS.sub(lambda found: citable_url(found[0]), text)


def _hidden(part: re.Match[str]) -> str:
    return "…" + PurePosixPath(part[0]).suffix if _RANDOM.search(part[0]) else part[0]


def _shown(parameter: re.Match[str]) -> str:
    before, name, value = parameter.groups()
    secret = _SECRET_NAME.fullmatch(name) or _RANDOM.search(value)
    return f"{before}{name}={'…' if secret and value else value}"


def _is_passing(name: str) -> bool:
    name = name.lower()
    return name in _PASSING or name.startswith(_PASSING_STARTS)


def _bare(url: str) -> str:
    """An address without its scheme, `www.`, a usual port and what passes."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(without_tracking(url))
        port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
        host = (parts.hostname or "").removeprefix("www.")
        return urlunsplit(("", "", f"{host}{port}{parts.path}", parts.query, ""))
    return url
