"""Transcripts for property tests: any characters, any times that are allowed, all fields filled or not."""

import dataclasses

from hypothesis import strategies as st

from transcribe.library.episode import Episode
from transcribe.library.transcript import Audio, Engine, Segment, Transcript, Word, segment
from transcribe.library.unknown_keys import Unknown

ANYTHING = st.characters(exclude_categories=["Cs"])  # but halves of characters
UNKNOWN = st.dictionaries(st.sampled_from(["turns", "note", "unknown"]), st.integers() | st.just([1]), max_size=2)
TRICKY = ("-->", "<b>", "</v>", "&amp;", "&", "{\\an8}", "NOTE", "1", "00:00:01.000", "WEBVTT", "«é»", "東京", "\u202e")


def tokens(alphabet: st.SearchStrategy[str] = ANYTHING, tricky: tuple[str, ...] = TRICKY) -> st.SearchStrategy[str]:
    """Words without space in them."""
    plain = st.text(alphabet, min_size=1, max_size=6).map(lambda text: "".join(text.split()))
    return (plain | st.sampled_from(tricky) if tricky else plain).filter(bool)


def names(token: st.SearchStrategy[str]) -> st.SearchStrategy[str | None]:
    """Speakers' names, of one word or two, or none."""
    return st.none() | st.lists(token, min_size=1, max_size=2).map(" ".join)


def unknown() -> st.SearchStrategy[Unknown]:
    """Keys that a later version may have written."""
    return UNKNOWN.map(lambda data: tuple(data.items()))


@st.composite
def segments(draw: st.DrawFn, id: int, earliest: int, token: st.SearchStrategy[str]) -> Segment:
    """A segment that starts at `earliest` or later; its words may touch, overlap or last no time at all."""
    at = earliest + draw(st.integers(0, 4_000_000))
    words = []
    for text in draw(st.lists(token, min_size=1, max_size=5)):
        at += draw(st.integers(0, 500))
        length = draw(st.integers(0, 700))
        sure, join = draw(st.none() | st.floats(0, 1)), draw(st.sampled_from([None, None, True, False]))
        words.append(Word(at, at + length, text, sure, join, draw(st.booleans()), draw(unknown())))
    flags = draw(st.sampled_from([(), ("interpolated",), ("repetition", "low_confidence")]))
    made = segment(id, words, draw(names(token)), flags)
    return dataclasses.replace(made, language=draw(st.sampled_from([None, None, "de"])), unknown=draw(unknown()))


@st.composite
def transcripts(draw: st.DrawFn, token: st.SearchStrategy[str] | None = None) -> Transcript:
    """A transcript that holds what transcripts promise."""
    token = tokens() if token is None else token
    said: list[Segment] = []
    for id in range(draw(st.integers(0, 5))):
        said.append(draw(segments(id, said[-1].start_ms if said else 0, token)))
    duration = max((part.end_ms for part in said), default=0) + draw(st.integers(0, 1000))
    some = st.text(ANYTHING, max_size=8)
    return Transcript(
        draw(st.builds(Episode, st.just("show/episode"), some, some, *[st.none() | some] * 4, some)),
        draw(st.none() | st.just(Audio("audio/show/episode.mp3", "0" * 64, duration, "audio/mpeg"))),
        Engine(draw(some), "1", draw(some), None, draw(st.dictionaries(some, st.integers() | some, max_size=2))),
        "en",
        "2026-11-22T18:00:00Z",
        tuple(said),
        unknown=draw(unknown()),
    )
