"""Libraries for tests of the service: the sample interview with what is truly said in it, and episodes made up."""

import contextlib
import hashlib
import json
import shutil
import threading
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import uvicorn

from search.index.library_index import LibraryIndex
from search.service.app import create_app
from transcribe.library.chapters import chapters_path, to_json
from transcribe.library.episode import AudioFile, Episode, Record, episode_id
from transcribe.library.sound_maker import SoundMaker
from transcribe.library.store import Library
from transcribe.library.transcript import Audio, Chapter, Engine, Segment, Transcript, Word, segment

REPOSITORY = Path(__file__).parents[2]
SAMPLE: list[dict[str, Any]] = json.loads((REPOSITORY / "tests/sample/truth.json").read_text())
PART_1, PART_2 = (str(part["id"]) for part in SAMPLE)

HOSTILE = '<script>alert("x")</script>'
HOSTILE_PICTURE = "<img src=x onerror=alert(1)>"
HOSTILE_LINK = "javascript:alert(2)"


def add_sample(library: Library) -> None:
    """Both parts of the interview, audio included."""
    for part in SAMPLE:
        path = library.root / part["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / part["path"], path)
        segments = [
            segment(number, [Word(w["start_ms"], w["end_ms"], w["text"], 0.9) for w in said["words"]], said["speaker"])
            for number, said in enumerate(part["sentences"])
        ]
        episode = Episode(part["id"], part["show"], part["title"], part["published"])
        _save(library, episode, segments, path, part["duration_ms"])


def add_episode(
    library: Library,
    text: str,
    *,
    show: str = "Other Talks",
    title: str = "Another Talk",
    published: str | None = "2012-02-18",
    flags: tuple[str, ...] = (),
    seconds: int | None = None,
    **more: str,
) -> str:
    """An episode in which those words are said, one every 400 ms from the first second on, and its id.

    With `seconds` it has so much (silent) audio.
    """
    name = episode_id(show, title, published, title, set())
    words = [Word(1000 + 400 * n, 1300 + 400 * n, word) for n, word in enumerate(text.split())]
    segments = [segment(n, words[n * 10 : n * 10 + 10], flags=flags) for n in range((len(words) + 9) // 10)]
    path = library.audio / f"{name}.wav" if seconds else None
    if path and seconds:
        _write_silence(path, seconds)
    _save(library, Episode(name, show, title, published, **more), segments, path, 1000 * (seconds or 0))
    return name


def add_hostile(library: Library) -> str:
    """An episode whose feed would like to run a script (fault 59), and its id."""
    return add_episode(
        library,
        f'she said {HOSTILE} and {HOSTILE_PICTURE} and "{HOSTILE_LINK}" aloud',
        show=HOSTILE,
        title=HOSTILE_PICTURE,
        link=HOSTILE_LINK,
        enclosure=HOSTILE_LINK,
        description=HOSTILE + HOSTILE_PICTURE,
        seconds=8,
    )


def add_chapters(library: Library, name: str, *chapters: Chapter) -> None:
    """Headings for an episode, as a publisher's are kept."""
    chapters_path(library, name).write_text(to_json(chapters))


def index(library: Library) -> None:
    LibraryIndex(library).refresh()


@contextlib.contextmanager
def served(library: Library, sound_maker: SoundMaker | None = None) -> Iterator[str]:
    """The library on a free port of this machine; gives its address."""
    server = uvicorn.Server(
        uvicorn.Config(create_app(library, sound_maker=sound_maker), host="127.0.0.1", port=0, log_level="warning")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            thread.join(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def _save(library: Library, episode: Episode, said: Sequence[Segment], path: Path | None, duration_ms: int) -> None:
    stored, audio = None, None
    if path:
        media_type = "audio/mpeg" if path.suffix == ".mp3" else "audio/wav"
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        stored = AudioFile(path.relative_to(library.root).as_posix(), digest, len(data), media_type)
        audio = Audio(stored.path, digest, duration_ms, media_type)
    library.save_record(Record(episode, audio=stored, state="transcribed"))
    engine = Engine("whisper", "20250625", "tiny.en")
    library.save_transcript(Transcript(episode, audio, engine, "en", "2026-11-22T18:00:00Z", tuple(said)))


def _write_silence(path: Path, seconds: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * 8000 * seconds))
