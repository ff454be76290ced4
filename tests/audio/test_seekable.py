"""A seekable copy has the same frames, and the decoder's own clock."""

import errno
import itertools
import os
import shutil
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.sounds import noise
from tests.support.speech import write_audio
from transcribe.audio import seekable
from transcribe.audio.decode import RATE, open_audio
from transcribe.audio.seekable import copy_frames, seeking_of, silent_frame
from transcribe.errors import AudioError, CannotWrite
from transcribe.library.episode import AudioFile
from transcribe.library.seekable_copy import SeekableCopies
from transcribe.library.store import Library

lame = pytest.mark.skipif(shutil.which("lame") is None, reason="there is no lame on this machine")
sox = pytest.mark.skipif(shutil.which("sox") is None, reason="there is no sox on this machine")
SOUND = np.concatenate([noise(3), noise(3) // 50, noise(3)])
NAME, SHA = "show/one", "a" * 64

Pcm = NDArray[np.int16]


@pytest.fixture(scope="module")
def wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "sound.wav"
    write_audio(SOUND, path)
    return path


@pytest.fixture
def vbr(wav: Path, tmp_path: Path) -> Path:
    return encoded(wav, tmp_path / "vbr.mp3", "-V", "4")


def encoded(wav: Path, path: Path, *options: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["lame", "--quiet", *options, wav, path], check=True)
    return path


def decoded(path: Path) -> Pcm:
    with open_audio(path) as recording:
        return np.concatenate(list(recording.blocks()))


def frames(path: Path) -> list[bytes]:
    with open_audio(path) as recording:
        return [bytes(packet) for packet in recording.packets() if packet.size]


def assert_same_sound(copy: Path, stored: Path) -> None:
    """To the sample, from the beginning to where the stored one ends; behind it, less than a frame."""
    heard, wanted = decoded(copy), decoded(stored)
    end = len(wanted) - RATE // 100  # the last milliseconds of a resampler's work
    assert np.array_equal(heard[:end], wanted[:end])
    assert len(wanted) <= len(heard) < len(wanted) + 1152


@lame
@pytest.mark.parametrize(
    "options",
    [["-V", "4"], ["-V", "4", "-t"], ["-b", "64"], ["--abr", "70"], ["-V", "6", "--resample", "22.05"], ["-V", "9"]],
)
def test_a_copy_of_mp3_sounds_the_same_to_the_sample(wav: Path, tmp_path: Path, options: list[str]) -> None:
    stored, copy = encoded(wav, tmp_path / "a.mp3", *options), tmp_path / "a.mp4"
    copy_frames(stored, copy, "mp4")
    assert_same_sound(copy, stored)


@lame
def test_no_frame_is_encoded_again(vbr: Path, tmp_path: Path) -> None:
    copy_frames(vbr, tmp_path / "a.mp4", "mp4")
    assert frames(tmp_path / "a.mp4") == frames(vbr)


def test_a_copy_of_bare_aac_sounds_the_same(tmp_path: Path) -> None:
    stored, copy = tmp_path / "a.aac", tmp_path / "a.mp4"
    write_audio(SOUND, stored)
    copy_frames(stored, copy, "mp4")
    assert_same_sound(copy, stored)


@sox
def test_a_copy_of_vorbis_sounds_the_same(wav: Path, tmp_path: Path) -> None:
    stored, copy = tmp_path / "a.ogg", tmp_path / "a.webm"
    subprocess.run(["sox", wav, stored], check=True)
    copy_frames(stored, copy, "webm")
    assert_same_sound(copy, stored)


@lame
def test_a_browser_has_the_index_before_the_sound(vbr: Path, tmp_path: Path) -> None:
    copy_frames(vbr, tmp_path / "a.mp4", "mp4")
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@lame
def test_where_frames_are_destroyed_the_copy_is_silent_and_later_sound_stays_in_place(
    wav: Path, tmp_path: Path
) -> None:
    stored, copy = encoded(wav, tmp_path / "a.mp3", "-V", "4", "-t"), tmp_path / "a.mp4"
    data = bytearray(stored.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    stored.write_bytes(data)
    copy_frames(stored, copy, "mp4")
    heard, wanted = decoded(copy), decoded(stored)
    assert abs(len(heard) - len(wanted)) < 0.026 * RATE
    with av.open(str(copy)) as container:  # its timestamps leave no hole longer than a frame
        times = [packet.pts * packet.time_base for packet in container.demux() if packet.pts is not None]
        assert max(later - at for at, later in itertools.pairwise(times)) < 0.052 * 2


@pytest.mark.parametrize(
    ("head", "rate", "samples"), [(b"\xff\xfb\x90\x64", 44_100, 1152), (b"\xff\xf3\x44\xc4", 24_000, 576)]
)
def test_a_silent_frame_is_decoded_to_silence(head: bytes, rate: int, samples: int) -> None:
    decoder = av.CodecContext.create("mp3float", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    for _ in range(3):
        (frame,) = decoder.decode(av.Packet(silent_frame(head, rate)))
        assert (frame.samples, frame.sample_rate) == (samples, rate)
        assert not frame.to_ndarray().any()


@lame
def test_a_file_that_changes_its_sample_rate_is_not_copied(wav: Path, tmp_path: Path) -> None:
    stored = encoded(wav, tmp_path / "a.mp3", "-V", "4", "--resample", "16")
    stored.write_bytes(stored.read_bytes() + encoded(wav, tmp_path / "b.mp3", "--resample", "44.1").read_bytes())
    with pytest.raises(AudioError, match=r"its sample rate changes at 9 s") as caught:
        copy_frames(stored, tmp_path / "copy" / "a.mp4", "mp4")
    assert caught.value.code == "mixed"
    assert list((tmp_path / "copy").iterdir()) == []


@lame
def test_a_full_disk_leaves_nothing_behind(vbr: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotWrite, match="No space left"):
        copy_frames(vbr, tmp_path / "copy" / "a.mp4", "mp4")
    assert list((tmp_path / "copy").iterdir()) == []


# What is found of an episode


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "library")


def stored(library: Library, path: Path, sha256: str = SHA) -> AudioFile:
    """The file, as the audio of the episode."""
    target = library.audio / f"{NAME}{path.suffix}"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, target)
    return AudioFile(target.relative_to(library.root).as_posix(), sha256, target.stat().st_size, "audio/mpeg")


@lame
def test_a_copy_is_made_once(library: Library, vbr: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audio, copies = stored(library, vbr), SeekableCopies(library)
    found = seeking_of(library, NAME, audio)
    assert (found.codec, found.media_type, found.lead_in_ms, found.failure) == ("mp3", "audio/mp4", 150, None)
    path = copies.path(NAME, found)
    assert path
    assert path.is_relative_to(library.state)
    assert path.stat().st_size == found.bytes == copies.take()[1]
    monkeypatch.setattr(seekable, "copy_frames", lambda *_: pytest.fail("made again"))
    assert seeking_of(library, NAME, audio) == found


@lame
def test_other_stored_bytes_have_a_copy_of_their_own_and_the_old_one_goes(library: Library, vbr: Path) -> None:
    copies = SeekableCopies(library)
    old = copies.path(NAME, seeking_of(library, NAME, stored(library, vbr)))
    audio = stored(library, vbr, "b" * 64)
    assert copies.known(NAME, audio.sha256) is None
    new = copies.path(NAME, seeking_of(library, NAME, audio))
    assert old
    assert new
    assert (old.exists(), new.exists(), copies.take()[0]) == (False, True, 1)


@lame
def test_a_copy_that_was_deleted_or_cut_is_made_again(library: Library, vbr: Path) -> None:
    audio, copies = stored(library, vbr), SeekableCopies(library)
    path = copies.path(NAME, seeking_of(library, NAME, audio))
    assert path
    path.write_bytes(path.read_bytes()[:1000])
    assert copies.known(NAME, SHA) is None
    path.unlink()
    assert seeking_of(library, NAME, audio).copy == path.name
    assert path.stat().st_size > 1000


@lame
def test_a_constant_rate_is_found_with_its_lead_in_and_no_copy(library: Library, wav: Path, tmp_path: Path) -> None:
    found = seeking_of(library, NAME, stored(library, encoded(wav, tmp_path / "a.mp3", "-b", "64")))
    assert (found.copy, found.lead_in_ms) == (None, 150)


def test_what_cannot_be_decoded_has_its_reason_in_what_is_found(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(b"no sound at all " * 99)
    found = seeking_of(library, NAME, stored(library, path))
    assert (found.copy, found.codec) == (None, "")
    assert "one.mp3" in str(found.failure)
    assert SeekableCopies(library).known(NAME, SHA) == found


def test_audio_that_is_not_there_is_told(library: Library) -> None:
    with pytest.raises(AudioError, match="not in the library") as caught:
        seeking_of(library, NAME, AudioFile("audio/show/one.mp3", SHA, 1, "audio/mpeg"))
    assert caught.value.code == "no_audio"
