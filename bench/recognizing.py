"""Lets one system recognize a talk in a process of its own, so that its time and peak memory are its own.

Loading the model is not counted, nor is a first window that warms things up.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.building import memory
from bench.command import playhead
from bench.talk import Talk
from transcribe.library.store import Library

CTRANSLATE2 = "ctranslate2"  # the folder of the same weights for faster-whisper
CHECKPOINT = "model.pt"
BATCHES = (1, 4, 8, 16)
BEAMS = 5  # of whisper's command and of faster-whisper, unless told otherwise
BATCH = 8  # of faster-whisper


@dataclass(frozen=True)
class Task:
    """What is to be recognized, with which weights."""

    folder: Path  # of the checkpoint, in both forms
    talk: Talk
    device: str  # cpu or cuda
    conditioned: bool  # on the text before, where a system does that by default

    @property
    def checkpoint(self) -> str:
        """For whisper."""
        return str(self.folder / CHECKPOINT)

    @property
    def converted(self) -> str:
        """For faster-whisper."""
        return str(self.folder / CTRANSLATE2)


@dataclass(frozen=True)
class Took:
    """What it took to recognize the whole talk."""

    wall_s: float
    cpu_s: float
    peak_bytes: int  # of the machine's memory, model and packages included
    words: list[str]

    def better(self, other: "Took | None") -> "Took":
        """The least of both, for whatever else the machine did only adds to it."""
        if other is None:
            return self
        least = {name: min(getattr(self, name), getattr(other, name)) for name in ("wall_s", "cpu_s", "peak_bytes")}
        return Took(words=self.words, **least)


Recognize = Callable[[int | None], list[str]]  # the words in so many windows, or in all


def whisper_transcribe(task: Task, beam_size: int | None) -> Recognize:
    """OpenAI's own loop, with the options that its command sets, and with word times."""
    import torch
    import whisper

    torch.manual_seed(0)
    model = whisper.load_model(task.checkpoint, task.device)
    options = {"temperature": (0, 0.2, 0.4, 0.6, 0.8, 1.0), "beam_size": beam_size, "best_of": 5}
    options |= {"word_timestamps": True, "condition_on_previous_text": task.conditioned, "fp16": task.device == "cuda"}

    def recognize(windows: int | None) -> list[str]:
        result = whisper.transcribe(model, task.talk.sound(windows), language="en", **options)
        return [word["word"] for segment in result["segments"] for word in segment["words"]]

    return recognize


def playhead_engine(task: Task, batch_size: int, quantize: str | None = None) -> Recognize:
    """Playhead's engine for Whisper."""
    from transcribe.recognizers.openai_whisper.recognizer import OpenAIWhisper

    engine = OpenAIWhisper(task.checkpoint, "en", task.device, batch_size=batch_size, quantize=quantize)
    return partial(_by_engine, task, engine)


def playhead_faster(task: Task) -> Recognize:
    """Playhead's engine for faster-whisper."""
    from transcribe.recognizers.faster_whisper.recognizer import FasterWhisper

    return partial(_by_engine, task, FasterWhisper(task.converted, "en", task.device))


def _by_engine(task: Task, engine: Any, windows: int | None) -> list[str]:
    from transcribe.recognizers.protocol import Hints

    pieces, size = task.talk.pieces(windows), engine.batch_size
    batches = [pieces[at : at + size] for at in range(0, len(pieces), size)]
    return [word.text for batch in batches for heard in engine.recognize(batch, Hints("en")) for word in heard.words]


def playhead_command(task: Task, quantize: str | None = None) -> Recognize:
    """`playhead transcribe` from its start to its end: decoding, finding speech, loading the model, writing."""
    library = Library(task.folder / "library")
    shutil.rmtree(library.root, ignore_errors=True)
    playhead(library, "fetch", str(task.talk.file))
    options = ["--engine", "whisper", "--model", task.checkpoint, "--language", "en", "--device", task.device]
    options += ["--quantize", quantize] if quantize else []

    def recognize(windows: int | None) -> list[str]:
        if windows is not None:
            return []  # a command always starts cold
        playhead(library, "transcribe", *options)
        (found,) = library.transcript_ids()
        return [word.text for segment in library.load_transcript(found).segments for word in segment.words]

    return recognize


