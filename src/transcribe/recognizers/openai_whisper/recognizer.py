"""OpenAI's Whisper, through its own package and weights: the pieces of a batch are read together.

Each piece is read by itself, so that a mistake in one is not carried into the next.
"""

import dataclasses
import functools
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from transcribe.audio.decode import SAMPLES_A_MS
from transcribe.audio.voice_activity import Piece
from transcribe.errors import UsageError
from transcribe.library.transcript import Engine, Word
from transcribe.recognizers.batching import (
    LITTLE_SPEECH_MS,
    checked_language,
    in_batches,
    majority,
    own,
    said,
    speech_ms,
    spoken_in,
    telling,
)
from transcribe.recognizers.openai_whisper.weights import (
    checkpoint,
    default_cache,
    halve,
    load_weights,
    quantize_linear,
)
from transcribe.recognizers.protocol import UNDETERMINED, Hints, Recognition
from transcribe.recognizers.written_words import WrittenWord

if TYPE_CHECKING:
    from torch import Tensor

    from transcribe.recognizers.decoded_window import Decoded
    from transcribe.recognizers.openai_whisper.aligner import WhisperAligner
    from transcribe.recognizers.openai_whisper.decoding import Encoded

DEFAULT_MODEL = "small"  # 461 MB; the least that is pleasant to read, and it knows 99 languages
CPU_BATCH = 8  # more makes no difference that could be measured
LARGEST_BATCH = 32  # on a GPU: 16 minutes of speech, which are lost where the machine stops
MISSED_MS = 1000  # of speech after the last word: Whisper lost its place, and reads on from there
PROGRESS_MS = 1000  # that each reading must make, or there is no next

# A mistake in one piece is not carried into the next; other settings are the package's own.
OPTIONS = {"word_timestamps": True, "condition_on_previous_text": False}


@dataclass(frozen=True, slots=True)
class Window:
    """What is read at one go: a piece, or the rest of one."""

    piece: Piece
    start_ms: int  # on the clock of the stored file, as all times here
    language: str | None = None  # of its piece, once that is known

    def sound(self) -> NDArray[np.float32]:
        """From -1 to 1, shape (samples,)."""
        return self.piece.samples()[(self.start_ms - self.piece.start_ms) * SAMPLES_A_MS :]

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return (self.piece.end_ms - self.start_ms) / 1000

    def speech_ms(self) -> int:
        """How long somebody speaks in it."""
        return speech_ms(self.piece, self.start_ms)

    def rest(self, end_ms: int) -> "Window | None":
        """What is left to be read when the last segment ended there; none where nobody speaks any more."""
        if end_ms - self.start_ms < PROGRESS_MS or speech_ms(self.piece, end_ms) < MISSED_MS:
            return None
        return Window(self.piece, end_ms, self.language)


@dataclass(frozen=True, slots=True)
class Passage:
    """What was read in a window."""

    words: tuple[Word, ...]
    no_speech: float | None
    language: str | None = None
    rest: Window | None = None


