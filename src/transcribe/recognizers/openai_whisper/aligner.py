"""When given words are said, by Whisper: the method of `whisper_alignment`, with text that it has not read itself.

Import it only where Whisper is used: it loads torch.
"""

import itertools
from collections.abc import Sequence
from typing import Any

from whisper.audio import CHUNK_LENGTH
from whisper.tokenizer import LANGUAGES, get_tokenizer

from transcribe.audio.voice_activity import Piece
from transcribe.library.transcript import Span, spaced
from transcribe.recognizers.openai_whisper.decoding import encode
from transcribe.recognizers.openai_whisper.word_timing import WindowText, align


class WhisperAligner:
    """An `Aligner` with a loaded model of openai-whisper, in any language that the model knows."""

    name = "whisper"
    longest_ms = CHUNK_LENGTH * 1000  # its window

    def __init__(self, model: Any, language: str | None = None, fp16: bool = False) -> None:
        """`language` is that of the texts, ISO 639-1; `fp16` says whether the model's weights are halved."""
        self._model, self._fp16 = model, fp16
        self._tokenizer = get_tokenizer(
            model.is_multilingual, num_languages=model.num_languages, language=language, task="transcribe"
        )

    def knows(self, language: str) -> bool:
        """As `Aligner` has it."""
        return language == "en" or (self._model.is_multilingual and language in LANGUAGES)

    def align(self, sound: Piece, words: Sequence[str]) -> list[Span | None]:
        """As `Aligner` has it. More text than its decoder can hold is not aligned."""
        nothing: list[Span | None] = [None] * len(words)
        tokens = self._tokenizer.encode(f" {spaced(words)}")
        if not words or len(tokens) > self._model.dims.n_text_ctx - 8 or not len(sound.audio):  # 8: what Whisper adds
            return nothing
        encoded = encode(self._model, [sound.samples()], self._fp16)
        reading = WindowText(tokens, [1.0] * len(tokens), len(sound.audio) / 1000)
        (timings,) = align(self._model, self._tokenizer, encoded, [reading])
        letters = [  # for each character but spaces, when the word is said that it stands in
            (sound.start_ms + round(1000 * timing.start), sound.start_ms + round(1000 * timing.end))
            for timing in timings
            for _ in range(_length(timing.text))
        ]
        if len(letters) != sum(map(_length, words)):
            return nothing
        ends = list(itertools.accumulate(map(_length, words), initial=0))
        return [
            (letters[one][0], letters[other - 1][1]) if one < other else None for one, other in itertools.pairwise(ends)
        ]


def _length(text: str) -> int:
    return len("".join(text.split()))
