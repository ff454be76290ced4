from collections.abc import Iterator
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from search.index.passages import (
    NO_CONFIDENCE,
    PAGE_WORDS,
    Contents,
    Passages,
    StoredWord,
    WordColumns,
    pack,
    passages,
    unpack,
)
from search.query.words import words
from tests.support.conversations import conversations, made_of, transcript
from transcribe.library.transcript import LATEST_MS, Transcript, Word, segment


def spoken(said: WordColumns) -> list[StoredWord]:
    """The words of a page, one by one."""
    sure = [None if given == NO_CONFIDENCE else given / 1000 for given in said.confidences]
    return [
        StoredWord(
            said.positions[n],
            said.sizes[n],
            said.start(n),
            said.end(n, n + 1),
            text,
            sure[n],
            *said.infos[said.segment(n)],
        )
        for n, text in enumerate(said.texts)
    ]


def everything(made: Passages) -> list[StoredWord]:
    """All that its pages hold, in order."""
    return [word for page in made.pages for word in spoken(unpack(page))]


def read(made: Passages, first: int, last: int) -> Iterator[StoredWord]:
    """The words between two positions, from the pages that are said to hold them and from no other."""
    for number in made.contents.pages_between(first, last):
        yield from (
            word
            for word in spoken(unpack(made.pages[number]))
            if word.position <= last and word.position + word.size > first
        )


@st.composite
def pages(draw: st.DrawFn) -> list[StoredWord]:
    """Any words at all, as one page: sizes from none to three, texts of any characters that can be written."""
    position = first = draw(st.integers(0, 1 << 31))
    start = draw(st.integers(0, LATEST_MS))
    page: list[StoredWord] = []
    for number in range(draw(st.integers(1, 5))):
        speaker, flags = draw(st.sampled_from((None, "Ann", "Ben"))), draw(st.sampled_from(((), ("repetition",))))
        for _ in range(draw(st.integers(1, 4))):
            start += draw(st.integers(0, 99_999))
            end = start + draw(st.integers(0, 9_999))
            text = draw(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), min_size=1))
            size = draw(st.integers(1 if position == first else 0, 3))
            page.append(
                StoredWord(
                    position,
                    size,
                    start,
                    end,
                    text,
                    draw(st.none() | st.integers(0, 1000).map(lambda n: n / 1000)),
                    number,
                    speaker,
                    flags,
                )
            )
            position += size
    return page


@settings(deadline=None)
@given(page=pages())
def test_what_is_packed_is_unpacked_the_same(page: list[StoredWord]) -> None:
    assert spoken(unpack(pack(page))) == page


def test_a_lone_surrogate_is_kept_out_of_the_index() -> None:  # fault line 49
    (word,) = everything(passages(transcript("half\ud83d"), ""))
    assert word.text == "half?"


@settings(deadline=None)
@given(spoken=conversations())
def test_every_word_has_its_place_and_time(spoken: Transcript) -> None:
    made = passages(spoken, "")
    said = [(word, written.start_ms) for _, written in spoken.words() for word in words(written.text)]
    posted = {
        position: (word, start)
        for word, numbers in made.postings.items()
        for position, start in zip(numbers[::2], numbers[1::2], strict=True)
    }
    assert [posted[position] for position in range(made.contents.words)] == said
    assert len(posted) == len(said)


@settings(deadline=None)
@given(said=st.lists(st.sampled_from(["so", "peer-to-peer", "—"]), min_size=1, max_size=4), data=st.data())
def test_the_pages_between_two_positions_hold_all_words_there(said: list[str], data: st.DataObject) -> None:
    made = passages(transcript(" ".join(said * PAGE_WORDS)), "")
    at = st.integers(0, made.contents.words)
    first, last = sorted((data.draw(at), data.draw(at)))
    expected = [w for w in everything(made) if w.size and w.position <= last and w.position + w.size > first]
    assert [word for word in read(made, first, last) if word.size] == expected


def test_a_written_word_of_several_is_found_from_each_of_them() -> None:
    made = passages(transcript("from peer-to-peer to us"), "")
    for position in (1, 2, 3):
        (word,) = read(made, position, position)
        assert (word.text, word.position, word.size) == ("peer-to-peer", 1, 3)


def test_a_page_holds_so_many_written_words() -> None:
    made = passages(transcript("peer-to-peer — " * PAGE_WORDS), "")
    assert len(made.pages) == 2
    assert made.contents.words == 3 * PAGE_WORDS
    assert list(made.contents.page_firsts) == [0, 3 * PAGE_WORDS // 2]


def test_contents_tell_of_the_episode_without_its_words() -> None:
    contents = passages(transcript("one two", "three", published="2012-02-18T10:00:00Z"), "digest").contents
    assert (contents.year, contents.digest, contents.language, contents.engine) == ("2012", "digest", "en", "test none")
    assert (contents.duration_ms, contents.audio_sha256, contents.words) == (800, None, 3)
    assert passages(transcript("one", published=None), "").contents.year is None


def test_turns_tell_where_another_speaker_begins() -> None:
    spoken = transcript("one two", "three", "four — five", "—", "six", speakers=["Ann", "Ann", "Ben", None, "Ann"])
    assert passages(spoken, "").contents.turns == ((0, "Ann"), (3, "Ben"), (5, None), (5, "Ann"))


def doubtful(*flags: tuple[str, ...]) -> Contents:
    """Of an episode of segments of two words, with these flags."""
    said = [
        segment(n, [Word(n * 100, n * 100, "so"), Word(n * 100, n * 100, "on")], flags=f) for n, f in enumerate(flags)
    ]
    return passages(made_of(said), "").contents


def test_doubts_tell_which_stretches_carry_a_flag() -> None:
    unsure, twice = ("low_confidence",), ("repetition",)
    assert doubtful((), ()).doubts == ()
    assert doubtful(unsure, twice, (), unsure).doubts == ((0, 3), (6, 7))


@settings(deadline=None)
@given(spoken=conversations())
def test_turns_and_pages_ascend(spoken: Transcript) -> None:
    contents = passages(spoken, "").contents
    for numbers in (contents.page_firsts, [first for first, _ in contents.turns]):
        assert all(before <= after for before, after in pairwise(numbers))


def test_an_episode_without_words_has_no_pages() -> None:
    made = passages(transcript(), "")
    assert (made.pages, made.postings, made.contents.words) == ((), {}, 0)
    assert list(read(made, 0, 10)) == []
