"""Where things lie in a library, a folder of plain files; reading, writing whole, and the lock.

audio/<show>/<episode>.<ext>         the very bytes that were transcribed
audio/<show>/<episode>.json          the episode's record
audio/sources.txt                    what was named, and is asked again
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

_UMASK = os.umask(0o077)  # it can only be read by setting it
os.umask(_UMASK)

ASKED_S = 0.5  # for which whoever asks whether the library is locked may hold its lock


class Library:
    """One library; nothing is read or made until it is asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.audio = self.root / "audio"
        self.transcripts = self.root / "transcripts"
        self.state = self.root / ".playhead"

    def record_path(self, episode_id: str) -> Path:
        """Of the episode's record."""
        return self.audio / f"{_checked(episode_id)}.json"

    def transcript_path(self, episode_id: str) -> Path:
        """Of the episode's transcript."""
        return self.transcripts / f"{_checked(episode_id)}.json"

    def inside(self, relative: str) -> Path | None:
        """The file of that path if it is in the library and really lies there, links followed; else None."""
        try:
            path = (self.root / relative).resolve()
            return path if path.is_file() and path.is_relative_to(self.root) else None
        except (OSError, ValueError):  # too long for a name, or with a NUL in it: no file has it
            return None

    def records(self) -> list[Record]:
        """Every episode's record, by id. A record that cannot be read is passed over: its audio will be met again."""
        found = []
        for path in sorted(self.audio.glob("*/*.json")):
            with contextlib.suppress(TranscriptError):
                found.append(self.load_record(f"{path.parent.name}/{path.stem}"))
        return found

    def load_record(self, episode_id: str) -> Record:
        """Raises TranscriptError (`bad_record`) where there is none that can be read."""
        path = self.record_path(episode_id)
        try:
            return Record.from_json(json.loads(path.read_bytes()))
        except (OSError, ValueError, RecursionError) as problem:
            raise TranscriptError("bad_record", f"{path}: {problem}") from problem

    def save_record(self, record: Record) -> None:
        """Writes the record, whole or not at all."""
        text = json.dumps(record.to_json(), ensure_ascii=False, indent=1) + "\n"
        write_whole(self.record_path(record.episode.id), text.encode(errors="replace"))

    def transcript_ids(self) -> list[str]:
        """The ids of all transcripts there are."""
        paths = self.transcripts.glob("*/*.json")
        return sorted(name for p in paths if is_id(name := f"{p.parent.name}/{p.stem}"))

    def load_transcript(self, episode_id: str) -> Transcript:
        """Raises TranscriptError: `no_transcript` where there is none, `bad_transcript` where it is not one."""
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
        """Writes `.vtt` and then `.json`, each whole; once the `.json` is there, so is all of it."""
        transcript.check()
        path = self.transcript_path(transcript.episode.id)
        write_whole(path.with_suffix(".vtt"), to_vtt(transcript).encode(errors="replace"))
        write_whole(path, transcript.to_json().encode(errors="replace"))

    def is_locked(self) -> bool:
        """Whether some process holds the library right now."""
        if not (self.state / "lock").exists():
            return False
        try:
            filelock.FileLock(self.state / "lock", timeout=0).acquire().lock.release()
        except filelock.Timeout:
            return True
        except OSError:
            return False  # it may only be read here, and nobody is known to write it
        return False

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the library for this process. Raises LibraryLocked, naming the owner, where another one has it.

        The lock is the operating system's, so it goes with its owner, however that ends.
        """
        self.state.mkdir(parents=True, exist_ok=True)
        owner = self.state / "lock.owner"
        try:
            lock = filelock.FileLock(self.state / "lock", timeout=ASKED_S)
            lock.acquire()
        except filelock.Timeout:
            raise LibraryLocked(self.root, _owner(owner)) from None
        try:
            owner.write_text(str(os.getpid()))
            yield
        finally:
            owner.unlink(missing_ok=True)
            lock.release()


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_whole(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Replaces the file in one step: a reader sees the old bytes or the new, at any moment and after any crash.

    Who may read it is what `mode` and the umask agree on. Raises CannotWrite.
    """
    try:
        _write_whole(path, data, mode)
    except OSError as problem:
        raise CannotWrite(problem.errno, problem.strerror, str(path)) from problem


def _write_whole(path: Path, data: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode & ~_UMASK)
        publish(Path(temporary), path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def publish(finished: Path, path: Path) -> None:
    """Gives a finished, synced file its name, and makes the name last through a power cut."""
    finished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def link(path: Path, name: Path) -> None:
    """Has a name stand for the bytes of another file, if the file system can; what stands there holds the same."""
    temporary = name.with_name(f".new-{name.name}")
    with contextlib.suppress(OSError):
        temporary.unlink(missing_ok=True)
        os.link(path, temporary)
        publish(temporary, name)


def _owner(path: Path) -> str:
    try:
        return path.read_text() or "unknown"
    except FileNotFoundError:  # it has the lock, and has not yet said so or is just giving it back
        return "unknown"


def _checked(episode_id: str) -> str:
    if not is_id(episode_id):
        raise TranscriptError("bad_id", f"not an episode's id: {episode_id!r}")
    return episode_id
