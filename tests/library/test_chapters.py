"""Chapters as publishers give them, in JSON and in audio files, to headings and back."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import mutagen.id3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.speech import write_audio
from transcribe.audio.decode import RATE, open_audio
from transcribe.errors import TranscriptError
from transcribe.library.chapters import (
    MOST,
    chapters_path,
    held_chapters,
    load_chapters,
    parse_chapters,
    save_chapters,
    to_json,
)
from transcribe.library.clock import timestamp
from transcribe.library.store import Library
from transcribe.library.transcript import LATEST_MS, Chapter

SILENCE = np.zeros(9 * RATE, np.int16)
HEADINGS = [(0, "Welcome"), (2500, "Who owns the well?"), (6000, "Grüße")]
CHAPTERS = tuple(Chapter(start_ms, title) for start_ms, title in HEADINGS)


def listed(*chapters: Any) -> bytes:
    return json.dumps({"version": "1.2.0", "chapters": chapters}).encode()


def held(path: Path) -> tuple[Chapter, ...]:
    with open_audio(path) as recording:
        return held_chapters(recording.container)


def with_chapters(path: Path) -> Path:
    """A file with the chapters that its container has of its own."""
    if path.suffix == ".ogg":
        write_audio(SILENCE, path)
        file: Any = mutagen.File(path)
        for number, (start_ms, title) in enumerate(HEADINGS):
            file[f"CHAPTER{number:03}"] = timestamp(start_ms)
            file[f"CHAPTER{number:03}NAME"] = title
        file.save()
        return path
    write_audio(SILENCE, path.with_name(f"plain{path.suffix}"))
    with av.open(str(path.with_name(f"plain{path.suffix}"))) as plain, av.open(str(path), "w") as made:
        stream = made.add_stream_from_template(plain.streams.audio[0])
        ends = [*(start for start, _ in HEADINGS[1:]), 9000]
        made.set_chapters(
            [
                {"id": n, "start": at, "end": end, "time_base": Fraction(1, 1000), "metadata": {"title": title}}
                for n, ((at, title), end) in enumerate(zip(HEADINGS, ends, strict=True))
            ]
        )
        for packet in plain.demux(plain.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                made.mux(packet)
    return path


def test_a_publishers_list_gives_headings_with_their_times_and_links() -> None:
    data = listed(
        {"startTime": 0, "title": "Welcome", "img": "https://host.test/a.jpg"},
        {"startTime": 95.25, "title": " Who owns\nthe well? ", "url": "https://host.test/well"},
    )
    assert parse_chapters(data) == (
        Chapter(0, "Welcome"),
        Chapter(95_250, "Who owns the well?", "https://host.test/well"),
    )


def test_headings_are_in_order_one_at_a_time() -> None:
    data = listed(
        {"startTime": 60, "title": "Second"},
        {"startTime": 0, "title": "First"},
        {"startTime": 60, "title": "Another"},
    )
    assert parse_chapters(data) == (Chapter(0, "First"), Chapter(60_000, "Second"))


@pytest.mark.parametrize(
    "chapter",
    [
        {"startTime": 1, "title": "Artwork alone", "toc": False},
        {"startTime": 1},
        {"startTime": 1, "title": "  "},
        {"startTime": 1, "title": ["no", "text"]},
        {"startTime": -1, "title": "Before the beginning"},
        {"startTime": 1e300, "title": "Never"},
        {"startTime": 10**400, "title": "Never"},
        {"startTime": -(10**400), "title": "Before the beginning"},
        {"startTime": float("nan"), "title": "No number"},
        {"startTime": True, "title": "No number"},
        {"startTime": "1:00", "title": "Not as the format has it"},
        {"title": "No time"},
        "no chapter",
        None,
    ],
)
def test_what_is_no_heading_is_passed_over(chapter: object) -> None:
    assert parse_chapters(listed({"startTime": 0, "title": "One"}, chapter)) == (Chapter(0, "One"),)


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//host", "http://[", 7]
)
def test_a_link_to_anything_but_the_web_is_none(link: object) -> None:
    assert parse_chapters(listed({"startTime": 0, "title": "One", "url": link})) == (Chapter(0, "One"),)


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"[]", b"{}", b'{"chapters": 7}', b'{"chapters": null}', b"\xff\xfe", b"[" * 9999]
)
def test_what_is_no_list_of_chapters_is_refused(data: bytes) -> None:
    with pytest.raises(TranscriptError, match="not a Podcasting") as raised:
        parse_chapters(data)
    assert raised.value.code == "bad_chapters"


def test_a_list_without_end_is_cut() -> None:
    assert len(parse_chapters(listed(*({"startTime": n, "title": "x" * 9000} for n in range(MOST + 5))))) == MOST


chapters = st.builds(
    Chapter,
    st.integers(0, LATEST_MS),
    st.text(min_size=1, max_size=400)
    .map(lambda text: " ".join(text.replace("\0", "").split()) or "-")
    .filter(str.isprintable),
    st.none() | st.just("https://host.test/?a=b&c=ü"),
)


@given(st.lists(chapters, unique_by=lambda chapter: chapter.start_ms))
def test_what_is_kept_is_what_was_read(given_chapters: list[Chapter]) -> None:
    expected = tuple(sorted(given_chapters, key=lambda chapter: chapter.start_ms))
    assert parse_chapters(to_json(expected).encode()) == expected


def test_half_characters_can_be_kept() -> None:
    (chapter,) = parse_chapters(b'{"chapters": [{"startTime": 0, "title": "a \\ud83d b\\u0000c"}]}')
    assert to_json([chapter]).encode()
    assert chapter.title == "a ? b c"


def test_the_chapters_of_an_mp3_are_its_id3_frames(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp3"
    write_audio(SILENCE, path, {"title": "A talk"})
    tags = mutagen.id3.ID3(path)
    for number, (start_ms, title) in enumerate(HEADINGS):
        named = [mutagen.id3.TIT2(encoding=1, text=title)]
        tags.add(
            mutagen.id3.CHAP(element_id=f"c{number}", start_time=start_ms, end_time=start_ms + 900, sub_frames=named)
        )
    tags.save()
    assert held(path) == CHAPTERS


@pytest.mark.parametrize("suffix", [".m4a", ".ogg"])
def test_other_files_have_chapters_in_their_own_way(tmp_path: Path, suffix: str) -> None:
    assert held(with_chapters(tmp_path / f"talk{suffix}")) == CHAPTERS


def test_most_files_have_none(tmp_path: Path) -> None:
    write_audio(SILENCE, tmp_path / "talk.mp3")
    assert held(tmp_path / "talk.mp3") == ()


def test_a_library_keeps_them_beside_the_audio(tmp_path: Path) -> None:
    library = Library(tmp_path)
    path = chapters_path(library, "show/episode")
    assert path == library.audio / "show" / "episode.chapters.json"
    assert load_chapters(library, "show/episode") == ()
    save_chapters(library, "show/episode", CHAPTERS)
    assert load_chapters(library, "show/episode") == CHAPTERS
    assert library.records() == []


def test_kept_chapters_that_cannot_be_read_are_none(tmp_path: Path) -> None:
    library = Library(tmp_path)
    path = chapters_path(library, "show/episode")
    path.parent.mkdir(parents=True)
    path.write_text("{")
    assert load_chapters(library, "show/episode") == ()
