"""Where the sound lands when a hit's button is pressed: the first sound that is heard, minus the word's start.

    python bench/landing.py [--minutes 30] [--rows NAME,…] [--places 8] [--markdown]

Each second of the recording has tones of its own, and a noise that changes every seven seconds, so that frames of a
variable rate vary. It is encoded in every way of `WAYS` and put into a library. The real service and headless Chromium
do the rest: the button of a hit is pressed on a page just opened, and what the audio element gives is recorded through
WebAudio. The tones say which second is heard, and where one second ends in the recording says where it began. The
decoder's clock is compared with the tones at the same places.

lame, sox and Chromium are needed. Exit status 1 where a row misses its limits: mp3 -180 to +20 ms, all else 30 ms at
the median and 60 at worst; 25 ms for the decoder.
"""

import argparse
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.pop(0)  # this folder, whose transcribe.py would hide the package
sys.path.insert(0, str(Path(__file__).parents[1]))

import av

from bench import table
from search.index.library_index import LOOK_EVERY_S
from tests.support.landing import Landing, chromium, decoder_errors_ms, landings
from tests.support.sample_library import index, served
from tests.support.toned_library import add_toned
from tests.support.tones import write_tones
from transcribe.audio.sound_process import SoundProcess
from transcribe.library.store import Library

COVER_BYTES = 2_000_000
DECODER_MS = 25.2  # LAME delays by 25.06 ms, which a file without its header does not tell; read in 1/16 ms
HEADER = ("sound", "copy", "landed, ms", "median", "decoder, ms")


def _lame(*options: str) -> Callable[[Path, Path], None]:
    def encode(tones: Path, path: Path) -> None:
        subprocess.run(["lame", "--quiet", *options, tones, path], check=True)

    return encode


def _covered(*options: str) -> Callable[[Path, Path], None]:
    """With a large picture in an ID3 tag before the sound."""

    def encode(tones: Path, path: Path) -> None:
        _lame(*options)(tones, path)
        picture = b"\0image/jpeg\0\3\0" + bytes(COVER_BYTES)
        frame = b"APIC" + struct.pack(">I", len(picture)) + b"\0\0" + picture
        size = bytes(len(frame) >> 7 * n & 0x7F for n in (3, 2, 1, 0))
        path.write_bytes(b"ID3\3\0\0" + size + frame + path.read_bytes())

    return encode


def _sox(*options: str) -> Callable[[Path, Path], None]:
    def encode(tones: Path, path: Path) -> None:
        subprocess.run(["sox", tones, *options, path], check=True)

    return encode


def _libav(codec: str, rate: int, container: str) -> Callable[[Path, Path], None]:
    def encode(tones: Path, path: Path) -> None:
        with av.open(str(tones)) as source, av.open(str(path), "w", format=container) as target:
            stream = target.add_stream(codec, rate=rate, layout="mono")
            assert isinstance(stream, av.AudioStream)
            stream.bit_rate = 64_000
            resampler = av.AudioResampler(stream.format, "mono", rate, frame_size=stream.codec_context.frame_size)
            frames = source.decode(source.streams.audio[0])
            for frame in (*_resampled(resampler, frames),):
                target.mux(stream.encode(frame))
            target.mux(stream.encode(None))

    return encode


def _resampled(resampler: av.AudioResampler, frames: Iterator[av.AudioFrame]) -> Iterator[av.AudioFrame]:
    for frame in frames:
        yield from resampler.resample(frame)
    yield from resampler.resample(None)


@dataclass(frozen=True, slots=True)
class Way:
    """One way of encoding."""

    name: str
    suffix: str
    encode: Callable[[Path, Path], None]

    @property
    def is_mp3(self) -> bool:
        """Whether its frames are, so that playing starts ahead of the word."""
        return self.suffix == ".mp3"


