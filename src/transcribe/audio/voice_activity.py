"""PCM to pieces of speech, cut at pauses. What is not speech goes no further.

Silero's voice activity detector says how likely each window of 32 ms is speech. Memory holds one piece at a time.

Its convolutions look at each window alone, so a block of windows goes through them at once, and only its recurrent
layer takes them one by one, inside torch. Measured on one core: 4 s for an hour of sound, and 32 s for the same pieces
with a call for each window.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from transcribe.audio.decode import SAMPLES_A_MS, AudioSegment, segment

WINDOW = 512  # samples: what the detector was trained on at 16 kHz
WINDOW_MS = WINDOW // SAMPLES_A_MS  # 32
CONTEXT = 64  # samples of the window before that it sees with each
BLOCK = 64  # windows, two seconds: asked about at once, counted from the file's start so that rounding is always alike
FULL_SCALE = 32_768  # of 16 bit samples
FADE_MS = 5  # long enough that a cut does not click, too short to touch a word
CUTTING = 1  # the version of our way of cutting: another one means other pieces, and checkpoints that hold no more

# Windows that follow one another, int16 of shape (n, WINDOW), to their probabilities of speech, shape (n,). It keeps
# its state from call to call.
Detector = Callable[[NDArray[np.int16]], NDArray[np.float32]]


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
    speech: tuple[tuple[int, int], ...] = ()  # where somebody is heard to speak, start and end on the file's clock
    likelihood: float = 1.0  # the mean of the detector's probabilities there

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
    for block in _blocks(blocks):
        full = np.pad(block, (0, -len(block) % WINDOW)).reshape(-1, WINDOW)
        for number, probability in enumerate(detector(full)):
            yield from stretch.add(block[number * WINDOW :][:WINDOW], float(probability))
    yield from stretch.rest()


def silero() -> Detector:
    """A detector of its own, with its own state: not to be shared between streams."""
    import torch

    threads = torch.get_num_threads()
    from silero_vad import load_silero_vad  # which sets one thread for the whole process, and Whisper with it

    torch.set_num_threads(threads)
    model = load_silero_vad()._model  # for 16 kHz
    cell = dict(model.decoder.rnn.named_parameters())
    recurrent = torch.nn.LSTM(cell["weight_ih"].shape[1], cell["weight_hh"].shape[1])
    recurrent.load_state_dict({f"{name}_l0": weights for name, weights in cell.items()})
    context = torch.zeros(1, CONTEXT)
    state: tuple[torch.Tensor, torch.Tensor] | None = None

    @torch.inference_mode()
    def probabilities(windows: NDArray[np.int16]) -> NDArray[np.float32]:
        nonlocal context, state
        sound = torch.from_numpy(windows.astype(np.float32) / FULL_SCALE)
        before = torch.cat([context, sound[:-1, -CONTEXT:]])
        torch.set_num_threads(1)  # the model is so small that on a busy machine two threads wait more than they work
        seen = model.encoder(model.run_extractors(torch.cat([before, sound], dim=1)))
        heard, state = recurrent(seen.squeeze(-1), state)
        likely: NDArray[np.float32] = model.decoder.decoder(heard.unsqueeze(-1)).flatten().numpy()
        torch.set_num_threads(threads)
        context = sound[-1:, -CONTEXT:]
        return likely

    return probabilities


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
            yield self._piece(begin, end)
        keep = max(end, len(self.windows) - self._padding) if at == len(self.windows) else at
        self.first += keep
        for held in (self.windows, self.likely, self.spoken):
            del held[:keep]

    def _piece(self, begin: int, end: int) -> Piece:
        spans, at = [], begin
        for spoken, windows in itertools.groupby(self.spoken[begin:end]):
            length = len(list(windows))
            if spoken:
                spans.append(((self.first + at) * WINDOW_MS, (self.first + at + length) * WINDOW_MS))
            at += length
        likely = [p for p, spoken in zip(self.likely[begin:end], self.spoken[begin:end], strict=True) if spoken]
        audio = _faded(self.windows[begin:end])
        return Piece((self.first + begin) * WINDOW_MS, audio, tuple(spans), round(float(np.mean(likely)), 3))

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


def _blocks(blocks: Iterable[NDArray[np.int16]]) -> Iterator[NDArray[np.int16]]:
    """The same sound in blocks of BLOCK windows; the last may be shorter."""
    rest = np.zeros(0, np.int16)
    for block in blocks:
        rest = np.concatenate([rest, block])
        whole = len(rest) // (BLOCK * WINDOW) * BLOCK * WINDOW
        yield from rest[:whole].reshape(-1, BLOCK * WINDOW)
        rest = rest[whole:]
    if len(rest):
        yield rest


def _faded(windows: list[NDArray[np.int16]]) -> AudioSegment:
    return segment(np.concatenate(windows)).fade_in(FADE_MS).fade_out(FADE_MS)
