"""Which of the audio in a page is the page's own: of its post, and what that plays or offers. No network."""

import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import PurePosixPath
from typing import get_args
from urllib.parse import unquote, urlsplit

from transcribe.sources.page_elements import Elements, FoundIn, Medium, Post
from transcribe.web.media_types import audio_suffix
from transcribe.web.urls import same_audio

# What a name ends with that tells the quality: of `talk_64kb.mp3`, `talk_vbr.mp3` and `talk.wav`.
_QUALITY = re.compile(
    r"(?:[-_. ](?:\d{2,3}\s?k(?:b(?:ps|it)?)?s?|vbr|cbr|hi-?fi|lo-?fi|hq|lq|high|low|mono|stereo))+$", re.IGNORECASE
)
_RATE = re.compile(r"(\d{2,3})\s?k", re.IGNORECASE)
_POOR = re.compile(r"lo-?fi|lq|low", re.IGNORECASE)
_LOSSLESS = (".wav", ".flac", ".aif", ".aiff")
_NUMERALS = {
    **{word: n for n, word in enumerate(("one", "two", "three", "four", "five", "six"), start=1)},
    **{word: n for n, word in enumerate(("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"), start=1)},
}
_NUMBER = r"(\d{1,3}|[ivx]{1,4}|one|two|three|four|five|six)(?![a-z\d])"
_PART = re.compile(
    rf"(?:^|[^a-z])(?:part|pt|teil|parte|partie|del|deel|osa|episode|ep|no|nr|#)[-_. #]*{_NUMBER}", re.IGNORECASE
)
_OF_SEVERAL = re.compile(rf"(?:^|[^a-z])(?:part|pt|teil|parte|partie)[-_. ]*{_NUMBER}", re.IGNORECASE)
_PART_WORDS = r"(?:part|pt\.?|teil|parte|partie|deel|del|osa|część|часть|half|hälfte)"
_ORDINALS = (
    r"(first|1st|1\.|erster?|primera?|primeira|prima|première?|second|2nd|2\.|zweiter?|segunda|seconda|seconde|deuxième"
    r"|third|3rd|3\.|dritter?|tercera|terceira|terza|troisième)"
)
_SAYS_PART = re.compile(
    rf"(?:^|[^\w]){_PART_WORDS}[-_. #]*{_NUMBER}|(?:^|[^\w]){_ORDINALS} {_PART_WORDS}(?!\w)", re.IGNORECASE
)
_IS_LABEL = re.compile(rf"[\W_]*(?:{_PART_WORDS}[-_. #]*{_NUMBER}|{_ORDINALS} {_PART_WORDS})[\W_]*", re.IGNORECASE)
_BY_ORDINAL = {"1": 1, "f": 1, "p": 1, "e": 1, "2": 2, "s": 2, "z": 2, "de": 2, "3": 3, "dr": 3, "t": 3}
_LAST_NUMBER = re.compile(rf"(?:^|[^a-z\d]){_NUMBER}$", re.IGNORECASE)


def page_post(elements: Elements, leads_here: Collection[str]) -> tuple[int | None, bool]:
    """Which of a page's posts the page is of, and whether that is certain; None where there is none.

    It is told by its number in WordPress, by a heading that links to the page (`leads_here` are such addresses, as
    written), by its `<h1>`; else it is the first.
    """

    def is_numbered(post: Post) -> bool:
        return post.number is not None and post.number == elements.post_number

    for is_it in (is_numbered, lambda post: post.address in leads_here, lambda post: post.has_h1):
        found = next((number for number, post in enumerate(elements.posts) if is_it(post)), None)
        if found is not None:
            return found, True
    is_certain = len(elements.posts) == 1 or elements.is_single or elements.meta("og:type") == "article"
    return (0 if elements.posts else None), is_certain


def of_the_post(media: Sequence[Medium], post: int | None, is_certain: bool) -> list[Medium]:
    """The media of a page's post: those within it, of these those in its text, else those of no post at all.

    Where it is not certain which post it is, the first that has any.
    """
    if not is_certain:
        post = next((medium.post for medium in media if medium.post is not None), post)
    within = [medium for medium in media if medium.post == post and post is not None]
    outside = [medium for medium in media if medium.post is None]
    chosen = within or outside
    return [medium for medium in chosen if medium.main] or chosen


