import math
from collections.abc import Callable
from typing import Any

import pytest

from transcribe.errors import TranscriptError
from transcribe.library.validation import check_share, check_span, check_spans, check_texts, check_whole


@pytest.mark.parametrize(
    ("check", "fine", "wrong"),
    [
        (check_texts, ["", "x"], [None, 5, b"x", ["x"]]),
        (check_whole, [0, 10**30], [-1, 1.0, True, "1", None, math.nan]),
        (check_share, [0, 1, 0.5], [-0.01, 1.01, math.nan, math.inf, 10**400, True, "1", None, [1]]),
    ],
)
def test_a_value_is_what_it_must_be_or_is_named(check: Callable[..., None], fine: list[Any], wrong: list[Any]) -> None:
    for value in fine:
        check("its size", value)
    for value in wrong:
        with pytest.raises(TranscriptError, match=r"^its size: ") as caught:
            check("its size", value)
        assert caught.value.code == "bad_transcript"


def test_a_whole_number_may_have_a_limit() -> None:
    check_whole("its size", 5, 5)
    with pytest.raises(TranscriptError, match="it cannot be 6"):
        check_whole("its size", 6, 5)


@pytest.mark.parametrize("span", [(1, 0), (-1, 0), (5, 11), (0.0, 1), (True, 1), ("0", 1)])
def test_a_span_is_whole_and_within_its_limits(span: tuple[Any, Any]) -> None:
    check_span("it", 0, 0, 0, 10)
    with pytest.raises(TranscriptError):
        check_span("it", *span, 0, 10)


def test_spans_may_touch_and_not_overlap() -> None:
    check_spans("they", [(0, 5), (5, 10)], 10)
    with pytest.raises(TranscriptError, match="they: 4 to 10 ms is out of order"):
        check_spans("they", [(0, 5), (4, 10)], 10)
