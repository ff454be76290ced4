"""The record of an episode, and the rule that gives an episode its id."""

import dataclasses
import hashlib
import re
import unicodedata
from collections.abc import Callable, Collection, Container
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from anyascii import anyascii

from transcribe.errors import TranscriptError
from transcribe.library.unknown_keys import Unknown, made, plain
from transcribe.web.http_validators import Validators

# The last three have a transcript: of all the audio, of the part before it breaks off, or of all but its damage.
State = Literal["known", "fetched", "failed", "transcribed", "truncated", "damaged"]
DAMAGES: tuple[State, ...] = ("truncated", "damaged")  # also codes of `Record.error`

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,99}/[a-z0-9][a-z0-9-]{0,99}", re.ASCII)
_SLUG_LIKE = re.compile(r"[a-z0-9-]+", re.ASCII)
_SLUG_LENGTH = 80
_SIGNS = re.compile(r"(?<=[A-Za-z])(?:\+{1,2}|#)(?![\w+#])")  # of names such as C++ and C#


@dataclass(frozen=True, slots=True)
class AudioFile:
    """The stored bytes of an episode."""

    path: str  # relative to the library's root, with forward slashes
    sha256: str
    bytes: int
    media_type: str
    validators: Validators | None = None  # from the server that sent these bytes; None where they were not fetched


@dataclass(frozen=True, slots=True)
class PublishedText:
    """A transcript that a publisher offers beside the audio (Podcasting 2.0, `podcast:transcript`)."""

    url: str  # absolute
    media_type: str  # as the feed gives it, lower case; may be empty
    language: str | None = None  # a BCP 47 tag


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an episode could not be done."""

    code: str  # short and stable, such as "not_audio"
    message: str  # for a person


@dataclass(frozen=True, slots=True)
class Quality:
    """How far an episode's transcript can be trusted."""

    speech_ms: int  # how long somebody speaks
    covered: float  # the share of the speech that has text, 0 to 1
    flagged: float  # the share of words in segments with a flag
    confidence: float | None  # the mean over all words
    unknown: Unknown = ()


