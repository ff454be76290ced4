"""Real Whisper weights on a recorded voice. PLAYHEAD_TEST_WHISPER names a folder with `base.pt` and `ct2/`."""

import os
from pathlib import Path

import numpy as np
import pytest

from bench.word_errors import errors, plain
from transcribe.audio.decode import RATE, open_audio
from transcribe.audio.voice_activity import Piece, pieces
from transcribe.recognizers.engines import load
from transcribe.recognizers.protocol import Hints, Recognizer

JFK = Path(__file__).parents[1] / "data/jfk.flac"
SAID = "And so, my fellow Americans, ask not what your country can do for you, ask what you can do for your country."
FOLDER = Path(os.environ.get("PLAYHEAD_TEST_WHISPER", ""))

pytestmark = pytest.mark.skipif(
    not (FOLDER / "base.pt").is_file(), reason="PLAYHEAD_TEST_WHISPER names no folder with base.pt"
)


@pytest.fixture(scope="module", params=[("whisper", "base.pt"), ("faster-whisper", "ct2")], ids=lambda each: each[0])
def recognizer(request: pytest.FixtureRequest) -> Recognizer:
    name, weights = request.param
    if not (FOLDER / weights).exists():
        pytest.skip(f"{FOLDER} has no {weights}")
    if name == "faster-whisper":
        pytest.importorskip("faster_whisper", reason="the extra 'faster' is not installed")
    return load(name, str(FOLDER / weights), device="cpu", warn=pytest.fail)


@pytest.fixture(scope="module")
def speech() -> list[Piece]:
    with open_audio(JFK) as recording:
        return list(pieces(recording.blocks()))


def test_a_recorded_voice_is_understood_in_its_language(recognizer: Recognizer, speech: list[Piece]) -> None:
    assert recognizer.language(speech) == "en"
    (found,) = recognizer.recognize(speech, Hints("en"))
    assert errors(plain(SAID.split()), plain(word.text for word in found.words)) <= 1
    assert all(one.end_ms <= other.start_ms + 200 for one, other in zip(found.words, found.words[1:], strict=False))


def test_the_same_is_heard_again(recognizer: Recognizer, speech: list[Piece]) -> None:
    assert recognizer.recognize(speech, Hints("en")) == recognizer.recognize(speech, Hints("en"))


def test_nothing_is_heard_in_noise(recognizer: Recognizer) -> None:
    noise = np.random.default_rng(1).normal(0, 300, 20 * RATE).astype(np.int16)
    assert [word for each in recognizer.recognize(list(pieces([noise])), Hints("en")) for word in each.words] == []
