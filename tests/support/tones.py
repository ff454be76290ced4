"""A recording in which each second has two tones of its own, so that any piece of it says where it was cut from."""

import wave
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE = 44_100
LOW_HZ, HIGH_HZ, STEP_HZ, LOWS = 400, 2200, 25, 60  # the low tone names the second of a minute, the high one the minute
NOISES = (0.0005, 0.02, 0.12)  # of seven seconds each: a variable rate has something to vary with
AUDIBLE = 0.05  # of full scale; the tones have 0.6 together
SILENT = 1e-4
HOLE_S = 0.002  # of silence; the low tone crosses zero 800 times a second
CROSSING_S = 0.012  # the window in which two tones are weighed against one another

Samples = NDArray[np.floating[Any]]


def write_tones(path: Path, seconds: int) -> None:
    """A wav file, 16 bit, mono."""
    draw = np.random.default_rng(0)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        for second in range(seconds):
            file.writeframes((np.clip(_second(second, draw), -1, 1) * 30_000).astype("<i2").tobytes())


def first_audible(sound: Samples) -> int | None:
    """The sample with which the sound begins; None where there is none."""
    loud = np.flatnonzero(np.abs(sound) > AUDIBLE)
    return int(loud[0]) if len(loud) else None


def interrupted(sound: Samples) -> bool:
    """Whether the sound, once begun, is silent for a moment: the machine was too busy to play it."""
    begin, hole = first_audible(sound), int(HOLE_S * RATE)
    if begin is None:
        return True
    loud = np.flatnonzero(np.abs(sound[begin:]) > SILENT)
    return bool(np.any(np.diff(loud, append=len(sound) - begin) > hole))


def position_ms(sound: Samples, rate: int, around_second: int | None = None) -> float | None:
    """Where in the recording the piece begins; None where its tones tell no place, or several.

    The piece must be longer than a second. With `around_second`, tones of a place far from it tell none.
    """
    window, hop = rate // 10, rate // 20
    told = [(at, _named(sound[at : at + window], rate)) for at in range(0, len(sound) - window, hop)]
    for (at, second), (later, following) in zip(told, told[3:], strict=False):
        if following == second + 1 and (around_second is None or abs(second - around_second) < LOWS):
            boundary = _crossing(sound[at : later + window], rate, second) + at
            begins = (second + 1) * 1000 - boundary * 1000 / rate
            return begins if _begins_there(sound, rate, begins) else None
    return None


def _second(second: int, draw: np.random.Generator) -> Samples:
    at = np.arange(RATE) / RATE
    low, high = _tones(second)
    tones = 0.3 * np.sin(2 * np.pi * low * at) + 0.3 * np.sin(2 * np.pi * high * at)
    return np.asarray(tones + draw.normal(0, NOISES[second // 7 % len(NOISES)], RATE))


def _tones(second: int) -> tuple[int, int]:
    return LOW_HZ + STEP_HZ * (second * 23 % LOWS), HIGH_HZ + STEP_HZ * (second // LOWS)


def _named(piece: Samples, rate: int) -> int:
    """The second that the tones of a tenth of a second name."""
    lows = [_strength(piece, rate, LOW_HZ + STEP_HZ * n) for n in range(LOWS)]
    highs = [_strength(piece, rate, HIGH_HZ + STEP_HZ * n) for n in range(200)]
    low = int(np.argmax(lows))
    return int(np.argmax(highs)) * LOWS + next(n for n in range(LOWS) if n * 23 % LOWS == low)


def _strength(piece: Samples, rate: int, hertz: float) -> float:
    at = np.arange(len(piece)) / rate
    return float(abs(np.dot(piece * np.hanning(len(piece)), np.exp(-2j * np.pi * hertz * at))))


def _crossing(piece: Samples, rate: int, second: int) -> float:
    """The sample at which the tone of one second gives way to that of the next."""
    window = int(CROSSING_S * rate)
    at = np.arange(len(piece)) / rate
    strengths = []
    for hertz in (_tones(second)[0], _tones(second + 1)[0]):
        turned = np.concatenate([[0], np.cumsum(piece * np.exp(-2j * np.pi * hertz * at))])
        strengths.append(np.abs(turned[window:] - turned[:-window]))
    later = strengths[1] > strengths[0]
    # Where the later one wins for good: after the last window in which the earlier one is the stronger.
    earlier = np.flatnonzero(~later)
    return float(earlier[-1] + window / 2) if len(earlier) else window / 2


def _begins_there(sound: Samples, rate: int, begins_ms: float) -> bool:
    """Whether the very first sound is of that place too, rather than a moment of another."""
    piece = sound[: rate // 40]
    second = int((begins_ms + 12) // 1000)
    strengths = [_strength(piece, rate, LOW_HZ + STEP_HZ * n) for n in range(LOWS)]
    near = [_strength(piece, rate, _tones(second + n)[0]) for n in (-1, 0, 1) if second + n >= 0]
    return max(near) > 0.4 * max(strengths)
