"""The command: every verb, what it prints and where, and its exit statuses. Only the recognizer is a stand-in."""

import csv
import errno
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from fastapi.testclient import TestClient
from pytest_httpserver import HTTPServer

import transcribe
from search.cli import app
from search.errors import IndexUnavailable
from search.index.library_index import LibraryIndex
from search.service.app import create_app
from search.settings import Settings
from tests.support.command import Ended, begun, ended, environment, playhead
from tests.support.conversations import transcript
from tests.support.fake_recognizer import FakeRecognizer
from tests.support.speech import write_audio
from transcribe.audio.decode import open_audio
from transcribe.audio.voice_activity import Piece
from transcribe.library import store as library_
from transcribe.library.caption_writer import FORMATS
from transcribe.library.store import Library
from transcribe.recognizers import engines
from transcribe.recognizers.protocol import Hints, Recognition

TALK = Path(__file__).parent / "data/talk.mp3"
BROKEN = b"no sound at all " * 99
VERBS = ("run", "fetch", "transcribe", "index", "import", "search", "serve", "export", "status")

FEED = """<?xml version="1.0"?>
<rss version="2.0"><channel><title>Peer Talks</title>
<item><title>First</title><guid>1</guid><pubDate>Sat, 18 Feb 2012 10:00:00 GMT</pubDate>
<enclosure url="/one.mp3" type="audio/mpeg" length="1"/></item>
<item><title>Second</title><guid>2</guid><pubDate>Sun, 19 Feb 2012 10:00:00 GMT</pubDate>
<enclosure url="/two.mp3" type="audio/mpeg" length="1"/></item>
</channel></rss>"""

CAPTIONS = """WEBVTT

00:00:01.000 --> 00:00:03.000
Information wants

00:00:03.000 --> 00:00:05.000
to be free.
"""

Verb = Callable[..., Ended]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LIBRARY", "DEBUG", *map(str.upper, Settings.model_fields)):
        monkeypatch.delenv(f"PLAYHEAD_{name}", raising=False)
    monkeypatch.setenv("COLUMNS", "200")  # so that no line is folded


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "library")


