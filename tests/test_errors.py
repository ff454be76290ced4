import pickle
from pathlib import Path

import pytest

from search.errors import QueryError
from transcribe.errors import AudioError, FetchError, LibraryLocked, PlayheadError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (FetchError("http_404", "it is gone"), "it is gone"),
        (AudioError("no_audio", "silent film"), "silent film"),
        (
            LibraryLocked(Path("/tapes"), "42"),
            "The library /tapes is locked by process 42. Wait for it to end, or stop it.",
        ),
        (QueryError("no_words", "The query has no words."), "The query has no words."),
    ],
)
def test_an_error_says_the_same_after_a_journey_between_processes(error: PlayheadError, text: str) -> None:
    there = pickle.loads(pickle.dumps(error))
    assert type(there) is type(error)
    assert str(there) == str(error) == text
    assert getattr(there, "code", None) == getattr(error, "code", None)
