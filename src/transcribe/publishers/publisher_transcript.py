"""A publisher's transcript made one of the library's, if it belongs to the stored audio, its words timed by that.

The file is listened to twice: to hear whether the text belongs to it, and to lay the text on its sound.
"""

import dataclasses
import hashlib
import itertools
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from transcribe import __version__
from transcribe.audio.speech_decoder import SpeechDecoder
from transcribe.audio.speech_stream import SpeechStream
from transcribe.audio.voice_activity import Piece
from transcribe.errors import TranscriptError
from transcribe.library.clock import clock
from transcribe.library.language_tags import primary_language
from transcribe.library.transcript import Engine, Segment, Span, Transcript, Word, segment
from transcribe.publishers.caption_reader import parse
from transcribe.publishers.forced_alignment import (
    Aligner,
    Placed,
    Remembered,
    Stretch,
    aligned,
    between_anchors,
    over_speech,
)
from transcribe.publishers.match import Match, Mismatch, spots, verify_timed, verify_untimed
from transcribe.publishers.script import PUBLISHED, Cue, Script, are_words, spread, told
from transcribe.publishers.speaker_labels import known_as
from transcribe.publishers.text_alignment import comparable
from transcribe.publishers.transcript_formats import form_of
from transcribe.recognizers.protocol import UNDETERMINED, Hints, Recognizer
from transcribe.transcription.job import Job, Offer
from transcribe.transcription.segmentation import SegmentOptions, segments
from transcribe.transcription.transcribe_episode import batches, transcript
from transcribe.transcription.utterance import Utterance
from transcribe.web.urls import public_url

LONGEST_CAPTION_MS = 30_000  # a longer stretch is a paragraph: its start says little of its last words
BEYOND_MS = 5_000  # that a text may go on after the audio has ended: a last caption is often left standing
EXACT_MS = 300  # that words may be off which their publisher has timed; beyond that the times are moved, or found anew

_ENGLISH = frozenset({"the", "of", "and", "to", "a", "in", "is", "that", "it", "i", "you", "was", "for", "we"})
_ENGLISH_SHARE = 0.15  # of all words: of English ones a quarter are among these, of others hardly any


@dataclass(frozen=True, slots=True)
class _Basis:
    """What is known of a text's times once the file has been listened to."""

    stretches: tuple[Stretch, ...]
    belonging: Match | None = None  # None where nothing was heard that would tell
    placed: tuple[Placed, ...] = ()  # where nothing is left to be aligned
    aligner: Aligner | None = None  # what the recognizer's own words tell, for where there is nothing better


class _Listened:
    """A file's speech; when it was walked, what is kept of it."""

    def __init__(self, sound: SpeechStream) -> None:
        self.sound = sound
        self._pieces: list[Utterance] = []

    def __iter__(self) -> Iterator[Piece]:
        for piece in self.sound:
            self._pieces.append(Utterance(piece.span, piece.speech, piece.likelihood, ()))
            yield piece

    @property
    def speech(self) -> list[Span]:
        """Where somebody speaks."""
        return [span for piece in self._pieces for span in piece.speech]

    def utterances(self, words: Iterable[Word]) -> list[Utterance]:
        """The pieces, each with the words said in it or before the next."""
        starts = [piece.span[0] for piece in self._pieces[1:]]
        own: list[list[Word]] = [[] for _ in self._pieces]
        for word in words if own else ():
            own[bisect_right(starts, word.start_ms)].append(word)
        return [dataclasses.replace(piece, words=tuple(said)) for piece, said in zip(self._pieces, own, strict=True)]


