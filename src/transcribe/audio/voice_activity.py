"""PCM to pieces of speech, cut at pauses. What is not speech goes no further.

Silero's voice activity detector says how likely each window of 32 ms is speech. Memory holds one piece at a time.

Its convolutions look at each window alone, so a block of windows goes through them at once, and only its recurrent
layer takes them one by one, inside torch. Measured on one core: 4 s for an hour of sound, and 32 s for the same pieces
with a call for each window.
"""

import itertools
import operator
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
CUTTING = 2  # the version of our way of cutting: another one means other pieces, and checkpoints that hold no more

# Windows that follow one another, int16 of shape (n, WINDOW), to their probabilities of speech, shape (n,). It keeps
# its state from call to call.
Detector = Callable[[NDArray[np.int16]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """What counts as speech, and how it is cut.

    Slow speakers pause for two seconds and more in mid-sentence, and soft first sounds begin up to half a second before
    the detector is sure. Whisper fills each piece up to 30 s anyway, so silence in it costs nothing.
    """

    enter: float = 0.5  # speech begins at this probability: the detector's own default
    leave: float = 0.35  # and ends below this one, 0.15 lower, as its authors have it
    padding_ms: int = 500  # kept on both sides, for the soft sounds the detector misses
    pause_ms: int = 8000  # a longer pause ends a piece; shorter ones stay in it, as a recognizer expects of speech
    longest_ms: int = 30_000  # Whisper's window
    earliest_cut: float = 1 / 2  # of a full piece: cutting before it would make pieces too short to make sense of
    least_ms: int = 96  # speech shorter than three windows is a click or a cough
    context_ms: int = 2500  # heard on both sides of a cut in speech, so that no sentence seems to end or begin there
    resting_ms: int = 1500  # a pause of this length needs no context: a sentence may as well end there
    late_ms_a_s: int = 40  # how much longer a pause must be to be cut a second earlier


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of speech and where it stands on the clock of the stored file."""

    start_ms: int
    audio: AudioSegment  # 16 kHz, mono, 16 bit
    speech: tuple[tuple[int, int], ...] = ()  # where somebody is heard to speak, start and end on the file's clock
    likelihood: float = 1.0  # the mean of the detector's probabilities there
    lead: AudioSegment | None = None  # the sound right before it, where it was cut in speech: another piece's
    tail: AudioSegment | None = None  # the sound right behind it, likewise

    @property
    def end_ms(self) -> int:
        """Where the piece ends on the same clock."""
        return self.start_ms + len(self.audio)

    @property
    def span(self) -> tuple[int, int]:
        """Start and end."""
        return self.start_ms, self.end_ms

    def in_context(self) -> "Piece":
        """With the sound on both sides as its own, for a recognizer that needs to know how speech goes on."""
        audio, start_ms = self.audio, self.start_ms
        if self.lead:
            audio, start_ms = self.lead + audio, start_ms - len(self.lead)
        return Piece(start_ms, audio + self.tail if self.tail else audio, self.speech, self.likelihood)

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

    Where speech goes on for longer, it is cut at a long and late pause; where there is none, at the window least like
    speech. Pieces on both sides of such a cut know the sound beyond it, and are no longer than `longest_ms` with it.
    Digital silence gives no pieces.
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
    lead: list[NDArray[np.int16]] = field(default_factory=list)  # what was cut off in speech right before them

    def add(self, window: NDArray[np.int16], probability: float) -> Iterator[Piece]:
        """Takes the next window; gives the piece that it completes, if it does."""
        going_on = bool(self.spoken) and self.spoken[-1]
        self.windows.append(window)
        self.likely.append(probability)
        self.spoken.append(probability >= (self.options.leave if going_on else self.options.enter))
        silent = sum(1 for _ in itertools.takewhile(operator.not_, reversed(self.spoken)))
        if silent * WINDOW_MS > self.options.pause_ms:
            yield from self._cut(len(self.windows))
        elif (len(self.lead) + len(self.windows)) * WINDOW_MS > self.options.longest_ms - WINDOW_MS:
            at, pause = self._best_cut()
            yield from self._cut(at, 0 if pause * WINDOW_MS >= self.options.resting_ms else self._context)

    def rest(self) -> Iterator[Piece]:
        """The piece that the end of the stream completes."""
        yield from self._cut(len(self.windows))

    @property
    def _padding(self) -> int:
        return self.options.padding_ms // WINDOW_MS

    @property
    def _context(self) -> int:
        return self.options.context_ms // WINDOW_MS

    def _cut(self, at: int, context: int = 0) -> Iterator[Piece]:
        """Gives the speech before a window as a piece, and forgets it; what may lead in the next is kept.

        `context` is how many windows on both sides of the cut belong together.
        """
        spoken = np.flatnonzero(self.spoken[:at]).tolist()
        end = 0
        if len(spoken) * WINDOW_MS >= self.options.least_ms:
            begin = 0 if self.lead else max(0, spoken[0] - self._padding)
            end = at if context else min(at, spoken[-1] + 1 + self._padding)
            yield self._piece(begin, end, context)
        keep = max(end, len(self.windows) - self._padding) if at == len(self.windows) else at
        self.lead = self.windows[max(0, keep - context) : keep] if context else []
        self.first += keep
        for held in (self.windows, self.likely, self.spoken):
            del held[:keep]

    def _piece(self, begin: int, end: int, context: int) -> Piece:
        spans, at = [], begin
        for spoken, windows in itertools.groupby(self.spoken[begin:end]):
            length = len(list(windows))
            if spoken:
                spans.append(((self.first + at) * WINDOW_MS, (self.first + at + length) * WINDOW_MS))
            at += length
        likely = [p for p, spoken in zip(self.likely[begin:end], self.spoken[begin:end], strict=True) if spoken]
        lead, tail = self.lead, self.windows[end : end + context]
        return Piece(
            (self.first + begin) * WINDOW_MS,
            _faded(self.windows[begin:end], begins=not lead, ends=not tail),
            tuple(spans),
            round(float(np.mean(likely)), 3),
            _faded(lead, ends=False) if lead else None,
            _faded(tail, begins=False) if tail else None,
        )

    def _best_cut(self) -> tuple[int, int]:
        """The middle of a pause that is long and late, and how many windows it lasts.

        Without a pause, the window least like speech. Some windows are left behind it, as context.
        """
        latest = len(self.spoken) - self._context
        earliest = min(int(len(self.spoken) * self.options.earliest_cut), latest - 1)
        pauses, at = [], 0
        for spoken, windows in itertools.groupby(self.spoken):
            length = len(list(windows))
            middle = at + length // 2
            if not spoken and earliest <= middle < latest:
                lateness_ms = self.options.late_ms_a_s * middle * WINDOW_MS / 1000
                pauses.append((length * WINDOW_MS + lateness_ms, middle, length))
            at += length
        if not pauses:
            return earliest + int(np.argmin(self.likely[earliest:latest])), 0
        _, middle, length = max(pauses)
        return middle, length


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


def _faded(windows: list[NDArray[np.int16]], begins: bool = True, ends: bool = True) -> AudioSegment:
    """The sound of windows; where nothing precedes or follows it, it does not begin or end with a click."""
    sound = segment(np.concatenate(windows))
    sound = sound.fade_in(FADE_MS) if begins else sound
    return sound.fade_out(FADE_MS) if ends else sound
