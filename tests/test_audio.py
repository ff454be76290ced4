"""Decoding, with real files of every format: where sound lies on the clock, and what is refused."""

import itertools
import os
import struct
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_httpserver import HTTPServer

from speech import write_audio
from transcribe.audio import CONTAINERS, RATE, clip, open_audio, segment
from transcribe.errors import AudioError

Pcm = NDArray[np.int16]

SECONDS = 6
AMPLITUDE = 20_000


def clicks(seconds: int = SECONDS) -> Pcm:
    """Twelve milliseconds of a 2 kHz tone at every full second but the first."""
    sound = np.zeros(seconds * RATE, np.int16)
    click = AMPLITUDE * np.sin(2 * np.pi * 2000 * np.arange(192) / RATE)
    for second in range(1, seconds):
        sound[second * RATE : second * RATE + len(click)] = click
    return sound


def onsets(sound: Pcm) -> list[int]:
    """Milliseconds at which clicks begin."""
    loud = np.flatnonzero(np.abs(sound.astype(int)) > AMPLITUDE / 3)
    first = np.concatenate([[True], np.diff(loud) > RATE // 4]) if len(loud) else np.zeros(0, bool)
    return [round(at * 1000 / RATE) for at in loud[first]]


def decoded(path: Path) -> Pcm:
    with open_audio(path) as recording:
        return np.concatenate(list(recording.blocks()))


def refusal(path: Path) -> str:
    with pytest.raises(AudioError) as caught:
        decoded(path)
    assert path.name in str(caught.value)
    return caught.value.code


def write_video(path: Path, sound: Pcm | None, later_s: float = 0.0) -> None:
    """Half a dozen seconds of black, with sound that begins later, or without any."""
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("mpeg4", rate=5)
        pictures.width = pictures.height = 64
        pictures.pix_fmt = "yuv420p"
        tone = None if sound is None else container.add_stream("aac", rate=RATE, layout="mono")
        for number in range(SECONDS * 5):
            picture = av.VideoFrame(64, 64, "yuv420p")
            picture.pts = number
            container.mux(pictures.encode(picture))
        container.mux(pictures.encode(None))
        if tone is not None and sound is not None:
            for start in range(0, len(sound), 1024):
                frame = av.AudioFrame.from_ndarray(
                    (sound[np.newaxis, start : start + 1024] / 32768).astype(np.float32), "fltp", "mono"
                )
                frame.sample_rate, frame.pts = RATE, start + round(later_s * RATE)
                container.mux(tone.encode(frame))
            container.mux(tone.encode(None))


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".m4a", ".ogg", ".opus"])
def test_sound_lies_where_a_browser_plays_it_whatever_the_encoder_put_before(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clicks{suffix}"
    write_audio(clicks(), path)
    assert onsets(decoded(path)) == pytest.approx([1000, 2000, 3000, 4000, 5000], abs=1)


def test_duration_is_known_once_all_is_read(tmp_path: Path) -> None:
    path = tmp_path / "clicks.flac"
    write_audio(clicks(), path)
    with open_audio(path) as recording:
        assert (recording.declared_ms, recording.duration_ms) == (6000, 0)
        blocks = list(recording.blocks())
        assert recording.duration_ms == sum(map(len, blocks)) * 1000 // RATE == 6000
    assert {(block.dtype, block.ndim) for block in blocks} == {(np.dtype(np.int16), 1)}
    assert max(map(len, blocks)) <= RATE


def test_stereo_at_another_rate_becomes_mono_at_ours(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    left = np.full(44_100, 8000, np.int16)
    interleaved = np.stack([left, np.zeros_like(left)], axis=1).reshape(1, -1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=44_100, layout="stereo")
        frame = av.AudioFrame.from_ndarray(interleaved, "s16", "stereo")
        frame.sample_rate = 44_100
        container.mux(stream.encode(frame))
    sound = decoded(path)
    assert len(sound) == RATE
    assert np.median(sound) == pytest.approx(4000, abs=2)


# Fault 19


def with_unknown_codec() -> bytes:
    pcm = bytes(3200)
    form = struct.pack("<IHHIIHH", 16, 0x9999, 1, RATE, 2 * RATE, 2, 16)
    return b"RIFF" + struct.pack("<I", 36 + len(pcm)) + b"WAVEfmt " + form + b"data" + struct.pack("<I", 3200) + pcm


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(np.random.default_rng(2).bytes(100_000), id="random"),
        pytest.param(np.random.default_rng(1).bytes(100_000), id="random, like mp3 at its start"),
        pytest.param(b"<!DOCTYPE html><html><body>" + b"<p>Not found</p>" * 999, id="html"),
        pytest.param(with_unknown_codec(), id="unknown codec"),
        pytest.param(b"ID3\x04\x00\x00\x00\x00\x00\x00" + bytes(5000), id="tag alone"),
    ],
)
def test_what_holds_no_sound_is_undecodable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "episode.mp3"
    path.write_bytes(content)
    assert refusal(path) == "undecodable"


