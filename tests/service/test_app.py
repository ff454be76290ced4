"""The service, asked as its users ask it: over HTTP, of a real library on disk."""

import csv
import hashlib
import io
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np
import pytest
from httpx2 import Response
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from search.index.library_index import LibraryIndex
from search.query.limits import MAX_HITS
from search.query.parser import parse
from search.service.app import SECURITY_HEADERS, create_app
from search.settings import Settings
from tests.support.conversations import transcript
from tests.support.plain_scan import scan, start_ms
from tests.support.speech import write_audio
from transcribe.library.caption_writer import FORMATS
from transcribe.library.episode import AudioFile, Record
from transcribe.library.store import Library
from transcribe.library.transcript import Transcript

HAMLET = transcript(
    "To be, or not",
    "to be: plan b in C++ or",
    "don’t, says the Café — peer-to-peer!",
    name="talks/hamlet",
    speakers=["Ann", "Ben", "Ben"],
)
COMMONS = transcript(*["what is the commons"] * 25, name="talks/commons", published="2011-05-01")
UNDATED = transcript("nobody knows when we said commons", name="attic/undated", published=None)
SPOKEN = (HAMLET, COMMONS, UNDATED)

EVERY_PATH = (
    "/",
    "/?q=commons",
    "/episodes",
    "/episodes/talks/hamlet",
    "/api/search?q=commons",
    "/api/search.csv?q=commons",
    "/api/shows",
    "/api/episodes",
    "/api/episodes/talks/hamlet",
    *(f"/api/episodes/talks/hamlet/transcript.{form.suffix}" for form in FORMATS.values()),
    "/audio/talks/hamlet",
    "/static/playhead.css",
    "/livez",
    "/readyz",
    "/opensearch.xml",
    "/openapi.json",
    "/docs",
    "/api/search",
    "/api/search?q=commons&limit=many",
    "/api/episodes/talks/missing",
    "/audio/talks/missing",
    "/nowhere",
)

INDEX_PATHS = (
    "/api/search?q=be",
    "/api/search.csv?q=be",
    "/api/shows",
    "/api/episodes",
    "/api/episodes/talks/hamlet",
    "/readyz",
)


def store_audio(library: Library, episode: Transcript, data: bytes) -> None:
    """Gives an episode these bytes as its audio."""
    path = library.audio / f"{episode.episode.id}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    relative = path.relative_to(library.root).as_posix()
    stored = AudioFile(relative, hashlib.sha256(data).hexdigest(), len(data), "audio/wav")
    library.save_record(Record(episode.episode, audio=stored, state="transcribed"))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A second of noise as a wav file, so that no two ranges of it are alike."""
    path = tmp_path_factory.mktemp("sound") / "noise.wav"
    write_audio(np.random.default_rng(1).integers(-9000, 9000, 16_000, np.int16), path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, sound: bytes) -> TestClient:
    """A client of a library that no test changes."""
    library = Library(tmp_path_factory.mktemp("library"))
    for spoken in SPOKEN:
        library.save_transcript(spoken)
    store_audio(library, HAMLET, sound)
    store_audio(library, COMMONS, b"")
    LibraryIndex(library).refresh()
    return TestClient(create_app(library))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """A library of the test's own, with one transcript and no index yet."""
    library = Library(tmp_path / "library")
    library.save_transcript(HAMLET)
    return library


def search(client: TestClient, q: str, **parameters: str | int) -> Response:
    return client.get("/api/search", params={"q": q, **parameters})


