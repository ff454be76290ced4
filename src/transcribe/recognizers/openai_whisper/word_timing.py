"""When the words that Whisper read in a batch of windows were said, told by the decoder's attention to the sound.

The method is that of `whisper.timing`: the attention of some heads of the cross attention, smoothed, and through it the
cheapest path (dynamic time warping). There it is done window by window and encodes each again; here the decoder goes
once over the words of the whole batch, with what was encoded already.

Import it only where Whisper is used: it loads torch.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from whisper.audio import TOKENS_PER_SECOND
from whisper.timing import median_filter

from transcribe.recognizers.decoded_window import Decoded
from transcribe.recognizers.openai_whisper.decoding import Encoded
from transcribe.recognizers.written_words import TimedText, WrittenWord, characters, shortened, written

SMOOTHED = 7  # positions of 20 ms, as in whisper.timing
LEAST_DEVIATION = 1e-4  # of the attention to a position; below it, nobody looks there, and it would be noise made large
NETWORK = ((0, 5), (0, 3), (1, 6), (2, 4), (0, 1), (3, 5), (2, 6), (2, 3), (3, 6), (4, 5), (1, 4), (1, 3), (3, 4))


@dataclass(frozen=True, slots=True)
class WindowText:
    """Text to be aligned with the sound of its window."""

    tokens: list[int]  # of text alone
    probabilities: list[float]  # of each
    seconds: float  # that the sound lasts: no word is looked for in what the window was filled up with

    @classmethod
    def of(cls, read: Decoded, eot: int, seconds: float) -> Self:
        """What was decoded, without its timestamps; nothing of a window that is silent."""
        kept = [] if read.silent else read.within(seconds).tokens
        text = [(token, sure) for token, sure in zip(kept, read.probabilities, strict=False) if token < eot]
        return cls([token for token, _ in text], [sure for _, sure in text], seconds)


@torch.inference_mode()
def align(model: Any, tokenizer: Any, encoded: Encoded, readings: Sequence[WindowText]) -> list[list[WrittenWord]]:
    """The words of each reading, with their punctuation, in seconds from the start of their window."""
    words: list[list[WrittenWord]] = [[] for _ in readings]
    spoken = [number for number, reading in enumerate(readings) if reading.tokens]
    if spoken:
        before = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        lines = [[*before, *readings[number].tokens, tokenizer.eot] for number in spoken]
        attention = _Attention(model, encoded.rows(spoken), lines)
        for row, (number, line) in enumerate(zip(spoken, lines, strict=True)):
            reading = readings[number]
            scores = attention.scores(row, len(line))[..., : max(1, round(reading.seconds * TOKENS_PER_SECOND))]
            words[number] = _words(tokenizer, reading, _smoothed(scores)[len(before) - 1 : -1])
    return words


class _Attention:
    """What the decoder looks at in the sound while it reads lines of tokens: the heads that align, of all layers."""

    def __init__(self, model: Any, encoded: Encoded, lines: list[list[int]]) -> None:
        self._heads: dict[int, list[int]] = defaultdict(list)
        for layer, head in model.alignment_heads.indices().T.tolist():
            self._heads[layer].append(head)
        blocks = model.decoder.blocks
        self._head_count = blocks[0].cross_attn.n_head
        self._keys = {layer: encoded.cross[blocks[layer].cross_attn.key] for layer in self._heads}
        self._queries = self._read(model, encoded, lines)

    def _read(self, model: Any, encoded: Encoded, lines: list[list[int]]) -> dict[int, Tensor]:
        """One pass over all lines, the shorter filled up at their end, which changes nothing before it."""
        decoder, longest = model.decoder, max(map(len, lines))
        tokens = torch.tensor([line + [line[-1]] * (longest - len(line)) for line in lines], device=model.device)
        queries: dict[int, Tensor] = {}
        x = (decoder.token_embedding(tokens) + decoder.positional_embedding[:longest]).to(encoded.features.dtype)
        for layer, block in enumerate(decoder.blocks[: max(self._heads) + 1]):
            hook = block.cross_attn.query.register_forward_hook(
                lambda _, __, made, layer=layer: queries.__setitem__(layer, made)
            )
            x = block(x, encoded.features, mask=decoder.mask, kv_cache=encoded.cache(model))
            hook.remove()
        return queries

    def scores(self, row: int, length: int) -> Tensor:
        """Of one line of that many tokens, before the softmax: (heads, tokens, positions)."""
        scores = []
        for layer, heads in self._heads.items():
            query, key = self._split(self._queries[layer][row, :length]), self._split(self._keys[layer][row])
            scale = query.shape[-1] ** -0.25  # on both sides, as in whisper.model, so that half precision holds them
            scores.append((query[heads] * scale) @ (key[heads] * scale).transpose(-1, -2))
        return torch.cat(scores).float()

    def _split(self, x: Tensor) -> Tensor:
        """(places, width) by heads: (heads, places, width of a head)."""
        return x.view(len(x), self._head_count, -1).transpose(0, 1)


def _smoothed(scores: Tensor) -> Tensor:
    """How well each token fits each position, over all heads: (tokens, positions)."""
    weights = scores.softmax(dim=-1)
    deviation, mean = torch.std_mean(weights, dim=-2, keepdim=True, unbiased=False)
    weights = (weights - mean) / deviation.clamp(min=LEAST_DEVIATION)
    if weights.is_cuda:
        smooth: Tensor = median_filter(weights, SMOOTHED)
    else:
        smooth = torch.from_numpy(np.stack([_median(head) for head in weights.numpy()]))
    return smooth.mean(dim=0)


def _median(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """What `whisper.timing.median_filter` gives, in a tenth of its time: it sorts, this compares and exchanges.

    The comparisons are those of N. Devillard's network for the median of seven, "Fast median search" (1998).
    """
    padded = np.pad(rows, ((0, 0), (SMOOTHED // 2, SMOOTHED // 2)), mode="reflect")
    columns = [padded[:, at : at + rows.shape[1]].copy() for at in range(SMOOTHED)]
    spare = np.empty_like(rows)
    for low, high in NETWORK:
        np.minimum(columns[low], columns[high], out=spare)
        np.maximum(columns[low], columns[high], out=columns[high])
        columns[low], spare = spare, columns[low]
    return columns[SMOOTHED // 2]


def _words(tokenizer: Any, reading: WindowText, matrix: Tensor) -> list[WrittenWord]:
    times = _token_times(matrix).tolist()  # of each token, and the end's
    bits, begin = [], 0
    for text, count in characters(map(tokenizer.encoding.decode_single_token_bytes, reading.tokens)):
        sure = float(np.mean(reading.probabilities[begin : begin + count]))
        bits.append(TimedText(text, times[begin], times[begin + count], sure))
        begin += count
    return shortened(written(bits))


def _token_times(matrix: Tensor) -> NDArray[np.float64]:
    """When each token, and after the last the end, is first on the cheapest path through the matrix, in seconds."""
    tokens, positions = cheapest_path(-matrix.double().cpu().numpy())
    first = np.diff(tokens, prepend=-1) > 0
    times: NDArray[np.float64] = positions[first] / TOKENS_PER_SECOND
    return times


def cheapest_path(cost: NDArray[np.float64]) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """The row and the column of each step from the first corner of a matrix to the last, as `whisper.timing.dtw` does.

    That one is compiled when first used, which takes seconds, and its threads get in the way of torch's from then on:
    on two busy cores decoding took ten times as long. Here a row is made at once: to reach a cell is to enter its row
    in some column before it, and to go on from there, so it costs the least of what it takes to enter, less the row's
    sum up to there, and the sum up to the cell.
    """
    rows, columns = cost.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0
    for row, own in enumerate(cost):
        sums = own.cumsum()
        entered = np.minimum(total[row, :-1], total[row, 1:])
        total[row + 1, 1:] = sums + np.minimum.accumulate(entered - (sums - own))
    return _steps_back(total)


def _steps_back(total: NDArray[np.float64]) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    row, column = total.shape[0] - 1, total.shape[1] - 1
    steps = []
    while row > 0 and column > 0:
        steps.append((row - 1, column - 1))
        both, up, left = total[row - 1, column - 1], total[row - 1, column], total[row, column - 1]
        if both < up and both < left:
            row, column = row - 1, column - 1
        elif up < both and up < left:
            row -= 1
        else:
            column -= 1
    path = np.array(steps[::-1])
    return path[:, 0], path[:, 1]
