"""Recordings of people with what they say, by a manifest; the same degraded; and sounds in which nobody speaks."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from transcribe.audio.decode import RATE, open_audio

Sound = NDArray[np.int16]  # mono, at RATE
LOUD = 32_767
NOISE_DB = 10  # that noise or music lies under speech
QUIET_DB = -45  # of full scale, the loudness of the quiet copies


@dataclass(frozen=True)
class Recording:
    """A recording and its truth."""

    name: str
    sound: Sound
    language: str | None  # ISO 639-1; None where there are several, or it is not told
    text: str | None
    words: Sequence[tuple[str, float, float]] = ()  # with start and end in seconds, where known

    @property
    def minutes(self) -> float:
        """How long it lasts."""
        return len(self.sound) / RATE / 60


def read(folder: Path) -> list[Recording]:
    """Those of a folder's manifest.json."""
    return [
        Recording(
            entry["file"],
            sound(folder / entry["file"]),
            entry["language"] if entry["language"] != "?" else None,
            entry["text"],
            tuple(map(tuple, entry["words"] or ())),
        )
        for entry in json.loads((folder / "manifest.json").read_text())
    ]


def sound(path: Path) -> Sound:
    """All of a file."""
    with open_audio(path) as recording:
        return np.concatenate(list(recording.blocks()))


def degraded(recording: Recording, music: Sound) -> Iterator[Recording]:
    """The same as it comes in practice: by telephone, far too quiet, too loud, in noise, over music."""
    ways: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
        "8 kHz": _telephone,
        "-45 dB": lambda x: x * (LOUD * 10 ** (QUIET_DB / 20) / _loudness(x)),
        "clipped": lambda x: np.clip(8 * x, -LOUD, LOUD),
        "noise": lambda x: _over(x, np.random.default_rng(1).normal(size=len(x))),
        "music": lambda x: _over(x, np.resize(music, len(x)).astype(float)),
    }
    for name, way in ways.items():
        made = np.clip(way(recording.sound.astype(float)), -LOUD, LOUD).astype(np.int16)
        yield replace(recording, name=f"{recording.name} {name}", sound=made)


def nobody(folder: Path) -> Iterator[Recording]:
    """Sounds without speech: silence, noises, a hum, applause, and what the folder has of them."""
    draw, seconds = np.random.default_rng(2), 40
    count = seconds * RATE
    time = np.arange(count) / RATE
    noise = draw.normal(size=count)
    claps = np.zeros(count)
    for at in draw.integers(0, count - 800, 12 * seconds):
        claps[at : at + 800] += draw.normal(size=800) * np.exp(-np.arange(800) / 160) * draw.uniform(0.3, 1)
    made = {
        "silence": 0 * time,
        "quiet noise": 30 * noise,
        "loud noise": 3000 * noise,
        "brown noise": 3000 * _unit(np.cumsum(noise) - np.linspace(0, noise.sum(), count)),
        "hum": 2000 * sum(np.sin(2 * np.pi * 50 * n * time) / n for n in (1, 2, 3, 5)),
        "applause": 8000 * claps,
    }
    for name, wave in made.items():
        yield Recording(name, np.clip(wave, -LOUD, LOUD).astype(np.int16), None, "")
    for path in sorted((folder / "sounds").glob("*.*")):
        yield Recording(path.stem, sound(path), None, "")


def _telephone(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Only what a line of 8 kHz carries, 300 to 3,400 Hz."""
    spectrum, frequency = np.fft.rfft(x), np.fft.rfftfreq(len(x), 1 / RATE)
    spectrum[(frequency < 300) | (frequency > 3400)] = 0
    return np.fft.irfft(spectrum, len(x))


def _over(x: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    return x + other * (_loudness(x) * 10 ** (-NOISE_DB / 20) / _loudness(other))


def _loudness(x: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(x**2)))


def _unit(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return x / np.abs(x).max()
