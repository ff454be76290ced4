"""The edges of placing words; that all hits are those of a plain scan is shown in test_index.py."""

import numpy as np
import pytest

from search.index.matching import DOCUMENT_BITS, NOWHERE, Places, apart_from, either, phrase, together

WITHIN_MS = 30_000
SECOND = 1 << DOCUMENT_BITS  # where the second document begins


def word(*positions: int, every_ms: int = 1000, length: int = 1) -> Places:
    """A word (or a phrase of that length) at these positions, one position a second unless told otherwise."""
    first = np.array(positions, np.int64)
    document = first >> DOCUMENT_BITS << DOCUMENT_BITS
    return Places(first, first + length - 1, document + (first - document) * every_ms)


def stretches(found: Places) -> list[tuple[int, int]]:
    return list(zip(found.first.tolist(), found.last.tolist(), strict=True))


def test_a_phrase_is_words_next_to_one_another() -> None:
    found = phrase([word(0, 4, 9), word(1, 6, 10), word(2, 11)])
    assert stretches(found) == [(0, 2), (9, 11)]
    assert found.start.tolist() == [0, 9000]


def test_a_phrase_of_one_word_twice_overlaps_itself() -> None:
    ha = word(3, 4, 5)
    assert stretches(phrase([ha, ha])) == [(3, 4), (4, 5)]


def test_no_phrase_reaches_into_the_next_document() -> None:
    last = SECOND - 1
    assert len(phrase([word(7), word(SECOND)])) == 0
    assert stretches(phrase([word(7, SECOND), word(8, SECOND + 1)])) == [(7, 8), (SECOND, SECOND + 1)]
    assert len(phrase([word(5), word(last), word(SECOND + 1)])) == 0


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_phrase_with_a_word_that_is_nowhere_is_nowhere(missing: int) -> None:
    slots = [word(0), word(1), word(2)]
    slots[missing] = NOWHERE
    assert len(phrase(slots)) == 0


def test_words_may_be_30_seconds_apart_and_no_more() -> None:
    assert stretches(together([word(0), word(30)], WITHIN_MS)) == [(0, 30)]
    assert len(together([word(0), word(30, every_ms=1001)], WITHIN_MS)) == 0


def test_words_at_either_side_of_a_document_s_border_are_not_together() -> None:
    assert len(together([word(5), word(SECOND)], WITHIN_MS)) == 0
    assert stretches(together([word(5, SECOND + 1), word(SECOND)], WITHIN_MS)) == [(SECOND, SECOND + 1)]


def test_one_word_that_is_two_terms_is_a_stretch_of_itself() -> None:
    assert stretches(together([word(3, 8), word(3)], WITHIN_MS)) == [(3, 3)]


def test_of_stretches_that_share_a_word_the_earlier_counts() -> None:
    assert stretches(together([word(0, 2, 4), word(1, 3)], WITHIN_MS)) == [(0, 1), (2, 3)]


def test_of_stretches_to_the_same_end_the_shortest_counts() -> None:
    assert stretches(together([word(0, 3), word(4)], WITHIN_MS)) == [(3, 4)]


def test_a_stretch_ends_with_the_last_word_of_its_phrases() -> None:
    found = together([word(0, length=4), word(2)], WITHIN_MS)
    assert stretches(found) == [(0, 3)]


def test_a_stretch_starts_when_its_first_word_does() -> None:
    assert together([word(9), word(4), word(6)], WITHIN_MS).start.tolist() == [4000]


def test_nothing_is_together_with_what_is_nowhere() -> None:
    assert len(together([word(1), NOWHERE], WITHIN_MS)) == 0
    assert len(together([NOWHERE], WITHIN_MS)) == 0


def test_either_of_several_is_each_once_and_in_order() -> None:
    found = either([word(5, 9), NOWHERE, word(1, 7)])
    assert stretches(found) == [(1, 1), (5, 5), (7, 7), (9, 9)]
    assert found.start.tolist() == [1000, 5000, 7000, 9000]


def test_of_two_that_begin_together_the_longer_stands() -> None:
    assert stretches(either([word(2, 6), word(2, length=3)])) == [(2, 4), (6, 6)]


def test_either_of_nothing_is_nowhere() -> None:
    assert len(either([])) == len(either([NOWHERE, NOWHERE])) == 0


def test_the_unwanted_keeps_away_for_30_seconds_on_both_sides() -> None:
    found = apart_from(word(0, 9, 10, 40, 70, 71), word(40), WITHIN_MS)
    assert found.first.tolist() == [0, 9, 71]


def test_the_unwanted_does_not_reach_into_another_document() -> None:
    assert apart_from(word(1, SECOND + 1), word(2), WITHIN_MS).first.tolist() == [SECOND + 1]


def test_what_is_unwanted_and_nowhere_takes_nothing_away() -> None:
    found = word(1, 2)
    assert apart_from(found, NOWHERE, WITHIN_MS) is found
    assert len(apart_from(NOWHERE, found, WITHIN_MS)) == 0
