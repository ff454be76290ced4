"""Whether a browser finds a moment in a file is judged by its frames."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.support.sounds import noise
from tests.support.speech import write_audio
from transcribe.audio.browser_seeking import copy_container
from transcribe.audio.decode import RATE, open_audio

lame = pytest.mark.skipif(shutil.which("lame") is None, reason="there is no lame on this machine")
SOUND = np.concatenate([noise(2), noise(2) // 50, noise(2)])  # so that a variable rate varies


@pytest.fixture(scope="module")
def wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "sound.wav"
    write_audio(SOUND, path)
    return path


def encoded(wav: Path, path: Path, *options: str) -> Path:
    subprocess.run(["lame", "--quiet", *options, wav, path], check=True)
    return path


def judged(path: Path) -> str | None:
    with open_audio(path) as recording:
        return copy_container(recording)


def claiming(path: Path, frames: int, size: int) -> Path:
    """The file with another count of frames and bytes in its header."""
    data = bytearray(path.read_bytes())
    at = max(data.find(b"Xing"), data.find(b"Info")) + 8
    data[at : at + 8] = frames.to_bytes(4, "big") + size.to_bytes(4, "big")
    path.write_bytes(data)
    return path


@lame
@pytest.mark.parametrize("options", [["-V", "4"], ["-V", "4", "-t"], ["--abr", "70"]])
def test_frames_of_several_sizes_need_a_copy_with_a_header_or_without(
    wav: Path, tmp_path: Path, options: list[str]
) -> None:
    assert judged(encoded(wav, tmp_path / "a.mp3", *options)) == "mp4"


@lame
@pytest.mark.parametrize("options", [["-b", "64"], ["-b", "64", "-t"], ["-b", "64", "--resample", "22.05"]])
def test_frames_of_one_size_need_none(wav: Path, tmp_path: Path, options: list[str]) -> None:
    assert judged(encoded(wav, tmp_path / "a.mp3", *options)) is None


@lame
def test_a_variable_rate_is_seen_behind_a_header_that_says_constant(wav: Path, tmp_path: Path) -> None:
    path = encoded(wav, tmp_path / "a.mp3", "-V", "4")
    path.write_bytes(path.read_bytes().replace(b"Xing", b"Info"))
    assert judged(path) == "mp4"


@lame
def test_a_header_that_says_variable_needs_no_copy_where_all_frames_are_alike(wav: Path, tmp_path: Path) -> None:
    path = encoded(wav, tmp_path / "a.mp3", "-b", "64")
    path.write_bytes(path.read_bytes().replace(b"Info", b"Xing"))
    assert judged(path) is None


@lame
@pytest.mark.parametrize(("frames", "size"), [(1000, 0), (0, 1 << 20)])
def test_a_header_that_tells_of_another_length_needs_a_copy(wav: Path, tmp_path: Path, frames: int, size: int) -> None:
    path = encoded(wav, tmp_path / "a.mp3", "-b", "64")
    assert judged(claiming(path, frames, size)) == "mp4"


@lame
def test_two_recordings_joined_need_a_copy_though_each_has_a_constant_rate(wav: Path, tmp_path: Path) -> None:
    one, other = encoded(wav, tmp_path / "a.mp3", "-b", "64"), encoded(wav, tmp_path / "b.mp3", "-b", "128")
    both = tmp_path / "both.mp3"
    both.write_bytes(one.read_bytes() + other.read_bytes())
    assert judged(both) == "mp4"
    both.write_bytes(one.read_bytes() + one.read_bytes())  # whose header tells of the first alone
    assert judged(both) == "mp4"


@lame
def test_a_tag_between_frames_needs_a_copy(wav: Path, tmp_path: Path) -> None:
    path = encoded(wav, tmp_path / "a.mp3", "-b", "64", "-t")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + b"ID3\3\0\0\0\0\x20\0" + bytes(4096) + data[len(data) // 2 :])
    assert judged(path) == "mp4"


@lame
def test_tags_before_and_after_all_frames_do_not_matter(wav: Path, tmp_path: Path) -> None:
    path = encoded(wav, tmp_path / "a.mp3", "-b", "64")
    path.write_bytes(b"ID3\3\0\0\0\0\x20\0" + bytes(4096) + path.read_bytes() + b"TAG" + bytes(125))
    assert judged(path) is None


@pytest.mark.parametrize(
    ("suffix", "container"), [(".wav", None), (".flac", None), (".m4a", None), (".opus", None), (".aac", "mp4")]
)
def test_other_files_are_judged_by_their_container(tmp_path: Path, suffix: str, container: str | None) -> None:
    path = tmp_path / f"sound{suffix}"
    write_audio(SOUND, path)
    assert judged(path) == container


def test_the_name_of_a_file_says_nothing(wav: Path, tmp_path: Path) -> None:
    shutil.copy(wav, tmp_path / "sound.mp3")
    assert judged(tmp_path / "sound.mp3") is None
    assert len(SOUND) == 6 * RATE
