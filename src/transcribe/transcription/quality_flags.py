"""Marks of distrust: what of a transcript may not have been said, what was said and is not in it.

A recognizer writes text for any sound. Three witnesses can speak against it: the text itself (it goes round in
circles, or is faster than anyone speaks), the recognizer's own confidence, and the speech detector.
"""

import dataclasses
import re
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby

from transcribe.library.episode import Quality
from transcribe.library.spans import merged, total_ms, without
from transcribe.library.transcript import FLAGS, Segment, Span, Word, joined, mean_confidence
from transcribe.transcription.utterance import Utterance

LONGEST_PHRASE = 30  # words that a recognizer in a loop says over and over: a long sentence
MOST_IN_A_ROW = 3  # of the same phrase; more is a loop, or so strange that a reader should be told
MOST_OF_A_WORD = 5  # in a row: people do say "words, words, words, words"
WEAKEST = 1 / 4  # of a segment's words: those that tell best whether something was misheard
LEAST_FOR_NO_LENGTH = 4  # words: fewer than that may have been so short, to an aligner
IDEOGRAPHS = "\u2e80"  # the first of them: Chinese, Japanese and Korean
PACE_WINDOW = 12  # words, over which pace is measured across segments


@dataclass(frozen=True, slots=True)
class FlagOptions:
    """From where on a reader is warned."""

    # The mean of a segment's word confidences under which it is doubtful. PocketSphinx gives 0.8 on average to words
    # that it got right and 0.4 to those it did not; Whisper seldom gives a good sentence less than 0.7.
    doubtful: float = 0.45
    weak: float = 0.38  # the same for the quarter of its words that is least sure: two wrong words spoil a sentence
    doubtful_where_faint: float = 0.6  # the same for all words of a piece of which the detector is not sure
    # Pieces of spoken sentences have a likelihood of 0.95 and more, in noise half as loud one of 0.77 and more, with
    # speech in 0.8 of their length. What sounds like singing, made of buzzes and vowels, has 0.5 to 0.85, mostly in
    # flickers, less than half of the length.
    nothing: float = 0.77
    faint: float = 0.9
    flickering: float = 0.6  # the share of speech in a faint piece under which nobody speaks
    no_speech: float = 0.6  # Whisper's own threshold for its probability that nobody speaks
    unsure: float = 0.6  # the mean of word confidences under which its text speaks against it too
    # Of 115,509 captions of podcasts 144 are flagged as faster than this, nearly all invented, or timed wrongly.
    characters_a_second: float = 40
    grace_ms: int = 500  # given to every stretch, as times are not that exact
    compression: float = 2.4  # Whisper's own threshold for text that says the same thing over and over
    nearby_ms: int = 300  # a word so near to speech belongs to it
    longest_word_ms: int = 2000  # one that lasts longer is badly timed, and stands for no more speech than this
    no_text_ms: int = 2000  # speech without words that is worth telling of


def marked(
    segments: Sequence[Segment], utterances: Sequence[Utterance], options: FlagOptions | None = None
) -> tuple[Segment, ...]:
    """The same segments with the flags that they deserve, besides those they have, in the order of FLAGS.

    `utterances` are what the segments' words were heard in, matched by their times. Without any, nothing is known of
    the sound, and the text alone is judged.
    """
    options = options or FlagOptions()
    words = [word for segment in segments for word in segment.words]
    sound, looped, rushed = _Sound(utterances, options), repeated(words), _rushed(words, options)
    found: list[Segment] = []
    at = 0
    for segment in segments:
        here = slice(at, at + len(segment.words))
        at = here.stop
        signs = {
            "repetition": any(looped[here]) or _mostly(map(sound.goes_round, segment.words)),
            "low_confidence": _is_doubtful(segment, options)
            or sound.is_misheard(segment.words)
            or _mostly(map(sound.is_doubtful, segment.words)),
            "no_speech": _mostly(map(sound.is_silent, segment.words)),
            "too_fast": _mostly(rushed[here]) or _is_too_fast(segment.words, options),
        }
        flags = tuple(flag for flag in FLAGS if flag in segment.flags or signs.get(flag))
        found.append(dataclasses.replace(segment, flags=flags))
    return tuple(found)


