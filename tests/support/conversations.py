"""Small transcripts made up for tests: few words, so that phrases repeat, and every kind of edge."""

from collections.abc import Sequence
from pathlib import Path

from hypothesis import strategies as st

from transcribe.library.episode import Episode
from transcribe.library.store import Library
from transcribe.library.transcript import Engine, Segment, Transcript, Word, segment

VOCABULARY = (
    "the",
    "of",
    "to",
    "be",
    "or",
    "not",
    "peer-to-peer",
    "a",
    "B",
    "commons",
    "—",
    "C++",
    "don’t",
    "Café",
    "2",
)


def transcript(
    *texts: str,
    name: str = "show/episode",
    published: str | None = "2012-02-18",
    speakers: Sequence[str | None] = (),
    gap_ms: int = 300,
) -> Transcript:
    """An episode whose segments say these texts, a word every 300 ms."""
    segments: list[Segment] = []
    at = 0
    for number, text in enumerate(texts):
        said = [Word(at + n * gap_ms, at + n * gap_ms + 200, word, 0.9) for n, word in enumerate(text.split())]
        at += len(said) * gap_ms
        segments.append(segment(number, said, speakers[number] if number < len(speakers) else None))
    return made_of(segments, name, published)


def made_of(segments: Sequence[Segment], name: str = "show/episode", published: str | None = None) -> Transcript:
    """An episode with these segments."""
    show = name.split("/")[0].replace("-", " ").title()
    episode = Episode(name, show, f"Title of {name}", published)
    return Transcript(episode, None, Engine("test", "1", "none"), "en", "2026-11-22T00:00:00Z", tuple(segments))


def two_episodes(root: Path) -> Library:
    """A library of one short sentence each."""
    library = Library(root)
    library.save_transcript(transcript("the commons", name="show/one"))
    library.save_transcript(transcript("the market", name="show/two"))
    return library


@st.composite
def conversations(draw: st.DrawFn, name: str = "show/episode") -> Transcript:
    """Any number of segments of few words, pauses from none to most of a minute, some people at once."""
    segments: list[Segment] = []
    at = 0
    for number in range(draw(st.integers(0, 6))):
        said = []
        for _ in range(draw(st.integers(1, 6))):
            at += draw(st.sampled_from((0, 200, 9_000, 29_999, 30_000, 30_001)))
            said.append(Word(at, at + 100, draw(st.sampled_from(VOCABULARY))))
        segments.append(segment(number, said, draw(st.sampled_from((None, "Ann", "Ben")))))
        at = max(said[0].start_ms, at - draw(st.sampled_from((0, 0, 0, 5_000, 60_000))))
    return made_of(segments, name, draw(st.sampled_from((None, "2011-05-01", "2012-02-18"))))


words_asked = st.sampled_from(
    ("the", "of", "to", "be", "peer", "peer-to-peer", "B", "c++", "cafe", "don't", "2", "absent", "pe*")
)
phrases_asked = st.lists(st.sampled_from([w for w in VOCABULARY if w != "—"]), min_size=1, max_size=4).map(
    lambda said: '"' + " ".join(said) + '"'
)
queries = st.builds(
    lambda wanted, unwanted: " ".join([*wanted, *(f"-{term}" for term in unwanted)]),
    st.lists(words_asked | phrases_asked, min_size=1, max_size=3),
    st.lists(words_asked | phrases_asked, max_size=1),
)
