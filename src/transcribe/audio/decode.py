"""An audio file to 16 kHz mono PCM, streamed in constant memory, on the clock a browser's audio element shows for it.

Measured with a track of clicks, one a second, encoded by libmp3lame, aac (m4a), libopus (ogg, webm), flac and as wav:
libav takes off the delay that each encoder adds, and every click comes out within 0.1 ms of where it was put, as it
does in Chromium. Only bare ADTS `.aac`, which has no place to note its delay, comes 23 ms late, there as here.

What is damaged in mid-file is passed over, and as much silence put in its place, so that all after it stays true: by
the timestamps of ogg, flac, mp4 and webm; in mp3 and bare AAC, which have none, by the bytes passed over at the
file's mean bit rate, which is how a player finds its way in them too. Measured with clicks around three seconds of
noise or zeros: later ones come within 1 ms of their place, and within 35 ms in mp3 of a variable bit rate; in bare
AAC, where libav does not tell all it passes over, up to seconds too early. Bytes taken out of an mp3 without trace
move what follows, and damaged samples of a wav file are heard as they are: neither can be known.
"""

import itertools
import math
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from numpy.typing import NDArray

from transcribe.audio.stated_duration import breaks_off, stated_ms
from transcribe.errors import AudioError
from transcribe.library.transcript import Damage, Span

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "Couldn't find ffmpeg", RuntimeWarning)  # PyAV does the decoding
    from pydub import AudioSegment as AudioSegment

RATE = 16_000  # samples a second, mono, signed 16 bit: what every recognizer here was trained on
SAMPLES_A_MS = RATE // 1000

# Containers that hold their own sound. Anything else is refused by libav before it is read, above all the demuxers
# that go on to open other files and sockets: hls, concat, dash, sdp, rtsp, image2, lavfi.
CONTAINERS = "aac,ac3,aiff,amr,ape,asf,avi,caf,flac,flv,matroska,mov,mp3,mpc,mpc8,mpeg,mpegts,ogg,tta,w64,wav,wv"
PLAYLISTS = (b"#EXTM3U", b"ffconcat ", b"[playlist]", b"<asx", b"<MPD", b"<playlist", b"<smil", b"v=0\r\n", b"v=0\n")

UNTIMED = {"mp3", "aac", "ac3"}  # bare streams of frames: their timestamps are libav's own count

LONGEST_MS = 12 * 3_600_000  # of a file; a small one can claim to hold a hundred hours
WHOLE = 0.98  # of the length that a file states: with less of it decoded, it is truncated
NOTICEABLE_MS = 100  # missing in all; less is a lost packet or two, shorter than any word
CANCELLED = 1 / 25  # of a channel's power; a mean with less is of channels of which one is minus the other
TOLERANCE_S = 0.05  # two lost frames of mp3; timestamps that stray less than this are rounding
LONGEST_GAP_S = 600.0  # a jump in the timestamps beyond this is a fault of the file, not ten minutes of silence
MOST_FAILED_READS = 100  # in a row, before a file is given up as ended

AudioPacket: TypeAlias = "Packet[AudioStream]"

_ID3 = re.compile(rb"ID3[\x02-\x04].{2}([\0-\x7f]{4})", re.DOTALL)


