import dataclasses
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.audio import voice_activity
from transcribe.errors import CannotWrite
from transcribe.library.transcript import Engine, Word
from transcribe.transcription import checkpoints
from transcribe.transcription.checkpoints import Checkpoints, RecognizedSoFar, checkpoint_name
from transcribe.transcription.utterance import Utterance

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


@given(st.builds(RecognizedSoFar, st.none() | st.text(max_size=3), st.lists(UTTERANCES).map(tuple)))
def test_what_is_written_is_read_the_same(so_far: RecognizedSoFar) -> None:
    text = so_far.to_json()
    assert "\n" not in text
    assert RecognizedSoFar.from_json(text.encode()) == so_far


def test_what_was_kept_is_there_batch_after_batch(kept: Checkpoints) -> None:
    assert kept.load(NAME) == RecognizedSoFar()
    kept.add(NAME, RecognizedSoFar("en", (ONE,)))
    kept.add(NAME, RecognizedSoFar("en", (TWO,)))
    assert kept.load(NAME) == Checkpoints(kept.folder).load(NAME) == RecognizedSoFar("en", (ONE, TWO))


def recording(sizes: list[int]) -> list[RecognizedSoFar]:
    """Batches of so many pieces, a second each, in which somebody says something with an accent."""
    starts = iter(range(0, 1000 * sum(sizes), 1000))
    words = (Word(0, 900, "Überall", 0.5),)
    return [
        RecognizedSoFar("de", tuple(Utterance((at := next(starts), at + 900), (), 0.5, words) for _ in range(n)))
        for n in sizes
    ]


def joined(batches: list[RecognizedSoFar]) -> RecognizedSoFar:
    return (
        RecognizedSoFar("de", tuple(one for batch in batches for one in batch.utterances))
        if batches
        else RecognizedSoFar()
    )


@given(st.lists(st.integers(1, 3), min_size=1, max_size=5), st.data())
def test_a_kill_at_any_byte_costs_one_batch_and_the_next_run_goes_on_from_there(
    sizes: list[int], data: st.DataObject
) -> None:
    batches = recording(sizes)
    with tempfile.TemporaryDirectory() as folder:
        kept = Checkpoints(Path(folder))
        ends = [0]
        for batch in batches:
            kept.add(NAME, batch)
            (path,) = kept.folder.iterdir()
            ends.append(path.stat().st_size)
        cut = data.draw(st.integers(0, ends[-1]))
        path.write_bytes(path.read_bytes()[:cut])
        whole = sum(end <= cut for end in ends) - 1
        assert kept.load(NAME) == joined(batches[:whole])
        for count, batch in enumerate(batches[whole:], start=whole + 1):
            kept.add(NAME, batch)
            assert kept.load(NAME) == joined(batches[:count])


def test_what_is_heard_anew_takes_the_place_of_what_was_heard_from_there_on(kept: Checkpoints) -> None:
    for batch in recording([1, 2, 1]):
        kept.add(NAME, batch)
    anew = Utterance((1000, 2900), (), 0.7, ())
    kept.add(NAME, RecognizedSoFar("en", (anew,)))
    first = recording([1])[0].utterances
    assert kept.load(NAME) == RecognizedSoFar("en", (*first, anew))


def test_a_batch_is_written_once_however_many_follow(kept: Checkpoints) -> None:
    batches = recording(50 * [1])
    sizes = []
    for batch in batches:
        kept.add(NAME, batch)
        (path,) = kept.folder.iterdir()
        sizes.append((path.stat().st_size, path.stat().st_ino))
    lines = path.read_bytes().splitlines(keepends=True)
    assert [size for size, _ in sizes] == [sum(map(len, lines[: n + 1])) for n in range(50)]
    assert len({file for _, file in sizes}) == 1  # none was written anew


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
    kept.add(NAME, RecognizedSoFar("en", (ONE,)))
    assert kept.load(other) == RecognizedSoFar()


def test_another_way_of_cutting_is_another_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "CUTTING", voice_activity.CUTTING + 1)
    assert checkpoint_name(AUDIO, ENGINE, "") != NAME


def test_the_name_is_the_same_whatever_the_order_of_the_options() -> None:
    there, back = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    names = [checkpoint_name(AUDIO, dataclasses.replace(ENGINE, options=options), "") for options in (there, back)]
    assert names[0] == names[1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]\n",
        '{"language": "en"}\n',
        '{"language": "en", "utterances": [{"span": 1}]}\n',
        "\0\0\0\n",
        "\0\0\0",
    ],
)
def test_a_line_that_is_none_holds_nothing_and_is_in_nobodys_way(kept: Checkpoints, text: str) -> None:
    kept.add(NAME, RecognizedSoFar("en", (ONE,)))
    (path,) = kept.folder.iterdir()
    path.write_text(text)
    assert kept.load(NAME) == RecognizedSoFar()
    kept.add(NAME, RecognizedSoFar("en", (ONE,)))
    assert kept.load(NAME) == RecognizedSoFar("en", (ONE,))


def test_what_cannot_be_written_is_named(kept: Checkpoints) -> None:
    (kept.folder / f"{NAME}.jsonl").mkdir(parents=True)
    with pytest.raises(CannotWrite, match=NAME):
        kept.add(NAME, RecognizedSoFar("en", (ONE,)))


def test_what_an_older_playhead_kept_is_not_looked_at_and_goes_with_the_rest(kept: Checkpoints) -> None:
    kept.folder.mkdir()
    old = kept.folder / f"{NAME}.json"
    old.write_text('{"language": "en", "utterances": []}')
    assert kept.load(NAME) == RecognizedSoFar()
    kept.forget(AUDIO)
    assert not old.exists()


def test_once_its_transcript_is_there_all_that_was_kept_of_an_audio_goes(kept: Checkpoints) -> None:
    other = checkpoint_name("c" * 64, ENGINE, "")
    for name in (NAME, checkpoint_name(AUDIO, ENGINE, "Bauwens"), other):
        kept.add(name, RecognizedSoFar("en", (ONE,)))
    kept.forget(AUDIO)
    assert [path.stem for path in kept.folder.iterdir()] == [other]
    assert json.loads(next(kept.folder.iterdir()).read_text())["language"] == "en"
