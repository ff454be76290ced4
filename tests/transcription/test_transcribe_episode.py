"""From audio to transcript: the whole composition, with real engines and with one that misbehaves."""

import dataclasses
import json
import lzma
import re
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from tests.support.fake_recognizer import FakeRecognizer
from tests.support.speech import write_audio
from transcribe.audio.decode import RATE
from transcribe.audio.inline_decoder import InlineDecoder
from transcribe.audio.voice_activity import Piece
from transcribe.errors import AudioError
from transcribe.library.episode import AudioFile, Episode
from transcribe.library.transcript import Engine, Transcript, Word
from transcribe.recognizers import engines
from transcribe.recognizers.protocol import Hints, Recognition, Recognizer
from transcribe.transcription.checkpoints import RecognizedSoFar
from transcribe.transcription.job import Job
from transcribe.transcription.transcribe_episode import LANGUAGE_PIECES, BatchDone, transcribe
from transcribe.transcription.utterance import Utterance

DATA = Path(__file__).parents[1] / "data"
EPISODE = Episode("talks/one", "Talks", "One")
STORED = AudioFile("audio/talks/one.mp3", "0" * 64, 1, "audio/mpeg")
NAN = float("nan")


class Scripted:
    """Says of each piece what it is told to: times in milliseconds from the piece's start."""

    engine = Engine("scripted", "1", "none")
    batch_size = 1

    def __init__(self, *said: tuple[float, float, str, float]) -> None:
        self.said = said
        self.pieces: list[Piece] = []

    def language(self, pieces: Sequence[Piece]) -> str:
        return "en"

    def recognize(self, pieces: Sequence[Piece], hints: Hints) -> list[Recognition]:
        self.pieces += pieces
        return [Recognition(tuple(self._words(piece))) for piece in pieces]

    def _words(self, piece: Piece) -> list[Word]:
        return [
            Word(piece.start_ms + start, piece.start_ms + end, text, sure)  # type: ignore[arg-type] # as bugs are
            for start, end, text, sure in self.said
        ]


class OfTwoLanguages(Scripted):
    """Hears German in every second piece."""

    def recognize(self, pieces: Sequence[Piece], hints: Hints) -> list[Recognition]:
        heard = super().recognize(pieces, hints)
        return [dataclasses.replace(each, language=("en", "de")[len(self.pieces) % 2 == 0]) for each in heard]


class InPairs(Scripted):
    """Takes two pieces at a time."""

    batch_size = 2


def transcript_of(
    path: Path,
    recognizer: Recognizer,
    told: list[BatchDone] | None = None,
    job: Job | None = None,
    now: datetime | None = None,
) -> Transcript:
    transcript = transcribe(
        job or Job(EPISODE, STORED, path),
        InlineDecoder().listen(path),
        recognizer,
        (told if told is not None else []).append,
        lambda: None,
        lambda: now or datetime.now(UTC),
    )
    transcript.check()
    return transcript


def with_silences(tmp_path: Path) -> Path:
    """The talk twice, with ten seconds of silence before, between and after."""
    from transcribe.audio.decode import open_audio

    with open_audio(DATA / "talk.mp3") as recording:
        talk = np.concatenate(list(recording.blocks()))
    silence = np.zeros(10 * RATE, np.int16)
    path = tmp_path / "talks.flac"
    write_audio(np.concatenate([silence, talk, silence, talk, silence]), path)
    return path


def test_a_segment_says_its_language_where_it_is_not_the_episodes(tmp_path: Path) -> None:
    told: list[BatchDone] = []
    transcript = transcript_of(with_silences(tmp_path), OfTwoLanguages((100, 400, "so", 0.9)), told)
    assert transcript.language == "en"
    assert [(part.id, part.language) for part in transcript.segments] == [(0, None), (1, "de")]
    assert [utterance.language for batch in told for utterance in batch.utterances] == [None, "de"]
    kept = RecognizedSoFar("en", tuple(utterance for batch in told for utterance in batch.utterances))
    assert RecognizedSoFar.from_json(kept.to_json().encode()) == kept


def test_a_word_says_in_the_transcript_that_it_is_joined(tmp_path: Path) -> None:
    class Japanese(Scripted):
        def _words(self, piece: Piece) -> list[Word]:
            return [
                Word(piece.start_ms, piece.start_ms + 90, text, 0.9, join)
                for text, join in (("OK", None), ("です", True))
            ]

    told: list[BatchDone] = []
    transcript = transcript_of(with_silences(tmp_path), Japanese(), told)
    assert {part.text for part in transcript.segments} == {"OKです"}
    (first, _) = (utterance for batch in told for utterance in batch.utterances)
    assert Utterance.from_json(json.loads(json.dumps(first.to_json()))) == first


