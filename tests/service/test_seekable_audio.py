"""The seekable copy over HTTP: made when first asked for, served as a file of its own, and used where it matters."""

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from search.service import api
from search.service.app import create_app
from search.service.episode_sounds import EpisodeSounds
from tests.support.sample_library import PART_1, add_sample, index
from tests.support.sounds import noise
from tests.support.speech import write_audio
from tests.support.toned_library import add_toned
from transcribe.audio.sound_process import SoundProcess
from transcribe.errors import AudioError
from transcribe.library.seekable_copy import EpisodeSeeking, SeekableCopies
from transcribe.library.store import Library

AAC, WAV = "tones/bare", "tones/plain"
SHARE = f"/audio/{AAC}"


class SlowMaker:
    """A `SoundMaker` that is done when it is told to be."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.future: Future[EpisodeSeeking] = Future()

    def seekable(self, episode_id: str) -> "Future[EpisodeSeeking]":
        self.asked.append(episode_id)
        return self.future

    def close(self) -> None:
        """There is nothing to end."""


@pytest.fixture(scope="module")
def made_library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    library = Library(tmp_path_factory.mktemp("library"))
    for name, suffix in ((AAC, ".aac"), (WAV, ".wav")):
        path = library.audio / f"{name}{suffix}"
        write_audio(noise(4), path)
        add_toned(library, path, [1, 2])
    add_sample(library)
    index(library)
    return library


@pytest.fixture
def library(made_library: Library, tmp_path: Path) -> Library:
    shutil.copytree(made_library.root, tmp_path / "library")
    return Library(tmp_path / "library")


@pytest.fixture
def client(library: Library) -> Iterator[TestClient]:
    with TestClient(create_app(library, sound_maker=SoundProcess(library))) as client:
        yield client


def hit_audio(client: TestClient, words: str) -> str:
    return str(client.get("/api/search", params={"q": words}).json()["hits"][0]["audio"])


def button(client: TestClient, words: str) -> str:
    page = client.get("/", params={"q": words}).text
    return page[page.index('<button class="play"') :].partition(">")[0]


def test_the_copy_is_made_when_it_is_first_asked_for_and_has_its_own_type_etag_and_ranges(
    client: TestClient, library: Library
) -> None:
    stored, copy = client.get(SHARE), client.get(f"{SHARE}?seekable")
    assert (stored.headers["content-type"], copy.headers["content-type"]) == ("audio/aac", "audio/mp4")
    assert stored.content == (library.audio / f"{AAC}.aac").read_bytes()
    assert copy.content[4:8] == b"ftyp"
    assert copy.headers["etag"] != stored.headers["etag"]
    part = client.get(f"{SHARE}?seekable", headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert part.headers["content-range"] == f"bytes 4-7/{len(copy.content)}"
    same = client.get(f"{SHARE}?seekable", headers={"If-None-Match": copy.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    head = client.head(f"{SHARE}?seekable")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(copy.content)), b"")


@pytest.mark.parametrize("name", [WAV, PART_1])
def test_where_none_is_needed_the_seekable_address_has_the_stored_bytes(client: TestClient, name: str) -> None:
    stored, answer = client.get(f"/audio/{name}"), client.get(f"/audio/{name}?seekable")
    assert answer.content == stored.content
    assert answer.headers["content-location"] == f"/audio/{name}"
    assert "content-location" not in stored.headers


def test_hits_lead_to_the_copy_where_it_matters(client: TestClient, library: Library) -> None:
    assert hit_audio(client, "landingbare") == f"{SHARE}?seekable#t=1.2,1.7"
    assert hit_audio(client, "landingplain") == f"/audio/{WAV}#t=1.2,1.7"
    assert hit_audio(client, '"peer to peer"').startswith(f"/audio/{PART_1}?seekable#t=")  # nobody has looked yet
    client.get(f"/audio/{PART_1}?seekable")
    assert hit_audio(client, '"peer to peer"').startswith(f"/audio/{PART_1}#t=")


def test_a_page_plays_the_stored_bytes_until_there_is_a_copy(client: TestClient) -> None:
    first = button(client, "landingbare")
    assert f'data-audio="{SHARE}"' in first
    assert f'data-awaited="{SHARE}?seekable"' in first
    assert f'src="{SHARE}"' in client.get(f"/episodes/{AAC}").text
    client.get(f"{SHARE}?seekable")
    then = button(client, "landingbare")
    assert f'data-audio="{SHARE}?seekable" data-type="audio/mp4" data-stored="{SHARE}" data-lead-ms="0"' in then
    assert "data-awaited" not in then
    assert f'src="{SHARE}?seekable"' in client.get(f"/episodes/{AAC}").text


def test_only_mp3_is_played_from_ahead_of_the_word(client: TestClient) -> None:
    assert 'data-lead-ms="150"' in button(client, '"peer to peer"')
    assert 'data-lead-ms="0"' in button(client, "landingplain")


def test_without_a_maker_only_stored_bytes_are_played(library: Library) -> None:
    SoundProcess(library).seekable(AAC).result(timeout=600)
    client = TestClient(create_app(library))
    assert client.get(f"{SHARE}?seekable").content == client.get(SHARE).content
    assert hit_audio(client, "landingbare") == f"{SHARE}#t=1.2,1.7"
    assert f'data-audio="{SHARE}"' in button(client, "landingbare")
    assert "data-awaited" not in button(client, "landingbare")


def test_a_download_stays_the_stored_file(client: TestClient) -> None:
    client.get(f"{SHARE}?seekable")
    assert f'<a href="{SHARE}" download="bare.aac">' in client.get(f"/episodes/{AAC}").text


def test_whoever_asks_for_too_long_is_told_to_come_again(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "COPY_WAIT_S", 0.05)
    maker = SlowMaker()
    client = TestClient(create_app(library, sound_maker=maker))
    answer = client.get(f"{SHARE}?seekable")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.headers["content-type"] == "application/problem+json"
    assert not maker.future.cancelled()
    assert client.get(SHARE).status_code == 200
    assert maker.asked == [AAC]


def test_others_are_answered_while_a_copy_is_awaited(library: Library) -> None:
    maker = SlowMaker()
    with TestClient(create_app(library, sound_maker=maker)) as client, ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(client.get, f"{SHARE}?seekable") for _ in range(8)]
        assert client.get("/api/search", params={"q": "landingbare"}).status_code == 200
        finding = EpisodeSeeking("0" * 64, "aac")
        threading.Timer(0.2, lambda: maker.future.set_result(finding)).start()
        answers: list[Response] = [answer.result() for answer in waiting]
    assert {answer.status_code for answer in answers} == {200}


def test_what_cannot_be_copied_is_played_as_it_is(library: Library) -> None:
    maker = SlowMaker()
    maker.future.set_exception(AudioError("decoder_failed", "the decoder was ended"))
    client = TestClient(create_app(library, sound_maker=maker))
    assert client.get(f"{SHARE}?seekable").content == client.get(SHARE).content
    finding = EpisodeSeeking(audio_sha256(library), "aac", failure="bare.aac: its sample rate changes at 3 s")
    SeekableCopies(library).save(AAC, finding)
    assert "data-inexact" in button(client, "landingbare")
    assert hit_audio(client, "landingbare").startswith(f"{SHARE}#")


def test_too_many_at_once_are_told_to_come_again(library: Library) -> None:
    maker = SlowMaker()
    maker.future.set_exception(AudioError("sound_busy", "64 episodes wait"))
    answer = TestClient(create_app(library, sound_maker=maker)).get(f"{SHARE}?seekable")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_a_copy_that_was_deleted_is_made_again(client: TestClient, library: Library) -> None:
    copy = client.get(f"{SHARE}?seekable").content
    for path in (library.state / "seekable").glob("*/*.mp4"):
        path.unlink()
    assert "data-awaited" in button(client, "landingbare")
    assert client.get(f"{SHARE}?seekable").content == copy


def test_an_episode_that_is_not_there_or_has_no_audio_is_404(client: TestClient, library: Library) -> None:
    assert client.get("/audio/tones/none?seekable").status_code == 404
    (library.audio / f"{AAC}.aac").unlink()
    assert client.get(f"{SHARE}?seekable").status_code == 404


def test_what_is_known_of_a_sound_is_read_again_when_it_changes(library: Library) -> None:
    sounds = EpisodeSounds(library)
    before = sounds.of(AAC)
    assert before
    assert before.is_awaited
    SoundProcess(library).seekable(AAC).result(timeout=600)
    after = sounds.of(AAC)
    assert after
    assert (after.is_awaited, after.address, after.media_type) == (False, f"{SHARE}?seekable", "audio/mp4")


def audio_sha256(library: Library) -> str:
    audio = library.load_record(AAC).audio
    assert audio
    return audio.sha256
