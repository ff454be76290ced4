"""How sources answered, kept from run to run."""

from pathlib import Path

import pytest

from transcribe.library.source_states import WEEK_S, SourceStates, load_source_states

FEED = "https://example.org/feed"


def test_a_source_fails_since_its_first_failure_in_a_row(tmp_path: Path) -> None:
    states = SourceStates(tmp_path / "sources.json")
    states.answered(FEED, 100, "3 episodes", {"application/pdf": 2})
    states.failed(FEED, 200, "timeout: no answer")
    states.failed(FEED, 300, "http_500: down")
    states.save()
    (state,) = load_source_states(tmp_path / "sources.json")
    assert (state.asked, state.failing_since, state.answer) == (300, 200, "http_500: down")
    assert state.not_taken == {"application/pdf": 2}
    assert state.failed_for(200 + WEEK_S) == WEEK_S


def test_a_source_with_nothing_new_offers_what_it_did(tmp_path: Path) -> None:
    states = SourceStates(tmp_path / "sources.json")
    states.answered(FEED, 100, "3 episodes", {})
    states.answered(FEED, 200, "nothing new")
    states.save()
    (state,) = load_source_states(tmp_path / "sources.json")
    assert (state.asked, state.answer, state.failed_for(999)) == (200, "3 episodes", 0)


def test_sources_that_are_forgotten_are_left_out(tmp_path: Path) -> None:
    states = SourceStates(tmp_path / "sources.json")
    for name in (FEED, "/tapes"):
        states.failed(name, 1, "gone")
    states.keep_only({FEED})
    states.save()
    assert [state.source for state in load_source_states(tmp_path / "sources.json")] == [FEED]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"sources": 7}', '{"sources": [{"source": 1}, 7, null]}'])
def test_a_file_that_cannot_be_read_is_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "sources.json").write_text(text)
    assert load_source_states(tmp_path / "sources.json") == []
