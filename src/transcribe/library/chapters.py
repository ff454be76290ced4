"""Chapters: headings that a publisher gives an episode, and when each begins.

They come as `podcast:chapters`, a JSON file, or in the audio file itself: ID3 `CHAP` frames, chapters of MP4 and
Matroska, and Vorbis comments. Beside the audio they are kept as `audio/<show>/<episode>.chapters.json`, in the form of
the first:
https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/examples/chapters/jsonChapters.md.
"""

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transcribe.errors import TranscriptError
from transcribe.library.store import Library, write_whole
from transcribe.library.transcript import LATEST_MS, Chapter
from transcribe.web.text_decoding import one_line
from transcribe.web.urls import is_web

if TYPE_CHECKING:
    from av.container import InputContainer

MOST = 2_000  # chapters of one episode; more are no headings
LONGEST_TITLE = 500  # characters


def parse_chapters(data: bytes) -> tuple[Chapter, ...]:
    """The chapters of a Podcasting 2.0 file, in order, without those that it says not to list.

    Raises TranscriptError (`bad_chapters`) for any other file.
    """
    try:
        given = json.loads(data)["chapters"]
        found = [_chapter(each.get("startTime"), each.get("title"), each.get("url")) for each in given if _listed(each)]
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        raise TranscriptError("bad_chapters", f"not a Podcasting 2.0 list of chapters: {problem}") from problem
    return _in_order(found)


def held_chapters(container: "InputContainer") -> tuple[Chapter, ...]:
    """The chapters that an audio file holds, in order."""
    # libav takes every title for UTF-8; from others it gives what it can decode.
    return _in_order(
        _chapter(float(each["start"] * (each["time_base"] or 0)), each["metadata"].get("title"))
        for each in container.chapters()
    )


def to_json(chapters: Iterable[Chapter]) -> str:
    """A Podcasting 2.0 list of chapters."""
    plain = [
        {"startTime": each.start_ms / 1000, "title": each.title, **({"url": each.link} if each.link else {})}
        for each in chapters
    ]
    return json.dumps({"version": "1.2.0", "chapters": plain}, ensure_ascii=False, indent=1) + "\n"


def chapters_path(library: Library, episode_id: str) -> Path:
    """The path of an episode's chapters. Raises TranscriptError (`bad_id`) for what is no id."""
    return library.record_path(episode_id).with_suffix(".chapters.json")


def save_chapters(library: Library, episode_id: str, chapters: Iterable[Chapter]) -> None:
    """Writes an episode's chapters, whole or not at all. Raises CannotWrite."""
    write_whole(chapters_path(library, episode_id), to_json(chapters).encode(errors="replace"))


def load_chapters(library: Library, episode_id: str) -> tuple[Chapter, ...]:
    """An episode's chapters; none where the file is missing or cannot be read."""
    path = library.inside(str(chapters_path(library, episode_id)))
    if path:
        with contextlib.suppress(OSError, TranscriptError):
            return parse_chapters(path.read_bytes())
    return ()


def _listed(given: Any) -> bool:
    return isinstance(given, dict) and given.get("toc") is not False


def _chapter(seconds: object, title: object, link: object = None) -> Chapter | None:
    """A chapter; None where it has no time or no title."""
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not isinstance(title, str):
        return None
    text = one_line(title)[:LONGEST_TITLE]
    if not text or not 0 <= seconds <= LATEST_MS / 1000:  # compared first: a whole number may be of any size
        return None
    return Chapter(round(seconds * 1000), text, _web(link))


def _web(link: object) -> str | None:
    return link.strip().encode(errors="replace").decode() if isinstance(link, str) and is_web(link.strip()) else None


def _in_order(found: Iterable[Chapter | None]) -> tuple[Chapter, ...]:
    """By start, one at a time at most."""
    by_start: dict[int, Chapter] = {}
    for chapter in found:
        if chapter:
            by_start.setdefault(chapter.start_ms, chapter)
    return tuple(by_start[start] for start in sorted(by_start)[:MOST])