def most_telling(media: Sequence[Medium], title: str = "") -> list[Medium]:
    """Those of the place that tells most: a page that plays or offers a recording may link to others as well.

    Of several those whose number is that of the part that the title names: the page of part II may play part I again.
    Of an episode with a number, this holds for links alone, as in a sentence: it may itself have parts.
    """
    media = _as_labelled(media, title)
    for place in get_args(FoundIn):
        if found := [medium for medium in media if medium.place == place]:
            is_part = place in ("link", "download") or _OF_SEVERAL.search(title)
            return _of_this_part(found, title) if is_part else found
    return []


def is_of_a_part(title: str, addresses: Iterable[str]) -> bool:
    """Whether a title names one part of several, and no address does: then which of them is that part is not known."""
    wanted = _number(_OF_SEVERAL.search(title))
    return wanted is not None and not any(_number_in(_name(address)) == wanted for address in addresses)


def without_part(title: str) -> str:
    """The title of a part without which part it is: `Occupy Wall Street` of `Occupy Wall Street, Part II`."""
    match = _OF_SEVERAL.search(title)
    return title if match is None else (title[: match.start()] or title[match.end() :]).strip(" ,.:;(–—-")


def each_once(addresses: Iterable[str]) -> list[str]:
    """One address for each recording, in their order: of a file in several formats or qualities the best."""
    kept: dict[str, list[str]] = {}
    for address in addresses:
        key = same_audio(address)
        recording = _QUALITY.sub("", key.removesuffix(audio_suffix(key) or ""))  # without its format and quality
        kept.setdefault(recording, []).append(address)
    return [max(same, key=_quality) for same in kept.values()]


def _quality(address: str) -> tuple[bool, int]:
    """Lossless first, then by rate; a name that tells no rate is taken for the usual one, as archives have it."""
    suffix = audio_suffix(address) or ""
    ending = _QUALITY.search(_name(address))
    rate = _RATE.search(ending[0]) if ending else None
    if ending and _POOR.search(ending[0]):
        return suffix in _LOSSLESS, 32
    return suffix in _LOSSLESS, int(rate[1]) if rate else 128


def _of_this_part(media: list[Medium], title: str) -> list[Medium]:
    wanted = _number_in(title)
    numbers = [_number_in(_name(medium.address)) for medium in media]
    if wanted in numbers and wanted is not None and None not in numbers:
        return [medium for medium, number in zip(media, numbers, strict=True) if number == wanted]
    return media


def _as_labelled(media: Sequence[Medium], title: str) -> Sequence[Medium]:
    """What is labelled as the part that the title names; where none is, all that is not labelled as another part."""
    wanted = _number(_OF_SEVERAL.search(title)) or _number(_LAST_NUMBER.search(title))
    if wanted is None:
        return media
    numbers = [_labelled(medium.label) for medium in media]
    if wanted in numbers:
        return [medium for medium, number in zip(media, numbers, strict=True) if number == wanted]
    return [medium for medium, number in zip(media, numbers, strict=True) if number is None] or media


def _labelled(label: str) -> int | None:
    """The number of a part: of several lines, what a link says of itself is the last; a line before is all label."""
    *before, text = [" ".join(line.split()) for line in label.split("\n")] or [""]
    match = _SAYS_PART.search(text)
    if match is None:
        match = next((_IS_LABEL.fullmatch(line) for line in reversed(before) if line), None)
    if match is None:
        return None
    ordinal = (match[2] or "").lower()
    return _BY_ORDINAL.get(ordinal[:2]) or _BY_ORDINAL.get(ordinal[:1]) or _number(match)


def _number_in(text: str) -> int | None:
    return _number(_PART.search(text)) or _number(_LAST_NUMBER.search(text))


def _number(match: re.Match[str] | None) -> int | None:
    if match is None:
        return None
    text = match[1].lower()
    return int(text) if text.isdigit() else _NUMERALS.get(text)


def _name(address: str) -> str:
    """Of the file, without its suffix."""
    parts = urlsplit(address)
    path = parts.path if audio_suffix(address) else f"{parts.path}/{parts.query.rpartition('=')[2]}"
    return PurePosixPath(unquote(path, errors="replace")).stem.replace("_", "-")
