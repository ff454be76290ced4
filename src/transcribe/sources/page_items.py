"""What a web page is a source of: items of its feed, or recordings of its own. No network."""

import dataclasses
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from transcribe.sources.feed import Feed
from transcribe.sources.page import Page, PageAudio
from transcribe.sources.page_media import is_of_a_part, without_part
from transcribe.sources.source import FoundFile, file_title, part
from transcribe.sources.web_archive import archived_copy, original
from transcribe.web.urls import same_audio, same_page


def is_home(page: Page, feed: Feed) -> bool:
    """Whether a page is the show's own, as its feed says."""
    return bool(feed.link) and _page_key(feed.link or "") in _places(page) and not page.is_post


def items_of_page(page: Page, feed: Feed) -> list[FoundFile]:
    """The items of a feed that a page is: those that link to it, else those whose audio is all that it has.

    A page may play more parts than its feed tells of, as those of WordPress do; they are added. Where many items name
    one page, as those of a show that has no other, its audio decides.
    """
    items = [dataclasses.replace(item, show=feed.title) for item in feed.items]
    places, heard = _places(page), _heard_on(page, items)
    here = [item for item in items if any(_page_key(url) in places for url in (item.link, item.guid) if url)]
    if here and (len({item.guid or item.link for item in here}) == 1 or not page.recordings):
        return _with_page_audio(page, here, items)
    if taken := [item for item in heard if item in here]:
        return _with_other_parts(page, taken, items)
    own = [audio for audio in page.recordings if _audio_key(audio.address) not in {_key(item) for item in heard}]
    addresses = {_audio_key(audio.address): audio.address for audio in reversed(page.recordings)}
    return [] if own else [_at(item, addresses[_key(item)], page.url) for item in heard]


def own_recordings(page: Page, show: str, items_elsewhere: Collection[FoundFile] = ()) -> tuple[FoundFile, ...]:
    """What a page tells of itself; audio that items of its feed have whose pages are others is left out."""
    places = _places(page)
    elsewhere = {_key(item) for item in items_elsewhere if item.link and _page_key(item.link) not in places}
    audio = [each for each in page.recordings if _audio_key(each.address) not in elsewhere]
    whole = FoundFile(
        show, page.title, page.published, link=page.link, description=page.description, persons=persons_of(page)
    )
    if len(audio) == 1 or all(each.title for each in audio):
        return tuple(_own(page, whole, each) for each in audio)
    found = [_own(page, whole, each) for each in audio]
    if is_of_a_part(page.title, (each.address for each in audio)):
        return tuple(map(_named_by_file, found))
    return tuple(part(each, number) for number, each in enumerate(found, start=1))


def with_page(found: FoundFile, page: Page, is_known_site: bool) -> FoundFile:
    """What an extractor found on a page, with what the page says where the extractor does not know the site."""
    show = found.show if is_known_site and found.show else page.show if page.says_show else found.show or page.show
    return dataclasses.replace(
        found,
        show=show,
        title=(found.title if is_known_site else page.title) or found.title or page.title,
        published=(found.published if is_known_site else page.published) or found.published or page.published,
        description=found.description or page.description,
        persons=found.persons or persons_of(page),
    )


def from_archive(found: FoundFile, page_url: str) -> FoundFile:
    """A recording that a copy in a web archive tells of: that archive's copy of the audio comes first."""
    copy = archived_copy(page_url)
    if copy is None or found.enclosure is None or archived_copy(found.enclosure):
        return found
    return dataclasses.replace(
        found, enclosure=copy.of(found.enclosure), alternates=(found.enclosure, *found.alternates)
    )


def persons_of(page: Page) -> tuple[str, ...]:
    """Its author, if it names one."""
    return (page.author,) if page.author else ()


def _own(page: Page, whole: FoundFile, audio: PageAudio) -> FoundFile:
    found = dataclasses.replace(
        whole,
        title=audio.title or whole.title,
        published=audio.published or whole.published,
        description=audio.description or whole.description,
        link=audio.link or whole.link,
        enclosure=audio.address,
        linked=audio.linked,
    )
    return from_archive(found, page.url)


