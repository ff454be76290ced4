import errno

import pytest

from transcribe.errors import AudioError, CannotWrite
from transcribe.library.episode import Failure
from transcribe.workers.failures import attempted


def failing(problem: BaseException) -> Failure | None:
    def work() -> None:
        raise problem

    return attempted(work)


def test_what_comes_of_the_work_is_given_back() -> None:
    assert attempted(lambda: 7) == 7


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (AudioError("undecodable", "no decoder knows it"), "undecodable"),
        (MemoryError(), "out_of_memory"),
        (RuntimeError("torch has its own ideas"), "internal_error"),
        (AssertionError(), "internal_error"),
        (OverflowError("int too large"), "internal_error"),
    ],
)
def test_whatever_goes_wrong_with_an_episode_stays_with_it(problem: Exception, code: str) -> None:
    failure = failing(problem)
    assert isinstance(failure, Failure)
    assert failure.code == code


@pytest.mark.parametrize("problem", [CannotWrite(errno.ENOSPC, "No space left", "x.json"), KeyboardInterrupt()])
def test_what_is_nobodys_own_ends_the_run(problem: BaseException) -> None:
    with pytest.raises(type(problem)):
        failing(problem)