@dataclass
class Recording:
    """An open audio file. `blocks` can be walked once; duration and damage are true when that is done."""

    path: Path
    declared_ms: int | None  # what libav makes of its length; for progress only, often an estimate
    container: InputContainer = field(repr=False)
    file: BinaryIO = field(repr=False)
    longest_ms: int = LONGEST_MS
    samples: int = 0  # given out so far, at RATE
    intact: int = 0  # packets that could be decoded
    damaged: int = 0  # packets that could not and were passed over
    missing: list[Span] = field(default_factory=list)  # where silence was put in for what could not be decoded
    first: int | None = None  # where in the file the first packet lies
    end: int = 0  # where the last one ends
    failing: bool = False  # whether that one could not be decoded

    @property
    def duration_ms(self) -> int:
        """Of what has been decoded so far: the length that the file really has, once all blocks are read."""
        return self.samples // SAMPLES_A_MS

    def blocks(self) -> Iterator[NDArray[np.int16]]:
        """The sound, in blocks of at most a second or so: int16, shape (samples,), at RATE. It ends at `longest_ms`.

        Where timestamps leave a gap, silence fills it, so that later times stay true. Damaged packets are passed over.
        Raises AudioError (`undecodable`) at the end if most of it could not be decoded: noise that looks like mp3.
        """
        left = self.longest_ms * SAMPLES_A_MS
        for block in self._sound():
            self.samples += min(left, len(block))
            yield block[:left]
            left -= len(block)
            if left <= 0:
                break
        if not self.intact or (self.is_untimed and self.damaged >= self.intact):
            raise AudioError("undecodable", f"{self.path.name}: most of it, or all, could not be decoded")

    def damage(self) -> Damage | None:
        """What of the file could not be decoded; None where nothing noticeable is known to be missing."""
        stated = stated_ms(self.file, self.container, self.first or 0)
        missing = tuple((start, min(end, self.duration_ms)) for start, end in self.missing if start < self.duration_ms)
        truncated = (
            self.duration_ms >= self.longest_ms
            or (stated is not None and self.duration_ms < WHOLE * stated)
            or (self.container.format.name == "ogg" and breaks_off(self.file))
            or (self.failing and self.end < WHOLE * self.file.seek(0, 2))  # libav gave up on a fragmented mp4
        )
        if truncated or sum(end - start for start, end in missing) > NOTICEABLE_MS:
            return Damage(truncated, stated, missing)
        return None

    @property
    def codec(self) -> str:
        """Of its sound, as libav names it: `mp3float` and `mp3` are one codec, mp3."""
        return self.container.streams.audio[0].codec_context.codec.canonical_name

    @property
    def is_untimed(self) -> bool:
        """Whether it is a bare stream of frames, whose timestamps are libav's own count."""
        return self.container.format.name in UNTIMED

    def _sound(self) -> Iterator[NDArray[np.int16]]:
        try:
            yield from _resampled(frame for _, frames in self.decoded() for frame in frames)
        except av.error.FFmpegError as problem:  # a header may claim two thousand million samples a second
            message = f"{self.path.name}: its sound cannot be brought to {RATE} samples a second ({problem.strerror})"
            raise AudioError("undecodable", message) from None

    def decoded(self) -> Iterator[tuple[AudioPacket, list[tuple[AudioFrame, float]]]]:
        """Each packet that can be decoded, with its frames, and before each frame the seconds of silence it needs.

        To be walked once, in place of `blocks`. Damaged packets are passed over.
        """
        timeline: _Timeline = _Bytes() if self.is_untimed else _Timestamps((self.container.start_time or 0) / 1_000_000)
        for packet in self.packets():
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                self.damaged += 1
                self.failing = True
                timeline.lose(packet)
                continue
            self.intact += bool(frames)
            self.failing = self.failing and not frames
            timeline.keep(packet)
            yield packet, [self._placed(frame, timeline) for frame in frames]

    def _placed(self, frame: AudioFrame, timeline: "_Timeline") -> tuple[AudioFrame, float]:
        begin = timeline.position_s
        gap = timeline.gap_before(frame)
        if gap and (self.damaged or begin):  # a film's sound may begin later than its pictures
            self.missing.append((round(begin * 1000), round((begin + gap) * 1000)))
        return frame, gap

    def packets(self) -> Iterator[AudioPacket]:
        """Packets of the first audio stream. A read that fails is tried again behind the fault."""
        failed = 0
        while failed < MOST_FAILED_READS:
            try:
                for packet in self.container.demux(self.container.streams.audio[0]):
                    failed = 0
                    if packet.pos is not None:
                        self.first = packet.pos if self.first is None else self.first
                        self.end = packet.pos + packet.size
                    yield packet
                return
            except av.error.FFmpegError:
                failed += 1
                self.damaged += 1


