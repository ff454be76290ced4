import dataclasses
import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.fetch.partial_download import Origin, Partial
from transcribe.web.http_validators import Validators

ORIGIN = Origin("https://example.org/a.mp3", ".mp3", Validators('"1"', None, 10), '"1"')


@pytest.fixture
def part(tmp_path: Path) -> Partial:
    """Of ten bytes, five are there."""
    part = Partial(tmp_path / "show" / "episode")
    part.begin(ORIGIN)
    part.extend([b"hello"])
    return part


def test_what_came_in_pieces_has_the_checksum_of_the_whole(part: Partial) -> None:
    assert part.extend([b"wo", b"rld"]) == hashlib.sha256(b"helloworld").hexdigest()
    assert part.size() == 10


def test_it_is_gone_on_with_under_the_url_that_it_came_from(part: Partial) -> None:
    assert part.origin(ORIGIN.url) == ORIGIN
    assert part.origin("https://example.org/b.mp3") is None
    part.extend([b"world"])
    assert part.origin(ORIGIN.url) == ORIGIN
    part.extend([b"!"])  # more than there can be
    assert part.origin(ORIGIN.url) is None


@pytest.mark.parametrize(
    ("span", "more", "expected"),
    [
        ("bytes 5-9/10", {}, True),
        ("Bytes 5-9/*", {"etag": '"1"'}, True),
        ("bytes 5-7/10", {}, True),
        ("bytes 4-9/10", {}, False),
        ("bytes 5-9/11", {}, False),
        ("bytes 5-9/10", {"etag": '"2"'}, False),
        ("bytes 5-9/10", {"content-encoding": "gzip"}, False),
        ("bytes */10", {}, False),
        ("", {}, False),
    ],
)
def test_an_answer_goes_on_where_the_bytes_end_in_the_same_file(
    part: Partial, span: str, more: dict[str, str], expected: bool
) -> None:
    assert part.goes_on(ORIGIN, {"content-range": span, "content-length": "5", **more}) is expected


def test_it_is_not_gone_on_with_to_an_end_that_nobody_has_told(part: Partial) -> None:
    origin = dataclasses.replace(ORIGIN, validators=Validators('"1"'))
    assert not part.goes_on(origin, {"content-range": "bytes 5-7/*", "content-length": "3"})
    assert part.goes_on(origin, {"content-range": "bytes 5-7/10", "content-length": "3"})


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"content-range": "bytes */10", "content-length": "300"}, True),
        ({"content-length": "300"}, True),
        ({"content-range": "bytes */11"}, False),
        ({"content-range": "bytes */10", "etag": '"2"'}, False),
    ],
)
def test_nothing_is_left_to_come_at_full_length_alone(part: Partial, headers: dict[str, str], expected: bool) -> None:
    assert not part.is_whole(ORIGIN, headers)
    part.extend([b"world"])
    assert part.is_whole(ORIGIN, headers) is expected


def test_what_cannot_be_gone_on_with_has_no_note(part: Partial) -> None:
    part.begin(dataclasses.replace(ORIGIN, if_range=None))
    assert part.origin(ORIGIN.url) is None
    assert [path.name for path in part.path.parent.iterdir()] == ["episode.part"]


def test_a_finished_file_leaves_nothing_beside_it(part: Partial) -> None:
    part.publish(part.path.with_name("episode.mp3"))
    assert [path.name for path in part.path.parent.iterdir()] == ["episode.mp3"]
    part.discard()  # nothing to do


texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40)


@given(st.builds(Origin, texts, st.just(".mp3"), st.builds(Validators, texts), texts))
def test_an_origin_comes_back_from_json(origin: Origin) -> None:
    assert Origin.from_json(dataclasses.asdict(origin)) == origin


@pytest.mark.parametrize(
    "changes", [{"suffix": ".php"}, {"suffix": "/../x.mp3"}, {"url": 1}, {"x": 1}, {"validators": 1}]
)
def test_anything_else_is_no_origin(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not"):
        Origin.from_json({**dataclasses.asdict(ORIGIN), **changes})
