"""Whether a browser finds a moment in a file: judged by all of its frames, whatever its headers claim.

Measured in Chromium with half an hour of tones, one a second (`bench/landing.py`): wav, flac, m4a, opus and webm are
sought to the sample. A browser looks for a moment of an mp3 at its share of the bytes. That is true only where every
frame takes as many bytes and nothing else lies between them. Bare AAC (ADTS) has no times at all, and vorbis in ogg is
sought by guessing at pages.
"""

import re
import struct
from dataclasses import dataclass, field
from typing import BinaryIO, Literal, TypeAlias

from transcribe.audio.decode import AudioPacket, Recording

Container: TypeAlias = Literal["mp4", "webm"]

FOREIGN_S = 0.02  # of sound: so many bytes that are no sound may lie between frames, such as one stray tag
STRAY_FRAMES = 2  # writers count the header's own frame or not, and the last one or not

BITRATES = (  # kbit/s by a header's index; ISO/IEC 11172-3 and 13818-3, layer III
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),  # sample rates up to 24 kHz
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),  # from 32 kHz on
)
_LONGEST_FRAME = 2881  # bytes
_XING = re.compile(rb"(?:Xing|Info)\0\0\0(?P<has>.)(?P<fields>.{8})", re.DOTALL)
_VBRI = re.compile(rb"VBRI.{6}(?P<bytes>.{4})(?P<frames>.{4})", re.DOTALL)
_HAS_FRAMES, _HAS_BYTES = 1, 2  # bits of `has`


def copy_container(recording: Recording) -> Container | None:
    """What to copy the frames into so that a browser seeks truly; None where it does so in the file as it is."""
    formats, codec = recording.container.format.name, recording.codec
    if formats == "mp3" and codec == "mp3":
        return "mp4" if _is_uneven(recording) else None
    if formats == "aac" and codec == "aac":
        return "mp4"
    if formats == "ogg" and codec == "vorbis":
        return "webm"
    return None


@dataclass
class _Frames:
    """What the frames of an mp3 are seen to be."""

    heads: set[tuple[int, int]] = field(default_factory=set)  # version, layer; bit rate, sample rate
    count: int = 0
    first: int = 0  # where the first begins
    end: int = 0  # where the last ends
    foreign: int = 0  # bytes between them that belong to none

    def add(self, packet: AudioPacket) -> None:
        """Counts one frame, or bytes that libav took for one."""
        begin = packet.pos or self.end
        head = bytes(memoryview(packet)[:3])
        if not self.count:
            self.first = self.end = begin
        self.foreign += max(0, begin - self.end)
        self.end = begin + packet.size
        if len(head) < 3 or head[0] != 0xFF or head[1] < 0xE0:
            self.foreign += packet.size
            return
        self.heads.add((head[1] & 0b11110, head[2] & 0b11111100))
        self.count += 1

    @property
    def bytes_a_second(self) -> int:
        """Of the bit rate of all; 0 where they have several, or one that their headers do not tell."""
        if len(self.heads) != 1:
            return 0
        ((version, rates),) = self.heads
        return BITRATES[version >> 3 == 0b11][rates >> 4] * 1000 // 8


def _is_uneven(recording: Recording) -> bool:
    frames = _Frames()
    for packet in recording.packets():
        if packet.size:
            frames.add(packet)
    rate = frames.bytes_a_second
    return not rate or frames.foreign > FOREIGN_S * rate or not _claims_truly(recording.file, frames)


def _claims_truly(file: BinaryIO, frames: _Frames) -> bool:
    """Whether a Xing, Info or VBRI header, if there is one, tells the truth: a browser reckons with what it tells."""
    begin = file.seek(max(0, frames.first - _LONGEST_FRAME))
    claimed = _claimed(file.read(frames.first - begin))
    if claimed is None:
        return True
    size = frames.end - frames.first
    count, claimed_size = claimed
    stray_bytes = (claimed_size or file.seek(0, 2) - frames.first) - size
    stray_frames = (count or frames.count) - frames.count
    return abs(stray_frames) <= STRAY_FRAMES and abs(stray_bytes) <= STRAY_FRAMES * size / frames.count


def _claimed(head: bytes) -> tuple[int, int] | None:
    """How many frames and bytes of sound the header tells of, each 0 where it does not; None without a header."""
    if found := _XING.search(head):
        has = found["has"][0]
        first, second = struct.unpack(">II", found["fields"])
        return first if has & _HAS_FRAMES else 0, (second if has & _HAS_FRAMES else first) if has & _HAS_BYTES else 0
    if found := _VBRI.search(head):
        return int.from_bytes(found["frames"], "big"), int.from_bytes(found["bytes"], "big")
    return None
