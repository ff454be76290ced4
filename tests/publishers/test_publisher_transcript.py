"""Publishers' transcripts laid on real speech: right times in every form, and a text of other bytes is noticed."""

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.sample_library import PART_2, REPOSITORY, SAMPLE
from tests.support.speech import RATE, Pcm, write_audio
from transcribe.audio.decode import open_audio
from transcribe.audio.inline_decoder import InlineDecoder
from transcribe.audio.voice_activity import Piece
from transcribe.errors import TranscriptError
from transcribe.library.clock import clock, timestamp
from transcribe.library.episode import AudioFile, Episode, PublishedText
from transcribe.library.store import Library
from transcribe.library.transcript import Transcript
from transcribe.publishers.match import Mismatch
from transcribe.publishers.publisher_transcript import published_transcript
from transcribe.recognizers.pocketsphinx.aligner import SphinxAligner
from transcribe.recognizers.pocketsphinx.recognizer import PocketSphinx
from transcribe.recognizers.protocol import Hints, Recognition
from transcribe.transcription.job import Job, Offer

SENTENCES: list[dict[str, Any]] = [said for said in SAMPLE[0]["sentences"] if said["end_ms"] < 62_000]
WORDS = [word for said in SENTENCES for word in said["words"]]
TURNS = [(name, list(said)) for name, said in itertools.groupby(SENTENCES, key=lambda said: said["speaker"])]
PEOPLE = ("Susan Fisher", "Robert Mason")
NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)
MEDIA_TYPES = {"json": "application/json", "vtt": "text/vtt", "srt": "application/x-subrip"}
MEDIA_TYPES |= {"html": "text/html", "txt": "text/plain"}


class Remembering:
    """PocketSphinx, which is asked for each sound once in all the tests."""

    batch_size = 1

    def __init__(self) -> None:
        self.sphinx = PocketSphinx()
        self.engine = self.sphinx.engine
        self.known: dict[bytes, Recognition] = {}

    def language(self, pieces: Sequence[Piece]) -> str:
        return self.sphinx.language(pieces)

    def recognize(self, pieces: Sequence[Piece], hints: Hints) -> list[Recognition]:
        return [self._heard(piece, hints) for piece in pieces]

    def _heard(self, piece: Piece, hints: Hints) -> Recognition:
        if piece.pcm() not in self.known:
            (heard,) = self.sphinx.recognize([replace(piece, start_ms=0)], hints)
            self.known[piece.pcm()] = heard
        words = self.known[piece.pcm()].words
        later = (replace(w, start_ms=w.start_ms + piece.start_ms, end_ms=w.end_ms + piece.start_ms) for w in words)
        return Recognition(tuple(later))


def as_published(form: str) -> str:
    """What is said, as a publisher would write it in one of the forms."""
    match form:
        case "json":
            segments = [
                {
                    "speaker": s["speaker"],
                    "startTime": w["start_ms"] / 1000,
                    "endTime": w["end_ms"] / 1000,
                    "body": w["text"],
                }
                for s in SENTENCES
                for w in s["words"]
            ]
            return json.dumps({"version": "1.0.0", "segments": segments})
        case "vtt":
            cues = (f"{span(s, '.')}\n<v {s['speaker'].split()[0]}>{s['text']}\n" for s in SENTENCES)
            return "WEBVTT\nLanguage: en\n\n" + "\n".join(cues)
        case "srt":
            return "\n".join(f"{n}\n{span(s, ',')}\n{s['text']}\n" for n, s in enumerate(SENTENCES, 1))
        case "html":
            turns = (f"<cite>{n}:</cite>\n<time>{clock(s[0]['start_ms'])}</time>\n<p>{text(s)}</p>" for n, s in TURNS)
            return "<html lang='en'><body>" + "\n".join(turns) + "</body></html>"
    return "\n\n".join(f"{name.upper()}: {text(said)}" for name, said in TURNS)


