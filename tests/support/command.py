"""The `playhead` command as its script runs it: in this process, which is quick, or in one of its own."""

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from search.cli import main

START = (sys.executable, "-c", "from search.cli import main; main()")


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left behind."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def playhead(*args: str | Path) -> Ended:
    """The command, run in this process to its end."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="", write_through=True) for _ in range(2))
    status: Any = 0
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr(sys, "argv", ["playhead", *map(str, args)])
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
    written = [stream.buffer.getvalue().decode() for stream in (out, err)]
    return Ended(int(status), *written)


def environment(**settings: str) -> dict[str, str]:
    """For a process of its own: it finds the modules that this one does, and no settings but those given."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PLAYHEAD_")}
    return clean | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | settings


def begun(*args: str | Path, **settings: str) -> "subprocess.Popen[str]":
    """The command in a process of its own."""
    return subprocess.Popen(
        [*START, *map(str, args)],
        env=environment(**settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]", timeout_s: float = 600) -> Ended:
    """What came of it; the limit is there for a command that hangs."""
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return Ended(process.returncode, out, err)
