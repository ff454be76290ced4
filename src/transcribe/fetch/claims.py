"""Which page a recording is of, where several pages lead to it: none but its own gives it its title, date and link."""

import dataclasses
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

from transcribe.library.episode import Record
from transcribe.sources.source import FoundFile, file_title
from transcribe.sources.web_archive import original
from transcribe.web.urls import same_audio, same_page

Place = TypeVar("Place", bound=Hashable)

_NUMBERED = re.compile(r", part \d+$")
_LATE = "9999"  # later than any date


def settled(
    pages: Mapping[Place, Sequence[FoundFile]], known: Callable[[FoundFile], Record | None]
) -> dict[Place, tuple[FoundFile, ...]]:
    """What each page gives, once each recording is one page's alone.

    A feed's item comes before a page's word, what a page plays or offers before what it links to, and one recording
    before one of several; of equals the page of the earlier date. A recording that the library knows from another page
    stays that page's, unless that had it as one of several. A page that is left with nothing gives what it only links
    to under the name that its own page gives it.
    """
    owners: dict[str, FoundFile] = {}
    for found in (found for page in pages.values() for found in page):
        key = _key(found)
        if key not in owners or _strength(found) > _strength(owners[key]):
            owners[key] = found
    owners = {key: _as_known(found, known(found)) for key, found in owners.items()}
    return {place: _own(page, owners) for place, page in pages.items()}


def is_of_page(found: FoundFile) -> bool:
    """Whether a recording was found on a web page, and not in a feed, a folder or at its own address."""
    return found.source is None and found.path is None and bool(found.enclosure) and bool(found.link or found.feed)


def _own(page: Sequence[FoundFile], owners: Mapping[str, FoundFile]) -> tuple[FoundFile, ...]:
    own = [found for found in page if _page_key(owners[_key(found)].link or "") == _page_key(found.link or "")]
    if len(own) == len(page):
        return tuple(page)
    if not own:
        return tuple(owners[_key(found)] for found in page)
    if not all(found.whole for found in own):
        return tuple(own)
    if len(own) == 1:
        return (dataclasses.replace(own[0], title=own[0].whole or own[0].title, whole=None),)
    return tuple(dataclasses.replace(found, title=f"{found.whole}, part {n}") for n, found in enumerate(own, start=1))


def _as_known(found: FoundFile, record: Record | None) -> FoundFile:
    """The recording as the library has it, where that is from another page that told more of it than this one does."""
    if record is None or not record.episode.link or found.guid or found.source:
        return found
    episode = record.episode
    # Under a name of its file nobody had said what it is.
    is_unnamed = episode.title.endswith(f": {file_title(original(episode.enclosure or ''))}")
    of_several = not found.whole and (is_unnamed or (_NUMBERED.search(episode.title) and not found.linked))
    if of_several or _page_key(episode.link or "") == _page_key(found.link or ""):
        return found
    told = dataclasses.replace(found, title=episode.title, published=episode.published, link=episode.link, whole=None)
    return dataclasses.replace(told, show=episode.show, description=episode.description, persons=record.persons)


def _strength(found: FoundFile) -> tuple[bool, bool, bool, list[int]]:
    date = [-ord(letter) for letter in (found.published or _LATE)]
    return bool(found.guid), not found.linked, found.whole is None, date


def _page_key(url: str) -> str:
    return same_page(original(url))


def _key(found: FoundFile) -> str:
    return same_audio(original(found.enclosure or ""))
