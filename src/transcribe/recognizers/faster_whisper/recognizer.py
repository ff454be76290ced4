"""Whisper through faster-whisper: the same weights on CTranslate2, in 8 bit integers on a CPU, several pieces at once.

Its batched pipeline is given our own pieces, and none of its own cutting is done. It reads each of them as one text,
without timestamps: with them it loses what follows the last pair. It does not try again at higher temperatures where a
text is poor, but searches with five beams from the start, so that nothing is drawn at random.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transcribe.audio.decode import RATE
from transcribe.audio.voice_activity import Piece
from transcribe.errors import RecognitionError
from transcribe.library.transcript import Engine, Word
from transcribe.recognizers.batching import (
    LITTLE_SPEECH_MS,
    Made,
    checked_language,
    in_batches,
    majority,
    speech_ms,
    telling,
)
from transcribe.recognizers.faster_whisper.weights import load_weights, weights
from transcribe.recognizers.protocol import UNDETERMINED, Hints, Recognition, heard
from transcribe.recognizers.written_words import TimedText, written

DEFAULT_MODEL = "small"  # as for whisper
COMPUTE_TYPES = {"cpu": "int8", "cuda": "float16"}
BATCH_SIZES = {"cpu": 8, "cuda": 16}  # more gains little; where memory is short, it is halved

WINDOW_S = 30  # what Whisper listens to at once
APART_S = 60  # pieces are laid on the pipeline's clock so, for it draws close words into one another, across pieces too
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
    ) -> None:
        """`device` is torch's name for one, such as `cpu` or `cuda:1`; by default the GPU if there is one.

        `cache` is where models are kept, if not in Hugging Face's own place. Raises UsageError for a model or language
        that does not exist, EngineUnavailable for a model or device that cannot be had here and now.
        """
        import ctranslate2

        found = weights(model or DEFAULT_MODEL, cache)
        device = device or ("cuda" if ctranslate2.get_cuda_device_count() else "cpu")
        kind = device.partition(":")[0]
        compute_type = COMPUTE_TYPES.get(kind, "default")
        self._model = load_weights(found, device, compute_type)
        self._asked = checked_language(language, self._model.model.is_multilingual, _Languages(self._model))
        self._options = _options(self._model)
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
            reader = _PieceDecoder(self._model, self._options, language, prompt)
            found.update(zip(numbers, self._in_batches(reader.read, [pieces[n] for n in numbers]), strict=True))
        return [found[number] for number in range(len(pieces))]

    def _in_batches(self, work: Callable[[Sequence[Piece]], list[Made]], pieces: Sequence[Piece]) -> Iterator[Made]:
        try:
            yield from in_batches(work, pieces, self.batch_size, _is_shortage)
        except RuntimeError as problem:
            raise RecognitionError("recognizer_failed", f"faster-whisper failed: {problem}") from problem

    def _languages(self, pieces: Sequence[Piece]) -> list[tuple[str, float]]:
        """The likeliest language of each piece, and its probability."""
        encoded = self._model.encode(_features(self._model, pieces))
        ranked = self._model.model.detect_language(encoded)
        return [(mark.strip("<|>"), float(probability)) for ((mark, probability), *_) in ranked]


class _PieceDecoder:
    """Reads batches of pieces in one language, with one prompt."""

    def __init__(self, model: Any, options: Any, language: str, prompt: str) -> None:
        from faster_whisper.tokenizer import Tokenizer

        self._model = model
        self._tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, "transcribe", language)
        self._options = dataclasses.replace(options, initial_prompt=f" {prompt.strip()}" if prompt.strip() else None)

    def read(self, pieces: Sequence[Piece]) -> list[Recognition]:
        """What is said in each."""
        from faster_whisper import BatchedInferencePipeline

        offsets = [APART_S * number for number in range(1, len(pieces) + 1)]
        clips = [{"offset": at, "duration": _seconds(piece)} for at, piece in zip(offsets, pieces, strict=True)]
        pipeline = BatchedInferencePipeline(self._model)  # a new one, for it remembers when the last word was said
        texts = pipeline.forward(_features(self._model, pieces), self._tokenizer, clips, self._options)
        return [self._heard(*each) for each in zip(pieces, offsets, texts, strict=True)]

    def _heard(self, piece: Piece, offset: int, texts: list[dict[str, Any]]) -> Recognition:
        words = [word for text in texts if not self._silent(text) for word in text["words"]]
        no_speech = max(float(text["no_speech_prob"]) for text in texts)
        return Recognition(tuple(_words(piece, offset, words)), round(no_speech, 3))

    def _silent(self, text: dict[str, Any]) -> bool:
        """Nobody speaks, and the text is invented: as `whisper.transcribe` judges."""
        likely = text["no_speech_prob"] > self._options.no_speech_threshold
        return bool(likely and text["avg_logprob"] <= self._options.log_prob_threshold)


def _words(piece: Piece, offset: int, words: Sequence[dict[str, Any]]) -> list[Word]:
    """Words on the pipeline's clock to those of a piece that lies at `offset` there, in seconds."""
    bits = (
        TimedText(word["word"], float(word["start"]) - offset, float(word["end"]) - offset, float(word["probability"]))
        for word in words
    )
    return [
        heard(
            piece.span,
            piece.start_ms + 1000 * word.start,
            piece.start_ms + 1000 * word.end,
            word.text,
            word.probability,
            word.joined,
        )
        for word in written(bits)
        if 1000 * word.start < len(piece.audio)
    ]


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


def _seconds(piece: Piece) -> float:
    return len(_window(piece)) / RATE


def _options(model: Any) -> Any:
    """The pipeline's own, with word times: it makes them for whatever it is given, and reads that only when asked.

    It need not join punctuation to words: `written` does.
    """
    from faster_whisper import BatchedInferencePipeline

    silence = np.zeros(RATE, np.float32)
    pipeline = BatchedInferencePipeline(model)
    _, info = pipeline.transcribe(silence, language="en", vad_filter=False, word_timestamps=True)
    return dataclasses.replace(info.transcription_options, prepend_punctuations="", append_punctuations="")


def _is_shortage(problem: Exception) -> bool:
    return isinstance(problem, MemoryError) or any(told in str(problem) for told in SHORTAGES)


class _Languages:
    """Those that a model's tokens name."""

    def __init__(self, model: Any) -> None:
        self._tokenizer = model.hf_tokenizer

    def __contains__(self, code: object) -> bool:
        return self._tokenizer.token_to_id(f"<|{code}|>") is not None
