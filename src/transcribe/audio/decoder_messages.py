"""What a decoder says of one file, in this order: FileBegun, its pieces of speech, FileEnded."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from transcribe.audio.decode import open_audio, segment
from transcribe.audio.voice_activity import Piece, pieces
from transcribe.library.chapters import held_chapters
from transcribe.library.transcript import Chapter, Damage, Span


@dataclass(frozen=True, slots=True)
class FileBegun:
    """The file could be opened."""

    declared_ms: int | None  # the length in its header, if it has one
    chapters: tuple[Chapter, ...]  # that the file itself holds


@dataclass(frozen=True, slots=True)
class FileEnded:
    """The file is decoded to its end."""

    duration_ms: int  # of the sound that could be decoded
    damage: Damage | None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The decoder is alive and has nothing else to say."""


class PackedPiece(NamedTuple):
    """A piece of speech as it is sent from process to process."""

    start_ms: int
    pcm: bytes
    speech: tuple[Span, ...]
    likelihood: float


Message: TypeAlias = FileBegun | Piece | FileEnded | Heartbeat


def file_messages(path: Path, longest_ms: int, alive: Callable[[], None] = lambda: None) -> Iterator[Message]:
    """Decodes a file, up to `longest_ms`. Calls `alive` with each block that is decoded. Raises AudioError."""

    def watched(blocks: Iterable[NDArray[np.int16]]) -> Iterator[NDArray[np.int16]]:
        for block in blocks:
            alive()
            yield block

    with open_audio(path, longest_ms) as recording:
        yield FileBegun(recording.declared_ms, held_chapters(recording.container))
        yield from pieces(watched(recording.blocks()))
        yield FileEnded(recording.duration_ms, recording.damage())


def packed(message: Message) -> Message | PackedPiece:
    """A message as it is sent to another process: a piece's samples as bytes."""
    if isinstance(message, Piece):
        return PackedPiece(message.start_ms, message.pcm(), message.speech, message.likelihood)
    return message


def unpacked(sent: PackedPiece) -> Piece:
    """The piece that was packed."""
    return Piece(sent.start_ms, segment(np.frombuffer(sent.pcm, np.int16)), sent.speech, sent.likelihood)
