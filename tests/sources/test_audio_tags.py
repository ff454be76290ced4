# mypy: disable-error-code="no-untyped-call"
# (mutagen has no types)

import random
from pathlib import Path
from typing import Any

import av
import mutagen
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutagen.id3 import COMM, ID3, TALB, TDRC, TIT2, TPE1, Frame
from mutagen.wave import WAVE

from transcribe.sources.audio_tags import Tags, full_date, read_tags

FORMATS = {"mp3": "libmp3lame", "m4a": "aac", "ogg": "libopus", "opus": "libopus", "flac": "flac"}


def silence(path: Path, codec: str = "pcm_s16le") -> Path:
    """A fifth of a second of it, in the format that the path's suffix names."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=48000)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        resampler = av.AudioResampler(stream.format, "mono", 48000, frame_size=stream.frame_size or 1024)
        frame = av.AudioFrame(format="s16", layout="mono", samples=9600)
        frame.sample_rate = 48000
        for ready in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(ready))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("suffix", FORMATS)
def test_title_album_and_date_are_read_from_every_format(tmp_path: Path, suffix: str) -> None:
    path = silence(tmp_path / f"a.{suffix}", FORMATS[suffix])
    file = mutagen.File(path, easy=True)
    if file.tags is None:
        file.add_tags()
    file.update({"title": "The Talk", "album": "Some Show", "artist": "Somebody", "date": "2026-11-22"})
    file.save()
    tags = read_tags(path)
    assert (tags.title, tags.show, tags.published) == ("The Talk", "Some Show", "2026-11-22")


def tagged_wav(path: Path, *frames: Frame) -> Path:
    file: Any = WAVE(silence(path))
    file.add_tags()
    for frame in frames:
        file.tags.add(frame)
    file.save()
    return path


def test_a_wav_file_has_id3_tags_and_the_comment_for_nothing_in_particular_describes_it(tmp_path: Path) -> None:
    noise, comment = COMM(lang="eng", desc="iTunNORM", text="00000A2C"), COMM(lang="eng", text="About  commons.\n")
    path = tagged_wav(tmp_path / "a.wav", TIT2(text="The\x00Talk"), TDRC(text="2026-11-22 10:30"), noise, comment)
    assert read_tags(path) == Tags("The", None, "2026-11-22T10:30:00", "About commons.")


def test_the_artist_stands_in_for_a_missing_album(tmp_path: Path) -> None:
    path = silence(tmp_path / "a.mp3", "libmp3lame")
    tags = ID3(path)
    tags.add(TPE1(text="Somebody"))
    tags.add(TALB(text=" "))
    tags.save()
    assert read_tags(path).show == "Somebody"


def test_a_file_without_tags_has_none(tmp_path: Path) -> None:
    assert read_tags(silence(tmp_path / "a.wav")) == Tags()


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"\x00" * 5000, b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f", b"OggS", b"RIFF"]
)
def test_a_file_that_is_no_audio_has_no_tags(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(content)
    assert read_tags(path) == Tags()


def test_a_missing_file_has_no_tags(tmp_path: Path) -> None:
    assert read_tags(tmp_path / "gone.mp3") == Tags()


def test_damaged_files_never_raise(tmp_path: Path) -> None:
    whole = [silence(tmp_path / f"whole.{suffix}", codec).read_bytes() for suffix, codec in FORMATS.items()]
    path, chance = tmp_path / "damaged", random.Random(7)
    for _ in range(400):
        data = bytearray(chance.choice(whole))
        for _ in range(chance.choice((1, 20))):
            data[chance.randrange(min(len(data), 400))] = chance.randrange(256)
        path.write_bytes(data[: chance.randrange(len(data))])
        assert isinstance(read_tags(path), Tags)


# Fault 21.
@pytest.mark.parametrize("name", ["http:x.wav", "-i.wav", "pipe:0", "concat:a|b"])
def test_odd_names_are_plain_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    tagged_wav(tmp_path / "a.wav", TIT2(text="Odd")).rename(name)
    assert read_tags(Path(name)).title == "Odd"


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2026-11-22", "2026-11-22"),
        ("2026-11-22 18:00", "2026-11-22T18:00:00"),
        ("2026-11-22T18:00:00Z", "2026-11-22T18:00:00Z"),
        ("2026-11-22T18:00:00+02:00", "2026-11-22T18:00:00+02:00"),
        ("2026", None),
        ("2026-11", None),
        ("2026-02-30", None),
        ("0000-01-01", None),
        ("20261122", None),
        ("2026-11-22-talk", None),
        ("", None),
    ],
)
def test_only_a_full_date_is_a_date(text: str, date: str | None) -> None:
    assert full_date(text) == date


@given(st.datetimes())
def test_every_moment_written_in_iso_8601_stays_as_it_is(moment: object) -> None:
    assert full_date(str(moment).replace(" ", "T")) == str(moment).replace(" ", "T")
