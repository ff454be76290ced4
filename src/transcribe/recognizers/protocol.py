"""What a recognizer is: pieces of speech in, words with times out."""

import math
from collections.abc import Iterable, Iterator
from typing import Protocol

from transcribe.speech import Piece
from transcribe.transcript import Engine, Word

UNDETERMINED = "und"  # ISO 639: the language is not known


class Recognizer(Protocol):
    """An engine with its model loaded, ready for one episode after another."""

    @property
    def engine(self) -> Engine:
        """Who listens, and how, for the transcript."""
        ...

    @property
    def language(self) -> str:
        """Of the episode recognized last, as ISO 639-1; `und` while nothing was said in it."""
        ...

    def recognize(self, pieces: Iterable[Piece]) -> Iterator[list[Word]]:
        """One list of words for each piece of an episode, in order; an empty one where no words were heard.

        Times are milliseconds on the clock of the stored file. Pieces may be taken several at a time, ahead of the
        lists given, so that an engine can decode them together. Raises RecognitionError.
        """
        ...


def heard(piece: tuple[int, int], start_ms: float, end_ms: float, text: str, confidence: float | None) -> Word:
    """A word heard in a piece, all on the clock of the stored file; `piece` is its start and end.

    Times come from arithmetic on a model's output, so they may be anything. One that is no number, or lies outside of
    the piece, becomes the nearest in it: what was said is kept, and no other piece's times suffer.
    """
    start = _nearest(piece, start_ms)
    sure = None if confidence is None or math.isnan(confidence) else round(min(1.0, max(0.0, confidence)), 3)
    return Word(start, max(start, _nearest(piece, end_ms)), text.strip(), sure)


def _nearest(piece: tuple[int, int], ms: float) -> int:
    earliest, latest = piece
    return earliest if math.isnan(ms) else round(min(max(ms, earliest), latest))
