"""What plays an episode: the stored bytes, or a copy that a browser seeks truly in, and how far ahead of a word."""

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from search.index.hits import stored_address
from transcribe.errors import TranscriptError
from transcribe.library.episode import AudioFile
from transcribe.library.seekable_copy import EpisodeSeeking, SeekableCopies, may_need_copy, usual_lead_in_ms
from transcribe.library.store import Library

_REMEMBERED = 4096  # episodes


@dataclass(frozen=True, slots=True)
class SoundFile:
    """Bytes that can be served."""

    path: Path
    media_type: str


@dataclass(frozen=True, slots=True)
class EpisodeSound:
    """How an episode is played."""

    stored: SoundFile
    copy: SoundFile | None  # once it is made
    is_awaited: bool  # whether it is not known yet if a copy is needed, or one is needed and not made
    failure: str | None  # why there is no copy although one is needed
    lead_in_ms: int  # how far ahead of a word playing must start for all of the word to be heard
    stored_address: str
    seekable_address: str

    @property
    def address(self) -> str:
        """What a page plays now."""
        return self.seekable_address if self.copy else self.stored_address

    @property
    def true_address(self) -> str:
        """What is sought truly in, though it may have to be made first."""
        return self.seekable_address if self.copy or self.is_awaited else self.stored_address

    @property
    def media_type(self) -> str:
        """Of what a page plays now."""
        return (self.copy or self.stored).media_type


@dataclass(frozen=True, slots=True)
class _Known:
    """What the library's files say of an episode's sound, and their sizes and times when they were read."""

    marks: object
    audio: AudioFile | None
    finding: EpisodeSeeking | None


class EpisodeSounds:
    """The sounds of a library's episodes. With `copies` false the stored bytes are all there is."""

    def __init__(self, library: Library, copies: bool = True) -> None:
        self.library, self.copies = library, SeekableCopies(library) if copies else None
        self._remembered: OrderedDict[str, _Known] = OrderedDict()
        self._lock = Lock()

    def of(self, episode_id: str) -> EpisodeSound | None:
        """None where the library does not hold the episode's audio."""
        known = self._known(episode_id)
        path = self.library.inside(known.audio.path) if known.audio else None
        if known.audio is None or path is None:
            return None
        finding, copy = known.finding, None
        if self.copies and finding and finding.copy:
            found = self.copies.path(episode_id, finding)
            copy = SoundFile(found, finding.media_type or "") if found and found.is_file() else None
            finding = finding if copy else None  # it has been deleted, so it is made again
        address = stored_address(episode_id)
        return EpisodeSound(
            stored=SoundFile(path, known.audio.media_type),
            copy=copy,
            is_awaited=self.copies is not None and finding is None and may_need_copy(known.audio.path),
            failure=finding.failure if finding else None,
            lead_in_ms=finding.lead_in_ms if finding and finding.codec else usual_lead_in_ms(known.audio.path),
            stored_address=address,
            seekable_address=f"{address}?seekable",
        )

    def address(self, episode_id: str) -> str:
        """Of the sound of a hit in the episode, without its moment."""
        sound = self.of(episode_id)
        return sound.true_address if sound else stored_address(episode_id)

    def _known(self, episode_id: str) -> _Known:
        paths = [self.library.record_path(episode_id)]
        paths += [self.copies.finding_path(episode_id)] if self.copies else []
        marks = [_mark(path) for path in paths]
        with self._lock:
            remembered = self._remembered.get(episode_id)
        if remembered and remembered.marks == marks:
            return remembered
        known = _Known(marks, *self._read(episode_id))
        with self._lock:
            self._remembered[episode_id] = known
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return known

    def _read(self, episode_id: str) -> tuple[AudioFile | None, EpisodeSeeking | None]:
        try:
            audio = self.library.load_record(episode_id).audio
        except TranscriptError:
            return None, None
        return audio, self.copies.known(episode_id, audio.sha256) if self.copies and audio else None


def _mark(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns
