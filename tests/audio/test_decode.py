"""Decoding, with real files of every format: where sound lies on the clock, and what is refused."""

import itertools
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_httpserver import HTTPServer

from tests.support.speech import write_audio
from transcribe.audio.decode import CONTAINERS, RATE, open_audio, segment
from transcribe.errors import AudioError
from transcribe.library.transcript import Damage

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


def noisy(seconds: int) -> Pcm:
    """Clicks above a little noise, so that no second takes fewer bytes than another."""
    noise = np.random.default_rng(0).normal(0, 300, seconds * RATE)
    return clicks(seconds) + noise.astype(np.int16)


def write(sound: Pcm, path: Path, options: dict[str, str] | None = None) -> None:
    """Containers and options that `write_audio` has not."""
    if options is None and path.suffix not in (".webm", ".m4a"):
        write_audio(sound, path)
        return
    codecs = {".mp3": "libmp3lame", ".webm": "libopus", ".m4a": "aac", ".mp4": "aac", ".aac": "aac"}
    with av.open(
        str(path), "w", options={"movflags": "faststart"} if path.suffix == ".m4a" else options or {}
    ) as container:
        stream = container.add_stream(codecs[path.suffix], rate=48_000, layout="mono")
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = 64_000
        whole = av.AudioFrame.from_ndarray(sound[np.newaxis], "s16", "mono")
        whole.sample_rate, whole.pts = RATE, 0
        resampler = av.AudioResampler(stream.format, "mono", stream.rate)
        for frame in (*resampler.resample(whole), *resampler.resample(None), None):
            container.mux(stream.encode(frame))


def damage(path: Path) -> Damage | None:
    with open_audio(path) as recording:
        list(recording.blocks())
        return recording.damage()


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


def stereo(path: Path, left: NDArray[np.int16], right: NDArray[np.int16]) -> NDArray[np.int16]:
    """What is decoded of a file with these two channels, of 44,100 samples a second."""
    interleaved = np.stack([left, right], axis=1).reshape(1, -1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=44_100, layout="stereo")
        frame = av.AudioFrame.from_ndarray(interleaved, "s16", "stereo")
        frame.sample_rate = 44_100
        container.mux(stream.encode(frame))
    return decoded(path)


def test_stereo_at_another_rate_becomes_mono_at_ours(tmp_path: Path) -> None:
    left = np.full(44_100, 8000, np.int16)
    sound = stereo(tmp_path / "stereo.wav", left, np.zeros_like(left))
    assert len(sound) == RATE
    assert np.median(sound) == pytest.approx(4000, abs=2)


@pytest.mark.parametrize("share", [-1, -0.8, -0.99])
def test_of_channels_that_cancel_each_other_out_the_louder_is_heard(tmp_path: Path, share: float) -> None:
    left = (8000 * np.sin(np.arange(44_100) / 10)).astype(np.int16)
    sound = stereo(tmp_path / "stereo.wav", left, (share * left).astype(np.int16))
    assert len(sound) == RATE
    assert sound.std() == pytest.approx(left.std(), rel=0.02)


# Fault 19


def with_unknown_codec() -> bytes:
    pcm = bytes(3200)
    form = struct.pack("<IHHIIHH", 16, 0x9999, 1, RATE, 2 * RATE, 2, 16)
    return b"RIFF" + struct.pack("<I", 36 + len(pcm)) + b"WAVEfmt " + form + b"data" + struct.pack("<I", 3200) + pcm


def with_impossible_rate() -> bytes:
    pcm = bytes(3200)
    form = struct.pack("<IHHIIHH", 16, 1, 1, 0x7F00_0000, 2 * RATE, 2, 16)
    return b"RIFF" + struct.pack("<I", 36 + len(pcm)) + b"WAVEfmt " + form + b"data" + struct.pack("<I", 3200) + pcm


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(np.random.default_rng(2).bytes(100_000), id="random"),
        pytest.param(np.random.default_rng(1).bytes(100_000), id="random, like mp3 at its start"),
        pytest.param(b"<!DOCTYPE html><html><body>" + b"<p>Not found</p>" * 999, id="html"),
        pytest.param(with_unknown_codec(), id="unknown codec"),
        pytest.param(with_impossible_rate(), id="impossible rate"),
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


