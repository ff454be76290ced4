"""A long episode is killed over and over while it is transcribed: the transcript is as if nothing had happened.

    python bench/faults/kill_transcribe.py [--hours 6] [--kills 10] [--engine whisper] [--model CHECKPOINT] [--seed 1]

The episode is speech and long pauses, over and over. It is transcribed once through, and once more with SIGKILL at
random moments; both transcripts must be the same to the byte but for `created`. Peak memory is held against that of
its first 20 minutes. Without a model it is the micro Whisper of the tests. Needs flite and sox. Exit status 1 where
the transcripts differ.
"""

import argparse
import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.pop(0)  # this folder, whose transcribe.py would hide the package
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from numpy.typing import NDArray

from bench.building import memory
from bench.command import command, playhead, unpack_micro
from bench.training.micro_speech import recording
from transcribe.audio.decode import RATE
from transcribe.library.store import Library

UTTERANCES = 100  # spoken once, and said again in ever other orders
PAUSE_S = (0.3, 0.8)
LONG_PAUSE_S = (5.0, 120.0)
LONG_EVERY = 20  # utterances
SHORT_S = 20 * 60
LOOK_EVERY_S = 0.2
MB = 1e6


@dataclass(frozen=True)
class Run:
    """One `playhead transcribe`."""

    status: int  # of its end; minus the signal that ended it
    seconds: float
    peak_bytes: int  # of its processes together; what they share is counted for each


def transcribe(library: Library, options: list[str], kill_after_s: float = float("inf")) -> Run:
    """To its end, or until it is killed with all that it started."""
    began, peak = time.perf_counter(), 0
    process = subprocess.Popen(command(library, "transcribe", *options), start_new_session=True)
    while process.poll() is None:
        peak = max(peak, _resident_bytes(process.pid))
        time.sleep(max(0.0, min(LOOK_EVERY_S, began + kill_after_s - time.perf_counter())))
        if time.perf_counter() - began >= kill_after_s:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return Run(process.returncode, time.perf_counter() - began, peak)


def _resident_bytes(process: int) -> int:
    """Now, with its children."""
    found = 0
    with contextlib.suppress(OSError, StopIteration):  # one that is ending says no more
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        found = sum([memory(each, "VmRSS") for each in [str(process), *children]])
    return found


def main() -> int:
    """The whole run."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(prefix="playhead-kills-") as name:
        folder = Path(name)
        model = asked.model or folder / "micro.pt"
        if asked.model is None:
            unpack_micro(model)
        chosen = ["--model", str(model)] if asked.engine != "pocketsphinx" else []
        options = ["--engine", asked.engine, "--language", "en", *chosen]
        _tell("speaking")
        short = _library(folder / "short", SHORT_S, asked.seed)
        whole = _library(folder / "whole", round(asked.hours * 3600), asked.seed)
        killed = Library(shutil.copytree(whole.root, folder / "killed"))
        return _compare(short, whole, killed, options, asked)


def _compare(short: Library, whole: Library, killed: Library, options: list[str], asked: argparse.Namespace) -> int:
    brief = transcribe(short, options)
    _tell(f"20 minutes took {brief.seconds:.0f} s")
    through = transcribe(whole, options)
    _tell(f"{asked.hours:g} hours took {through.seconds:.0f} s")
    dice, kills, spent = random.Random(asked.seed), 0, 0.0
    for _ in range(asked.kills):
        run = transcribe(killed, options, dice.uniform(0, through.seconds / asked.kills))
        kills, spent = kills + (run.status == -signal.SIGKILL), spent + run.seconds
        _tell(f"{kills} kills")
    spent += transcribe(killed, options).seconds
    alike = _transcript(whole) == _transcript(killed)
    more = (through.peak_bytes - brief.peak_bytes) / MB
    print(f"peak memory: {brief.peak_bytes / MB:.0f} MB for 20 minutes, {more:+.0f} MB for {asked.hours:g} hours")
    print(f"once through {through.seconds:.0f} s; killed {kills} times {spent:.0f} s in all")
    print(f"transcripts of {len(_transcript(whole))} bytes: {'the same' if alike else 'DIFFERENT'}")
    return 0 if alike else 1


def _library(root: Path, seconds: int, seed: int) -> Library:
    """With one episode, fetched."""
    library = Library(root)
    file = library.audio / "long" / "talk.flac"
    file.parent.mkdir(parents=True)
    raw = ["-t", "raw", "-r", str(RATE), "-b", "16", "-e", "signed", "-c", "1", "-"]
    with subprocess.Popen(["sox", *raw, file], stdin=subprocess.PIPE) as sox:
        assert sox.stdin is not None
        left = seconds * RATE
        for part in _parts(random.Random(seed)):
            sox.stdin.write(part[:left].tobytes())
            left -= len(part)
            if left <= 0:
                break
    playhead(library, "fetch")
    return library


def _parts(dice: random.Random) -> Iterator[NDArray[np.int16]]:
    """Speech and pauses, without end."""
    spoken = recording(UTTERANCES, seed=dice.randrange(1000))
    while True:
        for number, utterance in enumerate(dice.sample(spoken.utterances, UTTERANCES), 1):
            yield spoken.pcm[utterance.start : utterance.start + utterance.samples]
            pause = dice.uniform(*(PAUSE_S if number % LONG_EVERY else LONG_PAUSE_S))
            yield np.zeros(round(pause * RATE), np.int16)


def _transcript(library: Library) -> bytes:
    (name,) = library.transcript_ids()
    return re.sub(rb'"created": "[^"]*"', b"", library.transcript_path(name).read_bytes())


def _tell(what: str) -> None:
    print(f"... {what}", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=6)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--engine", default="whisper")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