def no_text(utterances: Sequence[Utterance], options: FlagOptions | None = None) -> tuple[Span, ...]:
    """Where somebody speaks for two seconds or more and no word was heard."""
    options = options or FlagOptions()
    words = (word for utterance in utterances for word in utterance.words)
    untold = without(_speech(utterances), _told(words, options))
    stretches = merged(untold, gap_ms=options.nearby_ms)  # which is less than any word takes up: none is passed over
    return tuple((start, end) for start, end in stretches if end - start >= options.no_text_ms)


def quality(
    segments: Sequence[Segment], utterances: Sequence[Utterance], options: FlagOptions | None = None
) -> Quality:
    """How far the segments, marked, are to be trusted. Where nobody is heard to speak, nothing is covered."""
    speech = _speech(utterances)
    words = [word for segment in segments for word in segment.words]
    speech_ms, untold_ms = total_ms(speech), total_ms(without(speech, _told(words, options or FlagOptions())))
    return Quality(
        speech_ms=speech_ms,
        covered=round(1 - untold_ms / speech_ms, 3) if speech_ms else 0.0,
        flagged=flagged_share(segments),
        confidence=mean_confidence(words),
    )


def flagged_share(segments: Iterable[Segment]) -> float:
    """The share of words in segments with a flag, 0 to 1; 0 where there are none."""
    counts = [(len(segment.words), bool(segment.flags)) for segment in segments]
    total = sum(count for count, _ in counts)
    return round(sum(count for count, flagged in counts if flagged) / total, 3) if total else 0.0


def repeated(words: Sequence[Word]) -> list[bool]:
    """For each word, whether it is part of a phrase of up to 30 words said more than three times in a row.

    A single word may be said five times.
    """
    bare = [re.sub(r"\W", "", word.text.casefold()) or word.text for word in words]
    looped = [False] * len(bare)
    for length in range(1, LONGEST_PHRASE + 1):
        like_before = map(str.__eq__, bare[length:], bare)
        at = 0  # of the first occurrence, for the run of likenesses that starts behind it
        for alike, run in groupby(like_before):
            count = len(list(run))
            if alike and count >= (MOST_OF_A_WORD if length == 1 else MOST_IN_A_ROW) * length:
                looped[at : at + length + count] = [True] * (length + count)
            at += count
    return looped


