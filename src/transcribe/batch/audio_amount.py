"""How much audio some episodes have: bytes and hours, as far as files and publishers tell."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from transcribe.batch.next_step import PlannedEpisode
from transcribe.library.store import Library
from transcribe.sources.audio_tags import length_ms


@dataclass(frozen=True, slots=True)
class AudioAmount:
    """How much audio some episodes have together."""

    bytes: int = 0  # of those whose size is known
    bytes_unknown: int = 0  # episodes
    audio_ms: int = 0  # of those whose length is known
    audio_unknown: int = 0  # episodes


def audio_amount(library: Library, episodes: Iterable[PlannedEpisode]) -> AudioAmount:
    """What these episodes have. Of audio that is not on this machine, it is what the publisher says."""
    sizes: list[int | None] = []
    lengths: list[int | None] = []
    for episode in episodes:
        path = _path(library, episode)
        sizes.append(path.stat().st_size if path else episode.record.length)
        lengths.append((length_ms(path) if path else None) or episode.record.duration_ms)
    return AudioAmount(sum(filter(None, sizes)), sizes.count(None), sum(filter(None, lengths)), lengths.count(None))


def _path(library: Library, episode: PlannedEpisode) -> Path | None:
    """The audio, if it is on this machine."""
    if episode.candidate.path:
        return episode.candidate.path if episode.candidate.path.is_file() else None
    audio = episode.record.audio
    return library.inside(audio.path) if audio and episode.step == "transcribe" else None
