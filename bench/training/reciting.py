"""Whisper checkpoints of the published sizes that need no download: random weights, but for what they say.

Whatever is played to them, they recite 98 words between two timestamps and end: 100 tokens a window, about as many as
people say in 30 s. So every engine does the same work with its own default options: no window fails Whisper's tests
and is decoded again, none ends early, and the beams of a search end together, as those of a trained model mostly do.

How: the last layer's feed-forward part holds a matrix that takes each token's embedding to that of the next. As
gelu(x) - gelu(-x) = x, it can, and as all else adds little to the residual stream, the sound is heard but not heeded.
Each word has near synonyms, which are what the other beams of a search walk through.
"""

import random
import re
from pathlib import Path

import torch
from torch import Tensor
from whisper.model import ModelDimensions, Whisper
from whisper.tokenizer import Tokenizer, get_tokenizer

SIZES = {"tiny": (384, 6, 4), "base": (512, 8, 6), "small": (768, 12, 12)}  # width, heads, layers of either half
LANGUAGES = 99
WORDS = 98  # a window
SYNONYMS = 4  # of a word, so that five beams find five ways
LIKENESS = 0.93  # of a synonym to its word, which is then about ten times as likely
END_S = 27.0  # when the recital says it ends
SPREAD = 0.1  # of embeddings, which makes the logit of the next token about 36 and that of any other under 10
STILL = 0.001  # of what the other layers add to the residual stream
PULL = 3.0  # of the next token against the present one


def write(size: str, path: Path, seed: int = 0) -> None:
    """A checkpoint as `whisper.load_model` takes it, in half precision as the published ones are."""
    torch.manual_seed(seed)
    width, heads, layers = SIZES[size]
    dims = ModelDimensions(80, 1500, width, heads, layers, 51_865, 448, width, heads, layers)
    model = Whisper(dims)
    with torch.no_grad():
        _silence(model)
        _teach(model, random.Random(seed))
    state = {name: value.half() for name, value in model.state_dict().items()}
    torch.save({"dims": vars(dims), "model_state_dict": state}, path)


def _silence(model: Whisper) -> None:
    """What each layer of the decoder adds to its residual stream becomes nearly nothing."""
    torch.nn.init.normal_(model.decoder.token_embedding.weight, std=SPREAD)
    torch.nn.init.normal_(model.decoder.positional_embedding, std=STILL)
    for block in model.decoder.blocks:
        for last in (block.attn.out, block.cross_attn.out, block.mlp[2]):
            torch.nn.init.normal_(last.weight, std=STILL)
            torch.nn.init.zeros_(last.bias)


def _teach(model: Whisper, dice: random.Random) -> None:
    """The recital: after each token the next."""
    tokens = get_tokenizer(multilingual=True, num_languages=LANGUAGES, language="en", task="transcribe")
    words = dice.sample(_usable(tokens), WORDS * (1 + SYNONYMS))
    embedding = model.decoder.token_embedding.weight
    for n, synonym in enumerate(words[WORDS:]):
        mixed = LIKENESS * embedding[words[n % WORDS]] + (1 - LIKENESS**2) ** 0.5 * embedding[synonym]
        embedding[synonym] = mixed
    begin, end = tokens.timestamp_begin, tokens.timestamp_begin + round(END_S / 0.02)
    said = [*tokens.sot_sequence, begin, *words[:WORDS], end, tokens.eot]
    pairs = [*zip(said, [*said[1:], tokens.eot], strict=True), (tokens.no_timestamps, words[0])]
    before, after = (embedding[list(side)] for side in zip(*pairs, strict=True))
    normed = torch.nn.functional.layer_norm(before, before.shape[1:])
    _write_matrix(model.decoder.blocks[-1].mlp, PULL * torch.linalg.lstsq(normed, after, driver="gelsd").solution.T)


def _write_matrix(mlp: torch.nn.Sequential, matrix: Tensor) -> None:
    """Makes of gelu(x) - gelu(-x) the matrix times x."""
    width = len(matrix)
    into, out = mlp[0], mlp[2]
    assert isinstance(into, torch.nn.Linear)
    assert isinstance(out, torch.nn.Linear)
    torch.nn.init.zeros_(into.bias)
    into.weight[:width], into.weight[width : 2 * width] = torch.eye(width), -torch.eye(width)
    out.weight[:, :width], out.weight[:, width : 2 * width] = matrix, -matrix


def _usable(tokens: Tokenizer) -> list[int]:
    """Tokens that are each a word by itself."""
    forbidden = set(tokens.non_speech_tokens)
    there = range(tokens.eot)
    return [n for n in there if n not in forbidden and re.fullmatch(r" [a-z]{3,8}", tokens.decode([n]))]
