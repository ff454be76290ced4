"""Media files as they come from bad disks, broken transfers and bad intentions: whole ones, and ways to break them."""

import random
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from tests.support.speech import write_audio
from transcribe.audio.decode import RATE, open_audio

TALK = Path(__file__).parents[1] / "data" / "talk.mp3"
SECONDS = 3
BLOCK = 512  # bytes, of a disk
INTERESTING = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\xff\xff\xff\x7f", b"\0\0\0\1")

_OTHERS = {  # which `write_audio` does not write: codec and the container's options
    ".webm": ("libopus", {}),
    ".mkv": ("flac", {}),
    ".mp4": ("aac", {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "500000"}),
    ".aac": ("aac", {}),
}


def whole(folder: Path) -> list[Path]:
    """A few seconds of a talk in every format."""
    with open_audio(TALK) as recording:
        talk = np.concatenate(list(recording.blocks()))[: SECONDS * RATE]
    paths = [folder / f"talk{suffix}" for suffix in (".mp3", ".m4a", ".ogg", ".opus", ".flac", ".wav", *_OTHERS)]
    for path in paths:
        if path.suffix in _OTHERS:
            _write(talk, path)
        else:
            write_audio(talk, path)
    return paths


def broken(content: bytes, dice: random.Random) -> tuple[str, bytes]:
    """What was done to it, and what it is then. The same dice give the same."""
    way = dice.choice(WAYS)
    return way.__name__.strip("_").replace("_", " "), way(content, dice)


def _write(sound: NDArray[np.int16], path: Path) -> None:
    codec, options = _OTHERS[path.suffix]
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=48_000, layout="mono")
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(sound[np.newaxis], "s16", "mono")
        frame.sample_rate, frame.pts = RATE, 0
        resampler = av.AudioResampler(stream.format, "mono", stream.rate)
        for part in (*resampler.resample(frame), *resampler.resample(None), None):
            container.mux(stream.encode(part))


def _bits_flipped(content: bytes, dice: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(dice.choice((1, 3, 30, 300))):
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _header_edited(content: bytes, dice: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(dice.choice((1, 2, 5))):
        at = dice.randrange(min(len(changed) - 4, 600))
        changed[at : at + 4] = dice.choice((*INTERESTING, dice.randbytes(4)))
    return bytes(changed)


def _number_edited(content: bytes, dice: random.Random) -> bytes:
    """Anywhere: sample tables and indexes often stand at the end."""
    at = dice.randrange(len(content) - 4)
    return content[:at] + dice.choice(INTERESTING) + content[at + 4 :]


def _cut_short(content: bytes, dice: random.Random) -> bytes:
    return content[: dice.randrange(len(content))]


def _beginning_lost(content: bytes, dice: random.Random) -> bytes:
    return content[dice.randrange(len(content)) :]


def _bytes_taken_out(content: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(content))
    return content[:at] + content[at + dice.choice((1, 100, 5000)) :]


def _bytes_put_in(content: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(content))
    return content[:at] + dice.randbytes(dice.choice((1, 100, 5000))) + content[at:]


def _blocks_swapped(content: bytes, dice: random.Random) -> bytes:
    blocks = [content[at : at + BLOCK] for at in range(0, len(content), BLOCK)]
    for _ in range(dice.choice((1, 10))):
        one, other = dice.randrange(len(blocks)), dice.randrange(len(blocks))
        blocks[one], blocks[other] = blocks[other], blocks[one]
    return b"".join(blocks)


def _blocks_emptied(content: bytes, dice: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(dice.choice((1, 5))):
        at = dice.randrange(len(changed)) // BLOCK * BLOCK
        changed[at : at + BLOCK] = bytes(len(changed[at : at + BLOCK]))
    return bytes(changed)


def _part_repeated(content: bytes, dice: random.Random) -> bytes:
    at, length = dice.randrange(len(content)), dice.choice((50, 1000, 10_000))
    return content[:at] + content[at : at + length] * dice.choice((2, 20)) + content[at:]


WAYS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _bits_flipped,
    _header_edited,
    _number_edited,
    _cut_short,
    _beginning_lost,
    _bytes_taken_out,
    _bytes_put_in,
    _blocks_swapped,
    _blocks_emptied,
    _part_repeated,
)