class _Sound:
    """What the detector and the recognizer say of the sound that a word was heard in."""

    def __init__(self, utterances: Sequence[Utterance], options: FlagOptions) -> None:
        self._options = options
        self._utterances = sorted(utterances, key=lambda utterance: utterance.span)
        self._starts = [utterance.span[0] for utterance in self._utterances]
        self._round = [_compression(utterance.words) > options.compression for utterance in self._utterances]
        self._silent = [_is_silent(utterance, options) for utterance in self._utterances]
        self._doubtful = [_is_guess(utterance, options) for utterance in self._utterances]
        self._speech = _speech(utterances)
        self._speech_starts = [start for start, _ in self._speech]

    def goes_round(self, word: Word) -> bool:
        """Whether all that was heard with it says the same thing over and over."""
        return bool(self._utterances) and self._round[self._at(word)]

    def is_silent(self, word: Word) -> bool:
        """Whether nobody seems to speak there."""
        if not self._utterances:
            return False
        at = self._at(word)
        if self._silent[at]:
            return True
        speech = bisect_right(self._speech_starts, word.end_ms + self._options.nearby_ms) - 1
        if speech >= 0 and self._speech[speech][1] >= word.start_ms - self._options.nearby_ms:
            return False
        # Whether the recognizer, too, does not stand by the word; one that says nothing of speech never does.
        no_speech, sure = self._utterances[at].no_speech, word.confidence
        return no_speech is None or no_speech > self._options.no_speech or (sure or 0) < self._options.unsure

    def is_doubtful(self, word: Word) -> bool:
        """Whether neither the detector nor the recognizer was sure of what was heard with it."""
        return bool(self._utterances) and self._doubtful[self._at(word)]

    def is_misheard(self, words: Sequence[Word]) -> bool:
        """Whether the least sure of a segment's words are so unsure that something else may have been said.

        Asked of a recognizer that says how likely speech is, Whisper: others are less sure of what they hear right.
        """
        sure = sorted(word.confidence for word in words if word.confidence is not None)
        if not sure or not self._utterances or self._utterances[self._at(words[0])].no_speech is None:
            return False
        weakest = sure[: max(1, round(WEAKEST * len(sure)))]
        return sum(weakest) / len(weakest) < self._options.weak

    def _at(self, word: Word) -> int:
        """Which utterance the word was heard in: by its middle, since words may touch the edges of two."""
        return max(0, bisect_right(self._starts, (word.start_ms + word.end_ms) // 2) - 1)


def _is_doubtful(segment: Segment, options: FlagOptions) -> bool:
    return segment.confidence is not None and segment.confidence < options.doubtful


def _is_silent(utterance: Utterance, options: FlagOptions) -> bool:
    """Whether nobody seems to speak in it.

    A detector alone takes laughs and telephones for silence, and Whisper alone a quiet voice: two of three must say so,
    the detector, the recognizer, and the confidence of the words. Where a recognizer says nothing of it, the detector
    decides.
    """
    if utterance.no_speech is None:
        return _is_noise(utterance, options)
    sure = mean_confidence(utterance.words)
    signs = (
        _is_noise(utterance, options),
        utterance.no_speech > options.no_speech,
        sure is not None and sure < options.unsure,
    )
    return sum(signs) >= 2


def _is_noise(utterance: Utterance, options: FlagOptions) -> bool:
    """Whether the detector all but denies that somebody speaks in it."""
    if utterance.likelihood < options.nothing:
        return True
    if utterance.likelihood >= options.faint or not utterance.speech:
        return False
    lasting_ms = utterance.speech[-1][1] - utterance.speech[0][0]
    return total_ms(utterance.speech) < options.flickering * lasting_ms


def _is_guess(utterance: Utterance, options: FlagOptions) -> bool:
    """Faint speech, and words that fit it badly: some of them may look well by chance."""
    sure = mean_confidence(utterance.words)
    return utterance.likelihood < options.faint and sure is not None and sure < options.doubtful_where_faint


def _rushed(words: Sequence[Word], options: FlagOptions) -> list[bool]:
    """For each word, whether it is one of twelve in a row that are too fast, whichever segments they are in."""
    sums = list(accumulate((_characters(word) for word in words), initial=0))
    rushed = [False] * len(words)
    for start in range(len(words) - PACE_WINDOW + 1):
        end = start + PACE_WINDOW
        lasting_ms = words[end - 1].end_ms - words[start].start_ms
        if sums[end] - sums[start] > _most_characters(lasting_ms, options):
            rushed[start:end] = [True] * PACE_WINDOW
    return rushed


def _is_too_fast(words: Sequence[Word], options: FlagOptions) -> bool:
    lasting_ms = max(word.end_ms for word in words) - words[0].start_ms
    if sum(map(_characters, words)) > _most_characters(lasting_ms, options):
        return True
    return len(words) >= LEAST_FOR_NO_LENGTH and _mostly(word.end_ms == word.start_ms for word in words)


def _most_characters(lasting_ms: int, options: FlagOptions) -> float:
    return options.characters_a_second * (lasting_ms + options.grace_ms) / 1000


def _characters(word: Word) -> int:
    """How much there is to say, the space behind it included; a Chinese or Japanese character counts as three letters.

    For it is a syllable, and has no space behind it.
    """
    return sum(3 if character >= IDEOGRAPHS else 1 for character in word.text) + (word.text[-1:] < IDEOGRAPHS)


def _compression(words: Iterable[Word]) -> float:
    """How many times smaller zlib makes the text: Whisper's measure of saying the same thing over and over."""
    text = joined(words).encode()
    return len(text) / len(zlib.compress(text))


def _speech(utterances: Iterable[Utterance]) -> list[Span]:
    """Where somebody is heard to speak; the detector's last window may reach beyond the end of the sound."""
    return merged(
        (start, min(end, utterance.span[1]))
        for utterance in utterances
        for start, end in utterance.speech
        if start < utterance.span[1]
    )


def _told(words: Iterable[Word], options: FlagOptions) -> list[Span]:
    """The time that words stand for, with some on both sides."""
    return merged(
        (
            word.start_ms - options.nearby_ms,
            min(word.end_ms, word.start_ms + options.longest_word_ms) + options.nearby_ms,
        )
        for word in words
    )


def _mostly(signs: Iterable[bool]) -> bool:
    """Whether at least half of them are true, of any."""
    signs = list(signs)
    return bool(signs) and 2 * sum(signs) >= len(signs)