class _Timeline(Protocol):
    """Where frames belong."""

    position_s: float  # the length of all sound and silence so far

    def keep(self, packet: AudioPacket) -> None:
        """Notes a packet that could be decoded."""

    def lose(self, packet: AudioPacket) -> None:
        """Notes one that could not."""

    def gap_before(self, frame: AudioFrame) -> float:
        """Seconds of silence that belong before the next frame; it is counted as given then."""


@dataclass
class _Timestamps:
    """Compares the timestamps of frames with the length of the sound before them."""

    origin_s: float  # the timestamp at which the file's clock stands at zero
    position_s: float = 0.0

    def keep(self, packet: AudioPacket) -> None:
        """Its frames will tell."""

    def lose(self, packet: AudioPacket) -> None:
        """The next timestamp will tell."""

    def gap_before(self, frame: AudioFrame) -> float:
        gap = 0.0 if frame.time is None else frame.time - self.origin_s - self.position_s
        if not -TOLERANCE_S <= gap <= LONGEST_GAP_S:  # such as a second stream chained to the first: its clock restarts
            self.origin_s += gap
        if not TOLERANCE_S < gap <= LONGEST_GAP_S:
            gap = 0.0
        self.position_s += gap + frame.samples / frame.sample_rate
        return gap


@dataclass
class _Bytes:
    """Takes bytes that hold no sound for sound overwritten, as long as so many bytes of the file last elsewhere.

    Tags in mid-file, where a host has joined an advertisement to an episode, never were sound.
    """

    position_s: float = 0.0
    kept_s: float = 0.0
    kept_bytes: int = 0
    lost_bytes: int = 0  # since the last gap
    tag_end: int = 0  # position in the file

    def keep(self, packet: AudioPacket) -> None:
        if packet.duration and packet.time_base:
            self.kept_bytes += packet.size
            self.kept_s += float(packet.duration * packet.time_base)

    def lose(self, packet: AudioPacket) -> None:
        begin = packet.pos or 0
        end = begin + packet.size
        if begin >= self.tag_end and (tag := _ID3.search(bytes(packet))):
            self.lost_bytes += tag.start()
            self.tag_end = begin + tag.end() + sum(size << 7 * (3 - n) for n, size in enumerate(tag[1]))
        self.lost_bytes += max(0, end - max(begin, self.tag_end))

    def gap_before(self, frame: AudioFrame) -> float:
        gap = self.lost_bytes * self.kept_s / self.kept_bytes if self.position_s and self.kept_bytes else 0.0
        if not TOLERANCE_S < gap <= LONGEST_GAP_S:
            gap = 0.0
        if gap or not self.position_s:
            self.lost_bytes = 0
        self.position_s += gap + frame.samples / frame.sample_rate
        return gap


