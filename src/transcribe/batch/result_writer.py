"""What came of each step, written into the library and the report."""

import dataclasses
import re
from typing import Any

from transcribe.batch.next_step import NOT_TAKEN
from transcribe.batch.report import Report
from transcribe.console import Progress
from transcribe.errors import EpisodeError, TranscriptError
from transcribe.fetch.catalog import Catalog
from transcribe.fetch.download import Downloaded
from transcribe.fetch.episode_fetcher import FetchedEpisode
from transcribe.fetch.polling import Candidate
from transcribe.library.chapters import chapters_path, load_chapters, parse_chapters, save_chapters
from transcribe.library.clock import clock
from transcribe.library.episode import DAMAGES, AudioFile, Episode, Failure, PublishedText, Record
from transcribe.library.store import Library, link, write_whole
from transcribe.library.transcript import Damage, Transcript
from transcribe.publishers.script import PUBLISHED
from transcribe.publishers.transcript_formats import suffix
from transcribe.transcription.checkpoints import Checkpoints
from transcribe.web.urls import citable, citable_url

_NO_SOUND = ("not_audio", "no_audio")
_DONE = ("transcribed", *DAMAGES)


class ResultWriter:
    """Writes records, transcripts and what is kept beside the audio. The caller holds the library's lock."""

    def __init__(
        self, library: Library, catalog: Catalog, checkpoints: Checkpoints, progress: Progress, report: Report
    ) -> None:
        self._library, self._catalog, self._checkpoints = library, catalog, checkpoints
        self._progress, self._report = progress, report

    def keep(self, record: Record) -> None:
        """Writes a record."""
        self._catalog.keep(record)
        self._library.save_record(record)

    def fail(self, name: str, failure: Failure, record: Record | None = None) -> None:
        """Reports that an episode, by id, or a source failed; the episode's record says so, too."""
        if failure.code == "retry_later":
            self._report.later[name] = failure
            return
        if record and record.doubtful and failure.code in _NO_SOUND:
            reason = _reason(failure)
            self._report.not_taken[reason] += 1
            self.keep(record.failed(NOT_TAKEN, f"{reason}: {failure.message}"))
            return
        self._report.failed[name] = failure
        if record:
            self.keep(record.failed(failure.code, failure.message))

    def changed_upstream(self, record: Record) -> None:
        """The publisher has put other audio in the place of what is stored."""
        self.keep(dataclasses.replace(record, changed_upstream=True))
        self._report.changed_upstream.append(record.episode.id)

    def fetched(self, candidate: Candidate, got: FetchedEpisode) -> Record | None:
        """The record with its audio, if that is to be transcribed.

        None where another episode has the same bytes: one of the same show is this one under another name, and the
        transcript of another show's is this one's too.
        """
        record, audio = candidate.record, got.audio
        same = self._catalog.with_audio(audio.sha256)
        is_another = same is not None and same.episode.id != record.episode.id
        if same and is_another and record.audio is None and (candidate.path or same.source == record.source):
            self._merge(candidate, audio, same)
            return None
        path = audio.path.relative_to(self._library.root).as_posix()
        if record.audio and record.audio.sha256 == audio.sha256 and record.state in _DONE:
            self._keep_as_before(record, audio)
            return None
        if record.audio and record.audio.path != path and (old := self._library.inside(record.audio.path)):
            old.unlink()  # it had another suffix
        if record.audio and record.audio.sha256 != audio.sha256:
            chapters_path(self._library, record.episode.id).unlink(missing_ok=True)  # they were of the other audio
        stored = AudioFile(path, audio.sha256, audio.bytes, audio.media_type, audio.validators)
        record = dataclasses.replace(record, audio=stored, state="fetched", error=None, changed_upstream=False)
        self._keep_beside(record, got)
        self.keep(record)
        self._report.fetched.append(record.episode.id)
        if record.episode.id in self._report.changed_upstream:
            self._report.changed_upstream.remove(record.episode.id)  # it is taken
        self._report.bytes += audio.bytes
        if same and is_another and self._take_over(record, same):
            return None
        came = "found" if candidate.path == audio.path else "fetched"
        self._progress.say(f"{came} {record.episode.id}, {audio.bytes / 1e6:.1f} MB")
        return record

    def _keep_as_before(self, record: Record, audio: Downloaded) -> None:
        """Audio that was fetched again and is the same to the byte: its transcript stands."""
        assert record.audio
        stored = dataclasses.replace(record.audio, validators=audio.validators)
        self.keep(dataclasses.replace(record, audio=stored, changed_upstream=False))
        if record.episode.id in self._report.changed_upstream:
            self._report.changed_upstream.remove(record.episode.id)
        self._report.unchanged.append(record.episode.id)

    def keep_text(self, record: Record, offered: PublishedText, data: bytes) -> None:
        """Writes the publisher's transcript beside the audio, as it came."""
        write_whole(self._library.record_path(record.episode.id).with_suffix(suffix(offered)), data)

    def transcribed(self, record: Record, transcript: Transcript) -> None:
        """Writes a transcript, and what its record is to say of it; drops the checkpoints of this audio."""
        self._library.save_transcript(dataclasses.replace(transcript, episode=public(record.episode)))
        if transcript.chapters and not load_chapters(self._library, record.episode.id):
            save_chapters(self._library, record.episode.id, transcript.chapters)
        record = dataclasses.replace(record, state="transcribed", error=None, quality=transcript.quality)
        if transcript.damage:
            record = damaged(record, transcript.damage, transcript.duration_ms)
            assert record.error is not None
            self._report.damaged[record.episode.id] = record.error
        self.keep(record)
        assert transcript.audio is not None
        self._checkpoints.forget(transcript.audio.sha256)
        is_published = transcript.engine.name == PUBLISHED
        (self._report.published if is_published else self._report.transcribed).append(record.episode.id)
        self._report.audio_ms += transcript.duration_ms
        self._progress.say(f"transcribed {record.episode.id}, {clock(transcript.duration_ms)}")
        if is_published:
            self._tell_of_text(record.episode.id, transcript.engine.options)

    def _tell_of_text(self, name: str, options: dict[str, Any]) -> None:
        """What became of a publisher's text, and what of it was not checked."""
        for note in options.get("notes", ()):
            self._progress.say(f"{name}: its publisher's transcript: {note}")
        if unchecked := options.get("unchecked"):
            self._report.unchecked[name] = Failure("unchecked", f"its publisher's transcript: {unchecked}")

    def _keep_beside(self, record: Record, got: FetchedEpisode) -> None:
        """The publisher's transcript as it came, and the chapters."""
        if got.text:
            self.keep_text(record, *got.text)
        if got.chapters:
            try:
                save_chapters(self._library, record.episode.id, parse_chapters(got.chapters))
            except EpisodeError as problem:
                self._progress.say(f"{record.episode.id}: {problem}")

    def _take_over(self, record: Record, same: Record) -> bool:
        """Gives an episode the transcript of another show's with the same bytes, which are stored once."""
        assert record.audio
        assert same.audio
        try:
            transcript = self._library.load_transcript(same.episode.id)
        except TranscriptError:
            return False
        if transcript.audio is None or transcript.audio.sha256 != record.audio.sha256:
            return False
        if stored := self._library.inside(same.audio.path):
            link(stored, self._library.root / record.audio.path)
        audio = dataclasses.replace(transcript.audio, path=record.audio.path)
        chapters = load_chapters(self._library, same.episode.id)
        mine = dataclasses.replace(transcript, episode=record.episode, audio=audio, chapters=chapters)
        self.transcribed(record, mine)
        return True

    def _merge(self, candidate: Candidate, got: Downloaded, same: Record) -> None:
        """Drops audio that the library holds under another name, which learns of this one's identity."""
        if got.path != (candidate.path and candidate.path.resolve()):
            got.path.unlink()
        record = candidate.record
        self._catalog.forget(record)
        self._library.record_path(record.episode.id).unlink(missing_ok=True)
        also = dict.fromkeys((*same.also, *([record.identity] if record.identity else [])))
        through = dict.fromkeys((*same.through, *record.through))
        self.keep(dataclasses.replace(same, also=tuple(also), through=tuple(through)))
        self._report.unchanged.append(same.episode.id)
        self._progress.say(f"{candidate.path or record.episode.title} is already here, as {same.episode.id}")


