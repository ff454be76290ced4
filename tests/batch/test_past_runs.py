"""How long work took before says how long it will take."""

import dataclasses
from pathlib import Path

import pytest

from transcribe.batch.past_runs import MOST_RUNS, EngineOptions, PastRuns, Speed

SPHINX = EngineOptions("pocketsphinx", None, None, None, None, None)
WHISPER = EngineOptions("whisper", "small", "cpu", "int8", None, None)


def test_time_follows_from_runs_with_the_same_options(tmp_path: Path) -> None:
    path = tmp_path / "state/past_runs.json"
    PastRuns(path).add(Speed(60_000, 30.0, SPHINX), Speed(1_000_000, 2.0))
    PastRuns(path).add(Speed(60_000, 60.0, SPHINX))
    known = PastRuns(path)
    assert known.seconds_to_transcribe(40_000, SPHINX) == 30
    assert known.seconds_to_fetch(5_000_000) == 10


def test_nothing_is_said_where_no_run_tells(tmp_path: Path) -> None:
    path = tmp_path / "past_runs.json"
    PastRuns(path).add(Speed(60_000, 30.0, SPHINX), Speed(0, 99.0, WHISPER), Speed(60_000, 0.1, WHISPER), Speed(0, 0.0))
    known = PastRuns(path)
    assert known.seconds_to_transcribe(60_000, WHISPER) is None
    assert known.seconds_to_transcribe(60_000, dataclasses.replace(SPHINX, workers=2)) is None
    assert known.seconds_to_fetch(1) is None


def test_old_runs_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "past_runs.json"
    PastRuns(path).add(Speed(1000, 999.0, SPHINX), *MOST_RUNS * [Speed(1000, 2.0, SPHINX)])
    assert PastRuns(path).seconds_to_transcribe(1000, SPHINX) == 2


@pytest.mark.parametrize(
    "content", ["", "[]", '{"runs": [{"amount": -1, "seconds": 1, "options": null}]}', '{"runs": [{"options": {}}]}']
)
def test_a_record_that_cannot_be_read_is_as_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "past_runs.json"
    path.write_text(content)
    assert PastRuns(path).seconds_to_fetch(1) is None
