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

from transcribe import __version__
from transcribe.audio.speech_decoder import SpeechDecoder
from transcribe.audio.speech_stream import SpeechStream
from transcribe.audio.voice_activity import Piece
from transcribe.errors import TranscriptError
from transcribe.library.clock import clock
from transcribe.library.language_tags import primary_language
from transcribe.library.transcript import Engine, Segment, Span, Transcript, Word, segment
from transcribe.publishers.caption_reader import are_words, spread
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
from transcribe.publishers.text_alignment import comparable
from transcribe.publishers.transcript_formats import Line, Script, form_of, known_as, parse
from transcribe.recognizers.protocol import UNDETERMINED, Hints, Recognizer
from transcribe.transcription.job import Job, Offer
from transcribe.transcription.segmentation import SegmentOptions, segments
from transcribe.transcription.transcribe_episode import batches, transcript
from transcribe.transcription.utterance import Utterance
from transcribe.web.urls import public_url

PUBLISHED = "published"  # the name of the engine in such transcripts
LONGEST_CAPTION_MS = 30_000  # a longer stretch is a paragraph: its start says little of its last words
BEYOND_MS = 5_000  # that a text may go on after the audio has ended: a last caption is often left standing
EXACT_MS = 300  # that words may be off which their publisher has timed; beyond that the times are moved, or found anew

# An ideograph or a syllable of Chinese or Japanese, with the stops behind it, is a word; others stand between spaces.
_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff][\u3000-\u303f\uff01-\uff20]*|[^\s\u3040-\u30ff\u3400-\u9fff]+")
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
    form = form_of(offer.text.media_type, offer.text.url)
    if form is None:
        raise TranscriptError("bad_captions", f"a transcript of type {offer.text.media_type!r} cannot be read")
    script = parse(offer.data, form)
    language = _language(offer, script)
    lines = _with_words(_with_ends(script.lines))
    listened = _Listened(listening.listen(job.path))
    ears = recognizer if recognizer and _understands(recognizer, language) else None
    based = _on_captions if _are_captions(lines) else _on_paragraphs
    basis = based(lines, listened, ears, language)
    if isinstance(basis, Mismatch):
        return basis
    hands = next((aligner for aligner in aligners if aligner.knows(language)), basis.aligner)
    again = listening.listen(job.path) if hands and not basis.placed else ()
    placed = basis.placed or aligned(basis.stretches, again, hands)
    said = list(_segments(lines, _settled(placed, listened.sound.duration_ms), offer.persons))
    utterances = listened.utterances(word for part in said for word in part.words)
    engine = _engine(offer, script, basis, hands)
    return transcript(job, listened.sound, engine, language, said, utterances, now())


def _language(offer: Offer, script: Script) -> str:
    """The primary subtag (BCP 47) where it is told, or the words tell that it is English; else `und`."""
    told = offer.text.language or script.language
    if told:
        return primary_language(told) or UNDETERMINED
    words = [word for line in script.lines for word in comparable(line.text)]
    common = sum(word in _ENGLISH for word in words)
    return "en" if common > _ENGLISH_SHARE * len(words) else UNDETERMINED


def _understands(recognizer: Recognizer, language: str) -> bool:
    """PocketSphinx takes everything for English; other engines know what they hear."""
    return recognizer.engine.name != "pocketsphinx" or language == "en"


def _with_ends(lines: Sequence[Line]) -> list[Line]:
    """A line that has no end of its own ends where the next begins."""
    found, following = [], None
    for line in reversed(lines):
        if line.start_ms is not None and line.end_ms is None and following is not None:
            line = dataclasses.replace(line, end_ms=max(line.start_ms, following))
        following = line.start_ms
        found.append(line)
    return found[::-1]


def _with_words(lines: Iterable[Line]) -> list[Line]:
    """Without lines that have no words to be timed."""
    return [line for line in lines if _texts(line)]


def _texts(line: Line) -> tuple[str, ...]:
    """The words of a line as they are written."""
    if line.words:
        return tuple(word.text for word in line.words)
    return tuple(_WORDS.findall(line.text))


def _are_captions(lines: Sequence[Line]) -> bool:
    """Whether the times are so close that they say when each word is said, within seconds."""
    return all(
        line.start_ms is not None and line.end_ms is not None and line.end_ms - line.start_ms <= LONGEST_CAPTION_MS
        for line in lines
    )


