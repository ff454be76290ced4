import itertools

from hypothesis import given
from hypothesis import strategies as st

from transcribe.library.spans import merged, total_ms, without
from transcribe.library.transcript import Span

SPANS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 15)).map(lambda drawn: (drawn[0], sum(drawn))), max_size=8
)


def moments(spans: list[Span]) -> set[int]:
    """Every millisecond of them."""
    return {moment for start, end in spans for moment in range(start, end)}


def test_stretches_that_touch_or_nearly_do_become_one() -> None:
    assert merged([(50, 60), (0, 10), (10, 20), (5, 7)]) == [(0, 20), (50, 60)]
    assert merged([(0, 20), (50, 60)], gap_ms=30) == [(0, 60)]
    assert merged([(0, 20), (50, 60)], gap_ms=29) == [(0, 20), (50, 60)]


def test_a_hole_may_reach_over_several_stretches() -> None:
    assert list(without([(0, 10), (20, 30), (40, 50)], [(5, 25), (28, 29), (35, 60)])) == [(0, 5), (25, 28), (29, 30)]


@given(SPANS, SPANS)
def test_they_are_what_they_are_moment_by_moment(some: list[Span], others: list[Span]) -> None:
    joined, rest = merged(some), list(without(merged(some), merged(others)))
    assert moments(joined) == moments(some)
    assert all(one[1] < following[0] for one, following in itertools.pairwise(joined))
    assert moments(rest) == moments(some) - moments(others)
    assert total_ms(rest) == len(moments(rest))
