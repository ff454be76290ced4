import errno
import gzip
import hashlib
import io
import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.support.rude_server import Answer, FileServer, RudeServer, resetting, saying
from transcribe.errors import FetchError
from transcribe.fetch.download import Downloaded, Pace, changed, download, store
from transcribe.fetch.http_client import HttpClient
from transcribe.web.http_validators import Validators

OK = b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n"
MP3 = b"\xff\xfb\x90\x00" + bytes(range(256)) * 400  # begins like MPEG audio, and is 100 kB
SHA256 = hashlib.sha256(MP3).hexdigest()
HTML = b"<!DOCTYPE html>\n<html><title>Sorry</title></html>"


@pytest.fixture(autouse=True)
def no_waits() -> Iterator[None]:
    """Retries follow at once, as many as there would be."""
    with stamina.set_testing(True, attempts=10, cap=True):
        yield


@pytest.fixture
def connection() -> Iterator[HttpClient]:
    with HttpClient(["127.0.0.1", "localhost"], timeout_s=2) as open_connection:
        yield open_connection


def fetch(connection: HttpClient, url: str, folder: Path, limit_bytes: int = 10**6) -> Downloaded:
    return download(connection, url, folder / "show" / "episode", lambda *_: None, limit_bytes)


def refusal(connection: HttpClient, url: str, folder: Path, limit_bytes: int = 10**6) -> FetchError:
    with pytest.raises(FetchError) as refused:
        fetch(connection, url, folder, limit_bytes)
    return refused.value


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_audio_is_fetched_whole_with_its_checksum(
    connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
) -> None:
    httpserver.expect_request("/a").respond_with_data(MP3, content_type="audio/mpeg")
    steps: list[tuple[int, int | None]] = []
    target = tmp_path / "show" / "2026.11.22 talk"
    got = download(connection, httpserver.url_for("/a"), target, lambda *step: steps.append(step))
    path = tmp_path / "show" / "2026.11.22 talk.mp3"
    told = Validators(length=len(MP3))
    assert got == Downloaded(path, SHA256, len(MP3), "audio/mpeg", httpserver.url_for("/a"), told)
    assert path.read_bytes() == MP3
    assert names(tmp_path) == [path.name]
    assert steps == sorted(steps)
    assert steps[-1] == (len(MP3), len(MP3))


def test_a_body_of_unknown_length_is_fetched_to_its_end(connection: HttpClient, tmp_path: Path) -> None:
    with RudeServer(saying(OK + b"Connection: close\r\n\r\n", MP3)) as server:
        assert fetch(connection, server.url, tmp_path).sha256 == SHA256


