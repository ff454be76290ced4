"""Every program in examples/ runs as its text says."""

import importlib.util
import os
import runpy
import sys
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tests.support.command import environment
from tests.support.sample_library import add_episode, index, served
from transcribe.library.store import Library

EXAMPLES = Path(__file__).parent.parent / "examples"
DATA = Path(__file__).parent / "data"
TALK, MICRO = DATA / "talk.mp3", DATA / "micro.flac"

needs_pocketsphinx = pytest.mark.skipif(
    importlib.util.find_spec("pocketsphinx") is None, reason="pocketsphinx (the extra offline) is not installed"
)
ECHO = """
import io, sys, wave
with wave.open(io.BytesIO(sys.stdin.buffer.read())) as sound:
    print(f"0.1\\t0.5\\t{sound.getframerate()}")
    print("0.5\\t999\\tafter")
"""


def ran(name: str, *args: str | Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines that an example prints."""
    monkeypatch.setattr(sys, "argv", [name, *map(str, args)])
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    return capsys.readouterr().out.splitlines()


def library_where_it_is_said_twice(folder: Path) -> Library:
    library = Library(folder)
    add_episode(library, "we share the common land and then we share the common land again", show="Talks", title="Land")
    add_episode(library, "nobody shares the common land here", show="Talks", title="Water")
    return library


@needs_pocketsphinx
def test_a_file_is_transcribed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ran("transcribe_a_file", TALK, "pocketsphinx", monkeypatch=monkeypatch, capsys=capsys)
    assert [line.split()[0].count(":") for line in lines] == [1] * len(lines)
    assert "three hundred people" in " ".join(lines)


def test_a_file_is_transcribed_by_the_model_that_is_named(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ran("transcribe_a_file", MICRO, "whisper", checkpoint, monkeypatch=monkeypatch, capsys=capsys)
    assert lines[0].split()[0] == "0:00"


def test_a_library_is_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    library = library_where_it_is_said_twice(tmp_path)
    found = ran("search_a_library", library.root, '"common land"', monkeypatch=monkeypatch, capsys=capsys)
    assert [line.split(": ")[0] for line in found] == [
        "talks/2012-02-18-land 2.20 s",
        "talks/2012-02-18-land 5.00 s",
        "talks/2012-02-18-water 2.20 s",
    ]
    assert all("[common land]" in line for line in found)


def offer(server: HTTPServer, audio: bytes) -> str:
    """A feed with one episode of this audio; gives its URL."""
    server.expect_request("/talk.mp3").respond_with_data(audio, content_type="audio/mpeg")
    server.expect_request("/feed").respond_with_data(
        "<rss version='2.0'><channel><title>Talks</title><item><title>The Talk</title><guid>1</guid>"
        "<pubDate>Sun, 01 Mar 2026 08:00:00 GMT</pubDate>"
        f"<enclosure url='{server.url_for('/talk.mp3')}' type='audio/mpeg' length='1'/></item></channel></rss>",
        content_type="application/rss+xml",
    )
    return server.url_for("/feed")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`playhead` on the PATH is this checkout's, with the settings of the test alone."""
    script = tmp_path / "playhead"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "from search.cli import main; main()" "$@"\n')
    script.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    for name, value in environment(PATH=path, PLAYHEAD_ALLOW_HOSTS="localhost", PLAYHEAD_ENGINE="pocketsphinx").items():
        monkeypatch.setenv(name, value)


@needs_pocketsphinx
@pytest.mark.usefixtures("command")
def test_a_feed_is_followed(
    tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    feed = offer(httpserver, TALK.read_bytes())
    said = ran("follow_a_feed", tmp_path / "library", feed, monkeypatch=monkeypatch, capsys=capsys)
    assert said == ["new: talks/2026-03-01-the-talk"]


@needs_pocketsphinx
@pytest.mark.usefixtures("command")
def test_a_feed_whose_audio_is_broken_is_reported(
    tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    feed = offer(httpserver, b"<html>not here</html>")
    said = ran("follow_a_feed", tmp_path / "library", feed, monkeypatch=monkeypatch, capsys=capsys)
    assert said[0].startswith("failed: talks/2026-03-01-the-talk: ")


def test_a_recognizer_that_is_another_program_hears_each_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "echo.py"
    program.write_text(ECHO)
    heard = ran("add_a_recognizer", MICRO, sys.executable, program, monkeypatch=monkeypatch, capsys=capsys)
    assert {line.split()[1] for line in heard} == {"16000", "after"}
    assert all(float(line.split()[0]) < 6 for line in heard)


def test_captions_are_made_for_a_video(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    video = tmp_path / "talk.flac"
    video.write_bytes(MICRO.read_bytes())
    printed = ran("captions_for_a_video", video, "whisper", checkpoint, monkeypatch=monkeypatch, capsys=capsys)
    assert printed == [str(tmp_path / "talk.vtt")]
    captions = (tmp_path / "talk.vtt").read_text("utf-8")
    assert captions.startswith("WEBVTT")
    assert "-->" in captions


def test_the_api_is_asked_page_by_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    library = library_where_it_is_said_twice(tmp_path)
    index(library)
    with served(library) as service:
        lines = ran("ask_the_api", service, '"common land"', monkeypatch=monkeypatch, capsys=capsys)
    assert [line.split("#t=")[1] for line in lines] == ["2.2", "5.0", "2.2"]
    assert all(line.split()[-1].startswith(f"{service}/episodes/talks/") for line in lines)


def test_each_example_has_a_test() -> None:
    text = Path(__file__).read_text("utf-8")
    assert [path.stem for path in EXAMPLES.glob("*.py") if f'"{path.stem}"' not in text] == []
