"""Speech for tests, of which it is known when each word is said.

flite (Debian's package of that name) speaks a sentence and prints when each phone of it ends (`-psdur`). Which word a
phone belongs to is found by an edit-distance path against the same words spoken one by one.
"""

import functools
import random
import re
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import mutagen
import mutagen.id3
import numpy as np
import numpy.typing as npt

HERE = shutil.which("flite") is not None
MISSING = "the program flite is not installed"
RATE = 16_000  # samples a second, as flite's voices slt and rms give them

_BREATH_MS = 60  # kept around a sentence, so that its edges are not clipped
_EDGE_MS = 250  # of silence before the first sentence and after the last
_PEAK = 0.7  # -3 dBFS: the highest sample of all

_CODECS = {  # by suffix: codec, samples a second, bits a second (0: as many as it takes)
    ".mp3": ("libmp3lame", 24_000, 48_000),
    ".wav": ("pcm_s16le", RATE, 0),
    ".flac": ("flac", RATE, 0),
    ".m4a": ("aac", 24_000, 64_000),
    ".aac": ("aac", 24_000, 64_000),
    ".ogg": ("libopus", 24_000, 48_000),
    ".opus": ("libopus", 24_000, 48_000),
}
_ID3: dict[str, Any] = {
    "title": mutagen.id3.TIT2,
    "album": mutagen.id3.TALB,
    "artist": mutagen.id3.TPE1,
    "date": mutagen.id3.TDRC,
    "comment": mutagen.id3.COMM,
}
_MP4 = {"title": "©nam", "album": "©alb", "artist": "©ART", "date": "©day", "comment": "©cmt"}

Pcm = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Phone:
    """A sound of flite's, such as `ih`; pauses (`pau`) are left out."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word as written, punctuation and all, and when it is said."""

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class SpokenSentence:
    """A sentence, from the start of its first word to the end of its last."""

    text: str
    voice: str
    words: tuple[SpokenWord, ...]

    @property
    def start_ms(self) -> int:
        return self.words[0].start_ms

    @property
    def end_ms(self) -> int:
        return self.words[-1].end_ms

    def later(self, ms: int) -> "SpokenSentence":
        """The same sentence, said so much later."""
        words = (replace(w, start_ms=w.start_ms + ms, end_ms=w.end_ms + ms) for w in self.words)
        return replace(self, words=tuple(words))


@dataclass(frozen=True, slots=True)
class Spoken:
    """Sound and what is said in it, on one clock."""

    pcm: Pcm  # mono, 16 kHz
    sentences: tuple[SpokenSentence, ...]

    @property
    def words(self) -> tuple[SpokenWord, ...]:
        return tuple(word for sentence in self.sentences for word in sentence.words)

    @property
    def duration_ms(self) -> int:
        return len(self.pcm) * 1000 // RATE


def speak(text: str, voice: str = "slt", *, pause_ms: int = 600, stretch: float = 1.0) -> Spoken:
    """Text in one voice, a pause after each sentence. A `stretch` above 1 is slower.

    `slt` and `rms` are understood best. Words are the text's, parted at white space; write numbers and abbreviations
    out, as they are said. Raises ValueError for a voice of another rate, and where a word's sounds cannot be told.
    """
    return conversation([(voice, text)], pause_ms=(pause_ms, pause_ms), stretch=stretch)


def conversation(
    turns: Iterable[tuple[str, str]],
    *,
    pause_ms: tuple[int, int] = (400, 800),
    turn_ms: tuple[int, int] = (900, 1200),
    stretch: float = 1.0,
) -> Spoken:
    """Turns of (voice, text), one after another. Pauses between sentences and between turns are drawn from their range.

    The same turns always give the same sound. Sentences are equally loud, and the highest sample stands at -3 dBFS.
    """
    draw = random.Random(0)
    pieces, sentences, at, pause = [], [], 0, _silence(_EDGE_MS)
    for voice, text in turns:
        for sentence in re.split(r"(?<=[.?!])\s+", text.strip()):
            pcm, said = _say(sentence, voice, stretch)
            pieces += [pause, pcm]
            sentences.append(said.later(round((at + len(pause)) * 1000 / RATE)))
            at += len(pause) + len(pcm)
            pause = _silence(draw.randint(*pause_ms) - 2 * _BREATH_MS)
        pause = _silence(draw.randint(*turn_ms) - 2 * _BREATH_MS)
    return Spoken(_normalised(np.concatenate([*pieces, _silence(_EDGE_MS)])), tuple(sentences))


def write_audio(pcm: Pcm, path: Path, tags: Mapping[str, str] | None = None) -> None:
    """Encodes by suffix (mp3, wav, flac, m4a, aac, ogg, opus); the tags are title, album, artist, date, comment.

    No time is shifted, but in bare aac: a click said to be at t is decoded at t, within 1 ms, in each of the others.
    mp3 and AAC put an encoder's delay before the first sample, but name it in the file, and PyAV and browsers take it
    off again.
    """
    codec, rate, bit_rate = _CODECS[path.suffix]
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = bit_rate
        for frame in _frames(pcm, stream):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    if tags:
        _tag(path, tags)


