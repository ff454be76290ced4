"""yt-dlp on our own connection, asked for pages of a local server."""

from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer

from transcribe.fetch.http_client import HttpClient
from transcribe.fetch.ytdlp import extracted, is_installed

HIDDEN = """<title>The hidden well</title>
<script>jwplayer("x").setup({"file": "/media/a.mp3?token=1", "title": "The hidden well"});</script>"""

pytestmark = pytest.mark.skipif(not is_installed(), reason="yt-dlp, the extra `media`, is not installed")


@pytest.fixture
def connection() -> Iterator[HttpClient]:
    with HttpClient(["localhost"]) as connection:
        yield connection


def serve(server: HTTPServer, page: str) -> str:
    server.expect_request("/page").respond_with_data(page, content_type="text/html")
    return server.url_for("/page")


def test_audio_is_found_that_the_page_alone_does_not_show(connection: HttpClient, httpserver: HTTPServer) -> None:
    url = serve(httpserver, HIDDEN)
    (found,) = extracted(url, connection)
    assert (found.title, found.enclosure) == ("The hidden well", httpserver.url_for("/media/a.mp3?token=1"))
    assert (found.link, found.source) == (url, None)


def test_every_request_of_it_is_made_by_our_connection(connection: HttpClient, httpserver: HTTPServer) -> None:
    extracted(serve(httpserver, HIDDEN), connection)
    assert {request.headers["User-Agent"].split("/")[0] for request, _ in httpserver.log} == {"Playhead"}
    with HttpClient() as strict:  # fault line 2
        before = len(httpserver.log)
        assert extracted(httpserver.url_for("/page"), strict) == []
        assert len(httpserver.log) == before


@pytest.mark.parametrize(
    "page", ["", "<p>Only words", "<script>jwplayer().setup({'file': 'file:///etc/a.mp3'})</script>"]
)
def test_where_it_finds_nothing_that_is_no_failure(connection: HttpClient, httpserver: HTTPServer, page: str) -> None:
    assert extracted(serve(httpserver, page), connection) == []


def test_a_page_that_cannot_be_had_has_nothing(connection: HttpClient, httpserver: HTTPServer) -> None:
    assert extracted(httpserver.url_for("/nowhere"), connection) == []
