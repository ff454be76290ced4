"""Encoded pieces to text with times, by CTranslate2: what `faster_whisper.BatchedInferencePipeline` does, and more.

That pipeline keeps what it reads first, loops included. Here a poor text is read again in other ways. None of them
draws at random, as the higher temperatures of Whisper do: CTranslate2 has one source of chance for all that a process
reads, so words would depend on what was heard before.
"""

import dataclasses
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transcribe.recognizers.decoded_window import MOST_COMPRESSIBLE, Decoded
from transcribe.recognizers.written_words import TimedText, WrittenWord, characters, shortened, written

TOKENS_PER_SECOND = 50
SMOOTHED = 7  # positions of 20 ms, as in whisper.timing
# By the heads that Whisper's authors published words begin too early, on words timed by hand and by an aligner alike:
# the mean of 30 was 52 ms, with the weights of `base`.
EARLY_S = 0.045
# Ways to read, until a text is not poor: as faster-whisper reads a batch; with timestamps, by which Whisper finds its
# place again; never the same three tokens twice, which no loop survives.
WAYS: tuple[Mapping[str, Any], ...] = (
    {},
    {"without_timestamps": False},
    {"no_repeat_ngram_size": 3},
)


class PieceDecoder:
    """Reads batches of pieces in one language, with one prompt."""

    def __init__(self, model: Any, options: Any, language: str, prompt: str) -> None:
        """`options` are faster-whisper's `TranscriptionOptions`."""
        from faster_whisper.tokenizer import Tokenizer

        self._model, self._options = model, options
        self._tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, "transcribe", language)
        self._before = self._tokenizer.encode(f" {prompt.strip()}") if prompt.strip() else []

    def decode(self, features: NDArray[np.float32], encoded: Any) -> list[Decoded]:
        """What is read in each, `encoded` from the `features`, (pieces, mels, frames); what is silent is left empty."""
        found = self._attempt(encoded, len(features), self._options)
        for way in WAYS[1:]:
            poor = [number for number, read in enumerate(found) if read.poor]
            if poor:
                options = dataclasses.replace(self._options, **way)
                again = self._attempt(self._model.encode(features[poor]), len(poor), options)
                for number, read in zip(poor, again, strict=True):
                    found[number] = _better(found[number], read)
        return [dataclasses.replace(read, tokens=[]) if self._is_silent(read) else read for read in found]

    def align(self, encoded: Any, decoded: Sequence[Decoded], seconds: Sequence[float]) -> list[list[WrittenWord]]:
        """The words of each text, in seconds from the start of its piece."""
        tokens = [read.tokens for read in decoded]
        if not any(tokens):
            return [[] for _ in decoded]
        frames = [max(2, round(2 * TOKENS_PER_SECOND * each)) for each in seconds]
        start = self._tokenizer.sot_sequence
        found = self._model.model.align(encoded, start, tokens, frames, median_filter_width=SMOOTHED)
        return [self._words(*each) for each in zip(tokens, found, strict=True)]

    def _attempt(self, encoded: Any, count: int, options: Any) -> list[Decoded]:
        prompt = self._model.get_prompt(
            self._tokenizer, self._before, without_timestamps=options.without_timestamps, hotwords=options.hotwords
        )
        results = self._model.model.generate(
            encoded,
            [prompt] * count,
            beam_size=options.beam_size,
            patience=options.patience,
            length_penalty=options.length_penalty,
            repetition_penalty=options.repetition_penalty,
            no_repeat_ngram_size=options.no_repeat_ngram_size,
            max_length=self._model.max_length,
            suppress_blank=options.suppress_blank,
            suppress_tokens=options.suppress_tokens,
            max_initial_timestamp_index=round(options.max_initial_timestamp * TOKENS_PER_SECOND),
            return_scores=True,
            return_no_speech_prob=True,
        )
        return [self._decoded(result, options.length_penalty) for result in results]

    def _decoded(self, result: Any, length_penalty: float) -> Decoded:
        tokens = result.sequences_ids[0]
        likely = result.scores[0] * len(tokens) ** length_penalty / (len(tokens) + 1)
        said = [token for token in tokens if token < self._tokenizer.eot]
        text = self._tokenizer.decode(said).strip().encode()
        packed = len(text) / len(zlib.compress(text))
        return Decoded(said, [None] * len(said), [1.0] * len(said), likely, result.no_speech_prob, packed)

    def _is_silent(self, read: Decoded) -> bool:
        """Nobody speaks, and the text is invented: as `whisper.transcribe` judges."""
        likely = read.no_speech > self._options.no_speech_threshold
        return bool(likely and read.mean_log_probability <= self._options.log_prob_threshold)

    def _words(self, tokens: Sequence[int], aligned: Any) -> list[WrittenWord]:
        if not tokens:
            return []
        rows, positions = np.array(aligned.alignments).T
        first = positions[np.diff(rows, prepend=-1) > 0]  # of each token, and the end's
        times = (first / TOKENS_PER_SECOND + np.where(first > 0, EARLY_S, 0)).tolist()
        bits, begin = [], 0
        for text, count in characters(map(self._bytes, tokens)):
            sure = float(np.mean(aligned.text_token_probs[begin : begin + count]))
            bits.append(TimedText(text, times[begin], times[begin + count], sure))
            begin += count
        return shortened(written(bits))

    def _bytes(self, token: int) -> bytes:
        return bytes(_BYTES[character] for character in self._tokenizer.tokenizer.id_to_token(token))


def _better(one: Decoded, other: Decoded) -> Decoded:
    """Of two readings of the same sound the one that is not poor, or else does not go round, or else is likelier."""
    merits = [
        (not read.poor, read.compression <= MOST_COMPRESSIBLE, read.mean_log_probability) for read in (one, other)
    ]
    return other if merits[1] > merits[0] else one


# The letters by which GPT-2's vocabulary writes bytes: printable ones by themselves, the others above U+0100.
_PRINTABLE = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
_OTHERS = [byte for byte in range(256) if byte not in _PRINTABLE]
_BYTES = {chr(byte): byte for byte in _PRINTABLE} | {chr(256 + n): byte for n, byte in enumerate(_OTHERS)}
