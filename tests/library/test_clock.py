import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.library.clock import clock, milliseconds, seconds, timestamp

moments = st.integers(0, 10_000 * 3_600_000)


@given(moments, st.sampled_from(".,"))
def test_a_timestamp_reads_back_to_the_millisecond(ms: int, mark: str) -> None:
    assert milliseconds(timestamp(ms, mark)) == ms


@given(moments)
def test_seconds_and_clock_are_never_past_the_moment(ms: int) -> None:
    assert 0 <= ms - milliseconds(seconds(ms)) < 100 or ms >= 10**12
    assert 0 <= ms - milliseconds(clock(ms)) < 1000


def test_a_clock_has_hours_only_when_there_are_some() -> None:
    assert [clock(ms) for ms in (0, 59_999, 123_450, 3_599_999, 3_723_000)] == [
        "0:00",
        "0:59",
        "2:03",
        "59:59",
        "1:02:03",
    ]


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1:02:03.450", 3_723_450),
        ("02:03,45", 123_450),
        (" 63 ", 63_000),
        ("754.2", 754_200),
        ("0:0:1.0009", 1_000),
        ("90:00", 5_400_000),
    ],
)
def test_times_are_read_as_people_and_files_write_them(text: str, ms: int) -> None:
    assert milliseconds(text) == ms


@pytest.mark.parametrize("text", ["", "-5", "1e99", "NaN", "1:2:3:4", "1:", ":30", "1:234", "１", "9" * 5000, "1 2"])
def test_what_is_not_a_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a time"):
        milliseconds(text)
