"""The whisper engine on speech it was not trained on, with a checkpoint small enough to keep here."""

import difflib
import hashlib
import json
import random
import re
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support import speech as flite
from transcribe.audio.decode import RATE, open_audio, segment
from transcribe.audio.voice_activity import Piece, SpeechOptions, pieces
from transcribe.errors import UsageError
from transcribe.library.transcript import Word
from transcribe.recognizers.openai_whisper.recognizer import CPU_BATCH, OpenAIWhisper, Window
from transcribe.recognizers.protocol import UNDETERMINED, Hints, Recognition

DATA = Path(__file__).parents[2] / "data"
ENGLISH = Hints("en")


@pytest.fixture(scope="module")
def whisper(checkpoint: Path) -> OpenAIWhisper:
    return OpenAIWhisper(str(checkpoint), batch_size=4)


@pytest.fixture(scope="module")
def micro() -> Piece:
    with open_audio(DATA / "micro.flac") as recording:
        (piece,) = pieces(recording.blocks())
    return piece


@pytest.fixture(scope="module")
def talk() -> flite.Spoken:
    """Random sentences of the words that the checkpoint knows."""
    if not flite.HERE:
        pytest.skip(flite.MISSING)
    draw, vocabulary = random.Random(4), (DATA / "micro-vocabulary.txt").read_text().split()
    turns: list[tuple[str, str]] = []
    while len(turns) < 24:
        words = draw.choices(vocabulary, k=draw.choice((2, 3, 4, 5, 6, 7)))
        turn = (draw.choice(("slt", "rms")), f"{' '.join(words).capitalize()}.")
        try:
            flite.conversation([turn])
        except ValueError:
            continue  # two words run together in it
        turns.append(turn)
    return flite.conversation(turns, turn_ms=(500, 2400))


@pytest.fixture(scope="module")
def talk_pieces(talk: flite.Spoken) -> list[Piece]:
    return list(pieces([talk.pcm], SpeechOptions(longest_ms=12_000, context_ms=0)))


@pytest.fixture(scope="module")
def one_by_one(whisper: OpenAIWhisper, talk_pieces: list[Piece]) -> list[Recognition]:
    return [heard for piece in talk_pieces for heard in whisper.recognize([piece], ENGLISH)]


def noise(seconds: float, amplitude: float, start_ms: int = 0) -> Piece:
    sound = np.random.default_rng(1).normal(0, amplitude, round(seconds * RATE))
    return Piece(start_ms, segment(sound.astype(np.int16)))


def words_of(heard: Sequence[Recognition]) -> list[Word]:
    return [word for one in heard for word in one.words]


def bare(words: Sequence[Word | flite.SpokenWord]) -> list[str]:
    return [re.sub(r"\W", "", word.text.lower()) for word in words]


def wrong(found: list[str], true: list[str]) -> float:
    """Word error rate; a run of wrong words counts as the longer of what was said and what was heard."""
    codes = difflib.SequenceMatcher(None, found, true, autojunk=False).get_opcodes()
    return sum(max(b - a, d - c) for tag, a, b, c, d in codes if tag != "equal") / len(true)


# Words and times


def test_sentences_it_was_not_trained_on_are_understood(one_by_one: list[Recognition], talk: flite.Spoken) -> None:
    assert wrong(bare(words_of(one_by_one)), bare(talk.words)) < 0.1


def test_words_start_when_they_are_said(one_by_one: list[Recognition], talk: flite.Spoken) -> None:
    found = words_of(one_by_one)
    blocks = difflib.SequenceMatcher(None, bare(found), bare(talk.words), autojunk=False).get_matching_blocks()
    pairs = [(found[a + k], talk.words[b + k]) for a, b, size in blocks for k in range(size)]
    assert len(pairs) > 0.9 * len(talk.words)
    assert statistics.median(abs(word.start_ms - right.start_ms) for word, right in pairs) < 100
    assert statistics.median(abs(word.end_ms - right.end_ms) for word, right in pairs) < 200


def test_a_batch_is_heard_as_its_pieces_are_one_by_one(
    whisper: OpenAIWhisper, talk_pieces: list[Piece], one_by_one: list[Recognition]
) -> None:
    assert len(talk_pieces) > whisper.batch_size
    together = whisper.recognize(talk_pieces, ENGLISH)
    alone = words_of(one_by_one)
    assert wrong([word.text for word in words_of(together)], [word.text for word in alone]) < 0.01
    assert [len(one.words) for one in together] == pytest.approx([len(one.words) for one in one_by_one], abs=1)