class OpenAIWhisper:
    """A `Recognizer`."""

    def __init__(
        self,
        model: str | None = None,
        language: str | None = None,
        device: str | None = None,
        cache: Path | None = None,
        batch_size: int | None = None,
        quantize: str | None = None,
        beam: int | None = None,
    ) -> None:
        """`device` is torch's name for one, such as `cpu` or `cuda:1`; by default the GPU if there is one.

        `batch_size` is by default what the device has room for; `quantize="int8"` holds the weights of linear layers in
        8 bits, on a CPU; `beam` is how many readings of a piece are followed at once, by default the likeliest alone.
        Raises UsageError for a model, language or option that does not exist, EngineUnavailable for a
        model or device that cannot be had here and now.
        """
        import torch
        import whisper
        from whisper.tokenizer import LANGUAGES

        self._device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        _check_quantize(quantize, self._device)
        cache = cache or default_cache()
        weights = checkpoint(model or DEFAULT_MODEL, cache)
        self._model = load_weights(weights, self._device, cache)
        self._asked = checked_language(language, self._model.is_multilingual, LANGUAGES)
        self._fp16 = self._device.startswith("cuda")
        if self._fp16:
            halve(self._model)
        if quantize:
            quantize_linear(self._model)
        self._kept: dict[bytes, Tensor] = {}  # sounds by their sum, encoded to tell their language
        self._beam = beam
        self.batch_size = batch_size or max(1, _room(self._model, self._device) // (beam or 1))
        options: dict[str, Any] = {
            "language": self._asked,
            "device": self._device.partition(":")[0],
            **OPTIONS,
            "fp16": self._fp16,
        }
        options |= {"quantize": quantize, "batch_size": self.batch_size}
        if beam:
            options["beam_size"] = beam
        self.engine = Engine("whisper", whisper.__version__, weights.name, weights.sha256, options)

    def language(self, pieces: Sequence[Piece]) -> str:
        """As `Recognizer` has it: each piece votes for its likeliest language, with that one's probability."""
        if self._asked:
            return self._asked
        self._kept.clear()
        return majority(in_batches(self._languages, telling(pieces), self.batch_size, _is_shortage))

    def recognize(self, pieces: Sequence[Piece], hints: Hints) -> list[Recognition]:
        """As `Recognizer` has it. More pieces than `batch_size` are taken in turns.

        Raises MemoryError where not even a single piece fits into memory.
        """
        language = self._asked or _known(hints.language) or self.language(pieces)
        found = [Recognition(()) for _ in pieces]
        wide = [piece.in_context() for piece in pieces]
        windows = {number: Window(piece, piece.start_ms) for number, piece in enumerate(wide)}
        while windows:
            passages = self._read(windows, language, hints.prompt)
            for number, passage in passages.items():
                before = found[number]
                no_speech = passage.no_speech if before.no_speech is None else before.no_speech
                found[number] = Recognition(before.words + passage.words, no_speech, passage.language)
            windows = {number: passage.rest for number, passage in passages.items() if passage.rest}
        return [own(piece, each) for piece, each in zip(pieces, found, strict=True)]

    def aligner(self) -> "WhisperAligner":
        """What lays given words on a sound, with the same model."""
        from transcribe.recognizers.openai_whisper.aligner import WhisperAligner

        return WhisperAligner(self._model, self._asked, self._fp16)

    def _read(self, windows: dict[int, Window], language: str, prompt: str) -> dict[int, Passage]:
        """Each window once. Those with little speech are read apart, without the prompt: it would be heard in them."""
        little = [number for number, window in windows.items() if prompt and window.speech_ms() < LITTLE_SPEECH_MS]
        others = [number for number in windows if number not in little]
        passages: dict[int, Passage] = {}
        for numbers, hint in ((others, prompt), (little, "")):
            work = functools.partial(self._passages, language=language, prompt=hint)
            read = in_batches(work, [windows[number] for number in numbers], self.batch_size, _is_shortage)
            passages.update(zip(numbers, read, strict=True))
        return passages

    def _passages(self, windows: Sequence[Window], language: str, prompt: str) -> list[Passage]:
        encoded = self._encoded([window.sound() for window in windows])
        languages = self._spoken(windows, encoded, language)
        found: dict[int, Passage] = {}
        for spoken in dict.fromkeys(languages):
            rows = [number for number, other in enumerate(languages) if other == spoken]
            told = [dataclasses.replace(windows[number], language=spoken) for number in rows]
            found.update(zip(rows, self._in_language(told, encoded.rows(rows), spoken, prompt), strict=True))
        return [found[number] for number in range(len(windows))]

    def _spoken(self, windows: Sequence[Window], encoded: "Encoded", language: str) -> list[str]:
        """The language of each window: that of its piece where it was found out before, or can be told for sure."""
        if self._asked:
            return [self._asked] * len(windows)
        heard_in = self._votes(encoded.features)
        return [
            window.language or spoken_in(window.piece, vote, language)
            for window, vote in zip(windows, heard_in, strict=True)
        ]

    def _in_language(self, windows: Sequence[Window], encoded: "Encoded", language: str, prompt: str) -> list[Passage]:
        from whisper.decoding import DecodingOptions
        from whisper.tokenizer import get_tokenizer

        from transcribe.recognizers.openai_whisper.decoding import decode
        from transcribe.recognizers.openai_whisper.word_timing import WindowText, align

        model, many = self._model, self._model.is_multilingual
        tokenizer = get_tokenizer(many, num_languages=model.num_languages, language=language, task="transcribe")
        options = DecodingOptions(language=language, prompt=prompt or None, beam_size=self._beam, fp16=self._fp16)
        decoded = decode(model, encoded, options)
        ends = [  # of the last whole segments, where Whisper says when they end
            None if read.end_s is None else window.start_ms + round(1000 * read.end_s)
            for window, read in zip(windows, decoded, strict=True)
        ]
        kept = [
            read.whole() if end_ms is not None and window.rest(end_ms) else read
            for window, read, end_ms in zip(windows, decoded, ends, strict=True)
        ]
        readings = [
            WindowText.of(read, tokenizer.eot, window.seconds) for window, read in zip(windows, kept, strict=True)
        ]
        timings = align(model, tokenizer, encoded, readings)
        return [_passage(*one) for one in zip(windows, decoded, timings, ends, strict=True)]

    def _languages(self, pieces: Sequence[Piece]) -> list[tuple[str, float]]:
        """The likeliest language of each piece, and how likely it is. What is encoded is kept for recognizing."""
        import torch

        from transcribe.recognizers.openai_whisper.decoding import features

        sounds = [piece.in_context().samples() for piece in pieces]
        encoded = features(self._model, sounds, self._fp16)
        self._kept |= {_name(sound): torch.clone(row) for sound, row in zip(sounds, encoded, strict=True)}
        return self._votes(encoded)

    def _votes(self, features: "Tensor") -> list[tuple[str, float]]:
        from whisper.decoding import detect_language

        _, probabilities = detect_language(self._model, features)
        return [max(of.items(), key=lambda pair: pair[1]) for of in probabilities]

    def _encoded(self, sounds: Sequence[NDArray[np.float32]]) -> "Encoded":
        """Sounds as the decoder attends to them; those by which the language was told are not encoded again."""
        import torch

        from transcribe.recognizers.openai_whisper.decoding import attended, features

        kept = [self._kept.pop(_name(sound), None) if self._kept else None for sound in sounds]
        others = [sound for sound, row in zip(sounds, kept, strict=True) if row is None]
        new = iter(features(self._model, others, self._fp16) if others else ())
        return attended(self._model, torch.stack([next(new) if row is None else row for row in kept]))


def _name(sound: NDArray[np.float32]) -> bytes:
    return hashlib.sha256(sound.tobytes()).digest()


def _is_shortage(problem: Exception) -> bool:
    """Whether there is too little memory; what torch holds in reserve is then let go."""
    import torch

    text = str(problem).lower()
    told = ("allocate memory", "not enough memory", "failed to allocate", "alloc_failed")
    short = isinstance(problem, MemoryError | torch.OutOfMemoryError) or any(words in text for words in told)
    if short and torch.cuda.is_available():
        torch.cuda.empty_cache()
    return short


def _room(model: Any, device: str) -> int:
    """How many windows to decode together: on a GPU a power of two, so that half of its free memory is enough."""
    import torch

    if not device.startswith("cuda"):
        return CPU_BATCH
    free, _ = torch.cuda.mem_get_info(device)
    dims = model.dims
    encoder = 16 * dims.n_audio_ctx * dims.n_audio_state  # its widest layer is 4, with what is made of it
    decoder = 2 * dims.n_text_layer * dims.n_text_state * (dims.n_audio_ctx + dims.n_text_ctx)  # keys and values
    window = 2 * (encoder + decoder) + 4 * 4 * dims.n_vocab  # bytes: in half precision, but for the logits
    fitting = max(1, free // 2 // window)
    return int(min(LARGEST_BATCH, 2 ** (fitting.bit_length() - 1)))


def _passage(window: Window, read: "Decoded", written: list[WrittenWord], end_ms: int | None) -> Passage:
    """What is `written` has its times in seconds from the window's start."""
    piece, no_speech = window.piece, None if math.isnan(read.no_speech) else round(read.no_speech, 3)
    if read.silent:
        return Passage((), no_speech, window.language)
    words = said(piece, window.start_ms, written)
    if end_ms is None:
        end_ms = words[-1].end_ms if words else piece.end_ms
    return Passage(words, no_speech, window.language, window.rest(end_ms))


def _known(language: str | None) -> str | None:
    return None if language == UNDETERMINED else language


def _check_quantize(quantize: str | None, device: str) -> None:
    if quantize not in (None, "int8"):
        raise UsageError(f"Whisper's weights cannot be quantized to {quantize!r}; there is int8")
    if quantize and device != "cpu":
        raise UsageError(f"int8 is for a CPU, not for {device}, which computes in half precision")