def test_the_address_that_answered_is_kept(connection: HttpClient, httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/a").respond_with_data(b"", status=302, headers={"Location": "/b.mp3"})
    httpserver.expect_request("/b.mp3").respond_with_data(MP3)
    assert fetch(connection, httpserver.url_for("/a"), tmp_path).url == httpserver.url_for("/b.mp3")


HALF = len(MP3) // 2
CUT = {
    "short of its length": saying(OK + b"Content-Length: %d\r\n\r\n" % len(MP3), MP3[:HALF]),
    "in a chunk": saying(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"%x\r\n" % len(MP3), MP3[:HALF]),
    "between chunks": saying(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"%x\r\n%b\r\n" % (HALF, MP3[:HALF])),
    "by a reset": resetting(OK + b"Content-Length: %d\r\n\r\n" % len(MP3), MP3[:HALF]),
}


# Fault 8.
@pytest.mark.parametrize("answer", CUT.values(), ids=CUT)
def test_a_cut_body_is_never_published_and_tried_again_three_times(
    connection: HttpClient, tmp_path: Path, answer: Answer
) -> None:
    with RudeServer(answer) as server:
        problem = refusal(connection, server.url, tmp_path)
        assert len(server.requests) == 4
    assert problem.code == "incomplete"
    assert server.url in str(problem)
    assert names(tmp_path) == ["episode.part"]


# Fault 8.
@pytest.mark.parametrize("answer", CUT.values(), ids=CUT)
def test_a_try_that_goes_well_gives_the_bytes_of_the_server(
    connection: HttpClient, tmp_path: Path, answer: Answer
) -> None:
    answers = iter([answer, answer, saying(OK + b"Content-Length: %d\r\n\r\n" % len(MP3), MP3)])
    with RudeServer(lambda peer: next(answers)(peer)) as server:
        got = fetch(connection, server.url, tmp_path)
    assert (got.sha256, got.path.read_bytes()) == (SHA256, MP3)
    assert names(tmp_path) == ["episode.mp3"]


def test_the_log_of_a_retry_shows_no_password(
    connection: HttpClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with FileServer(MP3) as server:
        server.cuts = [HALF]
        fetch(connection, server.url.replace("//", "//me:secret@") + "/?token=secret", tmp_path)
    assert "secret" not in repr([vars(record) for record in caplog.records])
    assert caplog.messages == ["stamina.retry_scheduled"]


# Fault 8.
def test_a_download_that_stalls_is_given_up(tmp_path: Path) -> None:
    gone = threading.Event()

    def stall(peer: socket.socket) -> None:
        peer.sendall(OK + b"Content-Length: %d\r\n\r\n" % len(MP3) + MP3[:HALF])
        gone.wait(10)

    with RudeServer(stall) as server, HttpClient(["127.0.0.1"], timeout_s=0.2) as connection:
        assert refusal(connection, server.url, tmp_path).code == "timeout"
        gone.set()
    assert names(tmp_path) == ["episode.part"]


def begun(connection: HttpClient, server: FileServer, folder: Path, size: int = HALF) -> None:
    """A run that a bad connection ends after so many bytes."""
    server.cuts = [size, 0, 0, 0]
    assert refusal(connection, server.url, folder).code == "incomplete"
    assert names(folder) == ["episode.part", "episode.part.json"]
    assert (folder / "show" / "episode.part").stat().st_size == size
    server.requests.clear()


# Fault 9.
def test_a_later_run_goes_on_where_the_last_one_broke_off(connection: HttpClient, tmp_path: Path) -> None:
    with FileServer(MP3) as server:
        begun(connection, server, tmp_path)
        steps: list[tuple[int, int | None]] = []
        got = download(connection, server.url, tmp_path / "show" / "episode", lambda *step: steps.append(step))
        assert server.asked == [(f"bytes={HALF}-", '"1"')]
    assert (got.sha256, got.bytes) == (SHA256, len(MP3))
    assert got.validators == Validators('"1"', None, len(MP3))
    assert steps[0][0] > HALF
    assert steps[-1] == (len(MP3), len(MP3))
    assert names(tmp_path) == ["episode.mp3"]


# Fault 9.
def test_a_token_of_the_day_does_not_hinder_going_on(connection: HttpClient, tmp_path: Path) -> None:
    with FileServer(MP3) as server:
        server.cuts = [HALF, 0, 0, 0]
        refusal(connection, f"{server.url}/a?token=monday", tmp_path)
        assert "monday" not in (tmp_path / "show" / "episode.part.json").read_text()
        assert fetch(connection, f"{server.url}/a?token=tuesday", tmp_path).sha256 == SHA256
        assert server.asked[-1][0] == f"bytes={HALF}-"


# Fault 9.
def test_a_part_that_does_not_say_of_how_much_it_is_is_held_to_what_was_said_at_first(
    connection: HttpClient, tmp_path: Path
) -> None:
    with FileServer(MP3) as server:
        begun(connection, server, tmp_path)
        span = b"Content-Range: bytes %d-%d/*\r\nContent-Length: 1000\r\n\r\n" % (HALF, HALF + 999)
        part = saying(b"HTTP/1.1 206 Partial Content\r\n" + span + MP3[HALF : HALF + 1000])
        answers = iter([part, server._serve])
        server._serve = lambda peer: next(answers)(peer)  # type: ignore[method-assign]
        assert fetch(connection, server.url, tmp_path).sha256 == SHA256
        assert server.asked == [(f"bytes={HALF}-", '"1"'), (f"bytes={HALF + 1000}-", '"1"')]


OTHER = MP3[:4] + MP3[::-1] + b"longer"


# Fault 9.
def test_a_file_that_has_changed_is_begun_anew(connection: HttpClient, tmp_path: Path) -> None:
    with FileServer(MP3) as server:
        begun(connection, server, tmp_path)
        server.body, server.etag = OTHER, '"2"'
        assert fetch(connection, server.url, tmp_path).path.read_bytes() == OTHER
        assert len(server.requests) == 1


def partly(body: bytes, start: int, *more: bytes) -> bytes:
    span = b"Content-Range: bytes %d-%d/%d\r\n" % (start, len(body) - 1, len(body))
    length = b"Content-Length: %d\r\n" % (len(body) - start)
    return b"HTTP/1.1 206 Partial Content\r\n" + span + length + b"".join(more) + b"\r\n" + body[start:]


WRONG_PARTS = {
    "another start": partly(OTHER, HALF - 1, b'ETag: "1"\r\n'),
    "another tag": partly(OTHER[: len(MP3)], HALF, b'ETag: "2"\r\n'),
    "another length": partly(OTHER, HALF),
    "packed": partly(MP3, HALF, b"Content-Encoding: gzip\r\n"),
    "no range": b"HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\n\r\nx",
    "nothing left of another file": b"HTTP/1.1 416 No\r\nContent-Range: bytes */5\r\nContent-Length: 0\r\n\r\n",
}


# Fault 9.
@pytest.mark.parametrize("answer", WRONG_PARTS.values(), ids=WRONG_PARTS)
def test_an_answer_that_does_not_go_on_with_the_file_begins_it_anew(
    connection: HttpClient, tmp_path: Path, answer: bytes
) -> None:
    with FileServer(MP3) as server:
        begun(connection, server, tmp_path)
        whole = OK + b"Content-Length: %d\r\n\r\n" % len(OTHER) + OTHER
        answers = iter([saying(answer), saying(whole)])
        server._serve = lambda peer: next(answers)(peer)  # type: ignore[method-assign]
        assert fetch(connection, server.url, tmp_path).path.read_bytes() == OTHER
    assert names(tmp_path) == ["episode.mp3"]


# Fault 9.
def test_a_file_that_was_all_there_already_is_complete(connection: HttpClient, tmp_path: Path) -> None:
    with FileServer(MP3) as server:
        begun(connection, server, tmp_path)
        with (tmp_path / "show" / "episode.part").open("ab") as part:
            part.write(MP3[HALF:])
        assert fetch(connection, server.url, tmp_path).sha256 == SHA256
        assert server.asked == [(f"bytes={len(MP3)}-", '"1"')]


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": 'W/"1"'},
        {"ETag": "1"},
        {"Last-Modified": "Sun, 22 Nov 2026 18:00:00 GMT"},
        {"Last-Modified": "Sun, 22 Nov 2026 18:00:00 GMT", "Date": "Sun, 22 Nov 2026 18:00:30 GMT"},
        {},
    ],
    ids=str,
)
def test_without_a_mark_that_is_sure_a_download_begins_anew(
    connection: HttpClient, tmp_path: Path, headers: dict[str, str]
) -> None:
    with FileServer(MP3, etag=None) as server:
        server.headers += "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
        server.cuts = [HALF]
        assert fetch(connection, server.url, tmp_path).sha256 == SHA256
        assert server.asked == [(None, None)] * 2