# Fault 17


@pytest.mark.parametrize("suffix", [".mp3", ".ogg", ".opus", ".wav", ".flac", ".m4a", ".webm"])
def test_a_file_cut_in_half_is_truncated_and_a_whole_one_is_not(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"talk{suffix}"
    write(noisy(10), path)
    assert damage(path) is None
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = damage(path)
    assert found is not None
    assert (found.truncated, found.missing) == (True, ())
    stated = None if suffix in (".ogg", ".opus") else pytest.approx(10_000, abs=100)
    assert found.declared_ms == stated


def test_what_is_cut_off_an_ogg_file_is_noticed_wherever_it_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "talk.ogg"
    write(noisy(5), path)
    content = path.read_bytes()
    pages = [page.start() for page in re.finditer(b"OggS", content)]
    for end in (pages[-1], pages[-1] + 5, pages[-1] + 28, pages[-2] + 500, len(content) - 1):
        path.write_bytes(content[:end])
        found = damage(path)
        assert found
        assert found.truncated
    path.write_bytes(content + b"TAG" + bytes(125))
    assert damage(path) is None


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("plain.mp3", {"write_xing": "0"}),
        ("live.webm", {"live": "1"}),
        ("bare.aac", {}),
    ],
)
def test_a_file_that_does_not_state_its_length_is_not_called_truncated(
    tmp_path: Path, name: str, options: dict[str, str]
) -> None:
    """A recorder that was switched off leaves the same; and what libav estimates from a bit rate may be anything."""
    path = tmp_path / name
    write(np.concatenate([noisy(5), np.zeros(5 * RATE, np.int16)]), path, options)
    assert damage(path) is None
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert damage(path) is None


@pytest.mark.parametrize("size", [0, 0x7FFF_F000, 0xFFFF_FFFF])
def test_a_wav_from_a_pipe_is_whole(tmp_path: Path, size: int) -> None:
    path = tmp_path / "piped.wav"
    write(noisy(3), path)
    content = path.read_bytes()
    at = content.index(b"data") + 4
    path.write_bytes(content[:at] + struct.pack("<I", size) + content[at + 4 :])
    assert damage(path) is None


def test_pictures_that_go_on_for_longer_do_not_make_the_sound_truncated(tmp_path: Path) -> None:
    for name in ("talk.mp4", "talk.mkv"):
        write_video(tmp_path / name, clicks(3))
        assert damage(tmp_path / name) is None


def test_sound_that_begins_later_than_its_pictures_misses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    write_video(path, clicks(3), later_s=0.5)
    assert damage(path) is None


# Fault 18


@pytest.mark.parametrize("suffix", [".mp3", ".ogg", ".opus", ".flac", ".m4a", ".webm"])
@pytest.mark.parametrize("kind", ["noise", "zeros"])
def test_damage_in_the_middle_is_recorded_and_does_not_move_what_comes_after(
    tmp_path: Path, suffix: str, kind: str
) -> None:
    path = tmp_path / f"clicks{suffix}"
    write(noisy(20), path)
    content = bytearray(path.read_bytes())
    begin, end = len(content) * 8 // 20, len(content) * 11 // 20
    content[begin:end] = np.random.default_rng(3).bytes(end - begin) if kind == "noise" else bytes(end - begin)
    path.write_bytes(content)
    with open_audio(path) as recording:
        sound = np.concatenate(list(recording.blocks()))
        found = recording.damage()
    assert found
    assert not found.truncated
    assert found.missing[0][0] < 10_000 < found.missing[-1][1]
    assert 2500 < sum(end - start for start, end in found.missing) < 8000  # webm loses a cluster of five seconds
    assert recording.duration_ms == pytest.approx(20_000, abs=50)
    heard = [at for at in onsets(sound) if not any(start - 30 < at < end + 30 for start, end in found.missing)]
    assert len(heard) >= 11
    assert heard == pytest.approx([round(at, -3) for at in heard], abs=50)
    assert heard[-1] > 18_900


