"""Trains a Whisper from nothing until it hears the words of a small vocabulary, and when each is said.

Beside the tokens it learns two things, without which it recites and cannot align:

- the words by CTC on the encoder's output (Graves et al. 2006), which makes the encoder listen; that head is dropped
- to look where the word is heard, with the last layer's cross-attention, which is what word times are read from
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from whisper.model import ModelDimensions, Whisper, sinusoids

from bench.training.micro_windows import POSITION_S, POSITIONS, Span, Tokens, Windows

WIDTH, HEADS = 96, 4
DIMENSIONS = ModelDimensions(
    n_mels=80,
    n_audio_ctx=POSITIONS,
    n_audio_state=WIDTH,
    n_audio_head=HEADS,
    n_audio_layer=3,
    n_vocab=51_864,  # of Whisper's English models
    n_text_ctx=448,
    n_text_state=WIDTH,
    n_text_head=HEADS,
    n_text_layer=2,
)
WARM_UP = 300  # steps until a phase has its full rate
NOT_ASKED = -100  # in place of a token, where none is wanted


@dataclass(frozen=True)
class Phase:
    """A part of the training."""

    steps: int
    batch: int  # windows a step
    positions: int  # of the encoder, in a window
    most: int  # utterances in a window
    ctc: float  # weight of this loss
    attention: float  # and of this one; that of the tokens is 1
    rate: float  # of learning, at first
    last_rate: float


# Short windows first: 0.3 s a step on two cores instead of 1.4.
PHASES = {
    "short": Phase(4500, 16, 256, 1, ctc=0.5, attention=0.3, rate=1.5e-3, last_rate=1e-3),
    "middle": Phase(2000, 8, 640, 5, ctc=0.3, attention=0.3, rate=1e-3, last_rate=7e-4),
    "full": Phase(3400, 6, POSITIONS, 16, ctc=0.2, attention=0.4, rate=7e-4, last_rate=2e-5),
}


@dataclass(frozen=True)
class Batch:
    """Windows, side by side. Tokens are rows of the small embedding."""

    mel: Tensor  # (windows, 80, 2 * positions)
    offsets: Sequence[int]  # in the encoder's positions
    given: Tensor  # (windows, tokens)
    wanted: Tensor  # (windows, tokens): the token after each
    heard: Tensor  # (windows, tokens, positions): 1 where the wanted token is heard
    words: Sequence[Sequence[int]]


@dataclass(frozen=True)
class Losses:
    """Of one step."""

    tokens: Tensor  # cross-entropy
    ctc: Tensor
    attention: Tensor  # minus the log of the share that rests where the word is heard
    right: float  # share of the text's tokens that would be chosen

    def weighted(self, phase: Phase) -> Tensor:
        """What is to become less."""
        return self.tokens + phase.ctc * self.ctc + phase.attention * self.attention

    def __str__(self) -> str:
        parts = (self.tokens.item(), self.ctc.item(), self.attention.item(), self.right)
        return "tokens {:.3f}, ctc {:.3f}, attention {:.3f}, right {:.3f}".format(*parts)


class Trainer:
    """A model in the making.

    The rows of unused tokens stay zero in its embedding: their part of the softmax is then a constant, so that the loss
    over all of the vocabulary costs nothing, and the checkpoint packs to a seventh.
    """

    def __init__(self, windows: Windows, tokens: Tokens) -> None:
        self._windows, self._tokens = windows, tokens
        self._model = Whisper(DIMENSIONS)
        _initialize(self._model)
        self._embedding = torch.nn.Parameter(torch.randn(len(tokens.used), WIDTH) * 0.1)
        self._embedding.data[tokens.first_time_row :][: POSITIONS + 1] = sinusoids(POSITIONS + 1, WIDTH) * 0.15
        self._unused = math.log(DIMENSIONS.n_vocab - len(tokens.used))  # e**0 each
        self._listener = torch.nn.Linear(WIDTH, len(tokens.number) + 1)  # for CTC
        named = self._model.named_parameters()
        own = [parameter for name, parameter in named if "token_embedding" not in name]
        self._parameters = [*own, self._embedding, *self._listener.parameters()]
        self._optimizer = torch.optim.AdamW(self._parameters, lr=1e-3, betas=(0.9, 0.98), weight_decay=0.01)

    def run(self, phase: Phase, steps: int, every: int) -> None:
        """So many steps of a phase; one of `every` is printed."""
        began = time.monotonic()
        for step in range(steps):
            losses = self._step(phase, step)
            if (step + 1) % every == 0:
                took = time.monotonic() - began
                print(f"{phase.positions} positions, step {step + 1}: {losses}, {took:.0f} s", flush=True)

    def save(self, path: Path) -> None:
        """As `whisper.load_model` takes it, in half precision."""
        table = torch.zeros(DIMENSIONS.n_vocab, WIDTH)
        table[self._tokens.used] = self._embedding.data
        state = {**self._model.state_dict(), "decoder.token_embedding.weight": table}
        halves = {name: value.half() for name, value in state.items()}
        torch.save({"dims": vars(DIMENSIONS), "model_state_dict": halves}, path)

    def _step(self, phase: Phase, step: int) -> Losses:
        rate = phase.rate + (phase.last_rate - phase.rate) * step / phase.steps
        for group in self._optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / WARM_UP)
        losses = self._losses(self._batch(phase))
        self._optimizer.zero_grad()
        losses.weighted(phase).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self._optimizer.step()
        return losses

    def _batch(self, phase: Phase) -> Batch:
        drawn = [self._windows.draw(phase.positions, phase.most) for _ in range(phase.batch)]
        longest = max(len(window.tokens) for window in drawn) - 1
        given = torch.full((phase.batch, longest), self._tokens.row[self._tokens.special.eot])
        wanted = torch.full((phase.batch, longest), NOT_ASKED)
        heard = torch.zeros(phase.batch, longest, phase.positions)
        for n, window in enumerate(drawn):
            rows = torch.tensor([self._tokens.row[token] for token in window.tokens])
            given[n, : len(rows) - 1], wanted[n, : len(rows) - 1] = rows[:-1], rows[1:]
            for at, span in enumerate(window.spans[1:]):
                if span:
                    heard[n, at, _positions(span)] = 1
        mel = torch.stack([window.mel for window in drawn])
        return Batch(mel, [w.offset for w in drawn], given, wanted, heard, [w.words for w in drawn])

    def _losses(self, batch: Batch) -> Losses:
        sound = self._encoded(batch.mel, batch.offsets)
        logits, attention = self._decoded(batch.given, sound)
        asked, looked_for = batch.wanted != NOT_ASKED, batch.heard.any(-1)
        text = asked & (batch.wanted < self._tokens.first_time_row)
        return Losses(
            tokens=self._cross_entropy(logits[asked], batch.wanted[asked]),
            ctc=self._ctc(sound, batch.words),
            attention=-torch.log((attention * batch.heard).sum(-1) + 1e-4)[looked_for].mean(),
            right=(logits.argmax(-1) == batch.wanted)[text].float().mean().item(),
        )

    def _cross_entropy(self, logits: Tensor, wanted: Tensor) -> Tensor:
        """Over the whole vocabulary. Shapes: (tokens, used rows), (tokens,)."""
        unused = torch.full((len(logits), 1), self._unused)
        total = torch.logsumexp(torch.cat([logits, unused], -1), -1)
        return (total - logits.gather(-1, wanted[:, None])[:, 0]).mean()

    def _ctc(self, sound: Tensor, words: Sequence[Sequence[int]]) -> Tensor:
        likely = self._listener(sound).log_softmax(-1).transpose(0, 1)
        lengths = torch.full((len(words),), sound.shape[1])
        spoken, counts = torch.tensor([*chain(*words)]), torch.tensor([*map(len, words)])
        return functional.ctc_loss(likely, spoken, lengths, counts, zero_infinity=True)

    def _encoded(self, mel: Tensor, offsets: Sequence[int]) -> Tensor:
        """What `AudioEncoder.forward` does, for windows shorter than 30 s too: (windows, positions, width)."""
        encoder = self._model.encoder
        x = functional.gelu(encoder.conv2(functional.gelu(encoder.conv1(mel)))).permute(0, 2, 1)
        x = x + torch.stack([encoder.positional_embedding[at : at + x.shape[1]] for at in offsets])
        for block in encoder.blocks:
            x = block(x)
        return encoder.ln_post(x)  # type: ignore[no-any-return]

    def _decoded(self, rows: Tensor, sound: Tensor) -> tuple[Tensor, Tensor]:
        """What `TextDecoder.forward` does, over the used rows: (windows, tokens, used rows); and the last layer's
        cross-attention, the mean of its heads: (windows, tokens, positions)."""
        decoder = self._model.decoder
        x, attention = self._embedding[rows] + decoder.positional_embedding[: rows.shape[1]], sound
        for block in decoder.blocks:
            x = x + block.attn(block.attn_ln(x), mask=decoder.mask)[0]
            cross, asking = block.cross_attn, block.cross_attn_ln(x)
            query, key, value = (_in_heads(y) for y in (cross.query(asking), cross.key(sound), cross.value(sound)))
            weights = torch.softmax(query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5, -1)
            attention = weights.mean(1)
            x = x + cross.out((weights @ value).transpose(1, 2).flatten(2))
            x = x + block.mlp(block.mlp_ln(x))
        return decoder.ln(x) @ self._embedding.T, attention


def _initialize(model: Whisper) -> None:
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1 and "positional" not in name and "token_embedding" not in name:
            torch.nn.init.xavier_uniform_(parameter)
    model.decoder.positional_embedding.data.copy_(sinusoids(DIMENSIONS.n_text_ctx, WIDTH) * 0.3)


def _in_heads(x: Tensor) -> Tensor:
    """(windows, length, width) as (windows, heads, length, width of a head)."""
    return x.view(*x.shape[:2], HEADS, -1).transpose(1, 2)


def _positions(span: Span) -> slice:
    """Those of the encoder that hear it, at least one."""
    first = max(0, int(span[0] / POSITION_S))
    return slice(first, max(first + 1, math.ceil(span[1] / POSITION_S)))