def _on_captions(
    lines: Sequence[Line], listened: _Listened, ears: Recognizer | None, language: str
) -> _Basis | Mismatch:
    """Hears a few spots, and looks for their words where the captions have them."""
    stretches = [Stretch(line.start_ms or 0, line.end_ms or 0, _texts(line)) for line in lines]
    published = [placed.word for placed in aligned(stretches, (), None)]
    known = all(line.words for line in lines)
    if known:
        published = [word for line in lines for word in line.words]
    heard = [_heard([spot], ears, language) for spot in spots(listened, stretches[-1].end_ms) if ears]
    if (beyond := _beyond(published, listened)) is not None:
        return beyond
    belonging = verify_timed(heard, published)
    if isinstance(belonging, Mismatch):
        return belonging
    shift_ms = belonging.shift_ms if belonging and abs(belonging.shift_ms) > EXACT_MS else 0
    moved = tuple(stretch.later(shift_ms) for stretch in stretches)
    given = tuple(Placed(word, True) for word in published) if known and not shift_ms else ()
    return _Basis(moved, belonging, given)


def _on_paragraphs(
    lines: Sequence[Line], listened: _Listened, ears: Recognizer | None, language: str
) -> _Basis | Mismatch:
    """Hears all that is said, and takes the times from words that are written as well."""
    texts = [text for line in lines for text in _texts(line)]
    if ears is None:
        speech = _to_the_end(listened)
        return _Basis((), placed=tuple(Placed(word, False) for word in _spread(lines, texts, speech, listened.sound)))
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


def _spread(lines: Sequence[Line], texts: Sequence[str], speech: Sequence[Span], sound: SpeechStream) -> list[Word]:
    """Words over their paragraphs where each has a time, else over all speech there is."""
    if lines[0].start_ms is None or any(line.start_ms is None for line in lines):
        return over_speech(texts, speech) or spread(texts, 0, sound.duration_ms)
    ends = [line.end_ms if line.end_ms is not None else sound.duration_ms for line in lines]
    return [
        word for line, end in zip(lines, ends, strict=True) for word in spread(_texts(line), line.start_ms or 0, end)
    ]


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
        settled.append(Placed(Word(start, end, word.text), found))
        before = start
    return settled


def _segments(lines: Sequence[Line], placed: Sequence[Placed], persons: Sequence[str]) -> Iterator[Segment]:
    """A segment for each caption. Paragraphs, and captions of a word each, make sentences."""
    options, ids, rest = SegmentOptions(), itertools.count(), iter(placed)
    alone = are_words([len(_texts(line)) for line in lines])
    runs = itertools.groupby(enumerate(lines), key=lambda each: (each[1].speaker, 0 if alone else each[0]))
    for (speaker, _), run in runs:
        own = list(itertools.islice(rest, sum(len(_texts(line)) for _, line in run)))
        words = [each.word for each in own]
        short = (
            words[-1].end_ms - words[0].start_ms <= options.longest_ms
            and sum(len(word.text) + 1 for word in words) <= options.longest_text
        )
        parts = (segment(0, words),) if short and not alone else segments(words)
        known = iter(own)
        for part in parts:
            found = sum(each.found for each in itertools.islice(known, len(part.words)))
            flags = ("interpolated",) if 2 * found < len(part.words) else ()
            name = known_as(speaker, persons)
            yield dataclasses.replace(part, id=next(ids), speaker=name, flags=flags)


def _engine(offer: Offer, script: Script, basis: _Basis, hands: Aligner | None) -> Engine:
    """Whose text it is, and how it was timed; no part of its address that may be a secret."""
    belonging = basis.belonging
    own = "published" if basis.placed and basis.placed[0].found else None
    options = {
        "url": re.split(r"[?#]", public_url(offer.text.url))[0],
        "sha256": hashlib.sha256(offer.data).hexdigest(),
        "times": own or (hands.name if hands and not basis.placed else "interpolated"),
        "found": f"{belonging.found} of {belonging.of}" if belonging else "not looked for",
    }
    return Engine(PUBLISHED, __version__, script.form, options=options)
