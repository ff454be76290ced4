# mypy: disable-error-code="no-untyped-call"
# (mutagen has no types)

import dataclasses
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutagen.id3 import ID3, TALB, TDRC, TIT2

from transcribe.errors import UsageError
from transcribe.sources.source import (
    AudioFileSource,
    FolderSource,
    FoundFile,
    Source,
    WebSource,
    dated,
    found_in_file,
    found_in_folder,
    parse_source,
    source_of,
)


def tagged(path: Path, **texts: str) -> Path:
    """ID3 tags and ten frames of silence."""
    frames = {"title": TIT2, "album": TALB, "date": TDRC}
    tags = ID3()
    for name, text in texts.items():
        tags.add(frames[name](text=text))
    path.write_bytes(b"")
    tags.save(path)
    path.write_bytes(path.read_bytes() + 10 * (b"\xff\xfb\x90\x00" + bytes(413)))
    return path


def test_a_file_a_folder_and_an_address_are_told_apart(tmp_path: Path) -> None:
    talk = tmp_path / "talk.mp3"
    talk.touch()
    assert parse_source(str(talk)) == AudioFileSource(talk)
    assert parse_source(str(tmp_path)) == FolderSource(tmp_path)
    assert parse_source(" https://example.org/feed ") == WebSource("https://example.org/feed")
    assert parse_source("HTTP://EXAMPLE.ORG") == WebSource("HTTP://EXAMPLE.ORG")


# Fault 21.
@pytest.mark.parametrize(
    "name", [b"-i.mp3", b"http:x.mp3", b"concat:a|b", b"pipe:0", b"file:a", b"\xff\xfe\x80.mp3", b"http:"]
)
def test_odd_names_are_plain_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    text = os.fsdecode(name)
    Path(text).write_bytes(b"some bytes")
    assert parse_source(text) == AudioFileSource(Path(text))
    found = found_in_file(Path(text))
    assert found.path == tmp_path / text
    assert found.path.read_bytes() == b"some bytes"
    assert found.identity.isascii()
    found.title.encode()  # can be written anywhere


def test_two_names_that_are_no_utf_8_are_two_recordings(tmp_path: Path) -> None:
    one, two = (found_in_file(tmp_path / os.fsdecode(name)) for name in (b"\xff.mp3", b"\xfe.mp3"))
    assert one.title == two.title == "?"
    assert one.identity != two.identity


@pytest.mark.parametrize(
    "text", ["gone.mp3", "ftp://example.org/a.mp3", "file:///etc/passwd", "data:,x", "http:", "http://[", "", " ", "\0"]
)
def test_anything_else_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="A source is") as refusal:
        parse_source(text)
    assert repr(text) in str(refusal.value)


def test_a_pipe_is_no_source(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError):
        parse_source(str(tmp_path / "pipe"))


def test_an_address_longer_than_any_file_name_is_an_address() -> None:
    url = "https://example.org/" + "a" * 5000
    assert parse_source(url) == WebSource(url)


def test_a_refusal_shows_no_password() -> None:
    with pytest.raises(UsageError) as refusal:
        parse_source("ftp://me:secret@example.org/a.mp3")
    assert "secret" not in str(refusal.value)


def test_tags_name_a_recording(tmp_path: Path) -> None:
    path = tagged(tmp_path / "x.mp3", title="The Talk", album="Some Show", date="2026-11-22")
    assert found_in_file(path) == FoundFile("Some Show", "The Talk", "2026-11-22", path=path)


def test_names_stand_in_for_missing_tags(tmp_path: Path) -> None:
    folder = tmp_path / "Field Recordings"
    folder.mkdir()
    found = found_in_file(tagged(folder / "2012-02-18_occupy_part_1.mp3", date="2012"))
    assert (found.show, found.title, found.published) == ("Field Recordings", "occupy part 1", "2012-02-18")


@pytest.mark.parametrize(
    ("name", "date", "title"),
    [
        ("2026-11-22 - The Talk", "2026-11-22", "The Talk"),
        ("2026-11-22", "2026-11-22", "2026-11-22"),
        ("2026-13-45 talk", None, "2026-13-45 talk"),
        ("2026-11-221", None, "2026 11 221"),
        ("peer-to-peer", None, "peer to peer"),
        ("peer-to-peer talk", None, "peer-to-peer talk"),
        ("_", None, "_"),
        ("-i", None, "i"),
    ],
)
def test_a_leading_date_is_taken_off_a_name(name: str, date: str | None, title: str) -> None:
    assert dated(name) == (date, title)


