"""Episodes whose sound is tones, with a word to be found at some of their seconds."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from tests.support.landing import WORD_MS
from transcribe.library.episode import AudioFile, Episode, Record
from transcribe.library.store import Library
from transcribe.library.transcript import Audio, Engine, Transcript, Word, segment

TYPES = {
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".opus": "audio/ogg",
    ".ogg": "audio/ogg",
    ".webm": "audio/webm",
    ".aac": "audio/aac",
}


def add_toned(library: Library, path: Path, seconds: Sequence[int]) -> str:
    """The file `audio/<show>/<name>.<ext>` as an episode; in each of these seconds `landing<name>` is said."""
    name, digest = f"{path.parent.name}/{path.stem}", hashlib.sha256(path.read_bytes()).hexdigest()
    episode = Episode(name, path.parent.name.title(), path.stem, "2026-01-01")
    media_type, at = TYPES[path.suffix], path.relative_to(library.root).as_posix()
    library.save_record(
        Record(episode, audio=AudioFile(at, digest, path.stat().st_size, media_type), state="transcribed")
    )
    word = f"landing{path.stem.replace('-', '')}"
    said = [
        segment(n, [Word(second * 1000 + WORD_MS, second * 1000 + WORD_MS + 400, word)])
        for n, second in enumerate(seconds)
    ]
    audio = Audio(at, digest, (max(seconds) + 3) * 1000, media_type)
    engine = Engine("whisper", "20250625", "tiny.en")
    library.save_transcript(Transcript(episode, audio, engine, "en", "2026-11-22T18:00:00Z", tuple(said)))
    return name
