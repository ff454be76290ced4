"""Whisper through faster-whisper: the same weights on CTranslate2, in 8 bit integers on a CPU, several pieces at once.

None of its own cutting is done: it reads our pieces, each as one text.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transcribe.audio.decode import RATE
from transcribe.audio.voice_activity import Piece
from transcribe.errors import RecognitionError
from transcribe.library.transcript import Engine
from transcribe.recognizers.batching import (
    LITTLE_SPEECH_MS,
    Made,
    checked_language,
    in_batches,
    majority,
    own,
    said,
    speech_ms,
    spoken_in,
    telling,
)
from transcribe.recognizers.faster_whisper.decoding import PieceDecoder
from transcribe.recognizers.faster_whisper.weights import load_weights, weights
from transcribe.recognizers.protocol import UNDETERMINED, Hints, Recognition

DEFAULT_MODEL = "small"  # as for whisper
COMPUTE_TYPES = {"cpu": "int8", "cuda": "float16"}
BATCH_SIZES = {"cpu": 8, "cuda": 16}  # more gains little; where memory is short, it is halved

WINDOW_S = 30  # what Whisper listens to at once
SHORTAGES = ("out of memory", "ALLOC_FAILED")  # CTranslate2 tells of all that goes wrong on a GPU by RuntimeErrors


class FasterWhisper:
    """A `Recognizer`. Pieces are decoded together, each as if it stood alone."""

    def __init__(
        self,
        model: str | None = None,
        language: str | None = None,
        device: str | None = None,
        cache: Path | None = None,
        batch_size: int | None = None,
        beam: int | None = None,
    ) -> None:
        """`device` is torch's name for one, such as `cpu` or `cuda:1`; by default the GPU if there is one.

        `cache` is where models are kept, if not in Hugging Face's own place; `beam` how many readings of a piece are
        followed at once, by default as many as faster-whisper does. Raises UsageError for a model or language
        that does not exist, EngineUnavailable for a model or device that cannot be had here and now.
        """
        import ctranslate2

        found = weights(model or DEFAULT_MODEL, cache)
        device = device or ("cuda" if ctranslate2.get_cuda_device_count() else "cpu")
        kind = device.partition(":")[0]
        compute_type = COMPUTE_TYPES.get(kind, "default")
        self._model = load_weights(found, device, compute_type)
        self._asked = checked_language(language, self._model.model.is_multilingual, _Languages(self._model))
        own_options = _options(self._model)
        self._options = dataclasses.replace(own_options, beam_size=beam or own_options.beam_size)
        self.batch_size = batch_size or BATCH_SIZES.get(kind, 1)
        options = {"language": self._asked, "device": kind, "compute_type": compute_type, "batch_size": self.batch_size}
        options["beam_size"] = self._options.beam_size
        self.engine = Engine("faster-whisper", version("faster-whisper"), found.name, found.sha256, options)

    def language(self, pieces: Sequence[Piece]) -> str:
        """As `Recognizer` has it: each piece votes for its likeliest language, with that language's probability."""
        if self._asked:
            return self._asked
        return majority(self._in_batches(self._languages, telling(pieces)))

    def recognize(self, pieces: Sequence[Piece], hints: Hints) -> list[Recognition]:
        """As `Recognizer` has it. More pieces than `batch_size` are taken in turns.

        Raises MemoryError where not even a single piece fits into memory. A prompt is kept from pieces with next to no
        speech, for it would be heard in them. Where the language is not known, it is found out from these pieces.
        """
        known = self._asked or hints.language or UNDETERMINED
        language = self.language(pieces) if known == UNDETERMINED else known
        spoken = [speech_ms(piece) for piece in pieces]
        little = [number for number, ms in enumerate(spoken) if hints.prompt and ms < LITTLE_SPEECH_MS]
        others = [number for number in range(len(pieces)) if number not in little]
        found: dict[int, Recognition] = {}
        for numbers, prompt in ((others, hints.prompt), (little, "")):
            read = functools.partial(self._read, language=language, prompt=prompt)
            found.update(zip(numbers, self._in_batches(read, [pieces[n] for n in numbers]), strict=True))
        return [found[number] for number in range(len(pieces))]

    def _read(self, pieces: Sequence[Piece], language: str, prompt: str) -> list[Recognition]:
        """What is said in each, in its own language where that is sure, else in that of the episode."""
        features = _features(self._model, [piece.in_context() for piece in pieces])
        encoded = self._model.encode(features)
        languages = [language] * len(pieces)
        if not self._asked:
            votes = zip(pieces, self._votes(encoded), strict=True)
            languages = [spoken_in(piece, vote, language) for piece, vote in votes]
        if set(languages) == {language}:
            return self._in_language(pieces, features, encoded, language, prompt)
        found: dict[int, Recognition] = {}
        for spoken in dict.fromkeys(languages):
            rows = [number for number, other in enumerate(languages) if other == spoken]
            own_encoded = self._model.encode(features[rows])
            told = self._in_language([pieces[n] for n in rows], features[rows], own_encoded, spoken, prompt)
            found.update(zip(rows, told, strict=True))
        return [found[number] for number in range(len(pieces))]

    def _in_language(
        self, pieces: Sequence[Piece], features: NDArray[np.float32], encoded: Any, language: str, prompt: str
    ) -> list[Recognition]:
        decoder = PieceDecoder(self._model, self._options, language, prompt)
        wide = [piece.in_context() for piece in pieces]
        decoded = decoder.decode(features, encoded)
        words = decoder.align(encoded, decoded, [len(_window(piece)) / RATE for piece in wide])
        return [
            own(piece, Recognition(said(broad, broad.start_ms, timed), round(float(read.no_speech), 3), language))
            for piece, broad, read, timed in zip(pieces, wide, decoded, words, strict=True)
        ]

    def _in_batches(self, work: Callable[[Sequence[Piece]], list[Made]], pieces: Sequence[Piece]) -> Iterator[Made]:
        try:
            yield from in_batches(work, pieces, self.batch_size, _is_shortage)
        except RuntimeError as problem:
            raise RecognitionError("recognizer_failed", f"faster-whisper failed: {problem}") from problem

    def _languages(self, pieces: Sequence[Piece]) -> list[tuple[str, float]]:
        """The likeliest language of each piece, and its probability."""
        return self._votes(self._model.encode(_features(self._model, [piece.in_context() for piece in pieces])))

    def _votes(self, encoded: Any) -> list[tuple[str, float]]:
        ranked = self._model.model.detect_language(encoded)
        return [(mark.strip("<|>"), float(probability)) for ((mark, probability), *_) in ranked]


