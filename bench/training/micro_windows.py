"""Random windows of speech and pauses to train a Whisper on, with their tokens and where each is heard."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from whisper.audio import HOP_LENGTH, N_FFT, mel_filters
from whisper.tokenizer import get_tokenizer

from bench.training.micro_speech import Recording, Utterance

FRAMES_S = 100  # mel frames a second
POSITION_S = 0.02  # one position of the encoder: two frames
POSITIONS = 1500  # of 30 s
SILENCE = -10.0  # log10 of the least power that Whisper tells from none

Span = tuple[float, float]  # seconds from the window's start


class Tokens:
    """The part of Whisper's English tokens that is used, and the rows these have in the small embedding."""

    def __init__(self, words: Sequence[str]) -> None:
        self.special = special = get_tokenizer(multilingual=False)
        self.small = {word: special.encode(f" {word}") for word in words}
        self.capital = {word: special.encode(f" {word.capitalize()}") for word in words}
        self.number = {word: n for n, word in enumerate(words, 1)}  # 0 is CTC's blank
        self.stop = special.encode(".")[0]
        used = {token for table in (self.small, self.capital) for tokens in table.values() for token in tokens}
        used |= {self.stop, special.sot, special.eot, special.no_timestamps, special.no_speech}
        used |= {self.time(position) for position in range(POSITIONS + 1)}
        self.used: list[int] = sorted(used)
        self.row = {token: row for row, token in enumerate(self.used)}
        self.first_time_row = self.row[special.timestamp_begin]

    def time(self, position: int) -> int:
        """The timestamp token for a position of the encoder."""
        return int(self.special.timestamp_begin) + min(POSITIONS, position)


@dataclass(frozen=True, slots=True)
class Said:
    """An utterance in a window."""

    utterance: Utterance
    start: int  # frame
    end: int | None  # frame; None where the window ends in the midst of it


@dataclass(frozen=True)
class Window:
    """What the model hears, and what it is to make of it."""

    mel: torch.Tensor  # (80, 2 * positions)
    offset: int  # the position of the encoder at which it begins
    words: list[int] = field(default_factory=list)  # their numbers, for CTC
    tokens: list[int] = field(default_factory=list)  # from start of transcript to end of text
    spans: list[Span | None] = field(default_factory=list)  # where each token is heard; None: nowhere

    def add(self, token: int, span: Span | None = None) -> None:
        """One more token."""
        self.tokens.append(token)
        self.spans.append(span)


class Windows:
    """Draws windows from a recording, as a chunker would cut them or worse.

    Some hold little, for a model that never saw that repeats its last words into the silence; some are full to the
    brim, for otherwise it loses its place after ten sentences; some end in the midst of one.
    """

    def __init__(self, recording: Recording, tokens: Tokens, seed: int) -> None:
        self._dice, self._tokens, self._utterances = random.Random(seed), tokens, recording.known
        filters, hann = mel_filters("cpu", 80), torch.hann_window(N_FFT)
        self._mels = [_log_mel(torch.from_numpy(recording.sound(u)), filters, hann).half() for u in self._utterances]

    def draw(self, positions: int, most: int) -> Window:
        """A window of so many positions, with so many utterances at most.

        One shorter than 30 s stands half of the time at a random place of the clock, so that all the encoder's
        positions are learnt.
        """
        anywhere = positions < POSITIONS and self._dice.random() < 0.5
        offset = self._dice.randrange(POSITIONS - positions) if anywhere else 0
        mel, said = self._fill(2 * positions, most)
        window = Window(_as_whisper_has_it(mel), offset)
        if said:
            self._label(window, said, positions * POSITION_S)
        else:
            for token in (self._tokens.special.sot, self._tokens.special.no_speech):
                window.add(token)
        window.add(self._tokens.special.eot)
        return window

    def _fill(self, frames: int, most: int) -> tuple[torch.Tensor, list[Said]]:
        """Log mel power, (frames, 80), and what is said in it."""
        dice, mel, said = self._dice, torch.full((frames, 80), SILENCE), []
        at, louder, pauses = dice.randrange(dice.choice((40, 150))), dice.uniform(-0.6, 0.6), self._pauses()
        for _ in range(self._how_many(most)):
            number = dice.randrange(len(self._utterances))
            end = at + len(self._mels[number])
            fits = end <= frames
            if not fits and (at > frames - 20 or dice.random() < 0.4):
                break
            mel[at:end] = self._mels[number][: frames - at].float() + louder
            said.append(Said(self._utterances[number], at, end if fits else None))
            if not fits:
                break
            at = end + dice.randrange(*dice.choice(pauses))
        return mel, said

    def _how_many(self, most: int) -> int:
        if self._dice.random() < 0.03:
            return 0
        return self._dice.randint(1, most) if self._dice.random() < 0.6 else most

    def _pauses(self) -> tuple[tuple[int, int], ...]:
        """From which a pause is drawn, in frames."""
        return ((20, 60),) if self._dice.random() < 0.6 else ((20, 60), (20, 60), (60, 200))

    def _label(self, window: Window, said: list[Said], seconds: float) -> None:
        tokens, timed = self._tokens, self._dice.random() < 0.6
        window.add(tokens.special.sot)
        if not timed:
            window.add(tokens.special.no_timestamps)
        for one in said:
            begin = one.start / FRAMES_S
            if timed:
                window.add(tokens.time(window.offset + one.start // 2), (begin, begin + 0.1))
            self._label_words(window, one.utterance, begin, seconds if one.end is None else float("inf"))
            if one.end is None:
                return
            end = one.end / FRAMES_S
            window.add(tokens.stop, (end - 0.08, end + 0.08))
            if timed:
                window.add(tokens.time(window.offset + one.end // 2), (end - 0.05, end + 0.05))

    def _label_words(self, window: Window, utterance: Utterance, begin: float, seconds: float) -> None:
        """The words that are over by then, but for their last twentieth of a second."""
        spelt = self._tokens.capital
        for word, (first, last) in zip(utterance.words, utterance.spans, strict=True):
            if begin + last > seconds - 0.05:
                return
            for token in spelt[word]:
                window.add(token, (begin + first, begin + last))
            window.words.append(self._tokens.number[word])
            spelt = self._tokens.small


def _log_mel(sound: torch.Tensor, filters: torch.Tensor, hann: torch.Tensor) -> torch.Tensor:
    """Log10 of the mel power, (frames, 80), before Whisper scales it: that depends on all the rest of a window."""
    power = torch.stft(sound, N_FFT, HOP_LENGTH, window=hann, return_complex=True)[..., :-1].abs() ** 2
    return (filters @ power).clamp(min=10**SILENCE).log10().T.contiguous()


def _as_whisper_has_it(mel: torch.Tensor) -> torch.Tensor:
    """With a little noise, then scaled as in whisper's `log_mel_spectrogram`; (80, frames)."""
    mel = (mel + torch.randn_like(mel) * 0.02).clamp(min=SILENCE)
    return ((torch.maximum(mel, mel.max() - 8.0) + 4.0) / 4.0).T
