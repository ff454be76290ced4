"""What a file that lies in the library already is found to be."""

import hashlib
from pathlib import Path

import pytest

from transcribe.errors import FetchError
from transcribe.fetch.download import Downloaded
from transcribe.fetch.episode_fetcher import measured


def test_a_file_is_measured_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp3"
    path.write_bytes(b"sound")
    digest = hashlib.sha256(b"sound").hexdigest()
    assert measured(path) == Downloaded(path, digest, 5, "audio/mpeg", url=None)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.mp3").mkdir()
    for name, why in (("gone.mp3", "No such file"), ("folder.mp3", "Is a directory")):
        with pytest.raises(FetchError, match=f"{name}: {why}") as refused:
            measured(tmp_path / name)
        assert refused.value.code == "cannot_read"