def test_words_are_those_of_whispers_own_transcribe(
    checkpoint: Path, whisper: OpenAIWhisper, talk_pieces: list[Piece], one_by_one: list[Recognition]
) -> None:
    import whisper as package

    model = package.load_model(str(checkpoint), "cpu")
    texts = [
        package.transcribe(
            model, package.pad_or_trim(piece.samples()), language="en", fp16=False, condition_on_previous_text=False
        )["text"]
        for piece in talk_pieces
    ]
    assert wrong(" ".join(texts).split(), [word.text for word in words_of(one_by_one)]) < 0.02


def test_in_8_bits_nearly_the_same_is_heard(
    checkpoint: Path, talk_pieces: list[Piece], one_by_one: list[Recognition], talk: flite.Spoken
) -> None:
    quantized = OpenAIWhisper(str(checkpoint), batch_size=8, quantize="int8")
    found = words_of(quantized.recognize(talk_pieces, ENGLISH))
    assert wrong(bare(found), bare(talk.words)) < 0.1
    alone = {(word.text, word.start_ms) for word in words_of(one_by_one)}
    near = [word for word in found if any((word.text, word.start_ms + ms) in alone for ms in range(-60, 61))]
    assert len(near) > 0.8 * len(found)


def test_words_lie_in_their_piece_in_order_with_a_probability(
    one_by_one: list[Recognition], talk_pieces: list[Piece]
) -> None:
    for heard, piece in zip(one_by_one, talk_pieces, strict=True):
        starts = [word.start_ms for word in heard.words]
        assert starts == sorted(starts)
        for word in heard.words:
            assert piece.start_ms <= word.start_ms <= word.end_ms <= piece.end_ms
            assert word.confidence is not None
            assert 0 < word.confidence <= 1


# Silence and noise


def test_silence_has_no_words_and_says_so(whisper: OpenAIWhisper, micro: Piece) -> None:
    silent, spoken = whisper.recognize([noise(3, 0.0), micro], ENGLISH)
    assert silent.words == ()
    assert silent.no_speech is not None
    assert silent.no_speech > 0.6
    assert spoken.no_speech is not None
    assert spoken.no_speech < 0.1


# Fault 35
def test_the_same_batch_gives_the_same_words_whatever_was_heard_before(whisper: OpenAIWhisper, micro: Piece) -> None:
    """Loud noise makes Whisper fall back to sampling at random."""
    given = [noise(2, 9000, 10_000), micro]
    once = whisper.recognize(given, ENGLISH)
    assert whisper.recognize(given, ENGLISH) == once
    (alone,) = whisper.recognize(given[1:], ENGLISH)
    assert alone.words == once[1].words


# What is left when Whisper loses its place


