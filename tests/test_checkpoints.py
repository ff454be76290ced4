import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe import checkpoints, speech
from transcribe.checkpoints import Checkpoints, SoFar, checkpoint_name
from transcribe.transcript import Engine, Word
from transcribe.utterance import Utterance

ENGINE = Engine("whisper", "20250625", "small", "a" * 64, {"fp16": False})
AUDIO = "b" * 64
NAME = checkpoint_name(AUDIO, ENGINE, "")
ONE = Utterance((0, 900), ((100, 800),), 0.9, (Word(100, 400, "peer", 0.8), Word(400, 800, "to", None)), 0.1)
TWO = Utterance((2000, 2900), (), 0.4, (), None)

MS = st.integers(0, 1 << 31)
SPANS = st.tuples(MS, MS)
SHARES = st.floats(0, 1)
WORDS = st.builds(Word, MS, MS, st.text(), st.none() | SHARES)
UTTERANCES = st.builds(
    Utterance, SPANS, st.lists(SPANS).map(tuple), SHARES, st.lists(WORDS).map(tuple), st.none() | SHARES
)


@pytest.fixture
def kept(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "checkpoints")


@given(st.builds(SoFar, st.none() | st.text(max_size=3), st.lists(UTTERANCES).map(tuple)))
def test_what_is_written_is_read_the_same(so_far: SoFar) -> None:
    assert SoFar.from_json(so_far.to_json().encode(errors="surrogatepass")) == so_far


def test_what_was_kept_last_is_there(kept: Checkpoints) -> None:
    assert kept.load(NAME) == SoFar()
    kept.keep(NAME, SoFar("en", (ONE,)))
    kept.keep(NAME, SoFar("en", (ONE, TWO)))
    assert kept.load(NAME) == SoFar("en", (ONE, TWO))


@pytest.mark.parametrize(
    "other",
    [
        checkpoint_name("c" * 64, ENGINE, ""),
        checkpoint_name(AUDIO, ENGINE, "Bauwens"),
        checkpoint_name(AUDIO, dataclasses.replace(ENGINE, model_sha256="d" * 64), ""),
        checkpoint_name(AUDIO, dataclasses.replace(ENGINE, options={"fp16": True}), ""),
        checkpoint_name(AUDIO, dataclasses.replace(ENGINE, name="faster-whisper"), ""),
    ],
)
def test_other_audio_another_engine_model_or_option_is_another_checkpoint(kept: Checkpoints, other: str) -> None:
    kept.keep(NAME, SoFar("en", (ONE,)))
    assert kept.load(other) == SoFar()


def test_another_way_of_cutting_is_another_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "CUTTING", speech.CUTTING + 1)
    assert checkpoint_name(AUDIO, ENGINE, "") != NAME


def test_the_name_is_the_same_whatever_the_order_of_the_options() -> None:
    there, back = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    names = [checkpoint_name(AUDIO, dataclasses.replace(ENGINE, options=options), "") for options in (there, back)]
    assert names[0] == names[1]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"language": "en"}', '{"language": "en", "utterances": [{"span": 1}]}']
)
def test_a_file_that_is_none_holds_nothing(kept: Checkpoints, text: str) -> None:
    kept.keep(NAME, SoFar("en", (ONE,)))
    (path,) = kept.folder.iterdir()
    path.write_text(text)
    assert kept.load(NAME) == SoFar()


def test_once_its_transcript_is_there_all_that_was_kept_of_an_audio_goes(kept: Checkpoints) -> None:
    other = checkpoint_name("c" * 64, ENGINE, "")
    for name in (NAME, checkpoint_name(AUDIO, ENGINE, "Bauwens"), other):
        kept.keep(name, SoFar("en", (ONE,)))
    kept.forget(AUDIO)
    assert [path.stem for path in kept.folder.iterdir()] == [other]
    assert json.loads(next(kept.folder.iterdir()).read_text())["language"] == "en"