def _frames(pcm: Pcm, stream: av.AudioStream) -> Iterator[av.AudioFrame]:
    """The sound as the codec wants it, in one frame and what the resampler held back."""
    whole = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm[np.newaxis]), format="s16", layout="mono")
    whole.sample_rate, whole.pts = RATE, 0
    resampler = av.AudioResampler(stream.format, "mono", stream.rate)
    yield from resampler.resample(whole)
    yield from resampler.resample(None)


def _tag(path: Path, tags: Mapping[str, str]) -> None:
    file: Any = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    for name, value in tags.items():
        if path.suffix in (".mp3", ".wav"):
            file.tags.add(_ID3[name](encoding=3, lang="eng", desc="", text=value))
        else:
            file.tags[_MP4[name] if path.suffix == ".m4a" else name] = [value]
    file.save()


def _silence(ms: int) -> npt.NDArray[np.float64]:
    return np.zeros(max(0, ms) * RATE // 1000)


def _normalised(sound: npt.NDArray[np.float64]) -> Pcm:
    scaled: Pcm = np.rint(sound * (_PEAK * 32767 / np.abs(sound).max())).astype(np.int16)
    return scaled


def _say(sentence: str, voice: str, stretch: float) -> tuple[npt.NDArray[np.float64], SpokenSentence]:
    """One sentence, its root mean square 1, without the silence that flite puts around it."""
    pcm, phones = _flite(sentence, voice, stretch)
    first = max(0, round(phones[0].start_s * RATE) - _BREATH_MS * RATE // 1000)
    last = round(phones[-1].end_s * RATE) + _BREATH_MS * RATE // 1000
    sound = pcm[first:last].astype(np.float64)
    words = _words(sentence, voice, phones)
    said = SpokenSentence(sentence, voice, words).later(-round(first * 1000 / RATE))
    return sound / np.sqrt(np.mean(sound**2)), said


def _words(sentence: str, voice: str, phones: Sequence[Phone]) -> tuple[SpokenWord, ...]:
    texts = [text for text in sentence.split() if re.search(r"\w", text)]
    alone = [(name, i) for i, text in enumerate(texts) for name in _phones_of(re.sub(r"^\W+|\W+$", "", text), voice)]
    owners = _owners([phone.name for phone in phones], alone)
    words = []
    for i, text in enumerate(texts):
        mine = [phone for phone, owner in zip(phones, owners, strict=True) if owner == i]
        if not mine:
            raise ValueError(f"flite runs {text!r} together with its neighbours in {sentence!r}: write it differently")
        words.append(SpokenWord(text, round(mine[0].start_s * 1000), round(mine[-1].end_s * 1000)))
    return tuple(words)


def _owners(phones: Sequence[str], alone: Sequence[tuple[str, int]]) -> list[int | None]:
    """Which word each phone belongs to, of the words' own phones: the cheapest path from the one list to the other."""
    n, m = len(phones), len(alone)
    cost = np.zeros((n + 1, m + 1))
    cost[:, 0], cost[0] = np.arange(n + 1), np.arange(m + 1)
    differ = np.array([[0.9 * (phone != other) for other, _ in alone] for phone in phones])
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            cost[i, j] = min(cost[i - 1, j - 1] + differ[i - 1, j - 1], cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    owners: list[int | None] = [None] * n
    i, j = n, m
    while i and j:
        if cost[i, j] == cost[i - 1, j - 1] + differ[i - 1, j - 1]:
            owners[i - 1] = alone[j - 1][1]
            i, j = i - 1, j - 1
        elif cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
        else:
            j -= 1
    return owners


@functools.cache
def _phones_of(word: str, voice: str) -> tuple[str, ...]:
    return tuple(phone.name for phone in _flite(word, voice, 1.0)[1])


def _flite(text: str, voice: str, stretch: float) -> tuple[Pcm, list[Phone]]:
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        pace = f"duration_stretch={stretch}"
        command = ["flite", "-voice", voice, "--setf", pace, "-psdur", "-t", text, "-o", file.name]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        with wave.open(file.name) as recording:
            if recording.getframerate() != RATE:
                raise ValueError(f"flite's voice {voice!r} has {recording.getframerate()} samples a second, not {RATE}")
            pcm = np.frombuffer(recording.readframes(recording.getnframes()), dtype=np.int16)
    ends = [(name, float(end)) for name, end in (item.rsplit(":", 1) for item in printed.split())]
    spans = pairwise([("", 0.0), *ends])
    return pcm, [Phone(name, start, end) for (_, start), (name, end) in spans if name != "pau"]
