"""Captions and typed texts of audio on this machine: those of its name beside it, and those that are said to be its."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.publishers.test_adoption_road import SENTENCES, written
from tests.support.command import Ended, playhead
from tests.support.sample_library import REPOSITORY, SAMPLE
from tests.support.speech import RATE, write_audio
from transcribe.audio.decode import open_audio

TYPED = "\n\n".join(said["text"] for said in SENTENCES)
OTHER = "The king of the hill was in the town, and it was the end of a long day that you and I had for dinner. " * 8


@pytest.fixture(autouse=True)
def with_pocketsphinx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYHEAD_ENGINE", "pocketsphinx")


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """The first 40 s of the sample interview, in a folder of its own."""
    with open_audio(REPOSITORY / SAMPLE[0]["path"]) as recording:
        sound = np.concatenate(list(recording.blocks()))[: 40 * RATE]
    path = tmp_path / "talks" / "talk.flac"
    path.parent.mkdir()
    write_audio(sound, path)
    return path


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


def test_captions_are_an_episodes_only_where_that_is_said(talk: Path, tmp_path: Path) -> None:
    in_library(tmp_path, "run", talk)
    heard = transcript(tmp_path)
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
    assert in_library(tmp_path, "run", talk, "--json").json()["unchanged"] == [name]


def test_a_text_that_does_not_fit_an_episode_is_named_and_replaces_nothing(talk: Path, tmp_path: Path) -> None:
    in_library(tmp_path, "run", talk)
    heard = transcript(tmp_path)
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
