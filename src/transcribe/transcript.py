"""What was said and when: words in segments, on the clock of the stored audio file.

All times are integer milliseconds from the start of that file. `transcripts/<show>/<episode>.json` holds one
transcript, version 1 of the format; it is the border between the batch and the search.
"""

import dataclasses
import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from transcribe.episode import Episode
from transcribe.errors import TranscriptError

VERSION = 1
LATEST_MS = 1_000 * 3_600_000  # a thousand hours: no recording is longer, and an index has room for so much
_NO_SPACE = re.compile(r"(?<=[\u3000-\u30ff\u3400-\u9fff]) (?=[\u3000-\u30ff\u3400-\u9fff])")

FLAGS = ("repetition", "low_confidence", "no_speech", "interpolated")


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is written, with its punctuation, and when it was said."""

    start_ms: int
    end_ms: int
    text: str
    confidence: float | None = None  # 0 to 1; None where the source says nothing of it


@dataclass(frozen=True, slots=True)
class Segment:
    """A readable stretch of words, one speaker's. Its words lie inside it and together make its text."""

    id: int
    start_ms: int
    end_ms: int
    text: str
    words: tuple[Word, ...]
    speaker: str | None = None
    confidence: float | None = None  # the mean of its words'
    flags: tuple[str, ...] = ()  # what a reader should distrust, of FLAGS


@dataclass(frozen=True, slots=True)
class Audio:
    """The very bytes whose clock the times are on."""

    path: str  # relative to the library's root
    sha256: str
    duration_ms: int
    media_type: str