def test_a_talk_becomes_a_transcript_with_its_words_when_they_are_said() -> None:
    true = json.loads((DATA / "talk.json").read_text())
    transcript = transcript_of(DATA / "talk.mp3", engines.load("pocketsphinx", warn=print))
    starts: dict[str, list[int]] = {}
    for word in true:
        starts.setdefault(re.sub(r"\W", "", word["text"].lower()), []).append(word["start_ms"])
    off = [
        min(abs(word.start_ms - start) for start in starts[word.text])
        for _, word in transcript.words()
        if word.text in starts
    ]
    assert len(off) >= 0.8 * len(true)
    assert statistics.median(off) < 80
    assert transcript.audio is not None
    assert transcript.audio.duration_ms == pytest.approx(16_454, abs=30)
    assert (transcript.engine.name, transcript.language, transcript.episode) == ("pocketsphinx", "en", EPISODE)
    assert len(transcript.segments) >= 3


def test_whisper_makes_sentences_into_segments(tmp_path: Path) -> None:
    checkpoint = tmp_path / "micro-whisper.pt"
    checkpoint.write_bytes(lzma.decompress((DATA / "micro-whisper.pt.xz").read_bytes()))
    transcript = transcript_of(DATA / "micro.flac", engines.load("whisper", str(checkpoint), warn=print))
    assert [s.text for s in transcript.segments] == [
        "People share water with the village.",
        "Remember the green island.",
    ]
    assert [segment.flags for segment in transcript.segments] == [(), ()]


# Fault 35
def test_the_same_audio_gives_the_same_transcript() -> None:
    def made() -> str:
        recognizer = engines.load("pocketsphinx", warn=print)
        return transcript_of(DATA / "micro.flac", recognizer, now=datetime(2026, 11, 22, 18, tzinfo=UTC)).to_json()

    assert made() == made()


# Fault 25
def test_a_minute_of_digital_silence_has_no_segments(tmp_path: Path) -> None:
    path = tmp_path / "silence.flac"
    write_audio(np.zeros(60 * RATE, np.int16), path)
    recognizer = Scripted((0, 100, "Thanks for watching!", 0.9))
    transcript = transcript_of(path, recognizer)
    assert (transcript.segments, recognizer.pieces) == ((), [])
    assert transcript.duration_ms == 60_000


# Fault 27
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param([(500, 300, "backwards", 0.9)], [(500, 500, "backwards", 0.9)], id="end before start"),
        pytest.param([(500, 500, "short", 0.9)], [(500, 500, "short", 0.9)], id="no length"),
        pytest.param([(NAN, 400, "when", 0.9)], [(0, 400, "when", 0.9)], id="start is no number"),
        pytest.param([(200, NAN, "till", NAN)], [(200, 200, "till", None)], id="end and confidence are no numbers"),
        pytest.param([(-90_000, 300, "early", 7.0)], [(0, 300, "early", 1.0)], id="before the piece"),
        pytest.param([(100, 400, " ", 0.9), (400, 500, "text", 0.9)], [(400, 500, "text", 0.9)], id="no text"),
        pytest.param(
            [(600, 700, "two", 0.9), (300, 500, "one", 0.9)],
            [(600, 700, "two", 0.9), (600, 600, "one", 0.9)],
            id="starts go back",
        ),
        pytest.param([(1.4, 99.6, "fractions", 0.9)], [(1, 100, "fractions", 0.9)], id="fractions"),
    ],
)
def test_words_that_cannot_be_are_repaired_or_dropped(
    said: list[tuple[float, float, str, float]], expected: list[tuple[int, int, str, float | None]]
) -> None:
    recognizer = Scripted(*said)
    transcript = transcript_of(DATA / "talk.mp3", recognizer)
    at = recognizer.pieces[0].start_ms
    found = [(w.start_ms - at, w.end_ms - at, w.text, w.confidence) for _, w in transcript.words()]
    assert found == expected


# Fault 27
def test_a_word_past_the_audio_ends_with_it() -> None:
    transcript = transcript_of(DATA / "talk.mp3", Scripted((900, 1e9, "long", 0.9)))
    ((_, word),) = transcript.words()
    assert word.end_ms <= transcript.duration_ms


def test_dropped_words_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    transcript_of(DATA / "talk.mp3", Scripted((0, 1, "", 0.9), (5, 6, "\n", 0.9), (7, 8, "kept", 0.9)))
    assert "talks/one: 2 words" in caplog.text


