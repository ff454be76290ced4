"""A batch of windows to tokens, on Whisper's own encoder, decoder and `DecodingTask`.

Same tokens as `whisper.decode` gives for each window by itself. What is done otherwise is done for speed: the keys and
values of the cross attention are made once for all attempts and for the alignment, windows that have come to their end
cost nothing more, and no rule is applied window by window.

Import it only where Whisper is used: it loads torch.
"""

import dataclasses
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from whisper.audio import N_SAMPLES, TOKENS_PER_SECOND, log_mel_spectrogram, pad_or_trim
from whisper.decoding import ApplyTimestampRules, BeamSearchDecoder, DecodingOptions, DecodingResult, DecodingTask

from transcribe.recognizers.decoded_window import Decoded

# The defaults of `whisper.transcribe`: where an answer is poor, the next temperature is tried.
TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

SEED = 0
KEEP = 3 / 4  # of the windows held that must be going on still, or the others are let go


@dataclass(frozen=True, slots=True)
class Encoded:
    """Windows as the decoder attends to them."""

    features: Tensor  # (windows, positions, width), 1,500 positions of 20 ms
    cross: dict[nn.Module, Tensor]  # of each layer's key and value module, what it makes of them: the same shape

    def __len__(self) -> int:
        return len(self.features)

    def rows(self, numbers: list[int]) -> "Encoded":
        """Some of the windows."""
        if numbers == list(range(len(self))):
            return self
        return Encoded(self.features[numbers], {module: made[numbers] for module, made in self.cross.items()})

    def repeated(self, times: int) -> "Encoded":
        """Each window so many times in a row: once for each beam that reads it."""
        if times == 1:
            return self
        return Encoded(self.features, {module: made.repeat_interleave(times, 0) for module, made in self.cross.items()})

    def cache(self, model: Any) -> dict[nn.Module, Tensor]:
        """What `model.decoder` takes as its cache, with no token in it yet. Its first entry tells how many are."""
        none = next(iter(self.cross.values()))[:, :0]
        blocks = model.decoder.blocks
        return {module: none for block in blocks for module in (block.attn.key, block.attn.value)} | self.cross


def encode(model: Any, sounds: Sequence[Any], fp16: bool) -> Encoded:
    """Sounds of at most 30 s, float arrays of 16 kHz, as the decoder attends to them."""
    return attended(model, features(model, sounds, fp16))


@torch.inference_mode()
def features(model: Any, sounds: Sequence[Any], fp16: bool) -> Tensor:
    """Encodes sounds, each filled up with silence: (sounds, positions, width).

    With silence, not the spectrogram with zeros, as `whisper.transcribe` would have it, for these are a hum: with the
    micro checkpoint that makes 40 words of 100 wrong in short pieces, mostly words heard in it, instead of 3. Each gets
    a spectrogram of its own, whose floor is set by its own loudest moment.
    """
    mels = [log_mel_spectrogram(pad_or_trim(sound, N_SAMPLES), model.dims.n_mels, 0, model.device) for sound in sounds]
    mel = torch.stack(mels)
    encoded: Tensor = model.encoder(mel.half() if fp16 else mel)
    return encoded


@torch.inference_mode()
def attended(model: Any, features: Tensor) -> Encoded:
    """What was encoded, with the keys and values of each layer."""
    made = (module for block in model.decoder.blocks for module in (block.cross_attn.key, block.cross_attn.value))
    return Encoded(features, {module: module(features) for module in made})


def decode(model: Any, encoded: Encoded, options: DecodingOptions) -> list[Decoded]:
    """Reads each window, and at the next higher temperature those alone whose reading is poor.

    Beams, where the options ask for some, are for the first reading: above a temperature of 0 tokens are drawn.
    """
    found: dict[int, Decoded] = {}
    trying = list(range(len(encoded)))
    for temperature in TEMPERATURES:
        if trying:
            beams = None if temperature else options.beam_size
            again = dataclasses.replace(options, temperature=temperature, beam_size=beams)
            found.update(zip(trying, _attempt(model, encoded.rows(trying), again), strict=True))
            trying = [number for number in trying if found[number].poor]
    return [found[number] for number in range(len(encoded))]


