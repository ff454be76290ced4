"""Playhead's Whisper beside whisper.transcribe and faster-whisper, on the same weights and sound, in the same run.

    python bench/transcribe.py [--models tiny,base,small,micro] [--systems PATTERN] [--minutes 16] [--repeat 2]
                               [--seed 1] [--markdown] [--keep DIR]

What the columns mean stands in bench/README.md. Needs flite.
"""

import argparse
import contextlib
import datetime
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.pop(0)  # this folder, whose transcribe.py would hide the package
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import table
from bench.command import unpack_micro
from bench.recognizing import CHECKPOINT, CTRANSLATE2, SEQUENTIAL, SYSTEMS, WHISPER, Task, Took, took
from bench.talk import Talk, write
from bench.training import reciting
from bench.word_errors import errors, plain

MICRO = "micro"  # the checkpoint of the tests, the only one whose words mean something
HEADER = ("computing, s", "taken, s", f"times {WHISPER}", "peak memory, MB", "words")
MEANT = ("other words", "word error rate")
MB = 1e6


def main() -> None:
    """The whole run."""
    asked = _arguments()
    with contextlib.ExitStack() as stack:
        folder = Path(asked.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="playhead-bench-")))
        _run(asked, folder.resolve())


def _run(asked: argparse.Namespace, folder: Path) -> None:
    _tell(f"speaking {asked.minutes} minutes")
    talk, device = write(2 * asked.minutes, asked.seed, folder / "talk"), _device()
    systems = [name for name in SYSTEMS if re.search(asked.systems, name)]
    render = table.markdown if asked.markdown else table.plain
    print(_heading(asked, talk, device))
    for model in asked.models.split(","):
        prepared = _prepared(model, folder / model)
        # The micro Whisper never saw text before its window: conditioned on it, it goes astray in any system.
        measured = _measured(systems, Task(prepared, talk, device, conditioned=model != MICRO), asked.repeat)
        header = [model, *HEADER, *(MEANT if model == MICRO else ())]
        rows = _rows(measured, asked.minutes / 60, talk.words if model == MICRO else None)
        print(f"\n{render(header, rows)}", flush=True)


def _prepared(model: str, folder: Path) -> Path:
    """The folder, with the weights in both forms."""
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / CHECKPOINT
    if model == MICRO:
        unpack_micro(checkpoint)
    else:
        reciting.write(model, checkpoint)
    try:
        from tests.support.ctranslate_model import convert  # of tests/
    except ImportError:
        _tell("faster-whisper is not installed")
    else:
        convert(checkpoint, folder / CTRANSLATE2)
    return folder


def _measured(systems: Sequence[str], task: Task, repeat: int) -> dict[str, Took]:
    """The best of so many turns of all systems, so that a busy hour of the machine is as busy for all."""
    best: dict[str, Took] = {}
    for turn in range(repeat):
        for system in systems:
            _tell(f"{task.folder.name}, turn {turn + 1}: {system}")
            try:
                best[system] = took(system, task).better(best.get(system))
            except subprocess.CalledProcessError as failure:
                _tell(f"{system} failed: exit status {failure.returncode}")
    return best


def _rows(measured: Mapping[str, Took], hours: float, truth: Sequence[str] | None) -> list[list[str]]:
    peer, sequential = measured.get(WHISPER), measured.get(SEQUENTIAL)
    rows = []
    for system, found in measured.items():
        times = f"{peer.wall_s / found.wall_s:.2f}" if peer else "-"
        row = [f"{found.cpu_s / hours:.0f}", f"{found.wall_s / hours:.0f}", times, f"{found.peak_bytes / MB:.0f}"]
        rows.append([system, *row, f"{len(found.words) / hours:.0f}"])
        if truth is not None:
            heard = plain(found.words)
            other = f"{errors(plain(sequential.words), heard) / hours:.0f}" if sequential else "-"
            rows[-1] += [other, f"{100 * errors(truth, heard) / len(truth):.1f} %"]
    return rows


def _heading(asked: argparse.Namespace, talk: Talk, device: str) -> str:
    return (
        f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores, {device}, Python "
        f"{platform.python_version()}, seed {asked.seed}: {asked.minutes} minutes in {len(talk.spans())} pieces, "
        f"{len(talk.words)} words, best of {asked.repeat}. All but memory is for an hour of sound."
    )


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _tell(what: str) -> None:
    print(f"... {what}", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join([*reciting.SIZES, MICRO]))
    parser.add_argument("--systems", default="", help="only those whose names hold this regular expression")
    parser.add_argument("--minutes", type=int, default=16, help="of sound; a batch of 16 needs 8")
    parser.add_argument("--repeat", type=int, default=2, help="the best of so many times")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    parser.add_argument("--keep", help="a folder to work in and leave")
    return parser.parse_args()


if __name__ == "__main__":
    main()
