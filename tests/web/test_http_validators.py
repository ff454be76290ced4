import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.web.http_validators import Validators, differ, for_if_range

SUNDAY = "Sun, 22 Nov 2026 18:00:00 GMT"
texts = st.none() | st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40)
validators = st.builds(Validators, texts, texts, st.none() | st.integers(0, 10**12))


def test_marks_are_taken_as_they_come() -> None:
    headers = {"etag": 'W/"a,b"', "last-modified": " yesterday", "content-length": "12"}
    assert Validators.of(headers) == Validators('W/"a,b"', " yesterday", 12)
    assert Validators.of({}) == Validators()


@pytest.mark.parametrize("value", ["", "é", "a\tb", "a\nX: y", "x" * 1001])
def test_a_mark_that_could_not_be_sent_back_is_none(value: str) -> None:
    assert Validators.of({"etag": value, "last-modified": value}) == Validators()


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        ({"content-length": "50"}, 50),
        ({"content-length": "50", "content-range": "bytes 0-49/100"}, 100),
        ({"content-length": "50", "content-range": "bytes 0-49/*"}, None),
        ({"content-length": "0", "content-range": "bytes */100"}, 100),
        ({"content-length": "50", "content-range": "nonsense"}, None),
        ({"content-length": "50", "content-encoding": "gzip"}, None),
        ({"content-length": "-1"}, None),
        ({"content-length": "٣"}, None),
        ({"content-length": "9" * 5000}, None),
    ],
)
def test_the_length_is_that_of_the_whole_file(headers: dict[str, str], length: int | None) -> None:
    assert Validators.of(headers).length == length


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"etag": '"1"'}, '"1"'),
        ({"etag": 'W/"1"'}, None),
        ({"etag": "1"}, None),
        ({"etag": 'W/"1"', "last-modified": SUNDAY, "date": "Mon, 23 Nov 2026 18:00:00 GMT"}, None),
        ({"last-modified": SUNDAY, "date": "Sun, 22 Nov 2026 18:01:00 GMT"}, SUNDAY),
        ({"last-modified": SUNDAY, "date": "Sun, 22 Nov 2026 18:00:59 GMT"}, None),
        ({"last-modified": SUNDAY}, None),
        ({"last-modified": "long ago", "date": SUNDAY}, None),
        ({}, None),
    ],
)
def test_only_a_mark_that_is_sure_asks_for_the_rest_of_a_file(headers: dict[str, str], expected: str | None) -> None:
    assert for_if_range(headers) == expected


@given(validators)
def test_validators_come_back_from_json(told: Validators) -> None:
    assert Validators.from_json(dataclasses.asdict(told)) == told


@pytest.mark.parametrize(
    "data", [None, [], "", {"etag": 1}, {"length": "1"}, {"length": True}, {"x": 1}, {"etag": "\n"}]
)
def test_anything_else_is_no_validators(data: object) -> None:
    with pytest.raises(ValueError, match="not validators"):
        Validators.from_json(data)


@given(validators)
def test_what_is_the_same_never_differs(told: Validators) -> None:
    assert not differ(told, told)


@given(validators, validators)
def test_two_answers_differ_either_way_round(one: Validators, two: Validators) -> None:
    assert differ(one, two) is differ(two, one)
