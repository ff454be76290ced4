"""What kind of file something is."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.web.media_types import (
    AUDIO_SUFFIXES,
    HEAD_BYTES,
    MEDIA_TYPES,
    audio_suffix,
    is_audio_type,
    is_text,
    media_type,
    sniffed,
    suffix_of_type,
    type_of_file,
)

HEADS = {
    ".mp3": [b"ID3\x03\x00", b"\xff\xfb\x90\x00", b"\xff\xf3\x40\xc0", b"\xff\xfd\x90\x00"],
    ".aac": [b"\xff\xf1\x50\x80", b"\xff\xf9\x50\x80"],
    ".ogg": [b"OggS\x00\x02" + bytes(22) + b"\x01vorbis"],
    ".opus": [b"OggS\x00\x02" + bytes(22) + b"OpusHead"],
    ".flac": [b"fLaC\x00"],
    ".wav": [b"RIFF\x00\x00\x00\x00WAVEfmt ", b"RF64\xff\xff\xff\xffWAVE"],
    ".aiff": [b"FORM\x00\x00\x00\x00AIFF", b"FORM\x00\x00\x00\x00AIFC"],
    ".m4a": [b"\x00\x00\x00\x20ftypM4A ", b"\x00\x00\x00\x20ftypM4B "],
    ".mp4": [b"\x00\x00\x00\x20ftypisom"],
    ".webm": [b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm"],
    ".mka": [b"\x1aE\xdf\xa3\x93B\x82\x88matroska"],
    ".amr": [b"#!AMR\n"],
    ".wma": [b"0&\xb2u\x8ef\xcf\x11\xa6\xd9"],
}


@pytest.mark.parametrize(("suffix", "head"), [(suffix, head) for suffix, heads in HEADS.items() for head in heads])
def test_every_format_is_known_by_its_first_bytes(suffix: str, head: bytes) -> None:
    assert sniffed(head) == suffix


TEXTS = [
    b"<!DOCTYPE html>\n<html><title>Sorry</title></html>",
    b"\xef\xbb\xbf \n\n<html>",
    "<html>".encode("utf-16"),
    b'{"error": "not found"}',
    "Dieser Beitrag ist nicht verfügbar.".encode("latin-1"),
    b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n",
    b"",
]


@pytest.mark.parametrize("head", TEXTS)
def test_text_is_told_from_sound(head: bytes) -> None:
    assert is_text(head)
    assert not any(is_text(sound + bytes(100)) for heads in HEADS.values() for sound in heads)


@pytest.mark.parametrize("head", [*TEXTS, bytes(5000), b"\xff", b"\xff\xff\xff\xff", b"RIFF1234AVI ", b"\xff\xe2"])
def test_no_format_is_seen_where_there_is_none(head: bytes) -> None:
    assert sniffed(head) is None


@given(st.binary(max_size=HEAD_BYTES))
def test_any_bytes_are_of_a_known_format_or_of_none(head: bytes) -> None:
    assert sniffed(head) in {None, *AUDIO_SUFFIXES}


def test_the_media_type_follows_the_suffix() -> None:
    assert type_of_file(Path("a/b.MP3")) == "audio/mpeg"
    assert type_of_file(Path("a/b.txt")) == "application/octet-stream"
    assert all("/" in kind and suffix.startswith(".") for suffix, kind in MEDIA_TYPES.items())


@pytest.mark.parametrize(
    ("url", "suffix"),
    [
        ("https://example.org/a.MP3?x=.wav", ".mp3"),
        ("https://example.org/a%2Em4a", ".m4a"),
        ("https://example.org/a.php?file=a.mp3", None),
        ("https://example.org/", None),
        ("http://[", None),
    ],
)
def test_the_suffix_of_a_url_is_that_of_its_path(url: str, suffix: str | None) -> None:
    assert audio_suffix(url) == suffix


def test_a_media_type_is_told_without_its_parameters() -> None:
    assert media_type(" Text/HTML; charset=utf-8") == "text/html"
    assert media_type("") == media_type(";") == ""


@pytest.mark.parametrize(
    ("content_type", "suffix"),
    [
        ("Audio/X-M4A; codecs=mp4a", ".m4a"),
        ("audio/mp4", ".m4a"),
        ("video/mp4", ".mp4"),
        ("audio/ogg", ".ogg"),
        ("audio/opus", ".opus"),
        ("audio/mpeg", ".mp3"),
        ("audio/aiff", ".aiff"),
        ("audio/x-wav", ".wav"),
        ("audio/of-another-kind", None),
        ("text/html", None),
        ("", None),
    ],
)
def test_a_media_type_names_a_format_whose_files_are_served_as_it_or_nearly(
    content_type: str, suffix: str | None
) -> None:
    assert suffix_of_type(content_type) == suffix


def test_sound_is_told_from_pages_by_the_media_type() -> None:
    assert all(is_audio_type(text) for text in ("audio/mpeg", "Video/MP4;x=1", "application/ogg"))
    assert not any(is_audio_type(text) for text in ("", "text/html", "application/octet-stream", "image/audio"))
