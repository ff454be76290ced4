"""What Playhead answered, and the library it left on disk, before its modules moved into rooms: all of it still holds.

`PYTHONPATH=. python tests/support/make_record.py` made tests/data/record with the commit before the move.
"""

import json
import lzma
import shutil
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from search.service.app import create_app
from tests.support.caption_files import queries, write_caption_files
from tests.support.command import playhead
from transcribe.library.store import Library

RECORD = Path(__file__).parent / "data/record"
REPOSITORY = Path(__file__).parent.parent
SAMPLE = "audio/commons-talks"
ENGINE = ("--engine", "pocketsphinx", "--workers", "1")


def transcripts_of_the_sample(root: Path) -> dict[str, Any]:
    """The sample interview transcribed anew, but for when and by which release it was."""
    shutil.copytree(REPOSITORY / SAMPLE, root / SAMPLE)
    ran = playhead("--library", root, "run", root / SAMPLE, *ENGINE)
    assert ran.status == 0, ran.err
    made = {path.stem: json.loads(path.read_bytes()) for path in sorted(root.glob("transcripts/*/*.json"))}
    for transcript in made.values():
        del transcript["created"], transcript["engine"]["version"]
    return made


def answers(root: Path) -> list[Any]:
    """The API's answers to a thousand queries over forty caption files, but for how long they took."""
    said = write_caption_files(root / "captions")
    library = Library(root / "library")
    ran = playhead("--library", library.root, "import", root / "captions")
    assert ran.status == 0, ran.err
    with TestClient(create_app(library), base_url="http://localhost") as client:
        bodies = [client.get("/api/search", params=query).json() for query in queries(said)]
    for body in bodies:
        body.pop("took_ms", None)
    return bodies


def recorded(name: str) -> Any:
    return json.loads(lzma.decompress((RECORD / f"{name}.json.xz").read_bytes()))


@pytest.mark.slow
def test_the_sample_is_transcribed_as_before(tmp_path: Path) -> None:
    assert transcripts_of_the_sample(tmp_path) == recorded("sample")


def test_a_thousand_queries_are_answered_as_before(tmp_path: Path) -> None:
    now, before = answers(tmp_path), recorded("answers")
    assert len(now) == len(before) == 1000
    assert [n for n, (one, other) in enumerate(zip(now, before, strict=True)) if one != other] == []


@pytest.fixture
def old_library(tmp_path: Path) -> Path:
    """Two indexed episodes and one of which half is heard, as the release before left them."""
    root = tmp_path / "library"
    shutil.copytree(RECORD / "library", root)
    (root / "state").rename(root / ".playhead")  # kept under a name that git does not ignore
    for path in (REPOSITORY / SAMPLE).glob("*part-1.mp3"):
        shutil.copy(path, root / SAMPLE / path.name)
    return root


def test_an_older_index_is_made_anew_and_said(old_library: Path) -> None:
    assert "`playhead index`" in playhead("--library", old_library, "search", '"the commons"').err
    ran = playhead("--library", old_library, "index")
    assert (ran.status, len([line for line in ran.err.splitlines() if "made anew" in line])) == (0, 1)
    found = playhead("--library", old_library, "search", '"the commons"', "--json").json()
    assert [hit["episode"]["id"] for hit in found["hits"]] == ["talks/one"]


def test_an_episode_half_heard_by_an_older_release_is_taken_up_where_it_was(old_library: Path) -> None:
    """A word of the checkpoint is changed: it stands in the transcript only if what was heard is used."""
    (checkpoint,) = old_library.glob(".playhead/checkpoints/*.jsonl")
    first, *_ = json.loads(checkpoint.read_text().splitlines()[0])["utterances"][0]["words"]
    text = checkpoint.read_text().replace(json.dumps(first[2]), '"zebulonia"', 1)
    checkpoint.write_text(text)
    ran = playhead("--library", old_library, "run", old_library / SAMPLE, *ENGINE)
    assert ran.status == 0, ran.err
    found = playhead("--library", old_library, "search", "zebulonia", "--json").json()
    assert found["total"] == 1
