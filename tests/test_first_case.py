"""The case Playhead was started for: an interview in two parts, each known by its page of a blog."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from search.settings import Settings
from tests.support.blog import POSTS, SHAPES, SHOW, Blog, Post, serve_blog, serve_shape, sound
from tests.support.command import Ended, playhead
from tests.support.fake_recognizer import FakeRecognizer
from transcribe.audio.voice_activity import Piece
from transcribe.library.episode import Record
from transcribe.library.store import Library
from transcribe.recognizers import engines
from transcribe.recognizers.protocol import Recognition

Run = Callable[..., Ended]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "library")


@pytest.fixture
def run(library: Library, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in map(str.upper, Settings.model_fields):
        monkeypatch.delenv(f"PLAYHEAD_{name}", raising=False)
    monkeypatch.setenv("PLAYHEAD_ALLOW_HOSTS", "localhost")
    monkeypatch.setattr(engines, "load", lambda *_, **__: FakeRecognizer())
    return lambda *sources: playhead("--library", library.root, "run", *sources)


def records(library: Library) -> list[Record]:
    return sorted(library.records(), key=lambda record: record.episode.id)


def check(blog: Blog, library: Library) -> None:
    """Two episodes of one show, with their titles, dates, links and bytes."""
    found = records(library)
    assert [record.episode.id for record in found] == [
        f"action-foresight/2012-02-{post.day}-occupy-wall-street-and-the-peer-to-peer-revolution-part-{post.number}"
        for post in POSTS
    ]
    for record, post, page, audio in zip(found, POSTS, blog.pages, blog.audio, strict=True):
        episode = record.episode
        assert (episode.show, episode.title, episode.published) == (SHOW, post.title, post.published)
        assert (episode.link, episode.enclosure, record.state) == (page, audio, "transcribed")
        assert record.audio is not None
        assert (library.root / record.audio.path).read_bytes() == post.sound
        assert library.load_transcript(episode.id).segments


def downloads(server: HTTPServer) -> int:
    return len([request for request, _ in server.log if request.path.endswith(".mp3")])


@pytest.mark.parametrize("posts_in_feed", [POSTS, POSTS[1:], None])
def test_two_pages_are_two_episodes_of_one_show(
    run: Run, library: Library, httpserver: HTTPServer, posts_in_feed: tuple[Post, ...] | None
) -> None:
    blog = serve_blog(httpserver, posts_in_feed)
    ran = run(*blog.pages)
    assert ran.status == 0, ran.err
    check(blog, library)
    assert {record.source for record in records(library)} == {None}  # nobody asked for the show


@pytest.mark.parametrize("first_in_feed", [POSTS, POSTS[1:], None])
def test_naming_the_feed_later_adds_nothing_twice(
    run: Run, library: Library, httpserver: HTTPServer, first_in_feed: tuple[Post, ...] | None
) -> None:
    """Even if the pages were met when the feed was down, or did not have them any more."""
    blog = serve_blog(httpserver, first_in_feed)
    run(*blog.pages)
    httpserver.clear_all_handlers()
    serve_blog(httpserver)
    ran = run(blog.feed)
    assert ran.status == 0, ran.err
    check(blog, library)
    assert downloads(httpserver) == 2
    assert {record.source for record in records(library)} == {blog.feed}  # it is looked at again from now on


def test_naming_a_page_after_its_feed_adds_nothing_twice(run: Run, library: Library, httpserver: HTTPServer) -> None:
    blog = serve_blog(httpserver)
    run(blog.feed)
    httpserver.clear_all_handlers()
    serve_blog(httpserver, posts_in_feed=None)
    assert run(*blog.pages).status == 0
    check(blog, library)
    assert downloads(httpserver) == 2
    assert {record.source for record in records(library)} == {blog.feed}


# The shapes in which the two posts may be met today.


class TwoVoices(FakeRecognizer):
    """Hears other words in part II, which is the second half of part I."""

    def _heard(self, piece: Piece) -> Recognition:
        self.said = ("we own the well" if piece.end_ms - piece.start_ms > HALF_MS else "they sold the river").split()
        return super()._heard(piece)


HALF_MS = 10_000


@pytest.fixture
def two_voices(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(engines, "load", lambda *_, **__: TwoVoices())
    return run


def titles(library: Library) -> list[tuple[str, str, str | None]]:
    return [(r.episode.show, r.episode.title, (r.episode.published or "")[:10]) for r in records(library)]


TWO_PARTS = [
    (SHOW, "Occupy Wall Street, Part I", "2012-02-18"),
    (SHOW, "Occupy Wall Street, Part II", "2012-02-25"),
]


@pytest.mark.parametrize(
    ("shape", "backwards"), [*((shape, False) for shape in SHAPES), ("cross links", True), ("podcast moved", True)]
)
def test_in_every_shape_the_two_posts_are_two_episodes(
    two_voices: Run, library: Library, httpserver: HTTPServer, shape: str, backwards: bool
) -> None:
    pages = serve_shape(httpserver, shape)
    ran = two_voices(*(reversed(pages) if backwards else pages))
    assert ran.status == 0, ran.err
    assert titles(library) == TWO_PARTS
    for record, numeral in zip(records(library), ("I", "II"), strict=True):
        assert record.audio is not None
        assert (library.root / record.audio.path).read_bytes() == sound(numeral)
        assert record.state == "transcribed"
    found = playhead("--library", library.root, "search", '"own the well"', "--json").json()
    assert {hit["episode"]["title"] for hit in found["hits"]} == {"Occupy Wall Street, Part I"}


def test_pages_that_are_named_one_by_one_keep_their_own(
    two_voices: Run, library: Library, httpserver: HTTPServer
) -> None:
    pages = serve_shape(httpserver, "cross links")
    for page in pages:
        assert two_voices(page).status == 0
    assert titles(library) == TWO_PARTS


def test_where_the_first_address_fails_it_is_told_and_the_next_is_tried(
    two_voices: Run, library: Library, httpserver: HTTPServer
) -> None:
    ran = two_voices(*serve_shape(httpserver, "podcast moved"))
    assert "uploads/2012/02/occupy-i.mp3: the server answers 500" in " ".join(ran.err.split())


UNNUMBERED = """<html><head><title>{title} | Action Foresight</title></head>
<body class="single"><div class="post-{n} post hentry"><h1 class="entry-title">{title}</h1>
<abbr class="published" title="2012-02-{day}">{day} February</abbr>
<div class="entry-content">{links}</div></div></body></html>"""


def serve_unnumbered(server: HTTPServer, links: str) -> list[str]:
    """Page II has these links; page I links only its own. No file's name says which part it is."""
    pages = []
    for title, day, told in (
        ("Occupy Wall Street, Part I", "18", '<a href="/well.mp3">Listen</a>'),
        ("Occupy Wall Street, Part II", "25", links),
    ):
        page = UNNUMBERED.format(title=title, day=day, n=day, links=told)
        server.expect_request(f"/{day}/").respond_with_data(page, content_type="text/html; charset=utf-8")
        pages.append(server.url_for(f"/{day}/"))
    for name, numeral in (("well", "I"), ("river", "II")):
        server.expect_request(f"/{name}.mp3").respond_with_data(sound(numeral), content_type="audio/mpeg")
    return pages


