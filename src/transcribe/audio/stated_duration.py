"""How long a file itself says it is: only where that is written in it, never where libav estimates.

| container | where the length is written |
|---|---|
| mp3 | the count of frames in a Xing, Info or VBRI header, as LAME, libav and most others write one |
| wav | the size of its `data` chunk; none in a stream whose writer could not go back to fill it in |
| flac | the count of samples in STREAMINFO |
| mp4, m4a | the sample tables in `moov` (a file cut before its `moov` has no sound to decode) |
| webm, Matroska | the segment's Duration, if there are no pictures that may go on for longer than the sound |
| ogg | none; but the last page of a whole file is marked as such |

An mp3 without such a header, bare AAC, a live stream's dump: nothing in them tells a cut from an end.
"""

import re
import struct
from typing import BinaryIO

from av.audio.stream import AudioStream
from av.container import InputContainer

from transcribe.library.transcript import LATEST_MS

_FRAMES = re.compile(rb"(?:Xing|Info)\0\0\0[\x01\x03\x05\x07\x09\x0b\x0d\x0f](.{4})|VBRI.{10}(.{4})", re.DOTALL)
_LONGEST_FRAME = 2881  # bytes: MPEG 2.5, layer II, 160 kbit/s at 8 kHz
_UNKNOWN_SIZES = 0x7FFF_0000  # bytes: sox, ffmpeg and others write about 2 or 4 GB where they cannot tell
_PAGE = re.compile(rb"OggS\0(?P<kind>[\0-\x07]).{20}(?P<lengths>.)", re.DOTALL)  # RFC 3533, section 6
_LAST = 4  # a bit of a page's kind
_LONGEST_PAGE = 65_307  # bytes


def stated_ms(file: BinaryIO, container: InputContainer, first: int) -> int | None:
    """What the file says of its length; None where it says nothing, or what cannot be.

    `first` is the position in bytes of the first packet of sound.
    """
    stream, formats = container.streams.audio[0], container.format.name.split(",")
    stated: float | None = None
    if "mp3" in formats:
        stated = _mp3_ms(file, stream, first)
    elif "wav" in formats:
        stated = _wav_ms(file)
    elif ("flac" in formats or "mov" in formats) and stream.duration and stream.time_base:
        stated = float(stream.duration * stream.time_base) * 1000
    elif "matroska" in formats and container.duration and not container.streams.video:
        stated = container.duration / 1000
    return round(stated) if stated and 0 < stated < LATEST_MS else None  # beyond it a length is a fault of the file


def breaks_off(file: BinaryIO) -> bool:
    """Whether an ogg file ends within a page, or with one that is not marked as the last (RFC 7845, section 3)."""
    size = file.seek(0, 2)
    begin = file.seek(max(0, size - 2 * _LONGEST_PAGE))
    tail = file.read()
    last = max(_PAGE.finditer(tail), key=lambda page: page.start(), default=None)
    if last is None:
        return False
    count = last["lengths"][0]
    end = begin + last.end() + count + sum(tail[last.end() : last.end() + count])
    return end > size or not last["kind"][0] & _LAST


def _mp3_ms(file: BinaryIO, stream: AudioStream, first: int) -> float | None:
    """The header is a frame of its own, right before those with sound."""
    begin = file.seek(max(0, first - _LONGEST_FRAME))
    found = _FRAMES.search(file.read(first - begin))
    if not found or not stream.codec_context.frame_size or not stream.codec_context.sample_rate:
        return None
    (frames,) = struct.unpack(">I", found[1] or found[2])
    milliseconds: float = frames * stream.codec_context.frame_size * 1000 / stream.codec_context.sample_rate
    return milliseconds


def _wav_ms(file: BinaryIO) -> float | None:
    """libav would have the length of what is there."""
    file.seek(12)
    bytes_a_second = 0
    while len(head := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", head)
        if name == b"data":
            return size * 1000 / bytes_a_second if bytes_a_second and size < _UNKNOWN_SIZES else None
        if name == b"fmt ":
            bytes_a_second = int.from_bytes(file.read(12)[8:], "little")
            size -= 12
        file.seek(max(0, size + size % 2), 1)
    return None
