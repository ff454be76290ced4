"""PocketSphinx: English, small, its model inside its package. No download, no GPU, any machine."""

import re
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

from transcribe.audio.decode import RATE
from transcribe.audio.voice_activity import Piece
from transcribe.errors import EngineUnavailable, UsageError
from transcribe.library.language_tags import primary_language
from transcribe.library.transcript import Engine, Word
from transcribe.recognizers.protocol import Hints, Recognition, heard

FRAME_MS = 10
FILLERS = re.compile(r"[<\[].*")  # <s>, </s>, <sil>, [NOISE], [SPEECH]
FIRST_PERSON = re.compile(r"^i(?='|$)")  # the dictionary is in lower case, this word with it
VARIANT = re.compile(r"\(\d+\)$")  # to(2): the dictionary's second way to say it

# As many hypotheses at once as the beam allows: of 525 words spoken by flite it saves 4 errors, and costs no time that
# could be measured. Wider beams and other weights of the language model saved none, or cost much more.
OPTIONS: dict[str, Any] = {"maxhmmpf": -1}


class PocketSphinx:
    """A `Recognizer`. Each piece is an utterance of its own: no piece changes another's words."""

    batch_size = 1

    def __init__(self, language: str | None = None) -> None:
        """Raises UsageError for a language other than English, EngineUnavailable where its model is missing."""
        import pocketsphinx

        if language and language.lower() != "english" and primary_language(language) != "en":
            raise UsageError(f"pocketsphinx knows English alone, not {language!r}; use --engine whisper")
        try:
            self._decoder = pocketsphinx.Decoder(samprate=RATE, loglevel="FATAL", **OPTIONS)
        except RuntimeError as problem:
            advice = "pip install --force-reinstall 'playhead[offline]'"
            raise EngineUnavailable(f"The model of pocketsphinx cannot be loaded ({problem}): {advice}") from problem
        self.engine = Engine("pocketsphinx", version("pocketsphinx"), "en-us", options=OPTIONS)

    def language(self, pieces: Sequence[Piece]) -> str:  # noqa: ARG002 - as the protocol has it
        """English is all it knows."""
        return "en"

    def recognize(self, pieces: Sequence[Piece], hints: Hints) -> list[Recognition]:  # noqa: ARG002 - it takes none
        """As `Recognizer` has it. Words are in lower case, but for "I", and nothing is punctuated."""
        return [Recognition(tuple(self._words(piece))) for piece in pieces]

    def _words(self, piece: Piece) -> Iterator[Word]:
        self._decoder.reinit_feat()  # it learns the noise of what it hears, and would take it into the next piece
        self._decoder.start_utt()
        self._decoder.process_raw(piece.pcm(), full_utt=True)
        self._decoder.end_utt()
        for found in self._decoder.seg() or ():  # None where it made nothing of the sound
            if not FILLERS.fullmatch(found.word):
                start_ms, end_ms = (piece.start_ms + FRAME_MS * n for n in (found.start_frame, found.end_frame + 1))
                yield heard(piece.span, start_ms, end_ms, _written(found.word), found.prob)


def _written(entry: str) -> str:
    """The word that an entry of the dictionary stands for, as one writes it."""
    return FIRST_PERSON.sub("I", VARIANT.sub("", entry))