def _reason(failure: Failure) -> str:
    """Why a file that might have been a recording is none: what the server said it is, where it said that."""
    if failure.code == "no_audio":
        return "video without sound"
    served = re.search(r"served as ([\w.+-]+/[\w.+-]+)", failure.message)
    return served[1] if served else "not audio"


def public(episode: Episode) -> Episode:
    """The episode without passwords and tokens, as a transcript may hold it."""
    return dataclasses.replace(
        episode,
        guid=episode.guid and citable(episode.guid),
        link=episode.link and citable_url(episode.link),
        enclosure=episode.enclosure and citable_url(episode.enclosure),
        description=citable(episode.description),
    )


def damaged(record: Record, damage: Damage, duration_ms: int) -> Record:
    """The record of an episode whose audio could not be decoded as a whole."""
    if damage.truncated:
        of = f" of {clock(damage.declared_ms)}" if damage.declared_ms else ""
        error = Failure("truncated", f"the audio breaks off: {clock(duration_ms)}{of} could be decoded")
        return dataclasses.replace(record, state="truncated", error=error)
    seconds = sum(end - start for start, end in damage.missing) / 1000
    error = Failure("damaged", f"{seconds:.1f} s of the audio could not be decoded, from {clock(damage.missing[0][0])}")
    return dataclasses.replace(record, state="damaged", error=error)
