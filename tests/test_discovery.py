"""From a source to its recordings, with a real server for those on the web."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from transcribe.connection import Connection
from transcribe.discovery import discover, source_name
from transcribe.errors import FetchError
from transcribe.sources import AudioFileSource, FolderSource, WebSource

TALK = Path(__file__).parent / "data/talk.mp3"

FEED = """<?xml version="1.0"?>
<rss version="2.0"><channel><title>Peer Talks</title>
<item><title>First</title><guid>1</guid><enclosure url="/one.mp3" type="audio/mpeg" length="1"/></item>
<item><title>Words alone</title><guid>2</guid></item>
<item><title>Third</title><guid>3</guid><enclosure url="/three.mp3" type="audio/mpeg" length="1"/></item>
</channel></rss>"""


@pytest.fixture
def connection() -> Iterator[Connection]:
    with Connection(["127.0.0.1", "localhost"]) as connection:
        yield connection


def test_a_file_is_one_recording(connection: Connection) -> None:
    (found,) = discover(AudioFileSource(TALK), connection)
    assert (found.path, found.title, found.show) == (TALK, "talk", "data")
    assert found.source is None


def test_a_folder_is_as_many_as_there_are_audio_files(connection: Connection, tmp_path: Path) -> None:
    for name in ("b.mp3", "deeper/a.mp3", ".hidden.mp3", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(TALK, tmp_path / name)
    found = discover(FolderSource(tmp_path), connection)
    assert [item.path for item in found] == [tmp_path / "b.mp3", tmp_path / "deeper/a.mp3"]
    assert {item.source for item in found} == {str(tmp_path)}


def test_a_feed_is_its_items_that_have_audio(connection: Connection, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/feed").respond_with_data(FEED, content_type="application/rss+xml")
    url = httpserver.url_for("/feed")
    found = discover(WebSource(url), connection)
    assert [item.title for item in found] == ["First", "Third"]
    assert [item.enclosure for item in found] == [httpserver.url_for("/one.mp3"), httpserver.url_for("/three.mp3")]
    assert {(item.show, item.source) for item in found} == {("Peer Talks", url)}


def test_an_address_that_ends_as_audio_does_is_not_asked_before_it_is_fetched(
    connection: Connection, httpserver: HTTPServer
) -> None:
    url = httpserver.url_for("/talks/The_Old%20Well.MP3?token=a")
    (found,) = discover(WebSource(url), connection)
    assert (found.title, found.enclosure, found.show) == ("The Old Well", url, "localhost")
    assert httpserver.log == []


def test_an_address_that_answers_with_sound_is_one_recording(connection: Connection, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/play").respond_with_data(TALK.read_bytes(), content_type="audio/mpeg")
    (found,) = discover(WebSource(httpserver.url_for("/play?id=7")), connection)
    assert (found.title, found.enclosure) == ("play", httpserver.url_for("/play?id=7"))


def test_an_address_without_a_name_is_called_after_its_host(connection: Connection, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data(TALK.read_bytes(), content_type="audio/mpeg")
    (found,) = discover(WebSource(httpserver.url_for("/")), connection)
    assert found.title == "localhost"


def test_what_cannot_be_had_says_why(connection: Connection, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/gone").respond_with_data("gone", status=410)
    with pytest.raises(FetchError) as problem:
        discover(WebSource(httpserver.url_for("/gone")), connection)
    assert problem.value.code == "http_410"
    with pytest.raises(FetchError) as problem, Connection() as strict:
        discover(WebSource(httpserver.url_for("/gone")), strict)
    assert problem.value.code == "blocked_address"


def test_a_page_that_is_no_feed_is_refused(connection: Connection, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/page").respond_with_data("<html>hello</html>", content_type="text/html")
    with pytest.raises(FetchError):
        discover(WebSource(httpserver.url_for("/page")), connection)


def test_a_source_is_named_without_its_password() -> None:
    assert source_name(WebSource("https://me:secret@example.org/feed")) == "https://example.org/feed"
    assert source_name(FolderSource(Path("/tapes"))) == "/tapes"
