"""The transcript: words in segments, with times on the clock of the stored audio file.

All times are integer milliseconds from the start of that file. `transcripts/<show>/<episode>.json` holds one
transcript, version 1 of the format. It is the border between the batch and the search.
"""

import dataclasses
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from transcribe.errors import TranscriptError
from transcribe.library.episode import Episode, Quality
from transcribe.library.unknown_keys import Unknown, made, others, plain
from transcribe.library.validation import check, check_share, check_span, check_spans, check_texts, check_whole

VERSION = 1
LATEST_MS = 500 * 3_600_000  # 500 hours: no recording is longer, and an index has room for so much, and back again
# Chinese and Japanese characters, their punctuation, and the half-width forms of both: no space stands between two.
_UNSPACED = re.compile(
    r"[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff9f\U00020000-\U0003ffff]"
)

FLAGS = ("repetition", "low_confidence", "no_speech", "too_fast", "interpolated")

Span = tuple[int, int]  # start and end, milliseconds from the start of the stored audio file


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is written, with its punctuation and its times."""

    start_ms: int
    end_ms: int
    text: str
    confidence: float | None = None  # 0 to 1; None where the source says nothing of it
    # Whether no space stands before it. None where nobody says: then there is one, but for Chinese and Japanese.
    joined: bool | None = None
    spoken: bool = True  # False for what is shown and was not said: [Applause], a note of music
    unknown: Unknown = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """Words of one speaker, about a sentence. They lie inside the segment and together make its text."""

    id: int
    start_ms: int
    end_ms: int
    text: str
    words: tuple[Word, ...]
    speaker: str | None = None
    confidence: float | None = None  # the mean of its words'
    flags: tuple[str, ...] = ()  # what a reader should distrust, of FLAGS
    language: str | None = None  # where it is not the transcript's
    unknown: Unknown = ()


@dataclass(frozen=True, slots=True)
class Audio:
    """The stored bytes whose clock the times are on."""

    path: str  # relative to the library's root
    sha256: str
    duration_ms: int
    media_type: str
    unknown: Unknown = ()


@dataclass(frozen=True, slots=True)
class Engine:
    """The recognizer, and how it was set."""

    name: str
    version: str
    model: str
    model_sha256: str | None = None
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    unknown: Unknown = ()


@dataclass(frozen=True, slots=True)
class Damage:
    """The parts of the stored file that could not be decoded."""

    truncated: bool  # it breaks off: less than 98 % of its declared length is there, or it is longer than the cap
    declared_ms: int | None  # how long the file says it is
    missing: tuple[Span, ...] = ()  # what could not be decoded within; later times are not shifted by it
    unknown: Unknown = ()


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter's heading."""

    start_ms: int
    title: str  # one line, not empty
    link: str | None = None  # http or https


@dataclass(frozen=True, slots=True)
class Transcript:
    """All that is said in one episode."""

    episode: Episode
    audio: Audio | None  # None for imported captions whose audio is not known yet
    engine: Engine
    language: str  # a BCP 47 tag such as en; `und` where it is not known
    created: str  # ISO 8601, UTC
    segments: tuple[Segment, ...]
    no_text: tuple[Span, ...] = ()  # spans in which somebody speaks and no words were recognized
    quality: Quality | None = None  # None for imported captions
    damage: Damage | None = None  # None where all of the file could be decoded
    episode_unknown: Unknown = ()  # beside what is known of the episode, as it stands in the transcript's file
    unknown: Unknown = ()
    # Those that the audio file itself holds, as it was decoded. They are kept beside the audio: no part of the format.
    chapters: tuple[Chapter, ...] = dataclasses.field(default=(), compare=False)

    @property
    def duration_ms(self) -> int:
        """The length of the audio; where that is unknown, the end of the last segment."""
        if self.audio:
            return self.audio.duration_ms
        return max((segment.end_ms for segment in self.segments), default=0)

    def words(self) -> Iterator[tuple[Segment, Word]]:
        """Every word in order, with its segment."""
        for segment in self.segments:
            for word in segment.words:
                yield segment, word

    def to_json(self) -> str:
        """The transcript in version 1 of the format, one segment a line, so that two can be compared by a diff."""
        head = {
            "version": VERSION,
            "episode": dataclasses.asdict(self.episode) | dict(self.episode_unknown),
            "audio": plain(self.audio) if self.audio else None,
            "engine": plain(self.engine),
            "language": self.language,
            "created": self.created,
            "quality": plain(self.quality) if self.quality else None,
            "damage": plain(self.damage) if self.damage else None,
            **dict(self.unknown),
        }
        opening = json.dumps(head, ensure_ascii=False, indent=1)[:-2]
        lines = ",\n".join(json.dumps(_segment_to_json(segment), ensure_ascii=False) for segment in self.segments)
        segments = f"\n{lines}\n" if lines else ""
        return f'{opening},\n "no_text": {json.dumps(self.no_text)},\n "segments": [{segments}]}}\n'

    @classmethod
    def from_json(cls, text: str | bytes) -> "Transcript":
        """The inverse of `to_json`. Raises TranscriptError (`bad_transcript`) that says what is wrong."""
        try:
            transcript = _from_json(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, TranscriptError) as problem:
            reason = f"{problem} is missing" if isinstance(problem, KeyError) else problem
            raise TranscriptError("bad_transcript", f"not a transcript: {reason}") from problem
        transcript.check()
        return transcript

    def check(self) -> None:
        """Raises TranscriptError (`bad_transcript`) where an invariant of the format does not hold."""
        limit = self.audio.duration_ms if self.audio else LATEST_MS
        _check_head(self)
        check_spans("no_text", self.no_text, limit)
        if self.quality:
            _check_quality(self.quality)
        if self.damage:
            _check_damage(self.damage, limit)
        before = 0
        for segment in self.segments:
            _check_segment(segment, before, limit)
            before = segment.start_ms


