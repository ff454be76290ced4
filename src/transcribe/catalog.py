"""Recordings that sources offer become episodes of the library, each once, each with an id for good."""

import dataclasses
from pathlib import Path

from transcribe.episode import Episode, Record, episode_id, is_id
from transcribe.library import Library
from transcribe.sources import Found


class Catalog:
    """The library's records, and which of them a recording is."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.records = {record.episode.id: record for record in library.records()}
        self._by_identity = {r.identity: r.episode.id for r in self.records.values() if r.identity}
        self._taken = {*self.records, *library.transcript_ids()}
        self._stored = {r.audio.path: r.episode.id for r in self.records.values() if r.audio}

    def admit(self, found: Found) -> Record:
        """The record of a recording: the one it has, or a new one. What its publisher says of it is brought up to date.

        Nothing is written yet.
        """
        place = self._place(found)
        known = self._by_identity.get(found.identity) or (self._stored.get(place) if place else None)
        name = known or self._name(found, place)
        before = self.records.get(name)
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
        if before and found.path:
            return before  # a file has nothing new to tell
        record = dataclasses.replace(before, episode=told) if before else Record(told, found.identity, found.source)
        self.keep(record)
        return record

    def sources(self) -> list[str]:
        """The feeds and folders that the library's episodes came from; its own audio folder and what is gone aside."""
        sources = {record.source for record in self.records.values() if record.source}
        return sorted(source for source in sources if self._can_be_asked_again(source))

    def _can_be_asked_again(self, source: str) -> bool:
        if source.startswith(("http://", "https://")):
            return True
        folder = Path(source)
        return folder.is_dir() and not folder.resolve().is_relative_to(self.library.audio)

    def keep(self, record: Record) -> None:
        """Remembers a record as it is now."""
        self.records[record.episode.id] = record
        self._taken.add(record.episode.id)
        if record.identity:
            self._by_identity[record.identity] = record.episode.id

    def forget(self, record: Record) -> None:
        """Takes back an episode that turned out to be another one's audio."""
        self.records.pop(record.episode.id, None)
        self._by_identity.pop(record.identity or "", None)

    def with_audio(self, sha256: str) -> Record | None:
        """The episode that holds these very bytes."""
        return next((r for r in self.records.values() if r.audio and r.audio.sha256 == sha256), None)

    def _name(self, found: Found, place: str | None) -> str:
        if place:  # put there by its owner under a name that can be an id
            name = place.removeprefix("audio/").rsplit(".", 1)[0]
            if is_id(name) and name not in self._taken:
                return name
        return episode_id(found.show, found.title, found.published, found.identity, self._taken)

    def _place(self, found: Found) -> str | None:
        """Where in the library's audio folder the recording already lies, if it does."""
        if found.path is None or not found.path.resolve().is_relative_to(self.library.audio):
            return None
        return found.path.resolve().relative_to(self.library.root).as_posix()


def _printable(text: str) -> str:
    """On one line, without what would move a terminal's cursor."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
