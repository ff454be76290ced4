"""A copy of a file's sound that a browser seeks truly: the same compressed frames in MP4 or WebM, none encoded again.

The copy keeps the decoder's own clock (`decode`) to the sample: what the decoder drops at the beginning, as LAME's tag
asks, lies before the copy's zero by an edit list, and what it drops at the end is left out. Frames that cannot be
decoded are left out too. Where the decoder puts silence in their place the copy has silent frames of mp3; other codecs
go on at the later time.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.packet import Packet

from transcribe.audio.browser_seeking import BITRATES, Container, copy_container
from transcribe.audio.decode import AudioPacket, Recording, open_audio
from transcribe.errors import AudioError, CannotWrite
from transcribe.library.episode import AudioFile
from transcribe.library.seekable_copy import EpisodeSeeking, SeekableCopies
from transcribe.library.store import UMASK, Library, publish

_NAME_DIGITS = 12  # of the sha256 of the stored bytes, in a copy's name
_OPTIONS = {"mp4": {"movflags": "faststart"}, "webm": {"cluster_time_limit": "1000"}}  # 1,000 ms: seeks go to a cluster
_SILENT_RATE = 4  # the index of a bit rate that has room for all side information: 56 kbit/s, or 32 in MPEG 2


def seeking_of(library: Library, episode_id: str, audio: AudioFile) -> EpisodeSeeking:
    """Looks at all frames of an episode, makes the copy where one is needed, and keeps and gives what was found.

    A file that cannot be copied has the reason in its finding, so that it is not tried again. Raises CannotWrite.
    """
    copies = SeekableCopies(library)
    if known := copies.known(episode_id, audio.sha256):
        return known
    stored = library.inside(audio.path)
    if stored is None:
        raise AudioError("no_audio", f"The audio of {episode_id} is not in the library.")
    finding = EpisodeSeeking(audio.sha256, codec="")
    try:
        with open_audio(stored) as recording:
            finding = EpisodeSeeking(audio.sha256, recording.codec)
            container = copy_container(recording)
        if container:
            name = f"{episode_id.partition('/')[2]}.{audio.sha256[:_NAME_DIGITS]}.{container}"
            path = copies.finding_path(episode_id).with_name(name)
            copy_frames(stored, path, container)
            finding = EpisodeSeeking(
                audio.sha256, finding.codec, name, f"audio/{container}", path.stat().st_size, failure=None
            )
    except AudioError as problem:
        finding = EpisodeSeeking(audio.sha256, finding.codec, failure=str(problem))
    copies.save(episode_id, finding)
    return finding


def copy_frames(stored: Path, copy: Path, container: Container) -> None:
    """Writes the copy, whole or not at all.

    Raises CannotWrite, and AudioError: those of `open_audio`, `mixed` where the sample rate changes, `not_copied`.
    """
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".new-", suffix=f".{container}", dir=copy.parent)
        os.close(handle)
        try:
            with open_audio(stored) as recording:
                _write(recording, temporary, container)
            _sync(temporary)
            publish(Path(temporary), copy)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as problem:  # of libav's too, as on a full disk
        raise CannotWrite(problem.errno, problem.strerror, str(copy)) from problem
    except av.error.FFmpegError as problem:
        message = f"{stored.name}: its frames do not fit into {container} ({problem.strerror})"
        raise AudioError("not_copied", message) from None


def _sync(path: str) -> None:
    with open(path, "rb+") as file:  # noqa: PTH123 - by its name, as libav has written it
        os.fsync(file.fileno())
    Path(path).chmod(0o666 & ~UMASK)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A packet and where its sound belongs in the copy."""

    packet: AudioPacket
    at: int  # samples; below zero for what the decoder takes in and drops
    samples: int
    rate: int  # samples a second


def _write(recording: Recording, path: str, container: Container) -> None:
    with av.open(path, "w", format=container, container_options=_OPTIONS[container]) as copy:
        stream = copy.add_stream_from_template(recording.container.streams.audio[0])
        for placed in _placed(recording):
            packet = placed.packet
            packet.stream, packet.time_base = stream, Fraction(1, placed.rate)
            packet.pts = packet.dts = placed.at
            packet.duration = placed.samples
            copy.mux(packet)


def _placed(recording: Recording) -> Iterator[_Placed]:
    """Every packet that sounds, in order, and those that the decoder needs before the first of them."""
    whole = recording.container.streams.audio[0].codec_context.frame_size if recording.is_untimed else 0
    rate, at = 0, 0
    before: list[AudioPacket] = []  # that gave no sound yet
    for packet, frames in recording.decoded():
        samples = sum(frame.samples for frame, _ in frames)
        if not packet.size or (rate and not samples):
            continue
        if not samples:
            before.append(packet)
            continue
        frame, silence_s = frames[0]
        if rate not in (0, frame.sample_rate):
            raise AudioError("mixed", f"{recording.path.name}: its sample rate changes at {at / rate:.0f} s")
        if not rate:
            dropped = max(0, whole - samples)  # as the tag of LAME and others asks
            yield from _leading(before, dropped, whole, frame.sample_rate)
            yield _Placed(packet, -dropped, dropped + samples, frame.sample_rate)
        else:
            silent = round(silence_s * frame.sample_rate)
            if silent and recording.codec == "mp3":
                yield from _silent(packet, at, silent // whole, whole, rate)
            at += silent
            yield _Placed(packet, at, samples, frame.sample_rate)
        rate = frame.sample_rate
        at += samples
    if not rate:
        raise AudioError("undecodable", f"{recording.path.name}: most of it, or all, could not be decoded")


def _leading(packets: Iterable[AudioPacket], dropped: int, whole: int, rate: int) -> Iterator[_Placed]:
    packets = list(packets)
    for number, packet in enumerate(packets):
        yield _Placed(packet, -dropped - whole * (len(packets) - number), whole, rate)


def _silent(after: AudioPacket, at: int, count: int, samples: int, rate: int) -> Iterator[_Placed]:
    """Frames of mp3 with silence in them, like the one that comes after."""
    frame = silent_frame(bytes(memoryview(after)[:4]), rate)
    for number in range(count):
        packet = cast(AudioPacket, Packet(frame))
        yield _Placed(packet, at + number * samples, samples, rate)


def silent_frame(head: bytes, rate: int) -> bytes:
    """A frame of mp3 with no sound in it (ISO/IEC 11172-3, 2.4.1): the header is another's, all that follows is zero.

    `head` is the first four bytes of the other, `rate` its samples a second.
    """
    is_mpeg_1 = head[1] >> 3 & 0b11 == 0b11
    kbits = BITRATES[is_mpeg_1][_SILENT_RATE]
    size = (144 if is_mpeg_1 else 72) * kbits * 1000 // rate
    plain = bytes([0xFF, head[1] | 0b1, _SILENT_RATE << 4 | head[2] & 0b1100, head[3]])  # no checksum, no padding
    return plain + bytes(size - len(plain))