_NOT_KEYS = {"unknown", "episode_unknown", "chapters"}
_KEYS = {"version", *(field.name for field in dataclasses.fields(Transcript))} - _NOT_KEYS
_EPISODE_KEYS = {field.name for field in dataclasses.fields(Episode)}


def segment(
    id: int, words: Iterable[Word], speaker: str | None = None, flags: tuple[str, ...] = (), end_ms: int | None = None
) -> Segment:
    """A segment of these words (at least one); makes its text, span and confidence from them.

    `end_ms` makes it end after its last word.
    """
    words = tuple(words)
    return Segment(
        id=id,
        start_ms=words[0].start_ms,
        end_ms=max(end_ms or 0, *(word.end_ms for word in words)),
        text=joined(words),
        words=words,
        speaker=speaker,
        confidence=mean_confidence(words),
        flags=flags,
    )


def mean_confidence(words: Iterable[Word]) -> float | None:
    """The mean of the words' confidences; None where none has one."""
    sure = [word.confidence for word in words if word.confidence is not None]
    return round(sum(sure) / len(sure), 3) if sure else None


def joined(words: Iterable[Word]) -> str:
    """The text that words make: a space before each, but where it is joined to the one before.

    The one rule, for the text of a segment, hits, captions and pages. Where nothing is said of a word, no space stands
    between Chinese or Japanese characters, and one between all others.
    """
    words = tuple(words)
    return spaced((word.text for word in words), [word.joined for word in words])


def spaced(texts: Iterable[str], joins: Sequence[bool | None] = ()) -> str:
    """The same for written words, each with whether it is joined to the one before; nothing is said where none are."""
    texts = tuple(texts)
    text = " ".join(texts)
    if text.isascii() and not any(joins):
        return text
    said = joins or (None,) * len(texts)
    pairs = zip(texts, texts[1:], said[1:], strict=False)
    return "".join([*texts[:1], *(f"{gap(before, after, join)}{after}" for before, after, join in pairs)])


def gap(before: str, after: str, join: bool | None = None) -> str:
    """What stands between two written words: a space, or nothing. `join` is what is said of the second."""
    if join is None:
        join = bool(_UNSPACED.match(before[-1:]) and _UNSPACED.match(after[:1]))
    return "" if join else " "


def repaired(words: Iterable[Word], duration_ms: int | None, earliest_ms: int = 0) -> tuple[list[Word], int]:
    """Words with times that a transcript may have, none before `earliest_ms`, and the number of words dropped.

    A word that ends before it starts or after the audio is cut. One that lies wholly beyond the audio, or has no text,
    is dropped. A start before the last word's start is moved to it. A confidence is brought between 0 and 1, and
    becomes None where it is no number.
    """
    kept: list[Word] = []
    dropped, before = 0, earliest_ms
    for word in words:
        start = max(before, word.start_ms)
        text = " ".join(word.text.split())
        if not text or (duration_ms is not None and word.start_ms >= duration_ms):
            dropped += 1
            continue
        if duration_ms is not None:
            start = min(start, duration_ms)
        end = max(start, word.end_ms if duration_ms is None else min(word.end_ms, duration_ms))
        confidence = word.confidence
        if confidence is not None:
            confidence = min(1.0, max(0.0, confidence)) if math.isfinite(confidence) else None
        kept.append(dataclasses.replace(word, start_ms=start, end_ms=end, text=text, confidence=confidence))
        before = start
    return kept, dropped