WAYS = (
    Way("wav", ".wav", shutil.copyfile),  # type: ignore[arg-type]
    Way("flac", ".flac", _sox()),
    Way("m4a", ".m4a", _libav("aac", 44_100, "ipod")),
    Way("opus", ".opus", _libav("libopus", 48_000, "ogg")),
    Way("webm", ".webm", _libav("libopus", 48_000, "webm")),
    Way("aac-adts", ".aac", _libav("aac", 44_100, "adts")),
    Way("vorbis", ".ogg", _sox()),
    Way("mp3-cbr", ".mp3", _lame("-b", "64")),
    Way("mp3-cbr-plain", ".mp3", _lame("-b", "64", "-t")),
    Way("mp3-cbr-cover", ".mp3", _covered("-b", "64")),
    Way("mp3-vbr", ".mp3", _lame("-V", "4")),
    Way("mp3-vbr-plain", ".mp3", _lame("-V", "4", "-t")),
    Way("mp3-vbr-cover", ".mp3", _covered("-V", "4")),
    Way("mp3-vbr-plain-cover", ".mp3", _covered("-V", "4", "-t")),
    Way("mp3-abr", ".mp3", _lame("--abr", "70")),
)


def main() -> int:
    """The whole run."""
    asked = _arguments()
    ways = [way for way in WAYS if not asked.rows or way.name in asked.rows.split(",")]
    seconds = [round((asked.minutes * 60 - 6) * n / max(1, asked.places - 1)) + 3 for n in range(asked.places)]
    program = shutil.which("chromium")
    assert program, "there is no chromium on this machine"
    with tempfile.TemporaryDirectory(prefix="playhead-landing-") as folder:
        library, tones = Library(Path(folder) / "library"), Path(folder) / "tones.wav"
        write_tones(tones, asked.minutes * 60)
        index(library)
        maker = SoundProcess(library)
        with served(library, maker) as address, chromium(program) as browser:
            measured = [_measured(way, tones, library, maker, seconds, browser, address) for way in ways]
    show = table.markdown if asked.markdown else table.plain
    print(show(HEADER, [row for row, _ in measured]))
    failed = [row[0] for row, fails in measured if fails]
    print("failed:", ", ".join(failed) or "none")
    return 1 if failed else 0


def _measured(
    way: Way,
    tones: Path,
    library: Library,
    maker: SoundProcess,
    seconds: Sequence[int],
    browser: Any,
    address: str,
) -> tuple[tuple[str, ...], bool]:
    """A row of the table, and whether it misses its limits."""
    path = library.audio / "tones" / f"{way.name}{way.suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    way.encode(tones, path)
    name = add_toned(library, path, seconds)
    index(library)
    seeking = maker.seekable(name).result()
    time.sleep(LOOK_EVERY_S)  # until the service has the newer index
    landed = list(landings(browser, address, f"landing{way.name.replace('-', '')}", seconds))
    decoded = decoder_errors_ms(path, seconds)
    row = _row(way, seeking.copy, landed, decoded)
    print("  ".join(row), file=sys.stderr, flush=True)
    return row, _fails(way, [each.error_ms for each in landed], decoded)


def _row(way: Way, copy: str | None, landed: Sequence[Landing], decoded: Sequence[float | None]) -> tuple[str, ...]:
    errors = [each.error_ms for each in landed]
    true = [error for error in errors if error is not None]
    median = f"{statistics.median(true):+.0f}" if true else ""
    return way.name, copy.rpartition(".")[2] if copy else "", _span(errors), median, _span(decoded)


def _span(errors: Sequence[float | None]) -> str:
    true = [error for error in errors if error is not None]
    elsewhere = f", {len(errors) - len(true)} elsewhere" if len(true) < len(errors) else ""
    return f"{min(true):+.0f} to {max(true):+.0f}{elsewhere}" if true else "elsewhere"


def _fails(way: Way, errors: Sequence[float | None], decoded: Sequence[float | None]) -> bool:
    if any(error is None or abs(error) > DECODER_MS for error in decoded):
        return True
    true = [error for error in errors if error is not None]
    if len(true) < len(errors):
        return True
    if way.is_mp3:
        return not all(-180 <= error <= 20 for error in true)
    return statistics.median(map(abs, true)) > 30 or max(map(abs, true)) > 60


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--rows", help="names of ways, separated by commas; all when not given")
    parser.add_argument("--places", type=int, default=8)
    parser.add_argument("--markdown", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