def sounds(library: Library) -> dict[str, str]:
    """Which part's sound each title has."""
    parts = {sound("I"): "I", sound("II"): "II"}
    return {r.episode.title: parts[(library.root / r.audio.path).read_bytes()] for r in records(library) if r.audio}


@pytest.mark.parametrize(
    "links",
    [
        'Part I: <a href="/well.mp3">Listen</a><br>Part II: <a href="/river.mp3">Listen</a>',
        '<p><a href="/river.mp3">Listen</a></p><p>Or begin with <a href="/well.mp3">part one</a>.</p>',
        '<a href="/well.mp3">Download part I</a> <a href="/river.mp3">Download part II</a>',
    ],
)
def test_where_words_tell_the_page_of_part_two_has_part_two_alone(
    two_voices: Run, library: Library, httpserver: HTTPServer, links: str
) -> None:
    assert two_voices(serve_unnumbered(httpserver, links)[1]).status == 0
    assert sounds(library) == {"Occupy Wall Street, Part II": "II"}


LISTEN_TO_BOTH = '<a href="/well.mp3">Listen</a> <a href="/river.mp3">Listen</a>'


def test_where_nothing_tells_no_sound_is_called_part_two(
    two_voices: Run, library: Library, httpserver: HTTPServer
) -> None:
    pages = serve_unnumbered(httpserver, LISTEN_TO_BOTH)
    assert two_voices(pages[1]).status == 0
    assert sounds(library) == {"Occupy Wall Street: well": "I", "Occupy Wall Street: river": "II"}
    assert two_voices(pages[0]).status == 0  # which has one of them alone
    assert sounds(library) == {"Occupy Wall Street, Part I": "I", "Occupy Wall Street: river": "II"}


def test_the_page_of_part_one_tells_which_is_part_two(
    two_voices: Run, library: Library, httpserver: HTTPServer
) -> None:
    assert two_voices(*reversed(serve_unnumbered(httpserver, LISTEN_TO_BOTH))).status == 0
    assert sounds(library) == {"Occupy Wall Street, Part I": "I", "Occupy Wall Street, Part II": "II"}
