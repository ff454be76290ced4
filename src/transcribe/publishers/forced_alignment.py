"""When each word of a given text is said: between two times that are known, or where nothing but the text is known.

A caption says when its words are said, all together. An `Aligner` lays them on the sound, window by window, so that
memory and mistakes stay where they are; without one they are spread over the caption. A text without times is first
tied to what a recognizer hears: where both have the same words, the times are known.
"""

import itertools
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from transcribe.audio.decode import SAMPLES_A_MS, segment
from transcribe.audio.voice_activity import Piece
from transcribe.library.spans import total_ms
from transcribe.library.transcript import Span, Word
from transcribe.publishers.script import spread
from transcribe.publishers.text_alignment import pairs


class Aligner(Protocol):
    """An engine that lays given words on a sound."""

    @property
    def name(self) -> str:
        """For the transcript."""
        ...

    @property
    def longest_ms(self) -> int:
        """Of sound that it takes at once."""
        ...

    def knows(self, language: str) -> bool:
        """Whether it can align text in that language, ISO 639-1."""
        ...

    def align(self, sound: Piece, words: Sequence[str]) -> list[Span | None]:
        """When each word is said, on the clock of the stored file; None for those it cannot place.

        They are taken to be said in that order, and nothing else to be said between them.
        """
        ...


@dataclass(frozen=True, slots=True)
class AlignmentOptions:
    """How a text is cut into windows."""

    window_ms: int = 15_000  # of captions that are aligned together
    margin_ms: int = 500  # of sound on both sides, at most
    nearby_ms: int = 1_000  # a caption so near to the window is aligned with it, and that alignment not used,
    neighbour_ms: int = 30_000  # unless it is longer
    slack_ms: int = 1_500  # that a word may be said before or after its caption is shown
    stretch_ms: int = 5_000  # at least, between two times that are known of a text that has none
    trusted: int = 3  # words in a row that a recognizer heard as they are written: so much is hardly chance


class Stretch(NamedTuple):
    """Words that are said between two times."""

    start_ms: int
    end_ms: int
    texts: tuple[str, ...]

    def later(self, ms: int) -> "Stretch":
        """The same words, so much later."""
        return Stretch(max(0, self.start_ms + ms), max(0, self.end_ms + ms), self.texts)


class Placed(NamedTuple):
    """A word, and whether its times were found in the sound, not made up between others."""

    word: Word
    found: bool


class Remembered:
    """An `Aligner` that knows what a recognizer has heard: a word heard as it is written is said where it was heard."""

    def __init__(self, heard: Sequence[Word], name: str) -> None:
        self.name, self._heard = name, heard
        self.longest_ms = heard[-1].end_ms if heard else 0  # it does not look at the sound
        self._starts = [word.start_ms for word in heard]

    def knows(self, language: str) -> bool:  # noqa: ARG002 - the recognizer did
        """As `Aligner` has it."""
        return True

    def align(self, sound: Piece, words: Sequence[str]) -> list[Span | None]:
        """As `Aligner` has it."""
        here = self._heard[bisect_left(self._starts, sound.start_ms) : bisect_left(self._starts, sound.end_ms)]
        spans: list[Span | None] = [None] * len(words)
        for pair in pairs(words, [word.text for word in here]):
            spans[pair.one] = here[pair.other].start_ms, here[pair.other].end_ms
        return spans


def aligned(
    stretches: Sequence[Stretch],
    pieces: Iterable[Piece],
    aligner: Aligner | None,
    options: AlignmentOptions | None = None,
) -> list[Placed]:
    """All words of the stretches, which are in order, with times; `pieces` is the speech of the file.

    Without an aligner, and where it fails, words are spread over their stretch.
    """
    options = options or AlignmentOptions()
    reel = _Reel(iter(pieces))
    placed: list[Placed] = []
    for window in _windows(stretches, options):
        spans = _spans(stretches, window, reel, aligner, options)
        for number in window:
            stretch = stretches[number]
            earliest, latest = stretch.start_ms - options.slack_ms, stretch.end_ms + options.slack_ms
            # Where a span is so far from its caption, the aligner has lost its way.
            near = [span if span and earliest <= span[0] and span[1] <= latest else None for span in spans[number]]
            placed += _filled(stretch, near)
    reel.rest()
    return placed


def between_anchors(
    texts: Sequence[str], heard: Sequence[Word], speech: Sequence[Span], options: AlignmentOptions | None = None
) -> list[Stretch]:
    """A text without times cut where it has the words that a recognizer heard: each stretch begins with such a word.

    `speech` is where somebody speaks: the first stretch begins and the last ends with it.
    """
    options = options or AlignmentOptions()
    anchors = list(_anchors(texts, heard, options))
    first = min([start for start, _ in speech[:1]] + [start for _, start in anchors[:1]], default=0)
    last = max((end for _, end in speech[-1:]), default=first)
    bounds = [(0, first), *(anchor for anchor in anchors if anchor[0]), (len(texts), last)]
    kept = bounds[:1]
    for number, start in bounds[1:-1]:
        if start - kept[-1][1] >= options.stretch_ms:
            kept.append((number, start))
    kept.append(bounds[-1])
    return [
        Stretch(start, max(start, end), tuple(texts[one:other]))
        for (one, start), (other, end) in itertools.pairwise(kept)
        if one < other
    ]


