"""How many transcribe at once, and where: chosen from the settings and the machine."""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from transcribe.audio.decoder_process import DecoderProcess, SpeechDecoder
from transcribe.errors import EngineUnavailable
from transcribe.library.transcript import Transcript
from transcribe.publishers.forced_alignment import Aligner
from transcribe.publishers.match import Mismatch
from transcribe.publishers.publisher_transcript import Offer, Read, Target, published_transcript
from transcribe.recognizers import engines
from transcribe.recognizers.pocketsphinx.aligner import SphinxAligner
from transcribe.recognizers.protocol import Recognizer
from transcribe.settings import Settings
from transcribe.workers.process_pool import ProcessPool, WorkerSlot
from transcribe.workers.worker import InThisProcess, Owner, Workers


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """Who transcribes, and who takes over what a publisher has transcribed."""

    workers: Workers
    read: Read


@contextmanager
def worker_setup(settings: Settings, episodes: int, owner: Owner, running: Path) -> Iterator[WorkerSetup]:
    """For that many episodes, the engine made ready; what other machines work on is told in the file `running`.

    Raises UsageError or EngineUnavailable before any work is begun.
    """
    if settings.ray:
        with _on_ray(settings, episodes, owner, running) as force:
            yield force
        return
    load = functools.partial(
        engines.load,
        language=settings.language,
        batch_size=settings.batch_size,
        quantize=settings.quantize,
    )
    recognizer = load(settings.engine, settings.model, device=settings.device, warn=owner.progress.say)
    load = functools.partial(load, recognizer.engine.name, settings.model, warn=_unheard)
    places = _places(settings, recognizer, load)[:episodes]
    with DecoderProcess(_longest_ms(settings)) as listening, DecoderProcess(_longest_ms(settings)) as reading:
        workers: Workers = InThisProcess(recognizer, listening, owner)
        if len(places) > 1:
            workers = ProcessPool(places, recognizer.engine, owner)
        yield WorkerSetup(workers, _reader(lambda: recognizer, reading))


@contextmanager
def _on_ray(settings: Settings, episodes: int, owner: Owner, running: Path) -> Iterator[WorkerSetup]:
    """On a cluster. The engine is loaded here only if a publisher's transcript is to be held against the sound."""
    from transcribe.workers.ray.actor import EngineRequest
    from transcribe.workers.ray.scheduler import on_ray

    assert settings.ray
    asked = EngineRequest(
        settings.engine, settings.model, settings.language, settings.device, settings.batch_size, settings.quantize
    )
    most = min(settings.workers or episodes, episodes)
    longest_ms = _longest_ms(settings)
    with (
        on_ray(
            settings.ray,
            asked,
            owner,
            most=most,
            cpus=_cores(),
            running=running,
            episodes=episodes,
            longest_ms=longest_ms,
        ) as workers,
        DecoderProcess(longest_ms) as reading,
    ):
        here = functools.partial(engines.load, language=settings.language, device=settings.device, warn=_unheard)
        recognizer = functools.cache(lambda: here(workers.engine.name, settings.model))
        yield WorkerSetup(workers, _reader(recognizer, reading))


def _reader(recognizer: Callable[[], Recognizer], listening: SpeechDecoder) -> Read:
    """PocketSphinx tells best when given English words are said; for other languages Whisper, if it is that."""

    @functools.cache
    def aligners() -> list[Aligner]:
        found: list[Aligner] = []
        with contextlib.suppress(EngineUnavailable):
            found.append(SphinxAligner())
        return [*found, *([own()] if (own := getattr(recognizer(), "aligner", None)) else [])]

    def read(target: Target, offer: Offer) -> Transcript | Mismatch:
        return published_transcript(target, offer, listening, recognizer(), aligners(), now=lambda: datetime.now(UTC))

    return read


def _places(settings: Settings, recognizer: Recognizer, load: Callable[..., Recognizer]) -> list[WorkerSlot]:
    """A process for each GPU; on a processor, Whisper uses all cores for one episode, pocketsphinx one for each."""
    if recognizer.engine.options.get("device") == "cuda" and settings.device is None:
        import torch

        count = torch.cuda.device_count()
        devices = [f"cuda:{number % count}" for number in range(settings.workers or count)]
        return [WorkerSlot(functools.partial(load, device=device), _longest_ms(settings)) for device in devices]
    cores = _cores()
    count = settings.workers or (cores if recognizer.engine.name == "pocketsphinx" else 1)
    threads = max(1, cores // count)
    return count * [WorkerSlot(functools.partial(load, device=settings.device), _longest_ms(settings), threads)]


def _longest_ms(settings: Settings) -> int:
    return round(settings.max_hours * 3_600_000)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _unheard(_: str) -> None:
    """For worker processes: what they would warn of has been said by then."""
