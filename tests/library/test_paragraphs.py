import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.conversations import conversations, made_of
from tests.support.odd_transcripts import transcripts
from transcribe.library.paragraphs import MOST_WORDS, paragraphs
from transcribe.library.transcript import Segment, Transcript, Word, segment

LONG = ("word " * 60 + "end.", "word " * 130, "word " * 400, "東京は" * 90)
TEXTS = st.sampled_from(["Yes.", "why?", "and then", *LONG])


def said(text: str, start_ms: int = 0, speaker: str | None = None, id: int = 0) -> Segment:
    """A segment that says this within a second."""
    words = [Word(start_ms, start_ms + 1000, word) for word in text.split()]
    return segment(id, words, speaker)


def grouped(*parts: tuple[int, str], speakers: str = "") -> list[int]:
    """The number of segments in each paragraph; parts are the pause before each in milliseconds, and its text."""
    at, segments = 0, []
    for id, (pause_ms, text) in enumerate(parts):
        segments.append(said(text, at + pause_ms, speakers[id] if speakers else None, id))
        at += pause_ms + 1000
    return [len(paragraph) for paragraph in paragraphs(segments)]


@st.composite
def long_talks(draw: st.DrawFn) -> Transcript:
    """Segments of one word or hundreds, with any pauses between them, or overlapping."""
    at, segments = 0, []
    for id in range(draw(st.integers(0, 12))):
        at += draw(st.sampled_from([0, 500, 1000, 1800, 2500, 3100, 6000]))
        segments.append(said(draw(TEXTS), at, draw(st.sampled_from([None, None, "Ann", "Ben"])), id))
    return made_of(segments)


@given(transcripts() | conversations() | long_talks())
def test_every_segment_is_in_one_paragraph_in_order_and_none_is_too_long(transcript: Transcript) -> None:
    found = list(paragraphs(transcript.segments))
    assert tuple(each for paragraph in found for each in paragraph) == transcript.segments
    for paragraph in found:
        assert paragraph
        assert len({each.speaker for each in paragraph}) == 1
        assert len(paragraph) == 1 or sum(len(each.words) for each in paragraph) <= MOST_WORDS


def test_another_speaker_begins_a_paragraph() -> None:
    assert grouped((0, "Hello."), (100, "Hello."), (100, "So,"), (0, "it is."), speakers="ABBA") == [1, 2, 1]


@pytest.mark.parametrize(("pause_ms", "text", "paragraphs"), [(1900, "So it is.", 1), (2000, "So it is.", 2)])
def test_a_pause_of_two_seconds_after_a_sentence_ends_a_paragraph(pause_ms: int, text: str, paragraphs: int) -> None:
    assert len(grouped((0, text), (pause_ms, text))) == paragraphs


@pytest.mark.parametrize(("pause_ms", "paragraphs"), [(3900, 1), (4000, 2)])
def test_within_a_sentence_only_a_pause_of_four_seconds_does(pause_ms: int, paragraphs: int) -> None:
    assert len(grouped((0, "with the exception of"), (pause_ms, "the prism."))) == paragraphs


def test_the_longer_a_paragraph_is_the_shorter_a_pause_ends_it() -> None:
    sentence = "one two three four five six seven eight nine ten."
    assert grouped(*[(900, sentence)] * 21) == [10, 10, 1]
    assert grouped(*[(1000, sentence)] * 9) == [4, 4, 1]


def test_text_without_sentences_is_cut_at_short_pauses_once_it_is_long() -> None:
    words = "one two three four five six seven eight nine ten"
    assert grouped(*[(700, words)] * 11) == [10, 1]
    assert grouped(*[(100, words)] * 23) == [22, 1]


def test_a_sentence_that_began_is_not_cut_at_a_short_pause() -> None:
    sentence = "one two three four five six seven eight nine ten"
    assert grouped((0, "Yes."), *[(700, sentence)] * 12, (0, "eleven."), (0, "No.")) == [14, 1]


@pytest.mark.parametrize("question", ["What happened there?", "「どうして？」", "لماذا؟", "“Why?”"])
def test_the_answer_to_a_question_begins_a_paragraph_where_nobody_says_who_speaks(question: str) -> None:
    assert grouped((0, question), (800, "Nothing.")) == [1, 1]
    assert grouped((0, question), (400, "Nothing.")) == [2]
    assert grouped((0, question), (800, "Nothing."), speakers="AA") == [2]


@pytest.mark.parametrize("end", ["on.", "on!", "on…", "on.”", "(on.)", "。", "है।", "۔", "።"])
def test_sentences_end_in_every_script(end: str) -> None:
    assert grouped((0, end), (2000, "And")) == [1, 1]


@pytest.mark.parametrize("end", ["on", "on,", "3.5", "on –", "："])
def test_what_ends_no_sentence_goes_on(end: str) -> None:
    assert grouped((0, end), (2000, "And")) == [2]