@pytest.fixture
def verb(library: Library) -> Verb:
    """The command on the test's library."""
    return lambda *args: playhead("--library", library.root, *args)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Has every engine stand for the fake one; what was asked for is kept."""
    asked: list[dict[str, Any]] = []

    def load(name: str, model: str | None, *, warn: object, **options: Any) -> FakeRecognizer:
        asked.append({"engine": name, "model": model, **options})
        return FakeRecognizer()

    monkeypatch.setattr(engines, "load", load)
    return asked


@pytest.fixture
def tapes(tmp_path: Path) -> Path:
    """A folder with one recording and one file that is none."""
    folder = tmp_path / "Old Tapes"
    folder.mkdir()
    shutil.copy(TALK, folder / "talk.mp3")
    (folder / "broken.mp3").write_bytes(BROKEN)
    return folder


@pytest.fixture
def said(library: Library, verb: Verb) -> Library:
    """Two episodes in the index."""
    first = transcript("We share the well", "of the village", name="talks/one", published="2012-02-18")
    second = transcript("the well [is] dry", name="other-show/two", published="2013-01-01")
    library.save_transcript(first)
    library.save_transcript(second)
    assert verb("index").status == 0
    return library


def feed(server: HTTPServer) -> str:
    server.expect_request("/feed").respond_with_data(FEED, content_type="application/rss+xml")
    one = TALK.read_bytes()
    server.expect_request("/one.mp3").respond_with_data(one, content_type="audio/mpeg")
    server.expect_request("/two.mp3").respond_with_data(one + b"\0", content_type="audio/mpeg")
    return server.url_for("/feed")


def paths(server: HTTPServer) -> list[str]:
    return [request.path for request, _ in server.log]


# The whole batch


@pytest.mark.usefixtures("asked")
def test_run_makes_a_recording_searchable(verb: Verb) -> None:
    ran = verb("run", TALK)
    assert (ran.status, ran.out) == (0, "")
    assert ran.err.splitlines()[-2:] == ["1 fetched      0.1 MB", "1 transcribed    0:16"]
    assert verb("search", '"we heard this"', "--json").json()["hits"][0]["episode"]["id"] == "data/talk"


@pytest.mark.usefixtures("asked")
def test_a_run_tells_what_came_of_it_though_it_could_not_all_be_indexed(verb: Verb, library: Library) -> None:
    bad = library.transcript_path("old/junk")
    bad.parent.mkdir(parents=True)
    bad.write_text("{")
    ran = verb("run", TALK, "--json")
    assert (ran.status, ran.json()["transcribed"]) == (1, ["data/talk"])
    assert "failed: old/junk" in ran.err


@pytest.mark.usefixtures("asked")
def test_a_run_whose_index_goes_keeps_what_it_did(verb: Verb, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise IndexUnavailable("The cluster is out of reach.")

    monkeypatch.setattr(LibraryIndex, "refresh", gone)
    ran = verb("run", TALK)
    assert (ran.status, ran.err.splitlines()[-2]) == (1, "1 transcribed    0:16")
    assert "out of reach. What was transcribed is kept" in ran.err


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("name", ["audio/data/talk.json", "transcripts/data/talk.json", ".playhead/checkpoints"])
def test_a_full_disk_is_one_line(verb: Verb, monkeypatch: pytest.MonkeyPatch, name: str) -> None:  # fault line 15
    write = library_.publish

    def full(finished: Path, path: Path) -> None:
        if name in str(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(finished))
        write(finished, path)

    monkeypatch.setattr(library_, "publish", full)
    ran = verb("run", TALK)
    assert ran.status == 3
    assert re.fullmatch(f"playhead: .*{name}.* cannot be written: No space left on device.", ran.err.splitlines()[-1])
    assert "Traceback" not in ran.err


@pytest.mark.usefixtures("asked")
def test_run_again_does_nothing_again(verb: Verb) -> None:
    verb("run", TALK)
    again = verb("run", TALK)
    assert (again.status, again.err) == (0, "1 unchanged\n")


@pytest.mark.usefixtures("asked")
def test_an_episode_that_fails_is_named_and_the_others_are_done(verb: Verb, tapes: Path) -> None:
    ran = verb("run", tapes)
    assert (ran.status, ran.out) == (1, "")
    assert "1 transcribed" in ran.err
    assert "failed: old-tapes/broken: undecodable: " in ran.err
    assert verb("search", '"we heard this"', "--json").json()["total"] > 0


@pytest.mark.usefixtures("asked")
def test_without_a_source_run_looks_at_those_it_knows_and_at_the_audio_folder(
    verb: Verb, library: Library, tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYHEAD_ALLOW_HOSTS", "localhost")
    assert verb("run").err.startswith("Nothing to do. `playhead run FILE-OR-FEED`")
    verb("fetch", feed(httpserver), "--limit", "1")
    for place in (tmp_path / "tapes", library.audio / "mine"):
        place.mkdir(parents=True)
        (place / "spoken.mp3").write_bytes(TALK.read_bytes() + place.name.encode())  # no two with the same bytes
    (library.root / "playhead.toml").write_text('[[source]]\nurl = "../tapes"\n')  # as seen from the library
    ran = verb("run")
    assert ran.status == 0, ran.err
    assert library.transcript_ids() == [
        "mine/spoken",
        "peer-talks/2012-02-18-first",
        "peer-talks/2012-02-19-second",
        "tapes/spoken",
    ]


@pytest.mark.usefixtures("asked")
def test_a_limit_takes_the_newest(
    verb: Verb, library: Library, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYHEAD_ALLOW_HOSTS", "localhost")
    assert verb("run", feed(httpserver), "--limit", "1").status == 0
    assert library.transcript_ids() == ["peer-talks/2012-02-19-second"]


def test_what_was_done_before_an_interruption_can_be_searched(
    verb: Verb, library: Library, tapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(FakeRecognizer):
        def recognize(self, pieces: Sequence[Piece], hints: Hints) -> list[Recognition]:
            if self.pieces:
                raise KeyboardInterrupt
            return super().recognize(pieces, hints)

    recognizer = Interrupted()
    monkeypatch.setattr(engines, "load", lambda *_, **__: recognizer)
    shutil.copy(TALK.with_name("micro.flac"), tapes / "zz.flac")
    (tapes / "broken.mp3").unlink()
    ran = verb("run", tapes)
    assert ran.status == 130  # as a shell has it: 128 and the number of the signal
    assert "1 transcribed" in ran.err.partition("Interrupted.")[0]  # what it came to is told
    assert library.transcript_ids() == ["old-tapes/talk"]
    assert verb("search", "heard", "--json").json()["total"] > 0
    assert [row["failure"] for row in verb("status", "--json").json()["episodes"]] == [None, None]


# One stage each


def test_fetch_and_transcribe_and_index_are_the_same_in_three_steps(
    verb: Verb, library: Library, asked: list[dict[str, Any]]
) -> None:
    fetched = verb("fetch", TALK)
    assert (fetched.status, fetched.out, fetched.err.splitlines()[-1]) == (0, "", "1 fetched  0.1 MB")
    assert library.transcript_ids() == []
    assert asked == []
    transcribed = verb("transcribe", "--engine", "pocketsphinx", "--language", "en", "--device", "cpu")
    assert (transcribed.status, transcribed.out, transcribed.err.splitlines()[-1]) == (0, "", "1 transcribed  0:16")
    (given,) = asked
    assert (given["engine"], given["model"], given["language"], given["device"]) == ("pocketsphinx", None, "en", "cpu")
    indexed = verb("index")
    assert (indexed.status, indexed.out, indexed.err) == (0, "", "1 indexed, 0 removed, 0 unchanged\n")
    assert verb("search", "heard", "--json").json()["total"] > 0


def test_index_sees_what_is_new_changed_and_gone(verb: Verb, said: Library) -> None:
    assert verb("index").err == "0 indexed, 0 removed, 2 unchanged\n"
    said.save_transcript(transcript("the well is full", name="talks/one"))
    said.transcript_path("other-show/two").unlink()
    assert verb("index").err == "1 indexed, 1 removed, 0 unchanged\n"
    assert verb("search", "village", "--json").json()["total"] == 0
    assert verb("search", "full", "--json").json()["total"] == 1


def test_index_rebuild_starts_afresh(verb: Verb, said: Library) -> None:
    rebuilt = verb("index", "--rebuild")
    assert (rebuilt.status, rebuilt.err) == (0, "2 indexed, 0 removed, 0 unchanged\n")
    assert verb("search", "well", "--json").json()["total"] == 2


def test_a_transcript_that_cannot_be_read_is_named_and_the_rest_is_indexed(verb: Verb, library: Library) -> None:
    library.save_transcript(transcript("we share", name="talks/one"))
    library.transcript_path("talks/torn").write_text('{"version": 1, ')
    indexed = verb("index")  # fault line 41
    assert indexed.status == 1
    assert "failed: talks/torn: " in indexed.err
    assert verb("search", "share", "--json").json()["total"] == 1


# Captions


def test_import_takes_a_folder_in_and_names_what_it_cannot_read(verb: Verb, tmp_path: Path) -> None:
    folder = tmp_path / "captions"
    folder.mkdir()
    (folder / "2012-02-18 The Well.vtt").write_text(CAPTIONS)
    (folder / "broken.srt").write_bytes(b"\x00\x01 no captions")
    imported = verb("import", folder, "--show", "Peer Talks", "--language", "en")
    assert (imported.status, imported.out) == (1, "")
    assert imported.err.splitlines()[0] == "1 imported, 1 failed"
    assert f"failed: {folder / 'broken.srt'}: " in imported.err
    (hit,) = verb("search", '"wants to be free"', "--json").json()["hits"]
    assert (hit["episode"]["id"], hit["flags"]) == ("peer-talks/2012-02-18-the-well", ["interpolated"])
    assert 1_000 < hit["start_ms"] < 3_000


def test_import_of_what_is_not_there_is_wrong_usage(verb: Verb, library: Library) -> None:
    imported = verb("import", "nowhere.vtt")
    assert (imported.status, imported.out) == (2, "")
    assert "nowhere.vtt" in imported.err
    assert not library.transcripts.exists()


# Search


def test_search_shows_the_text_the_time_and_a_link(verb: Verb, said: Library) -> None:
    found = verb("search", '"well of the village"')
    assert (found.status, found.err) == (0, "")
    assert found.out.splitlines() == [
        "Talks · Title of talks/one · 2012-02-18",
        "     0:00  We share the well of the village",
        "           http://127.0.0.1:8000/episodes/talks/one#t=0.9",
        "1 hit",
    ]


def test_a_links_address_is_that_of_serve(verb: Verb, said: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYHEAD_PORT", "8123")
    assert "http://127.0.0.1:8123/episodes/talks/one#t=" in verb("search", "village").out


def test_search_json_is_the_body_of_the_api(verb: Verb, said: Library) -> None:
    with TestClient(create_app(said)) as client:
        body = client.get("/api/search", params={"q": '"the well"', "limit": 1}).json()
    printed = verb("search", '"the well"', "--limit", "1", "--json").json()
    assert printed.keys() == body.keys()
    assert printed["total"] == 2
    assert (printed["hits"], printed["facets"], printed["query"]) == (body["hits"], body["facets"], body["query"])


def test_the_next_page_asks_for_the_same(verb: Verb, said: Library) -> None:
    printed = verb("search", '"the well"', "--limit", "1", "--sort", "oldest", "--within", "9", "--json").json()
    with TestClient(create_app(said)) as client:
        following = client.get(printed["next"]).json()
    assert (following["query"], following["offset"]) == (printed["query"], 1)
    assert [following["hits"][0]["episode"]["id"], printed["hits"][0]["episode"]["id"]] == [
        "other-show/two",
        "talks/one",
    ]


def test_words_need_no_quotes_of_the_shell(verb: Verb, said: Library) -> None:
    assert (
        verb("search", "well", "village", "--json").json()["hits"]
        == verb("search", "well village", "--json").json()["hits"]
    )


def test_what_is_said_cannot_steer_the_terminal(verb: Verb, library: Library) -> None:
    library.save_transcript(transcript("\x1b]0;renamed\x07 peace \x1b[31mred", name="talks/evil"))
    verb("index")
    shown = verb("search", "peace\x1b[2J")
    assert "\x1b" not in shown.out
    assert "\x1b" not in verb("search", "peace").out
    assert "peace" in verb("search", "peace").out


def test_where_nothing_is_found_it_says_that_the_search_was_narrowed(verb: Verb, said: Library) -> None:
    assert "narrowed" in verb("search", "well", "--after", "2020").out
    assert "narrowed" not in verb("search", "absent").out


def test_search_csv_can_be_read_back(verb: Verb, said: Library) -> None:
    rows = list(csv.DictReader(io.StringIO(verb("search", "well", "--csv").out, newline="")))
    assert [row["episode"] for row in rows] == ["other-show/two", "talks/one"]
    assert [row["start_ms"] for row in rows] == ["300", "900"]
    assert (rows[1]["before"], rows[1]["text"], rows[1]["after"]) == ("We share the", "well", "of the village")


@pytest.mark.parametrize(
    ("options", "episodes"),
    [
        (["--show", "talks"], ["talks/one"]),
        (["--show", "Other Show"], ["other-show/two"]),
        (["--show", "other--show"], []),
        (["--after", "2013"], ["other-show/two"]),
        (["--before", "2012-12"], ["talks/one"]),
        (["--speaker", "Ann"], []),
        (["--limit", "1"], ["other-show/two"]),
        (["--offset", "1"], ["talks/one"]),
    ],
)
def test_search_is_narrowed(verb: Verb, said: Library, options: list[str], episodes: list[str]) -> None:
    hits = verb("search", "well", "--json", *options).json()["hits"]
    assert [hit["episode"]["id"] for hit in hits] == episodes


def test_loose_compares_stems(verb: Verb, said: Library) -> None:
    assert verb("search", "villages", "--json").json()["total"] == 0
    assert verb("search", "villages", "--mode", "loose", "--json").json()["total"] == 1


def test_what_is_asked_and_said_is_no_markup(verb: Verb, said: Library) -> None:
    assert verb("search", '"[is] dry"').out.splitlines()[1].endswith("the well [is] dry")
    assert verb("search", "[/b] :smile:").out.startswith("No hits for [/b] :smile:")


@pytest.mark.parametrize(
    ("options", "summary"),
    [
        ([], "2 hits"),
        (["--limit", "1"], "2 hits, 1 to 1 shown"),
        (["--offset", "1"], "2 hits, 2 to 2 shown"),
        (["--limit", "0"], "2 hits, none of them shown"),
        (["--offset", "9"], "2 hits, none of them shown"),
    ],
)
def test_the_last_line_counts(verb: Verb, said: Library, options: list[str], summary: str) -> None:
    assert verb("search", "well", *options).out.splitlines()[-1] == summary


@pytest.mark.parametrize(
    "wrong",
    [
        [""],
        ["x" * 513],  # fault line 45
        ["well", "--limit", "-1"],
        ["well", "--limit", "9999", "--offset", "2"],
        ["well", "--after", "last year"],
        ["well", "--mode", "fuzzy"],
    ],
)
def test_a_search_that_makes_no_sense_is_wrong_usage(verb: Verb, said: Library, wrong: list[str]) -> None:
    found = verb("search", *wrong)
    assert (found.status, found.out) == (2, "")
    assert found.err


def test_without_an_index_search_says_how_to_make_one(verb: Verb, library: Library) -> None:
    library.root.mkdir()
    found = verb("search", "well")
    assert (found.status, found.out) == (3, "")
    assert "playhead" in found.err


@pytest.mark.parametrize("args", [("search", "well"), ("status",), ("serve",), ("index",), ("transcribe",)])
def test_a_library_that_is_not_there_is_named(verb: Verb, library: Library, args: tuple[str, ...]) -> None:
    ended = verb(*args)
    assert (ended.status, ended.out) == (2, "")
    assert str(library.root) in ended.err
    assert not library.root.exists()


# Export and status


@pytest.mark.parametrize("form", FORMATS)
def test_export_writes_a_transcript_and_nothing_else(verb: Verb, said: Library, form: str, tmp_path: Path) -> None:
    text = FORMATS[form].write(said.load_transcript("talks/one"))
    printed = verb("export", "talks/one", "--format", form)
    assert (printed.status, printed.out, printed.err) == (0, text, "")
    filed = verb("export", "talks/one", "--format", form, "-o", tmp_path / "file")
    assert (filed.status, filed.out, filed.err) == (0, "", "")
    assert (tmp_path / "file").read_bytes().decode() == text


@pytest.mark.parametrize("name", ["talks/none", "none", "../../etc/passwd"])
def test_export_of_what_is_not_there_is_wrong_usage(verb: Verb, said: Library, name: str) -> None:
    exported = verb("export", name)
    assert (exported.status, exported.out) == (2, "")
    assert name in exported.err


def test_export_over_a_folder_is_wrong_usage(verb: Verb, said: Library, tmp_path: Path) -> None:
    assert verb("export", "talks/one", "-o", tmp_path).status == 2


def test_status_of_an_empty_library_says_how_to_fill_it(verb: Verb, library: Library) -> None:
    library.root.mkdir()
    told = verb("status")
    assert (told.status, told.err) == (0, "")
    assert "playhead run" in told.out
    plain = verb("status", "--json").json()
    assert (plain["library"], plain["episodes"], plain["running"]) == (str(library.root), [], [])


@pytest.mark.usefixtures("asked")
def test_status_tells_of_each_episode_how_far_it_is_and_why_it_failed(verb: Verb, tapes: Path) -> None:
    verb("run", tapes)
    verb("fetch", TALK.with_name("micro.flac"))
    table = verb("status")
    assert (table.status, table.err) == (0, "")
    rows = {line.split()[-1]: line.split()[:3] for line in table.out.splitlines()}
    assert rows["old-tapes/talk"] == ["yes", "yes", "yes"]
    assert rows["old-tapes/broken"] == ["yes", "-", "-"]
    assert rows["data/micro"] == ["yes", "-", "-"]
    assert "failed: undecodable: " in table.out
    told = {row["episode"]: row for row in verb("status", "--json").json()["episodes"]}
    assert told["old-tapes/broken"]["failure"]["code"] == "undecodable"
    assert told["old-tapes/talk"]["failure"] is None
    assert (told["old-tapes/talk"]["engine"], told["data/micro"]["indexed"]) == ("fake none", False)


# Serve


@pytest.mark.parametrize("workers", ["1", "2"])
def test_serve_says_where_and_answers_there(said: Library, workers: str) -> None:
    serving = begun("--library", said.root, "serve", "--port", "0", "--workers", workers)
    try:
        assert serving.stderr is not None
        told = serving.stderr.readline()
        assert told.startswith("Playhead is at http://127.0.0.1:")
        with urllib.request.urlopen(told.split()[3] + "/api/search?q=village") as answer:
            assert json.load(answer)["total"] == 1
    finally:
        serving.send_signal(signal.SIGINT)
        assert ended(serving).out == ""


def test_serve_on_a_port_that_is_taken_cannot_start(verb: Verb, said: Library) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        served = verb("serve", "--port", port)
    assert (served.status, served.out) == (3, "")
    assert f"127.0.0.1:{port}" in served.err
    assert "--port" in served.err


# Exit statuses


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["nonsense"],
        ["run", "--nonsense"],
        ["run", TALK, "--limit", "0"],
        ["run", TALK, "--workers", "two"],
        ["run", TALK, "--engine", "telepathy"],
        ["run", "no-such-file.mp3"],
        ["run", "ftp://example.org/feed"],
        ["serve", "--port", "99999"],
        ["import"],
    ],
)
def test_wrong_usage_is_2_and_nothing_is_done(verb: Verb, library: Library, wrong: list[str | Path]) -> None:
    told = verb(*wrong)
    assert told.status == 2
    assert told.err or not wrong  # without a verb there is help
    assert not library.transcripts.exists()
    assert library.records() == []


def test_a_bad_setting_is_named_with_its_value(verb: Verb, library: Library) -> None:
    library.root.mkdir()
    (library.root / "playhead.toml").write_text("workers = 0\n")
    ran = verb("run", TALK)
    assert (ran.status, ran.out) == (2, "")
    assert "workers" in ran.err
    assert "0" in ran.err.split("workers")[1]
    assert ran.err.count("\n") == 1
    assert not library.audio.exists()


def test_a_library_that_is_a_file_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("run", "search", "index"):
        assert playhead("--library", tmp_path / "file", name, "word").status == 2


@pytest.mark.parametrize(
    "changing", [["run", TALK], ["fetch", TALK], ["transcribe"], ["index"], ["import", TALK.parent]]
)
def test_a_locked_library_cannot_be_changed(verb: Verb, library: Library, changing: list[str | Path]) -> None:
    with library.locked():
        ran = verb(*changing)  # fault line 16
    assert (ran.status, ran.out) == (3, "")
    assert f"locked by process {os.getpid()}" in ran.err
    assert ran.err.count("\n") == 1
    assert not library.audio.exists()
    assert not library.transcripts.exists()


def test_a_locked_library_can_be_read(verb: Verb, said: Library) -> None:
    with said.locked():
        assert verb("search", "well").status == 0
        assert verb("export", "talks/one").status == 0
        assert verb("status").status == 0


def test_the_lock_of_a_process_that_died_is_taken_over(verb: Verb, library: Library) -> None:
    hold = "import sys, pathlib; from transcribe.library.store import Library\n"
    hold += "with Library(pathlib.Path(sys.argv[1])).locked(): print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(library.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        refused = verb("index")  # fault line 16
        owner.kill()
    assert refused.status == 3
    assert f"locked by process {owner.pid}" in refused.err
    assert verb("index").status == 0


def test_a_model_that_cannot_be_had_is_said_before_any_audio_is_fetched(
    verb: Verb, library: Library, httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYHEAD_ALLOW_HOSTS", "localhost")
    (tmp_path / "torn.pt").write_bytes(b"half a checkpoint")
    ran = verb("run", feed(httpserver), "--engine", "whisper", "--model", tmp_path / "torn.pt")
    assert (ran.status, ran.out) == (3, "")
    assert ran.err.startswith("playhead: Whisper's torn.pt cannot be used: ")
    assert "--engine pocketsphinx" in ran.err
    assert ran.err.count("\n") == 1
    assert set(paths(httpserver)) == {"/feed"}
    assert list(library.audio.glob("*/*.mp3*")) == []


def test_the_process_ends_with_the_status(library: Library, tmp_path: Path) -> None:
    (tmp_path / "broken.vtt").write_text("no captions")
    here = ("--library", library.root)
    library.root.mkdir()
    (tmp_path / "empty").mkdir()
    processes = {
        0: begun(*here, "status"),
        1: begun(*here, "import", tmp_path / "broken.vtt"),
        2: begun(*here, "run", "nowhere.mp3"),
        3: begun("--library", tmp_path / "empty", "search", "well"),
    }
    assert {status: ended(process).status for status, process in processes.items()} == {n: n for n in processes}


# Options, environment, file


def test_an_option_beats_the_environment_and_that_the_file(
    verb: Verb, library: Library, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    library.root.mkdir()
    (library.root / "playhead.toml").write_text('engine = "file"\nmodel = "file"\nlanguage = "file"\n')
    monkeypatch.setenv("PLAYHEAD_ENGINE", "environment")
    monkeypatch.setenv("PLAYHEAD_MODEL", "environment")
    verb("run", TALK, "--engine", "option")
    (given,) = asked
    assert (given["engine"], given["model"], given["language"], given["device"]) == (
        "option",
        "environment",
        "file",
        None,
    )


def test_the_library_is_the_option_or_the_environment_or_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def used(*args: str) -> str:
        return str(playhead(*args, "status", "--json").json()["library"])

    for name in ("environment", "option"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    assert used() == str(tmp_path)
    monkeypatch.setenv("PLAYHEAD_LIBRARY", str(tmp_path / "environment"))
    assert used() == str(tmp_path / "environment")
    assert used("--library", "option") == str(tmp_path / "option")


# Help


def command(name: str) -> Any:
    """A verb as Typer has made it."""
    group: Any = typer.main.get_command(app)
    return group.commands[name]


def test_these_are_the_verbs() -> None:
    group: Any = typer.main.get_command(app)
    assert tuple(group.commands) == VERBS


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_says_what_it_does_and_every_option_what_it_means(name: str) -> None:
    helped = playhead(name, "--help")
    assert (helped.status, helped.err) == (0, "")
    sentence = command(name).help.splitlines()[0]
    assert sentence.endswith(".")
    assert sentence in helped.out
    assert [parameter.name for parameter in command(name).params if not parameter.help] == []


def test_help_names_every_verb() -> None:
    helped = playhead("--help")
    assert (helped.status, helped.err) == (0, "")
    assert all(f" {name} " in helped.out for name in VERBS)


def test_version(tmp_path: Path) -> None:
    assert playhead("--version") == Ended(0, f"playhead {transcribe.__version__}\n", "")


def test_help_loads_nothing_heavy() -> None:
    program = "import sys, search.cli; print({'torch', 'whisper', 'av', 'pydub', 'whoosh', 'fastapi'} & {*sys.modules})"
    ran = subprocess.run([sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"


def test_an_unexpected_error_is_an_internal_one_and_debug_shows_where(
    verb: Verb, said: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(*_: object) -> None:
        raise KeyError("odd")

    monkeypatch.setattr("search.terminal.print_hits", odd)
    told = verb("search", "well")
    assert told.status == 1
    assert told.err.startswith("playhead: This is an internal error of Playhead: KeyError: 'odd'.")
    assert "--debug" in told.err
    assert "Traceback" not in told.err
    assert "Traceback" in playhead("--debug", "--library", said.root, "search", "well").err
    monkeypatch.setenv("PLAYHEAD_DEBUG", "1")
    assert "Traceback" in verb("search", "well").err


def test_debug_shows_where_an_error_of_ours_came_from_too(said: Library) -> None:
    shown = playhead("--debug", "--library", said.root, "search", "well", "--after", "yesterday")
    assert shown.status == 2
    assert "UsageError" in shown.err
    assert shown.err.splitlines()[-1].startswith("playhead: 'yesterday' is not a date")


# Seekable copies


@pytest.fixture
def bare_aac(tmp_path: Path) -> Path:
    """A recording in which a browser cannot find a second."""
    path = tmp_path / "talks" / "bare.aac"
    with open_audio(TALK) as recording:
        write_audio(np.concatenate(list(recording.blocks())), path)
    return path


@pytest.mark.usefixtures("asked")
def test_a_run_makes_the_copies_that_browsers_need_and_status_tells_what_they_take(
    verb: Verb, library: Library, bare_aac: Path
) -> None:
    assert verb("run", bare_aac).status == 0
    (copy,) = (library.state / "seekable").glob("*/*.mp4")
    taken = {"files": 1, "bytes": copy.stat().st_size}
    assert verb("status", "--json").json()["seekable_copies"] == taken
    assert f"seekable copies: 1, {taken['bytes'] / 1e6:.1f} MB" in verb("status").out
    hit = verb("search", "we", "--json").json()["hits"][0]
    assert "?seekable#t=" in hit["audio"]


@pytest.mark.usefixtures("asked")
def test_a_setting_turns_copies_off(
    verb: Verb, library: Library, bare_aac: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYHEAD_SEEKABLE_COPIES", "false")
    assert verb("run", bare_aac).status == 0
    assert not (library.state / "seekable").exists()
    assert "seekable" not in verb("status").out
    assert "seekable" not in verb("search", "we", "--json").json()["hits"][0]["audio"]
