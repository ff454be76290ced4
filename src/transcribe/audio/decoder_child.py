"""The child process that decodes, seen from its parent and, below, from inside."""

import contextlib
import threading
import time
from collections import deque
from multiprocessing.connection import Connection
from pathlib import Path

from transcribe.audio.child_process import KILL_WAIT_S, ChildProcess
from transcribe.audio.decoder_messages import Heartbeat, Message, PackedPiece, file_messages, packed, unpacked
from transcribe.audio.voice_activity import Piece
from transcribe.errors import AudioError

HEARTBEAT_EVERY_S = 1.0


class DecoderFailed(Exception):  # noqa: N818 - said of a decoder
    """A decoder died or hangs. The text says which; its subject is the decoder."""


class DecoderChild:
    """A process that decodes files in the order in which they are sent to it, and a thread that takes its messages.

    The thread stops taking when enough speech has come, and the child waits. All messages of a file come before those
    of the next, so a file on which the child dies harms none before it.
    """

    def __init__(self, longest_ms: int, ahead_ms: int, most_bytes: int) -> None:
        self.ahead_ms = ahead_ms
        self.process = ChildProcess(_decode_files, longest_ms, most_bytes=most_bytes)
        self.received: deque[Message | AudioError | None] = deque()  # None: the child has ended
        self.held_ms = 0  # of speech received and not yet asked for
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._receive, daemon=True)
        self.thread.start()

    def begin(self, path: Path) -> None:
        """Sends it a file. If it has died, `next` says so."""
        with contextlib.suppress(OSError):
            self.process.connection.send(path)

    def next(self, patience_s: float) -> Message | AudioError:
        """Its next message. Raises DecoderFailed where none comes within `patience_s`, or the child has ended."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.received, patience_s):
                raise DecoderFailed(f"gave no sign of life for {patience_s:g} s")
            message = self.received[0]
            if message is None:
                raise DecoderFailed(self.process.why_it_ended())
            self.received.popleft()
            self.held_ms -= _length_ms(message)
            self.changed.notify_all()
        return message

    @property
    def is_over(self) -> bool:
        """Whether it has died, and all its messages are taken."""
        with self.changed:
            return bool(self.received) and self.received[0] is None

    def end(self) -> None:
        """Kills it, whatever it does."""
        self.process.kill()
        with self.changed:
            self.held_ms = 0
            self.received.clear()
            self.changed.notify_all()
        self.thread.join(KILL_WAIT_S)

    def _receive(self) -> None:
        connection, message = self.process.connection, None
        while True:
            try:
                message = connection.recv()
            except (EOFError, OSError):
                message = None
            if isinstance(message, PackedPiece):
                message = unpacked(message)
            with self.changed:
                self.changed.wait_for(lambda: self.held_ms < self.ahead_ms)
                self.received.append(message)
                self.held_ms += _length_ms(message)
                self.changed.notify_all()
            if message is None:
                connection.close()
                return


def _length_ms(message: Message | AudioError | None) -> int:
    return message.end_ms - message.start_ms if isinstance(message, Piece) else 0


# The functions below run in the child.


def _decode_files(connection: Connection, longest_ms: int) -> None:
    while True:
        _decode_file(connection, connection.recv(), longest_ms)


def _decode_file(connection: Connection, path: Path, longest_ms: int) -> None:
    shown = time.monotonic()

    def alive() -> None:
        nonlocal shown
        if time.monotonic() - shown > HEARTBEAT_EVERY_S:
            connection.send(Heartbeat())
            shown = time.monotonic()

    try:
        for message in file_messages(path, longest_ms, alive):
            connection.send(packed(message))
    except AudioError as problem:
        connection.send(problem)
    except (BrokenPipeError, ConnectionResetError):  # the parent has closed the pipe
        raise
    except Exception as problem:  # the isolation edge: libav, numpy and torch raise what they like
        connection.send(AudioError("decoder_failed", f"{path.name}: {type(problem).__name__}: {problem}"))
