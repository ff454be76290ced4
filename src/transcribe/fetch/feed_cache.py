"""Remembers each feed and page, so that one with nothing new costs one small request, or none.

What an answer held is remembered only once the caller says that it is safely kept: a crash in between costs a request,
never an episode.
"""

import contextlib
import dataclasses
import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from transcribe import __version__
from transcribe.errors import FetchError
from transcribe.fetch.http_client import Fetched, HttpClient, login_for
from transcribe.fetch.politeness import HOUR_S, Clock
from transcribe.library.store import write_whole
from transcribe.web.http_validators import Validators
from transcribe.web.urls import citable_url, public_url

BodyFilter = Callable[[Mapping[str, str]], bool]  # whether the body of an answer with these headers is to be read

# Failures of a new address after which the old one is tried.
_DEAD_ENDS = (
    *("http_400", "http_401", "http_403", "http_404", "http_410"),
    *("bad_url", "blocked_scheme", "blocked_address", "connection_failed", "tls_error", "too_many_redirects"),
)
_LATEST_S = 1e11  # since 1970: in the year 5138


@dataclass(frozen=True, slots=True)
class NotModified:
    """The URL was asked and has not changed."""

    url: str


@dataclass(frozen=True, slots=True)
class NotDue:
    """The URL was not asked: it was asked recently."""

    url: str
    checked: float  # when that was, in seconds since 1970


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An answer without its body."""

    url: str  # the one that answered, after redirects
    status: int
    headers: Mapping[str, str]
    sha256: str  # of the body
    moved_to: str | None = None  # as `Fetched` has it

    @classmethod
    def of(cls, fetched: Fetched) -> Self:
        """Made of an answer."""
        return cls(fetched.url, fetched.status, fetched.headers, _sha256(fetched.body), fetched.moved_to)


@dataclass(frozen=True, slots=True)
class FeedState:
    """The state of one URL."""

    checked: float  # when it last answered, in seconds since 1970
    validators: Validators = field(default_factory=Validators)
    sha256: str | None = None  # of the body
    moved_to: str | None = None  # where it is asked from now on
    gone: bool = False  # it answered 410 and is not asked again
    holds: int = 1  # episodes, when it was read
    listed: tuple[str, ...] = ()  # addresses of the feeds that it lists, of an OPML file

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """From plain data as `dataclasses.asdict` gives it. Raises ValueError for anything else."""
        try:
            listed = tuple(data.get("listed", ()))
            visit = cls(**{**data, "validators": Validators.from_json(data["validators"]), "listed": listed})
            sane = 0 <= visit.checked < _LATEST_S and isinstance(visit.gone, bool) and isinstance(visit.holds, int)
            sane = sane and all(isinstance(url, str) for url in listed)
        except (TypeError, KeyError, AttributeError) as problem:
            raise ValueError(f"not a visit: {data!r}") from problem
        if not sane or not all(text is None or isinstance(text, str) for text in (visit.sha256, visit.moved_to)):
            raise ValueError(f"not a visit: {data!r}")
        return visit


class FeedCache:
    """The states of a library's URLs, saved at the end of a `with`. Threads may share it, one at a time for each URL.

    A file that cannot be read is as none. One of another release keeps its times and new addresses only, so that a
    reader that has learned more reads everything again.
    """

    def __init__(self, path: Path, poll_every_s: float = HOUR_S, now: Clock = time.time) -> None:
        self._path, self._poll_every_s, self._now = path, poll_every_s, now
        self._known = _loaded(path)
        self._lock = threading.Lock()
        self._saved = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.save()

    def ask(
        self,
        url: str,
        connection: HttpClient,
        wanted: BodyFilter = lambda headers: True,  # noqa: ARG005
        anew: bool = False,
    ) -> Fetched | NotModified | NotDue:
        """The answer of a URL, to be read and then given to `keep`; or that there is nothing new.

        `anew` asks whatever is remembered. Raises FetchError: what `HttpClient.get` raises, and `gone` for a URL that
        has answered 410, at once for one that has done so before.
        """
        known = None if anew else self._known.get(_key(url))
        if known and known.gone:
            raise _gone(url, known)
        if known and 0 <= self._now() - known.checked < self._poll_every_s:
            return NotDue(url, known.checked)
        try:
            answer = self._answer(url, known, connection, wanted)
        except FetchError as problem:
            if problem.code != "http_410":
                raise
            visit = FeedState(self._now(), gone=True)
            self._remember(url, visit)
            raise _gone(url, visit) from problem
        known = self._known.get(_key(url))  # without a new address that turned out wrong
        if not anew and known and (answer.status == 304 or known.sha256 == _sha256(answer.body)):
            self._remember(url, _after(known, answer, self._now()))
            return NotModified(url)
        return answer

    def held_nothing(self, url: str) -> bool:
        """Whether the URL is known to hold no episode."""
        known = self._known.get(_key(url))
        return known is not None and (known.gone or not known.holds)

    def checked(self, url: str) -> float | None:
        """When it last answered, in seconds since 1970."""
        known = self._known.get(_key(url))
        return known.checked if known else None

    @property
    def folder(self) -> Path:
        """Where it is kept, and what else a run remembers."""
        return self._path.parent

    def now(self) -> float:
        """The time, in seconds since 1970."""
        return self._now()

    def listed(self, url: str) -> tuple[str, ...]:
        """The addresses of the feeds that the URL lists, as far as is known."""
        known = self._known.get(_key(url))
        return known.listed if known else ()

    def keep(
        self, url: str, answer: CachedAnswer, new_url: str | None = None, holds: int = 1, listed: Sequence[str] = ()
    ) -> None:
        """Remembers an answer to `ask(url)` once its contents are stored: how many episodes, and which feeds it lists.

        `new_url` is where its publisher says it is from now on (`itunes:new-feed-url`). A list that holds a secret is
        not written down, but read anew each time.
        """
        if not all(map(_can_be_remembered, listed)):
            self.drop(url)
            return
        known = self._known.get(_key(url)) or FeedState(0)
        visit = dataclasses.replace(
            _after(known, answer, self._now()), sha256=answer.sha256, gone=False, holds=holds, listed=tuple(listed)
        )
        if new_url and new_url not in (url, answer.url) and _can_be_remembered(new_url):
            visit = dataclasses.replace(visit, moved_to=new_url, validators=Validators())
        self._remember(url, visit)

    def drop(self, url: str) -> None:
        """Forgets a URL whose answer cannot be read; the next time its first address is asked."""
        with self._lock:
            self._known.pop(_key(url), None)
            self._saved = False

    def save(self) -> None:
        """Writes the states, whole or not at all. Raises OSError."""
        with self._lock:
            if self._saved:
                return
            known = {key: dataclasses.asdict(visit) for key, visit in sorted(self._known.items())}
            data = {"version": 1, "release": __version__, "visits": known}
            write_whole(self._path, json.dumps(data, indent=1).encode() + b"\n")
            self._saved = True

    def _answer(self, url: str, known: FeedState | None, connection: HttpClient, wanted: BodyFilter) -> Fetched:
        """Asks the new address first; where that is dead, the old one. Raises the new one's error where both fail."""
        conditions = known.validators.conditions() if known else {}
        place = login_for(known.moved_to, url) if known and known.moved_to else url
        try:
            answer = connection.get(place, headers=conditions, wanted=wanted)
        except FetchError as problem:
            if place == url or problem.code not in _DEAD_ENDS:
                raise
            try:
                answer = connection.get(url, wanted=wanted)
            except FetchError:
                raise problem from None
            self.drop(url)  # the new address with it
            return answer
        if answer.status == 304 and not conditions:
            raise FetchError("http_304", f"{public_url(url)}: the server answers 304 to a question without conditions")
        return answer

    def _remember(self, url: str, visit: FeedState) -> None:
        with self._lock:
            self._known[_key(url)] = visit
            self._saved = False


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _after(known: FeedState, answer: CachedAnswer | Fetched, now: float) -> FeedState:
    """The visit with what the headers and redirects of an answer add to it."""
    moved = answer.moved_to if answer.moved_to and _can_be_remembered(answer.moved_to) else known.moved_to
    validators = Validators.of(answer.headers) if answer.status == 200 else known.validators
    return dataclasses.replace(known, checked=now, validators=validators, moved_to=moved)


def _can_be_remembered(url: str) -> bool:
    """Whether an address holds no secret; one that does is found again by its redirect."""
    return url.startswith(("http://", "https://")) and citable_url(url) == url


def _key(url: str) -> str:
    """A URL as it may be stored; one with a secret is stored with a hash of it."""
    shown = citable_url(url)
    return url if shown == url else f"{shown} {hashlib.sha256(url.encode(errors='replace')).hexdigest()[:16]}"


def _gone(url: str, visit: FeedState) -> FetchError:
    day = datetime.fromtimestamp(visit.checked).astimezone().date()
    return FetchError("gone", f"{public_url(url)}: its publisher has retired it (410 on {day}); it is not asked again")


def _loaded(path: Path) -> dict[str, FeedState]:
    try:
        data = json.loads(path.read_bytes())
        given, same_release = data["visits"].items(), data["release"] == __version__
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return {}
    feed_cache = {}
    for key, value in given:
        with contextlib.suppress(ValueError):
            feed_cache[key] = FeedState.from_json(value)
    if same_release:
        return feed_cache
    return {
        key: dataclasses.replace(visit, checked=0, validators=Validators(), sha256=None)
        for key, visit in feed_cache.items()
    }
