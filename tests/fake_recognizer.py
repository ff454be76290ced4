"""A recognizer that needs no model: it says the same few words of every piece, or fails as it is told to."""

from collections.abc import Iterable, Iterator

from transcribe.errors import RecognitionError
from transcribe.speech import Piece
from transcribe.transcript import Engine, Word


class FakeRecognizer:
    def __init__(self, said: str = "we heard this", failure: Exception | None = None) -> None:
        self.engine = Engine("fake", "1", "none")
        self.language = "en"
        self.said, self.failure = said.split(), failure
        self.pieces = 0

    def recognize(self, pieces: Iterable[Piece]) -> Iterator[list[Word]]:
        for piece in pieces:
            self.pieces += 1
            if self.failure:
                raise self.failure
            times = [piece.start_ms + 100 * n for n in range(len(self.said))]
            yield [Word(at, at + 90, text, 0.9) for at, text in zip(times, self.said, strict=True)]


def deaf() -> FakeRecognizer:
    return FakeRecognizer(failure=RecognitionError("recognizer_failed", "it hears nothing"))


def loaded() -> FakeRecognizer:
    """For processes of their own: a function that can be named across them."""
    return FakeRecognizer()
