"""What the library holds of an episode, read from its files. A transcript is read once at most."""

from transcribe.batch.next_step import EpisodeState, TranscriptState
from transcribe.batch.run_options import Condition
from transcribe.errors import TranscriptError
from transcribe.fetch.polling import Candidate
from transcribe.library.episode import DAMAGES, Record, State
from transcribe.library.store import Library

TRANSCRIBED: tuple[State, ...] = ("transcribed", *DAMAGES)


def episode_state(library: Library, candidate: Candidate, redo: Condition | None) -> EpisodeState:
    """The state of one episode; `redo` says which transcripts are to be made again."""
    audio = candidate.record.audio
    stored = audio is not None and library.inside(audio.path) is not None
    return EpisodeState(candidate, stored, _transcript_state(library, candidate.record, redo))


def _transcript_state(library: Library, record: Record, redo: Condition | None) -> TranscriptState:
    """A record does not say that there is a transcript after a crash between the two, or an import."""
    if not library.transcript_path(record.episode.id).exists():
        return "none"
    if redo is None and record.state in TRANSCRIBED:
        return "current"
    try:
        transcript = library.load_transcript(record.episode.id)
    except TranscriptError:
        return "outdated"
    if redo and redo(transcript):
        return "outdated"
    audio = transcript.audio
    of_these_bytes = audio is None or (record.audio is not None and audio.sha256 == record.audio.sha256)
    return "current" if record.state in TRANSCRIBED or of_these_bytes else "outdated"
