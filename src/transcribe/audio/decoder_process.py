"""A file to its speech, decoded here or in a process beside this one.

The process beside is for two things. A decoder that hangs or crashes on a file costs that file alone. And the next
episode is decoded, and its speech found, while the present one is recognized; it waits when it is far enough ahead.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from transcribe.audio.decode import LONGEST_MS, open_audio, segment
from transcribe.audio.voice_activity import Piece, pieces
from transcribe.errors import AudioError
from transcribe.library.chapters import held_chapters
from transcribe.library.transcript import Chapter, Damage, Span

PATIENCE_S = 60.0  # without a sign of life from a decoder that is waited for; it gives one a second
AHEAD_MS = 600_000  # of speech decoded and not yet asked for, 19 MB
MOST_BYTES = 2 << 30  # of memory that a decoder may take; importing torch for a GPU takes half a gigabyte of it

_SIGN_EVERY_S = 1.0
_LOOK_EVERY_S = 0.2
_LAST_WAIT_S = 1.0  # for a process that has been killed; it may be held by a disk that does not answer
_TOO_MUCH_MEMORY = 71  # a decoder's exit status


@dataclass(frozen=True, slots=True)
class _Begun:
    declared_ms: int | None
    chapters: tuple[Chapter, ...]


@dataclass(frozen=True, slots=True)
class _Ended:
    duration_ms: int
    damage: Damage | None


@dataclass(frozen=True, slots=True)
class _Sign:
    """Of life."""


class _Sent(NamedTuple):
    """A piece, for the way from process to process."""

    start_ms: int
    pcm: bytes
    speech: tuple[Span, ...]
    likelihood: float
    lead: bytes | None
    tail: bytes | None


_Message: TypeAlias = _Begun | Piece | _Ended | _Sign


class SpeechStream:
    """The speech of one file, to be walked once. `duration_ms` and `damage` are known when that is done.

    Walking it may raise AudioError.
    """

    def __init__(self, messages: Iterator[_Message]) -> None:
        self._messages = messages
        begun = next(message for message in messages if isinstance(message, _Begun))
        self.declared_ms = begun.declared_ms  # for progress only, often an estimate
        self.chapters = begun.chapters  # that the file itself holds
        self._ended: _Ended | None = None

    def __iter__(self) -> Iterator[Piece]:
        for message in self._messages:
            if isinstance(message, Piece):
                yield message
            elif isinstance(message, _Ended):
                self._ended = message

    @property
    def duration_ms(self) -> int:
        """The length that the file really has."""
        return self._end.duration_ms

    @property
    def damage(self) -> Damage | None:
        """What of it could not be decoded."""
        return self._end.damage

    @property
    def _end(self) -> _Ended:
        if self._ended is None:
            raise RuntimeError("a sound's end is not known before all its pieces are taken")
        return self._ended


class SpeechDecoder(Protocol):
    """Decodes files and finds the speech in them, one after the other."""

    def expect(self, path: Path) -> None:
        """Says which file will be listened to after those asked for so far, so that it can be begun."""

    def listen(self, path: Path) -> SpeechStream:
        """The speech in a file. The one before is over then, whether all of it was taken or not.

        Raises AudioError, here or while the sound is walked: those of `open_audio`, and `decoder_failed`.
        """

    def close(self) -> None:
        """Ends what is still going on."""


class InlineDecoder:
    """In this process, as the pieces are asked for."""

    def __init__(self, longest_ms: int = LONGEST_MS) -> None:
        self.longest_ms = longest_ms

    def expect(self, path: Path) -> None:
        """Nothing is begun before it is asked for."""

    def listen(self, path: Path) -> SpeechStream:
        """See `SpeechDecoder`."""
        return SpeechStream(_messages(path, self.longest_ms, alive=lambda: None))

    def close(self) -> None:
        """There is nothing to end."""


class DecoderProcess:
    """In a process beside this one, which is started when it is first needed and again after each failure.

    For one thread. The process keeps nothing on disk, so it is ended by force and at once; should this process be
    killed, it ends by itself.
    """

    def __init__(
        self,
        longest_ms: int = LONGEST_MS,
        patience_s: float = PATIENCE_S,
        ahead_ms: int = AHEAD_MS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self.longest_ms, self.patience_s, self.ahead_ms, self.most_bytes = longest_ms, patience_s, ahead_ms, most_bytes
        self._expected: deque[Path] = deque()  # told to the decoder, if there is one, and not listened to yet
        self._current: Generator[_Message, None, None] | None = None
        self._decoder: _Decoder | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def expect(self, path: Path) -> None:
        """See `SpeechDecoder`."""
        if self._decoder and self._decoder.is_over and not (self._expected or self._current):
            self._end()  # it has died while it had nothing to do
        self._expected.append(path)
        if self._decoder:
            self._decoder.begin(path)
        else:
            self._start()

    def listen(self, path: Path) -> SpeechStream:
        """See `SpeechDecoder`. Another file than was expected next makes the work on those expected vain."""
        if self._current:
            self._current.close()
        if self._expected and self._expected[0] != path:
            self.close()
        if not self._expected:
            self.expect(path)
        elif not self._decoder:
            self._start()
        self._expected.popleft()
        self._current = self._messages(path)
        return SpeechStream(self._current)

    def close(self) -> None:
        """Ends the process and forgets what was expected. It may be used again afterwards."""
        self._expected.clear()
        self._end()

    def _start(self) -> None:
        self._decoder = _Decoder(self.longest_ms, self.ahead_ms, self.most_bytes)
        for path in self._expected:
            self._decoder.begin(path)

    def _end(self) -> None:
        if self._decoder:
            self._decoder.end()
        self._decoder = None

    def _messages(self, path: Path) -> Generator[_Message, None, None]:
        """What the decoder says of one file. It is ended where it fails, or where not all is wanted."""
        decoder, over = self._decoder, False
        assert decoder
        try:
            while not over:
                message = decoder.next(self.patience_s)
                over = isinstance(message, (_Ended, AudioError))
                if isinstance(message, AudioError):
                    raise message
                yield message
        except _Failed as problem:
            raise AudioError("decoder_failed", f"{path.name}: the decoder {problem}") from None
        finally:
            if decoder is self._decoder:
                self._current = None
                if not over:
                    self._end()


class _Failed(Exception):  # noqa: N818 - said of a decoder
    """A decoder has died or hangs; the text says which, and its subject is the decoder."""


class _Decoder:
    """A process that decodes files in the order in which it is told them, and the thread that takes what it sends.

    The thread stops taking when enough has come, and the process waits. It takes all that there is of a file before
    that of the next comes, so what a file does to the decoder harms none before it.
    """

    def __init__(self, longest_ms: int, ahead_ms: int, most_bytes: int) -> None:
        context = multiprocessing.get_context("spawn")  # torch does not survive a fork
        self.ahead_ms = ahead_ms
        self.connection, its_own = context.Pipe()
        self.process = context.Process(target=_decode, args=(its_own, longest_ms, most_bytes, os.getpid()), daemon=True)
        with _no_interrupt():
            self.process.start()
        its_own.close()  # so that its end is noticed here
        self.received: deque[_Message | AudioError | None] = deque()  # None at its end
        self.held_ms = 0
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._receive, daemon=True)
        self.thread.start()

    def begin(self, path: Path) -> None:
        """Tells it a file. If it has died, that comes out when its answer is waited for."""
        with contextlib.suppress(OSError):
            self.connection.send(path)

    def next(self, patience_s: float) -> "_Message | AudioError":
        """What it says next. Raises _Failed."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.received, patience_s):
                raise _Failed(f"gave no sign of life for {patience_s:g} s")
            message = self.received[0]
            if message is None:
                raise _Failed(self._how_it_died())
            self.received.popleft()
            self.held_ms -= _length(message)
            self.changed.notify_all()
        return message

    @property
    def is_over(self) -> bool:
        """Whether it has died, and nothing it has said is left."""
        with self.changed:
            return bool(self.received) and self.received[0] is None

    def end(self) -> None:
        """Ends it at once, whatever it does."""
        self.process.kill()
        self.process.join(_LAST_WAIT_S)
        with self.changed:
            self.held_ms = 0
            self.received.clear()
            self.changed.notify_all()
        self.thread.join(_LAST_WAIT_S)

    def _receive(self) -> None:
        while True:
            message = self._received()
            with self.changed:
                self.changed.wait_for(lambda: self.held_ms < self.ahead_ms)
                self.received.append(message)
                self.held_ms += _length(message)
                self.changed.notify_all()
            if message is None:
                self.connection.close()
                return

    def _received(self) -> "_Message | AudioError | None":
        try:
            message = self.connection.recv()
        except (EOFError, OSError):  # it has ended, or been ended
            return None
        return _unpacked(message) if isinstance(message, _Sent) else message

    def _how_it_died(self) -> str:
        self.process.join(_LAST_WAIT_S)
        status = self.process.exitcode
        if status == _TOO_MUCH_MEMORY:
            return "needed too much memory"
        if status is not None and status < 0:
            return f"was ended: {signal.strsignal(-status) or -status}"
        return f"ended with status {status}"


