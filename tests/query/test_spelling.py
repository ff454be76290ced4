import pytest

from search.query.spelling import LONGEST_GUESSED, commonest, nearest

SAID = {1: {"commons": 3.0, "common": 9.0}, 2: {"summon": 50.0}}


def test_the_nearest_come_first_and_of_them_the_commonest() -> None:
    assert nearest("comons", SAID.__getitem__) == ["common", "commons"]
    assert nearest("comons", lambda distance: SAID[2] if distance == 2 else {}) == ["summon"]


def test_the_same_letters_in_another_order_are_likelier_than_a_commoner_word() -> None:
    assert nearest("wrold", lambda _: {"would": 90.0, "world": 1.0}) == ["world", "would"]


@pytest.mark.parametrize("word", ["a", "ab", "x" * (LONGEST_GUESSED + 1)])
def test_of_a_word_too_short_or_too_long_nothing_is_guessed(word: str) -> None:
    assert nearest(word, lambda _: {"other": 1.0}) == []


def test_of_a_character_nothing_is_guessed() -> None:
    assert nearest("ที่", lambda _: {"ที": 1.0}) == []


def test_the_commonest_forms_are_offered_first() -> None:
    assert commonest({"날씨는": 1.0, "날씨가": 5.0, "날씨도": 1.0, "날씨만": 1.0}) == ["날씨가", "날씨는", "날씨도"]


def test_a_few_are_enough() -> None:
    assert len(nearest("word", lambda _: {f"word{n}": 1.0 for n in range(9)})) == 3
