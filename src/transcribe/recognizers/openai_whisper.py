"""OpenAI's Whisper, through its own package and weights.

A model is one of Whisper's names, whose weights are downloaded once to its own cache, or the path of a checkpoint.
"""

import contextlib
import hashlib
import os
import pickle
import urllib.request
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transcribe.errors import EngineUnavailable, UsageError
from transcribe.recognizers.protocol import UNDETERMINED, heard
from transcribe.speech import Piece
from transcribe.transcript import Engine, Word

DEFAULT_MODEL = "small"  # 461 MB; the least that is pleasant to read, and it knows 99 languages
CONNECT_S = 5.0  # to find out whether weights can be downloaded at all
SEED = 0  # of the sampling that Whisper falls back to where its first answer is poor

# A mistake in one piece is not carried into the next; other settings are the package's own.
OPTIONS = {"word_timestamps": True, "condition_on_previous_text": False}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Weights that can be loaded: which ones, and where."""

    name: str  # one of Whisper's own, or the checkpoint's file name
    sha256: str
    source: str  # what whisper.load_model takes: its name or the path
    alignment_heads: bytes | None  # known for published weights: the ones that best tell when a word is said


class OpenAIWhisper:
    """A `Recognizer`. One piece at a time, each by itself, so that a mistake in one is not carried into the next."""

    def __init__(
        self,
        model: str | None = None,
        language: str | None = None,
        device: str | None = None,
        cache: Path | None = None,
    ) -> None:
        """`device` is torch's name for one, such as `cpu` or `cuda:1`; by default the GPU if there is one.

        Raises UsageError for a model or language that does not exist, EngineUnavailable for a model or device that
        cannot be had here and now.
        """
        import torch
        import whisper

        self._checkpoint = checkpoint(model or DEFAULT_MODEL, cache or default_cache())
        self._device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self._model = _loaded(self._checkpoint, self._device, cache or default_cache())
        self._asked = _checked_language(language, self._model.is_multilingual)
        self.language = self._asked or UNDETERMINED
        self._options = {**OPTIONS, "fp16": self._device.startswith("cuda")}
        options = {"language": self._asked, "device": self._device.partition(":")[0], **self._options}
        self.engine = Engine("whisper", whisper.__version__, self._checkpoint.name, self._checkpoint.sha256, options)

    def recognize(self, pieces: Iterable[Piece]) -> Iterator[list[Word]]:
        """As `Recognizer` has it. Unless it was set, the language is that of the first piece with words in it."""
        self.language = self._asked or UNDETERMINED
        for piece in pieces:
            yield self._words(piece)

    def _words(self, piece: Piece) -> list[Word]:
        import whisper

        known = None if self.language == UNDETERMINED else self.language
        # Filled up with silence to its 30 s, for whisper would fill up the spectrogram with zeros, which is a hum: with
        # the micro checkpoint that makes 40 words of 100 wrong in short pieces, mostly words heard in it, instead of 3.
        window = whisper.pad_or_trim(piece.samples())
        with _repeatable(self._device), _quiet():
            result = whisper.transcribe(self._model, window, language=known, verbose=None, **self._options)
        found = (word for segment in result["segments"] for word in segment["words"])
        words = [_word(piece, word) for word in found if word["start"] * 1000 < len(piece.audio)]
        if words:
            self.language = result["language"]
        return words


def _word(piece: Piece, word: dict[str, Any]) -> Word:
    start_ms, end_ms = (piece.start_ms + 1000 * float(word[name]) for name in ("start", "end"))
    return heard(piece.span, start_ms, end_ms, word["word"], float(word["probability"]))


def checkpoint(model: str, cache: Path) -> Checkpoint:
    """What a model's name or path stands for, made sure of: cached, or to be had at once.

    Raises UsageError where there is no such model, EngineUnavailable where it cannot be downloaded.
    """
    import whisper

    published = {url.split("/")[-2]: name for name, url in whisper._MODELS.items()}
    if model in whisper._MODELS:
        url = whisper._MODELS[model]
        sha256 = url.split("/")[-2]
        _ensure_available(model, url, sha256, cache)
        return Checkpoint(model, sha256, model, None)
    path = Path(model).expanduser()
    if not path.is_file():
        names = ", ".join(whisper.available_models())
        raise UsageError(
            f"There is no Whisper model {model!r}. Give the path of a checkpoint (.pt), or one of: {names}"
        )
    sha256 = _sha256(path)
    heads = whisper._ALIGNMENT_HEADS[published[sha256]] if sha256 in published else None
    return Checkpoint(path.name, sha256, str(path), heads)


def default_cache() -> Path:
    """Where whisper keeps its weights."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "whisper"


def _ensure_available(model: str, url: str, sha256: str, cache: Path) -> None:
    """That weights lie in the cache unharmed, or that their server answers: offline, whisper would wait for minutes."""
    path = cache / url.rsplit("/", 1)[-1]
    if path.is_file() and _sha256(path) == sha256:
        return
    fault = f"{path} is damaged" if path.is_file() else "its weights are not on this machine"
    try:
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - whisper's own list, https
        with urllib.request.urlopen(request, timeout=CONNECT_S):  # noqa: S310
            pass
    except OSError as problem:
        reason = getattr(problem, "reason", problem)  # a URLError wraps it in one more
        raise EngineUnavailable(_advice(model, f"{fault}, and cannot be downloaded ({reason})")) from problem


def _loaded(checkpoint: Checkpoint, device: str, cache: Path) -> Any:
    """The model. whisper reads checkpoints with torch's `weights_only`, so that no pickled code is run."""
    import whisper

    try:
        with _quiet():
            model = whisper.load_model(checkpoint.source, device, str(cache))
    except OSError as problem:
        raise EngineUnavailable(_advice(checkpoint.name, f"the download failed ({problem})")) from problem
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as problem:
        reason = str(problem).partition("\n")[0] or type(problem).__name__
        raise EngineUnavailable(_advice(checkpoint.name, f"it cannot be loaded on {device} ({reason})")) from problem
    if checkpoint.alignment_heads:
        model.set_alignment_heads(checkpoint.alignment_heads)
    return model.eval()


def _advice(model: str, fault: str) -> str:
    otherwise = "Give --model path/to/checkpoint.pt, or --engine pocketsphinx (English)"
    return f"Whisper's {model} cannot be used: {fault}. {otherwise}"


def _checked_language(language: str | None, multilingual: bool) -> str | None:
    from whisper.tokenizer import LANGUAGES, TO_LANGUAGE_CODE

    if language is None:
        return None if multilingual else "en"
    code: str = TO_LANGUAGE_CODE.get(language.lower(), language.lower())
    if code not in LANGUAGES:
        raise UsageError(f"Whisper knows no language {language!r}; give its ISO 639-1 code, such as en or de")
    if code != "en" and not multilingual:
        raise UsageError(f"This Whisper model knows English alone, not {language!r}; give a model without .en")
    return code


@contextlib.contextmanager
def _repeatable(device: str) -> Iterator[None]:
    """Draws the same random numbers for every piece, whatever came before; leaves everyone else's as they were."""
    import torch

    with torch.random.fork_rng(devices=[device] if device.startswith("cuda") else []):
        torch.manual_seed(SEED)
        yield


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the warnings that tell a user nothing: what was chosen here is chosen, what is slower still works."""
    with warnings.catch_warnings():
        for message in ("Performing inference on CPU", "Failed to launch Triton", ".*checksum does not match"):
            warnings.filterwarnings("ignore", message)
        warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)  # of what is then refused
        warnings.simplefilter("ignore", ResourceWarning)  # whisper leaves it to the collector to close its files
        yield


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
