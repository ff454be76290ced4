"""Transcripts in JSON as programs write them: Podcasting 2.0, Whisper and its kin, YouTube.

They are alike: a list of objects, each with a text, a start, and an end or a duration; they differ in what they call
them, and in whether times are seconds or milliseconds. What is known of each name is in the tables below.
"""

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from transcribe.errors import TranscriptError
from transcribe.library.clock import milliseconds
from transcribe.library.transcript import LATEST_MS, Word
from transcribe.publishers.given import Given, GivenScript
from transcribe.publishers.script import spread
from transcribe.web.text_decoding import one_line

# Podcasting 2.0 and Whisper; youtube-transcript-api; YouTube's json3; the pipeline of Transformers; whisper.cpp.
_LISTS = ("segments", "snippets", "events", "chunks", "transcription", "utterances", "cues", "captions", "results")
_WORD_LISTS = ("words", "word_segments", "result")
_TEXTS = ("body", "text", "punctuated_word", "word", "transcript", "content", "utf8", "caption")
_STARTS = ("startTime", "start", "start_time", "begin", "from", "startMs", "start_ms", "tStartMs")
_ENDS = ("endTime", "end", "end_time", "to", "endMs", "end_ms")
_DURATIONS = ("duration", "dur", "dDurationMs", "durationMs", "duration_ms")
_CONFIDENCES = ("probability", "score", "confidence", "conf", "p")
_LANGUAGES = ("language", "language_code", "lang")
_LANGUAGE_NAMES = {
    "english": "en", "chinese": "zh", "german": "de", "spanish": "es", "russian": "ru", "korean": "ko",
    "french": "fr", "japanese": "ja", "portuguese": "pt", "turkish": "tr", "polish": "pl", "catalan": "ca",
    "dutch": "nl", "arabic": "ar", "swedish": "sv", "italian": "it", "indonesian": "id", "hindi": "hi",
    "finnish": "fi", "vietnamese": "vi", "hebrew": "he", "ukrainian": "uk", "greek": "el", "czech": "cs",
    "romanian": "ro", "danish": "da", "hungarian": "hu", "norwegian": "no", "thai": "th", "persian": "fa",
}  # fmt: skip
_WHAT = "not a transcript that can be read"
_LEAST_SPEED = 0.3  # characters a second: nobody speaks as slowly; times that would make it so are milliseconds
_CLOCK = re.compile(r"(?:\d{1,3}:)?\d{1,3}:\d\d(?:[.,]\d{1,3})?", re.ASCII)


def read_json(text: str) -> GivenScript:
    """The segments of a file. Raises TranscriptError (`bad_captions`) where it holds none."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise TranscriptError("bad_captions", f"{_WHAT}: {problem}") from problem
    segments = _listed(document)
    if segments is None:
        raise TranscriptError("bad_captions", f"{_WHAT}: it has no list of segments with texts and times")
    unit, notes = (1, ("its times were taken for milliseconds",)) if _are_milliseconds(segments) else (1000, ())
    given = [_given(number, segment, unit) for number, segment in enumerate(segments)]
    told = [each for each in given if each]
    if given and not any(each.start_ms is not None for each in told):
        raise TranscriptError("bad_captions", f"{_WHAT}: no segment has a startTime or a start")
    if isinstance(document, dict) and not any(each.words for each in told):
        told = _with_words(told, document, unit)
    cues = tuple(part for each in told for part in each)
    return GivenScript(cues, _language(document), notes)


def holds_segments(data: bytes) -> bool:
    """Whether JSON is a transcript, and not a program's own settings that lie beside one."""
    try:
        segments = _listed(json.loads(data))
    except (ValueError, RecursionError):
        return False
    return bool(segments) and any(
        _text(each) is not None or _time(each, _STARTS) is not None for each in segments or ()
    )


def _listed(document: Any) -> list[Any] | None:
    if isinstance(document, list):
        return document if all(isinstance(each, dict | list) for each in document) and document else None
    if not isinstance(document, dict):
        return None
    for name in (*_LISTS, *_WORD_LISTS):
        if isinstance(document.get(name), list):
            return list(document[name])
    return _listed(document["results"]) if isinstance(document.get("results"), dict) else None  # Deepgram's


def _are_milliseconds(segments: Sequence[Any]) -> bool:
    """Whether whole numbers that might be seconds are not, as AssemblyAI's: in seconds, the speech would creep."""
    for segment in segments:
        start, end = (segment.get("start"), segment.get("end")) if isinstance(segment, dict) else (None, None)
        if not isinstance(start, int) or not isinstance(end, int):
            return False
        if len(_text(segment) or "") > _LEAST_SPEED * (end - start):
            return False
    return bool(segments)


