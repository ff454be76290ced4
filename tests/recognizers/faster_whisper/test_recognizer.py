"""faster-whisper on real speech, with the micro checkpoint in the form of CTranslate2."""

import difflib
import hashlib
import itertools
import json
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

pytest.importorskip("faster_whisper", reason="the extra 'faster' is not installed")

import torch
import whisper as package
from huggingface_hub import constants
from pytest_httpserver import HTTPServer
from whisper.model import ModelDimensions, Whisper

from tests.support import speech as flite
from tests.support.ctranslate_model import convert, rebuilt_tokenizer, tokenizer, write
from transcribe.audio.decode import RATE, open_audio, segment
from transcribe.audio.voice_activity import Piece, SpeechOptions, pieces
from transcribe.errors import EngineUnavailable, RecognitionError, UsageError
from transcribe.library.transcript import Word
from transcribe.recognizers.faster_whisper.recognizer import FasterWhisper
from transcribe.recognizers.protocol import UNDETERMINED, Hints, Recognition

DATA = Path(__file__).parents[2] / "data"
CLOSED = "http://127.0.0.1:9"  # the discard port, where nobody listens
ENGLISH = Hints("en")
REPOSITORY = "Systran/faster-whisper-tiny.en"


@pytest.fixture(scope="module")
def folder(checkpoint: Path) -> Path:
    return convert(checkpoint, checkpoint.parent / "micro")


@pytest.fixture(scope="module")
def recognizer(folder: Path) -> FasterWhisper:
    return FasterWhisper(str(folder))


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """A folder that a test may harm."""
    return Path(shutil.copytree(folder, tmp_path / "copy"))


@pytest.fixture(scope="module")
def multilingual(tmp_path_factory: pytest.TempPathFactory) -> Whisper:
    """A Whisper of many languages that understands none: its weights are drawn at random."""
    torch.manual_seed(3)
    model = Whisper(ModelDimensions(80, 1500, 8, 1, 1, 51865, 448, 8, 1, 1))
    torch.nn.init.normal_(model.decoder.positional_embedding)  # which whisper leaves to be loaded
    return model


