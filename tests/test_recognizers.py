"""The engines on real speech: pocketsphinx with its own model, whisper with a checkpoint small enough to keep here."""

import gzip
import hashlib
import itertools
import json
import lzma
import os
import pickle
import re
import statistics
import subprocess
import sys
import urllib.request
from base64 import b85encode
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pytest_httpserver import HTTPServer

from transcribe import recognizers
from transcribe.audio import RATE, open_audio, segment
from transcribe.errors import EngineUnavailable, UsageError
from transcribe.recognizers.openai_whisper import OpenAIWhisper
from transcribe.recognizers.protocol import UNDETERMINED, Recognizer, heard
from transcribe.recognizers.sphinx import Sphinx
from transcribe.speech import Piece, pieces
from transcribe.transcript import Word

DATA = Path(__file__).parent / "data"
CLOSED = "http://127.0.0.1:9"  # the discard port, where nobody listens


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "micro-whisper.pt"
    path.write_bytes(lzma.decompress((DATA / "micro-whisper.pt.xz").read_bytes()))
    return path


@pytest.fixture(scope="module")
def whisper(checkpoint: Path) -> OpenAIWhisper:
    return OpenAIWhisper(str(checkpoint))


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
    return Piece(piece.start_ms + ms, piece.audio)


def load(name: str, model: str | None = None, language: str | None = None, told: list[str] | None = None) -> Recognizer:
    return recognizers.load(name, model, language, warn=print if told is None else told.append)


# What every engine promises


@pytest.mark.parametrize("engine", ["pocketsphinx", "whisper"])
def test_each_piece_gets_one_list_in_order_on_the_clock_of_the_file(engine: str, checkpoint: Path) -> None:
    recognizer = load(engine, str(checkpoint))
    (piece,) = spoken("micro.flac")
    given = [piece, noise(0.2, 0.0, 60_000), later(piece, 3_600_000)]
    first, silent, last = recognizer.recognize(given)
    assert silent == []
    assert [(w.text, w.start_ms + 3_600_000, w.confidence) for w in first] == [
        (w.text, w.start_ms, w.confidence) for w in last
    ]
    for word in first:
        assert piece.start_ms <= word.start_ms <= word.end_ms <= piece.end_ms
        assert word.text == word.text.strip() != ""
        assert word.confidence is not None
        assert 0 <= word.confidence <= 1


@pytest.mark.parametrize("engine", ["pocketsphinx", "whisper"])
def test_pieces_are_taken_one_at_a_time(engine: str, checkpoint: Path) -> None:
    taken = 0

    def counted() -> Iterator[Piece]:
        nonlocal taken
        for start_ms in (0, 10_000, 20_000):
            taken += 1
            yield later(piece, start_ms)

    (piece,) = spoken("micro.flac")

    lists = load(engine, str(checkpoint)).recognize(counted())
    next(lists)
    assert taken == 1
    assert len(list(lists)) == 2


# Fault 35
@pytest.mark.parametrize("engine", ["pocketsphinx", "whisper"])
def test_the_same_pieces_give_the_same_words_whatever_was_heard_before(engine: str, checkpoint: Path) -> None:
    """Loud noise makes Whisper fall back to sampling at random."""
    given = [*spoken("micro.flac"), noise(2, 9000, 10_000)]
    recognizer = load(engine, str(checkpoint))
    once = list(recognizer.recognize(given))
    assert list(recognizer.recognize(given[::-1]))[::-1] == once


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
    (found,) = Sphinx().recognize(spoken("talk.mp3"))
    pairs = matched(found, true)
    assert len(pairs) >= 0.8 * len(true)
    assert statistics.median(abs(word.start_ms - right.start_ms) for word, right in pairs) < 80
    assert statistics.median(abs(word.end_ms - right.end_ms) for word, right in pairs) < 80


def test_pocketsphinx_gives_words_without_the_marks_of_its_dictionary() -> None:
    words = [word.text for found in Sphinx().recognize([*spoken("talk.mp3"), noise(3, 900)]) for word in found]
    assert {"to", "the", "library"} <= set(words)  # "to" is to(2) or to(3) in its dictionary, as it is said here
    assert [word for word in words if re.search(r"[<>\[\]()\d]", word)] == []


