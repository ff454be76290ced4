"""What is to be done with one episode's audio, as plain data that can be sent from process to process."""

from dataclasses import dataclass, field
from pathlib import Path

from transcribe.library.episode import AudioFile, Episode, PublishedText
from transcribe.transcription.checkpoints import RecognizedSoFar


@dataclass(frozen=True, slots=True)
class Offer:
    """A publisher's transcript, as it was fetched."""

    text: PublishedText
    data: bytes
    persons: tuple[str, ...] = ()  # who speaks, by `podcast:person`
    encoding: str | None = None  # of its letters, where its owner says it


@dataclass(frozen=True, slots=True)
class Job:
    """One episode that is to be transcribed, or whose publisher's transcript is to be laid on its audio."""

    episode: Episode
    stored: AudioFile  # what the library calls these bytes
    path: Path  # where they lie
    prompt: str = ""  # names and terms to expect
    checkpoint: str = ""  # the name under which each batch is kept
    so_far: RecognizedSoFar = field(default_factory=RecognizedSoFar)  # what an earlier run has recognized
    offer: Offer | None = None  # the publisher's transcript that is to be tried; None to recognize the speech
