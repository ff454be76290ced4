from pathlib import Path

import pytest

from transcribe.fetch.same_sound import same_but_for_passages

TALKS = sorted((Path(__file__).parents[2] / "audio/commons-talks").glob("*.mp3"))
TALK, OTHER = (path.read_bytes() for path in TALKS)  # mp3 of a minute or two


def advertisement(number: int, size: int = 30_000) -> bytes:
    return OTHER[number * 100_000 : number * 100_000 + size]


STORED = advertisement(1) + TALK + advertisement(2)


@pytest.mark.parametrize(
    ("new", "is_same"),
    [
        (advertisement(3, 60_000) + TALK + advertisement(4, 20_000), True),  # others, and of other lengths
        (advertisement(3) + TALK[:500_000] + advertisement(4) + TALK[500_000:], True),  # in other places
        (TALK, True),  # none any more
        (b"ID3" + bytes(5000) + STORED, True),  # only other tags
        (STORED + OTHER[400_000:700_000], False),  # it goes on: there is more to hear
        (TALK[:500_000], False),  # much was cut out
        (OTHER, False),
        (b"", False),
        (bytes(1_000_000), False),
    ],
)
def test_what_is_the_same_but_for_short_passages_is_told_by_its_bytes(
    tmp_path: Path, new: bytes, is_same: bool
) -> None:
    (tmp_path / "stored").write_bytes(STORED)
    (tmp_path / "new").write_bytes(new)
    assert same_but_for_passages(tmp_path / "stored", tmp_path / "new") is is_same


def test_bytes_that_are_all_alike_tell_nothing(tmp_path: Path) -> None:
    (tmp_path / "stored").write_bytes(bytes(1_000_000))
    (tmp_path / "new").write_bytes(bytes(1_000_001))
    assert not same_but_for_passages(tmp_path / "stored", tmp_path / "new")
