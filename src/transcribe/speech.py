"""PCM to pieces of speech, cut at pauses. What is not speech goes no further.

Silero's voice activity detector says how likely each window of 32 ms is speech. Memory holds one piece at a time.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from transcribe.audio import FADE_MS, RATE, SAMPLES_A_MS, AudioSegment, segment

WINDOW = 512  # samples: what the detector was trained on at 16 kHz
WINDOW_MS = WINDOW // SAMPLES_A_MS  # 32
FULL_SCALE = 32_768  # of 16 bit samples

Detector = Callable[[NDArray[np.int16]], float]  # one window to its probability of speech; keeps state between calls


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """What counts as speech, and how it is cut."""

    enter: float = 0.5  # speech begins at this probability: the detector's own default
    leave: float = 0.35  # and ends below this one, 0.15 lower, as its authors have it
    padding_ms: int = 200  # kept on both sides, for the soft sounds the detector misses
    pause_ms: int = 2000  # a longer pause ends a piece; shorter ones stay in it, as a recognizer expects of speech
    longest_ms: int = 30_000  # Whisper's window
    earliest_cut: float = 1 / 3  # of a full piece: cutting before it would make pieces too short to make sense of
    least_ms: int = 96  # speech shorter than three windows is a click or a cough


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of speech and where it stands on the clock of the stored file."""

    start_ms: int
    audio: AudioSegment  # 16 kHz, mono, 16 bit

    @property
    def end_ms(self) -> int:
        """Where the piece ends on the same clock."""
        return self.start_ms + len(self.audio)

    @property
    def span(self) -> tuple[int, int]:
        """Start and end."""
        return self.start_ms, self.end_ms

    def pcm(self) -> bytes:
        """Signed 16 bit little-endian samples."""
        data: bytes = self.audio.raw_data
        return data

    def samples(self) -> NDArray[np.float32]:
        """The sound from -1 to 1, shape (samples,), as Whisper takes it."""
        return np.frombuffer(self.pcm(), np.int16).astype(np.float32) / np.float32(FULL_SCALE)


def pieces(
    blocks: Iterable[NDArray[np.int16]], options: SpeechOptions | None = None, detector: Detector | None = None
) -> Iterator[Piece]:
    """The speech in a stream of 16 kHz mono PCM, in order, in pieces of at most `longest_ms` that do not overlap.

    Where speech goes on for longer, it is cut at its longest pause; where there is none, at the window least like
    speech. Digital silence gives no pieces.
    """
    detector = detector or silero()
    stretch = _Stretch(options or SpeechOptions())
    for window in _windows(blocks):
        yield from stretch.add(window, detector(np.pad(window, (0, WINDOW - len(window)))))
    yield from stretch.rest()


def silero() -> Detector:
    """A detector of its own, with its own state: not to be shared between streams."""
    import torch

    threads = torch.get_num_threads()
    from silero_vad import load_silero_vad  # which sets one thread for the whole process, and Whisper with it

    torch.set_num_threads(threads)
    model = load_silero_vad()

    def probability(window: NDArray[np.int16]) -> float:
        sound = torch.from_numpy(window.astype(np.float32) / FULL_SCALE)
        torch.set_num_threads(1)  # the model is so small that on a busy machine two threads wait more than they work
        with torch.no_grad():
            likely = float(model(sound, RATE))
        torch.set_num_threads(threads)
        return likely

    return probability


@dataclass
class _Stretch:
    """The windows that may still become a piece: speech so far with its pauses, and the padding before it."""

    options: SpeechOptions
    first: int = 0  # the number of the first window held, counted from the start of the file
    windows: list[NDArray[np.int16]] = field(default_factory=list)
    likely: list[float] = field(default_factory=list)  # each window's probability of speech
    spoken: list[bool] = field(default_factory=list)

    def add(self, window: NDArray[np.int16], probability: float) -> Iterator[Piece]:
        """Takes the next window; gives the piece that it completes, if it does."""
        going_on = bool(self.spoken) and self.spoken[-1]
        self.windows.append(window)
        self.likely.append(probability)
        self.spoken.append(probability >= (self.options.leave if going_on else self.options.enter))
        if self._silent_ms() > self.options.pause_ms:
            yield from self._cut(len(self.windows))
        elif len(self.windows) * WINDOW_MS > self.options.longest_ms - WINDOW_MS:
            yield from self._cut(self._best_cut())

    def rest(self) -> Iterator[Piece]:
        """The piece that the end of the stream completes."""
        yield from self._cut(len(self.windows))

    @property
    def _padding(self) -> int:
        return self.options.padding_ms // WINDOW_MS

    def _silent_ms(self) -> int:
        silent = itertools.takewhile(lambda spoken: not spoken, reversed(self.spoken))
        return WINDOW_MS * sum(1 for _ in silent)

    def _cut(self, at: int) -> Iterator[Piece]:
        """Gives the speech before a window as a piece, and forgets it; what may lead in the next is kept."""
        spoken = np.flatnonzero(self.spoken[:at]).tolist()
        end = 0
        if len(spoken) * WINDOW_MS >= self.options.least_ms:
            begin, end = max(0, spoken[0] - self._padding), min(at, spoken[-1] + 1 + self._padding)
            yield Piece((self.first + begin) * WINDOW_MS, _faded(self.windows[begin:end]))
        keep = max(end, len(self.windows) - self._padding) if at == len(self.windows) else at
        self.first += keep
        for held in (self.windows, self.likely, self.spoken):
            del held[:keep]

    def _best_cut(self) -> int:
        """The middle of the longest pause; without one, the window least like speech."""
        earliest = int(len(self.spoken) * self.options.earliest_cut)
        if all(self.spoken[earliest:]):
            return earliest + int(np.argmin(self.likely[earliest:]))
        pauses, at = [], earliest
        for spoken, windows in itertools.groupby(self.spoken[earliest:]):
            length = len(list(windows))
            if not spoken:
                pauses.append((length, at))
            at += length
        length, at = max(pauses)  # the later of equals
        return at + length // 2


def _windows(blocks: Iterable[NDArray[np.int16]]) -> Iterator[NDArray[np.int16]]:
    """The same sound in windows; the last may be shorter."""
    rest = np.zeros(0, np.int16)
    for block in blocks:
        rest = np.concatenate([rest, block])
        whole = len(rest) // WINDOW * WINDOW
        yield from rest[:whole].reshape(-1, WINDOW)
        rest = rest[whole:]
    if len(rest):
        yield rest


def _faded(windows: list[NDArray[np.int16]]) -> AudioSegment:
    return segment(np.concatenate(windows)).fade_in(FADE_MS).fade_out(FADE_MS)