def faster_sequential(task: Task, beam_size: int) -> Recognize:
    """faster-whisper's own form of OpenAI's loop."""
    model = _faster(task)
    options = {"beam_size": beam_size, "word_timestamps": True, "condition_on_previous_text": task.conditioned}

    def recognize(windows: int | None) -> list[str]:
        segments, _ = model.transcribe(task.talk.sound(windows), language="en", **options)
        return [word.word for segment in segments for word in segment.words or []]

    return recognize


def faster_batched(task: Task, beam_size: int) -> Recognize:
    """faster-whisper's batched pipeline, on the pieces that Playhead cuts."""
    from faster_whisper import BatchedInferencePipeline

    pipeline = BatchedInferencePipeline(_faster(task))
    options = {"beam_size": beam_size, "word_timestamps": True, "batch_size": BATCH, "vad_filter": False}

    def recognize(windows: int | None) -> list[str]:
        spans = [{"start": start / 1000, "end": end / 1000} for start, end in task.talk.spans(windows)]
        segments, _ = pipeline.transcribe(task.talk.sound(windows), language="en", clip_timestamps=spans, **options)
        return [word.word for segment in segments for word in segment.words or []]

    return recognize


def _faster(task: Task) -> Any:
    from faster_whisper import WhisperModel

    precision = "int8_float16" if task.device == "cuda" else "int8"
    return WhisperModel(task.converted, task.device, compute_type=precision, cpu_threads=os.cpu_count() or 1)


WHISPER, SEQUENTIAL = "whisper.transcribe", "Playhead, batch 1"  # against which the others are held
SYSTEMS: dict[str, Callable[[Task], Recognize]] = {
    WHISPER: partial(whisper_transcribe, beam_size=BEAMS),
    f"{WHISPER}, greedy": partial(whisper_transcribe, beam_size=None),
    **{f"Playhead, batch {size}": partial(playhead_engine, batch_size=size) for size in BATCHES},
    **{f"Playhead int8, batch {size}": partial(playhead_engine, batch_size=size, quantize="int8") for size in BATCHES},
    "faster-whisper int8": partial(faster_sequential, beam_size=BEAMS),
    "faster-whisper int8, greedy": partial(faster_sequential, beam_size=1),
    f"faster-whisper int8, batch {BATCH}": partial(faster_batched, beam_size=BEAMS),
    f"faster-whisper int8, batch {BATCH}, greedy": partial(faster_batched, beam_size=1),
    "Playhead with faster-whisper": playhead_faster,
    "playhead transcribe": playhead_command,
    "playhead transcribe, int8": partial(playhead_command, quantize="int8"),
}


def took(system: str, task: Task) -> Took:
    """Recognizes in a fresh process. Raises CalledProcessError where that fails."""
    folders = [str(task.folder.resolve()), str(task.talk.folder.resolve())]
    command = [sys.executable, "-m", "bench.recognizing", system, *folders, task.device, str(int(task.conditioned))]
    root = Path(__file__).parents[1]
    path = os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), str(root / "tests")])
    environment = {**os.environ, "PYTHONPATH": path}
    answer = subprocess.run(command, cwd=root, env=environment, check=True, stdout=subprocess.PIPE)
    return Took(**json.loads(answer.stdout))


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _peak_bytes() -> int:
    """Of this process, or of the greatest that it started."""
    return max(memory("self", "VmHWM"), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10)


def _main(system: str, folder: str, talk: str, device: str, conditioned: str) -> None:
    recognize = SYSTEMS[system](Task(Path(folder), Talk(Path(talk)), device, conditioned == "1"))
    recognize(1)
    wall, cpu = time.perf_counter(), _cpu_s()
    words = recognize(None)
    measured = Took(time.perf_counter() - wall, _cpu_s() - cpu, _peak_bytes(), words)
    print(json.dumps(asdict(measured)))


if __name__ == "__main__":
    _main(*sys.argv[1:])