def test_one_pieces_wrong_times_do_not_touch_the_next(tmp_path: Path) -> None:
    recognizer = Scripted((float("inf"), float("inf"), "lost", 0.9), (100, 200, "found", 0.9))
    transcript = transcript_of(with_silences(tmp_path), recognizer)
    first, second = (piece.span for piece in recognizer.pieces)
    places = [word.start_ms for _, word in transcript.words()]
    assert all(first[0] <= at <= first[1] for at in places[:2])
    assert all(second[0] <= at <= second[1] for at in places[2:])


@pytest.mark.parametrize("kind", [Scripted, InPairs])
def test_times_are_on_the_clock_of_the_file_through_silences(tmp_path: Path, kind: type[Scripted]) -> None:
    transcript = transcript_of(with_silences(tmp_path), kind((700, 900, "InlineDecoder.", 0.9)))
    starts = [segment.start_ms for segment in transcript.segments]
    assert starts == pytest.approx([10_500, 36_950], abs=150)
    assert transcript.duration_ms == pytest.approx(62_900, abs=50)


def test_each_batch_is_told_of_and_how_far_it_reaches(tmp_path: Path) -> None:
    told: list[BatchDone] = []
    transcript = transcript_of(with_silences(tmp_path), Scripted((0, 90, "So", 0.9)), told)
    assert len(told) == 2
    assert [len(done.utterances) for done in told] == [1, 1]
    assert told[0].done_ms < told[1].done_ms <= transcript.duration_ms
    assert told[0].of_ms == pytest.approx(transcript.duration_ms, abs=50)
    assert {(done.language, done.kept) for done in told} == {("en", False)}


def test_an_interrupted_run_goes_on_and_ends_in_the_same_bytes(tmp_path: Path) -> None:  # fault 28
    path, now = with_silences(tmp_path), datetime(2026, 11, 22, 18, tzinfo=UTC)
    told: list[BatchDone] = []
    whole = transcript_of(path, FakeRecognizer(), told, now=now)
    for batches in range(3):
        so_far = RecognizedSoFar("en", tuple(utterance for done in told[:batches] for utterance in done.utterances))
        recognizer = FakeRecognizer(failure=AssertionError("it should know already") if batches == 2 else None)
        resumed = transcript_of(path, recognizer, job=Job(EPISODE, STORED, path, so_far=so_far), now=now)
        assert resumed.to_json() == whole.to_json()
        assert recognizer.pieces == 2 - batches


def test_what_was_heard_in_other_pieces_is_not_taken_for_these(tmp_path: Path) -> None:
    elsewhere = Utterance((0, 500), ((0, 500),), 1.0, (Word(0, 100, "no", 0.9),))
    job = Job(EPISODE, STORED, tmp_path, so_far=RecognizedSoFar("en", (elsewhere,)))
    transcript = transcript_of(with_silences(tmp_path), FakeRecognizer(), job=job)
    assert {word.text for _, word in transcript.words()} == {"we", "heard", "this"}


def test_the_language_is_that_of_the_opening_and_goes_with_every_batch(tmp_path: Path) -> None:
    recognizer = FakeRecognizer(language="de")
    transcript = transcript_of(with_silences(tmp_path), recognizer, job=Job(EPISODE, STORED, tmp_path, "Bauwens"))
    assert recognizer.hints == [Hints("de", "Bauwens")] * 2
    assert transcript.language == "de"
    assert transcript.engine.options["prompt"] == "Bauwens"
    assert LANGUAGE_PIECES > 1


def test_an_interrupted_run_keeps_its_language(tmp_path: Path) -> None:
    job = Job(EPISODE, STORED, tmp_path, so_far=RecognizedSoFar("fr"))
    assert transcript_of(with_silences(tmp_path), FakeRecognizer(language="de"), job=job).language == "fr"


def test_a_transcript_says_how_much_of_the_speech_it_covers(tmp_path: Path) -> None:
    quality = transcript_of(with_silences(tmp_path), FakeRecognizer()).quality
    assert quality is not None
    assert 10_000 < quality.speech_ms < 40_000
    assert 0 < quality.covered < 0.5  # three words for sixteen seconds
    assert quality.confidence == 0.9


def test_the_time_of_making_is_written_in_utc() -> None:
    summer = timezone(timedelta(hours=2))
    transcript = transcript_of(DATA / "micro.flac", Scripted(), now=datetime(2026, 7, 1, 1, 30, tzinfo=summer))
    assert transcript.created == "2026-06-30T23:30:00Z"


def test_what_cannot_be_decoded_is_said(tmp_path: Path) -> None:
    path = tmp_path / "page.mp3"
    path.write_text("<html>")
    with pytest.raises(AudioError) as caught:
        transcript_of(path, Scripted())
    assert caught.value.code == "undecodable"