@torch.inference_mode()
def _attempt(model: Any, encoded: Encoded, options: DecodingOptions) -> list[Decoded]:
    task = _Task(model, options)
    task.inference = inference = _Inference(model, encoded.repeated(task.n_group), task.tokenizer.eot)
    choice: _Beams | _Choice = _Choice(options.temperature, task.tokenizer.eot)
    if options.beam_size:
        choice = _Beams(options.beam_size, task.tokenizer.eot, inference)
    task.decoder = choice
    task.logit_filters = [
        _TimestampRules(rule) if isinstance(rule, ApplyTimestampRules) else rule for rule in task.logit_filters
    ]
    results = task.run(encoded.features)
    first, probabilities = task.tokenizer.timestamp_begin, choice.probabilities(results)
    return [_decoded(result, sure, first) for result, sure in zip(results, probabilities, strict=True)]


def _decoded(result: DecodingResult, probabilities: list[float], first: int) -> Decoded:
    times = [(token - first) / TOKENS_PER_SECOND if token >= first else None for token in result.tokens]
    return Decoded(
        result.tokens, times, probabilities, result.avg_logprob, result.no_speech_prob, result.compression_ratio
    )


class _Task(DecodingTask):  # type: ignore[misc] # whisper is untyped
    """Whisper's, for many windows that several beams read: since 2023 its own takes no more than one of them."""

    def _get_audio_features(self, features: Tensor) -> Tensor:
        return features.repeat_interleave(self.n_group, 0)

    def _detect_language(self, _: Tensor, tokens: Tensor) -> tuple[list[str | None], None]:
        return [self.options.language] * len(tokens), None


class _Inference:
    """`whisper.decoding.Inference`: runs the decoder for the windows that have not come to their end."""

    def __init__(self, model: Any, encoded: Encoded, eot: int) -> None:
        self._decoder, self._features, self._eot = model.decoder, encoded.features, eot
        self._cache, self._hooks = model.install_kv_cache_hooks(encoded.cache(model))
        rows = len(next(iter(encoded.cross.values())))
        self._held = torch.arange(rows, device=encoded.features.device)  # the windows, or their beams, in the cache
        self._begun = False

    def logits(self, tokens: Tensor, _: Tensor) -> Tensor:
        """Of the tokens not seen yet, (windows, tokens, vocabulary); zero for windows that are done."""
        fresh = tokens[:, -1:] if self._begun else tokens
        going_on = tokens[self._held, -1] != self._eot
        if going_on.sum() <= KEEP * len(going_on):  # lets the others go
            self._held = self._held[going_on]
            self._cache.update({module: made[going_on] for module, made in self._cache.items()})
        logits: Tensor = self._decoder(fresh[self._held], self._features, kv_cache=self._cache)
        self._begun = True
        if len(self._held) == len(tokens):
            return logits
        everyone = logits.new_zeros(len(tokens), *logits.shape[1:])
        everyone[self._held] = logits
        return everyone

    def rearrange_kv_cache(self, sources: list[int]) -> None:
        """Goes on in each row from what another had read. Beams change places within their window, which stays."""
        own = (module for block in self._decoder.blocks for module in (block.attn.key, block.attn.value))
        self._cache.update({module: self._cache[module][sources] for module in own})

    def cleanup_caching(self) -> None:
        """Called when all is decoded."""
        for hook in self._hooks:
            hook.remove()
        self._cache.clear()


class _Choice:
    """`whisper.decoding.TokenDecoder`: the likeliest token, or at a temperature above 0 one drawn at random.

    It is drawn by adding Gumbel noise, the same to each window: so what is drawn for one does not depend on the others,
    and a window has the same words in any batch.
    """

    def __init__(self, temperature: float, eot: int) -> None:
        self._temperature, self._eot = temperature, eot
        self._random = torch.Generator().manual_seed(SEED)  # its own: nobody else's numbers are changed
        self._log_probabilities: list[Tensor] = []  # of each step, (windows,)

    def reset(self) -> None:
        """Called before the first step."""

    def update(self, tokens: Tensor, logits: Tensor, sums: Tensor) -> tuple[Tensor, bool]:
        """Adds a token to each window, and its log probability to `sums`; says whether all are at their end."""
        logits = logits.float()
        weighed = logits
        if self._temperature:  # with this noise the highest is a draw by probability (the Gumbel-max trick)
            exponential = torch.empty(logits.shape[-1]).exponential_(generator=self._random)
            weighed = logits / self._temperature - exponential.log().to(logits.device)
        chosen = weighed.argmax(dim=-1)
        sure = logits.gather(1, chosen[:, None])[:, 0] - logits.logsumexp(dim=-1)
        done = tokens[:, -1] == self._eot
        chosen[done] = self._eot
        sums += sure.masked_fill(done, 0)
        self._log_probabilities.append(sure)
        return torch.cat([tokens, chosen[:, None]], dim=-1), bool((chosen == self._eot).all())

    def finalize(self, tokens: Tensor, sums: Tensor) -> tuple[Tensor, list[list[float]]]:
        """The same, each with an end."""
        return nn.functional.pad(tokens, (0, 1), value=self._eot), sums.tolist()

    def probabilities(self, _: Sequence[DecodingResult]) -> list[list[float]]:
        """Of each token of each window, when it was chosen."""
        found: list[list[float]] = torch.stack(self._log_probabilities, dim=1).exp().tolist()
        return found