@pytest.fixture(scope="module")
def many(multilingual: Whisper, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(multilingual, tmp_path_factory.mktemp("models") / "many")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets where Hugging Face is."""

    def stand(url: str) -> None:
        monkeypatch.setattr(constants, "ENDPOINT", url)
        template = url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)

    return stand


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="module")
def talk() -> flite.Spoken:
    """Twenty sentences of the micro checkpoint's words, in random order, which it was not trained on."""
    if not flite.HERE:
        pytest.skip(flite.MISSING)
    page = (DATA / "micro-whisper.md").read_text()
    words = " ".join(re.findall(r"(?m)^    (.+)$", page)).split()
    draw = random.Random(5)
    sentences = [" ".join(draw.choices(words, k=draw.randint(4, 9))).capitalize() + "." for _ in range(20)]
    return flite.conversation([(draw.choice(["slt", "rms"]), sentence) for sentence in sentences])


@pytest.fixture(scope="module")
def cut(talk: flite.Spoken) -> list[Piece]:
    return list(pieces([talk.pcm], SpeechOptions(longest_ms=12_000, context_ms=0)))


@pytest.fixture(scope="module")
def understood(recognizer: FasterWhisper, cut: list[Piece]) -> list[Recognition]:
    return recognizer.recognize(cut, ENGLISH)


def spoken(name: str) -> Piece:
    with open_audio(DATA / name) as recording:
        (piece,) = pieces(recording.blocks())
    return piece


def noise(seconds: float, amplitude: float, start_ms: int = 0) -> Piece:
    sound = np.random.default_rng(1).normal(0, amplitude, round(seconds * RATE))
    return Piece(start_ms, segment(sound.astype(np.int16)))


def moved(piece: Piece, ms: int) -> Piece:
    speech = tuple((start + ms, end + ms) for start, end in piece.speech)
    return Piece(piece.start_ms + ms, piece.audio, speech, piece.likelihood)


def texts(found: list[Recognition]) -> list[str]:
    return [re.sub(r"\W", "", word.text.lower()) for each in found for word in each.words]


def wrong(found: list[str], true: list[str]) -> float:
    """The word error rate: the fewest words to be changed, put in or taken out, for each that was said."""
    costs = list(range(len(true) + 1))
    for word in found:
        before, costs = costs, [costs[0] + 1]
        for n, right in enumerate(true):
            costs.append(min(before[n] + (word != right), before[n + 1] + 1, costs[n] + 1))
    return costs[-1] / len(true)


def alike(one: list[str], other: list[str]) -> float:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()


# What is heard


def test_it_hears_words_and_when_they_are_said(recognizer: FasterWhisper) -> None:
    true = [Word(**word) for word in json.loads((DATA / "micro.json").read_text())]
    (found,) = recognizer.recognize([spoken("micro.flac")], ENGLISH)
    assert [word.text for word in found.words] == [word.text for word in true]
    assert all(word.confidence and word.confidence > 0.8 for word in found.words)
    assert statistics.median(abs(w.start_ms - t.start_ms) for w, t in zip(found.words, true, strict=True)) < 200


def test_it_understands_sentences_it_was_not_trained_on(talk: flite.Spoken, understood: list[Recognition]) -> None:
    true = texts([Recognition(tuple(Word(w.start_ms, w.end_ms, w.text) for w in talk.words))])
    found = [word for each in understood for word in each.words]
    assert wrong(texts(understood), true) < 0.08
    blocks = difflib.SequenceMatcher(None, texts(understood), true, autojunk=False).get_matching_blocks()
    off = [found[a + i].start_ms - talk.words[b + i].start_ms for a, b, n in blocks for i in range(n)]
    assert statistics.median(map(abs, off)) < 200


def test_it_gives_the_words_of_whisper_on_the_same_weights(
    checkpoint: Path, cut: list[Piece], understood: list[Recognition]
) -> None:
    model = package.load_model(str(checkpoint), "cpu")
    options = package.DecodingOptions(language="en", without_timestamps=True, fp16=False)
    mels = [package.log_mel_spectrogram(package.pad_or_trim(piece.samples())) for piece in cut]
    read = " ".join(result.text for result in package.decode(model, torch.stack(mels), options))
    assert alike(texts(understood), re.findall(r"\w+", read.lower())) > 0.95


def test_a_batch_is_heard_as_each_of_its_pieces_by_itself(
    recognizer: FasterWhisper, cut: list[Piece], understood: list[Recognition]
) -> None:
    alone = [heard for piece in cut for heard in recognizer.recognize([piece], ENGLISH)]
    assert alike(texts(alone), texts(understood)) >= 0.99
    starts = [[word.start_ms for each in found for word in each.words] for found in (alone, understood)]
    if texts(alone) == texts(understood):
        assert max(abs(a - b) for a, b in zip(*starts, strict=True)) <= 100


# Fault 35
def test_the_same_batch_gives_the_same_words_whatever_came_before(
    recognizer: FasterWhisper, folder: Path, cut: list[Piece], understood: list[Recognition]
) -> None:
    recognizer.recognize([noise(1, 3000)], ENGLISH)
    assert recognizer.recognize(cut, ENGLISH) == understood
    assert FasterWhisper(str(folder)).recognize(cut, ENGLISH) == understood


def test_times_are_on_the_clock_of_the_file_and_inside_of_their_piece(recognizer: FasterWhisper) -> None:
    piece = spoken("micro.flac")
    first, noisy, last = recognizer.recognize([piece, noise(0.7, 9000, 60_000), moved(piece, 3_600_000)], ENGLISH)
    assert [(w.start_ms + 3_600_000, w.text) for w in first.words] == [(w.start_ms, w.text) for w in last.words]
    assert all(60_000 <= word.start_ms <= word.end_ms <= 60_700 for word in noisy.words)


def test_silence_is_known_for_what_it_is(recognizer: FasterWhisper) -> None:
    silent, speech = recognizer.recognize([noise(5, 0), spoken("micro.flac")], ENGLISH)
    assert silent.no_speech is not None
    assert speech.no_speech is not None
    assert (silent.no_speech > 0.6, speech.no_speech < 0.1) == (True, True)


def test_what_is_invented_in_silence_is_left_out(recognizer: FasterWhisper, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whisper's own rule: probably no speech, and an unlikely text. The micro checkpoint invents likely ones."""
    (before,) = recognizer.recognize([noise(5, 0)], ENGLISH)
    strict = recognizer._options.__class__(**{**vars(recognizer._options), "log_prob_threshold": -0.1})
    monkeypatch.setattr(recognizer, "_options", strict)
    (after, speech) = recognizer.recognize([noise(5, 0), spoken("micro.flac")], ENGLISH)
    assert (bool(before.words), bool(after.words), len(speech.words)) == (True, False, 10)


def test_nothing_in_gives_nothing_out(recognizer: FasterWhisper) -> None:
    assert recognizer.recognize([], ENGLISH) == []


def test_a_piece_longer_than_whisper_listens_is_heard_as_far(recognizer: FasterWhisper) -> None:
    sound = spoken("micro.flac").samples()
    long = np.concatenate([sound, np.zeros(30 * RATE - len(sound) + 500, np.float32)])
    (found,) = recognizer.recognize([Piece(0, segment((long * 32767).astype(np.int16)))], ENGLISH)
    assert len(found.words) >= 10


# Hints and languages


def test_a_prompt_is_kept_from_pieces_with_next_to_no_speech(recognizer: FasterWhisper) -> None:
    """The micro checkpoint never saw one, so a prompt shows in how sure it is of what it hears."""
    piece = spoken("micro.flac")
    brief = Piece(piece.start_ms, piece.audio, ((300, 1200),))
    plain = recognizer.recognize([piece, brief], ENGLISH)
    prompted = recognizer.recognize([piece, brief], Hints("en", "Tesla, Ångström"))
    assert prompted[0] != plain[0]
    assert prompted[1] == plain[1]
    assert recognizer.recognize([piece], Hints("en", " ")) == plain[:1]


def test_an_english_model_knows_no_other_language(recognizer: FasterWhisper, folder: Path) -> None:
    assert recognizer.language([noise(1, 9.0)]) == recognizer.language([]) == "en"
    assert recognizer.recognize([noise(1, 0)], Hints("de")) == recognizer.recognize([noise(1, 0)], ENGLISH)
    assert FasterWhisper(str(folder), "English").language([]) == "en"
    with pytest.raises(UsageError, match=r"'de'.*without \.en"):
        FasterWhisper(str(folder), "de")
    with pytest.raises(UsageError, match="'klingon'"):
        FasterWhisper(str(folder), "klingon")


def test_a_model_of_many_languages_takes_the_one_it_is_told(many: Path) -> None:
    recognizer = FasterWhisper(str(many), "German")
    assert recognizer.language([noise(1, 9.0)]) == "de"
    assert recognizer.engine.options["language"] == "de"


def test_or_finds_it_out_as_whisper_does(many: Path, multilingual: Whisper) -> None:
    recognizer, piece = FasterWhisper(str(many)), spoken("micro.flac")
    mel = package.log_mel_spectrogram(package.pad_or_trim(piece.samples()))
    _, (likely,) = package.detect_language(multilingual, mel[None])
    ((language, probability),) = recognizer._languages([piece])
    assert language == max(likely, key=likely.__getitem__)
    assert probability == pytest.approx(max(likely.values()), rel=0.1)  # in 8 bits here, in 32 there
    assert recognizer.language([piece]) == language
    assert recognizer.language([]) == UNDETERMINED


def test_most_pieces_decide_by_how_sure_they_are(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer = FasterWhisper(str(many), batch_size=2)
    votes = iter([("de", 0.4), ("en", 0.9), ("de", 0.3), ("fr", 0.8), ("de", 0.1)])
    monkeypatch.setattr(recognizer, "_languages", lambda given: list(itertools.islice(votes, len(given))))
    assert recognizer.language([noise(0.1, 1.0)] * 5) == "en"


@pytest.mark.parametrize("language", [None, UNDETERMINED])
def test_where_nobody_could_tell_the_language_it_is_found_out_for_the_batch(
    language: str | None, many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recognizer, piece = FasterWhisper(str(many)), spoken("micro.flac")
    monkeypatch.setattr(recognizer, "_languages", lambda given: [("de", 0.5) for _ in given])
    expected = recognizer.recognize([piece], Hints("de"))
    assert recognizer.recognize([piece], Hints(language)) == expected


def test_pieces_with_next_to_no_speech_have_no_vote(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer = FasterWhisper(str(many))
    brief, long = noise(0.9, 1.0), noise(2, 1.0)
    monkeypatch.setattr(
        recognizer, "_languages", lambda given: [("en" if piece is brief else "de", 0.5) for piece in given]
    )
    assert recognizer.language([brief, long, brief]) == "de"
    assert recognizer.language([brief]) == "en"


# Memory


def limit(recognizer: FasterWhisper, monkeypatch: pytest.MonkeyPatch, most: int, problem: Exception) -> list[int]:
    """Fails where more pieces are given at once; the sizes that were tried."""
    encode, sizes = recognizer._model.encode, list[int]()

    def encode_within(features: Any) -> Any:
        sizes.append(len(features))
        if len(features) > most:
            raise problem
        return encode(features)

    monkeypatch.setattr(recognizer._model, "encode", encode_within)
    return sizes


@pytest.mark.parametrize("problem", [MemoryError(), RuntimeError("CUDA failed with error out of memory")])
def test_out_of_memory_halves_the_batch(
    problem: Exception, recognizer: FasterWhisper, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [moved(spoken("micro.flac"), ms) for ms in (0, 10_000, 20_000)]
    expected = texts(recognizer.recognize(given, ENGLISH))
    sizes = limit(recognizer, monkeypatch, 1, problem)
    assert texts(recognizer.recognize(given, ENGLISH)) == expected
    assert sizes == [3, 2, 1, 1, 1]


def test_more_pieces_than_a_batch_are_taken_in_turns(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer = FasterWhisper(str(folder), batch_size=2)
    sizes = limit(recognizer, monkeypatch, 2, MemoryError())
    given = [moved(spoken("micro.flac"), ms) for ms in (0, 10_000, 20_000)]
    assert [len(each.words) for each in recognizer.recognize(given, ENGLISH)] == [10, 10, 10]
    assert sizes == [2, 1]


# Fault 32
def test_too_little_for_a_single_piece_is_a_memory_error(
    recognizer: FasterWhisper, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(recognizer, monkeypatch, 0, RuntimeError("CUDA failed with error out of memory"))
    with pytest.raises(MemoryError, match="one piece"):
        recognizer.recognize([noise(1, 9.0)], ENGLISH)


def test_any_other_failure_of_the_engine_is_said_of_the_episode(
    recognizer: FasterWhisper, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(recognizer, monkeypatch, 0, RuntimeError("CUDA failed with error device lost"))
    with pytest.raises(RecognitionError, match="device lost"):
        recognizer.recognize([noise(1, 9.0)], ENGLISH)


# Which model


def test_a_folder_is_known_by_the_sum_of_its_weights(recognizer: FasterWhisper, folder: Path) -> None:
    engine = recognizer.engine
    assert (engine.name, engine.model) == ("faster-whisper", "micro")
    assert engine.model_sha256 == hashlib.sha256((folder / "model.bin").read_bytes()).hexdigest()
    assert engine.options["compute_type"] == "int8"
    assert engine.options["batch_size"] == recognizer.batch_size
    assert json.dumps(engine.options)
    assert FasterWhisper(str(folder), batch_size=3).batch_size == 3
    assert [FasterWhisper(str(folder), beam=beam).engine.options["beam_size"] for beam in (None, 2)] == [5, 2]


def test_a_model_there_is_none_of_is_a_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'colossal'.*tiny\.en.*large-v3"):
        FasterWhisper("colossal")
    with pytest.raises(UsageError, match="nowhere"):
        FasterWhisper(str(tmp_path / "nowhere"))


def test_a_model_that_is_not_here_and_cannot_be_fetched_is_one_line_of_advice(
    tmp_path: Path, hub: Callable[[str], None]
) -> None:
    hub(CLOSED)
    with pytest.raises(EngineUnavailable, match=r"small.*not on this machine.*--model.*--engine") as caught:
        FasterWhisper(cache=tmp_path)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lost", ["model.bin", "tokenizer.json"])
@pytest.mark.usefixtures("no_sockets")
def test_a_folder_that_lacks_a_file_is_refused_by_its_name(copy: Path, lost: str) -> None:
    (copy / lost).unlink()
    with pytest.raises(EngineUnavailable, match=f"lacks {lost}"):
        FasterWhisper(str(copy))


# Fault 33
@pytest.mark.parametrize("harmed", ["model.bin", "tokenizer.json"])
@pytest.mark.parametrize("size", [0, 10, 20_000])
def test_a_model_that_is_cut_is_refused(copy: Path, harmed: str, size: int) -> None:
    os.truncate(copy / harmed, size)
    with pytest.raises(EngineUnavailable, match="copy cannot be used") as caught:
        FasterWhisper(str(copy))
    assert "\n" not in str(caught.value)


def test_a_model_of_other_spectrograms_is_refused(tmp_path: Path) -> None:
    large = write(Whisper(ModelDimensions(128, 1500, 8, 1, 1, 51864, 448, 8, 1, 1)), tmp_path / "large")
    assert FasterWhisper(str(large)).engine.model == "large"
    (large / "preprocessor_config.json").unlink()
    with pytest.raises(EngineUnavailable, match=r"large lacks its own preprocessor_config\.json"):
        FasterWhisper(str(large))


@pytest.mark.parametrize("device", ["warp", "cuda:x"])
def test_a_device_there_is_none_of_is_refused(folder: Path, device: str) -> None:
    with pytest.raises(EngineUnavailable, match=f"on {device}"):
        FasterWhisper(str(folder), device=device)


def serve(server: HTTPServer, folder: Path) -> None:
    """Stands in for Hugging Face, as far as a model is listed and fetched from it."""
    commit = "c" * 40
    sums = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}
    listed = [
        {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": sums[file.name][:40]}
        for file in folder.iterdir()
    ]
    server.expect_request(f"/api/models/{REPOSITORY}").respond_with_json({"id": REPOSITORY, "sha": commit})
    server.expect_request(f"/api/models/{REPOSITORY}/revision/main").respond_with_json(
        {"id": REPOSITORY, "sha": commit}
    )
    server.expect_request(f"/api/models/{REPOSITORY}/tree/{commit}").respond_with_json(listed)
    for file in folder.iterdir():
        headers = {"ETag": f'"{sums[file.name]}"', "X-Repo-Commit": commit}
        for revision in ("main", commit):
            path = f"/{REPOSITORY}/resolve/{revision}/{file.name}"
            server.expect_request(path).respond_with_data(file.read_bytes(), headers=headers)


def test_a_named_model_is_fetched_once_and_then_taken_from_the_cache(
    folder: Path, tmp_path: Path, httpserver: HTTPServer, hub: Callable[[str], None], request: pytest.FixtureRequest
) -> None:
    hub(httpserver.url_for("").rstrip("/"))
    serve(httpserver, folder)
    fetched = FasterWhisper("tiny.en", cache=tmp_path)
    assert fetched.engine.model == "tiny.en"
    assert fetched.engine.model_sha256 == hashlib.sha256((folder / "model.bin").read_bytes()).hexdigest()
    request.getfixturevalue("no_sockets")
    assert FasterWhisper("tiny.en", cache=tmp_path).engine == fetched.engine


# Fault 33
def test_a_cached_model_with_a_wrong_sum_is_refused(
    folder: Path, tmp_path: Path, httpserver: HTTPServer, hub: Callable[[str], None]
) -> None:
    hub(httpserver.url_for("").rstrip("/"))
    serve(httpserver, folder)
    FasterWhisper("tiny.en", cache=tmp_path)
    (model,) = tmp_path.glob("*/snapshots/*/model.bin")
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    with pytest.raises(EngineUnavailable, match=r"model\.bin is damaged; delete"):
        FasterWhisper("tiny.en", cache=tmp_path)


# What the model is made from, and what it is made with


@pytest.mark.parametrize("languages", [0, 99, 100])
def test_the_rebuilt_tokenizer_knows_each_token_by_its_number(languages: int) -> None:
    tokens = tokenizer(languages > 0, languages or 99)
    rebuilt = rebuilt_tokenizer(tokens)
    assert rebuilt.get_vocab_size() == tokens.encoding.n_vocab
    for text in (" People share water.", "Größe, naïve, 日本語 😀", "it's  two\n\t spaces 12345", "<|en|><|0.02|>"):
        assert rebuilt.encode(text).ids == tokens.encode(text, allowed_special="all")
        assert rebuilt.decode(rebuilt.encode(text).ids, skip_special_tokens=False) == text


def test_nothing_heavy_is_imported_before_an_engine_is_loaded() -> None:
    script = (
        "import sys, transcribe.recognizers.faster_whisper.recognizer;"
        "print({'torch', 'whisper', 'faster_whisper', 'ctranslate2', 'huggingface_hub'} & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("set()\n", "")
