"""Makes episodes of the recordings that sources offer: each once, each with an id that never changes."""

import dataclasses
from collections.abc import Collection
from pathlib import Path

from transcribe.fetch.same_show import LEAST_TELLING
from transcribe.library.episode import Episode, Record, episode_id, former_slug, is_id, show_slug
from transcribe.library.store import Library
from transcribe.sources.source import FoundFile
from transcribe.web.urls import same_audio, source_key


class Catalog:
    """The library's records; finds the record of a recording."""

    def __init__(self, library: Library) -> None:
        self.library = library
        stored = library.records()
        self._sources_as_stored = {record.source for record in stored if record.source}
        self.records = {record.episode.id: _without_secrets(record) for record in stored}
        self.cleaned = [r for r in stored if self.records[r.episode.id] != r]  # as they are stored, secrets in them
        self._by_identity = {identity: r.episode.id for r in self.records.values() for identity in _identities(r)}
        self._by_audio: dict[str, dict[str, None]] = {}  # ids, in their order
        self._by_date: dict[str, dict[str, None]] = {}  # likewise
        for record in self.records.values():
            self._keep_audio(record)
        self._taken = {*self.records, *library.transcript_ids()}
        self._without_identity = {name for name, record in self.records.items() if record.identity is None}
        slugs = {record.episode.show: record.episode.slugs[0] for record in self.records.values()}
        self._former = {title: slug for title, slug in slugs.items() if slug == show_slug(title, former_slug)}
        self._stored = {r.audio.path: r.episode.id for r in self.records.values() if r.audio}

    def admit(self, found: FoundFile, offered: Collection[str] = ()) -> Record:
        """The record of a recording: the one it has, or a new one. What its publisher says of it is brought up to date.

        `offered` are the identities of all that its feed offers now; see `known`. Nothing is written yet.
        """
        before = self.known(found, offered)
        if before and found.path:  # a file has nothing new to tell, but of the texts that lie beside it
            if new := [text for text in found.transcripts if text not in before.transcripts]:
                before = dataclasses.replace(before, transcripts=(*before.transcripts, *new))
                self.keep(before)
            return before
        name = before.episode.id if before else self._name(found, self._place(found))
        told = Episode(
            id=name,
            show=before.episode.show if before else _printable(found.show),
            title=_printable(found.title),
            published=found.published,
            guid=found.guid,
            link=found.link,
            enclosure=found.enclosure,
            description=found.description,
        )
        record = _told_again(before, told, found) if before else Record(told, found.identity, _key(found.source))
        if found.source or not before:
            record = dataclasses.replace(
                record,
                transcripts=found.transcripts,
                chapters=found.chapters,
                persons=found.persons,
                language=found.language,
                length=found.length,
                alternates=found.alternates,
                doubtful=found.doubtful,
                duration_ms=found.duration_ms,
            )
        self.keep(record)
        return record

    def known(self, found: FoundFile, offered: Collection[str] = ()) -> Record | None:
        """The record that a recording has, if it has one.

        With `offered`, the identities of all that its feed offers now, also where the feed has given it a new guid: an
        episode whose own is not offered any more, of the same address and title, or of the same date and either title
        or length: a show that moves to another host may change guids, addresses and lengths at once.
        """
        name = (
            self._by_identity.get(found.identity)
            or self._by_audio_of(found)
            or self._under_another(found, offered)
            or self._by_own_name(found)
        )
        return self.records.get(name or self._stored.get(self._place(found) or "") or "")

    def _under_another(self, found: FoundFile, offered: Collection[str]) -> str | None:
        if not offered or not found.enclosure or not found.source:
            return None
        source, address = source_key(found.source), same_audio(found.enclosure, lasting_query=True)
        titles = {_printable(found.title), _printable(found.whole or found.title)}
        same = [
            record
            for record in (self.records.get(name) for name in self._by_audio.get(address, ()))
            if record and record.episode.title in titles
        ]
        if not same and found.published:
            of_that_date = (self.records.get(name) for name in self._by_date.get(found.published, ()))
            same = [
                record
                for record in of_that_date
                if record and (record.episode.title == _printable(found.title) or _has_length(record, found))
            ]
        left = [r for r in same if r.source == source and set(_identities(r)).isdisjoint(offered)]
        return left[0].episode.id if len(left) == 1 else None

    def _by_audio_of(self, found: FoundFile) -> str | None:
        """The episode with audio at the same address, where either was found without its feed."""
        alike = self._by_audio.get(same_audio(found.enclosure, lasting_query=True), ()) if found.enclosure else ()
        records = [self.records[name] for name in alike if name in self.records]
        return next((r.episode.id for r in records if found.source is None or r.source is None), None)

    def _by_own_name(self, found: FoundFile) -> str | None:
        """The episode without an identity, as its record was rebuilt, that has the id which this would be given."""
        if not self._without_identity or found.path:
            return None
        name = self._new_id(found, self._taken - self._without_identity)
        return name if name in self._without_identity else None

    def by_source(self) -> dict[str, list[str]]:
        """The ids of the episodes that each source has led to, by its address."""
        led: dict[str, list[str]] = {}
        for record in self.records.values():
            for address in dict.fromkeys((record.source, *record.through)):
                if address:
                    led.setdefault(address, []).append(record.episode.id)
        return led

    def sources(self) -> list[str]:
        """The feeds and folders that the library's episodes came from; its own audio folder and what is gone aside."""
        sources = self._sources_as_stored | {record.source for record in self.records.values() if record.source}
        again = []
        for source in sorted(source for source in sources if "…" not in source):
            place = Path(source)  # a folder, or a feed that was saved
            is_of_web = source.startswith(("http://", "https://"))
            if is_of_web or (place.exists() and not place.resolve().is_relative_to(self.library.audio)):
                again.append(source)
        return again

    def keep(self, record: Record) -> None:
        """Stores the record in the catalog."""
        self.records[record.episode.id] = record
        self._taken.add(record.episode.id)
        if record.identity is None:
            self._without_identity.add(record.episode.id)
        else:
            self._without_identity.discard(record.episode.id)
        if record.audio:
            self._stored[record.audio.path] = record.episode.id
        self._keep_audio(record)
        self._by_identity |= dict.fromkeys(_identities(record), record.episode.id)

    def _keep_audio(self, record: Record) -> None:
        if enclosure := record.episode.enclosure:
            self._by_audio.setdefault(same_audio(enclosure, lasting_query=True), {})[record.episode.id] = None
        if published := record.episode.published:
            self._by_date.setdefault(published, {})[record.episode.id] = None

    def forget(self, record: Record) -> None:
        """Removes an episode whose audio is another episode's."""
        self.records.pop(record.episode.id, None)
        for identity in _identities(record):
            self._by_identity.pop(identity, None)

    def with_audio(self, sha256: str) -> Record | None:
        """The episode with audio of this sha256."""
        return next((r for r in self.records.values() if r.audio and r.audio.sha256 == sha256), None)

    def _name(self, found: FoundFile, place: str | None) -> str:
        if place:  # put there by its owner under a name that can be an id
            name = place.removeprefix("audio/").rsplit(".", 1)[0]
            if is_id(name) and name not in self._taken:
                return name
        return self._new_id(found, self._taken)

    def _new_id(self, found: FoundFile, taken: set[str]) -> str:
        show = self._former.get(_printable(found.show), found.show)  # its episodes stay under one slug
        return episode_id(show, found.title, found.published, found.identity, taken)

    def _place(self, found: FoundFile) -> str | None:
        """The recording's path in the library's audio folder, if it lies there."""
        if found.path is None or not found.path.resolve().is_relative_to(self.library.audio):
            return None
        return found.path.resolve().relative_to(self.library.root).as_posix()


def _has_length(record: Record, found: FoundFile) -> bool:
    return found.length is not None and found.length >= LEAST_TELLING and record.length == found.length


def _identities(record: Record) -> list[str]:
    return [*([record.identity] if record.identity else []), *record.also]


def _key(source: str | None) -> str | None:
    return source and source_key(source)


def _without_secrets(record: Record) -> Record:
    """A record as it is written today; earlier releases wrote sources with their passwords."""
    through = tuple(dict.fromkeys(source_key(address) for address in record.through))
    return dataclasses.replace(record, source=_key(record.source), through=through)


def _told_again(before: Record, told: Episode, found: FoundFile) -> Record:
    """The record with what a feed says: a feed says more than a page, and is asked again."""
    if found.source is None and before.source:
        return before
    source = _key(found.source) or before.source
    also = [name for name in (*before.also, before.identity) if name and name != found.identity]
    through = [address for address in (*before.through, before.source) if address and address != source]
    return dataclasses.replace(
        before,
        episode=told,
        identity=found.identity,
        source=source,
        also=tuple(dict.fromkeys(also)),
        through=tuple(dict.fromkeys(through)),
    )


def _printable(text: str) -> str:
    """On one line, without what would move a terminal's cursor."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
