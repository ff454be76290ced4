"""The `playhead` command as the benchmarks start it, and a model for it that is always at hand."""

import lzma
import subprocess
import sys
from pathlib import Path

from transcribe.library.store import Library

PLAYHEAD = (sys.executable, "-c", "from search.cli import main; main()")
PACKED = Path(__file__).parents[1] / "tests" / "data" / "micro-whisper.pt.xz"


def command(library: Library, *arguments: str) -> list[str]:
    """The command line."""
    return [*PLAYHEAD, "--library", str(library.root), *arguments]


def playhead(library: Library, *arguments: str) -> None:
    """Runs it to its end. Raises CalledProcessError where it fails."""
    subprocess.run(command(library, *arguments), check=True, stdout=subprocess.DEVNULL)


def unpack_micro(path: Path) -> None:
    """The micro Whisper of the tests, as a checkpoint that can be loaded."""
    path.write_bytes(lzma.decompress(PACKED.read_bytes()))
