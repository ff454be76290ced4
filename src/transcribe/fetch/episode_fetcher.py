"""Fetches an episode's audio into the library, and what its publisher offers beside it.

What is brought may be brought in a thread; what it means for the library is for its owner to say.
"""

import dataclasses
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from transcribe.console import Advance, Progress
from transcribe.errors import FetchError
from transcribe.fetch.download import Downloaded, changed, download, store
from transcribe.fetch.http_client import HttpClient, login_for
from transcribe.fetch.polling import Candidate
from transcribe.fetch.same_sound import same_but_for_passages
from transcribe.library.episode import PublishedText, Record
from transcribe.library.store import Library, publish, sha256_of
from transcribe.web.media_types import type_of_file
from transcribe.web.urls import host_of, public_url

log = logging.getLogger(__name__)

_NOT_OF_THE_URL = ("disk_full", "cannot_write", "stopped")  # another address would not help


@dataclass(frozen=True, slots=True)
class FetchedEpisode:
    """What was fetched for an episode."""

    audio: Downloaded
    text: tuple[PublishedText, bytes] | None = None  # its publisher's own transcript
    chapters: bytes | None = None


class EpisodeFetcher:
    """Fetches episodes into a library. Safe to share between threads."""

    def __init__(
        self,
        library: Library,
        connection: HttpClient,
        progress: Progress,
        texts: Callable[[Record], Iterable[PublishedText]],
        urls: Mapping[str, str] | None = None,
    ) -> None:
        """`texts` gives those of an episode's published transcripts that are wanted, the best first.

        `urls` are the addresses of sources by their keys, with the passwords that records do not hold.
        """
        self._urls = urls if urls is not None else {}
        self.library, self.connection, self.progress, self.texts = library, connection, progress, texts

    def bring(self, candidate: Candidate) -> FetchedEpisode:
        """Stores the audio in the library; returns the rest as bytes. Raises FetchError for the audio alone."""
        record = candidate.record
        with self.progress.task(f"fetch {record.episode.title}", "bytes") as advance:
            audio = self._audio(candidate, advance)
        return FetchedEpisode(audio, self.text(candidate), self._bytes(record.chapters, record))

    def text(self, candidate: Candidate) -> tuple[PublishedText, bytes] | None:
        """The best of the publisher's transcripts that can be fetched."""
        for offered in self.texts(candidate.record):
            data = _beside(candidate.path, offered.url) or self._bytes(offered.url, candidate.record)
            if data:
                return offered, data
        return None

    def is_outdated(self, candidate: Candidate) -> bool:
        """Whether the publisher now has other audio than is stored; False where that is unknown."""
        record = candidate.record
        enclosure, validators = record.episode.enclosure, record.audio.validators if record.audio else None
        if enclosure is None or validators is None:
            return False
        return changed(self.connection, self._with_login(enclosure, record), validators) is True

    def host(self, candidate: Candidate) -> str:
        """The host to ask; files of this machine share one name, so they are copied one after another."""
        return "" if candidate.path else host_of(candidate.record.episode.enclosure or "")

    def _audio(self, candidate: Candidate, advance: Advance) -> Downloaded:
        """The audio, left in its place in the library, copied or downloaded."""
        path, enclosure = candidate.path, candidate.record.episode.enclosure
        if path and path.resolve().is_relative_to(self.library.audio):
            return measured(path.resolve())
        target = self.library.record_path(candidate.record.episode.id).with_suffix("")
        target.parent.mkdir(parents=True, exist_ok=True)
        if path:
            return store(path, target)
        if enclosure:
            urls, audio = [enclosure, *candidate.record.alternates], candidate.record.audio
            if audio and (stored := self.library.inside(audio.path)):
                aside = target.with_name(f".{target.name}")
                return self._chosen(candidate.record, stored, self._downloaded(urls, candidate.record, aside, advance))
            return self._downloaded(urls, candidate.record, target, advance)
        raise FetchError("no_audio_known", "its audio is gone from the library, and where it came from is not known")

    def _chosen(self, record: Record, stored: Path, new: Downloaded) -> Downloaded:
        """The new audio in its place; where it is the stored one but for short passages, that is kept."""
        assert record.audio
        try:
            is_same = new.sha256 == record.audio.sha256 or same_but_for_passages(stored, new.path)
            if not is_same:
                path = new.path.with_name(new.path.name.removeprefix("."))
                publish(new.path, path)
                return dataclasses.replace(new, path=path)
            new.path.unlink()
        except OSError as problem:
            raise FetchError("cannot_write", f"{stored}: {problem.strerror}") from problem
        if new.sha256 != record.audio.sha256:
            self.progress.say(
                f"{record.episode.id}: the new audio is what is stored but for tags or short passages, such as "
                "advertisements, so that is kept; to take it all the same, delete the audio and the transcript"
            )
        kept = record.audio
        return Downloaded(stored, kept.sha256, kept.bytes, kept.media_type, new.url, new.validators)

    def _downloaded(self, urls: Sequence[str], record: Record, target: Path, advance: Advance) -> Downloaded:
        """The audio from the first of its URLs where it can be had; what is wrong with each of the others is said."""
        problems: list[FetchError] = []
        for url in urls:
            try:
                audio = download(self.connection, self._with_login(url, record), target, advance)
            except FetchError as problem:
                if problem.code in _NOT_OF_THE_URL:
                    raise
                problems.append(problem)
                continue
            for failed in problems:
                self.progress.say(f"{record.episode.id}: {failed}; it came from {public_url(url)}")
            return audio
        raise FetchError(problems[0].code, "; ".join(map(str, problems)), problems[0].retry_after_s)

    def _bytes(self, url: str | None, record: Record) -> bytes | None:
        """The bytes at a URL; None where they cannot be fetched, since only the audio is needed."""
        if url is None:
            return None
        try:
            return self.connection.get(self._with_login(url, record)).body
        except FetchError as problem:
            log.warning("%s: %s", record.episode.id, problem)
            return None

    def _with_login(self, url: str, record: Record) -> str:
        source = self._urls.get(record.source or "") or (record.source or "").partition(" ")[0]
        return login_for(url, source) if source.startswith(("http://", "https://")) else url


def _beside(path: Path | None, url: str) -> bytes | None:
    """A text that lies beside a file on this machine; no other file is opened, whatever a feed says."""
    if path is None or not url.startswith("file:"):
        return None
    text = Path(unquote(urlsplit(url).path))
    if text.parent.resolve() != path.parent.resolve():
        return None
    try:
        return text.read_bytes()
    except OSError as problem:
        log.warning("%s: %s", text, problem.strerror)
        return None


def measured(path: Path) -> Downloaded:
    """A file that lies in the library already, as if it had been fetched. Raises FetchError (`cannot_read`)."""
    try:
        digest, size = sha256_of(path), path.stat().st_size
    except OSError as problem:
        raise FetchError("cannot_read", f"{path}: {problem.strerror}") from problem
    return Downloaded(path, digest, size, type_of_file(path), url=None)
