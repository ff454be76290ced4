"""Makes tests/data/record anew: PYTHONPATH=. python tests/support/make_record.py [library|sample|answers ...]."""

import json
import lzma
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.support.command import begun, playhead
from tests.test_record import ENGINE, RECORD, REPOSITORY, SAMPLE, answers, transcripts_of_the_sample

BATCHES = 4  # of six: little is left to be heard by the test


def record(name: str, content: object) -> None:
    plain = json.dumps(content, ensure_ascii=False).encode()
    (RECORD / f"{name}.json.xz").write_bytes(lzma.compress(plain, preset=9))


def make_library(root: Path) -> None:
    """Two small episodes, indexed, and the first part of the sample half heard: its run is killed."""
    captions = root.parent / "talks"
    captions.mkdir()
    for name, text in (("one", "the commons"), ("two", "the market")):
        (captions / f"{name}.vtt").write_text(f"WEBVTT\n\n00:00.000 --> 00:02.000\n{text}\n")
    assert playhead("--library", root, "import", captions).status == 0
    (root / SAMPLE).mkdir(parents=True)
    (part,) = (REPOSITORY / SAMPLE).glob("*part-1.mp3")
    shutil.copy(part, root / SAMPLE)
    running = begun("--library", root, "run", root / SAMPLE, *ENGINE)
    while len([line for path in root.glob(".playhead/checkpoints/*.jsonl") for line in path.open()]) < BATCHES:
        time.sleep(0.02)
    running.kill()
    running.communicate()
    for path in (root / SAMPLE / part.name, root / "audio/sources.txt", *root.glob(".playhead/lock*")):
        path.unlink()
    shutil.rmtree(RECORD / "library", ignore_errors=True)
    shutil.copytree(root, RECORD / "library")
    (RECORD / "library/.playhead").rename(RECORD / "library/state")


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["library", "sample", "answers"]
    with tempfile.TemporaryDirectory() as folder:
        if "library" in wanted:
            make_library(Path(folder) / "library")
        if "sample" in wanted:
            record("sample", transcripts_of_the_sample(Path(folder) / "sample"))
        if "answers" in wanted:
            record("answers", answers(Path(folder) / "answers"))
