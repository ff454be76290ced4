"""Sounds that are not speech, made with numpy; some of them fool a speech detector."""

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
VOWELS = ((700, 1200, 2600), (300, 2300, 3000), (500, 900, 2500), (400, 1900, 2600), (350, 800, 2400))  # formants, Hz
SCALE = (0, 2, 4, 5, 7, 9, 11, 12)  # halftones

Pcm = NDArray[np.int16]
Samples = NDArray[np.float64]


def silence(seconds: float) -> Pcm:
    return np.zeros(int(seconds * RATE), np.int16)


def noise(seconds: float, *, slope: float = 0.0, loudness: float = 0.3) -> Pcm:
    """White; pink with a slope of 0.5, brown with one of 1."""
    count = int(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(count))
    return _pcm(np.fft.irfft(spectrum / np.maximum(1, np.arange(len(spectrum))) ** slope, count), loudness)


def melody(seconds: float) -> Pcm:
    """Notes that are struck and die away, two at a time."""
    draw = np.random.default_rng(1)
    at = np.arange(RATE // 2) / RATE
    notes = []
    for _ in range(int(seconds * 2)):
        pitches = 131 * 2 ** (draw.choice(SCALE, 2) / 12)
        overtones = [np.sin(2 * np.pi * pitch * n * at) / n for pitch in pitches for n in range(1, 7)]
        notes.append(np.sum(overtones, axis=0) * np.exp(-5 * at))
    return _pcm(np.concatenate(notes))


def singing(seconds: float, seed: int = 0) -> Pcm:
    """A buzz through the formants of vowels, in quick notes with vibrato: nearly a voice, and no word in it."""
    draw = np.random.default_rng(seed)
    notes: list[Samples] = []
    while sum(map(len, notes)) < seconds * RATE:
        at = np.arange(int(draw.uniform(0.08, 0.3) * RATE)) / RATE
        pitch = 110 * 2 ** (draw.choice(SCALE) / 12) * (1 + 0.02 * np.sin(2 * np.pi * 5.5 * at))
        buzz = np.cumsum(pitch) / RATE % 1 * 2 - 1
        notes.append(_vowel(buzz, VOWELS[draw.integers(len(VOWELS))]) * np.minimum(1, np.minimum(at, at[::-1]) / 0.04))
        notes.append(np.zeros(int(draw.choice([0, 0, 0.2]) * RATE)))
    return _pcm(np.concatenate(notes))


def _vowel(buzz: Samples, formants: tuple[int, ...]) -> Samples:
    spectrum, pitches = np.fft.rfft(buzz), np.fft.rfftfreq(len(buzz), 1 / RATE)
    shape = sum(1 / (n * np.hypot(1, (pitches - formant) / 90)) for n, formant in enumerate(formants, 1))
    return np.fft.irfft(spectrum * shape, len(buzz))


def _pcm(samples: Samples, loudness: float = 0.6) -> Pcm:
    return np.asarray(samples / np.abs(samples).max() * loudness * 32_767, np.int16)
