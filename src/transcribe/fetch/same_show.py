"""Whether a feed is one that the library knows under another address."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from transcribe.library.episode import Record
from transcribe.sources.source import FoundFile
from transcribe.web.urls import same_audio

LEAST_TELLING = 10_000  # bytes: shorter lengths are made up
_SURE = 3  # items that must all be the same where the shows have two titles


def known_as(found: Sequence[FoundFile], source: str, records: Iterable[Record]) -> str | None:
    """The source whose episodes most items of a feed are: by guid and address, or by guid, show and length.

    Where it calls its show something else, as a feed of several shows does, all items must be, and not only a few.
    `source` is the feed's own key; once it has episodes of its own it is no other feed any more.
    """
    by_guid: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        if record.source == source:
            return None
        if record.source and record.episode.guid:
            by_guid[record.episode.guid].append(record)
    told = [item for item in found if item.guid and item.enclosure]
    votes, titles = Counter[str](), defaultdict[str, set[bool]](set)
    for item in told:
        same = {r.source: r for r in by_guid.get(item.guid or "", ()) if r.source and _is_same_audio(item, r)}
        votes.update(same.keys())
        for name, record in same.items():
            titles[name].add(record.episode.show == item.show)
    if not votes:
        return None
    name, count = votes.most_common(1)[0]
    enough = count * 2 > len(told) if True in titles[name] else _SURE <= count == len(told)
    return name if enough else None


def _is_same_audio(item: FoundFile, record: Record) -> bool:
    same_address = same_audio(item.enclosure or "") == same_audio(record.episode.enclosure or "")
    same_show = record.episode.show == item.show
    same_length = (item.length or 0) >= LEAST_TELLING and item.length == record.length
    return same_address or (same_show and same_length)
