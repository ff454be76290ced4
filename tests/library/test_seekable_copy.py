"""What is known of how a browser seeks in an episode is read back as it was written, or not at all."""

import json
from pathlib import Path
from typing import Any

import pytest

from transcribe.library.seekable_copy import (
    EpisodeSeeking,
    SeekableCopies,
    may_need_copy,
    usual_lead_in_ms,
)
from transcribe.library.store import Library

NAME, SHA = "show/one", "a" * 64
FOUND = EpisodeSeeking(SHA, "mp3", "one.aaaa.mp4", "audio/mp4", 5)


@pytest.fixture
def copies(tmp_path: Path) -> SeekableCopies:
    return SeekableCopies(Library(tmp_path))


def keep(copies: SeekableCopies, finding: EpisodeSeeking = FOUND) -> Path:
    path = copies.path(NAME, finding)
    assert path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"sound")
    copies.save(NAME, finding)
    return path


def test_a_finding_is_read_back(copies: SeekableCopies) -> None:
    keep(copies)
    assert copies.known(NAME, SHA) == FOUND
    assert copies.take() == (1, 5)


def test_a_finding_about_other_bytes_or_of_a_copy_that_is_gone_counts_as_none(copies: SeekableCopies) -> None:
    path = keep(copies)
    assert copies.known(NAME, "b" * 64) is None
    path.write_bytes(b"soun")
    assert copies.known(NAME, SHA) is None
    path.unlink()
    assert copies.known(NAME, SHA) is None


@pytest.mark.parametrize(
    "change", [{"version": 0}, {"copy": "../../audio/x.mp4"}, {"copy": 5}, {"bytes": "5"}, {"other": 1}]
)
def test_a_file_that_is_no_finding_counts_as_none(copies: SeekableCopies, change: dict[str, Any]) -> None:
    keep(copies)
    copies.finding_path(NAME).write_text(json.dumps({**FOUND.to_json(), **change}))
    assert copies.known(NAME, SHA) is None
    copies.finding_path(NAME).write_text("[" * 100_000)
    assert copies.known(NAME, SHA) is None


def test_nothing_is_known_at_first_and_nothing_takes_room(copies: SeekableCopies) -> None:
    assert copies.known(NAME, SHA) is None
    assert copies.take() == (0, 0)


@pytest.mark.parametrize(
    ("path", "needed", "lead_in_ms"),
    [("a/b.mp3", True, 150), ("a/b.OGG", True, 0), ("a/b.aac", True, 0), ("a.wav", False, 0)],
)
def test_before_anybody_has_looked_the_name_tells(path: str, needed: bool, lead_in_ms: int) -> None:
    assert (may_need_copy(path), usual_lead_in_ms(path)) == (needed, lead_in_ms)
