import json
from collections import Counter

from transcribe.batch.report import Report
from transcribe.library.episode import Failure


def lines(**parts: object) -> list[str]:
    return list(Report(**parts).lines())  # type: ignore[arg-type]


def test_a_run_ends_with_a_table() -> None:
    unchanged = [f"show/{number}" for number in range(298)]
    assert lines(
        fetched=["show/one", "show/two"],
        bytes=45_200_000,
        transcribed=["show/one", "show/two"],
        audio_ms=5_025_000,
        unchanged=unchanged,
        failed={"show/three": Failure("http_404", "the host has no such file")},
    ) == [
        "  2 fetched      45.2 MB",
        "  2 transcribed  1:23:45",
        "298 unchanged",
        "  1 failed",
        "  failed: show/three: http_404: the host has no such file",
    ]


def test_what_came_of_nothing_is_left_out() -> None:
    assert lines(unchanged=["show/one"]) == ["1 unchanged"]
    assert lines() == ["Nothing to do. `playhead run FILE-OR-FEED` takes in what is new."]


def test_what_is_not_taken_and_what_is_to_go_are_counted() -> None:
    assert lines(
        fetched=["show/one"], bytes=1_000_000, not_taken=Counter({"application/pdf": 1, "a playlist": 2}), to_go=290
    ) == [
        "1 fetched  1.0 MB",
        "3 items not taken: 2 a playlist, 1 application/pdf",
        "290 to go; the same command goes on with them",
    ]
    assert lines(not_taken=Counter(["application/pdf"])) == ["1 item not taken: 1 application/pdf"]


def test_reasons_are_counted_for_programs_too() -> None:
    report = Report(not_taken=Counter({"application/pdf": 1, "a playlist": 2}))
    assert json.loads(json.dumps(report.to_json()))["not_taken"] == {"application/pdf": 1, "a playlist": 2}


def test_an_update_does_not_advise_an_update() -> None:
    waiting = lines(changed_upstream=["show/one"], to_go=1, update=True)
    assert "  changed_upstream: show/one: its publisher has other audio now; it is among those to go" in waiting
    gone = Failure("http_404", "gone")
    failed = lines(changed_upstream=["show/one"], failed={"show/one": gone}, update=True)
    assert not [line for line in failed if "changed_upstream" in line]


def test_a_source_that_offers_nothing_is_something_to_tell() -> None:
    assert lines(nothing_of={"https://example.org/feed": {"no file": 2, "application/pdf": 3}, "inbox": {}}) == [
        "  https://example.org/feed: nothing of it could be taken: 3 application/pdf, 2 no file",
        "  inbox: it holds no episode",
    ]


def test_an_episode_that_was_met_twice_is_unchanged_once() -> None:
    assert lines(unchanged=["show/one", "show/two", "show/one"]) == ["2 unchanged"]
    assert Report(unchanged=["show/one", "show/one"]).to_json()["unchanged"] == ["show/one"]


def test_each_episode_that_wants_attention_has_a_line_with_state_and_reason() -> None:
    told = lines(
        changed_upstream=["show/one"],
        damaged={"show/two": Failure("truncated", "the audio breaks off")},
        mismatched={"show/three": Failure("mismatch", "its publisher's transcript: of something else")},
        later={"feed": Failure("retry_later", "not before noon")},
        absent={"/tapes": Failure("not_there", "passed over")},
    )
    assert told == [
        "1 to be tried later",
        "  changed_upstream: show/one: its publisher has other audio now; --update takes it",
        "  truncated: show/two: the audio breaks off",
        "  mismatch: show/three: its publisher's transcript: of something else",
        "  retry_later: feed: not before noon",
        "  not_there: /tapes: passed over",
    ]


def test_the_same_is_plain_data() -> None:
    report = Report(fetched=["show/one"], bytes=7, failed={"show/two": Failure("http_404", "gone")})
    assert report.to_json() | {"fetched": ["show/one"], "bytes": 7} == report.to_json()
    assert report.to_json()["failed"] == {"show/two": {"code": "http_404", "message": "gone"}}
