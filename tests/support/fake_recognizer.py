"""A recognizer that needs no model: it says the same few words of every piece, or fails as it is told to."""

from collections.abc import Sequence

from transcribe.audio.voice_activity import Piece
from transcribe.errors import RecognitionError
from transcribe.library.transcript import Engine, Word
from transcribe.recognizers.protocol import Hints, Recognition


class FakeRecognizer:
    def __init__(
        self, said: str = "we heard this", failure: Exception | None = None, batch_size: int = 1, language: str = "en"
    ) -> None:
        self.engine = Engine("fake", "1", "none", options={"batch_size": batch_size})
        self.said, self.failure, self.batch_size = said.split(), failure, batch_size
        self._language = language
        self.pieces = 0
        self.hints: list[Hints] = []

    def language(self, pieces: Sequence[Piece]) -> str:
        return self._language if pieces else "und"

    def recognize(self, pieces: Sequence[Piece], hints: Hints) -> list[Recognition]:
        self.hints.append(hints)
        return [self._heard(piece) for piece in pieces]

    def _heard(self, piece: Piece) -> Recognition:
        self.pieces += 1
        if self.failure:
            raise self.failure
        times = [piece.start_ms + 100 * n for n in range(len(self.said))]
        return Recognition(tuple(Word(at, at + 90, text, 0.9) for at, text in zip(times, self.said, strict=True)))


def deaf() -> FakeRecognizer:
    return FakeRecognizer(failure=RecognitionError("recognizer_failed", "it hears nothing"))


def loaded(**_: object) -> FakeRecognizer:
    """For processes of their own: a function that can be named across them."""
    return FakeRecognizer()