@dataclass(frozen=True, slots=True)
class Engine:
    """Who listened, and how."""

    name: str
    version: str
    model: str
    model_sha256: str | None = None
    options: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Transcript:
    """All that was said in one episode."""

    episode: Episode
    audio: Audio | None  # None for imported captions whose audio is not known yet
    engine: Engine
    language: str  # ISO 639-1
    created: str  # ISO 8601, UTC
    segments: tuple[Segment, ...]

    @property
    def duration_ms(self) -> int:
        """Of the audio; where that is unknown, the end of the last segment."""
        if self.audio:
            return self.audio.duration_ms
        return max((segment.end_ms for segment in self.segments), default=0)

    def words(self) -> Iterator[tuple[Segment, Word]]:
        """Every word in the order of speech, with its segment."""
        for segment in self.segments:
            for word in segment.words:
                yield segment, word

    def to_json(self) -> str:
        """Version 1 of the format; one segment a line, so that a diff of two transcripts can be read."""
        head = {
            "version": VERSION,
            "episode": dataclasses.asdict(self.episode),
            "audio": dataclasses.asdict(self.audio) if self.audio else None,
            "engine": dataclasses.asdict(self.engine),
            "language": self.language,
            "created": self.created,
        }
        lines = ",\n".join(json.dumps(_segment_to_json(segment), ensure_ascii=False) for segment in self.segments)
        opening = json.dumps(head, ensure_ascii=False, indent=1)[:-2]
        return f'{opening},\n "segments": [\n{lines}\n]}}\n' if lines else f'{opening},\n "segments": []}}\n'

    @classmethod
    def from_json(cls, text: str | bytes) -> "Transcript":
        """The inverse of `to_json`. Raises TranscriptError (`bad_transcript`) naming what is wrong."""
        try:
            data = json.loads(text)
            if data["version"] != VERSION:
                raise TranscriptError("bad_transcript", f"version {data['version']!r} is not {VERSION}")
            transcript = cls(
                episode=Episode.from_json(data["episode"]),
                audio=Audio(**data["audio"]) if data["audio"] else None,
                engine=Engine(**data["engine"]),
                language=data["language"],
                created=data["created"],
                segments=tuple(_segment_from_json(segment) for segment in data["segments"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, TranscriptError) as problem:
            raise TranscriptError("bad_transcript", f"not a transcript: {_reason(problem)}") from problem
        transcript.check()
        return transcript

    def check(self) -> None:
        """Raises TranscriptError (`bad_transcript`) where an invariant of the format does not hold."""
        _check_head(self)
        before = 0
        limit = self.audio.duration_ms if self.audio else LATEST_MS
        for segment in self.segments:
            _check_texts(f"segment {segment.id}", "" if segment.speaker is None else segment.speaker, *segment.flags)
            if type(segment.id) is not int:
                raise TranscriptError("bad_transcript", f"segment {segment.id!r}: its id must be a number")
            _check_span(segment, before, limit, f"segment {segment.id}")
            inside = segment.start_ms
            for word in segment.words:
                _check_span(word, inside, segment.end_ms, f"word {word.text!r} of segment {segment.id}")
                inside = word.start_ms
            if _bare(joined(segment.words)) != _bare(segment.text):
                raise TranscriptError("bad_transcript", f"the words of segment {segment.id} do not make its text")
            before = segment.start_ms


def segment(
    id: int, words: Iterable[Word], speaker: str | None = None, flags: tuple[str, ...] = (), end_ms: int | None = None
) -> Segment:
    """A segment made of its words (at least one): text, span and confidence follow from them.

    `end_ms` lets it last longer than its last word.
    """
    words = tuple(words)
    sure = [word.confidence for word in words if word.confidence is not None]
    return Segment(
        id=id,
        start_ms=words[0].start_ms,
        end_ms=max(end_ms or 0, *(word.end_ms for word in words)),
        text=joined(words),
        words=words,
        speaker=speaker,
        confidence=round(sum(sure) / len(sure), 3) if sure else None,
        flags=flags,
    )


def joined(words: Iterable[Word]) -> str:
    """Words as they are read: with spaces between, but none between Chinese or Japanese characters."""
    return spaced(word.text for word in words)


def spaced(texts: Iterable[str]) -> str:
    """Written words as they are read, likewise."""
    text = " ".join(texts)
    return text if text.isascii() else _NO_SPACE.sub("", text)


def repaired(words: Iterable[Word], duration_ms: int | None) -> tuple[list[Word], int]:
    """Words whose times hold what a transcript promises, and how many had to be dropped.

    A word that ends before it starts or runs past the audio is cut; one that lies wholly beyond the audio, or has no
    text, is dropped; starts are never let go back. A confidence that is no number is none.
    """
    kept: list[Word] = []
    dropped, before = 0, 0
    for word in words:
        start = max(before, word.start_ms)
        text = " ".join(word.text.split())
        if not text or (duration_ms is not None and word.start_ms >= duration_ms):
            dropped += 1
            continue
        if duration_ms is not None:
            start = min(start, duration_ms)
        end = max(start, word.end_ms if duration_ms is None else min(word.end_ms, duration_ms))
        sure = word.confidence if word.confidence is not None and math.isfinite(word.confidence) else None
        kept.append(Word(start, end, text, sure))
        before = start
    return kept, dropped


def _bare(text: str) -> str:
    return "".join(text.split())


def _check_head(transcript: Transcript) -> None:
    engine, audio = transcript.engine, transcript.audio
    _check_texts("the transcript", transcript.language, transcript.created)
    _check_texts("its engine", engine.name, engine.version, engine.model)
    if audio:
        _check_texts("its audio", audio.path, audio.sha256, audio.media_type)
        if not (type(audio.duration_ms) is int and 0 <= audio.duration_ms <= LATEST_MS):
            raise TranscriptError("bad_transcript", f"a duration_ms of {audio.duration_ms!r}")


def _check_texts(name: str, *texts: object) -> None:
    for text in texts:
        if not isinstance(text, str):
            raise TranscriptError("bad_transcript", f"{name}: {text!r} must be text")


def _check_span(span: Segment | Word, earliest: int, latest: int, name: str) -> None:
    if not (type(span.start_ms) is int and type(span.end_ms) is int and isinstance(span.text, str)):
        raise TranscriptError("bad_transcript", f"{name}: times must be whole milliseconds, text must be text")
    if not earliest <= span.start_ms <= span.end_ms <= latest:
        raise TranscriptError("bad_transcript", f"{name}: {span.start_ms} to {span.end_ms} ms is out of order")
    if not (span.confidence is None or (type(span.confidence) in (int, float) and math.isfinite(span.confidence))):
        raise TranscriptError("bad_transcript", f"{name}: a confidence of {span.confidence!r}")


def _segment_to_json(segment: Segment) -> dict[str, Any]:
    words = [dataclasses.asdict(word) for word in segment.words]
    fields = ("id", "start_ms", "end_ms", "text", "speaker", "confidence")
    return {**{name: getattr(segment, name) for name in fields}, "flags": list(segment.flags), "words": words}


def _segment_from_json(data: dict[str, Any]) -> Segment:
    words = tuple(Word(**word) for word in data["words"])
    return Segment(**{**data, "words": words, "flags": tuple(data["flags"])})


def _reason(problem: Exception) -> str:
    return f"{problem} is missing" if isinstance(problem, KeyError) else str(problem)
