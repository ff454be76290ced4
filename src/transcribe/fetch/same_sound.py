"""Whether a publisher's new file has the sound that is stored, but for tags and short passages such as advertisements.

Told by the bytes alone, which takes less than a second for 100 MB: hosts put advertisements between the frames of the
episode, and those stay as they are. A file that is encoded anew has other bytes all over.
"""

from collections.abc import Iterator
from pathlib import Path

from transcribe.fetch.partial_download import BLOCK_BYTES

LEAST_SHARED = 0.8  # of each file; advertisements take less than a fifth
_ADDED = 0.01  # of the new file; where it has more than that and lacks next to nothing, it goes on for longer
_LOST_TO_ADDED = 0.1
_LARGEST = 300_000_000  # bytes: the pieces of larger files take more than some 200 MB of memory
_MARK = b"\xff"  # where files are cut: the first byte of an mp3 frame, and one byte of 256 of any coded sound
_SHORTEST = 48  # bytes: shorter pieces are alike by chance
_LEAST_SEEN = 0.5  # of a file, in pieces that are long enough and not all alike; else its bytes do not tell


def same_but_for_passages(stored: Path, new: Path) -> bool:
    """Whether most of each file is in the other. False where the new one only adds to it, or where bytes do not tell.

    Raises OSError.
    """
    if max(stored.stat().st_size, new.stat().st_size) > _LARGEST:
        return False
    before, now = _pieces(stored), _pieces(new)
    has, had = sum(now.values()), sum(before.values())
    if had < _LEAST_SEEN * stored.stat().st_size or has < _LEAST_SEEN * new.stat().st_size:
        return False
    shared = sum(size for piece, size in now.items() if piece in before)
    added, lost = has - shared, had - shared
    is_longer = added > _ADDED * has and lost < _LOST_TO_ADDED * added
    return shared >= LEAST_SHARED * max(has, had) and not is_longer


def _pieces(path: Path) -> dict[int, int]:
    """The distinct pieces between marks, as hashes, with their lengths."""
    return {hash(piece): len(piece) for piece in _cut(path) if len(piece) >= _SHORTEST}


def _cut(path: Path) -> Iterator[bytes]:
    rest = b""
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            *whole, rest = (rest + block).split(_MARK)
            yield from whole
    yield rest
