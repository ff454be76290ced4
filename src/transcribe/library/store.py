"""A library, a folder of plain files: their paths, reading and writing them, and the lock.

audio/<show>/<episode>.<ext>         the very bytes that were transcribed
audio/<show>/<episode>.json          the episode's record
audio/sources.txt                    the sources that every run asks
transcripts/<show>/<episode>.json    the truth about what was said
transcripts/<show>/<episode>.vtt     the same for any player
.playhead/                           all that can be rebuilt
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import filelock

from transcribe.errors import CannotWrite, LibraryLocked, TranscriptError
from transcribe.library.caption_writer import to_vtt
from transcribe.library.episode import Record, is_id
from transcribe.library.transcript import Transcript

UMASK = os.umask(0o077)  # the umask can only be read by setting it
os.umask(UMASK)

ASKED_S = 0.5  # `is_locked` of another process may hold the lock for so long


class Library:
    """One library. To make this object reads and writes nothing."""

    read_only = False  # whether it is only looked at, as in a dry run

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.audio = self.root / "audio"
        self.transcripts = self.root / "transcripts"
        self.state = self.root / ".playhead"

    def record_path(self, episode_id: str) -> Path:
        """The path of the episode's record. Raises TranscriptError (`bad_id`) for what is no id."""
        return self.audio / f"{_checked(episode_id)}.json"

    def transcript_path(self, episode_id: str) -> Path:
        """The path of the episode's transcript. Raises TranscriptError (`bad_id`) for what is no id."""
        return self.transcripts / f"{_checked(episode_id)}.json"

    def inside(self, relative: str) -> Path | None:
        """The file of that path if it lies in the library, links followed; else None."""
        try:
            path = (self.root / relative).resolve()
            return path if path.is_file() and path.is_relative_to(self.root) else None
        except (OSError, ValueError):  # too long for a name, or with a NUL: there is no such file
            return None

    def records(self) -> list[Record]:
        """Every episode's record, by id. Those that cannot be read are left out."""
        found = []
        for name in self.record_ids():
            with contextlib.suppress(TranscriptError):
                found.append(self.load_record(name))
        return found

    def record_ids(self) -> list[str]:
        """The ids of all episodes that have a record, whether it can be read or not."""
        paths = self.audio.glob("*/*.json")
        return sorted(name for p in paths if is_id(name := f"{p.parent.name}/{p.stem}"))

    def set_record_aside(self, episode_id: str) -> None:
        """Renames a record that cannot be read, so that nothing overwrites it: a person may have edited it."""
        path = self.record_path(episode_id)
        with contextlib.suppress(OSError):
            path.replace(path.with_name(f"{path.name}.unreadable"))

    def load_record(self, episode_id: str) -> Record:
        """The episode's record. Raises TranscriptError (`bad_record`) where it is missing or cannot be read."""
        path = self.record_path(episode_id)
        try:
            record = Record.from_json(json.loads(path.read_bytes()))
        except (OSError, ValueError, RecursionError) as problem:
            raise TranscriptError("bad_record", f"{path}: {problem}") from problem
        if record.episode.id != episode_id:
            raise TranscriptError("bad_record", f"{path}: it is the record of {record.episode.id}")
        return record

    def save_record(self, record: Record) -> None:
        """Writes the record, whole or not at all. Raises CannotWrite."""
        text = json.dumps(record.to_json(), ensure_ascii=False, indent=1) + "\n"
        write_whole(self.record_path(record.episode.id), text.encode(errors="replace"))

    def transcript_ids(self) -> list[str]:
        """The ids of all episodes that have a transcript, sorted."""
        paths = self.transcripts.glob("*/*.json")
        return sorted(name for p in paths if is_id(name := f"{p.parent.name}/{p.stem}"))

    def load_transcript(self, episode_id: str) -> Transcript:
        """The episode's transcript. Raises TranscriptError: `no_transcript`, or `bad_transcript` for a bad file."""
        path = self.transcript_path(episode_id)
        try:
            transcript = Transcript.from_json(path.read_bytes())
        except FileNotFoundError:
            raise TranscriptError("no_transcript", f"{episode_id} has no transcript") from None
        except OSError as problem:
            raise TranscriptError("bad_transcript", f"{path}: {problem.strerror}") from problem
        except TranscriptError as problem:
            raise TranscriptError(problem.code, f"{path}: {problem}") from problem
        if transcript.episode.id != episode_id:
            raise TranscriptError("bad_transcript", f"{path} is the transcript of {transcript.episode.id}")
        return transcript

    def save_transcript(self, transcript: Transcript) -> None:
        """Writes the `.vtt`, then the `.json`, each whole; where the `.json` is, so is the `.vtt`.

        Raises TranscriptError (`bad_transcript`) where an invariant of the format does not hold, CannotWrite.
        """
        transcript.check()
        path = self.transcript_path(transcript.episode.id)
        write_whole(path.with_suffix(".vtt"), to_vtt(transcript).encode(errors="replace"))
        write_whole(path, transcript.to_json().encode(errors="replace"))

    def is_locked(self) -> bool:
        """Whether some process holds the library now."""
        if not (self.state / "lock").exists():
            return False
        try:
            filelock.FileLock(self.state / "lock", timeout=0).acquire().lock.release()
        except filelock.Timeout:
            return True
        except OSError:
            return False  # a read-only library, which nobody can write
        return False

    @contextlib.contextmanager
    def locked(self) -> Iterator[Path]:
        """Holds the library for this process, and gives the folder of its state.

        Raises LibraryLocked, naming the owner, where another process has it.

        The operating system releases the lock when its owner ends, in whatever way.
        """
        self.state.mkdir(parents=True, exist_ok=True)
        owner = self.state / "lock.owner"
        try:
            lock = filelock.FileLock(self.state / "lock", timeout=ASKED_S)
            lock.acquire()
        except filelock.Timeout:
            named = ""
            with contextlib.suppress(FileNotFoundError):  # the owner has just taken the lock, or is just releasing it
                named = owner.read_text()
            raise LibraryLocked(self.root, named or "unknown") from None
        try:
            owner.write_text(str(os.getpid()))
            yield self.state
        finally:
            owner.unlink(missing_ok=True)
            lock.release()


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_whole(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Replaces the file in one step: a reader sees the old bytes or the new, at any moment and after any crash.

    The file's mode is `mode` without the bits of the umask. Raises CannotWrite.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode & ~UMASK)
        publish(temporary, path)
    except BaseException as problem:
        if temporary:
            temporary.unlink(missing_ok=True)
        if isinstance(problem, OSError):
            raise CannotWrite(problem.errno, problem.strerror, str(path)) from problem
        raise


def publish(finished: Path, path: Path) -> None:
    """Renames a finished, synced file, and syncs the folder, so that the name survives a power cut."""
    finished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def link(path: Path, name: Path) -> None:
    """Makes `name` a hard link to `path`, if the file system can; the two must hold the same bytes."""
    temporary = name.with_name(f".new-{name.name}")
    with contextlib.suppress(OSError):
        temporary.unlink(missing_ok=True)
        os.link(path, temporary)
        publish(temporary, name)


def _checked(episode_id: str) -> str:
    if not is_id(episode_id):
        raise TranscriptError("bad_id", f"not an episode's id: {episode_id!r}")
    return episode_id