def test_what_whisper_stops_short_of_is_read_on_from_there(
    whisper: OpenAIWhisper, micro: Piece, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transcribe.recognizers.openai_whisper import decoding

    def forgetful(model: Any, encoded: Any, options: Any) -> list[Any]:
        """As if it had heard the first sentence alone, once."""
        read = decode(model, encoded, options)
        rounds.append(len(read))
        return [one.within(2.0) for one in read] if len(rounds) == 1 else read

    rounds: list[int] = []
    (whole,) = whisper.recognize([micro], ENGLISH)
    decode = decoding.decode
    monkeypatch.setattr(decoding, "decode", forgetful)
    (found,) = whisper.recognize([micro], ENGLISH)
    assert rounds == [1, 1]
    assert [word.text for word in found.words] == [word.text for word in whole.words]
    for word, right in zip(found.words, whole.words, strict=True):
        assert abs(word.start_ms - right.start_ms) < 300


def test_a_rest_with_hardly_any_speech_is_left(micro: Piece) -> None:
    window = Window(micro, micro.start_ms)
    assert window.rest(micro.speech[-1][1] - 900) is None
    assert window.rest(micro.start_ms + 900) is None  # no way forward: it would never end
    rest = window.rest(2500)
    assert rest is not None
    assert (rest.start_ms, len(rest.sound())) == (2500, len(micro.samples()) - 16 * (2500 - micro.start_ms))
    assert rest.speech_ms() == micro.speech[1][1] - micro.speech[1][0]


# Prompts


def test_the_prompt_is_kept_from_pieces_with_hardly_any_speech(
    whisper: OpenAIWhisper, micro: Piece, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transcribe.recognizers.openai_whisper import decoding

    def listening(model: Any, encoded: Any, options: Any) -> list[Any]:
        prompts.append((options.prompt, len(encoded)))
        return decode(model, encoded, options)

    prompts: list[tuple[str | None, int]] = []
    decode = decoding.decode
    monkeypatch.setattr(decoding, "decode", listening)
    little = Piece(micro.start_ms, micro.audio, ((400, 1300),))
    whisper.recognize([micro, little, micro], Hints("en", "Bauwens, Ramos"))
    assert prompts[:2] == [("Bauwens, Ramos", 2), (None, 1)]
    prompts.clear()
    whisper.recognize([micro, little, micro], ENGLISH)
    assert prompts == [(None, 3)]


# Memory


# Fault 32
def test_a_batch_that_memory_does_not_hold_is_halved(checkpoint: Path, micro: Piece) -> None:
    """torch's own allocator is asked for more than there is, wherever more than two are encoded together."""
    whisper = OpenAIWhisper(str(checkpoint), batch_size=8)
    expected = whisper.recognize([micro], ENGLISH)
    sizes = exhausted_above(whisper, 2)
    assert whisper.recognize([micro] * 5, ENGLISH) == expected * 5
    assert sizes == [5, 3, 2, 1, 2]


# Fault 32
def test_one_piece_that_memory_does_not_hold_is_an_error_that_says_so(checkpoint: Path, micro: Piece) -> None:
    whisper = OpenAIWhisper(str(checkpoint), batch_size=8)
    exhausted_above(whisper, 0)
    with pytest.raises(MemoryError, match="not enough memory"):
        whisper.recognize([micro] * 2, ENGLISH)


def exhausted_above(whisper: OpenAIWhisper, fitting: int) -> list[int]:
    """Makes memory run out where more are encoded together; what is returned becomes the sizes that were tried."""
    import torch

    def encode(_: object, given: tuple[Any]) -> None:
        sizes.append(len(given[0]))
        if sizes[-1] > fitting:
            torch.empty(2**60)

    sizes: list[int] = []
    whisper._model.encoder.register_forward_pre_hook(encode)
    return sizes


# What it is


def test_a_checkpoint_is_known_by_its_sum_and_its_options(whisper: OpenAIWhisper, checkpoint: Path) -> None:
    assert whisper.engine.name == "whisper"
    assert whisper.engine.model == "micro-whisper.pt"
    assert whisper.engine.model_sha256 == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    options = json.loads(json.dumps(whisper.engine.options))
    assert options == {
        "language": "en",
        "device": "cpu",
        "fp16": False,
        "word_timestamps": True,
        "condition_on_previous_text": False,
        "quantize": None,
        "batch_size": 4,
    }


def test_beams_are_recorded_and_take_room(checkpoint: Path, talk_pieces: list[Piece]) -> None:
    beaming = OpenAIWhisper(str(checkpoint), "en", "cpu", beam=3)
    assert beaming.engine.options["beam_size"] == 3
    assert beaming.batch_size == CPU_BATCH // 3
    assert len(words_of(beaming.recognize(talk_pieces[:2], ENGLISH))) > 5


def test_what_it_cannot_do_is_a_wrong_use(checkpoint: Path) -> None:
    with pytest.raises(UsageError, match="'int4'"):
        OpenAIWhisper(str(checkpoint), quantize="int4")
    with pytest.raises(UsageError, match="int8 is for a CPU, not for cuda"):
        OpenAIWhisper(str(checkpoint), device="cuda:1", quantize="int8")


# Language


def test_an_english_model_knows_no_other_language(checkpoint: Path, micro: Piece) -> None:
    assert OpenAIWhisper(str(checkpoint), language="English").language([micro]) == "en"
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
    model = Whisper(dimensions)
    torch.nn.init.normal_(model.decoder.positional_embedding)  # or it would be what memory held
    torch.save({"dims": vars(dimensions), "model_state_dict": model.state_dict()}, path)
    return path


def test_a_model_of_many_languages_takes_the_one_it_is_told(multilingual: Path, micro: Piece) -> None:
    recognizer = OpenAIWhisper(str(multilingual), language="German")
    assert recognizer.language([micro]) == "de"
    assert recognizer.engine.options["language"] == "de"


def test_or_the_one_that_most_pieces_are_likely_in(
    multilingual: Path, micro: Piece, monkeypatch: pytest.MonkeyPatch
) -> None:
    from whisper import decoding

    def detect(model: object, features: Sequence[object]) -> tuple[None, list[dict[str, float]]]:
        """A stand-in that is sure of French once, and twice not quite of German."""
        return None, [next(found) for _ in features]

    found = iter([{"fr": 0.9, "de": 0.1}, {"de": 0.5, "fr": 0.4}, {"de": 0.5, "fr": 0.4}])
    recognizer = OpenAIWhisper(str(multilingual), batch_size=2)
    monkeypatch.setattr(decoding, "detect_language", detect)
    little = Piece(micro.start_ms, micro.audio, ((400, 1300),))
    assert recognizer.language([micro, little, micro, micro]) == "de"
    assert next(found, None) is None  # the one with little speech was not asked


def test_its_own_detection_names_a_language_there_is(multilingual: Path, micro: Piece) -> None:
    from whisper.tokenizer import LANGUAGES

    recognizer = OpenAIWhisper(str(multilingual))
    assert recognizer.language([micro, micro]) in LANGUAGES
    assert recognizer.language([]) == UNDETERMINED
    assert recognizer.recognize([], Hints()) == []