class _Beams(BeamSearchDecoder):  # type: ignore[misc] # likewise
    """Whisper's beam search, which here remembers how likely each token was."""

    def reset(self) -> None:
        """Called before the first step."""
        super().reset()
        self._sums: dict[tuple[int, tuple[int, ...]], float] = {}  # log probability of a window's tokens up to then

    def update(self, tokens: Tensor, logits: Tensor, sums: Tensor) -> tuple[Tensor, bool]:
        """As `whisper.decoding.TokenDecoder` has it; a row is a beam, those of a window stand together."""
        if not self._sums:
            self._remember(tokens, sums)
        longer, done = super().update(tokens, logits, sums)
        self._remember(longer, sums)
        return longer, done

    def probabilities(self, results: Sequence[DecodingResult]) -> list[list[float]]:
        """Of each token of each window, when it was chosen."""
        return [self._steps(window, tuple(result.tokens)) for window, result in enumerate(results)]

    def _remember(self, tokens: Tensor, sums: Tensor) -> None:
        for row, (line, total) in enumerate(zip(tokens.tolist(), sums.tolist(), strict=True)):
            self._sums[row // self.beam_size, tuple(line)] = total

    def _steps(self, window: int, tokens: tuple[int, ...]) -> list[float]:
        before = next(iter(self._sums))[1]
        totals = [self._sums[window, before + tokens[:count]] for count in range(len(tokens) + 1)]
        return [math.exp(after - until) for until, after in itertools.pairwise(totals)]


class _TimestampRules:
    """`whisper.decoding.ApplyTimestampRules`, for all windows at once: there they are a loop, with two waits for a GPU.

    Timestamps come in pairs, but for the first and the last; they never go back; a segment lasts; the first is near the
    start; and one is chosen where all together are likelier than any token of text.
    """

    def __init__(self, rules: Any) -> None:
        tokenizer = rules.tokenizer
        self._no_timestamps, self._eot, self._first = tokenizer.no_timestamps, tokenizer.eot, tokenizer.timestamp_begin
        self._sample_begin, self._latest_start = rules.sample_begin, rules.max_initial_timestamp_index

    def apply(self, logits: Tensor, tokens: Tensor) -> None:
        """Sets the logits, (windows, vocabulary), of what must not follow the tokens, (windows, tokens), to -inf."""
        logits[:, self._no_timestamps] = -math.inf
        texts, times = logits[:, : self._first], logits[:, self._first :]
        sampled = tokens[:, self._sample_begin :]
        if sampled.shape[1]:
            self._follow(logits, times, sampled)
        else:
            texts.fill_(-math.inf)
            times[:, self._latest_start + 1 :] = -math.inf
        timed = times.float().logsumexp(dim=-1) > texts.amax(dim=-1)
        texts.masked_fill_(timed[:, None], -math.inf)

    def _follow(self, logits: Tensor, times: Tensor, sampled: Tensor) -> None:
        is_time = sampled >= self._first
        last = is_time[:, -1]
        before = is_time[:, -2] if sampled.shape[1] > 1 else torch.ones_like(last)
        closing = last & ~before  # after the time at which a segment ends comes another time, or the end
        logits[:, : self._eot].masked_fill_(closing[:, None], -math.inf)
        latest = (sampled - self._first).masked_fill(~is_time, -1).amax(dim=-1)
        earliest = latest + 1 - closing.long()
        too_early = torch.arange(times.shape[1], device=times.device) < earliest[:, None]
        times.masked_fill_(too_early | (last & before)[:, None], -math.inf)
