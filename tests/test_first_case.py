"""The case Playhead was started for: an interview in two parts, each known by its page of a blog."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from search.settings import Settings
from tests.support.blog import POSTS, SHOW, Blog, Post, serve_blog
from tests.support.command import Ended, playhead
from tests.support.fake_recognizer import FakeRecognizer
from transcribe.library.episode import Record
from transcribe.library.store import Library
from transcribe.recognizers import engines

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
