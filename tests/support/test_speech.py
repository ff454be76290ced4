"""The tests' own speech, and the sample interview: words are said when `speech` and `truth.json` say they are."""

import hashlib
import json
import statistics
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from tests.support import speech
from tests.support.speech import RATE, Spoken, conversation, speak, write_audio
from transcribe.library.episode import episode_id
from transcribe.sources.audio_tags import Tags, read_tags

ROOT = Path(__file__).parents[2]
SAMPLE = Path(__file__).parents[1] / "sample"
PARTS: list[dict[str, Any]] = json.loads((SAMPLE / "truth.json").read_text("utf-8"))
needs_flite = pytest.mark.skipif(not speech.HERE, reason=speech.MISSING)
each_part = pytest.mark.parametrize("part", PARTS, ids=["part 1", "part 2"])

Sound = npt.NDArray[np.float64]  # -1 to 1


def decode(path: Path) -> Sound:
    resampler, frames = av.AudioResampler("s16", "mono", RATE), []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            frames += resampler.resample(frame)
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]) / 32768


def level(sound: Sound, start_ms: int, end_ms: int) -> float:
    """Root mean square in dBFS."""
    cut = sound[start_ms * RATE // 1000 : end_ms * RATE // 1000]
    return float(20 * np.log10(np.sqrt(np.mean(cut**2)) + 1e-9))


def onset_ms(sound: Sound, about_ms: int) -> int:
    """When it first becomes louder than -45 dBFS, looked for from 200 ms before."""
    return next(ms for ms in range(about_ms - 200, about_ms + 1000, 5) if level(sound, ms, ms + 10) > -45)


@pytest.fixture(scope="module")
def talk() -> Spoken:
    turns = [("slt", "Who owns the well? Nobody does."), ("rms", "Nobody, and everybody — that is the answer.")]
    return conversation(turns, pause_ms=(500, 500), turn_ms=(1000, 1000))


@needs_flite
def test_words_are_those_of_the_text_without_its_dashes(talk: Spoken) -> None:
    said = [[word.text for word in sentence.words] for sentence in talk.sentences]
    assert said[:2] == [["Who", "owns", "the", "well?"], ["Nobody", "does."]]
    assert said[2] == ["Nobody,", "and", "everybody", "that", "is", "the", "answer."]
    assert [sentence.voice for sentence in talk.sentences] == ["slt", "slt", "rms"]


@needs_flite
def test_words_follow_one_another_inside_the_sound_and_last_as_long_as_words_do(talk: Spoken) -> None:
    assert talk.words[0].start_ms >= 0
    assert talk.words[-1].end_ms <= talk.duration_ms
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(talk.words))
    assert all(40 <= word.end_ms - word.start_ms <= 1200 for word in talk.words)


@needs_flite
def test_sound_is_loud_where_words_are_said_and_silent_where_none_are(talk: Spoken) -> None:
    sound = talk.pcm / 32768
    assert all(level(sound, word.start_ms, word.end_ms) > -40 for word in talk.words)
    for before, after in pairwise(talk.sentences):
        assert level(sound, before.end_ms + 80, after.start_ms - 80) < -60


@needs_flite
def test_pauses_are_as_long_as_asked_for(talk: Spoken) -> None:
    first, second, third = talk.sentences
    assert second.start_ms - first.end_ms == pytest.approx(500, abs=2)
    assert third.start_ms - second.end_ms == pytest.approx(1000, abs=2)


@needs_flite
def test_the_highest_sample_is_three_decibels_below_full_scale(talk: Spoken) -> None:
    assert 20 * np.log10(np.abs(talk.pcm / 32768).max()) == pytest.approx(-3, abs=0.2)


@needs_flite
def test_the_same_text_gives_the_same_sound_and_times() -> None:
    one, other = speak("A pot of coffee."), speak("A pot of coffee.")
    assert np.array_equal(one.pcm, other.pcm)
    assert one.words == other.words


@needs_flite
def test_a_stretched_sentence_is_longer() -> None:
    assert speak("A pot of coffee.", stretch=1.5).words[-1].end_ms > 1.2 * speak("A pot of coffee.").words[-1].end_ms


