"""How many transcribe at once, and where: chosen from the settings and the machine."""

import functools
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from transcribe.audio.decoder_process import DecoderProcess
from transcribe.library.posix import usable_cores
from transcribe.recognizers import engines
from transcribe.recognizers.protocol import Recognizer
from transcribe.settings import Settings
from transcribe.workers.in_this_process import InThisProcess
from transcribe.workers.job_tracker import JobTracker
from transcribe.workers.process_pool import ProcessPool, WorkerSlot
from transcribe.workers.worker import Workers


@contextmanager
def worker_setup(settings: Settings, episodes: int, tracker: JobTracker, running: Path) -> Iterator[Workers]:
    """The workers for that many episodes, the engine made ready.

    On a cluster, the file `running` says what it works on. Raises UsageError or CannotStart before any work is begun.
    """
    if settings.ray:
        with _on_ray(settings, episodes, tracker, running) as workers:
            yield workers
        return
    load = functools.partial(
        engines.load,
        model=settings.model,
        language=settings.language,
        batch_size=settings.batch_size,
        quantize=settings.quantize,
        beam=settings.beam,
    )
    slots = _slots(settings, settings.engine, load)[:episodes]
    if len(slots) <= 1:
        recognizer = load(settings.engine, device=settings.device, warn=tracker.progress.say)
        slots = _slots(settings, recognizer.engine.name, load)[:episodes]
        if len(slots) <= 1:
            with DecoderProcess(_longest_ms(settings)) as decoder:
                yield InThisProcess(recognizer, decoder, tracker)
            return
        del recognizer  # `auto` is pocketsphinx here, of which there will be several: each has a process
    with ProcessPool(slots, tracker) as pool:
        _ = pool.engine  # raises what keeps it from being loaded, before any work is begun
        yield pool


@contextmanager
def _on_ray(settings: Settings, episodes: int, tracker: JobTracker, running: Path) -> Iterator[Workers]:
    from transcribe.workers.ray.actor import EngineRequest
    from transcribe.workers.ray.scheduler import on_ray

    assert settings.ray
    request = EngineRequest(
        settings.engine,
        settings.model,
        settings.language,
        settings.device,
        settings.batch_size,
        settings.quantize,
        settings.beam,
    )
    with on_ray(
        settings.ray,
        request,
        tracker,
        most=min(settings.workers or episodes, episodes),
        cpus=usable_cores(),
        running=running,
        episodes=episodes,
        longest_ms=_longest_ms(settings),
    ) as workers:
        yield workers


def _slots(settings: Settings, engine: str, load: Callable[..., Recognizer]) -> list[WorkerSlot]:
    """A process for each GPU; on a processor, pocketsphinx uses one core an episode and Whisper all of them."""
    longest_ms, load = _longest_ms(settings), functools.partial(load, engine)
    if gpus := _gpus(settings, engine):
        devices = [f"cuda:{number % gpus}" for number in range(settings.workers or gpus)]
        return [WorkerSlot(functools.partial(load, device=device), longest_ms) for device in devices]
    cores = usable_cores()
    count = settings.workers or (cores if engine == "pocketsphinx" else 1)
    slot = WorkerSlot(functools.partial(load, device=settings.device), longest_ms, max(1, cores // count))
    return count * [slot]


def _gpus(settings: Settings, engine: str) -> int:
    """The GPUs that the engine can use, unless a device is named or one worker is asked for."""
    if engine == "pocketsphinx" or settings.device or settings.workers == 1 or not importlib.util.find_spec("torch"):
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _longest_ms(settings: Settings) -> int:
    return round(settings.max_hours * 3_600_000)
