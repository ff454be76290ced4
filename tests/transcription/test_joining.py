"""Words at cuts in speech, and words that were given no time."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from transcribe.library.transcript import Word
from transcribe.transcription.joining import joined_words, lasting
from transcribe.transcription.utterance import Utterance

CUT = 1000


def heard(start_ms: int, end_ms: int, *words: Word, language: str | None = None) -> Utterance:
    return Utterance((start_ms, end_ms), ((start_ms, end_ms),), 1.0, words, None, language)


def at_the_cut(before: list[Word], after: list[Word]) -> list[str]:
    ((_, words),) = joined_words([heard(0, CUT, *before), heard(CUT, 2000, *after)])
    return [word.text for word in words]


def test_a_word_heard_on_both_sides_of_a_cut_is_said_once() -> None:
    assert at_the_cut([Word(800, 980, "Has")], [Word(1010, 1200, "has,"), Word(1200, 1400, "never")]) == [
        "Has",
        "never",
    ]


def test_a_word_that_each_side_takes_for_the_others_is_not_lost() -> None:
    before, after = (
        [Word(700, 900, "of"), Word(CUT, CUT, "rhythm")],
        [Word(CUT, CUT, "rhythm,"), Word(1300, 1500, "is")],
    )
    assert at_the_cut(before, after) == ["of", "rhythm", "is"]


def test_what_is_heard_beyond_a_cut_is_the_other_sides() -> None:
    assert at_the_cut([Word(700, 900, "of"), Word(CUT, CUT, "rid")], [Word(1010, 1300, "rhythm")]) == ["of", "rhythm"]


def test_words_said_twice_are_kept_where_no_cut_is_or_they_are_far_from_it() -> None:
    assert at_the_cut([Word(300, 500, "no")], [Word(1400, 1500, "no")]) == ["no", "no"]
    ((_, words),) = joined_words([heard(0, 990, Word(800, 980, "no")), heard(CUT, 2000, Word(1010, 1200, "no"))])
    assert len(words) == 2


def test_words_are_apart_by_language() -> None:
    one, two = Word(0, 9, "one"), Word(1100, 1200, "zwei")
    found = joined_words([heard(0, 500, one), heard(1000, 2000, two, language="de"), heard(3000, 4000, language="de")])
    assert found == [(None, [one]), ("de", [two])]


def test_words_without_length_get_the_time_up_to_the_next_or_a_neighbours() -> None:
    free = [Word(0, 100, "a"), Word(100, 100, "b"), Word(500, 600, "c")]
    assert [(w.start_ms, w.end_ms) for w in lasting(free)] == [(0, 100), (100, 250), (500, 600)]
    tight = [Word(0, 100, "a"), Word(100, 100, "bb"), Word(100, 200, "cc")]
    assert [(w.start_ms, w.end_ms) for w in lasting(tight)] == [(0, 100), (100, 150), (150, 200)]
    last = [Word(0, 100, "aa"), Word(100, 100, "bb")]
    assert [(w.start_ms, w.end_ms) for w in lasting(last)] == [(0, 50), (50, 100)]


@given(st.lists(st.tuples(st.integers(0, 200), st.sampled_from([0, 0, 1, 150])), max_size=12))
def test_lasting_words_are_the_same_words_in_order(drawn: list[tuple[int, int]]) -> None:
    words, at = [], 0
    for step, length in drawn:
        at += step
        words.append(Word(at, at + length, "word"))
    found = lasting(words)
    assert [word.text for word in found] == [word.text for word in words]
    assert all(one.start_ms <= other.start_ms for one, other in itertools.pairwise(found))
    assert all(word.start_ms <= word.end_ms for word in found)