# Fault 20


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n",
        "\ufeff#EXTM3U\n{}\n",
        "ffconcat version 1.0\nfile '{}'\n",
        "[playlist]\nFile1={}\nNumberOfEntries=1\n",
        '<?xml version="1.0"?>\n<playlist><location>{}</location></playlist>',
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 5004 RTP/AVP 0\r\n; {}",
    ],
    ids=["hls", "m3u", "ffconcat", "pls", "xspf", "sdp"],
)
def test_a_playlist_is_refused_and_nothing_it_names_is_opened(
    tmp_path: Path, httpserver: HTTPServer, playlist: str
) -> None:
    pipe = tmp_path / "secret.wav"  # what is once read from a pipe is gone
    os.mkfifo(pipe)
    handle = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        os.write(handle, b"RIFF and so on")
        for named in (pipe.name, str(pipe), httpserver.url_for("/secret.wav")):
            path = tmp_path / "episode.mp3"
            path.write_text(playlist.format(named))
            assert refusal(path) == "playlist"
        assert os.read(handle, 100) == b"RIFF and so on"
        assert httpserver.log == []
    finally:
        os.close(handle)


def test_a_playlist_that_is_not_known_for_one_is_refused_by_its_format(tmp_path: Path) -> None:
    write_audio(clicks(1), tmp_path / "secret.wav")
    path = tmp_path / "episode.mp3"
    path.write_text("# a comment first, which libav passes over\nffconcat version 1.0\nfile secret.wav\n")
    assert refusal(path) == "undecodable"
    assert not {"hls", "concat", "dash", "sdp", "rtsp", "image2", "lavfi"} & set(CONTAINERS.split(","))


# Fault 21


@pytest.mark.parametrize("name", [b"-i.mp3", b"http:x.mp3", b"concat:a|b", b"pipe:0", b"%03d.mp3", b"\xff\xfe.mp3"])
def test_a_file_may_be_called_anything(tmp_path: Path, name: bytes) -> None:
    plain = tmp_path / "plain.mp3"
    write_audio(clicks(2), plain)
    odd = tmp_path / os.fsdecode(name)
    try:
        plain.rename(odd)
    except OSError:
        pytest.skip("this file system refuses the name")
    assert onsets(decoded(odd)) == [1000]


# Fault 23