def _given(number: int, segment: Any, unit: int) -> "_Turns | None":
    """A segment, to be cut where its words are several speakers'. None for what is no cue, such as a line end."""
    segment = _named(segment)
    if not isinstance(segment, dict):
        raise TranscriptError("bad_captions", f"{_WHAT}: segment {number} is not an object")
    start = _time(segment, _STARTS, unit)
    end = _time(segment, _ENDS, unit)
    if end is None and start is not None and (length := _time(segment, _DURATIONS, unit)) is not None:
        end = min(LATEST_MS, start + length)
    speaker = _speaker(segment)
    pieces = segment.get("segs")
    text = _text(segment)
    if isinstance(pieces, list):
        words = _pieces(pieces, start, end)
        text = "".join(piece.get("utf8", "") for piece in pieces if isinstance(piece, dict))
        if not text.strip():
            return None
    else:
        words = list(_timed(segment.get("words"), start, end, unit))
        start = words[0][0].start_ms if start is None and words else start
    trouble = f"segment {number} has no start" if start is None else ""
    end = None if start is None else end
    return _Turns(Given(start, end, _clean(text), speaker, plain=True, trouble=trouble), words)


class _Turns:
    """A segment and its words, to be cut where the speaker changes."""

    def __init__(self, given: Given, words: Sequence[tuple[Word, str | None]]) -> None:
        self.start_ms, self._given = given.start_ms, given
        self.words = _as_written([word for word, _ in words], given.text)
        self._speakers = [speaker for _, speaker in words]

    def __iter__(self) -> Iterator[Given]:
        given = self._given
        if not self.words:
            yield given
            return
        said, before = zip(self.words, self._speakers, strict=True), given.speaker
        turns: list[tuple[str | None, list[Word]]] = []
        for word, speaker in said:
            before = speaker or before
            if not turns or turns[-1][0] != before:
                turns.append((before, []))
            turns[-1][1].append(word)
        for speaker, words in turns:
            start, end = (words[0].start_ms, words[-1].end_ms) if len(turns) > 1 else (given.start_ms, given.end_ms)
            yield Given(start, end, given.text, speaker, tuple(words), plain=True, trouble=given.trouble)

    def with_words(self, words: Sequence[Word]) -> "_Turns":
        """The same with words that stand elsewhere in the file, if they are its own."""
        own = "".join("".join(word.text.split()) for word in words)
        return (
            _Turns(self._given, [(word, None) for word in words]) if own == "".join(self._given.text.split()) else self
        )


def _with_words(segments: list[_Turns], document: Mapping[str, Any], unit: int) -> list[_Turns]:
    """OpenAI's service lists words apart from the segments that they are in."""
    listed: Any = next((document[name] for name in _WORD_LISTS if isinstance(document.get(name), list)), [])
    words = [word for word, _ in _timed(listed, 0, None, unit)]
    ends = [each.start_ms for each in segments[1:]]
    found, at = [], 0
    for segment, end in itertools.zip_longest(segments, ends):
        first = at
        while at < len(words) and (end is None or words[at].start_ms < end):
            at += 1
        found.append(segment.with_words(words[first:at]))
    return found


def _named(segment: Any) -> Any:
    """faster-whisper's segments and words as tuples, by name."""
    if isinstance(segment, list) and len(segment) > 4 and isinstance(segment[4], str):
        words = next(
            (each for each in reversed(segment) if isinstance(each, list) and each and isinstance(each[0], list)), []
        )
        named = [{"start": w[0], "end": w[1], "word": w[2], "probability": w[3]} for w in words if len(w) > 3]
        return {"start": segment[2], "end": segment[3], "text": segment[4], "words": named}
    return segment


def _timed(words: Any, start: int | None, end: int | None, unit: int) -> Iterator[tuple[Word, str | None]]:
    """Words with their speakers; those that have no times, as numbers in whisperX's, share what lies between.

    A word that says when it begins and not when it ends shares its time with those behind it that say nothing.
    """
    listed = [each for each in words if isinstance(each, dict) and _text(each)] if isinstance(words, list) else []
    times = [(_time(each, _STARTS, unit), _time(each, _ENDS, unit)) for each in listed]
    if all(begins is None for begins, _ in times):
        return
    before, at = start or 0, 0
    while at < len(listed):
        begins, ends = times[at]
        last = at + 1
        while (begins is None or ends is None) and last < len(listed) and times[last][0] is None:
            last += 1
        first = before if begins is None else begins
        if ends is None or begins is None:
            known = times[last][0] if last < len(listed) else next((e for _, e in times[at:last][::-1] if e), end)
            ends = known if known is not None else before
        filled = spread([_text(each) or "" for each in listed[at:last]], first, max(first, ends))
        for each, made in zip(listed[at:last], filled, strict=True):
            word = Word(made.start_ms, made.end_ms, _text(each) or "", _confidence(each))
            yield word, _speaker(each)
        before, at = filled[-1].end_ms, last


