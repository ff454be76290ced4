"""Captions and typed texts of audio on this machine: those of its name beside it, and those that are said to be its."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.publishers.test_adoption_road import OPENING_MS, SENTENCES, written
from tests.support.command import Ended, playhead
from tests.support.remembered_speech import each_sound_heard_once
from tests.support.sample_library import REPOSITORY, SAMPLE
from tests.support.speech import RATE, write_audio
from transcribe.audio.decode import open_audio

TYPED = "\n\n".join(said["text"] for said in SENTENCES)
OTHER = "The king of the hill was in the town, and it was the end of a long day that you and I had for dinner. " * 8


@pytest.fixture(scope="module", autouse=True)
def heard_once_each() -> Iterator[None]:
    with each_sound_heard_once():
        yield


@pytest.fixture(autouse=True)
def with_pocketsphinx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYHEAD_ENGINE", "pocketsphinx")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The opening of the sample interview."""
    with open_audio(REPOSITORY / SAMPLE[0]["path"]) as recording:
        sound = np.concatenate(list(recording.blocks()))[: OPENING_MS * RATE // 1000]
    path = tmp_path_factory.mktemp("talks") / "talk.flac"
    write_audio(sound, path)
    return path


@pytest.fixture
def talk(recorded: Path, tmp_path: Path) -> Path:
    """The same, in a folder of its own."""
    path = tmp_path / "talks" / recorded.name
    path.parent.mkdir()
    shutil.copy(recorded, path)
    return path


@pytest.fixture(scope="module")
def heard_once(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that has heard it."""
    library = tmp_path_factory.mktemp("heard") / "library"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAYHEAD_ENGINE", "pocketsphinx")
        assert playhead("--library", library, "run", recorded).status == 0
    return library


@pytest.fixture
def heard(heard_once: Path, tmp_path: Path) -> dict[str, Any]:
    """The transcript of it, in a library of this test's own."""
    shutil.copytree(heard_once, tmp_path / "library")
    return transcript(tmp_path)


def in_library(tmp_path: Path, *args: str | Path) -> Ended:
    return playhead("--library", tmp_path / "library", *args)


def transcript(tmp_path: Path) -> dict[str, Any]:
    (path,) = (tmp_path / "library").glob("transcripts/*/*.json")
    made: dict[str, Any] = json.loads(path.read_bytes())
    return made


@pytest.mark.parametrize(("suffix", "text"), [("srt", written("srt")), ("txt", TYPED), ("md", TYPED)])
def test_a_text_of_the_audios_name_beside_it_is_taken_as_its_publishers(
    talk: Path, tmp_path: Path, suffix: str, text: str
) -> None:
    talk.with_suffix(f".{suffix}").write_text(text)
    ran = in_library(tmp_path, "run", talk.parent, "--json")
    assert ran.status == 0, ran.err
    assert (len(ran.json()["published"]), ran.json()["transcribed"]) == (1, [])
    made = transcript(tmp_path)
    assert made["engine"]["name"] == "published"
    assert "/" not in made["engine"]["options"]["url"]
    true = [word for said in SENTENCES for word in said["words"]]
    words = [word for part in made["segments"] for word in part["words"]]
    assert [word["text"] for word in words] == [word["text"] for word in true]
    late = sorted(abs(word["start_ms"] - other["start_ms"]) for word, other in zip(words, true, strict=True))
    assert late[int(0.9 * len(late))] < 150


def test_a_text_beside_it_that_is_of_something_else_is_named_and_the_sound_is_transcribed(
    talk: Path, tmp_path: Path
) -> None:
    talk.with_suffix(".txt").write_text(OTHER)
    report = in_library(tmp_path, "run", talk.parent, "--json").json()
    assert (report["published"], len(report["transcribed"])) == ([], 1)
    assert [failure["code"] for failure in report["mismatched"].values()] == ["mismatch"]


def test_captions_are_an_episodes_only_where_that_is_said(
    heard: dict[str, Any], recorded: Path, tmp_path: Path
) -> None:
    name = heard["episode"]["id"]
    captions = tmp_path / "other" / f"{name.split('/')[1]}.srt"
    captions.parent.mkdir()
    captions.write_text(written("srt"))
    assert in_library(tmp_path, "import", captions, "--show", "Talks").status == 0
    assert json.loads((tmp_path / f"library/transcripts/{name}.json").read_bytes()) == heard

    said = in_library(tmp_path, "import", captions, "--episode", name)
    assert said.status == 0, said.err
    assert "1 imported, 0 failed" in said.err
    made = json.loads((tmp_path / f"library/transcripts/{name}.json").read_bytes())
    assert (made["engine"]["name"], made["episode"]["id"]) == ("published", name)
    record = json.loads((tmp_path / f"library/audio/{name}.json").read_bytes())
    assert record["quality"]["covered"] > 0.9
    assert (tmp_path / f"library/audio/{name}.transcript.srt").read_text() == written("srt")
    assert in_library(tmp_path, "run", recorded, "--json").json()["unchanged"] == [name]


def test_a_text_that_does_not_fit_an_episode_is_named_and_replaces_nothing(
    heard: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "typed.txt").write_text(OTHER)
    said = in_library(tmp_path, "import", tmp_path / "typed.txt", "--episode", heard["episode"]["id"])
    assert said.status == 1
    assert "it is not what is said there" in said.err
    assert transcript(tmp_path) == heard


def test_an_episode_that_is_not_there_is_wrong_usage(talk: Path, tmp_path: Path) -> None:
    (tmp_path / "typed.txt").write_text(TYPED)
    said = in_library(tmp_path, "import", tmp_path / "typed.txt", "--episode", "talks/none")
    assert said.status == 2
    assert "There is no episode talks/none" in said.err


UKRAINIAN = "Добрий день. Сьогодні ми говоримо про воду, і про те, кому вона належить. " * 4


def test_a_typed_text_in_a_language_that_no_engine_here_hears_says_that_its_times_are_estimated(
    talk: Path, tmp_path: Path
) -> None:
    talk.with_suffix(".txt").write_text(UKRAINIAN)
    ran = in_library(tmp_path, "run", talk.parent)
    assert ran.status == 0, ran.err
    assert "1 taken from their publishers" in ran.err
    assert "its words are spread over its speech by length; nothing here heard its language" in ran.err
    made = transcript(tmp_path)
    assert made["engine"]["options"]["times"] == "interpolated"
    assert made["engine"]["options"]["found"] == "not looked for"
    assert {tuple(part["flags"]) for part in made["segments"]} == {("interpolated",)}
    (record,) = (tmp_path / "library").glob("audio/*/talk.json")
    assert json.loads(record.read_bytes())["quality"]["flagged"] == 1


def test_captions_in_such_a_language_keep_their_times_and_say_that_nothing_has_checked_them(
    heard: dict[str, Any], tmp_path: Path
) -> None:
    captions = tmp_path / "talk.uk.srt"
    captions.write_text("1\n00:00:01,000 --> 00:00:03,000\nДобрий день\n\n2\n-00:00:03,000 --> 00:00:06,000\nнам\n")
    said = in_library(tmp_path, "import", captions, "--episode", heard["episode"]["id"])
    assert said.status == 0, said.err
    assert "spread over its captions by length; nothing here heard its language" in said.err
    assert "put right or left out" in said.err
    made = transcript(tmp_path)
    starts = [(word["start_ms"], word["text"]) for part in made["segments"] for word in part["words"]]
    assert (1000, "Добрий") in starts
    assert {tuple(part["flags"]) for part in made["segments"]} == {("interpolated",)}