@needs_flite
def test_a_voice_of_another_sampling_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="'kal' has 8000 samples"):
        speak("Hello.", "kal")


@pytest.mark.parametrize("suffix", ["mp3", "wav", "flac", "m4a", "ogg", "opus"])
def test_a_click_is_decoded_where_it_was_put(tmp_path: Path, suffix: str) -> None:
    pcm = np.zeros(3 * RATE, np.int16)
    pcm[2 * RATE : 2 * RATE + 16] = 20_000  # 1 ms
    write_audio(pcm, tmp_path / f"click.{suffix}", {"title": "Click"})
    heard = np.abs(decode(tmp_path / f"click.{suffix}")).argmax()
    assert heard * 1000 / RATE == pytest.approx(2000.5, abs=1)


@pytest.mark.parametrize("suffix", ["mp3", "wav", "flac", "m4a", "ogg", "opus"])
def test_tags_are_written_as_playhead_reads_them(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"tagged.{suffix}"
    tags = {"title": "À part", "album": "Talks", "artist": "Susan", "date": "2026-03-03", "comment": "About a well."}
    write_audio(np.zeros(RATE, np.int16), path, tags)
    assert read_tags(path) == Tags(tags["title"], tags["album"], tags["date"], tags["comment"])


@each_part
def test_the_sample_is_the_file_that_its_truth_was_written_for(part: dict[str, Any]) -> None:
    path = ROOT / part["path"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == part["sha256"]
    assert path.stat().st_size < 1_000_000
    assert abs(len(decode(path)) * 1000 / RATE - part["duration_ms"]) < 2
    assert 120_000 <= part["duration_ms"] <= 180_000


@each_part
def test_the_sample_has_the_tags_and_the_name_that_the_id_rule_gives_it(part: dict[str, Any]) -> None:
    tags = read_tags(ROOT / part["path"])
    assert (tags.title, tags.show, tags.published) == (part["title"], part["show"], part["published"])
    assert part["id"] == episode_id(part["show"], part["title"], part["published"], "any", set())
    assert part["path"] == f"audio/{part['id']}.mp3"


@each_part
def test_the_truth_holds_every_word_of_the_dialogue(part: dict[str, Any]) -> None:
    script = (SAMPLE / f"part-{part['title'][-1]}.txt").read_text("utf-8").splitlines()[3:]
    said = [word["text"] for sentence in part["sentences"] for word in sentence["words"]]
    assert said == [word for line in script for word in line.split()[1:]]
    assert all(sentence["text"].split() == [w["text"] for w in sentence["words"]] for sentence in part["sentences"])


@each_part
def test_the_sample_is_loud_in_its_sentences_and_silent_between_them(part: dict[str, Any]) -> None:
    sound, sentences = decode(ROOT / part["path"]), part["sentences"]
    assert all(level(sound, sentence["start_ms"], sentence["end_ms"]) > -25 for sentence in sentences)
    for before, after in pairwise(sentences):
        assert level(sound, before["end_ms"] + 80, after["start_ms"] - 80) < -60, after["text"]
        pause = after["start_ms"] - before["end_ms"]
        assert 400 <= pause <= 800 if before["voice"] == after["voice"] else 900 <= pause <= 1200, after["text"]


@each_part
def test_each_sentence_of_the_sample_is_heard_to_begin_when_the_truth_says(part: dict[str, Any]) -> None:
    sound = decode(ROOT / part["path"])
    late = [onset_ms(sound, sentence["start_ms"]) - sentence["start_ms"] for sentence in part["sentences"]]
    assert abs(statistics.median(late)) <= 10
    assert -20 <= min(late) <= max(late) <= 100  # f, t, th and wh begin softly


@each_part
def test_the_sample_is_neither_clipped_nor_faint_and_starts_and_ends_without_a_wait(part: dict[str, Any]) -> None:
    sound, sentences = decode(ROOT / part["path"]), part["sentences"]
    assert -4 < 20 * np.log10(np.abs(sound).max()) < -2
    assert sentences[0]["start_ms"] < 500
    assert part["duration_ms"] - sentences[-1]["end_ms"] < 500