def test_a_date_of_change_that_is_long_past_is_a_sure_mark(connection: HttpClient, tmp_path: Path) -> None:
    changed_on = "Sun, 22 Nov 2026 18:00:00 GMT"
    with FileServer(MP3, etag=None) as server:
        server.headers += f"Last-Modified: {changed_on}\r\nDate: Sun, 22 Nov 2026 18:02:00 GMT\r\n".encode()
        server.cuts = [HALF]
        fetch(connection, server.url, tmp_path)
        assert server.asked[1] == (f"bytes={HALF}-", changed_on)


@pytest.mark.parametrize("note", [b"", b"[]", b'{"url": 1}', b"[" * 10_000, b'{"validators": {}}'])
def test_a_note_that_cannot_be_read_is_as_none(connection: HttpClient, tmp_path: Path, note: bytes) -> None:
    with FileServer(MP3) as server:
        begun(connection, server, tmp_path)
        (tmp_path / "show" / "episode.part.json").write_bytes(note)
        assert fetch(connection, server.url, tmp_path).sha256 == SHA256
        assert server.asked == [(None, None)]


# What must show, 3. Faults 8 and 9.
@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_a_download_cut_at_twenty_random_points_is_the_file_of_the_server(
    connection: HttpClient, tmp_path: Path, ranges: bool, seed: int
) -> None:
    chance = random.Random(seed)
    with FileServer(MP3, ranges=ranges) as server:
        cuts = [chance.randrange(len(MP3) // (20 if ranges else 1)) for _ in range(20)]
        for run in range(0, 20, 4):
            server.cuts = list(cuts[run : run + 4])
            if run == 8:
                server.body, server.etag = OTHER, '"2"'
            assert refusal(connection, server.url, tmp_path).code == "incomplete"
            assert "episode.mp3" not in names(tmp_path)
        got = fetch(connection, server.url, tmp_path)
        assert len(server.requests) == 21
    assert got.path.read_bytes() == OTHER
    assert got.sha256 == hashlib.sha256(OTHER).hexdigest()
    assert names(tmp_path) == ["episode.mp3"]


def test_audio_that_a_server_packs_unasked_is_unpacked(
    connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
) -> None:
    httpserver.expect_request("/a").respond_with_data(
        gzip.compress(MP3), content_type="audio/mpeg", headers={"Content-Encoding": "gzip", "ETag": '"1"'}
    )
    got = fetch(connection, httpserver.url_for("/a"), tmp_path)
    assert (got.sha256, got.bytes) == (SHA256, len(MP3))
    assert fetch(connection, httpserver.url_for("/a"), tmp_path).validators == Validators('"1"')


def test_a_server_that_drips_is_given_up_and_what_came_stays(connection: HttpClient, tmp_path: Path) -> None:
    gone = threading.Event()

    def drip(peer: socket.socket) -> None:
        peer.sendall(OK + b"Content-Length: %d\r\n\r\n" % len(MP3) + MP3[:4096])
        while not gone.wait(0.02):
            peer.sendall(b"x")

    begin, target = time.monotonic(), tmp_path / "show" / "episode"
    with RudeServer(drip) as server:
        with pytest.raises(FetchError, match="bytes come in a second") as refused:
            download(connection, server.url, target, lambda *_: None, pace=Pace(10_000, while_s=0.2))
        with pytest.raises(FetchError, match="not done in"):
            download(connection, server.url, target, lambda *_: None, pace=Pace(total_s=0.1))
        gone.set()
    assert refused.value.code == "timeout"
    assert names(tmp_path) == ["episode.part"]
    assert time.monotonic() - begin < 30


SUNDAY, MONDAY = "Sun, 22 Nov 2026 18:00:00 GMT", "Mon, 23 Nov 2026 18:00:00 GMT"


@pytest.mark.parametrize(
    ("before", "status", "headers", "expected"),
    [
        (Validators('"1"'), 304, {}, False),
        (Validators('"1"'), 206, {"ETag": '"1"'}, False),
        (Validators('"1"'), 206, {"ETag": 'W/"1"'}, False),
        (Validators('"1"'), 206, {"ETag": '"2"'}, True),
        (Validators('"1"', SUNDAY, 50), 206, {"ETag": '"2"', "Last-Modified": SUNDAY}, False),
        (Validators('"1"', SUNDAY, 50), 206, {"ETag": '"2"', "Last-Modified": MONDAY}, True),
        (Validators(None, SUNDAY), 200, {"Last-Modified": MONDAY}, True),
        (Validators(None, SUNDAY, 50), 206, {"Last-Modified": SUNDAY}, False),
        (Validators(None, None, 50), 206, {}, None),
        (Validators(None, None, 51), 206, {}, True),
        (Validators('"1"', None, 51), 206, {"ETag": '"1"'}, True),
        (Validators(), 206, {"ETag": '"2"'}, None),
        (Validators('"1"'), 416, {}, True),
    ],
)
def test_a_server_is_asked_whether_its_audio_has_changed(
    connection: HttpClient,
    httpserver: HTTPServer,
    before: Validators,
    status: int,
    headers: dict[str, str],
    expected: bool | None,
) -> None:
    span = {"Content-Range": "bytes 0-0/50"} if status == 206 else {}
    httpserver.expect_request("/a").respond_with_data(b"x", status=status, headers={**span, **headers})
    assert changed(connection, httpserver.url_for("/a"), before) is expected
    (request, _) = httpserver.log[0]
    assert request.headers["Range"] == "bytes=0-0"
    assert request.headers.get("If-None-Match") == before.etag
    assert request.headers.get("If-Modified-Since") == before.last_modified


def test_audio_that_is_another_one_at_each_request_lets_on_nothing(
    connection: HttpClient, httpserver: HTTPServer
) -> None:
    """As where advertisements are put in anew each time."""
    numbers = iter(range(10))

    def answer(_: Request) -> Response:
        number = next(numbers)
        length = {"Content-Range": f"bytes 0-0/{1000 + number}"}
        return Response(b"x", status=206, headers={"ETag": f'"{number}"', **length})

    httpserver.expect_request("/a").respond_with_handler(answer)
    assert changed(connection, httpserver.url_for("/a"), Validators('"old"', length=999)) is None


def test_audio_that_is_gone_cannot_be_compared(connection: HttpClient, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data(b"", status=404)
    with pytest.raises(FetchError, match="404"):
        changed(connection, httpserver.url_for("/a"), Validators('"1"'))


def test_a_status_that_is_final_is_not_tried_again(
    connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
) -> None:
    httpserver.expect_request("/a").respond_with_data("gone", status=404)
    assert refusal(connection, httpserver.url_for("/a"), tmp_path).code == "http_404"
    assert len(httpserver.log) == 1


def test_an_answer_without_the_file_is_an_error(connection: HttpClient, httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/a").respond_with_data(b"", status=204)
    assert refusal(connection, httpserver.url_for("/a"), tmp_path).code == "http_204"


# Fault 1.
@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/a.mp3", "data:audio/mpeg,x"])
def test_an_enclosure_of_another_scheme_is_not_opened(connection: HttpClient, tmp_path: Path, url: str) -> None:
    assert refusal(connection, url, tmp_path).code == "blocked_scheme"
    assert names(tmp_path) == []


def test_a_file_over_the_limit_is_not_kept(connection: HttpClient, httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/a").respond_with_data(MP3)
    assert refusal(connection, httpserver.url_for("/a"), tmp_path, len(MP3) - 1).code == "too_large"
    assert fetch(connection, httpserver.url_for("/a"), tmp_path, len(MP3)).bytes == len(MP3)
    with RudeServer(saying(OK + b"Connection: close\r\n\r\n", MP3)) as server:
        assert refusal(connection, server.url, tmp_path, len(MP3) - 1).code == "too_large"


NO_AUDIO = {
    "HTML": HTML,
    "HTML after blank lines": b"\xef\xbb\xbf \n\n" + HTML,
    "HTML in UTF-16": HTML.decode().encode("utf-16"),
    "JSON": b'{"error": "not found"}',
    "a list": b'["error"]',
    "XML": b'<?xml version="1.0"?><rss/>' + bytes(100),
    "text": "Dieser Beitrag ist nicht verfügbar.".encode("latin-1"),
    "a playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\nfile:///etc/passwd\n",
    "nothing": b"",
}


# Fault 12.
@pytest.mark.parametrize("body", NO_AUDIO.values(), ids=NO_AUDIO)
def test_what_is_no_audio_is_refused_whatever_it_is_called(
    connection: HttpClient, httpserver: HTTPServer, tmp_path: Path, body: bytes
) -> None:
    httpserver.expect_request("/a.mp3").respond_with_data(body, content_type="audio/mpeg")
    assert refusal(connection, httpserver.url_for("/a.mp3"), tmp_path).code == "not_audio"
    assert names(tmp_path) == []
    assert len(httpserver.log) == 1


UNKNOWN = bytes(5000)  # zeros: neither text nor any format that shows itself


@pytest.mark.parametrize(
    ("path", "body", "content_type", "name"),
    [
        ("/a", MP3, "text/html", "episode.mp3"),
        ("/a.wav", MP3, "audio/wav", "episode.mp3"),
        ("/a", b"ID3\x04" + UNKNOWN, "", "episode.mp3"),
        ("/a", UNKNOWN, "audio/x-m4a; codecs=aac", "episode.m4a"),
        ("/a.ogg", UNKNOWN, "Audio/MPEG", "episode.mp3"),
        ("/a.OGG", UNKNOWN, "application/octet-stream", "episode.ogg"),
    ],
)
def test_content_names_the_file_before_media_type_before_url(
    connection: HttpClient, httpserver: HTTPServer, tmp_path: Path, path: str, body: bytes, content_type: str, name: str
) -> None:
    httpserver.expect_request(path).respond_with_data(body, content_type=content_type)
    assert fetch(connection, httpserver.url_for(path), tmp_path).path.name == name


@pytest.mark.parametrize(
    ("path", "content_type"), [("/a.php", ""), ("/a.mp3", "text/plain"), ("/a.mp3", "image/png"), ("/", "x/y")]
)
def test_bytes_that_nothing_says_are_audio_are_refused(
    connection: HttpClient, httpserver: HTTPServer, tmp_path: Path, path: str, content_type: str
) -> None:
    httpserver.expect_request(path).respond_with_data(UNKNOWN, content_type=content_type)
    assert refusal(connection, httpserver.url_for(path), tmp_path).code == "not_audio"


# Fault 14.
@pytest.mark.parametrize(
    "name",
    ["../../evil.php", "%2e%2e%2fevil.php", "..%00.mp3", "a" * 300 + ".mp3", "-rf.mp3", ".hidden", "a.php", "%ff%fe"],
)
def test_no_name_of_the_server_names_the_file(
    connection: HttpClient, httpserver: HTTPServer, tmp_path: Path, name: str
) -> None:
    header = {"Content-Disposition": f"attachment; filename=\"{name}\"; filename*=UTF-8''{name}"}
    body = OK + b"".join(f"{key}: {value}\r\n".encode() for key, value in header.items())
    with RudeServer(saying(body + b"Content-Length: %d\r\n\r\n" % len(MP3), MP3)) as server:
        got = fetch(connection, f"{server.url}/{name}", tmp_path / "library")
    assert got.path == tmp_path / "library" / "show" / "episode.mp3"
    assert names(tmp_path) == ["episode.mp3"]


# Fault 15.
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_is_told_and_leaves_nothing(connection: HttpClient, httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/a").respond_with_data(MP3)
    (tmp_path / "show").mkdir()
    (tmp_path / "show" / "episode.part").symlink_to("/dev/full")
    problem = refusal(connection, httpserver.url_for("/a"), tmp_path)
    assert problem.code == "disk_full"
    assert str(tmp_path / "show") in str(problem)
    assert list((tmp_path / "show").iterdir()) == []
    assert fetch(connection, httpserver.url_for("/a"), tmp_path).sha256 == SHA256


# Fault 15.
def test_a_disk_that_fills_up_midway_keeps_nothing_and_the_next_run_completes(
    connection: HttpClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Filling(io.FileIO):
        def write(self, data: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    real = Path.open
    with FileServer(MP3) as server, monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda path, mode="r": Filling(path, mode) if mode == "ab" else real(path, mode))
        problem = refusal(connection, server.url, tmp_path)
    assert problem.code == "disk_full"
    assert names(tmp_path) == []
    with FileServer(MP3) as server:
        assert fetch(connection, server.url, tmp_path).sha256 == SHA256


def test_a_place_that_cannot_be_written_is_named(
    connection: HttpClient, httpserver: HTTPServer, tmp_path: Path
) -> None:
    httpserver.expect_request("/a").respond_with_data(MP3)
    (tmp_path / "show").write_text("a file where a folder should be")
    problem = refusal(connection, httpserver.url_for("/a"), tmp_path)
    assert problem.code == "cannot_write"
    assert str(tmp_path / "show") in str(problem)


# Fault 21.
@pytest.mark.parametrize("name", [b"-i.mp3", b"http:x.mp3", b"concat:a|b", b"pipe:0", b"\xff\xfe.mp3"])
def test_a_local_file_of_any_name_is_copied_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(os.fsdecode(name))
    path.write_bytes(MP3)
    got = store(path, tmp_path / "library" / "show" / "episode")
    stored = tmp_path / "library" / "show" / "episode.mp3"
    assert got == Downloaded(stored, SHA256, len(MP3), "audio/mpeg", None)
    assert stored.read_bytes() == path.read_bytes() == MP3
    assert names(tmp_path / "library") == ["episode.mp3"]


def test_a_local_file_keeps_its_suffix_where_its_content_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.OGG").write_bytes(UNKNOWN)
    assert store(tmp_path / "a.OGG", tmp_path / "b").path == tmp_path / "b.ogg"


def test_a_local_file_that_is_no_audio_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(FetchError, match=r"notes\.txt is not audio"):
        store(tmp_path / "notes.txt", tmp_path / "b")
    assert names(tmp_path) == ["notes.txt"]


def test_a_local_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"gone\.mp3") as refused:
        store(tmp_path / "gone.mp3", tmp_path / "b")
    assert refused.value.code == "cannot_read"