@given(st.text(min_size=1))
def test_every_name_gives_a_title(name: str) -> None:
    date, title = dated(name)
    assert title
    assert date is None or name.startswith(date)


def test_a_folder_is_walked_in_order_past_what_is_hidden_or_no_audio(tmp_path: Path) -> None:
    wanted = ["b.mp3", "show a/c.FLAC", "show a/d.opus", "show b/deep/e.m4a"]
    for name in [*wanted, ".hidden.mp3", "show a/notes.txt", ".git/f.mp3", "show b/folder.mp3/readme"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "show b" / "loop").symlink_to(tmp_path)
    (tmp_path / "show b" / "gone.mp3").symlink_to(tmp_path / "nowhere")
    found = list(found_in_folder(tmp_path))
    assert [each.path for each in found] == [tmp_path / name for name in wanted]
    assert [each.show for each in found] == [tmp_path.name, "show a", "show a", "deep"]
    assert {each.source for each in found} == {str(tmp_path)}


def test_a_file_is_the_same_recording_alone_and_in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.mp3").touch()
    monkeypatch.chdir(tmp_path)
    assert found_in_file(Path("a.mp3")).identity == next(found_in_folder(Path())).identity


# Fault 13.
def test_a_guid_makes_it_one_whatever_its_url() -> None:
    one = FoundFile(
        "S", "T", guid="g", enclosure="https://example.org/a.mp3?token=1", source="https://example.org/feed"
    )
    assert dataclasses.replace(one, enclosure="https://cdn.example.org/b.mp3?token=2").identity == one.identity
    assert dataclasses.replace(one, source="https://example.org/other").identity != one.identity
    assert dataclasses.replace(one, guid="h").identity != one.identity


# Fault 13.
def test_without_a_guid_the_url_without_its_query_makes_it_one() -> None:
    urls = ["https://example.org/a.mp3", "https://example.org/a.mp3?token=2#t=1", "https://me:pw@example.org/a.mp3"]
    assert {FoundFile("S", "T", enclosure=url).identity for url in urls} == {urls[0]}
    assert FoundFile("S", "T", enclosure="https://example.org/b.mp3").identity != urls[0]


# Fault 13.
def test_a_url_that_names_no_audio_file_counts_with_what_lasts_of_its_query() -> None:
    address = "https://example.org/download.php?id=0b8f7c1e-0c5f-4b5e-9a51-0d6f5a3c2e11"
    urls = [address, f"{address}&token=1", f"{address}&token=2#t=1"]
    assert {FoundFile("S", "T", enclosure=url).identity for url in urls} == {address}
    assert FoundFile("S", "T", enclosure=address.replace("0b8f", "0b8e")).identity != address


# Fault 13.
def test_a_key_stands_for_the_url_but_not_for_the_guid() -> None:
    one = FoundFile("S", "T", enclosure="https://example.org/a.mp3", key="https://example.org/a.mp3 part 1")
    assert one.identity == one.key
    assert "part 1" not in dataclasses.replace(one, guid="g").identity


def test_what_was_named_before_is_known_by_its_address(tmp_path: Path) -> None:
    (tmp_path / "tapes").mkdir()
    folder, gone, feed = (
        FolderSource(tmp_path / "tapes"),
        AudioFileSource(tmp_path / "gone.mp3"),
        WebSource("https://x.example/f"),
    )
    named: list[Source] = [folder, gone, feed]
    assert [source_of(source.address, Path("/elsewhere")) for source in named] == named
    assert [source_of(text, tmp_path) for text in ("tapes", "gone.mp3", " https://x.example/f ")] == named


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("feed://example.org/a", "http://example.org/a"),
        ("feed:https://example.org/a", "https://example.org/a"),
        ("feeds://example.org/a", "https://example.org/a"),
        ("itpc://example.org/a", "http://example.org/a"),
        ("pcast://example.org/a", "http://example.org/a"),
        ("example.org/a.mp3", "http://example.org/a.mp3"),
        ("www.example.org", "http://www.example.org"),
        ("localhost:8000/feed", "http://localhost:8000/feed"),
        ("me:secret@example.org/feed", "https://me:secret@example.org/feed"),
    ],
)
def test_an_address_is_taken_as_it_is_meant(written: str, url: str) -> None:
    assert parse_source(written) == WebSource(url)


@pytest.mark.parametrize(
    "text", ["talk.mp3", "feeds.opml", "tapes/talk.mp3", "notes.txt", "feed:", "ftp://a.example/b", "C:/a"]
)
def test_the_name_of_a_file_that_is_not_here_is_no_address(text: str) -> None:
    with pytest.raises(UsageError):
        parse_source(text)
