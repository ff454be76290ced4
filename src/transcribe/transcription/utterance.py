"""A piece of speech and what was heard in it: all that is kept of the sound once a recognizer has done with it."""

from dataclasses import dataclass
from typing import Any, Self

from transcribe.library.transcript import Span, Word


@dataclass(frozen=True, slots=True)
class Utterance:
    """One piece, heard. Plain data, for checkpoints and between processes."""

    span: Span
    speech: tuple[Span, ...]  # where the detector hears somebody speak, inside the span
    likelihood: float  # how sure the detector is of that: the mean probability of those windows
    words: tuple[Word, ...]
    no_speech: float | None = None  # how likely the recognizer thinks that nobody speaks in it, if it says
    language: str | None = None  # that it was heard in, where that is not the episode's

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        words = [
            [word.start_ms, word.end_ms, word.text, word.confidence, *([] if word.joined is None else [word.joined])]
            for word in self.words
        ]
        plain = {"span": self.span, "speech": self.speech, "likelihood": self.likelihood, "words": words}
        told = {} if self.language is None else {"language": self.language}
        return {**plain, "no_speech": self.no_speech, **told}

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """The inverse of `to_json`. Raises KeyError, TypeError or ValueError for anything else."""
        (start, end), words = data["span"], tuple(Word(*word) for word in data["words"])
        speech = tuple((begin, stop) for begin, stop in data["speech"])
        return cls((start, end), speech, data["likelihood"], words, data["no_speech"], data.get("language"))
