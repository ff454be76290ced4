"""What a file says of its own length. How that is held against what decodes is tested in test_audio.py."""

import struct
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest

from tests.support.speech import write_audio
from transcribe.audio.decode import RATE
from transcribe.audio.stated_duration import breaks_off, stated_ms

SOUND = np.random.default_rng(0).normal(0, 3000, 5 * RATE).astype(np.int16)


def stated(path: Path, content: bytes | None = None) -> int | None:
    if content is not None:
        path.write_bytes(content)
    with path.open("rb") as file, av.open(str(path)) as container:
        packet = next(container.demux(audio=0))
        return stated_ms(file, container, packet.pos or 0)


@pytest.fixture
def mp3(tmp_path: Path) -> Path:
    path = tmp_path / "sound.mp3"
    write_audio(SOUND, path, {"title": "With a tag before it"})
    return path


@pytest.mark.parametrize("suffix", [".mp3", ".wav", ".flac", ".m4a"])
def test_a_whole_file_states_its_length(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sound{suffix}"
    write_audio(SOUND, path)
    assert stated(path) == pytest.approx(5000, abs=80)  # an mp3 counts what its encoder puts before and after


def test_an_mp3_states_the_number_of_its_frames_whatever_the_header_is_called(mp3: Path) -> None:
    content = mp3.read_bytes()
    at = content.index(b"Info")
    assert stated(mp3, content[:at] + b"Xing" + content[at + 4 :]) == stated(mp3, content)
    frames = struct.pack(">I", 1000)
    assert stated(mp3, content[: at + 8] + frames + content[at + 12 :]) == 24_000  # of 24 ms each


def test_so_does_one_from_the_encoder_of_fraunhofer(mp3: Path) -> None:
    content = mp3.read_bytes()
    header = content.rindex(b"\xff", 0, content.index(b"Info"))
    vbri = struct.pack(">4sHHHII", b"VBRI", 1, 0, 0, 12_345, 500)  # 36 bytes behind the start of its frame
    changed = content[: header + 36] + vbri + content[header + 36 + len(vbri) :]
    assert stated(mp3, changed.replace(b"Info", bytes(4), 1)) == 12_000


def test_an_mp3_whose_header_counts_no_frames_states_nothing(mp3: Path) -> None:
    content = bytearray(mp3.read_bytes())
    content[content.index(b"Info") + 7] &= ~1
    assert stated(mp3, bytes(content)) is None


@pytest.mark.parametrize("frames", [0, 0xFFFF_FFFF])
def test_a_length_that_cannot_be_is_none(mp3: Path, frames: int) -> None:
    content = mp3.read_bytes()
    at = content.index(b"Info") + 8
    assert stated(mp3, content[:at] + struct.pack(">I", frames) + content[at + 4 :]) is None


def test_the_sound_of_a_wav_may_come_after_other_chunks(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    write_audio(SOUND, path)
    content = path.read_bytes()
    at = content.index(b"data")
    assert stated(path, content[:at] + b"junk" + struct.pack("<I", 3) + b"odd\0" + content[at:]) == 5000


def test_an_ogg_file_breaks_off_without_a_whole_last_page(tmp_path: Path) -> None:
    path = tmp_path / "sound.ogg"
    write_audio(SOUND, path)
    content = path.read_bytes()
    last = content.rindex(b"OggS")
    assert not breaks_off(BytesIO(content))
    assert not breaks_off(BytesIO(content + bytes(1000)))
    for end in (last, last + 1, last + 27, last + 40, len(content) - 1):
        assert breaks_off(BytesIO(content[:end]))
    assert not breaks_off(BytesIO(b"no page in it"))
