"""A decoder in a process of its own.

A decoder that hangs or crashes on a file costs that file alone. And the next episode is decoded, and its speech found,
while the present one is recognized; the decoder waits when it is far enough ahead.
"""

from collections import deque
from collections.abc import Generator
from pathlib import Path
from typing import Self

from transcribe.audio.decode import LONGEST_MS
from transcribe.audio.decoder_child import DecoderChild, DecoderFailed
from transcribe.audio.decoder_messages import FileEnded, Message
from transcribe.audio.speech_stream import SpeechStream
from transcribe.errors import AudioError

PATIENCE_S = 60.0  # for the next message of a decoder that is waited for; it sends a heartbeat each second
AHEAD_MS = 600_000  # of speech decoded and not yet asked for, 19 MB
MOST_BYTES = 2 << 30  # of memory for the decoder; importing torch for a GPU takes half a gigabyte of it


class DecoderProcess:
    """Decodes in a child process, which is started when it is first needed and again after each failure.

    See `SpeechDecoder`. To be used by one thread. The child keeps nothing on disk, so it may be killed at any time; it
    ends by itself when this process is killed.
    """

    def __init__(
        self,
        longest_ms: int = LONGEST_MS,
        patience_s: float = PATIENCE_S,
        ahead_ms: int = AHEAD_MS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self.longest_ms, self.patience_s, self.ahead_ms, self.most_bytes = longest_ms, patience_s, ahead_ms, most_bytes
        self._expected: deque[Path] = deque()  # sent to the child, if there is one, and not yet asked for
        self._current: Generator[Message, None, None] | None = None
        self._child: DecoderChild | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def expect(self, path: Path) -> None:
        """See `SpeechDecoder`."""
        if self._child and self._child.is_over and not (self._expected or self._current):
            self._end()  # it died while it had nothing to do
        self._expected.append(path)
        if self._child:
            self._child.begin(path)
        else:
            self._start()

    def listen(self, path: Path) -> SpeechStream:
        """See `SpeechDecoder`. A file that was not expected next ends the decoding of those that were expected."""
        if self._current:
            self._current.close()
        if self._expected and self._expected[0] != path:
            self.close()
        if not self._expected:
            self.expect(path)
        elif not self._child:
            self._start()
        self._expected.popleft()
        self._current = self._messages(path)
        return SpeechStream(self._current)

    def close(self) -> None:
        """Ends the child and forgets what was expected. The decoder may be used again afterwards."""
        self._expected.clear()
        self._end()

    def _start(self) -> None:
        self._child = DecoderChild(self.longest_ms, self.ahead_ms, self.most_bytes)
        for path in self._expected:
            self._child.begin(path)

    def _end(self) -> None:
        if self._child:
            self._child.end()
        self._child = None

    def _messages(self, path: Path) -> Generator[Message, None, None]:
        """The messages of one file. The child is ended when it fails, and when the caller leaves before the end."""
        child, over = self._child, False
        assert child
        try:
            while not over:
                message = child.next(self.patience_s)
                over = isinstance(message, (FileEnded, AudioError))
                if isinstance(message, AudioError):
                    raise message
                yield message
        except DecoderFailed as problem:
            raise AudioError("decoder_failed", f"{path.name}: the decoder {problem}") from None
        finally:
            if child is self._child:
                self._current = None
                if not over:
                    self._end()
