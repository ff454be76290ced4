"""What a recognizer is: pieces of speech in, words with times out, a batch at a time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from transcribe.audio.voice_activity import Piece
from transcribe.library.transcript import Engine, Word

UNDETERMINED = "und"  # ISO 639: the language is not known


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known of an episode before it is heard."""

    language: str | None = None  # ISO 639-1; None where nothing was said by which it could be told
    prompt: str = ""  # names and terms to expect; engines that take none pass it over


@dataclass(frozen=True, slots=True)
class Recognition:
    """What an engine made of one piece."""

    words: tuple[Word, ...]
    no_speech: float | None = None  # how likely it holds none, 0 to 1; None from an engine that does not say
    language: str | None = None  # that is spoken in it, ISO 639-1, where the engine listened for that


class Recognizer(Protocol):
    """An engine with its model loaded, ready for one episode after another. It keeps nothing from batch to batch."""

    @property
    def engine(self) -> Engine:
        """Who listens, and how, for the transcript."""
        ...

    @property
    def batch_size(self) -> int:
        """How many pieces it likes to decode together."""
        ...

    def language(self, pieces: Sequence[Piece]) -> str:
        """What is spoken in most of the pieces, as ISO 639-1: what was set where it was; `und` where nobody can say."""
        ...

    def recognize(self, pieces: Sequence[Piece], hints: Hints) -> list[Recognition]:
        """What is heard in each of a batch of pieces, in order; no words where none were heard.

        Times are milliseconds on the clock of the stored file. The same batch gives the same words on a CPU, whatever
        was recognized before. Raises RecognitionError.
        """
        ...


def heard(
    piece: tuple[int, int],
    start_ms: float,
    end_ms: float,
    text: str,
    confidence: float | None,
    joined: bool | None = None,
) -> Word:
    """A word heard in a piece, all on the clock of the stored file; `piece` is its start and end.

    Times come from arithmetic on a model's output, so they may be anything. One that is no number, or lies outside of
    the piece, becomes the nearest in it: what was said is kept, and no other piece's times suffer.
    """
    start = _nearest(piece, start_ms)
    sure = None if confidence is None or math.isnan(confidence) else round(min(1.0, max(0.0, confidence)), 3)
    return Word(start, max(start, _nearest(piece, end_ms)), text.strip(), sure, joined)


def _nearest(piece: tuple[int, int], ms: float) -> int:
    earliest, latest = piece
    return earliest if math.isnan(ms) else round(min(max(ms, earliest), latest))