def test_a_lost_packet_is_not_worth_a_word(tmp_path: Path) -> None:
    path = tmp_path / "clicks.m4a"
    write(noisy(5), path, {"movflags": "faststart"})
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 20] = b"\xff" * 20
    path.write_bytes(content)
    with open_audio(path) as recording:
        assert sum(map(len, recording.blocks())) == pytest.approx(5 * RATE, abs=RATE // 20)
        assert recording.damaged + len(recording.missing) <= 2
        assert recording.damage() is None


def test_bytes_taken_out_of_an_mp3_are_missed_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "clicks.mp3"
    write(noisy(10), path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + content[len(content) * 6 // 10 :])
    found = damage(path)
    assert found
    assert found.truncated
    assert found.declared_ms == pytest.approx(10_000, abs=100)


def test_a_tag_in_mid_file_is_no_damage(tmp_path: Path) -> None:
    """With a cover picture, at the start of an episode to which a host has joined an advertisement."""
    one, both = tmp_path / "one.mp3", tmp_path / "both.mp3"
    write(noisy(3), one)
    picture = np.random.default_rng(4).bytes(40_000)
    tag = b"ID3\x04\0\0" + bytes([0, 2, 0x38, 0x40]) + picture
    assert 2 << 14 | 0x38 << 7 | 0x40 == 40_000
    both.write_bytes(one.read_bytes() + tag + one.read_bytes())
    with open_audio(both) as recording:
        found = onsets(np.concatenate(list(recording.blocks())))
    assert found[:2] == pytest.approx([1000, 2000], abs=1)
    assert found[-1] == pytest.approx(5000, abs=300)
    assert sum(end - start for start, end in recording.missing) < 150


def test_a_fragmented_file_that_cannot_be_followed_any_further_is_truncated(tmp_path: Path) -> None:
    path = tmp_path / "pieces.mp4"
    write(noisy(10), path, {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "1000000"})
    assert damage(path) is None
    content = bytearray(path.read_bytes())
    content[40_000:50_000] = np.random.default_rng(3).bytes(10_000)
    path.write_bytes(content)
    found = damage(path)
    assert found
    assert found.truncated


# Fault 22


def test_a_file_longer_than_the_cap_is_heard_to_the_cap_and_called_truncated(tmp_path: Path) -> None:
    path = tmp_path / "clicks.flac"
    write(noisy(10), path)
    with open_audio(path, longest_ms=4321) as recording:
        assert sum(map(len, recording.blocks())) == 4321 * RATE // 1000
    assert recording.duration_ms == 4321
    with open_audio(path, longest_ms=4321) as recording:
        list(recording.blocks())
        assert recording.damage() == Damage(truncated=True, declared_ms=10_000)


HEAR = """
import sys
from pathlib import Path
from transcribe.audio.decode import open_audio
with open_audio(Path(sys.argv[1])) as recording:
    for block in recording.blocks():
        pass
    memory = next(line.split()[1] for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))
    print(recording.duration_ms, recording.damage().truncated, memory)  # ru_maxrss would count its parent's
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a process's own peak of memory is known on Linux alone")
def test_a_hundred_hours_of_silence_stop_at_twelve_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "silence.flac"
    hours_of_silence(path, 100)
    assert path.stat().st_size < 60_000_000
    ended = subprocess.run([sys.executable, "-c", HEAR, path], capture_output=True, text=True, check=True, timeout=300)
    duration, truncated, kilobytes = ended.stdout.split()
    assert (duration, truncated) == ("43200000", "True")
    assert int(kilobytes) < 300_000


def hours_of_silence(path: Path, hours: int) -> None:
    """One frame of flac, a second of silence in eleven bytes, again and again."""
    samples = 16_384
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=RATE, layout="mono", options={"frame_size": str(samples)})
        frame = av.AudioFrame.from_ndarray(np.zeros((1, samples), np.int16), "s16", "mono")
        frame.sample_rate = RATE
        packet, *rest = [*stream.encode(frame), *stream.encode(None)]
        container.mux([packet, *rest])
    content, second = path.read_bytes(), bytes(packet)
    path.write_bytes(content[: content.rindex(second)] + second * (hours * 3600 * RATE // samples))


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


def test_a_segment_goes_out_as_wav_and_comes_back_the_same(tmp_path: Path) -> None:
    sound = clicks(2)
    path = tmp_path / "out.wav"
    segment(sound).export(path, format="wav").close()
    assert np.array_equal(decoded(path), sound)