def assert_problem(response: Response, status: int) -> dict[str, Any]:
    """The answer tells an error in the form of RFC 9457, and nothing of the machine."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem.keys() - {"code"} == {"type", "title", "status", "detail"}
    assert problem["status"] == status
    assert problem["detail"]
    assert "Traceback" not in response.text
    return problem


# Searching


def test_a_hit_tells_where_it_is_what_it_says_and_how_to_play_it(shared: TestClient) -> None:
    answer = search(shared, '"or not to be"').json()
    assert answer["took_ms"] >= 0
    promised = {
        "query": {"text": '"or not to be"', "mode": "exact"},
        "total": 1,
        "limit": 20,
        "offset": 0,
        "next": None,
        "hits": [
            {
                "episode": {
                    "id": "talks/hamlet",
                    "show": "Talks",
                    "title": "Title of talks/hamlet",
                    "published": "2012-02-18",
                    "duration_ms": HAMLET.duration_ms,
                },
                "start_ms": 600,
                "end_ms": 1700,
                "before": "To be,",
                "text": "or not to be:",
                "after": "plan b in C++ or don’t, says the",
                "marks": [[0, 13]],
                "segments": [0, 1],
                "speaker": "Ann",
                "confidence": 0.9,
                "flags": [],
                "player": "/episodes/talks/hamlet#t=0.6",
                "audio": "/audio/talks/hamlet#t=0.6,1.7",
            }
        ],
        "facets": {"show": [["talks", 1]], "year": [["2012", 1]], "speaker": [["Ann", 1]]},
    }
    assert {name: answer[name] for name in promised} == promised


def test_the_links_of_a_hit_lead_somewhere(shared: TestClient) -> None:
    (hit,) = search(shared, '"or not to be"').json()["hits"]
    assert shared.get(hit["player"]).headers["content-type"].startswith("text/html")
    assert shared.get(hit["audio"]).headers["content-type"] == "audio/wav"


def test_next_leads_through_all_hits_once(shared: TestClient) -> None:
    url: str | None = f"/api/search?{urlencode({'q': 'commons', 'show': 'Talks', 'limit': 4, 'mode': 'loose'})}"
    told: list[tuple[str, int]] = []
    while url:
        page = shared.get(url).json()
        assert page["total"] == 25
        told += [(hit["episode"]["id"], hit["start_ms"]) for hit in page["hits"]]
        url = page["next"]
    assert told == [("talks/commons", 900 + 1200 * n) for n in range(25)]


def test_next_never_leads_past_the_last_hit_that_may_be_asked_for(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.service.api.BUDGET_S", 60)  # thousands of hits on a busy machine
    library.save_transcript(transcript("again " * (MAX_HITS + 100), name="talks/long"))
    LibraryIndex(library).refresh()
    client = TestClient(create_app(library))
    page = search(client, "again", limit=3000, offset=1000).json()
    assert (page["total"], len(page["hits"])) == (MAX_HITS + 100, 3000)
    page = client.get(page["next"]).json()
    assert (page["offset"], page["next"]) == (4000, "/api/search?q=again&limit=3000&offset=7000")
    assert client.get(page["next"]).json()["next"] is None


def test_filters_narrow_what_is_found(shared: TestClient) -> None:
    def total(**filters: str) -> int:
        found: int = search(shared, "commons", **filters).json()["total"]
        return found

    assert total() == 26
    assert total(show="talks") == total(show="Talks") == total(before="2012") == total(after="2011-05-01") == 25
    assert total(show="attic") == 1
    assert total(show="tal--ks") == total(show="talks-") == total(show="-talks") == 0
    assert total(after="2012") == total(speaker="Ann") == 0


@pytest.mark.parametrize("filters", [{"after": "yesterday"}, {"before": "2012-1-1"}, {"mode": "fuzzy"}])
def test_filters_that_mean_nothing_are_refused(shared: TestClient, filters: dict[str, str]) -> None:
    problem = assert_problem(search(shared, "commons", **filters), 422)
    assert next(iter(filters)) in problem["detail"]


@pytest.mark.parametrize(
    "phrase",
    ["to be", "or not to be", "is the", "don't", "DON’T", "C++", "b in c++ or", "plan B", "peer to peer", "cafe"],
)
def test_every_word_of_a_phrase_counts(shared: TestClient, phrase: str) -> None:  # fault line 48
    query = parse(f'"{phrase}"')
    expected = [(one.episode.id, start_ms(one, place)) for one in SPOKEN for place in scan(one, query)]
    answer = search(shared, f'"{phrase}"', limit=100).json()
    assert expected
    assert [(hit["episode"]["id"], hit["start_ms"]) for hit in answer["hits"]] == expected
    assert answer["total"] == len(expected)


@pytest.mark.parametrize(
    ("q", "code"),
    [
        ("x" * 513, "too_long"),  # fault line 45, and 47 below
        (" ".join(f"w{n}" for n in range(33)), "too_many_words"),
        ('"' + "to be " * 17 + '"', "too_many_words"),
        ("", "no_words"),
        ("-commons", "no_words"),
        ("*", "no_words"),
        ("a*", "short_prefix"),
    ],
)
def test_what_cannot_be_searched_is_refused_at_once(shared: TestClient, q: str, code: str) -> None:
    began = time.perf_counter()
    problem = assert_problem(search(shared, q), 400)
    assert time.perf_counter() - began < 10
    assert problem["code"] == code


def test_512_characters_and_32_words_may_be_asked_for(shared: TestClient) -> None:  # fault line 45
    assert search(shared, "x" * 512).status_code == 200
    assert search(shared, " ".join(f"w{n}" for n in range(32))).status_code == 200


@pytest.mark.parametrize(
    "q",
    [
        "(" * 2000,
        "(" * 400,
        "NOT " * 500,
        "NOT " * 100,
        '"' * 10_001,
        '"' * 501,
        "AND AND",
        "[a TO z]",
        "/.*/",
        "x~9",
        "field:x",
        "be*",
        "b*e",
        "**",
        '"be* or"',
    ],
)
def test_no_syntax_of_elsewhere_makes_trouble(shared: TestClient, q: str) -> None:  # fault lines 46, 47
    began = time.perf_counter()
    response = search(shared, q)
    assert time.perf_counter() - began < 10
    if response.status_code != 200:
        assert_problem(response, 400)


@pytest.mark.parametrize(
    "encoded",
    [
        "%00",
        "be%00or",
        "be%20%00",
        "%ED%A0%80",  # a lone surrogate, as UTF-8 would have it
        "be%20%ED%B0%80",
        "%E2%80%AEeb",  # U+202E turns what follows round
        quote("🎧 be 🎙️"),
        quote("e" + "\u0301" * 400),
        quote("e" + "\u0301" * 10_000),
        "%FF%FEbe",
        "be%",
        "%zz%1",
        "be%C3",
    ],
)
@pytest.mark.parametrize("path", ["/api/search", "/"])
def test_any_bytes_are_answered_in_whole_characters(shared: TestClient, path: str, encoded: str) -> None:
    response = shared.get(f"{path}?q={encoded}")  # fault line 49
    assert response.status_code in (200, 400)
    assert response.content.decode()
    if path != "/" and response.status_code == 400:
        assert_problem(response, 400)


@settings(deadline=None)
@given(q=st.text(max_size=80), mode=st.sampled_from(["exact", "loose"]))
def test_any_text_is_searched_or_refused(shared: TestClient, q: str, mode: str) -> None:
    response = shared.get(f"/api/search?mode={mode}&q={quote(q, errors='surrogatepass')}")
    if response.status_code == 200:
        assert response.json().keys() >= {"query", "total", "hits", "next", "facets"}
    else:
        assert_problem(response, 400)


@pytest.mark.parametrize("name", ["limit", "offset"])
@pytest.mark.parametrize("value", ["-1", str(10**18), "abc", "nan", "", "1&{name}=1"])
@pytest.mark.parametrize("path", ["/api/search?q=commons&", "/api/episodes?"])
def test_numbers_that_are_none_are_refused(shared: TestClient, path: str, name: str, value: str) -> None:
    problem = assert_problem(shared.get(f"{path}{name}={value.format(name=name)}"), 422)  # fault line 50
    assert problem["code"] == "invalid_parameter"
    assert name in problem["detail"]


def test_offset_and_limit_reach_10000_hits_and_no_further(shared: TestClient) -> None:  # fault line 50
    assert search(shared, "commons", offset=9_980, limit=20).json()["hits"] == []
    assert search(shared, "commons", limit=0).json()["next"] is None
    assert_problem(search(shared, "commons", offset=9_981, limit=20), 422)


# The archive


def test_shows_and_episodes_are_listed(shared: TestClient) -> None:
    shows = shared.get("/api/shows").json()
    hours = HAMLET.duration_ms + COMMONS.duration_ms
    assert shows == [
        {"slug": "attic", "title": "Attic", "episodes": 1, "duration_ms": UNDATED.duration_ms},
        {"slug": "talks", "title": "Talks", "episodes": 2, "duration_ms": hours},
    ]
    listed = shared.get("/api/episodes").json()
    assert [episode["id"] for episode in listed["episodes"]] == ["talks/hamlet", "talks/commons", "attic/undated"]
    page = shared.get("/api/episodes?show=talks&limit=1&offset=1").json()
    assert (page["total"], [episode["id"] for episode in page["episodes"]]) == (2, ["talks/commons"])


def test_an_episode_tells_what_is_known_of_it(shared: TestClient) -> None:
    episode = shared.get("/api/episodes/talks/hamlet").json()
    assert episode == {
        "id": "talks/hamlet",
        "show": "Talks",
        "title": "Title of talks/hamlet",
        "published": "2012-02-18",
        "duration_ms": HAMLET.duration_ms,
        "guid": None,
        "link": None,
        "enclosure": None,
        "description": "",
        "language": "en",
        "engine": "test none",
        "words": 18,
        "audio_sha256": None,
        "has_audio": True,
        "chapters": [],
    }
    assert shared.get("/api/episodes/attic/undated").json()["has_audio"] is False


@pytest.mark.parametrize(
    ("form", "media_type"),
    [
        ("json", "application/json"),
        ("vtt", "text/vtt; charset=utf-8"),
        ("srt", "application/x-subrip"),
        ("txt", "text/plain; charset=utf-8"),
        ("podcast.json", "application/json"),
    ],
)
def test_a_transcript_is_had_in_each_format(shared: TestClient, form: str, media_type: str) -> None:
    response = shared.get(f"/api/episodes/talks/hamlet/transcript.{form}")
    written = FORMATS["podcast" if form == "podcast.json" else form]
    assert response.headers["content-type"] == media_type
    assert response.content.decode() == written.write(HAMLET)


def test_a_format_that_there_is_not_is_refused(shared: TestClient) -> None:
    assert_problem(shared.get("/api/episodes/talks/hamlet/transcript.exe"), 422)


def test_a_transcript_that_cannot_be_read_tells_nothing_of_the_machine(library: Library) -> None:
    LibraryIndex(library).refresh()
    library.transcript_path("talks/hamlet").write_text("{")
    response = TestClient(create_app(library)).get("/api/episodes/talks/hamlet/transcript.vtt")
    assert_problem(response, 500)
    assert str(library.root) not in response.text


@pytest.mark.parametrize(
    "name",
    [
        "talks/missing",
        "missing/hamlet",
        "talks/%2e%2e",  # as the server sees `..`: a client that is asked for that takes it away itself
        "%2e%2e/hamlet",
        "%2e%2e/%2e%2e",
        "talks/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "talks/hamlet%00",
        "talks/hamlet%00.json",
        "talks/hamlet.json",
        "talks/" + "a" * 5000,
        "TALKS/HAMLET",
        "%E2%80%AE/hamlet",
        "%FF/%FE",
    ],
)
@pytest.mark.parametrize("route", ["/api/episodes/{}", "/api/episodes/{}/transcript.json", "/audio/{}"])
def test_an_id_that_names_no_episode_is_not_found(shared: TestClient, route: str, name: str) -> None:  # fault line 52
    assert_problem(shared.get(route.format(name)), 404)


def test_links_out_of_the_library_are_not_followed(library: Library, tmp_path: Path) -> None:  # fault line 52
    outside = Library(tmp_path / "outside")
    secret = transcript("a secret", name="talks/secret")
    outside.save_transcript(secret)
    store_audio(outside, secret, b"secret")
    library.transcript_path("talks/secret").symlink_to(outside.transcript_path("talks/secret"))
    store_audio(library, secret, b"")
    stored = library.audio / "talks" / "secret.wav"
    stored.unlink()
    stored.symlink_to(outside.audio / "talks" / "secret.wav")

    (library.transcripts / "elsewhere").symlink_to(outside.transcripts / "talks")

    client = TestClient(create_app(library))
    paths = ("/api/episodes/talks/secret/transcript.txt", "/audio/talks/secret", "/episodes/talks/secret")
    for path in (*paths, "/api/episodes/elsewhere/secret/transcript.txt", "/episodes/elsewhere/secret"):
        response = client.get(path)
        assert response.status_code == 404, path
        assert "a secret" not in response.text


# Audio


def audio(client: TestClient, asked: str, name: str = "talks/hamlet", **headers: str) -> Response:
    more = {header.replace("_", "-"): value for header, value in headers.items()}
    return client.get(f"/audio/{name}", headers={"Range": asked, **more})


def test_audio_is_the_stored_bytes(shared: TestClient, sound: bytes) -> None:
    response = shared.get("/audio/talks/hamlet")
    assert response.content == sound
    assert response.headers["content-type"] == "audio/wav"
    assert response.headers["content-length"] == str(len(sound))
    assert response.headers["accept-ranges"] == "bytes"


def test_audio_that_is_known_is_not_sent_again(shared: TestClient) -> None:
    etag = shared.get("/audio/talks/hamlet").headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}'):
        response = shared.get("/audio/talks/hamlet", headers={"If-None-Match": known})
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == etag
    assert shared.get("/audio/talks/hamlet", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=5-9", slice(5, 10)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=-999999999", slice(None)),
        ("bytes=10-999999999999999999999", slice(10, None)),
        ("Bytes = 5-9", slice(5, 10)),
    ],
)
def test_a_range_is_that_part_of_the_file(shared: TestClient, sound: bytes, asked: str, part: slice) -> None:
    response = audio(shared, asked)  # fault line 53
    assert response.status_code == 206
    assert response.content == sound[part]
    first, stop, _ = part.indices(len(sound))
    assert response.headers["content-range"] == f"bytes {first}-{stop - 1}/{len(sound)}"


@settings(deadline=None)
@given(data=st.data())
def test_any_range_within_the_file_is_that_slice(shared: TestClient, sound: bytes, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(sound) - 1))  # fault line 53
    last = data.draw(st.integers(first, 2 * len(sound)))
    response = audio(shared, f"bytes={first}-{last}")
    assert response.status_code == 206
    assert response.content == sound[first : last + 1]
    assert int(response.headers["content-length"]) == len(response.content)


def test_several_ranges_come_in_parts(shared: TestClient, sound: bytes) -> None:
    response = audio(shared, "bytes=0-99,200-299")
    assert response.status_code == 206
    boundary = response.headers["content-type"].removeprefix("multipart/byteranges; boundary=")
    parts = [part.partition(b"\r\n\r\n")[2] for part in response.content.split(f"--{boundary}".encode())]
    assert parts[1:-1] == [sound[:100] + b"\r\n", sound[200:300] + b"\r\n"]


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("bytes=999999999-", "talks/hamlet"),
        ("bytes=-0", "talks/hamlet"),
        ("bytes=0-", "talks/commons"),
        ("bytes=-1", "talks/commons"),
    ],
)
def test_a_range_beyond_the_file_cannot_be_had(shared: TestClient, sound: bytes, asked: str, name: str) -> None:
    response = audio(shared, asked, name)  # fault line 53; the audio of talks/commons is an empty file
    assert_problem(response, 416)
    assert response.headers["content-range"] == f"bytes */{len(sound) if name == 'talks/hamlet' else 0}"


@pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=abc", "abc", "items=0-5", "bytes=", "bytes=-", "bytes=--5", "="])
def test_a_range_that_is_none_is_refused_or_passed_over(shared: TestClient, sound: bytes, asked: str) -> None:
    response = audio(shared, asked)  # fault line 53
    if response.status_code == 200:
        assert response.content == sound
    else:
        assert_problem(response, 416 if response.status_code == 416 else 400)


@settings(deadline=None)
@given(asked=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
def test_any_range_header_is_answered(shared: TestClient, sound: bytes, asked: str) -> None:
    for header in (asked, f"bytes={asked}"):
        response = audio(shared, header)
        assert response.status_code in (200, 206, 400, 416)
        if response.status_code == 200:
            assert response.content == sound


def test_a_range_of_other_bytes_gets_the_whole_file(shared: TestClient, sound: bytes) -> None:  # fault line 53
    etag = shared.get("/audio/talks/hamlet").headers["etag"]
    response = audio(shared, "bytes=0-9", If_Range='"of yesterday"')
    assert (response.status_code, response.content) == (200, sound)
    assert audio(shared, "bytes=0-9", If_Range=etag).content == sound[:10]


@pytest.mark.parametrize("each", ["0-0", "-1", "{0}-{0}", "999999999-"])
def test_3000_ranges_are_not_worked_through(shared: TestClient, sound: bytes, each: str) -> None:  # fault line 54
    began = time.perf_counter()
    response = audio(shared, "bytes=" + ",".join(each.format(n * 2) for n in range(3000)))
    assert time.perf_counter() - began < 10
    if response.status_code == 200:
        assert response.content == sound
    else:
        assert_problem(response, 416)


# Every answer


@pytest.mark.parametrize("path", EVERY_PATH)
def test_head_is_get_without_the_body(shared: TestClient, path: str) -> None:
    whole, head = shared.get(path), shared.head(path)
    assert head.status_code == whole.status_code
    assert head.headers["content-type"] == whole.headers["content-type"]
    assert head.content == b""
    assert whole.content


def test_head_tells_of_a_range_as_well(shared: TestClient) -> None:
    head = shared.head("/audio/talks/hamlet", headers={"Range": "bytes=5-9"})
    assert (head.status_code, head.headers["content-length"], head.content) == (206, "5", b"")
    head = shared.head("/audio/talks/hamlet", headers={"Range": "bytes=5-2"})
    assert (head.status_code, head.content) == (400, b"")


@pytest.mark.parametrize("path", EVERY_PATH)
def test_every_answer_is_safe_to_show(shared: TestClient, path: str) -> None:
    headers = shared.get(path, headers={"Origin": "https://elsewhere.example"}).headers
    assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert not [name for name in headers if name.startswith("access-control-")]  # fault line 56


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", EVERY_PATH[:-1])
def test_nothing_can_be_written(shared: TestClient, method: str, path: str) -> None:  # fault line 56
    response = shared.request(method, path, headers={"Origin": "https://elsewhere.example"})
    assert_problem(response, 405)
    assert "GET" in response.headers["allow"]
    assert not [name for name in response.headers if name.startswith("access-control-")]


def test_an_unknown_host_is_refused_where_hosts_are_set(library: Library) -> None:  # fault line 56
    LibraryIndex(library).refresh()
    client = TestClient(create_app(library, hosts=["archive.example"]))
    assert client.get("/livez", headers={"Host": "archive.example"}).status_code == 200
    assert client.get("/livez", headers={"Host": "archive.example:8000"}).status_code == 200
    for host in ("elsewhere.example", "127.0.0.1", "", "archive.example.elsewhere.example"):
        response = client.get("/livez", headers={"Host": host})
        assert_problem(response, 400)
        assert {name: response.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_only_this_machine_is_served_unless_told_otherwise() -> None:  # fault line 56
    assert Settings.model_fields["host"].default == "127.0.0.1"


def test_a_person_is_shown_a_page_and_a_program_a_problem(shared: TestClient) -> None:
    assert_problem(shared.get("/nowhere"), 404)
    page = shared.get("/nowhere", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert_problem(shared.get("/api/nowhere", headers={"Accept": "text/html"}), 404)


def test_a_bug_is_told_without_its_traceback(library: Library) -> None:
    app = create_app(library)
    app.state.library_index = None
    response = TestClient(app, raise_server_exceptions=False).get("/readyz")
    assert_problem(response, 500)
    assert "NoneType" not in response.text
    assert {name: response.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    with pytest.raises(AttributeError):  # and it still reaches the log
        TestClient(app).get("/readyz")


def test_the_api_describes_itself(shared: TestClient) -> None:
    described = shared.get("/openapi.json").json()
    assert set(described["paths"]) == {
        "/api/search",
        "/api/search.csv",
        "/api/shows",
        "/api/episodes",
        "/api/episodes/{show}/{episode}",
        "/api/episodes/{show}/{episode}/transcript.{form}",
        "/audio/{show}/{episode}",
        "/livez",
        "/readyz",
    }
    for operations in described["paths"].values():
        for status, answer in operations["get"]["responses"].items():
            if status >= "400":
                assert list(answer["content"]) == ["application/problem+json"]
    assert "HTTPValidationError" not in json.dumps(described)


# Health


def test_a_service_with_an_index_is_live_and_ready(shared: TestClient) -> None:
    assert shared.get("/livez").json() == {"status": "ok"}
    assert shared.get("/readyz").json() == {"status": "ok", "episodes": 3}


def test_without_an_index_the_service_says_so_until_there_is_one(library: Library) -> None:  # fault line 58
    client = TestClient(create_app(library))
    assert client.get("/livez").status_code == 200
    for path in INDEX_PATHS:
        problem = assert_problem(client.get(path), 503)
        assert problem["code"] == "index_unavailable"
        assert "playhead index" in problem["detail"]
        assert str(library.root) not in problem["detail"]
    assert client.get("/?q=be").status_code == 503
    LibraryIndex(library).refresh()
    assert search(client, "be").json()["total"] == 2
    assert client.get("/readyz").status_code == 200


def index_files(library: Library) -> Iterator[Path]:
    return (path for path in sorted((library.state / "index").rglob("*")) if path.is_file() and path.name != "lock")


def damages(whole: bytes) -> Iterator[bytes]:
    yield b""
    yield whole[: len(whole) // 2]
    yield bytes([whole[0] ^ 1]) + whole[1:]


def test_a_broken_index_is_told_and_never_half_used(library: Library) -> None:  # fault line 58
    LibraryIndex(library).refresh()
    refused = 0
    for path in list(index_files(library)):
        whole = path.read_bytes()
        for damaged in damages(whole):
            path.write_bytes(damaged)
            client = TestClient(create_app(library))
            response = search(client, "be")
            if response.status_code == 200:
                assert response.json()["total"] == 2, path.name
            else:
                refused += 1
                assert_problem(response, 503)
                assert_problem(client.get("/readyz"), 503)
                assert str(library.root) not in response.text
            path.write_bytes(whole)
    assert refused
    assert search(TestClient(create_app(library)), "be").json()["total"] == 2


def test_every_hit_can_be_had_as_csv(shared: TestClient) -> None:
    response = shared.get("/api/search.csv", params={"q": "be"})
    assert response.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(response.text, newline="")))
    hits = search(shared, "be", limit=1000).json()["hits"]
    assert [(row["episode"], int(row["start_ms"]), row["text"]) for row in rows] == [
        (hit["episode"]["id"], hit["start_ms"], hit["text"]) for hit in hits
    ]


def test_a_cell_never_runs_as_a_formula(library: Library) -> None:
    library.save_transcript(transcript("=SUM(A1) be", name="show/formula"))
    LibraryIndex(library).refresh()
    text = TestClient(create_app(library)).get("/api/search.csv", params={"q": "sum"}).text
    assert "'=SUM(A1)" in text


def test_a_query_over_its_time_is_given_up_while_others_go_on(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:  # fault line 51
    LibraryIndex(library).refresh()
    client = TestClient(create_app(library))
    with monkeypatch.context() as patched:
        patched.setattr("search.service.api.BUDGET_S", 1e-9)
        for answer in (search(client, "be"), client.get("/api/search.csv", params={"q": "be"})):
            assert assert_problem(answer, 503)["code"] == "query_timeout"
        assert client.get("/livez").status_code == 200
    assert search(client, "be").status_code == 200


def test_readers_never_see_a_half_made_index(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    # Fault line 57: each generation has ten hits more, so an answer from two of them would show.
    monkeypatch.setattr("search.index.library_index.LOOK_EVERY_S", 0)
    monkeypatch.setattr("search.service.api.BUDGET_S", 60)  # fifty readers on a busy machine
    LibraryIndex(library).refresh()
    client = TestClient(create_app(library))
    writing = threading.Event()

    def write() -> None:
        for number in range(12):
            library.save_transcript(transcript("tide " * 10, name=f"show/e{number}"))
            LibraryIndex(library).refresh()
        writing.set()

    def read(_: int) -> list[tuple[int, int, int, int]]:
        answers: list[tuple[int, int, int, int]] = []
        while not writing.is_set() or not answers:
            response = search(client, "tide", limit=1000)
            body = response.json()
            counted = sum(count for _, count in body["facets"]["show"])
            answers.append((response.status_code, body["total"], len(body["hits"]), counted))
        return answers

    writer = threading.Thread(target=write)
    writer.start()
    with ThreadPoolExecutor(50) as readers:
        answers = {answer for answers in readers.map(read, range(50)) for answer in answers}
    writer.join()
    assert answers <= {(200, count, count, count) for count in range(0, 121, 10)}
    assert search(client, "tide").json()["total"] == 120