@contextmanager
def open_audio(path: Path, longest_ms: int = LONGEST_MS) -> Iterator[Recording]:
    """Opens a file whatever it is called: libav gets its bytes alone, never its name, and may open nothing else.

    Raises AudioError: `unreadable`, `playlist`, `no_audio`, `undecodable`. A video's pictures are not looked at.
    """
    try:
        file = path.open("rb")
    except OSError as problem:
        raise AudioError("unreadable", f"{path.name} cannot be read ({problem.strerror})") from None
    with file:
        if not file.read(1):
            raise AudioError("undecodable", f"{path.name} is empty")
        _refuse_playlist(file, path)
        with _opened(file, path) as container:
            if not container.streams.audio:
                raise AudioError("no_audio", f"{path.name} has no audio in it")
            if container.streams.audio[0].codec_context is None:
                raise AudioError("undecodable", f"{path.name} is encoded in a way that is not known here")
            declared = container.duration
            yield Recording(path, declared // 1000 if declared else None, container, file, longest_ms)


def segment(samples: NDArray[np.int16]) -> AudioSegment:
    """PCM as `blocks` gives it, for slicing by milliseconds, joining, fades and wav files."""
    return AudioSegment(data=samples.tobytes(), sample_width=2, frame_rate=RATE, channels=1)


def _resampled(frames: Iterable[tuple[AudioFrame, float]]) -> Iterator[NDArray[np.int16]]:
    """Frames at RATE, mono. An inserted advertisement may change rate or channels in mid-file."""
    for _, same in itertools.groupby(_numbered(frames), key=lambda item: item[0]):
        resampler, mix = None, _Mix()
        for _, frame, gap in same:
            yield from _silence(gap)
            frame.pts = None  # the timeline is kept above; the resampler would keep another
            layout = "stereo" if frame.layout.nb_channels == 2 else "mono"  # a WAV file may not name its layout
            resampler = resampler or AudioResampler(format="s16p", layout=layout, rate=RATE)
            yield from (mix.mono(part.to_ndarray()) for part in resampler.resample(frame))
        if resampler:
            yield from (mix.mono(part.to_ndarray()) for part in resampler.resample(None))


class _Mix:
    """Makes one channel of two: their mean, or the louder of them where the two cancel each other out.

    Some recorders write the right channel as minus the left. Loudness is that of the last second or so, so that the
    choice does not change from one block to the next.
    """

    def __init__(self) -> None:
        self._powers = np.zeros(3)  # of the left, the right, their mean

    def mono(self, channels: NDArray[Any]) -> NDArray[np.int16]:
        """`channels` has the shape (1 or 2, samples); the mean has the shape (samples,)."""
        if len(channels) == 1 or not channels.size:
            only: NDArray[np.int16] = channels[0]
            return only
        mean: NDArray[np.int16] = ((channels[0].astype(np.int32) + channels[1]) // 2).astype(np.int16)
        three: list[NDArray[np.int16]] = [*channels, mean]
        kept = math.exp(-channels.shape[1] / RATE)
        self._powers = kept * self._powers + [np.square(each, dtype=np.float64).sum() for each in three]
        louder = int(self._powers[:2].argmax())
        return three[louder] if self._powers[2] < CANCELLED * self._powers[louder] else mean


def _numbered(frames: Iterable[tuple[AudioFrame, float]]) -> Iterator[tuple[int, AudioFrame, float]]:
    """Numbers the runs of frames that one resampler can take: alike, with no gap between."""
    number, before = 0, None
    for frame, gap in frames:
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        number += gap > 0 or shape != before
        before = shape
        yield number, frame, gap


def _silence(seconds: float) -> Iterator[NDArray[np.int16]]:
    samples = round(seconds * RATE)
    for start in range(0, samples, RATE):
        yield np.zeros(min(RATE, samples - start), np.int16)


@contextmanager
def _opened(file: BinaryIO, path: Path) -> Iterator[InputContainer]:
    """The one edge where what libav says of a file becomes an AudioError; what happens inside the block is not its."""
    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "none"}
    try:
        container = av.open(file, "r", container_options=options, metadata_errors="replace")
    except av.error.FFmpegError as problem:
        raise AudioError("undecodable", f"{path.name} is not audio that can be decoded ({problem.strerror})") from None
    with container:
        yield container


def _refuse_playlist(file: BinaryIO, path: Path) -> None:
    """Only to name the fault: libav would refuse the file in any case, its format being no container of sound."""
    file.seek(0)
    head = file.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip()
    file.seek(0)
    if head.startswith(PLAYLISTS) or (head.startswith(b"<?xml") and any(mark in head for mark in PLAYLISTS)):
        raise AudioError("playlist", f"{path.name} is a playlist: it holds no sound, it points to other files")
