"""Which episode of a library an imported file is: the one that it made before, or a new one with an id of its own.

An episode's record remembers the file it came from. Names that are alike ("C++ intro", "C# intro") make one slug, so
the name alone does not tell.
"""

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from transcribe.errors import TranscriptError
from transcribe.library.episode import Episode, Record, episode_id, show_slug
from transcribe.library.store import Library
from transcribe.library.transcript import Transcript
from transcribe.publishers.caption_import import Imported, imported, name_of, own_transcript

LONGEST_TITLE = 80  # characters: of more, an id holds the first, and digits of a hash of all
_MARK = "captions"  # what the identity of an imported episode begins with


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that was taken into a library."""

    id: str
    replaced: bool  # it made this episode before
    notes: tuple[str, ...]  # what of it was dropped, repaired or guessed, for a person


class ImportedEpisodes:
    """The episodes of a library, by the files that they came from."""

    def __init__(self, library: Library) -> None:
        self.library = library
        records = library.records()
        self._records = {record.episode.id: record for record in records}
        self._by_file = {name: r.episode.id for r in records for name in (r.identity, *r.also) if name}
        self._ids = {*self._records, *library.transcript_ids()}
        self._shows: dict[str, str] = {}  # the title of each show, by its slug
        for record in records:
            self._shows.setdefault(record.episode.slugs[0], record.episode.show)

    def take(
        self,
        path: Path,
        show: str | None = None,
        language: str | None = None,
        encoding: str | None = None,
        episode: str | None = None,
    ) -> Taken:
        """Makes a file's transcript the episode's that it made before, or a new one's, and writes it.

        `episode` is the id of the one that it is of, where its owner says it. Raises TranscriptError, naming the path
        and what is wrong.
        """
        made = imported(path, show, language=language, encoding=encoding)
        if episode:
            return self._put_under(made, episode, path)
        if own_transcript(path):
            return self._restored(made.transcript)
        transcript = made.transcript
        identity = _identity(path, transcript.episode.show)
        folder = path.absolute().parent.name if show else ""
        before = self._before(identity, path, transcript)
        name = before or self._new_name(identity, transcript.episode, folder)
        named = dataclasses.replace(transcript.episode, id=name)
        self.library.save_transcript(dataclasses.replace(transcript, episode=named))
        also = (_contents(path),)
        self._keep(Record(named, identity, state="transcribed", also=also, language=_told(transcript)))
        return Taken(name, before is not None, made.notes)

    def _put_under(self, made: Imported, name: str, path: Path) -> Taken:
        """The text of an episode that is known, under what is known of it."""
        record = self._records.get(name)
        episode = record.episode if record else self.library.load_transcript(name).episode
        self.library.save_transcript(dataclasses.replace(made.transcript, episode=episode))
        identity = _identity(path, episode.show)
        kept = record or Record(episode, identity, state="transcribed")
        also = tuple(dict.fromkeys((*kept.also, identity, _contents(path))))
        self._keep(dataclasses.replace(kept, state="transcribed", error=None, also=also, quality=None))
        return Taken(name, True, made.notes)

    def _restored(self, transcript: Transcript) -> Taken:
        """Playhead's own: it says which episode it is of. What a recognizer heard is not replaced by other words."""
        name = transcript.episode.id
        if name in self._ids:
            self._check_may_replace(name, transcript)
        self.library.save_transcript(transcript)
        replaced = name in self._ids
        self._ids.add(name)
        return Taken(name, replaced, ())

    def _check_may_replace(self, name: str, transcript: Transcript) -> None:
        try:
            present = self.library.load_transcript(name)
        except TranscriptError:
            return
        if present.audio and present != transcript:
            raise TranscriptError(
                "heard", f"{name} has a transcript of its sound, by {present.engine.name}; --episode {name} replaces it"
            )

    def _before(self, identity: str, path: Path, transcript: Transcript) -> str | None:
        """The episode that the file made before: here, or where it has been moved from, or in an older release."""
        if known := self._by_file.get(identity):
            return known
        moved = self._by_file.get(_contents(path))
        if moved and (record := self._records.get(moved)) and _is_gone(record, path, transcript):
            return moved
        name = episode_id(
            transcript.episode.show, transcript.episode.title, transcript.episode.published, path.stem, (), self._ids
        )
        return name if name in self._ids and name not in self._records and self._is_same(name, transcript) else None

    def _is_same(self, name: str, transcript: Transcript) -> bool:
        """Whether an import of an older release, which kept no record, is of a file of this name."""
        try:
            old = self.library.load_transcript(name)
        except TranscriptError:
            return False
        one, other = old.episode, transcript.episode
        return old.engine.name == "import" and (one.show, one.title) == (other.show, other.title)

    def _new_name(self, identity: str, episode: Episode, folder: str) -> str:
        """An id that does not depend on which of several files of alike names came first, as far as names tell."""
        title = episode.title
        if title.isdecimal() and episode.published is None:  # 01 of each season
            title = f"{folder} {title}"
        elif len(title) > LONGEST_TITLE:
            title = f"{title[: LONGEST_TITLE - 10]} {hashlib.sha256(title.encode(errors='replace')).hexdigest()[:6]}"
        return episode_id(self._show(episode.show), title, episode.published, identity, self._ids)

    def _show(self, title: str) -> str:
        """The show as its ids have it: one of another title is not the same because its slug is."""
        slug = show_slug(title)
        while (other := self._shows.get(slug)) and _letters(other) != _letters(title):
            slug = f"{slug[:70]}-{hashlib.sha256(title.encode(errors='replace')).hexdigest()[:6]}"
        self._shows.setdefault(slug, title)
        return slug

    def _keep(self, record: Record) -> None:
        self.library.save_record(record)
        self._records[record.episode.id] = record
        self._ids.add(record.episode.id)
        self._by_file |= {name: record.episode.id for name in (record.identity, *record.also) if name}


def _identity(path: Path, show: str) -> str:
    """What makes an episode the one of this file: in which show, and where the file lies."""
    return f"{_MARK} {show} {name_of(path.absolute()).as_uri()}"


def _contents(path: Path) -> str:
    return f"{_MARK} {path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}"


def _is_gone(record: Record, path: Path, transcript: Transcript) -> bool:
    """Whether the file that an episode came from is no longer there, so that this one is the same, moved."""
    place = (record.identity or "").rpartition(" file://")[2]
    return record.episode.show == transcript.episode.show and not Path(unquote(place) + path.suffix).exists()


def _told(transcript: Transcript) -> str | None:
    return None if transcript.language == "und" else transcript.language


def _letters(title: str) -> str:
    """What tells one show's title from another's: not its case, spaces and stops."""
    return "".join(c for c in title.casefold() if c.isalnum() or c in "+#&@%*$€£=~^") or title
