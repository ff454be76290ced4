"""A dry run says what would be done, and leaves everything as it is."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tests.support.command import Ended, playhead
from tests.support.fake_recognizer import FakeRecognizer
from transcribe.batch.past_runs import EngineOptions, PastRuns, Speed
from transcribe.recognizers import engines

SAMPLE = Path(__file__).parents[2] / "audio/commons-talks/2026-03-03-who-owns-the-well-part-1.mp3"
SAMPLE_ID = "commons-talks/2026-03-03-who-owns-the-well-part-1"
FEED = """<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel><title>Talks</title>
<item><title>One</title><guid>1</guid><itunes:duration>1:00:00</itunes:duration>
<enclosure url="{base}/one.mp3" type="audio/mpeg" length="2500000"/></item>
<item><title>Two</title><guid>2</guid><itunes:duration>90</itunes:duration>
<enclosure url="{base}/two.mp3" type="audio/mpeg" length="0"/></item>
</channel></rss>"""


@pytest.fixture(autouse=True)
def as_a_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYHEAD_ALLOW_HOSTS", "localhost,127.0.0.1")
    monkeypatch.setattr(engines, "load", lambda *_, **__: FakeRecognizer())


@pytest.fixture
def feed(httpserver: HTTPServer) -> str:
    content = FEED.format(base=httpserver.url_for("").rstrip("/"))
    httpserver.expect_request("/feed").respond_with_data(content, content_type="application/rss+xml")
    return httpserver.url_for("/feed")


def files(folder: Path) -> dict[str, str]:
    """What lies in a folder, but for the index, which may note that it was opened."""
    found = (path for path in folder.rglob("*") if path.is_file() and ".playhead/index" not in path.as_posix())
    return {path.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def test_a_feed_is_asked_and_nothing_else(feed: str, httpserver: HTTPServer, tmp_path: Path) -> None:
    library = tmp_path / "library"
    ran = playhead("--library", library, "run", feed, "--dry-run", "--json")
    assert ran.status == 0, ran.err
    told = ran.json()
    assert told["fetch"] == told["transcribe"] == told["index"] == ["talks/one", "talks/two"]
    assert told["to_fetch"] == {
        "bytes": 2_500_000,
        "bytes_unknown": 1,
        "audio_ms": 3_690_000,
        "audio_unknown": 0,
    }
    assert (told["fetch_s"], told["transcribe_s"]) == (None, None)  # nothing was ever done here
    assert {request.path for request, _ in httpserver.log} == {"/feed"}
    assert not library.exists()


def test_fetch_tells_what_it_would_fetch_and_for_a_person_too(feed: str, tmp_path: Path) -> None:
    library = tmp_path / "library"
    told = playhead("--library", library, "fetch", feed, "--dry-run", "--json").json()
    assert (told["fetch"], told["transcribe"], told["index"]) == (["talks/one", "talks/two"], [], [])
    lines = playhead("--library", library, "run", feed, "--dry-run").err.splitlines()
    assert lines[:3] == [
        "2 to be fetched; 2.5 MB, and 1 of unknown size",
        "2 to be transcribed; 1:01:30 of audio",
        "2 to be indexed",
    ]
    assert not library.exists()


def of_the_sample(library: Path, *options: str) -> Ended:
    return playhead("--library", library, *options)


def test_past_runs_tell_how_long_it_takes(tmp_path: Path) -> None:
    library, folder = tmp_path / "library", tmp_path / "commons-talks"
    folder.mkdir()
    shutil.copy(SAMPLE, folder)
    assert of_the_sample(library, "run", str(folder), "--engine", "whisper").status == 0
    past = library / ".playhead/past_runs.json"
    past.unlink(missing_ok=True)
    PastRuns(past).add(Speed(1000, 2.0, EngineOptions("whisper", None, None, None, None, None)))
    before = files(library)
    told = of_the_sample(
        library, "transcribe", "--redo", "engine=fake", "--engine", "whisper", "--dry-run", "--json"
    ).json()
    assert told["transcribe"] == [SAMPLE_ID]
    assert told["transcribe_s"] == pytest.approx(told["to_transcribe"]["audio_ms"] / 500)
    assert told["to_transcribe"]["audio_ms"] == pytest.approx(155_616, abs=500)
    again = of_the_sample(library, "run", "--engine", "whisper", "--dry-run", "--json").json()
    assert (again["fetch"], again["transcribe"], again["index"], again["unchanged"]) == ([], [], [], [SAMPLE_ID])
    assert files(library) == before


def test_a_library_in_use_can_be_asked(tmp_path: Path) -> None:
    library, folder = tmp_path / "library", tmp_path / "commons-talks"
    folder.mkdir()
    shutil.copy(SAMPLE, folder)
    assert of_the_sample(library, "fetch", str(folder)).status == 0
    record = library / f"audio/{SAMPLE_ID}.json"
    record.write_text("{")
    before = files(library)
    told = of_the_sample(library, "transcribe", "--dry-run", "--json").json()
    assert told["transcribe"] == [SAMPLE_ID]  # its record would be rebuilt
    assert files(library) == before
    assert json.loads(json.dumps(told)) == told