def published_transcript(
    job: Job,
    offer: Offer,
    listening: SpeechDecoder,
    recognizer: Recognizer | None,
    aligners: Sequence[Aligner],
    now: Callable[[], datetime],
) -> Transcript | Mismatch:
    """The published text as the episode's transcript, or why it cannot be that of these bytes.

    `recognizer` hears whether it belongs to them, and the first of `aligners` that knows the text's language says when
    its words are said. Without a recognizer the text is believed, unless it goes on after the audio ends; without an
    aligner words are spread over their captions. `now()` is an aware time.

    Raises TranscriptError (`bad_captions`) for bytes that are no transcript, AudioError and RecognitionError.
    """
    script = _script(offer)
    language = _language(offer, script)
    cues = _with_ends(script.cues)
    said = [cue for cue in cues if _texts(cue)]
    listened = _Listened(listening.listen(job.path))
    # PocketSphinx takes everything for English; other engines know what they hear.
    ears = recognizer if recognizer and (recognizer.engine.name != "pocketsphinx" or language == "en") else None
    based = _on_captions if _are_captions(said) else _on_paragraphs
    basis = based(said, listened, ears, language)
    if isinstance(basis, Mismatch):
        return basis
    hands = next((aligner for aligner in aligners if aligner.knows(language)), basis.aligner)
    placed = basis.placed or aligned(basis.stretches, listening.listen(job.path) if hands else (), hands)
    parts = list(_segments(cues, _settled(placed, listened.sound.duration_ms), offer.persons))
    utterances = listened.utterances(word for part in parts for word in part.words if word.spoken)
    engine = _engine(offer, script, basis, hands, language)
    return transcript(job, listened.sound, engine, language, parts, utterances, now())


def _script(offer: Offer) -> Script:
    """What the text says. Raises TranscriptError where it cannot be read, or says nothing."""
    form = form_of(offer.text.media_type, offer.text.url)
    if form is None:
        raise TranscriptError("bad_captions", f"a transcript of type {offer.text.media_type!r} cannot be read")
    told = primary_language(offer.text.language) if offer.text.language else None
    script = parse(offer.data, form, language=told, persons=offer.persons, encoding=offer.encoding)
    if not any(_texts(cue) for cue in script.cues):
        raise TranscriptError("bad_captions", "the published transcript holds no text")
    return script


def _language(offer: Offer, script: Script) -> str:
    """The primary subtag (BCP 47) where it is told, or the words tell that it is English; else `und`."""
    told = offer.text.language or script.language
    if told:
        return primary_language(told) or UNDETERMINED
    words = [word for cue in script.cues for word in comparable(cue.text)]
    common = sum(word in _ENGLISH for word in words)
    return "en" if common > _ENGLISH_SHARE * len(words) else UNDETERMINED


def _with_ends(cues: Sequence[Cue]) -> list[Cue]:
    """A cue that has no end of its own ends where the next begins."""
    found, following = [], None
    for cue in reversed(cues):
        if cue.start_ms is not None and cue.end_ms is None and following is not None:
            cue = dataclasses.replace(cue, end_ms=max(cue.start_ms, following))
        following = cue.start_ms
        found.append(cue)
    return found[::-1]


def _texts(cue: Cue) -> tuple[str, ...]:
    """The words of a cue that are spoken, as they are written."""
    return tuple(word.text for word in cue.written() if word.spoken)


def _are_captions(cues: Sequence[Cue]) -> bool:
    """Whether the times are so close that they say when each word is said, within seconds."""
    return all(
        cue.start_ms is not None and cue.end_ms is not None and cue.end_ms - cue.start_ms <= LONGEST_CAPTION_MS
        for cue in cues
    )


def _on_captions(cues: Sequence[Cue], listened: _Listened, ears: Recognizer | None, language: str) -> _Basis | Mismatch:
    """Hears a few spots, and looks for their words where the captions have them."""
    published = [word for cue in cues for word in cue.written() if word.spoken]
    ends_ms = max(cue.end_ms or 0 for cue in cues)
    heard = [_heard([spot], ears, language) for spot in spots(listened, ends_ms) if ears]
    belonging = _beyond(published, listened) or verify_timed(heard, published)
    if isinstance(belonging, Mismatch):
        return belonging
    shift_ms = belonging.shift_ms if belonging and abs(belonging.shift_ms) > EXACT_MS else 0
    if not shift_ms and all(cue.words for cue in cues):
        return _Basis((), belonging, tuple(Placed(word, True) for word in published))
    stretches = [Stretch(cue.start_ms or 0, cue.end_ms or 0, _texts(cue)) for cue in cues]
    return _Basis(tuple(stretch.later(shift_ms) for stretch in stretches), belonging)


