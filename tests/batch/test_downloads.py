"""Work in threads that its caller need not wait for."""

import threading

import pytest

from transcribe.batch.downloads import Downloads
from transcribe.errors import FetchError


def test_the_caller_is_told_that_nothing_is_ready_yet_and_gets_what_is() -> None:
    go = threading.Event()

    def work(item: str) -> str:
        if item == "slow":
            assert go.wait(60)
        if item == "bad":
            raise FetchError("http_404", "gone")
        return item.upper()

    came: dict[str, object] = {}
    with Downloads(["slow", "quick", "bad"], host=str, work=work, stop=pytest.fail) as downloads:
        for done in downloads:
            if done:
                came[done[0]] = done[1]
            elif {"quick", "bad"} <= came.keys():
                go.set()
    assert (came["slow"], came["quick"]) == ("SLOW", "QUICK")
    assert isinstance(came["bad"], FetchError)


def test_work_is_stopped_when_the_caller_leaves() -> None:
    stopped = threading.Event()

    def work(_: int) -> int:
        assert stopped.wait(60)
        raise FetchError("stopped", "it was stopped")

    with Downloads(range(100), host=str, work=work, stop=stopped.set):
        pass  # leaves at once; no thread is left, or this would not end
    assert stopped.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name == "downloads"]


def test_no_more_is_begun_than_the_caller_can_soon_take() -> None:
    begun: list[int] = []
    with Downloads(range(100), host=str, work=begun.append, stop=lambda: None) as downloads:
        next(each for each in downloads if each)
    assert len(begun) < 30


def test_a_bug_in_the_work_reaches_the_caller() -> None:
    def work(_: int) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), Downloads([1], host=str, work=work, stop=lambda: None) as downloads:
        list(downloads)
