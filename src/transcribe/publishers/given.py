"""A cue as its file gives it, before anything is made of it: what the readers of all forms hand on."""

from collections.abc import Sequence
from dataclasses import dataclass

from transcribe.library.transcript import Word


@dataclass(frozen=True, slots=True)
class Given:
    """A caption, or a segment of a transcript."""

    start_ms: int | None  # None where it cannot be read
    end_ms: int | None
    text: str  # with line breaks and, unless `plain`, with markup
    speaker: str | None = None
    words: tuple[Word, ...] = ()  # where the file gives each with its times
    plain: bool = False
    trouble: str = ""  # what is wrong with its times, and where, for a person
    is_mended: bool = False  # a time had to be put right for it to be read


@dataclass(frozen=True, slots=True)
class GivenScript:
    """All that a file gives."""

    cues: Sequence[Given]
    language: str | None = None
    notes: tuple[str, ...] = ()
    ours: bool = False  # written by Playhead, whose cues say all they mean: nothing is guessed