def _on_paragraphs(
    cues: Sequence[Cue], listened: _Listened, ears: Recognizer | None, language: str
) -> _Basis | Mismatch:
    """Hears all that is said, and takes the times from words that are written as well."""
    texts = [text for cue in cues for text in _texts(cue)]
    if ears is None:
        speech = _to_the_end(listened)
        return _Basis((), placed=tuple(Placed(word, False) for word in _spread(cues, texts, speech, listened.sound)))
    heard = list(
        itertools.chain.from_iterable(_heard(batch, ears, language) for batch in batches(listened, ears.batch_size))
    )
    belonging = verify_untimed(texts, heard)
    if isinstance(belonging, Mismatch):
        return belonging
    stretches = between_anchors(texts, heard, listened.speech)
    return _Basis(tuple(stretches), belonging, aligner=Remembered(heard, ears.engine.name))


def _heard(pieces: Sequence[Piece], ears: Recognizer, language: str) -> list[Word]:
    hints = Hints(None if language == UNDETERMINED else language)
    return [word for each in ears.recognize(pieces, hints) for word in each.words]


def _to_the_end(listened: _Listened) -> list[Span]:
    for _ in listened:
        pass
    return listened.speech


def _spread(cues: Sequence[Cue], texts: Sequence[str], speech: Sequence[Span], sound: SpeechStream) -> list[Word]:
    """Words over their paragraphs where each has a time, else over all speech there is."""
    if any(cue.start_ms is None for cue in cues):
        return over_speech(texts, speech) or spread(texts, 0, sound.duration_ms)
    ends = [cue.end_ms if cue.end_ms is not None else sound.duration_ms for cue in cues]
    return [word for cue, end in zip(cues, ends, strict=True) for word in spread(_texts(cue), cue.start_ms or 0, end)]


def _beyond(words: Sequence[Word], listened: _Listened) -> Mismatch | None:
    ends_ms = listened.sound.duration_ms
    if words[-1].start_ms <= ends_ms + BEYOND_MS:
        return None
    return Mismatch(f"it goes on until {clock(words[-1].start_ms)}, and the audio ends at {clock(ends_ms)}")


def _settled(placed: Iterable[Placed], duration_ms: int) -> list[Placed]:
    """The same, with times that hold what a transcript promises: none goes back, or beyond the audio."""
    settled, before = [], 0
    for word, found in placed:
        start = min(max(before, word.start_ms), duration_ms)
        end = min(max(start, word.end_ms), duration_ms)
        settled.append(Placed(dataclasses.replace(word, start_ms=start, end_ms=end), found))
        before = start
    return settled


def _segments(cues: Sequence[Cue], placed: Sequence[Placed], persons: Sequence[str]) -> Iterator[Segment]:
    """A segment for each caption. Paragraphs, and captions of a word each, make sentences."""
    ids, words = itertools.count(), _in_cues(cues, placed)
    alone = are_words([cue.text for cue in cues])
    runs = itertools.groupby(enumerate(cues), key=lambda each: (each[1].speaker, 0 if alone else each[0]))
    for (speaker, _), run in runs:
        own = [each for number, _ in run for each in words[number]]
        known = iter(own)
        for part in _parts([each.word for each in own], alone):
            found = [each.found for each in itertools.islice(known, len(part.words)) if each.word.spoken]
            flags = ("interpolated",) if found and 2 * sum(found) < len(found) else ()
            yield dataclasses.replace(part, id=next(ids), speaker=known_as(speaker, persons), flags=flags)


