"""Which index a library has, as its settings say."""

from pathlib import Path

import pytest

from search.index.backends import open_library_index
from search.index.library_index import LibraryIndex
from search.settings import Settings
from tests.support.command import playhead
from tests.support.conversations import transcript
from transcribe.errors import UsageError
from transcribe.library.store import Library

TALK = Path(__file__).parents[1] / "data/talk.mp3"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = Library(tmp_path)
    library.save_transcript(transcript("to be or not to be"))
    return library


def test_the_embedded_index_is_the_default(library: Library) -> None:
    assert type(open_library_index(library, Settings.load(library.root))) is LibraryIndex


def test_another_is_named_by_an_option_the_environment_or_the_file(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = '[index]\nurl = "https://file.example"\nuser = "ann"\nshards = 3\n'
    (library.root / "playhead.toml").write_text(file)
    settings = Settings.load(library.root)
    assert (settings.index, settings.index_user, settings.index_shards) == ("https://file.example", "ann", 3)
    monkeypatch.setenv("PLAYHEAD_INDEX", "https://environment.example")
    settings = Settings.load(library.root)
    assert (settings.index, settings.index_user) == ("https://environment.example", "ann")
    assert Settings.load(library.root, index="whoosh").index == "whoosh"


def test_what_is_no_setting_of_an_index_is_named(library: Library) -> None:
    (library.root / "playhead.toml").write_text('[index]\nurl = "whoosh"\ncolour = "red"\n')
    with pytest.raises(UsageError, match="index_colour: there is no such setting"):
        Settings.load(library.root)


def test_a_password_is_not_shown(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYHEAD_INDEX_PASSWORD", "open sesame")
    assert "sesame" not in repr(Settings.load(library.root))


def test_a_url_that_is_none_is_refused_without_its_password(library: Library) -> None:
    pytest.importorskip("opensearchpy", reason="the extra 'opensearch' is not installed")
    for url in ("https://u:sesame[w@host", "https://u:sesame@host:x", "ftp://u:sesame@host"):
        ended = playhead("--library", library.root, "index", "--index", url)
        assert (ended.status, ended.err) == (2, "playhead: A URL of OpenSearch looks like https://host:9200.\n")


def test_a_cluster_that_is_not_there_is_one_line_and_nothing_is_begun(library: Library) -> None:
    pytest.importorskip("opensearchpy", reason="the extra 'opensearch' is not installed")
    nowhere = "http://127.0.0.1:9"
    for verb in (("index",), ("search", "be"), ("run", TALK)):
        ended = playhead("--library", library.root, *verb, "--index", nowhere)
        assert (ended.status, ended.out) == (3, "")
        assert len(ended.err.splitlines()) == 1
        assert "127.0.0.1:9" in ended.err
    assert not library.audio.exists()  # nor is a recording taken in that could not be found again
