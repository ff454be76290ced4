"""Makes the sample interview: two episodes in `audio/commons-talks/`, and in `truth.json` when each word is said.

    PYTHONPATH=tests python tests/sample/make_sample.py

Needs flite. What is said stands in part-1.txt and part-2.txt beside this file, a line `name: text` for each turn.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.support.speech import Spoken, SpokenSentence, conversation, write_audio
from transcribe.library.episode import episode_id

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
SHOW = "Commons Talks"
VOICES = {"Susan": "slt", "Robert": "rms"}
SPEAKERS = {"slt": "Susan Fisher", "rms": "Robert Mason"}


@dataclass(frozen=True, slots=True)
class Part:
    """One episode of the interview."""

    title: str
    date: str  # ISO 8601
    comment: str
    turns: tuple[tuple[str, str], ...]  # (voice, text)

    @property
    def id(self) -> str:
        return episode_id(SHOW, self.title, self.date, identity=self.title, taken=set())

    @property
    def tags(self) -> dict[str, str]:
        artist = " and ".join(SPEAKERS.values())
        return {"title": self.title, "album": SHOW, "artist": artist, "date": self.date, "comment": self.comment}


def read_part(path: Path) -> Part:
    """Three lines of title, date and comment, then the turns."""
    lines = [line.split(": ", 1) for line in path.read_text("utf-8").splitlines()]
    head = dict(lines[:3])
    turns = tuple((VOICES[name], text) for name, text in lines[3:])
    return Part(head["title"], head["date"], head["comment"], turns)


def make(part: Part) -> dict[str, Any]:
    """Writes the part's mp3; returns what is true of it, as plain data."""
    spoken = conversation(part.turns)
    path = ROOT / "audio" / f"{part.id}.mp3"
    write_audio(spoken.pcm, path, part.tags)
    return truth(part, spoken, path)


def truth(part: Part, spoken: Spoken, path: Path) -> dict[str, Any]:
    """All times in milliseconds from the start of the audio."""
    return {
        "id": part.id,
        "show": SHOW,
        "title": part.title,
        "published": part.date,
        "path": path.relative_to(ROOT).as_posix(),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "duration_ms": spoken.duration_ms,
        "sentences": [sentence_truth(sentence) for sentence in spoken.sentences],
    }


def sentence_truth(sentence: SpokenSentence) -> dict[str, Any]:
    return {
        "start_ms": sentence.start_ms,
        "end_ms": sentence.end_ms,
        "voice": sentence.voice,
        "speaker": SPEAKERS[sentence.voice],
        "text": sentence.text,
        "words": [asdict(word) for word in sentence.words],
    }


def main() -> None:
    parts = [make(read_part(path)) for path in sorted(FOLDER.glob("part-*.txt"))]
    (FOLDER / "truth.json").write_text(json.dumps(parts, indent=1) + "\n", "utf-8")
    for part in parts:
        print(part["path"], part["duration_ms"] / 1000, "s")


if __name__ == "__main__":
    main()