def _length(message: "_Message | AudioError | None") -> int:
    return message.end_ms - message.start_ms if isinstance(message, Piece) else 0


def _messages(path: Path, longest_ms: int, alive: Callable[[], None]) -> Iterator[_Message]:
    """All that is to be said of a file. `alive` is called again and again. Raises AudioError."""
    with open_audio(path, longest_ms) as recording:
        yield _Begun(recording.declared_ms, held_chapters(recording.container))
        yield from pieces(_watched(recording.blocks(), alive))
        yield _Ended(recording.duration_ms, recording.damage())


def _watched(blocks: Iterable[NDArray[np.int16]], alive: Callable[[], None]) -> Iterator[NDArray[np.int16]]:
    for block in blocks:
        alive()
        yield block


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """Ctrl-C goes to every process of a terminal. A new one would not know what to do with it while it starts."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# What follows runs in the process beside.


def _decode(connection: Connection, longest_ms: int, most_bytes: int, parent: int) -> None:
    """Does file after file, until nobody listens any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # what it means is for the parent to decide
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    threading.Thread(target=_watch, args=(parent, most_bytes), daemon=True).start()
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            _tell(connection, connection.recv(), longest_ms)


def _tell(connection: Connection, path: Path, longest_ms: int) -> None:
    shown = time.monotonic()

    def alive() -> None:
        nonlocal shown
        if time.monotonic() - shown > _SIGN_EVERY_S:
            connection.send(_Sign())
            shown = time.monotonic()

    try:
        for message in _messages(path, longest_ms, alive):
            connection.send(_packed(message))
    except AudioError as problem:
        connection.send(problem)
    except Exception as problem:  # the isolation edge: libav, numpy and torch raise what they like
        connection.send(AudioError("decoder_failed", f"{path.name}: {type(problem).__name__}: {problem}"))


def _packed(message: _Message) -> "_Message | _Sent":
    if isinstance(message, Piece):
        lead, tail = (sound and sound.raw_data for sound in (message.lead, message.tail))
        return _Sent(message.start_ms, message.pcm(), message.speech, message.likelihood, lead, tail)
    return message


def _unpacked(sent: _Sent) -> Piece:
    audio, lead, tail = (data and segment(np.frombuffer(data, np.int16)) for data in (sent.pcm, sent.lead, sent.tail))
    return Piece(sent.start_ms, audio, sent.speech, sent.likelihood, lead, tail)


def _watch(parent: int, most_bytes: int) -> None:
    """Ends this process when nobody needs it any more, or before it takes the machine's memory, even while it hangs."""
    while os.getppid() == parent:
        if _resident_bytes() > most_bytes:
            os._exit(_TOO_MUCH_MEMORY)
        time.sleep(_LOOK_EVERY_S)
    os._exit(1)


def _resident_bytes() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except FileNotFoundError:  # Linux alone says it so simply
        return 0
