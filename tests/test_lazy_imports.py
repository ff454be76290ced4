"""What is heavy is loaded where it is needed and nowhere else, each tried in a fresh interpreter."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from search.index.library_index import LibraryIndex
from tests.support.conversations import transcript
from transcribe.library.store import Library

TALK = Path(__file__).parent / "data/talk.mp3"
SPEECH = {"torch", "whisper", "faster_whisper", "av", "pydub", "silero_vad", "pocketsphinx"}
WEB = {"fastapi", "starlette", "uvicorn", "jinja2"}
INDEX = {"whoosh", "numpy"}
NETWORK = {"httpx2", "feedparser"}
CLUSTER = {"ray", "opensearchpy"}

COMMAND = """
import sys
from search.cli import app
app({args!r}, standalone_mode=False)
"""
TELL = """
import json, sys
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def loaded_by(code: str) -> set[str]:
    """The names of the top-level modules that are loaded once the code has run."""
    ended = subprocess.run([sys.executable, "-c", code + TELL], capture_output=True, text=True, check=True, timeout=600)
    return {name.partition(".")[0] for name in json.loads(ended.stderr.splitlines()[-1])}


def loaded_by_command(*args: str) -> set[str]:
    return loaded_by(COMMAND.format(args=list(args)))


def test_the_service_loads_nothing_that_decodes_or_listens() -> None:
    assert not loaded_by("import search.service.app") & (SPEECH | NETWORK | CLUSTER)


@pytest.mark.parametrize("args", [["--help"], ["run", "--help"], ["serve", "--help"]])
def test_help_loads_next_to_nothing(args: list[str]) -> None:
    assert not loaded_by_command(*args) & (SPEECH | WEB | INDEX | NETWORK | CLUSTER)


def test_searching_loads_the_index_and_no_more(tmp_path: Path) -> None:
    library = Library(tmp_path)
    library.save_transcript(transcript("to be or not to be"))
    LibraryIndex(library).refresh()
    for verb in (["search", "be"], ["search", "be", "--json"], ["status"]):
        loaded = loaded_by_command("--library", str(tmp_path), *verb)
        assert loaded >= INDEX
        assert not loaded & (SPEECH | WEB | NETWORK | CLUSTER)


def test_an_ordinary_run_loads_nothing_of_a_cluster(tmp_path: Path) -> None:
    loaded = loaded_by_command("--library", str(tmp_path), "run", str(TALK), "--engine", "pocketsphinx")
    assert loaded >= {"av", "whoosh"}
    assert not loaded & CLUSTER


def test_what_is_to_stay_unloaded_is_seen_where_it_is_loaded() -> None:
    assert loaded_by("import av, httpx2") >= {"av", "httpx2"}
