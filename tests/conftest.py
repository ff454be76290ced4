"""What several files of tests stand on."""

import lzma
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("without deadlines", deadline=None)  # the machine may have much else to do
hypothesis.settings.load_profile("without deadlines")

# Begun first where several processes share the tests file by file, so that all of them end at about the same time.
LONGEST_FILES = (
    "test_scheduler.py",
    "test_publisher_transcript.py",
    "test_road.py",
    "test_adoption_road.py",
    "test_record.py",
    "test_quality_flags.py",
    "test_decoder_process.py",
    "test_decoding.py",
    "test_resuming.py",
    "test_generations.py",
    "test_recognizer.py",
    "test_cli.py",
)

DATA = Path(__file__).parent / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the files whose tests take longest first; the order is that of the list, then that of collection."""
    ranks = {name: rank for rank, name in enumerate(LONGEST_FILES)}
    items.sort(key=lambda item: ranks.get(item.path.name, len(ranks)))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The micro Whisper: 119 words, really heard."""
    path = tmp_path_factory.mktemp("models") / "micro-whisper.pt"
    path.write_bytes(lzma.decompress((DATA / "micro-whisper.pt.xz").read_bytes()))
    return path
