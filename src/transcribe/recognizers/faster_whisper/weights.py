"""The weights faster-whisper listens with: Whisper's, in the form of CTranslate2, a folder of a few files.

A model is one of faster-whisper's names, whose folder is downloaded once to Hugging Face's own cache, or the path of a
folder.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transcribe.errors import EngineUnavailable, UsageError
from transcribe.library.store import sha256_of

CONNECT_S = 5.0  # to find out whether a model can be downloaded at all
NEEDED = ("model.bin", "tokenizer.json")  # without its tokenizer, faster-whisper would go and download another's
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Weights:
    """A model that can be loaded: which one, and where."""

    name: str  # one of faster-whisper's own, or the folder's
    folder: Path
    sha256: str  # of model.bin


def weights(model: str, cache: Path | None) -> Weights:
    """What a model's name or path stands for: the cached one, for which nothing is connected to, or one fetched now.

    Raises UsageError where there is no such model, EngineUnavailable where it cannot be had or is damaged.
    """
    from faster_whisper import available_models

    path = Path(model).expanduser()
    if model in available_models():
        name, folder = model, _cached(model, cache) or _fetched(model, cache)
    elif path.is_dir():
        name, folder = path.resolve().name, path
    else:
        names = ", ".join(available_models())
        raise UsageError(
            f"There is no faster-whisper model {model!r}. Give the path of a CTranslate2 folder, or one of: {names}"
        )
    if missing := _missing(folder):
        raise EngineUnavailable(advice(name, f"{folder} lacks {missing}"))
    return Weights(name, folder, _checked_sum(name, folder / "model.bin"))


def load_weights(weights: Weights, device: str, compute_type: str) -> Any:
    """faster-whisper's model, on as many cores as torch takes. `device` is torch's name for one.

    Raises EngineUnavailable where it is not what it should be, or the device cannot be used.
    """
    import numpy as np
    import torch
    from faster_whisper import WhisperModel

    kind, _, index = device.partition(":")
    try:
        model = WhisperModel(
            str(weights.folder),
            device=kind,
            device_index=int(index or 0),
            compute_type=compute_type,
            cpu_threads=torch.get_num_threads(),  # OMP_NUM_THREADS, or all: CTranslate2 itself would take four
        )
        if kind == "cuda":
            # Encodes nothing: CTranslate2 looks for the libraries of a GPU when it first needs them.
            frames = model.feature_extractor.nb_max_frames
            model.encode(np.zeros((1, model.model.n_mels, frames), np.float32))
    except Exception as problem:  # tokenizers raises nothing more particular; nothing of ours is called here
        reason = str(problem).partition("\n")[0].rstrip(".")
        raise EngineUnavailable(advice(weights.name, f"it cannot be loaded on {device} ({reason})")) from problem
    if model.feature_extractor.mel_filters.shape[0] != model.model.n_mels:
        raise EngineUnavailable(advice(weights.name, f"{weights.folder} lacks its own preprocessor_config.json"))
    return model


def advice(model: str, fault: str) -> str:
    """In one line, what is wrong with a model and what to do."""
    otherwise = "Give --model path/to/folder, or --engine whisper or pocketsphinx"
    return f"faster-whisper's {model} cannot be used: {fault}. {otherwise}"


def _cached(model: str, cache: Path | None) -> Path | None:
    from faster_whisper import download_model
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(download_model(model, local_files_only=True, cache_dir=cache and str(cache)))
    except LocalEntryNotFoundError:
        return None
    return None if _missing(folder) else folder


def _fetched(model: str, cache: Path | None) -> Path:
    """The model's folder, downloaded; where its server does not answer, that is known in seconds."""
    import httpx2
    from faster_whisper import download_model
    from faster_whisper.utils import _MODELS
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    try:
        get_hf_file_metadata(hf_hub_url(_MODELS[model], "model.bin"), token=False, timeout=CONNECT_S)
        return Path(download_model(model, cache_dir=cache and str(cache)))
    except (OSError, httpx2.HTTPError) as problem:
        reason = str(problem).partition("\n")[0].rstrip(".")
        fault = f"it is not on this machine, and cannot be downloaded ({reason})"
        raise EngineUnavailable(advice(model, fault)) from problem


def _missing(folder: Path) -> str:
    return " and ".join(name for name in NEEDED if not (folder / name).is_file())


def _checked_sum(model: str, path: Path) -> str:
    """The file's sum. Hugging Face's cache names a large file by what that should be."""
    found = sha256_of(path)
    expected = path.resolve().name
    if SHA256.fullmatch(expected) and found != expected:
        raise EngineUnavailable(advice(model, f"{path} is damaged; delete {path.resolve()}, and it is fetched anew"))
    return found