def test_pocketsphinx_writes_the_first_person_large() -> None:
    from transcribe.recognizers.sphinx import _written

    assert [_written(entry) for entry in ("i", "i'm", "i(2)", "in", "it", "to(2)")] == [
        "I",
        "I'm",
        "I",
        "in",
        "it",
        "to",
    ]


def test_pocketsphinx_says_what_it_is_and_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    recognizer = Sphinx("EN")
    assert next(recognizer.recognize([noise(0.1, 0.0)])) == []
    list(recognizer.recognize([noise(1, 2000)]))
    assert (recognizer.engine.name, recognizer.engine.model, recognizer.language) == ("pocketsphinx", "en-us", "en")
    assert capfd.readouterr() == ("", "")


def test_pocketsphinx_knows_english_alone() -> None:
    with pytest.raises(UsageError, match=r"'de'.*whisper"):
        load("pocketsphinx", language="de")


# whisper


def test_whisper_hears_words_and_when_they_are_said(whisper: OpenAIWhisper) -> None:
    true = truth("micro.json")
    (found,) = whisper.recognize(spoken("micro.flac"))
    assert [word.text for word in found] == [word.text for word in true]
    assert statistics.median(abs(w.start_ms - t.start_ms) for w, t in zip(found, true, strict=True)) < 200


def test_a_checkpoint_is_known_by_its_sum(whisper: OpenAIWhisper, checkpoint: Path) -> None:
    assert whisper.engine.name == "whisper"
    assert whisper.engine.model == "micro-whisper.pt"
    assert whisper.engine.model_sha256 == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert whisper.engine.options["condition_on_previous_text"] is False
    assert json.dumps(whisper.engine.options)


def test_whisper_leaves_others_random_numbers_alone(whisper: OpenAIWhisper) -> None:
    import torch

    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    list(whisper.recognize([noise(1, 9000)]))
    assert torch.rand(1) == expected


def test_an_english_model_knows_no_other_language(checkpoint: Path) -> None:
    assert OpenAIWhisper(str(checkpoint), language="English").language == "en"
    with pytest.raises(UsageError, match="'de'"):
        OpenAIWhisper(str(checkpoint), language="de")
    with pytest.raises(UsageError, match="'klingon'"):
        OpenAIWhisper(str(checkpoint), language="klingon")


@pytest.fixture(scope="module")
def multilingual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Whisper of many languages that understands none: its weights are drawn at random."""
    import torch
    from whisper.model import ModelDimensions, Whisper

    torch.manual_seed(3)
    dimensions = ModelDimensions(80, 1500, 8, 1, 1, 51865, 448, 8, 1, 1)
    path = tmp_path_factory.mktemp("models") / "many.pt"
    torch.save({"dims": vars(dimensions), "model_state_dict": Whisper(dimensions).state_dict()}, path)
    return path


def test_a_model_of_many_languages_takes_the_one_it_is_told(multilingual: Path) -> None:
    recognizer = OpenAIWhisper(str(multilingual), language="German")
    assert recognizer.language == "de"
    assert recognizer.engine.options["language"] == "de"


def test_or_finds_it_out_anew_for_each_episode(multilingual: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import whisper as package

    def transcribe(model: object, sound: object, language: str | None, **_: object) -> dict[str, object]:
        """A stand-in that hears German, and no words in what comes first."""
        asked.append(language)
        word = {"word": " Hallo", "start": 0.1, "end": 0.5, "probability": 0.9}
        return {"language": language or "de", "segments": [{"words": [word]}] if len(asked) > 1 else []}

    asked: list[str | None] = []
    monkeypatch.setattr(package, "transcribe", transcribe)
    recognizer = OpenAIWhisper(str(multilingual))
    assert recognizer.language == UNDETERMINED
    list(recognizer.recognize([noise(1, 9.0, start_ms) for start_ms in (0, 2000, 4000)]))
    assert (asked, recognizer.language) == ([None, None, "de"], "de")
    next(iter(recognizer.recognize([noise(1, 9.0)])))
    assert asked[-1] is None


# What cannot be had


@pytest.mark.usefixtures("offline")
def test_a_model_that_is_not_here_and_cannot_be_fetched_is_one_line_of_advice(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"small.*not on this machine.*--model .*\.pt") as caught:
        recognizers.load("whisper", cache=tmp_path, warn=print)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("offline")
def test_a_cached_model_with_a_wrong_sum_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tiny.en.pt").write_bytes(b"half of it")
    with pytest.raises(EngineUnavailable, match=r"tiny\.en\.pt is damaged"):
        recognizers.load("whisper", "tiny.en", cache=tmp_path, warn=print)


@pytest.mark.usefixtures("offline")
def test_whispers_own_cache_follows_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "whisper").mkdir()
    (tmp_path / "whisper" / "base.pt").write_bytes(b"half of it")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(EngineUnavailable, match=re.escape(str(tmp_path / "whisper" / "base.pt"))):
        load("whisper", "base")


@pytest.fixture
def published(checkpoint: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The checkpoint as a model that whisper knows by name, with the words' heads those of its last layer."""
    import whisper as package

    content = checkpoint.read_bytes()
    path = f"/models/{hashlib.sha256(content).hexdigest()}/micro.pt"
    httpserver.expect_request(path).respond_with_data(content)
    heads = np.array([[False] * 4, [True] * 4])
    monkeypatch.setitem(package._MODELS, "micro", httpserver.url_for(path))
    monkeypatch.setitem(package._ALIGNMENT_HEADS, "micro", b85encode(gzip.compress(heads.tobytes())))
    return "micro"