def test_of_a_video_the_sound_alone_is_taken_and_keeps_its_place(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    write_video(path, clicks(3), later_s=0.5)
    assert onsets(decoded(path)) == pytest.approx([1500, 2500], abs=2)


def test_a_video_without_sound_has_no_audio(tmp_path: Path) -> None:
    path = tmp_path / "silent.mp4"
    write_video(path, None)
    assert refusal(path) == "no_audio"


def test_damage_in_the_middle_does_not_move_what_comes_after(tmp_path: Path) -> None:
    path = tmp_path / "clicks.ogg"
    write_audio(clicks(20), path)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = np.random.default_rng(2).bytes(200)
    path.write_bytes(content)
    found = onsets(decoded(path))
    assert len(found) < 19
    assert {1000, 2000, 3000, 17_000, 18_000, 19_000} <= {round(at, -1) for at in found}


def test_undecodable_packets_are_passed_over_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "clicks.mp3"
    write_audio(clicks(10), path)
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + np.random.default_rng(1).bytes(20_000) + content[middle:])
    with open_audio(path) as recording:
        sound = np.concatenate(list(recording.blocks()))
    assert recording.damaged > 0
    assert len(sound) == pytest.approx(10 * RATE, rel=0.05)


@pytest.mark.parametrize("suffix", [".ogg", ".mp3"])
def test_files_joined_end_to_end_are_heard_to_their_end(tmp_path: Path, suffix: str) -> None:
    """As hosts insert advertisements. The second one's timestamps may start anew."""
    one, both = tmp_path / f"one{suffix}", tmp_path / f"both{suffix}"
    write_audio(clicks(3), one)
    both.write_bytes(one.read_bytes() * 2)
    found = onsets(decoded(both))
    assert found[:2] == pytest.approx([1000, 2000], abs=1)
    assert found[2:] == pytest.approx([4000, 5000], abs=150)


def test_a_change_of_rate_in_mid_file_keeps_the_pitch(tmp_path: Path) -> None:
    whole = b""
    for rate in (44_100, 22_050):
        path = tmp_path / f"{rate}.mp3"
        tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate)).astype(np.int16)
        with av.open(str(path), "w", options={"write_xing": "0", "id3v2_version": "0"}) as container:
            stream = container.add_stream("libmp3lame", rate=rate, layout="mono")
            frame = av.AudioFrame.from_ndarray(tone[np.newaxis], "s16p", "mono")
            frame.sample_rate = rate
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        whole += path.read_bytes()
    path = tmp_path / "both.mp3"
    path.write_bytes(whole)
    sound = decoded(path)
    assert len(sound) == pytest.approx(4 * RATE, rel=0.08)
    for second in (1, 3):
        spectrum = np.abs(np.fft.rfft(sound[second * RATE - RATE // 4 : second * RATE + RATE // 4]))
        assert int(spectrum.argmax()) * 2 == pytest.approx(440, abs=4)  # half a second: bins of 2 Hz


def test_reading_takes_no_more_than_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "long.mp3"
    write_audio(np.tile(clicks(), 50), path)
    with open_audio(path) as recording:
        list(itertools.islice(recording.blocks(), 20))
        assert recording.duration_ms < 2000


def test_a_clip_is_cut_to_the_millisecond_and_faded(tmp_path: Path) -> None:
    path = tmp_path / "clicks.mp3"
    write_audio(clicks(), path)
    cut = clip(path, 2900, 4100)
    assert (len(cut), cut.frame_rate, cut.channels) == (1200, RATE, 1)
    assert onsets(np.array(cut.get_array_of_samples(), np.int16)) == pytest.approx([100, 1100], abs=1)
    at_edge = np.abs(np.array(clip(path, 3000, 3012).get_array_of_samples(), int))
    assert at_edge[:8].max() < AMPLITUDE / 8 < at_edge.max()


def test_a_clip_ends_where_the_file_does(tmp_path: Path) -> None:
    path = tmp_path / "clicks.wav"
    write_audio(clicks(3), path)
    assert len(clip(path, 2500, 9000)) == 500
    assert len(clip(path, 5000, 9000)) == 0


def test_a_segment_goes_out_as_wav_and_comes_back_the_same(tmp_path: Path) -> None:
    sound = clicks(2)
    path = tmp_path / "out.wav"
    segment(sound).export(path, format="wav").close()
    assert np.array_equal(decoded(path), sound)
