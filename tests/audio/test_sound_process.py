"""Sound is made in child processes, few at a time, each within its limits."""

import os
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from tests.support.sounds import noise
from tests.support.speech import write_audio
from transcribe.audio import sound_process
from transcribe.audio.sound_process import SoundProcess
from transcribe.errors import AudioError
from transcribe.library.episode import AudioFile, Episode, Record
from transcribe.library.seekable_copy import EpisodeSeeking, SeekableCopies
from transcribe.library.store import Library

NAME, SHA = "show/one", "a" * 64


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """With bare AAC, which needs a copy."""
    library = Library(tmp_path / "library")
    path = library.audio / f"{NAME}.aac"
    write_audio(noise(2), path)
    audio = AudioFile(f"audio/{NAME}.aac", SHA, path.stat().st_size, "audio/aac")
    library.save_record(Record(Episode(NAME, "Show", "One"), audio=audio))
    return library


@pytest.fixture
def maker(library: Library) -> Iterator[SoundProcess]:
    maker = SoundProcess(library)
    yield maker
    maker.close()


def hang(connection: Connection, root: Path, episode_id: str) -> None:
    time.sleep(60)


def crash(connection: Connection, root: Path, episode_id: str) -> None:
    os._exit(3)


def be_slow(connection: Connection, root: Path, episode_id: str) -> None:
    (root / f"begun-{os.getpid()}").touch()
    time.sleep(0.5)
    connection.send(EpisodeSeeking(SHA, "aac"))


def failure(maker: SoundProcess, name: str = NAME) -> AudioError:
    problem = maker.seekable(name).exception(timeout=60)
    assert isinstance(problem, AudioError)
    return problem


def test_a_child_process_makes_the_copy(library: Library, maker: SoundProcess) -> None:
    found = maker.seekable(NAME).result(timeout=60)
    assert (found.sha256, found.codec, found.media_type) == (SHA, "aac", "audio/mp4")
    assert SeekableCopies(library).known(NAME, SHA) == found


def test_two_who_ask_at_once_get_one_copy(
    library: Library, maker: SoundProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sound_process, "make_seekable", be_slow)
    futures = []
    threads = [threading.Thread(target=lambda: futures.append(maker.seekable(NAME))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {future.result(timeout=60).codec for future in futures} == {"aac"}
    assert len(list(library.root.glob("begun-*"))) == 1


def test_two_services_make_one_copy(library: Library, maker: SoundProcess) -> None:
    other = SoundProcess(library)
    futures = [maker.seekable(NAME), other.seekable(NAME)]
    one, same = (future.result(timeout=60) for future in futures)
    other.close()
    assert one == same
    assert SeekableCopies(library).take()[0] == 1


def test_a_decoder_that_hangs_is_ended_and_not_tried_again(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_process, "make_seekable", hang)
    maker = SoundProcess(library, limit_s=1)
    assert failure(maker).code == "decoder_failed"
    assert "took more than 1 s" in str(failure(maker))
    maker.close()


def test_a_decoder_that_crashes_costs_its_episode_alone(maker: SoundProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(sound_process, "make_seekable", crash)
        assert (failure(maker, "show/two").code, "status 3" in str(failure(maker, "show/two"))) == (
            "decoder_failed",
            True,
        )
    assert maker.seekable(NAME).result(timeout=60).copy


def test_only_so_many_may_wait(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_process, "make_seekable", be_slow)
    maker = SoundProcess(library, waiting=1)
    first = maker.seekable(NAME)
    assert failure(maker, "show/two").code == "sound_busy"
    first.result(timeout=60)
    assert maker.seekable("show/two").result(timeout=60)
    maker.close()


def test_closing_ends_what_is_being_made(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_process, "make_seekable", hang)
    maker = SoundProcess(library)
    future, never = maker.seekable(NAME), maker.seekable("show/two")
    maker.close()
    assert isinstance(future.exception(), AudioError)
    assert never.cancelled()


def test_an_episode_without_audio_is_told(library: Library, maker: SoundProcess) -> None:
    library.save_record(Record(Episode("show/two", "Show", "Two")))
    assert failure(maker, "show/two").code == "no_audio"
