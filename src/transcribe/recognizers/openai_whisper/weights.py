"""Whisper's weights: which ones, where they lie, and made ready to listen.

A model is one of Whisper's names, whose weights are downloaded once to its own cache, or the path of a checkpoint.
"""

import contextlib
import os
import pickle
import urllib.request
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from transcribe.errors import EngineUnavailable, UsageError
from transcribe.library.store import sha256_of

CONNECT_S = 5.0  # to find out whether weights can be downloaded at all


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Weights that can be loaded: which ones, and where."""

    name: str  # one of Whisper's own, or the checkpoint's file name
    sha256: str
    source: str  # what whisper.load_model takes: its name or the path
    alignment_heads: bytes | None  # known for published weights: the ones that best tell when a word is said


def checkpoint(model: str, cache: Path) -> Checkpoint:
    """What a model's name or path stands for, made sure of: cached, or to be had at once.

    Raises UsageError where there is no such model, EngineUnavailable where it cannot be downloaded.
    """
    import whisper

    published = {url.split("/")[-2]: name for name, url in whisper._MODELS.items()}
    if model in whisper._MODELS:
        return _published(model, whisper._MODELS[model], cache)
    path = Path(model).expanduser()
    if not path.is_file():
        names = ", ".join(whisper.available_models())
        raise UsageError(
            f"There is no Whisper model {model!r}. Give the path of a checkpoint (.pt), or one of: {names}"
        )
    sha256 = sha256_of(path)
    heads = whisper._ALIGNMENT_HEADS[published[sha256]] if sha256 in published else None
    return Checkpoint(path.name, sha256, str(path), heads)


def _published(model: str, url: str, cache: Path) -> Checkpoint:
    """In the cache and unharmed, or else to be downloaded: then its server answers."""
    import whisper

    path, sha256 = cache / url.rsplit("/", 1)[-1], url.split("/")[-2]
    heads = whisper._ALIGNMENT_HEADS[model]
    if path.is_file() and sha256_of(path) == sha256:
        return Checkpoint(model, sha256, str(path), heads)
    _ensure_served(model, url, f"{path} is damaged" if path.is_file() else "its weights are not on this machine")
    return Checkpoint(model, sha256, model, heads)


def default_cache() -> Path:
    """Where whisper keeps its weights."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "whisper"


def load_weights(checkpoint: Checkpoint, device: str, cache: Path) -> Any:
    """The model. whisper reads checkpoints with torch's `weights_only`, so that no pickled code is run.

    Raises EngineUnavailable where they cannot be downloaded or are not what they should be.
    """
    import whisper
    from whisper.tokenizer import get_tokenizer

    try:
        with _quiet(), _alone(checkpoint.source, cache):
            model = whisper.load_model(checkpoint.source, device, str(cache))
            get_tokenizer(model.is_multilingual, num_languages=model.num_languages)  # reads its file once for all
    except OSError as problem:
        raise EngineUnavailable(_advice(checkpoint.name, f"the download failed ({problem})")) from problem
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as problem:
        reason = str(problem).partition("\n")[0] or type(problem).__name__
        raise EngineUnavailable(_advice(checkpoint.name, f"it cannot be loaded on {device} ({reason})")) from problem
    if checkpoint.alignment_heads:
        model.set_alignment_heads(checkpoint.alignment_heads)
    return model.eval()


def halve(model: Any) -> None:
    """Holds the weights in half precision, but for the norms: whisper itself would turn them anew at every step."""
    from torch import nn

    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Embedding):
            module.half()


def quantize_linear(model: Any) -> None:
    """Holds the weights of the linear layers in 8 bit integers, for a CPU; what flows between them stays as it is."""
    import torch
    from torch import nn
    from torch.ao.quantization import quantize_dynamic
    from whisper.model import Linear

    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, Linear):  # torch knows its own class alone
                setattr(module, name, _plain(child))
    with _quiet():
        quantize_dynamic(model, {nn.Linear}, torch.qint8, inplace=True)  # type: ignore[no-untyped-call]


def _plain(linear: Any) -> Any:
    from torch import nn

    plain = nn.Linear(linear.in_features, linear.out_features, linear.bias is not None, device="meta")
    plain.weight, plain.bias = linear.weight, linear.bias
    return plain.eval()


def _ensure_served(model: str, url: str, fault: str) -> None:
    """That there is somebody to download from: offline, whisper would wait for minutes."""
    try:
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - whisper's own list, https
        with urllib.request.urlopen(request, timeout=CONNECT_S):  # noqa: S310
            pass
    except OSError as problem:
        reason = getattr(problem, "reason", problem)  # a URLError wraps it in one more
        raise EngineUnavailable(_advice(model, f"{fault}, and cannot be downloaded ({reason})")) from problem


@contextlib.contextmanager
def _alone(source: str, cache: Path) -> Iterator[None]:
    """One process downloads a model at a time, for whisper writes into the very file; the next then finds it there."""
    if Path(source).is_file():
        yield
        return
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / f"{source}.lock"):
        yield


def _advice(model: str, fault: str) -> str:
    otherwise = "Give --model path/to/checkpoint.pt, or --engine pocketsphinx (English)"
    return f"Whisper's {model} cannot be used: {fault}. {otherwise}"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the warnings that tell a user nothing: what was chosen here is chosen, what is slower still works."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*checksum does not match")
        warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)  # of what is then refused
        warnings.filterwarnings("ignore", "torch.ao.quantization is deprecated", DeprecationWarning)
        warnings.filterwarnings("ignore", "torch.quantize_per_tensor", UserWarning)  # no successor is there yet
        warnings.simplefilter("ignore", ResourceWarning)  # whisper leaves it to the collector to close its files
        yield
