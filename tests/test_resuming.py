"""A run that is ended in the midst of an episode, by any means, is taken up where it was: nothing heard is lost."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.command import begun, ended, playhead
from tests.support.speech import write_audio
from transcribe.audio.decode import open_audio

TALK = Path(__file__).parent / "data/talk.mp3"
TIMEOUT_S = 600  # generous, for a machine with much else to do
OUT_WITHIN_S = 60
ENGINE = ("--engine", "pocketsphinx", "--workers", "1")


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same few words again and again with pauses between, so that there are several batches."""
    with open_audio(TALK) as opened:
        talk = np.concatenate(list(opened.blocks()))[: 5 * 16_000]
    pause = np.zeros(9 * 16_000, np.int16)
    path = tmp_path_factory.mktemp("recordings") / "talks.flac"
    write_audio(np.concatenate(6 * [talk, pause]), path)
    return path


@pytest.fixture(scope="module")
def uninterrupted(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    library = tmp_path_factory.mktemp("whole")
    assert playhead("--library", library, "run", recording, *ENGINE).status == 0
    return transcript(library)


def transcript(library: Path) -> dict[str, Any]:
    """But for when it was made."""
    (path,) = library.glob("transcripts/*/*.json")
    made: dict[str, Any] = json.loads(path.read_bytes())
    assert made.pop("created")
    return made


def heard(library: Path) -> int:
    """How many pieces are kept."""
    lines = [line for path in checkpoints(library) for line in path.read_bytes().splitlines(keepends=True)]
    return sum(len(json.loads(line)["utterances"]) for line in lines if line.endswith(b"\n"))


def checkpoints(library: Path) -> list[Path]:
    return list(library.glob(".playhead/checkpoints/*.jsonl"))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_is_ended_goes_on_where_it_was(
    how: signal.Signals, recording: Path, uninterrupted: dict[str, Any], tmp_path: Path
) -> None:  # faults 28, 29, 30
    running = begun("--library", tmp_path, "run", recording, *ENGINE)
    deadline = time.monotonic() + TIMEOUT_S
    while not heard(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    began = time.monotonic()
    running.send_signal(how)
    over = ended(running)
    assert time.monotonic() - began < OUT_WITHIN_S
    if how != signal.SIGKILL:
        assert over.status == 130
        assert "the same command goes on from there" in over.err

    kept = heard(tmp_path)
    assert kept >= 1
    assert not list(tmp_path.glob("transcripts/*/*"))
    again = playhead("--library", tmp_path, "run", recording, *ENGINE)
    assert again.status == 0, again.err
    assert transcript(tmp_path) == uninterrupted
    assert checkpoints(tmp_path) == []
