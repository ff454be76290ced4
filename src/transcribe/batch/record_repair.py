"""A record that cannot be read, made anew from the transcript and the audio beside it."""

import dataclasses
import re

from transcribe.batch.result_writer import damaged
from transcribe.console import Progress
from transcribe.errors import EpisodeError, TranscriptError
from transcribe.fetch.catalog import Catalog
from transcribe.fetch.episode_fetcher import measured
from transcribe.library.episode import AudioFile, Episode, Record
from transcribe.library.store import Library
from transcribe.library.transcript import Transcript
from transcribe.web.media_types import AUDIO_SUFFIXES

_DATED = re.compile(r"(?P<date>\d{4}-\d\d-\d\d)(?:-(?P<title>.+))?", re.ASCII)


def repair_records(library: Library, catalog: Catalog, progress: Progress) -> None:
    """Says which records cannot be read, and rebuilds those of episodes that have a transcript or audio.

    What cannot be read is kept beside the new record, as `<episode>.json.unreadable`. A source that offers the episode
    knows it again by its id.
    """
    for episode_id in library.record_ids():
        if episode_id in catalog.records:
            continue
        try:
            library.load_record(episode_id)
        except TranscriptError as problem:
            progress.say(f"{episode_id}: its record cannot be read: {problem}")
        record = rebuilt(library, catalog, episode_id)
        library.set_record_aside(episode_id)
        if record:
            catalog.keep(record)
            library.save_record(record)
            progress.say(f"{episode_id}: its record was rebuilt from what is stored of it")
        else:
            progress.say(f"{episode_id}: nothing else of it is stored, so it counts as new")


def rebuilt(library: Library, catalog: Catalog, episode_id: str) -> Record | None:
    """The record, as far as transcript, audio and other episodes of the show tell; None where nothing is stored."""
    try:
        transcript: Transcript | None = library.load_transcript(episode_id)
    except TranscriptError:
        transcript = None
    audio = _audio(library, episode_id, transcript)
    if audio is None and transcript is None:
        return None
    record = Record(transcript.episode if transcript else _episode(catalog, episode_id), audio=audio)
    if transcript is None:
        return dataclasses.replace(record, state="fetched")
    if audio and transcript.audio and transcript.audio.sha256 != audio.sha256:
        return dataclasses.replace(record, state="fetched")  # of other audio: it is to be made again
    record = dataclasses.replace(record, state="transcribed", quality=transcript.quality)
    return damaged(record, transcript.damage, transcript.duration_ms) if transcript.damage else record


def _audio(library: Library, episode_id: str, transcript: Transcript | None) -> AudioFile | None:
    """The episode's audio: where the transcript says it is, or named like the record."""
    base = library.record_path(episode_id)
    named = [transcript.audio.path] if transcript and transcript.audio else []
    beside = (base.with_suffix(suffix) for suffix in AUDIO_SUFFIXES)
    for relative in [*named, *(path.relative_to(library.root).as_posix() for path in beside)]:
        if path := library.inside(relative):
            try:
                found = measured(path)
            except EpisodeError:
                continue
            return AudioFile(relative, found.sha256, found.bytes, found.media_type)
    return None


def _episode(catalog: Catalog, episode_id: str) -> Episode:
    """What an id tells of its episode; the show's title is that of other episodes."""
    show, name = episode_id.split("/")
    alike = (record.episode.show for record in catalog.records.values() if record.episode.slugs[0] == show)
    dated = _DATED.fullmatch(name)
    title = (dated["title"] or name) if dated else name
    published = dated["date"] if dated else None
    return Episode(episode_id, next(alike, _titled(show)), _titled(title), published)


def _titled(slug: str) -> str:
    return slug.replace("-", " ").title()
