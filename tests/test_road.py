"""The whole road for real: speech that was never heard before, a real recognizer, the index, and the right second."""

import importlib.util
import json
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from search.query.words import words
from tests.support import speech
from tests.support.command import begun, ended, playhead
from transcribe.library.store import Library

SAMPLE = Path(__file__).parent.parent / "audio/commons-talks"
TRUTH = json.loads((Path(__file__).parent / "sample/truth.json").read_text("utf-8"))

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pocketsphinx") is None, reason="pocketsphinx (the extra offline) is not installed"
)
needs_flite = pytest.mark.skipif(not speech.HERE, reason=speech.MISSING)

KITCHEN = [
    ("slt", "Good morning, and welcome to the kitchen of my mother. Today we want to make bread for the whole family."),
    ("rms", "First you need warm water, a little salt, and five cups of flour. Put all of it into a large bowl."),
    ("slt", "How long should the dough rest before it goes into the oven?"),
    ("rms", "Give it at least two hours in a warm place. My father always left it near the window overnight."),
    ("slt", "When I was a child we had a wood stove, and the smell of fresh bread filled every room of the house."),
    ("rms", "People forget how simple it is. Time does most of the work, and your hands do the rest."),
    ("slt", "Some of our listeners write that their bread comes out too hard. What is their mistake?"),
    ("rms", "They use too much flour because they are afraid of dough that sticks to their fingers."),
    ("slt", "Then let us open the oven and look. It is golden brown, and it sounds hollow when I knock on it."),
]
WORDS = 5  # of a phrase that is looked for
STRIDE = 4  # from the start of one phrase to that of the next, in words
LEAST_FOUND = 15


@dataclass(frozen=True, slots=True)
class Recording:
    path: Path
    words: tuple[speech.SpokenWord, ...]

    def phrases(self) -> Iterator[tuple[str, int]]:
        """Phrases across its sentences, and when the first word of each is really said, in ms."""
        for n in range(0, len(self.words) - WORDS, STRIDE):
            yield " ".join(word.text for word in self.words[n : n + WORDS]), self.words[n].start_ms


def spoken(path: Path, turns: list[tuple[str, str]], title: str) -> Recording:
    sound = speech.conversation(turns)
    speech.write_audio(sound.pcm, path, {"title": title, "album": "Kitchen Radio", "date": "2026-05-01"})
    return Recording(path, sound.words)


def hits(library: Library, query: str) -> list[dict[str, Any]]:
    found = playhead("--library", library.root, "search", query, "--json")
    assert found.status == 0, found.err
    body: dict[str, Any] = found.json()
    assert body["total"] == len(body["hits"])
    return list(body["hits"])


def word_errors(said: list[str], heard: list[str]) -> int:
    """The least number of words to replace, leave out and put in that make one of the other."""
    row = list(range(len(heard) + 1))
    for n, word in enumerate(said, 1):
        before, row = row, [n]
        for m, other in enumerate(heard, 1):
            row.append(min(before[m] + 1, row[-1] + 1, before[m - 1] + (word != other)))
    return row[-1]


@needs_flite
def test_a_phrase_is_found_at_the_time_at_which_it_is_really_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library = Library(tmp_path / "library")
    talk = spoken(tmp_path / "talk.mp3", KITCHEN, "Bread")
    ran = ended(begun("--library", library.root, "run", talk.path, "--engine", "pocketsphinx"))
    assert (ran.status, ran.out) == (0, ""), ran.err

    asked = list(talk.phrases())
    off = [hit["start_ms"] - said for phrase, said in asked for hit in hits(library, f'"{phrase}"')]
    far, median = max(map(abs, off), default=0), statistics.median(map(abs, off or [0]))
    with capsys.disabled():
        print(f"\n{len(off)} of {len(asked)} phrases heard right; off by {median:.0f} ms (median), {far} ms at most")
    assert len(off) >= LEAST_FOUND  # the others were misheard
    assert far <= 250
    assert median < 100


@needs_flite
def test_a_feed_becomes_episodes_once(tmp_path: Path, httpserver: HTTPServer) -> None:
    library = Library(tmp_path / "library")
    items = ""
    for number, turns in enumerate((KITCHEN[:1], KITCHEN[1:2]), 1):
        audio = spoken(tmp_path / f"{number}.mp3", turns, f"Part {number}").path.read_bytes()
        httpserver.expect_request(f"/{number}.mp3").respond_with_data(audio, content_type="audio/mpeg")
        url = f"http://127.0.0.1:{httpserver.port}/{number}.mp3"
        items += f"<item><title>Part {number}</title><guid>{number}</guid>"
        items += f'<enclosure url="{url}" type="audio/mpeg" length="{len(audio)}"/></item>'
    feed = f'<rss version="2.0"><channel><title>Kitchen Radio</title>{items}</channel></rss>'
    httpserver.expect_request("/feed.xml").respond_with_data(feed, content_type="application/rss+xml")

    def run(**settings: str) -> set[str]:
        """What is asked of the server meanwhile."""
        httpserver.clear_log()
        address = f"http://127.0.0.1:{httpserver.port}/feed.xml"
        command = ("--library", library.root, "run", address, "--engine", "pocketsphinx")
        ran = ended(begun(*command, PLAYHEAD_ALLOW_HOSTS="127.0.0.1", **settings))
        assert ran.status == 0, ran.err
        said.append(ran.err)
        return {request.path for request, _ in httpserver.log}

    said: list[str] = []
    assert run() == {"/feed.xml", "/1.mp3", "/2.mp3"}
    assert library.transcript_ids() == ["kitchen-radio/part-1", "kitchen-radio/part-2"]
    assert {hit["episode"]["id"] for hit in hits(library, "bread")} <= {"kitchen-radio/part-1"}
    assert hits(library, '"cups of flour"')[0]["episode"]["id"] == "kitchen-radio/part-2"
    before = {path: path.stat().st_mtime_ns for path in library.transcripts.glob("*/*")}

    assert run() == set()  # it was asked not long ago
    assert run(PLAYHEAD_POLL_EVERY="0") == {"/feed.xml"}  # nothing is fetched again
    assert said[-1] == "2 unchanged\n"  # and nothing transcribed
    assert {path: path.stat().st_mtime_ns for path in library.transcripts.glob("*/*")} == before


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Library:
    library = Library(tmp_path_factory.mktemp("sample"))
    ran = ended(begun("--library", library.root, "run", SAMPLE, "--engine", "pocketsphinx"), timeout_s=500)
    assert ran.status == 0, ran.err
    return library


@pytest.mark.slow
def test_of_the_sample_few_words_are_misheard(sample: Library, capsys: pytest.CaptureFixture[str]) -> None:
    errors = total = 0
    for part in TRUTH:
        said = words(" ".join(sentence["text"] for sentence in part["sentences"]))
        heard = words(" ".join(segment.text for segment in sample.load_transcript(part["id"]).segments))
        errors, total = errors + word_errors(said, heard), total + len(said)
    with capsys.disabled():
        print(f"\n{errors} of {total} words misheard in the sample: {errors / total:.1%}")
    assert errors / total < 0.20


@pytest.mark.slow
def test_the_phrase_of_the_demo_is_found_across_segments(sample: Library) -> None:
    (hit,) = hits(sample, '"to the internet then the neighbors build"')
    assert hit["episode"]["id"] == TRUTH[1]["id"]
    assert abs(hit["start_ms"] - 43_245) <= 250
    assert len(hit["segments"]) > 1