def _named_by_file(found: FoundFile) -> FoundFile:
    """A recording of which its page does not tell whether it is the part that the page's title names."""
    name = file_title(found.enclosure or "")
    base = without_part(found.title)
    return dataclasses.replace(found, title=f"{base}: {name}" if base else name, whole=found.title)


def _heard_on(page: Page, items: Sequence[FoundFile]) -> list[FoundFile]:
    parts = {_audio_key(audio.address) for audio in page.recordings}
    return [item for item in items if _key(item) in parts]


def _with_page_audio(page: Page, here: list[FoundFile], items: Sequence[FoundFile]) -> list[FoundFile]:
    """The item that links to a page, its audio at the address that the page has."""
    if taken := [item for item in here if item in _heard_on(page, items)]:
        return _with_other_parts(page, taken, items)
    others = {_key(item) for item in items if item not in here}
    own = [audio for audio in page.recordings if _audio_key(audio.address) not in others]
    if len(here) == 1:
        same_name = [audio for audio in own if _file_name(audio.address) == _file_name(here[0].enclosure or "")]
        sure = same_name or [audio for audio in own if not audio.linked]
        if len(sure) == 1:
            return [_at(here[0], sure[0].address, page.url)]
    return here


def _with_other_parts(page: Page, taken: Sequence[FoundFile], items: Sequence[FoundFile]) -> list[FoundFile]:
    """The items in the page's order, and between them what else the page plays or offers that no item has."""
    by_audio = {_key(item): item for item in taken}
    others = {_key(item) for item in items} - by_audio.keys()
    found: list[FoundFile] = []
    for number, audio in enumerate(page.recordings, start=1):
        key = _audio_key(audio.address)
        if key in by_audio:
            found.append(_at(by_audio[key], audio.address, page.url))
        elif key not in others and not audio.linked:
            found.append(_another_part(taken[0], number, audio, page))
    missed = [item for item in taken if _key(item) not in {_audio_key(audio.address) for audio in page.recordings}]
    return found + missed


def _another_part(item: FoundFile, number: int, audio: PageAudio, page: Page) -> FoundFile:
    """One more part of what an item tells of."""
    found = FoundFile(
        show=item.show,
        title=item.title,
        published=item.published,
        link=item.link,
        enclosure=audio.address,
        description=item.description,
        persons=item.persons,
        language=item.language,
    )
    if audio.title:
        found = dataclasses.replace(found, title=audio.title)
    elif is_of_a_part(item.title, [audio.address]):
        found = dataclasses.replace(_named_by_file(found), whole=None)
    else:
        found = dataclasses.replace(found, title=f"{item.title}, part {number}")
    return from_archive(found, page.url)


def _at(item: FoundFile, address: str, page_url: str) -> FoundFile:
    """An item whose page has its audio at this address, which is tried first; the feed's is tried next."""
    if item.enclosure is None or _without_scheme(address) == _without_scheme(item.enclosure):
        return item
    copy = archived_copy(page_url)
    first = address if copy is None or archived_copy(address) else copy.of(address)
    rest = dict.fromkeys([address, item.enclosure, *item.alternates])
    rest.pop(first, None)
    return dataclasses.replace(item, enclosure=first, alternates=tuple(rest))


def _places(page: Page) -> set[str]:
    return {_page_key(address) for address in page.addresses}


def _page_key(url: str) -> str:
    return same_page(original(url))


def _audio_key(url: str) -> str:
    return same_audio(original(url))


def _key(item: FoundFile) -> str:
    return _audio_key(item.enclosure or "")


def _without_scheme(url: str) -> str:
    return url.partition("://")[2]


def _file_name(url: str) -> str:
    return PurePosixPath(unquote(urlsplit(url).path, errors="replace")).name.lower()
