"""A Whisper checkpoint as CTranslate2 and faster-whisper read it, made without transformers.

The two know the weights by other names and in other groups: queries, keys and values of one attention are one matrix
there. The tokenizer is rebuilt from the ranks that openai-whisper ships.
"""

import functools
import itertools
import json
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
import whisper
from ctranslate2.specs.whisper_spec import WhisperSpec
from numpy.typing import NDArray
from tokenizers import AddedToken, decoders, models, pre_tokenizers
from whisper.model import Whisper
from whisper.tokenizer import Tokenizer, get_tokenizer

Weights = dict[str, NDArray[np.float32]]


def convert(checkpoint: Path, folder: Path) -> Path:
    """The folder, filled with a model of 32 bit weights; CTranslate2 makes of them what it is asked for as it loads."""
    return write(whisper.load_model(str(checkpoint), "cpu"), folder)


def write(model: Whisper, folder: Path) -> Path:
    """The same for a model in memory."""
    tokens = tokenizer(model.is_multilingual, model.num_languages)
    written = rebuilt_tokenizer(tokens)
    spec = _spec(model)
    spec.register_vocabulary([written.id_to_token(i) for i in range(model.dims.n_vocab)])
    for name, value in _config(model, tokens).items():
        setattr(spec.config, name, value)
    spec.validate()
    spec.optimize()
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    written.save(str(folder / "tokenizer.json"))
    features = {"feature_size": model.dims.n_mels, "sampling_rate": 16_000, "hop_length": 160, "chunk_length": 30}
    (folder / "preprocessor_config.json").write_text(json.dumps({**features, "n_fft": 400}))
    return folder


def tokenizer(multilingual: bool, languages: int) -> Tokenizer:
    """Whisper's own, without its warning of a file that it leaves to the collector to close."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        return get_tokenizer(multilingual, num_languages=languages, task="transcribe")


def _config(model: Whisper, tokens: Tokenizer) -> dict[str, list[Any]]:
    """What must never be said, where languages stand, and which heads tell when a word is said."""
    marks = (tokens.transcribe, tokens.translate, tokens.sot, tokens.sot_prev, tokens.sot_lm, tokens.no_speech)
    return {
        "suppress_ids": sorted({*tokens.non_speech_tokens, *marks}),
        "suppress_ids_begin": [*tokens.encode(" "), tokens.eot],
        "lang_ids": sorted(tokens.all_language_tokens) if model.is_multilingual else [],
        "alignment_heads": model.alignment_heads.indices().T.tolist(),
    }


def _spec(model: Whisper) -> WhisperSpec:
    dims = model.dims
    weights = {name: tensor.float().numpy() for name, tensor in model.state_dict().items()}
    spec = WhisperSpec(dims.n_audio_layer, dims.n_audio_head, dims.n_text_layer, dims.n_text_head)
    for name in ("conv1", "conv2"):
        _linear(getattr(spec.encoder, name), weights, f"encoder.{name}")
    for side, last in (("encoder", "ln_post"), ("decoder", "ln")):
        half = getattr(spec, side)
        half.position_encodings.encodings = weights[f"{side}.positional_embedding"]
        _norm(half.layer_norm, weights, f"{side}.{last}")
        for number, layer in enumerate(half.layer):
            _layer(layer, weights, f"{side}.blocks.{number}")
    spec.decoder.embeddings.weight = weights["decoder.token_embedding.weight"]
    spec.decoder.projection.weight = spec.decoder.embeddings.weight
    return spec


def _layer(layer: Any, weights: Weights, name: str) -> None:
    own = layer.self_attention
    _fused(own.linear[0], weights, [f"{name}.attn.{part}" for part in ("query", "key", "value")])
    _linear(own.linear[1], weights, f"{name}.attn.out")
    _norm(own.layer_norm, weights, f"{name}.attn_ln")
    if hasattr(layer, "attention"):
        _fused(layer.attention.linear[0], weights, [f"{name}.cross_attn.query"])
        _fused(layer.attention.linear[1], weights, [f"{name}.cross_attn.{part}" for part in ("key", "value")])
        _linear(layer.attention.linear[2], weights, f"{name}.cross_attn.out")
        _norm(layer.attention.layer_norm, weights, f"{name}.cross_attn_ln")
    _linear(layer.ffn.linear_0, weights, f"{name}.mlp.0")
    _linear(layer.ffn.linear_1, weights, f"{name}.mlp.2")
    _norm(layer.ffn.layer_norm, weights, f"{name}.mlp_ln")


def _fused(linear: Any, weights: Weights, names: Iterable[str]) -> None:
    """Several matrices as one; where there is no bias, as that of keys, it is nothing."""
    parts = [(weights[f"{name}.weight"], weights.get(f"{name}.bias")) for name in names]
    linear.weight = np.concatenate([weight for weight, _ in parts])
    linear.bias = np.concatenate([np.zeros(len(w), np.float32) if b is None else b for w, b in parts])


def _linear(linear: Any, weights: Weights, name: str) -> None:
    linear.weight, linear.bias = weights[f"{name}.weight"], weights[f"{name}.bias"]


def _norm(norm: Any, weights: Weights, name: str) -> None:
    norm.gamma, norm.beta = weights[f"{name}.weight"], weights[f"{name}.bias"]


def rebuilt_tokenizer(tokens: Tokenizer) -> tokenizers.Tokenizer:
    """The same tokens under the same numbers, in the form of the package tokenizers."""
    ranks: dict[bytes, int] = tokens.encoding._mergeable_ranks
    merges = [_parts(token, ranks) for token in sorted(ranks, key=ranks.__getitem__) if len(token) > 1]
    vocabulary = {_written(token): rank for token, rank in ranks.items()}
    rebuilt = tokenizers.Tokenizer(models.BPE(vocabulary, [(_written(a), _written(b)) for a, b in merges]))
    rebuilt.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    rebuilt.decoder = decoders.ByteLevel()
    marks = sorted(tokens.encoding._special_tokens.items(), key=lambda mark: mark[1])
    rebuilt.add_special_tokens([AddedToken(text, special=True, normalized=False) for text, _ in marks])
    return rebuilt


def _parts(token: bytes, ranks: dict[bytes, int]) -> tuple[bytes, bytes]:
    """The two that a token is merged from: what earlier merges leave of its bytes."""
    parts = [token[i : i + 1] for i in range(len(token))]
    while len(parts) > 2:
        merged = [ranks.get(a + b, len(ranks)) for a, b in itertools.pairwise(parts)]
        at = int(np.argmin(merged))
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    first, second = parts
    return first, second


def _written(token: bytes) -> str:
    return "".join(_letters()[byte] for byte in token)


@functools.cache
def _letters() -> list[str]:
    """GPT-2's way to write each byte as a letter: as Latin-1 has it where that shows, else as the next letter above."""
    shown = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    hidden = [byte for byte in range(256) if byte not in shown]
    return [chr(byte) if byte in shown else chr(256 + hidden.index(byte)) for byte in range(256)]