@dataclass(frozen=True, slots=True)
class Episode:
    """One recording: what its publisher says of it, and its id, which never changes."""

    id: str  # "<show>/<episode>"
    show: str  # the show's title; its slug is in the id
    title: str
    published: str | None = None  # ISO 8601: a date, or a date and time
    guid: str | None = None  # as the feed gives it
    link: str | None = None  # the episode's web page
    enclosure: str | None = None  # where the audio was fetched from
    description: str = ""

    @property
    def slugs(self) -> tuple[str, str]:
        """The two parts of the id: show and episode."""
        show, episode = self.id.split("/")
        return show, episode

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Made of plain data as `dataclasses.asdict` gives it; ignores unknown keys.

        Raises TranscriptError (`bad_record`) for anything else.
        """
        try:
            episode = cls(**{f.name: data[f.name] for f in dataclasses.fields(cls) if f.name in data})
        except TypeError as problem:
            raise TranscriptError("bad_record", f"not an episode: {problem}") from problem
        for field in dataclasses.fields(cls):
            value = getattr(episode, field.name)
            if not isinstance(value, str) and not (value is None and field.default is None):
                raise TranscriptError("bad_record", f"episode.{field.name} is not text: {value!r}")
        if not is_id(episode.id):
            raise TranscriptError("bad_record", f"not an episode's id: {episode.id!r}")
        return episode


@dataclass(frozen=True, slots=True)
class Record:
    """An episode in a library: its source, its stored bytes, its state."""

    episode: Episode
    identity: str | None = None  # tells it from all other episodes; None for imported captions
    source: str | None = None  # the feed, page or folder it was found in
    audio: AudioFile | None = None
    state: State = "known"
    error: Failure | None = None  # the last failure, or what is wrong with the audio; None once it is overcome
    quality: Quality | None = None  # of the transcript, if it was made here
    transcripts: tuple[PublishedText, ...] = ()  # offered by its publisher
    chapters: str | None = None  # the URL of its chapters
    persons: tuple[str, ...] = ()  # who speaks in it, as its publisher says
    also: tuple[str, ...] = ()  # other identities with the same audio
    changed_upstream: bool = False  # its publisher now has other audio than is stored here
    language: str | None = None  # spoken, as its publisher says: a BCP 47 tag such as en-GB
    length: int | None = None  # of its audio in bytes, as its publisher says
    duration_ms: int | None = None  # of its audio, as its publisher says
    through: tuple[str, ...] = ()  # other sources that led to it: its page, a list with its feed
    doubtful: bool = False  # by its type and name it may have no sound; that it has none is then no failure
    alternates: tuple[str, ...] = ()  # other URLs of its audio, for when the enclosure cannot be had; best first

    def failed(self, code: str, message: str) -> "Record":
        """The record after a failure."""
        return dataclasses.replace(self, state="failed", error=Failure(code, message))

    def to_json(self) -> dict[str, Any]:
        """The record as plain data, for `audio/<show>/<episode>.json`."""
        rest = {name: value for name, value in dataclasses.asdict(self).items() if name != "episode"}
        quality = {"quality": plain(self.quality) if self.quality else None}
        return {"version": 1, **dataclasses.asdict(self.episode), **rest, **quality}

    @classmethod
    def from_json(cls, data: Any) -> "Record":
        """The inverse of `to_json`. Raises TranscriptError (`bad_record`) for anything else."""
        episode = Episode.from_json(data)
        try:
            record = cls(
                episode,
                data.get("identity"),
                data.get("source"),
                _audio(data.get("audio")),
                data.get("state", "known"),
                Failure(**data["error"]) if data.get("error") else None,
                made(Quality, data["quality"]) if data.get("quality") else None,
                tuple(PublishedText(**text) for text in data.get("transcripts", ())),
                data.get("chapters"),
                tuple(data.get("persons", ())),
                tuple(data.get("also", ())),
                data.get("changed_upstream", False),
                data.get("language"),
                data.get("length"),
                data.get("duration_ms"),
                tuple(data.get("through", ())),
                data.get("doubtful", False) is True,
                tuple(data.get("alternates", ())),
            )
        except (TypeError, AttributeError, ValueError) as problem:
            raise TranscriptError("bad_record", f"not an episode's record: {problem}") from problem
        record._check()
        return record

    def _check(self) -> None:
        texts = ["" if text is None else text for text in (self.identity, self.source, self.chapters, self.language)]
        texts += [*self.persons, *self.also, *self.through, *self.alternates]
        texts += [part for text in self.transcripts for part in (text.url, text.media_type, text.language or "")]
        texts += [self.audio.path, self.audio.sha256, self.audio.media_type] if self.audio else []
        texts += [self.error.code, self.error.message] if self.error else []
        if not all(isinstance(text, str) for text in texts) or self.state not in get_args(State):
            raise TranscriptError("bad_record", f"not an episode's record: {self.episode.id} holds what is not text")
        if not isinstance(self.duration_ms, int | None):
            raise TranscriptError(
                "bad_record", f"not an episode's record: {self.episode.id} lasts {self.duration_ms!r}"
            )
        if not isinstance(self.length, int | None):
            raise TranscriptError("bad_record", f"not an episode's record: {self.episode.id} is {self.length!r} long")


def _audio(data: Any) -> AudioFile | None:
    if not data:
        return None
    validators = data.get("validators")
    return AudioFile(**{**data, "validators": Validators.from_json(validators) if validators else None})


def is_id(text: str) -> bool:
    """Whether text is `<show>/<episode>`, both slugs, so that it cannot name a file elsewhere."""
    return _ID.fullmatch(text) is not None


def slug(text: str, fallback: str = "untitled") -> str:
    """Lower-case ASCII letters, digits and hyphens, at most 80; `fallback` where nothing of the text remains.

    Letters of other scripts are written in Latin letters; `C++` and `C#` are told apart.
    """
    told = _SIGNS.sub(lambda sign: " sharp" if sign[0] == "#" else " plus" * len(sign[0]), text)
    return _hyphenated(anyascii(told)) or fallback


def former_slug(text: str, fallback: str = "untitled") -> str:
    """The slug of ids that were given before `slug` wrote other scripts in Latin letters: it leaves those out."""
    return _hyphenated(unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()) or fallback


def _hyphenated(text: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", re.sub("['`]", "", text.lower())).strip("-")
    return plain[:_SLUG_LENGTH].strip("-")


def show_slug(title: str, slug: Callable[[str, str], str] = slug) -> str:
    """The slug of a show; where no letter of its title remains, a few digits of the title's hash, always the same."""
    return slug(title, f"show-{hashlib.sha256(title.encode(errors='replace')).hexdigest()[:8]}")


def is_show(text: str, show: str, title: str) -> bool:
    """Whether a text names the show with this slug and title: by its slug, or by its title however it is written.

    What is written as slugs are is no title written in another way: `my--show` is not `my-show`.
    """
    alike = () if _SLUG_LIKE.fullmatch(text) else (show_slug(text), show_slug(text, former_slug))
    return text in (show, title) or show in alike


def episode_id(
    show: str, title: str, published: str | None, identity: str, taken: Collection[str], known: Container[str] = ()
) -> str:
    """A new episode's id: `<show>/<date>-<title>`, told apart from those taken by a few digits of its identity's hash.

    `identity` is what makes it this episode and no other (guid, URL or content hash), so the id is the same on any
    machine that meets it under the same circumstances. An id among `known` that was made of `former_slug` stays.
    """
    digits = hashlib.sha256(identity.encode(errors="replace")).hexdigest()
    date = (published or "")[:10]

    def readable(slug: Callable[[str, str], str]) -> str:
        name = slug(title, f"episode-{digits[:8]}")
        if re.fullmatch(r"\d{4}-\d\d-\d\d", date) and not name.startswith(date):
            name = f"{date}-{name}"
        return f"{show_slug(show, slug)}/{name}"

    former = readable(former_slug)
    wanted = former if former in known else readable(slug)
    if wanted not in taken:
        return wanted
    return next(longer for n in range(6, 64) if (longer := f"{wanted}-{digits[:n]}") not in taken)
