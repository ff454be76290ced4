"""A feed whose items carry transcripts, through the whole command: right times, and nothing is recognized."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest_httpserver import HTTPServer

from tests.support.command import playhead
from tests.support.remembered_speech import each_sound_heard_once
from tests.support.sample_library import REPOSITORY, SAMPLE
from tests.support.speech import RATE, write_audio
from transcribe.audio.decode import open_audio
from transcribe.library.clock import timestamp

FORMS = {"vtt": "text/vtt", "srt": "application/x-subrip", "json": "application/json", "html": "text/html"}
OPENING_MS = 20_000  # of the sample: enough for what is heard of it to be told from another talk
SENTENCES: list[dict[str, Any]] = [said for said in SAMPLE[0]["sentences"] if said["end_ms"] < OPENING_MS]
PHRASE_WORDS = 4

ITEM = """<item><title>In {form}</title><guid>{form}</guid>
<enclosure url="{base}/{form}.flac" type="audio/flac" length="1"/>
<podcast:transcript url="{base}/{form}.{form}" type="{media_type}" language="en"/>
<podcast:chapters url="{base}/chapters.json" type="application/json+chapters"/></item>"""
FEED = """<rss version="2.0" xmlns:podcast="https://podcastindex.org/namespace/1.0"><channel><title>Talks</title>
{items}</channel></rss>"""


@pytest.fixture(scope="module")
def opening() -> np.ndarray[Any, np.dtype[np.int16]]:
    with open_audio(REPOSITORY / SAMPLE[0]["path"]) as recording:
        return np.concatenate(list(recording.blocks()))[: OPENING_MS * RATE // 1000]


def written(form: str) -> str:
    """The opening of the sample as its publisher would write it."""
    times = [(timestamp(said["start_ms"]), timestamp(said["end_ms"]), said["text"]) for said in SENTENCES]
    if form == "vtt":
        return "WEBVTT\n\n" + "\n\n".join(f"{start} --> {end}\n{text}" for start, end, text in times)
    if form == "srt":
        cues = [(start.replace(".", ","), end.replace(".", ","), text) for start, end, text in times]
        return "\n\n".join(f"{n}\n{start} --> {end}\n{text}" for n, (start, end, text) in enumerate(cues, start=1))
    if form == "html":
        return "".join(f"<cite>Ann:</cite><time>{start[:8]}</time><p>{text}</p>" for start, _, text in times)
    segments = [
        {"startTime": said["start_ms"] / 1000, "endTime": said["end_ms"] / 1000, "body": said["text"]}
        for said in SENTENCES
    ]
    return json.dumps({"version": "1.0.0", "segments": segments})


def served(
    server: HTTPServer, tmp_path: Path, sound: np.ndarray[Any, np.dtype[np.int16]], forms: dict[str, str]
) -> str:
    base = server.url_for("").rstrip("/")
    items = []
    for number, (form, media_type) in enumerate(forms.items()):
        path = tmp_path / f"{form}.flac"
        write_audio(np.concatenate([sound, np.zeros(number + 1, np.int16)]), path)  # no two alike
        server.expect_request(f"/{form}.flac").respond_with_data(path.read_bytes(), content_type="audio/flac")
        server.expect_request(f"/{form}.{form}").respond_with_data(written(form), content_type=media_type)
        items.append(ITEM.format(form=form, base=base, media_type=media_type))
    chapters = json.dumps({"version": "1.2.0", "chapters": [{"startTime": 1.5, "title": "The well"}]})
    server.expect_request("/chapters.json").respond_with_data(chapters, content_type="application/json")
    server.expect_request("/feed").respond_with_data(
        FEED.format(items="\n".join(items)), content_type="application/rss+xml"
    )
    return server.url_for("/feed")


@pytest.fixture(scope="module", autouse=True)
def heard_once_each() -> Iterator[None]:
    with each_sound_heard_once():
        yield


@pytest.fixture(autouse=True)
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYHEAD_ALLOW_HOSTS", "localhost,127.0.0.1")


@pytest.mark.slow
def test_each_form_can_be_searched_with_right_times_and_nothing_is_recognized(
    httpserver: HTTPServer, tmp_path: Path, opening: np.ndarray[Any, np.dtype[np.int16]]
) -> None:
    feed = served(httpserver, tmp_path, opening, FORMS)
    library = tmp_path / "library"
    ran = playhead("--library", library, "run", feed, "--engine", "pocketsphinx", "--json")
    assert ran.status == 0, ran.err
    report = ran.json()
    assert (len(report["published"]), report["transcribed"], report["mismatched"]) == (len(FORMS), [], {})

    words = [word for said in SENTENCES for word in said["words"]][PHRASE_WORDS : 2 * PHRASE_WORDS]
    phrase = " ".join(re.sub(r"[^\w' ]", "", word["text"]) for word in words)
    answer = playhead("--library", library, "search", f'"{phrase}"', "--json").json()
    assert answer["total"] == len(FORMS)
    for hit in answer["hits"]:
        assert hit["start_ms"] == pytest.approx(words[0]["start_ms"], abs=250)
    for form in FORMS:
        assert (library / f"audio/talks/in-{form}.transcript.en.{form}").read_text() == written(form)
    assert "The well" in (library / "audio/talks/in-vtt.chapters.json").read_text()


@pytest.mark.slow
def test_where_something_was_spliced_in_the_transcript_does_not_fit_and_ours_is_made(
    httpserver: HTTPServer, tmp_path: Path, opening: np.ndarray[Any, np.dtype[np.int16]]
) -> None:
    with open_audio(REPOSITORY / SAMPLE[1]["path"]) as recording:
        other = np.concatenate(list(recording.blocks()))[: 12 * RATE]
    feed = served(httpserver, tmp_path, np.concatenate([other, opening]), {"vtt": "text/vtt"})
    library = tmp_path / "library"
    ran = playhead("--library", library, "run", feed, "--engine", "pocketsphinx", "--json")
    report = ran.json()
    assert (len(report["transcribed"]), report["published"]) == (1, [])
    assert report["mismatched"]["talks/in-vtt"]["code"] == "mismatch"
    made = json.loads((library / "transcripts/talks/in-vtt.json").read_bytes())
    assert made["engine"]["name"] == "pocketsphinx"


def test_a_source_may_have_its_transcripts_passed_over(
    httpserver: HTTPServer, tmp_path: Path, opening: np.ndarray[Any, np.dtype[np.int16]]
) -> None:
    feed = served(httpserver, tmp_path, opening[: 8 * RATE], {"vtt": "text/vtt"})
    library = tmp_path / "library"
    library.mkdir()
    (library / "playhead.toml").write_text(f'[[source]]\nurl = "{feed}"\ntranscripts = "ignore"\n')
    report = playhead("--library", library, "run", "--engine", "pocketsphinx", "--json").json()
    assert (len(report["transcribed"]), report["published"]) == (1, [])
    assert list(library.glob("audio/talks/*.transcript.*")) == []