def _features(model: Any, pieces: Sequence[Piece]) -> NDArray[np.float32]:
    """Spectrograms of 30 s, shape (pieces, mels, frames).

    Pieces are filled up with silence, where the pipeline would fill up the spectrogram with zeros, which is a hum: with
    the micro checkpoint that makes 16 words of 100 wrong in pieces of one sentence, instead of 3.
    """
    extract = model.feature_extractor
    windows = (np.pad(sound, (0, WINDOW_S * RATE - len(sound))) for sound in map(_window, pieces))
    return np.stack([extract(window, padding=0)[..., : extract.nb_max_frames] for window in windows])


def _window(piece: Piece) -> NDArray[np.float32]:
    return piece.samples()[: WINDOW_S * RATE]


def _options(model: Any) -> Any:
    """The pipeline's own: it makes them for whatever it is given, and reads that only when asked."""
    from faster_whisper import BatchedInferencePipeline

    silence = np.zeros(RATE, np.float32)
    pipeline = BatchedInferencePipeline(model)
    _, info = pipeline.transcribe(silence, language="en", vad_filter=False, word_timestamps=True)
    return info.transcription_options


def _is_shortage(problem: Exception) -> bool:
    return isinstance(problem, MemoryError) or any(told in str(problem) for told in SHORTAGES)


class _Languages:
    """Those that a model's tokens name."""

    def __init__(self, model: Any) -> None:
        self._tokenizer = model.hf_tokenizer

    def __contains__(self, code: object) -> bool:
        return self._tokenizer.token_to_id(f"<|{code}|>") is not None