def _parts(words: Sequence[Word], alone: bool) -> Sequence[Segment]:
    """Words as they are, where a reader takes them in at a glance, else cut into sentences."""
    options = SegmentOptions()
    short = (
        words[-1].end_ms - words[0].start_ms <= options.longest_ms
        and sum(len(word.text) + 1 for word in words) <= options.longest_text
    )
    return (segment(0, words),) if short and not alone else segments(words)


def _in_cues(cues: Sequence[Cue], placed: Sequence[Placed]) -> list[list[Placed]]:
    """All words by their cues, those that were not spoken among those that were placed."""
    rest, found = iter(placed), list[list[Placed]]()
    for cue in cues:
        timed: list[Placed] = []
        for word in cue.written():
            if word.spoken and (place := next(rest)):
                times = place.word
                word = dataclasses.replace(word, start_ms=times.start_ms, end_ms=times.end_ms)
                timed.append(Placed(dataclasses.replace(word, confidence=times.confidence), place.found))
            else:
                timed.append(Placed(word, False))
        found.append(timed)
    latest = placed[-1].word.start_ms if placed else 0
    for timed in reversed(found):
        latest = _unspoken_placed(timed, latest)
    earliest = 0
    for timed in found:
        earliest = _not_before(timed, earliest)
    return found


def _unspoken_placed(timed: list[Placed], latest: int) -> int:
    """Gives what was not spoken the time before the spoken word that follows; the start of the first word."""
    for at in range(len(timed) - 1, -1, -1):
        word = timed[at].word
        if not word.spoken:
            before = timed[at - 1].word if at and timed[at - 1].word.spoken else None
            start = before.end_ms if before else word.start_ms
            start = min(start, latest)
            timed[at] = Placed(
                dataclasses.replace(word, start_ms=start, end_ms=max(start, min(word.end_ms, latest))), False
            )
        latest = min(latest, timed[at].word.start_ms)
    return latest


def _not_before(timed: list[Placed], earliest: int) -> int:
    """Moves what was not spoken behind the start of the words before it; the start of the first word."""
    first = before = earliest
    for at, (word, found) in enumerate(timed):
        start = word.start_ms if word.spoken else max(before, word.start_ms)
        timed[at] = Placed(dataclasses.replace(word, start_ms=start, end_ms=max(start, word.end_ms)), found)
        before = start
        first = start if at == 0 else first
    return first


def _address(url: str) -> str:
    """Where the text came from, without what may be a secret: of a file on this machine its name alone."""
    address = re.split(r"[?#]", public_url(url))[0]
    return unquote(PurePosixPath(urlsplit(url).path).name) if url.startswith("file:") else address


def _unchecked(script: Script, times: str, language: str, belonging: Match | None) -> str:
    """What a person should know of times that nothing has heard."""
    over = "captions" if script.is_timed else "speech"
    known = {"interpolated": f"its words are spread over its {over} by length", "published": "its times are the file's"}
    placed = known.get(times, f"{times} laid its words on the sound")
    if belonging is None:
        name = "its language" if language == UNDETERMINED else f"the language {language}"
        return f"{placed}; nothing here heard {name} in the sound, so neither times nor text are checked"
    return f"{placed}, for nothing here lays text in that language on a sound"


def _engine(offer: Offer, script: Script, basis: _Basis, hands: Aligner | None, language: str) -> Engine:
    """Whose text it is, and how it was timed; no part of its address that may be a secret."""
    belonging = basis.belonging
    own = "published" if basis.placed and basis.placed[0].found else None
    times = own or (hands.name if hands and not basis.placed else "interpolated")
    options: dict[str, Any] = {
        "url": _address(offer.text.url),
        "sha256": hashlib.sha256(offer.data).hexdigest(),
        "times": times,
        "found": f"{belonging.found} of {belonging.of}" if belonging else "not looked for",
    }
    if belonging is None or times == "interpolated":
        options["unchecked"] = _unchecked(script, times, language, belonging)
    if notes := told(script):
        options["notes"] = list(notes)
    return Engine(PUBLISHED, __version__, script.form, options=options)
