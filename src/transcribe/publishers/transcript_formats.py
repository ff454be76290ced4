"""A publisher's own transcripts: which of those offered to take, and what form each is in. No network.

The forms are those of Podcasting 2.0, and others that captions and typed texts come in. They are described at
https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/examples/transcripts/transcripts.md.
"""

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import get_args
from urllib.parse import unquote, urlsplit

from transcribe.library.episode import PublishedText, slug
from transcribe.library.language_tags import is_same_language
from transcribe.publishers.script import SUFFIXES, Form
from transcribe.web.media_types import media_type

MEDIA_TYPES: dict[str, Form] = {
    "application/json": "json",
    "application/json+podcast": "json",
    "text/json": "json",
    "application/ttml+xml": "ttml",
    "text/vtt": "vtt",
    "application/vtt": "vtt",
    "application/x-subrip": "srt",
    "application/srt": "srt",
    "text/srt": "srt",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "text/plain": "txt",
    "text/markdown": "txt",
}


def ranked(offered: Iterable[PublishedText], language: str | None = None) -> list[PublishedText]:
    """Those that can be read, best first: the one that says most of times, of equals the first.

    A text in another language than `language` (that of the episode, where it is known) is a translation, and left out;
    one that names no language comes after one that names the right one.
    """
    readable = [(text, form) for text in offered if (form := form_of(text.media_type, text.url))]
    fitting = [
        (text, form)
        for text, form in readable
        if not (language and text.language) or is_same_language(language, text.language)
    ]

    def rank(one: tuple[PublishedText, Form]) -> tuple[bool, int]:
        return bool(language) and not one[0].language, get_args(Form).index(one[1])

    return [text for text, _ in sorted(fitting, key=rank)]


def form_of(content_type: str, url: str) -> Form | None:
    """The form that a media type names, or else the ending of a URL; None for what cannot be read, such as a PDF.

    `text/plain` is said of everything, so a telling ending counts for more.
    """
    try:
        suffix = PurePosixPath(unquote(urlsplit(url).path)).suffix.lower()
    except ValueError:
        suffix = ""
    named = MEDIA_TYPES.get(media_type(content_type))
    if named in (None, "txt"):
        return SUFFIXES.get(suffix) or named
    return named


def suffix(offered: PublishedText) -> str:
    """What the file's name ends in that keeps these bytes beside the audio, such as `.transcript.en.vtt`."""
    language = f".{slug(offered.language)}" if offered.language else ""
    return f".transcript{language}.{form_of(offered.media_type, offered.url) or 'txt'}"
