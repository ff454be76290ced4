"""The engines that hear words in speech, each in a file of its own; what is heavy is imported when one is loaded."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

from transcribe.errors import EngineUnavailable, UsageError
from transcribe.recognizers.protocol import Recognizer

ENGINES = ("whisper", "pocketsphinx", "faster-whisper", "auto")


def load(
    name: str,
    model: str | None = None,
    language: str | None = None,
    device: str | None = None,
    *,
    cache: Path | None = None,
    batch_size: int | None = None,
    quantize: str | None = None,
    beam: int | None = None,
    warn: Callable[[str], None],
) -> Recognizer:
    """The engine of that name, its model loaded, so that what cannot be had is known before any work starts.

    `model` is a name or a checkpoint's path, for whisper; `language` an ISO 639-1 code; `device` torch's name for one;
    `cache` where weights are kept, if not in the engine's own place; `batch_size` how many pieces are decoded together,
    by default what the device has room for; `quantize` may be `int8`, for whisper on a CPU; `beam` is how many readings
    Whisper follows at once. `warn` is told in one line if `auto` has to make do with pocketsphinx, or if an engine has
    no use for what was asked for.

    Raises UsageError for a name, model, language or option there is none of, EngineUnavailable with what to do for one
    that cannot be had.
    """

    def whisper() -> Recognizer:
        return _whisper(model, language, device, cache, batch_size, quantize, beam)

    match name:
        case "whisper":
            return whisper()
        case "pocketsphinx":
            _tell_unused(name, warn, model=model, quantize=quantize, beam=beam)
            return _sphinx(language)
        case "auto":
            return _whichever(whisper, language, warn)
        case "faster-whisper":
            _tell_unused(name, warn, quantize=quantize)
            _require("faster_whisper", "faster-whisper", "playhead[faster]")
            from transcribe.recognizers.faster_whisper.recognizer import FasterWhisper

            return FasterWhisper(model, language, device, cache, batch_size, beam)
    raise UsageError(f"There is no engine {name!r}. There are: {', '.join(ENGINES)}")


def _whisper(
    model: str | None,
    language: str | None,
    device: str | None,
    cache: Path | None,
    batch_size: int | None,
    quantize: str | None,
    beam: int | None,
) -> Recognizer:
    _require("whisper", "openai-whisper", "playhead")
    from transcribe.recognizers.openai_whisper.recognizer import OpenAIWhisper

    return OpenAIWhisper(model, language, device, cache, batch_size, quantize, beam)


def _sphinx(language: str | None) -> Recognizer:
    _require("pocketsphinx", "pocketsphinx", "playhead[offline]")
    from transcribe.recognizers.pocketsphinx.recognizer import PocketSphinx

    return PocketSphinx(language)


def _whichever(whisper: Callable[[], Recognizer], language: str | None, warn: Callable[[str], None]) -> Recognizer:
    try:
        return whisper()
    except EngineUnavailable as problem:
        if language not in (None, "en"):
            raise  # pocketsphinx would not do
        recognizer = _sphinx(language)
        warn(f"{problem}. Going on with pocketsphinx, which makes more mistakes.")
        return recognizer


def _tell_unused(name: str, warn: Callable[[str], None], **options: str | int | None) -> None:
    if unused := [f"{option} {value}" for option, value in options.items() if value]:
        warn(f"{name} has no use for {' and '.join(unused)}: passed over.")


def _require(module: str, package: str, install: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise EngineUnavailable(f"The engine needs {package}, which is not installed: pip install '{install}'")