def span(said: dict[str, Any], mark: str) -> str:
    return f"{timestamp(said['start_ms'], mark)} --> {timestamp(said['end_ms'], mark)}"


def text(said: Sequence[dict[str, Any]]) -> str:
    return " ".join(sentence["text"] for sentence in said)


def sound(part: dict[str, Any], end_ms: int) -> Pcm:
    with open_audio(REPOSITORY / part["path"]) as recording:
        return np.concatenate(list(recording.blocks()))[: end_ms * RATE // 1000]


@pytest.fixture(scope="module")
def ears() -> Remembering:
    return Remembering()


@pytest.fixture(scope="module")
def hands() -> SphinxAligner:
    return SphinxAligner()


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first minute of the sample interview."""
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    write_audio(sound(SAMPLE[0], SENTENCES[-1]["end_ms"] + 300), path)
    return path


@pytest.fixture(scope="module")
def spliced(talk: Path) -> Path:
    """The same, with 30 s of another talk before it."""
    path = talk.with_name("spliced.wav")
    whole = [sound(SAMPLE[1], 30_000), sound(SAMPLE[0], SENTENCES[-1]["end_ms"] + 300)]
    write_audio(np.concatenate(whole), path)
    return path


def adopted(
    path: Path, form: str, ears: Remembering | None, hands: SphinxAligner | None, **more: Any
) -> Transcript | Mismatch:
    url = more.get("url", "https://host.test/transcript")
    offered = PublishedText(url, MEDIA_TYPES[form], more.get("language"))
    data = more.get("data", as_published(form)).encode()
    job = Job(Episode(PART_2, "Commons Talks", "A talk"), AudioFile("audio/a.wav", "0" * 64, 1, "audio/wav"), path)
    return published_transcript(
        job, Offer(offered, data, PEOPLE), InlineDecoder(), ears, [hands] if hands else [], lambda: NOW
    )


def late_ms(transcript: Transcript | Mismatch) -> Iterator[int]:
    """How far from its true time each word begins; all words must be there."""
    assert isinstance(transcript, Transcript)
    words = [word for _, word in transcript.words()]
    assert [word.text for word in words] == [word["text"] for word in WORDS]
    return (abs(word.start_ms - true["start_ms"]) for word, true in zip(words, WORDS, strict=True))


@pytest.mark.parametrize("form", MEDIA_TYPES)
def test_every_form_gives_all_words_with_their_times(
    talk: Path, form: str, ears: Remembering, hands: SphinxAligner, tmp_path: Path
) -> None:
    transcript = adopted(talk, form, ears, hands)
    assert sorted(late_ms(transcript))[int(0.95 * len(WORDS))] < 100
    assert max(late_ms(transcript)) < 400
    assert isinstance(transcript, Transcript)
    assert not any(part.flags for part in transcript.segments)
    assert max(len(part.text) for part in transcript.segments) <= 200
    assert (transcript.engine.name, transcript.engine.model, transcript.language) == ("published", form, "en")
    assert transcript.quality
    assert transcript.quality.covered > 0.95
    library = Library(tmp_path)
    library.save_transcript(transcript)
    assert library.load_transcript(PART_2) == transcript


@pytest.mark.parametrize("form", ["json", "vtt", "html", "txt"])
def test_speakers_are_named_by_the_file_and_the_feed(
    talk: Path, form: str, ears: Remembering, hands: SphinxAligner
) -> None:
    transcript = adopted(talk, form, ears, hands)
    assert isinstance(transcript, Transcript)
    names = [name for name, _ in itertools.groupby(part.speaker for part in transcript.segments)]
    assert names == [name for name, _ in TURNS]


@pytest.mark.parametrize(
    "form", [pytest.param(form, marks=pytest.mark.slow if form in ("json", "html") else ()) for form in MEDIA_TYPES]
)
def test_thirty_seconds_of_something_else_before_it_are_noticed(
    spliced: Path, form: str, ears: Remembering, hands: SphinxAligner
) -> None:
    mismatch = adopted(spliced, form, ears, hands)
    assert isinstance(mismatch, Mismatch)
    if form in ("json", "vtt", "srt"):
        off = re.search(r"published as ([\d.]+) s earlier", str(mismatch))
        assert off
        assert float(off[1]) == pytest.approx(30, abs=0.5)


@pytest.mark.parametrize("form", ["vtt", "txt"])
def test_the_words_of_another_talk_are_noticed(
    form: str, ears: Remembering, hands: SphinxAligner, tmp_path: Path
) -> None:
    write_audio(sound(SAMPLE[1], 30_000), tmp_path / "other.wav")
    short = [line for line in as_published(form).split("\n\n") if "00:00:3" not in line and "00:00:4" not in line]
    captions = "\n\n".join(line for line in short if "00:00:5" not in line and "00:01" not in line)
    assert isinstance(adopted(tmp_path / "other.wav", form, ears, hands, data=captions), Mismatch)


def test_a_text_that_goes_on_after_the_end_is_noticed_without_hearing_it(talk: Path, tmp_path: Path) -> None:
    write_audio(sound(SAMPLE[0], 30_000), tmp_path / "half.wav")
    mismatch = adopted(tmp_path / "half.wav", "vtt", None, None)
    assert "the audio ends at 0:30" in str(mismatch)


def test_captions_that_are_shown_a_little_late_are_put_right(
    talk: Path, ears: Remembering, hands: SphinxAligner
) -> None:
    late = [{**s, "start_ms": s["start_ms"] + 1500, "end_ms": s["end_ms"] + 1500} for s in SENTENCES]
    captions = "WEBVTT\n\n" + "\n".join(f"{span(s, '.')}\n{s['text']}\n" for s in late)
    assert sorted(late_ms(adopted(talk, "vtt", ears, hands, data=captions)))[int(0.95 * len(WORDS))] < 100


def test_in_a_language_that_nobody_here_knows_words_are_spread_over_their_captions(
    talk: Path, ears: Remembering, hands: SphinxAligner
) -> None:
    transcript = adopted(talk, "srt", ears, hands, language="nl-BE")
    assert sorted(late_ms(transcript))[int(0.95 * len(WORDS))] < 1000
    assert isinstance(transcript, Transcript)
    assert transcript.language == "nl"
    assert all(part.flags == ("interpolated",) for part in transcript.segments)
    assert transcript.engine.options["times"] == "interpolated"


def test_without_an_aligner_words_that_were_heard_have_their_times(talk: Path, ears: Remembering) -> None:
    transcript = adopted(talk, "txt", ears, None)
    assert sorted(late_ms(transcript))[len(WORDS) // 2] < 100
    assert isinstance(transcript, Transcript)
    assert transcript.engine.options["times"] == "pocketsphinx"


@pytest.mark.parametrize("form", ["html", "txt"])
def test_without_any_engine_a_text_is_spread_over_the_speech(talk: Path, form: str) -> None:
    transcript = adopted(talk, form, None, None)
    assert sorted(late_ms(transcript))[len(WORDS) // 2] < 4000
    assert isinstance(transcript, Transcript)
    assert all(part.flags == ("interpolated",) for part in transcript.segments)


def test_no_secret_of_its_address_is_kept(talk: Path) -> None:
    transcript = adopted(talk, "json", None, None, url="https://me:secret@host.test/t.json?token=secret#secret")
    assert isinstance(transcript, Transcript)
    assert transcript.engine.options["url"] == "https://host.test/t.json"
    assert "secret" not in transcript.to_json()


def test_what_is_no_transcript_is_refused_before_anything_is_heard(talk: Path) -> None:
    with pytest.raises(TranscriptError):
        adopted(talk, "vtt", None, None, data="404 Not Found")
