"""How far along an episode is, and by that alone, what it needs next."""

from dataclasses import dataclass
from typing import Literal

from transcribe.batch.run_options import RunOptions
from transcribe.errors import TranscriptError
from transcribe.library.episode import DAMAGES, Record, State
from transcribe.library.store import Library

Step = Literal["fetch", "transcribe", "nothing"]
FETCH: tuple[Step, ...] = ("fetch",)
WORK: tuple[Step, ...] = ("fetch", "transcribe")
TRANSCRIBED: tuple[State, ...] = ("transcribed", *DAMAGES)


@dataclass(frozen=True, slots=True)
class EpisodeState:
    """How far along an episode is."""

    audio: bool  # its bytes are in the library
    transcript: bool  # so is a transcript of these bytes, or an imported one, and nobody asked for a better one

    @property
    def next_step(self) -> Step:
        """What the episode needs next."""
        if self.transcript:
            return "nothing"
        return "transcribe" if self.audio else "fetch"


def episode_state(library: Library, record: Record, options: RunOptions) -> EpisodeState:
    """How far along an episode of the library is, seen from what is wished."""
    outdated = record.changed_upstream and options.update
    stored = record.audio is not None and library.inside(record.audio.path) is not None and not outdated
    if (
        outdated
        or not library.transcript_path(record.episode.id).exists()
        or _deserves_another(library, record, options)
    ):
        return EpisodeState(stored, transcript=False)
    return EpisodeState(stored, record.state in TRANSCRIBED or _is_of_these_bytes(library, record))


def _deserves_another(library: Library, record: Record, options: RunOptions) -> bool:
    if options.redo is None:
        return False
    try:
        return options.redo(library.load_transcript(record.episode.id))
    except TranscriptError:
        return True


def _is_of_these_bytes(library: Library, record: Record) -> bool:
    """Asked only where the record does not say: after a crash between transcript and record, or an import."""
    try:
        audio = library.load_transcript(record.episode.id).audio
    except TranscriptError:
        return False
    return audio is None or (record.audio is not None and audio.sha256 == record.audio.sha256)
