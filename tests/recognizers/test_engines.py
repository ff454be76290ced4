"""The engines on real speech: pocketsphinx with its own model, whisper with a checkpoint small enough to keep here."""

import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from transcribe.audio.decode import RATE, open_audio, segment
from transcribe.audio.voice_activity import Piece, pieces
from transcribe.errors import EngineUnavailable, UsageError
from transcribe.library.transcript import Word
from transcribe.recognizers import engines
from transcribe.recognizers.pocketsphinx.recognizer import PocketSphinx
from transcribe.recognizers.protocol import Hints, Recognition, Recognizer, heard

DATA = Path(__file__).parents[1] / "data"
CLOSED = "http://127.0.0.1:9"  # the discard port, where nobody listens


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever urllib is asked for, it is refused at once."""
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, CLOSED)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)  # made once, with the proxies of its time


@pytest.fixture
def warnings_told() -> list[str]:
    return []


def spoken(name: str) -> list[Piece]:
    with open_audio(DATA / name) as recording:
        return list(pieces(recording.blocks()))


def truth(name: str) -> list[Word]:
    return [Word(**word) for word in json.loads((DATA / name).read_text())]


def bare(words: list[Word]) -> list[str]:
    return [re.sub(r"\W", "", word.text.lower()) for word in words]


def matched(found: list[Word], true: list[Word]) -> list[tuple[Word, Word]]:
    """Words that were rightly heard, each with its truth, in order."""
    rest, pairs = iter(true), []
    for word in found:
        rest, kept = itertools.tee(rest)
        right = next((t for t in rest if bare([t]) == bare([word])), None)
        if right is None or abs(right.start_ms - word.start_ms) > 1000:
            rest = kept
        else:
            pairs.append((word, right))
    return pairs


def noise(seconds: float, amplitude: float, start_ms: int = 0) -> Piece:
    sound = np.random.default_rng(1).normal(0, amplitude, round(seconds * RATE))
    return Piece(start_ms, segment(sound.astype(np.int16)))


def later(piece: Piece, ms: int) -> Piece:
    return Piece(piece.start_ms + ms, piece.audio, tuple((start + ms, end + ms) for start, end in piece.speech))


def load(name: str, model: str | None = None, language: str | None = None, told: list[str] | None = None) -> Recognizer:
    return engines.load(name, model, language, warn=print if told is None else told.append)


# What every engine promises


@pytest.mark.parametrize("engine", ["pocketsphinx", "whisper"])
def test_each_piece_is_heard_in_order_on_the_clock_of_the_file(engine: str, checkpoint: Path) -> None:
    recognizer = load(engine, str(checkpoint))
    (piece,) = spoken("micro.flac")
    first, silent, last = recognizer.recognize([piece, noise(0.2, 0.0, 60_000), later(piece, 3_600_000)], Hints("en"))
    assert silent.words == ()
    assert [(w.text, w.start_ms + 3_600_000, w.confidence) for w in first.words] == [
        (w.text, w.start_ms, w.confidence) for w in last.words
    ]
    for word in first.words:
        assert piece.start_ms <= word.start_ms <= word.end_ms <= piece.end_ms
        assert word.text == word.text.strip() != ""
        assert word.confidence is not None
        assert 0 <= word.confidence <= 1


@pytest.mark.parametrize("engine", ["pocketsphinx", "whisper"])
def test_no_pieces_are_no_words_in_a_language_nobody_knows(engine: str, checkpoint: Path) -> None:
    recognizer = load(engine, str(checkpoint))
    assert recognizer.recognize([], Hints()) == []
    assert recognizer.language([]) == "en"  # but these two know English alone
    assert recognizer.batch_size >= 1


# Fault 35
@pytest.mark.parametrize("engine", ["pocketsphinx", "whisper"])
def test_the_same_batch_gives_the_same_words_whatever_was_heard_before(engine: str, checkpoint: Path) -> None:
    """Loud noise makes Whisper fall back to sampling at random."""
    given = [*spoken("micro.flac"), noise(2, 9000, 10_000)]
    recognizer = load(engine, str(checkpoint))
    once = recognizer.recognize(given, Hints("en"))
    recognizer.recognize(given[::-1], Hints("en"))
    assert recognizer.recognize(given, Hints("en")) == once


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "expected"),
    [
        (1200, 1400.4, (1200, 1400)),
        (1400, 1200, (1400, 1400)),
        (-50, 99_999, (1000, 2000)),
        (float("nan"), 1500, (1000, 1500)),
        (1500, float("nan"), (1500, 1500)),
        (float("inf"), float("-inf"), (2000, 2000)),
    ],
)
def test_a_word_is_put_inside_its_piece_whatever_its_times_say(
    start_ms: float, end_ms: float, expected: tuple[int, int]
) -> None:
    word = heard((1000, 2000), start_ms, end_ms, " said ", 0.98765)
    assert (word.start_ms, word.end_ms) == expected
    assert (word.text, word.confidence) == ("said", 0.988)


def test_a_confidence_that_is_no_number_is_none() -> None:
    assert heard((0, 1), 0, 1, "x", float("nan")).confidence is None
    assert heard((0, 1), 0, 1, "x", None).confidence is None
    assert heard((0, 1), 0, 1, "x", 1.0000001).confidence == 1


# pocketsphinx


def test_pocketsphinx_hears_most_words_and_when_they_are_said() -> None:
    true = truth("talk.json")
    (heard,) = PocketSphinx().recognize(spoken("talk.mp3"), Hints())
    found = list(heard.words)
    pairs = matched(found, true)
    assert len(pairs) >= 0.8 * len(true)
    assert statistics.median(abs(word.start_ms - right.start_ms) for word, right in pairs) < 80
    assert statistics.median(abs(word.end_ms - right.end_ms) for word, right in pairs) < 80


def test_pocketsphinx_gives_words_without_the_marks_of_its_dictionary() -> None:
    heard = PocketSphinx().recognize([*spoken("talk.mp3"), noise(3, 900)], Hints())
    words = [word.text for one in heard for word in one.words]
    assert {"to", "the", "library"} <= set(words)  # "to" is to(2) or to(3) in its dictionary, as it is said here
    assert [word for word in words if re.search(r"[<>\[\]()\d]", word)] == []


def test_pocketsphinx_writes_the_first_person_large() -> None:
    from transcribe.recognizers.pocketsphinx.recognizer import _written

    assert [_written(entry) for entry in ("i", "i'm", "i(2)", "in", "it", "to(2)")] == [
        "I",
        "I'm",
        "I",
        "in",
        "it",
        "to",
    ]


def test_pocketsphinx_says_what_it_is_and_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    recognizer = PocketSphinx("EN")
    assert recognizer.recognize([noise(0.1, 0.0)], Hints()) == [Recognition(())]
    recognizer.recognize([noise(1, 2000)], Hints())
    assert (recognizer.engine.name, recognizer.engine.model) == ("pocketsphinx", "en-us")
    assert (recognizer.language([]), recognizer.batch_size) == ("en", 1)
    assert capfd.readouterr() == ("", "")


def test_pocketsphinx_knows_english_alone() -> None:
    with pytest.raises(UsageError, match=r"'de'.*whisper"):
        load("pocketsphinx", language="de")


# auto


@pytest.mark.usefixtures("offline")
def test_auto_makes_do_with_pocketsphinx_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warnings_told: list[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert load("auto", "tiny.en", told=warnings_told).engine.name == "pocketsphinx"
    (warning,) = warnings_told
    assert re.search(r"tiny\.en.*pocketsphinx", warning)
    assert "\n" not in warning


def test_auto_is_whisper_where_its_model_is_here(checkpoint: Path, warnings_told: list[str]) -> None:
    assert load("auto", str(checkpoint), told=warnings_told).engine.name == "whisper"
    assert warnings_told == []


@pytest.mark.usefixtures("offline")
def test_auto_does_not_make_do_with_english_for_another_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warnings_told: list[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(EngineUnavailable, match="small"):
        load("auto", language="de", told=warnings_told)
    assert warnings_told == []


def test_an_engine_there_is_none_of_is_a_wrong_use_that_names_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"'parrot'.*whisper, pocketsphinx, faster-whisper, auto"):
        load("parrot")


@pytest.mark.parametrize(("engine", "extra"), [("pocketsphinx", "offline"), ("faster-whisper", "faster")])
def test_an_engine_that_is_not_installed_says_how_to_install_it(
    engine: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EngineUnavailable, match=re.escape(f"pip install 'playhead[{extra}]'")):
        load(engine)


def test_whisper_is_told_how_many_at_a_time_and_how_exact(checkpoint: Path) -> None:
    recognizer = engines.load("whisper", str(checkpoint), batch_size=3, quantize="int8", warn=print)
    assert recognizer.batch_size == 3
    assert recognizer.engine.options["quantize"] == "int8"


def test_nothing_heavy_is_imported_before_an_engine_is_loaded() -> None:
    script = (
        "import sys, transcribe.recognizers.engines;"
        "import transcribe.recognizers.openai_whisper.recognizer, transcribe.recognizers.pocketsphinx.recognizer;"
        "import transcribe.recognizers.openai_whisper.weights;"
        "print({'torch', 'whisper', 'pocketsphinx', 'silero_vad'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_what_an_engine_has_no_use_for_is_said() -> None:
    said: list[str] = []
    engines.load("pocketsphinx", model="small", quantize="int8", beam=5, warn=said.append)
    engines.load("pocketsphinx", language="en", device="cpu", warn=said.append)
    assert said == ["pocketsphinx has no use for model small and quantize int8 and beam 5: passed over."]