def _bare(text: str) -> str:
    return "".join(text.split())


def _check_head(transcript: Transcript) -> None:
    engine, audio = transcript.engine, transcript.audio
    check_texts("the transcript", transcript.language, transcript.created)
    check_texts("its engine", engine.name, engine.version, engine.model)
    if audio:
        check_texts("its audio", audio.path, audio.sha256, audio.media_type)
        check_whole("its duration_ms", audio.duration_ms, LATEST_MS)


def _check_quality(quality: Quality) -> None:
    check_whole("speech_ms of its quality", quality.speech_ms)
    check_share("covered of its quality", quality.covered)
    check_share("flagged of its quality", quality.flagged)
    if quality.confidence is not None:
        check_share("confidence of its quality", quality.confidence)


def _check_damage(damage: Damage, limit: int) -> None:
    check(type(damage.truncated) is bool, "truncated of its damage", f"{damage.truncated!r} must be true or false")
    check_spans("missing of its damage", damage.missing, limit)
    if damage.declared_ms is not None:
        check_whole("declared_ms of its damage", damage.declared_ms)


def _check_segment(segment: Segment, earliest_ms: int, latest_ms: int) -> None:
    name = f"segment {segment.id}"
    check_texts(name, *(text for text in (segment.speaker, segment.language) if text is not None), *segment.flags)
    check(type(segment.id) is int, f"segment {segment.id!r}", "its id must be a number")
    _check_said(segment, earliest_ms, latest_ms, name)
    inside = segment.start_ms
    for word in segment.words:
        told = f"word {word.text!r} of {name}"
        _check_said(word, inside, segment.end_ms, told)
        check(word.joined is None or type(word.joined) is bool, told, f"joined {word.joined!r} must be true or false")
        check(type(word.spoken) is bool, told, f"spoken {word.spoken!r} must be true or false")
        inside = word.start_ms
    check(_bare(joined(segment.words)) == _bare(segment.text), name, "its words do not make its text")


def _check_said(said: Segment | Word, earliest_ms: int, latest_ms: int, name: str) -> None:
    check_texts(name, said.text)
    check_span(name, said.start_ms, said.end_ms, earliest_ms, latest_ms)
    if said.confidence is not None:
        check_share(f"confidence of {name}", said.confidence)


def _from_json(data: dict[str, Any]) -> Transcript:
    if data["version"] != VERSION:
        raise TranscriptError("bad_transcript", f"version {data['version']!r} is not {VERSION}")
    quality, damage = data.get("quality"), data.get("damage")  # not in the oldest transcripts, nor is `no_text`
    return Transcript(
        episode=Episode.from_json(data["episode"]),
        audio=made(Audio, data["audio"]) if data["audio"] else None,
        engine=made(Engine, data["engine"]),
        language=data["language"],
        created=data["created"],
        segments=tuple(_segment_from_json(segment) for segment in data["segments"]),
        no_text=_spans_from_json(data.get("no_text") or ()),
        quality=made(Quality, quality) if quality else None,
        damage=made(Damage, {**damage, "missing": _spans_from_json(damage["missing"])}) if damage else None,
        episode_unknown=others(data["episode"], _EPISODE_KEYS),
        unknown=others(data, _KEYS),
    )


def _spans_from_json(data: Iterable[Any]) -> tuple[Span, ...]:
    return tuple((start, end) for start, end in data)


def _segment_to_json(segment: Segment) -> dict[str, Any]:
    fields = ("id", "start_ms", "end_ms", "text", "speaker", "confidence")
    told = {name: getattr(segment, name) for name in fields}
    language = {} if segment.language is None else {"language": segment.language}
    words = [_word_to_json(word) for word in segment.words]
    return {**told, "flags": list(segment.flags), **language, **dict(segment.unknown), "words": words}


def _word_to_json(word: Word) -> dict[str, Any]:
    """By name: dataclasses.asdict takes four times as long, and words are many."""
    plain = {"start_ms": word.start_ms, "end_ms": word.end_ms, "text": word.text, "confidence": word.confidence}
    if word.joined is not None:
        plain["joined"] = word.joined
    if not word.spoken:
        plain["spoken"] = False
    return plain | dict(word.unknown) if word.unknown else plain


def _segment_from_json(data: dict[str, Any]) -> Segment:
    words = tuple(made(Word, word) for word in data["words"])
    return made(Segment, {**data, "words": words, "flags": tuple(data["flags"])})


def _reason(problem: Exception) -> str:
    return f"{problem} is missing" if isinstance(problem, KeyError) else str(problem)