def over_speech(texts: Sequence[str], speech: Sequence[Span]) -> list[Word]:
    """Words spread evenly over the time in which somebody speaks: all that can be done where nothing else is known."""
    ends = list(itertools.accumulate(end - start for start, end in speech))

    def when(ms: int) -> int:
        at = min(bisect_right(ends, ms), len(ends) - 1)
        return speech[at][1] - (ends[at] - ms)

    return [Word(when(w.start_ms), when(w.end_ms), w.text) for w in spread(texts, 0, total_ms(speech))] if ends else []


def _anchors(texts: Sequence[str], heard: Sequence[Word], options: AlignmentOptions) -> Iterator[tuple[int, int]]:
    """The number of a word in the text and when it is said, for those that stand in a row of words heard alike."""
    found = pairs(texts, [word.text for word in heard])
    rows = itertools.groupby(enumerate(found), key=lambda each: (each[1].one - each[0], each[1].other - each[0]))
    for _, row in rows:
        alike = [pair for _, pair in row]
        if len(alike) >= options.trusted:
            yield from ((pair.one, heard[pair.other].start_ms) for pair in alike)


def _windows(stretches: Sequence[Stretch], options: AlignmentOptions) -> Iterator[range]:
    """Numbers of stretches that are aligned together."""
    first = 0
    for number in range(1, len(stretches) + 1):
        full = number < len(stretches) and stretches[number].end_ms - stretches[first].start_ms > options.window_ms
        if full or number == len(stretches):
            yield range(first, number)
            first = number


def _spans(
    stretches: Sequence[Stretch],
    window: range,
    reel: "_Reel",
    aligner: Aligner | None,
    options: AlignmentOptions,
) -> dict[int, list[Span | None]]:
    """When the words of each stretch in a window are said; its neighbours are taken in where there is room for them."""
    for numbers in (_with_neighbours(stretches, window, options), window):
        start_ms, end_ms = _around(stretches, numbers, options)
        if aligner and end_ms - start_ms <= aligner.longest_ms:
            texts = [text for number in numbers for text in stretches[number].texts]
            spans = iter(aligner.align(reel.between(start_ms, end_ms), texts))
            return {number: list(itertools.islice(spans, len(stretches[number].texts))) for number in numbers}
    return {number: [None] * len(stretches[number].texts) for number in window}


def _around(stretches: Sequence[Stretch], window: range, options: AlignmentOptions) -> Span:
    """A window's time with some margin, but nothing of what is said before or behind it.

    Half a second of words that are not in the text can pull two dozen of its words to where they are not.
    """
    start, end = stretches[window.start].start_ms, max(stretches[number].end_ms for number in window)
    before = stretches[window.start - 1].end_ms if window.start else start - 2 * options.margin_ms
    behind = stretches[window.stop].start_ms if window.stop < len(stretches) else end + 2 * options.margin_ms
    lead, trail = (min(options.margin_ms, max(0, gap) // 2) for gap in (start - before, behind - end))
    return max(0, start - lead), end + trail


def _with_neighbours(stretches: Sequence[Stretch], window: range, options: AlignmentOptions) -> range:
    """The window with the stretch before and the one behind, where they are near and not too long."""

    def is_near(number: int, gap_ms: int) -> bool:
        stretch = stretches[number]
        return gap_ms < options.nearby_ms and stretch.end_ms - stretch.start_ms <= options.neighbour_ms

    first, end = window.start, window.stop
    if first and is_near(first - 1, stretches[first].start_ms - stretches[first - 1].end_ms):
        first -= 1
    if end < len(stretches) and is_near(end, stretches[end].start_ms - stretches[end - 1].end_ms):
        end += 1
    return range(first, end)


def _filled(stretch: Stretch, spans: Sequence[Span | None]) -> Iterator[Placed]:
    """The words with their times; those that have none share the time between their neighbours that do."""
    numbered = list(zip(stretch.texts, spans, strict=True))
    before = None
    for known, run in itertools.groupby(enumerate(numbered), key=lambda each: each[1][1] is not None):
        words = list(run)
        if known:
            placed = [Word(*span, text) for _, (text, span) in words if span]
            before = placed[-1].end_ms
        else:
            after = numbered[words[-1][0] + 1][1] if words[-1][0] + 1 < len(numbered) else None
            end = after[0] if after else max(stretch.end_ms, before or 0)
            start = min(stretch.start_ms, end) if before is None else min(before, end)
            placed = spread([text for _, (text, _) in words], start, end)
        yield from (Placed(word, known) for word in placed)


class _Reel:
    """The sound of a file, wound on from piece to piece; what lies between them is silent."""

    def __init__(self, pieces: Iterator[Piece]) -> None:
        self._pieces = pieces
        self._held: deque[Piece] = deque()

    def between(self, start_ms: int, end_ms: int) -> Piece:
        """The sound between two times, neither of them before those of the last call."""
        while not self._held or self._held[-1].end_ms < end_ms:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._held.append(piece)
        while self._held and self._held[0].end_ms <= start_ms:
            self._held.popleft()
        sound = np.zeros(max(0, end_ms - start_ms) * SAMPLES_A_MS, np.int16)
        for piece in self._held:
            samples = np.frombuffer(piece.pcm(), np.int16)
            at = (piece.start_ms - start_ms) * SAMPLES_A_MS
            part = samples[max(0, -at) : max(0, len(sound) - at)]
            sound[max(0, at) : max(0, at) + len(part)] = part
        return Piece(start_ms, segment(sound))

    def rest(self) -> None:
        """Takes what is left, so that the file's length is known."""
        deque(self._pieces, maxlen=0)
