import dataclasses

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from search.index.hits import CONTEXT_LEAST, CONTEXT_WORDS, Hit, hit
from search.index.passages import passages, unpack
from search.query.words import words
from tests.support.conversations import conversations, made_of, transcript
from transcribe.library.transcript import Transcript, Word, joined, segment


def made(spoken: Transcript, first: int, last: int, *matched: tuple[int, int]) -> Hit:
    """The hit from one position to another, as an index makes it; all between matched unless told otherwise."""
    indexed = passages(spoken, "digest")
    return hit(indexed.contents, lambda number: unpack(indexed.pages[number]), first, last, matched or [(first, last)])


def marked(found: Hit) -> list[str]:
    return [found.text[begin:end] for begin, end in found.marks]


def test_a_hit_lasts_from_its_first_word_to_its_last() -> None:
    found = made(transcript("one two", "three four"), 1, 2)
    assert (found.start_ms, found.end_ms) == (300, 800)
    assert (found.before, found.text, found.after) == ("one", "two three", "four")
    assert found.segments == (0, 1)


def test_a_hit_inside_a_written_word_shows_all_of_it() -> None:
    found = made(transcript("from peer-to-peer networks"), 2, 2)
    assert (found.before, found.text, found.after) == ("from", "peer-to-peer", "networks")
    assert marked(found) == ["peer-to-peer"]
    assert found.start_ms == 300


def test_a_hit_ends_when_the_last_of_its_words_ends() -> None:
    overlapping = made_of([segment(0, [Word(0, 900, "long"), Word(100, 200, "short")])])
    assert made(overlapping, 0, 1).end_ms == 900


def test_the_first_and_the_last_word_have_nothing_around_them() -> None:
    found = made(transcript("all of it"), 0, 2)
    assert (found.before, found.text, found.after) == ("", "all of it", "")


def test_the_context_is_the_segment_and_24_words_at_most() -> None:
    found = made(transcript("a " * 100, "b " * 12 + "here" + " c" * 12, "d " * 100), 112, 112)
    assert (found.before, found.after) == ("b " * 11 + "b", "c " * 11 + "c")
    found = made(transcript("x " * 100), 50, 50)
    assert len(found.before.split()) == len(found.after.split()) == CONTEXT_WORDS


def test_the_context_is_8_words_even_where_segments_are_short() -> None:
    found = made(transcript(*["so on"] * 20), 20, 20)
    assert len(found.before.split()) == len(found.after.split()) == CONTEXT_LEAST


def test_marks_are_the_words_that_matched() -> None:
    found = made(transcript("the peer and the commons again"), 1, 4, (1, 1), (4, 4))
    assert found.text == "peer and the commons"
    assert marked(found) == ["peer", "commons"]


def test_words_of_one_match_share_a_mark_and_those_of_two_do_not() -> None:
    spoken = transcript("to be to be")
    assert marked(made(spoken, 0, 3, (0, 3))) == ["to be to be"]
    assert marked(made(spoken, 0, 3, (0, 1), (2, 3))) == ["to be", "to be"]


def test_the_same_text_twice_is_marked_where_it_matched() -> None:
    found = made(transcript("be that as it may be"), 0, 5, (5, 5), (1, 1))
    assert marked(found) == ["that", "be"]
    assert found.marks[1] == (18, 20)


def test_chinese_and_japanese_are_joined_without_spaces() -> None:
    found = made(transcript("共有地の 悲劇 と 希望"), 3, 5)
    assert found.text == "共有地の悲劇"
    assert marked(found) == ["共有地の悲劇"]


def test_a_hit_is_joined_as_its_words_say() -> None:
    words = [
        Word(0, 90, "GPT-4"),
        Word(90, 99, "は", joined=True),
        Word(100, 190, "OK", joined=True),
        Word(200, 290, "OK"),
        Word(300, 390, "年", joined=True),
    ]
    found = made(made_of([segment(0, words)]), 2, 5, (2, 3), (5, 5))
    assert (found.before, found.text) == ("GPT-4", "はOK OK年")
    assert marked(found) == ["はOK", "年"]


def test_a_hit_tells_who_says_its_first_word_and_what_to_distrust() -> None:
    said = [
        segment(3, [Word(0, 90, "one", 0.5)], "Ann", ("low_confidence", "repetition")),
        segment(4, [Word(100, 190, "two", 1.0)], "Ben", ("repetition",)),
        segment(7, [Word(200, 290, "three")], None, ("no_speech",)),
    ]
    found = made(made_of(said), 0, 1)
    assert (found.speaker, found.segments, found.confidence) == ("Ann", (3, 4), 0.75)
    assert found.flags == ("low_confidence", "repetition")
    found = made(made_of(said), 2, 2)
    assert (found.speaker, found.confidence, found.flags) == (None, None, ("no_speech",))


def test_links_start_with_the_word_and_let_it_end() -> None:
    found = dataclasses.replace(made(transcript("peer"), 0, 0), start_ms=754_290, end_ms=755_801)
    assert found.fragment == "t=754.2"
    assert found.to_json()["player"] == "/episodes/show/episode#t=754.2"
    assert found.to_json()["audio"] == "/audio/show/episode#t=754.2,755.9"


@settings(deadline=None)
@given(spoken=conversations(), data=st.data())
def test_a_hit_reads_as_it_was_said(spoken: Transcript, data: st.DataObject) -> None:
    said = [word for _, written in spoken.words() for word in words(written.text)]
    assume(said)
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(said) - 1)] * 2)))
    found = made(spoken, first, last)
    parts = [part for part in (found.before, found.text, found.after) if part]
    assert " ".join(parts) in joined(word for _, word in spoken.words())
    shown, wanted = words(found.text), said[first : last + 1]
    assert any(shown[at : at + len(wanted)] == wanted for at in range(3))  # within "peer-to-peer", up to two are more
    assert words(" ".join(marked(found))) == shown
    assert all(0 <= begin < end <= len(found.text) for begin, end in found.marks)
