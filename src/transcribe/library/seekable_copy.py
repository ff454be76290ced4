"""What is known of how a browser finds a moment in an episode's sound, and where the copy lies that it seeks truly in.

    .playhead/seekable/<show>/<episode>.json            the finding: an `EpisodeSeeking`
    .playhead/seekable/<show>/<episode>.<digits>.mp4    the copy, where one is needed (`.webm` for vorbis)

Both belong to the stored bytes of one sha256: a finding about other bytes counts as none.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from transcribe.library.store import Library, write_whole

FINDING_VERSION = 1  # raised when the judgement or the copies change: everything is looked at again then
LEAD_IN_MS = {"mp3": 150}  # a decoder that starts in mid-stream lacks the bit reservoir: 10 to 100 ms stay silent
_MAY_NEED_A_COPY = {".mp3", ".aac", ".ogg", ".oga", ".mpga"}
_MP3 = {".mp3", ".mpga"}


@dataclass(frozen=True, slots=True)
class EpisodeSeeking:
    """How a browser seeks in the stored bytes of one episode, as a look at all their frames found it."""

    sha256: str  # of the stored bytes
    codec: str  # of their sound, as libav names it; empty where that could not be found
    copy: str | None = None  # the copy's file name; None where there is none
    media_type: str | None = None  # of the copy
    bytes: int = 0  # of the copy
    failure: str | None = None  # why no copy could be made where one is needed, for a person

    @property
    def lead_in_ms(self) -> int:
        """How far ahead of a word playing must start for all of the word to be heard."""
        return LEAD_IN_MS.get(self.codec, 0)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {"version": FINDING_VERSION, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """The inverse of `to_json`. Raises ValueError for anything else, another version's data included."""
        if not isinstance(data, dict) or data.pop("version", None) != FINDING_VERSION:
            raise ValueError("not a finding of this version")
        try:
            finding = cls(**data)
        except TypeError as problem:
            raise ValueError(str(problem)) from None
        texts = (finding.sha256, finding.codec, finding.copy or "", finding.media_type or "", finding.failure or "")
        if not all(isinstance(text, str) for text in texts) or "/" in texts[2] or not isinstance(finding.bytes, int):
            raise ValueError("not a finding")
        return finding


class SeekableCopies:
    """The findings and copies of one library; all of them can be made again."""

    def __init__(self, library: Library) -> None:
        self.folder = library.state / "seekable"

    def finding_path(self, episode_id: str) -> Path:
        """Where the finding about an episode lies."""
        return self.folder / f"{episode_id}.json"

    def known(self, episode_id: str, sha256: str) -> EpisodeSeeking | None:
        """The finding about these stored bytes; None where there is none, or where its copy is gone."""
        try:
            finding = EpisodeSeeking.from_json(json.loads(self.finding_path(episode_id).read_bytes()))
        except (OSError, ValueError, RecursionError):
            return None
        copy = self.path(episode_id, finding)
        is_whole = copy is None or (copy.is_file() and copy.stat().st_size == finding.bytes)
        return finding if finding.sha256 == sha256 and is_whole else None

    def path(self, episode_id: str, finding: EpisodeSeeking) -> Path | None:
        """The copy's file; None where there is none."""
        return self.finding_path(episode_id).with_name(finding.copy) if finding.copy else None

    def save(self, episode_id: str, finding: EpisodeSeeking) -> None:
        """Writes the finding, after its copy is in place, and removes copies of earlier bytes."""
        path = self.finding_path(episode_id)
        write_whole(path, json.dumps(finding.to_json(), ensure_ascii=False).encode())
        for copy in path.parent.glob(f"{path.stem}.*"):
            if copy.name not in (path.name, finding.copy):
                copy.unlink(missing_ok=True)

    def take(self) -> tuple[int, int]:
        """How many copies there are, and their bytes."""
        sizes = [path.stat().st_size for path in self.folder.glob("*/*") if path.suffix in (".mp4", ".webm")]
        return len(sizes), sum(sizes)


def may_need_copy(path: str) -> bool:
    """Whether the stored file may need one, as far as its name tells."""
    return Path(path).suffix.lower() in _MAY_NEED_A_COPY


def usual_lead_in_ms(path: str) -> int:
    """The lead-in for a stored file nobody has looked into yet, as far as its name tells."""
    return LEAD_IN_MS["mp3"] if Path(path).suffix.lower() in _MP3 else 0