def _pieces(pieces: Sequence[Any], start: int | None, end: int | None) -> list[tuple[Word, str | None]]:
    """Words of YouTube's json3: each begins so long after its event."""
    known = [each for each in pieces if isinstance(each, dict) and str(each.get("utf8", "")).strip()]
    if start is None or len(known) < 2 or not any("tOffsetMs" in each for each in known):
        return []
    starts = [start + int(each.get("tOffsetMs") or 0) for each in known]
    ends = [*starts[1:], max(starts[-1], end if end is not None else starts[-1])]
    if starts != sorted(starts) or any(len(str(each["utf8"]).split()) > 1 for each in known):
        return []
    return [(Word(a, b, str(each["utf8"])), None) for a, b, each in zip(starts, ends, known, strict=True)]


def _as_written(words: Sequence[Word], text: str) -> list[Word]:
    """Words with what stands between them in their segment's text: a space or nothing.

    Whisper's begin with the space before them; others come without, and only the text knows. None of the words where
    they leave out some of the text: then it is the text that counts.
    """
    found: list[Word] = []
    at = 0
    for word in words:
        plain = _clean(word.text)
        if not plain:
            continue
        place = text.find(plain, at)
        joined = True if found and place == at and not word.text[:1].isspace() else None
        at = place + len(plain) if place >= 0 else at
        found.append(Word(word.start_ms, word.end_ms, plain, word.confidence, joined))
    return found if _letters(text) <= _letters("".join(word.text for word in found)) else []


def _letters(text: str) -> int:
    return sum(letter.isalnum() for letter in text)


def _text(segment: Any) -> str | None:
    if not isinstance(segment, dict):
        return None
    return next((segment[name] for name in _TEXTS if isinstance(segment.get(name), str)), None)


def _time(segment: Any, names: Iterable[str], unit: int = 1000) -> int | None:
    """Milliseconds of the first of these that is there; `unit` is how many of them the file counts by."""
    if not isinstance(segment, dict):
        return None
    index = 0 if names is _STARTS else 1
    if isinstance(pair := segment.get("timestamp"), list) and len(pair) == 2 and names is not _DURATIONS:
        return _milliseconds(pair[index], unit)
    if isinstance(offsets := segment.get("offsets"), dict):  # whisper.cpp
        return _milliseconds(next((offsets[name] for name in names if name in offsets), None), 1)
    for name in names:
        if name in segment:
            return _milliseconds(segment[name], 1 if name.lower().endswith("ms") else unit)
    return None


def _milliseconds(value: object, unit: int) -> int | None:
    """Of a number or a text that holds one; before the start is the start."""
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        return None
    if isinstance(value, str) and _CLOCK.fullmatch(value.strip()):
        time = milliseconds(value.strip().replace(",", "."))
        return time if time <= LATEST_MS else None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return round(unit * max(0.0, number)) if number <= LATEST_MS / unit else None


def _confidence(word: Mapping[str, Any]) -> float | None:
    value = next((word[name] for name in _CONFIDENCES if name in word), None)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        return None
    return round(float(value), 3)


def _speaker(holder: Mapping[str, Any]) -> str | None:
    """Who speaks: a name, one inside an object, or a number, as services have it."""
    told = next((holder[name] for name in ("speaker", "speaker_id") if holder.get(name) is not None), None)
    if isinstance(told, dict):
        told = told.get("name") or told.get("label") or told.get("id")
    if isinstance(told, int) and not isinstance(told, bool) and "startTime" not in holder:  # a slip in Podcasting 2.0
        told = f"Speaker {told}"
    return _clean(told).rstrip(":").rstrip() or None


def _language(document: Any) -> str | None:
    holder = document if isinstance(document, dict) else {}
    if isinstance(result := holder.get("result"), dict):
        holder = {**result, **holder}
    told = next((holder[name] for name in _LANGUAGES if isinstance(holder.get(name), str)), "")
    tag = re.split("[-_]", told.strip().lower())[0]
    return _LANGUAGE_NAMES.get(tag) or (tag if re.fullmatch("[a-z]{2,3}", tag) else None)


def _clean(value: object) -> str:
    """On one line, and such that it can be written again: JSON can hold halves of characters."""
    return one_line(value) if isinstance(value, str) else ""
