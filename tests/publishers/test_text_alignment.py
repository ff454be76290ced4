"""Which words two tellings of the same speech have in common."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from transcribe.publishers.text_alignment import Pair, comparable, pairs

few_words = st.lists(st.sampled_from(["the", "well", "is", "ours", "and", "theirs,", "not", "yours"]), max_size=60)


def test_words_are_compared_without_case_marks_and_accents() -> None:
    assert comparable("“Peer-to-peer,”") == ["peer", "to", "peer"]
    assert comparable("Don’t") == comparable("don't")
    assert comparable("Café") == comparable("CAFE")
    assert comparable("—") == []
    assert comparable("井戸は誰") == ["井", "戸", "は", "誰"]


def test_what_was_misheard_stands_between_what_was_not() -> None:
    written = ["So", "who", "owns", "the", "well", "in", "this", "village,", "and", "who", "looks", "after", "it?"]
    heard = ["so", "who", "owns", "the", "whale", "in", "this", "village", "and", "two", "books", "after", "it"]
    assert pairs(written, heard) == [Pair(n, n) for n in (0, 1, 2, 3, 5, 6, 7, 8, 11, 12)]


def test_a_word_of_several_parts_is_one() -> None:
    assert pairs(["a", "peer-to-peer", "network"], ["a", "peer", "to", "peer", "network"]) == [(0, 0), (1, 1), (2, 4)]


def test_what_only_one_has_is_passed_over_however_long() -> None:
    rng = random.Random(0)
    common = [f"w{rng.randrange(900)}" for _ in range(4000)]
    put_in = [f"x{n}" for n in range(3000)]
    found = pairs(common, [*common[:2000], *put_in, *common[2000:]])
    assert len(found) == 4000
    assert all(pair.other == pair.one + (3000 if pair.one >= 2000 else 0) for pair in found)


def test_hours_are_compared_without_delay() -> None:  # difflib alone would take minutes
    rng = random.Random(1)
    said = [f"w{int(rng.paretovariate(0.8))}" for _ in range(60_000)]
    heard = [word if rng.random() < 0.7 else f"y{rng.randrange(500)}" for word in said]
    assert len(pairs(said, heard)) > 0.66 * len(said)


@given(few_words, few_words)
def test_pairs_are_alike_and_in_order(one: list[str], other: list[str]) -> None:
    found = pairs(one, other)
    assert all(comparable(one[pair.one]) == comparable(other[pair.other]) for pair in found)
    assert all(a.one < b.one and a.other < b.other for a, b in itertools.pairwise(found))


@given(few_words)
def test_a_text_is_like_itself(words: list[str]) -> None:
    assert pairs(words, words) == [Pair(n, n) for n in range(len(words))]


def test_scripts_without_spaces_are_compared_however_they_are_cut() -> None:
    written, heard = list("น้ำใจของคนไทยดีมาก"), ["น้ำใจ", "ของ", "คน", "ไทย", "ดี", "มาก"]
    assert [pair.other for pair in pairs(heard, written)] == [0, 5, 8, 10, 13, 15]
    assert comparable("ปี ๒๕๖๖ ok") == comparable("ปี ๒๕ ๖๖ ok")
