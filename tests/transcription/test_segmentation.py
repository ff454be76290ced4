"""Where segments end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.library.transcript import Segment, Word
from transcribe.transcription.segmentation import SegmentOptions, segments

LENGTH_MS, GAP_MS = 300, 100


def said(text: str, pauses: dict[str, int] | None = None) -> list[Word]:
    """One word after the other; after those in `pauses`, so many milliseconds of silence."""
    words, at = [], 0
    for word in text.split():
        words.append(Word(at, at + LENGTH_MS, word, 0.9))
        at += LENGTH_MS + (pauses or {}).get(word, GAP_MS)
    return words


def texts(words: list[Word], options: SegmentOptions | None = None) -> list[str]:
    return [segment.text for segment in segments(words, options)]


@pytest.mark.parametrize(
    "text",
    [
        "Nobody asks. | Everybody helps!",
        "Why? | Because. | I see…",
        "“Who knows?” | (Nobody.) | “Then go.”",
        "It cost 3.5 million. | That was in 1.2.3 of the program.",
        "Mr. Brown met Dr. Grey and Mrs. White. | They left.",
        "The U.S. Senate, i.e. the upper house, voted. | So did I. | Then J. K. Smith spoke.",
        "They met at 5 p.m. as always. | Fine.",
        "Wait... what? | Nothing.",
        "你好。 | 谁？ | 走！ | 好",
        "No stop at the end",
    ],
)
def test_a_sentence_ends_a_segment_and_an_abbreviation_does_not(text: str) -> None:
    found = texts(said(text.replace("|", "")), SegmentOptions(least_ms=0))
    assert found == [part.strip() for part in text.split("|")]


@pytest.mark.parametrize(
    "text",
    [
        "Okay. So that was the plan. | I told them so at once.",
        "We went there in the rain. Yes.",
        "Why? | Because. I see…",
        "Did they say so at last? | No. Never.",
    ],
)
def test_a_short_sentence_is_joined_but_no_answer_to_its_question(text: str) -> None:
    assert texts(said(text.replace("|", ""))) == [part.strip() for part in text.split("|")]


def test_a_short_sentence_between_pauses_stays_alone() -> None:
    words = said("That was the plan. Okay. I told them so.", pauses={"plan.": 800, "Okay.": 900})
    assert texts(words) == ["That was the plan.", "Okay.", "I told them so."]


def test_a_pause_ends_a_segment_in_the_midst_of_a_sentence() -> None:
    words = said("I think that he was there", pauses={"think": 700, "he": 699})
    assert texts(words) == ["I think", "that he was there"]


def test_a_pause_ends_one_even_after_an_abbreviation() -> None:
    assert texts(said("See Mr. Brown", pauses={"Mr.": 900})) == ["See Mr.", "Brown"]


def test_a_long_sentence_is_cut_after_the_clause_nearest_its_middle() -> None:
    words = said(" ".join(["word"] * 7 + ["one,"] + ["word"] * 3 + ["two,"] + ["word"] * 7))
    assert texts(words) == [" ".join(["word"] * 7 + ["one,"]), " ".join(["word"] * 3 + ["two,"] + ["word"] * 7)]


def test_without_clauses_at_its_longest_pause() -> None:
    words = said(" ".join(["word"] * 4 + ["here"] + ["word"] * 13), pauses={"here": 400})
    assert [len(text.split()) for text in texts(words)] == [5, 13]


def test_without_either_near_its_middle() -> None:
    assert [len(text.split()) for text in texts(said(" ".join(["word"] * 24)))] == [12, 12]


def test_a_comma_at_the_very_edge_is_no_place_to_cut() -> None:
    words = said(" ".join(["Well,"] + ["word"] * 20))
    assert min(len(text.split()) for text in texts(words)) > 5


def test_a_segment_follows_from_its_words() -> None:
    (segment,) = segments([Word(100, 400, "Never", 0.5), Word(500, 900, "mind.", 1.0)])
    assert segment == Segment(
        0, 100, 900, "Never mind.", (Word(100, 400, "Never", 0.5), Word(500, 900, "mind.", 1.0)), None, 0.75, ()
    )


def test_no_words_make_no_segments() -> None:
    assert segments([]) == ()


WORDS = st.lists(
    st.tuples(
        st.integers(0, 3000),
        st.integers(0, 2000),
        st.sampled_from(["a", "b,", "c.", "Mr.", "D", "long" * 30, "…", "、"]),
    ),
    max_size=60,
)


@given(WORDS)
def test_segments_hold_every_word_once_in_order_and_are_short_enough(drawn: list[tuple[int, int, str]]) -> None:
    words, at = [], 0
    for pause, length, text in drawn:
        words.append(Word(at + pause, at + pause + length, text))
        at += pause + length
    found = segments(words)
    assert [word for segment in found for word in segment.words] == words
    assert [segment.id for segment in found] == list(range(len(found)))
    for segment in found:
        assert len(segment.words) == 1 or segment.end_ms - segment.start_ms <= SegmentOptions().longest_ms
        assert len(segment.words) == 1 or len(segment.text) <= SegmentOptions().longest_text