def test_a_named_model_is_fetched_once_and_then_taken_from_the_cache(
    published: str, httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recognizer = recognizers.load("whisper", published, cache=tmp_path, warn=print)
    assert recognizer.engine.model == "micro"
    requests = len(httpserver.log)
    assert requests > 0
    again = recognizers.load("whisper", published, cache=tmp_path, warn=print)
    assert len(httpserver.log) == requests
    assert again.engine == recognizer.engine
    assert list(again.recognize(spoken("micro.flac"))) == list(recognizer.recognize(spoken("micro.flac")))


def test_a_download_with_a_wrong_sum_is_refused(
    published: str, httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import whisper as package

    httpserver.expect_request("/models/0000/micro.pt").respond_with_data(b"other weights")
    monkeypatch.setitem(package._MODELS, published, httpserver.url_for("/models/0000/micro.pt"))
    with pytest.raises(EngineUnavailable, match=r"micro.*checksum"):
        recognizers.load("whisper", published, cache=tmp_path, warn=print)


def test_published_weights_are_known_by_their_sum_when_given_as_a_file(published: str, checkpoint: Path) -> None:
    """So that the heads that tell best when a word is said are used for them too."""
    import whisper as package

    from transcribe.recognizers import openai_whisper

    found = openai_whisper.checkpoint(str(checkpoint), Path("unused"))
    assert found.alignment_heads == package._ALIGNMENT_HEADS[published]


def test_a_model_there_is_none_of_is_a_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'colossal'.*tiny\.en.*large-v3"):
        load("whisper", "colossal")
    with pytest.raises(UsageError, match=r"nowhere\.pt"):
        load("auto", str(tmp_path / "nowhere.pt"))


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 cut off", pickle.dumps({"dims": {}})])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.pt"
    path.write_bytes(content)
    with pytest.raises(EngineUnavailable, match=r"broken\.pt cannot be used") as caught:
        load("whisper", str(path))
    assert "\n" not in str(caught.value)


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('the code in the checkpoint was run')",)


# Fault 34
def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "trap.pt"
    torch.save({"dims": Trap(), "model_state_dict": {}}, path)
    with pytest.raises(EngineUnavailable, match=r"trap\.pt"):
        load("whisper", str(path))


def test_a_device_there_is_none_of_is_refused(checkpoint: Path) -> None:
    with pytest.raises(EngineUnavailable, match="on warp"):
        OpenAIWhisper(str(checkpoint), device="warp")


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


def test_faster_whisper_is_announced() -> None:
    with pytest.raises(EngineUnavailable, match="later version"):
        load("faster-whisper")


def test_an_engine_that_is_not_installed_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EngineUnavailable, match=re.escape("pip install 'playhead[offline]'")):
        load("pocketsphinx")


def test_nothing_heavy_is_imported_before_an_engine_is_loaded() -> None:
    script = (
        "import sys, transcribe.recognizers, transcribe.recognizers.openai_whisper, transcribe.recognizers.sphinx;"
        "print({'torch', 'whisper', 'pocketsphinx', 'silero_vad'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("set()\n", "")
