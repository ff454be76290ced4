import copy
import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.conversations import transcript as made_up
from tests.support.odd_transcripts import transcripts
from transcribe.errors import TranscriptError
from transcribe.library.caption_writer import FORMATS
from transcribe.library.episode import Quality
from transcribe.library.transcript import Audio, Damage, Span, Transcript, Word, joined, repaired, segment

ODD_VALUES: tuple[Any, ...] = (None, True, -1, 0, 7, 1.5, math.nan, 10**30, "", "x\n\ny", "../x", [], [1], {}, {"a": 1})
SHARES = st.floats(0, 1)


@st.composite
def spans(draw: st.DrawFn, latest_ms: int) -> tuple[Span, ...]:
    """In order, some touching, some without length."""
    edges = sorted(draw(st.lists(st.integers(0, latest_ms), max_size=8)))
    return tuple(zip(edges[::2], edges[1::2], strict=False))


@st.composite
def verify_timed(draw: st.DrawFn) -> Transcript:
    """Any transcript, with what is known of how good it is, or not."""
    transcript = draw(transcripts())
    within = spans(transcript.duration_ms)
    whole_number = st.integers(0, 10**12)
    return dataclasses.replace(
        transcript,
        no_text=draw(within),
        quality=draw(st.none() | st.builds(Quality, whole_number, SHARES, SHARES, st.none() | SHARES)),
        damage=draw(st.none() | st.builds(Damage, st.booleans(), st.none() | whole_number, within)),
    )


JUDGED = {
    "quality": {"speech_ms": 4000, "covered": 0.75, "flagged": 0.0, "confidence": 0.9},
    "damage": {"truncated": True, "declared_ms": 9000, "missing": [[4000, 4500]]},
    "no_text": [[1000, 3000]],
}


@given(verify_timed())
def test_json_reads_back_exactly(transcript: Transcript) -> None:
    transcript.check()
    text = transcript.to_json()
    assert Transcript.from_json(text) == transcript
    assert Transcript.from_json(text.encode()).to_json() == text


def test_the_json_is_version_1_with_a_segment_a_line() -> None:
    text = made_up("Welcome back.", "Thank you.", speakers=["Ann"]).to_json()
    data = json.loads(text)
    assert [line.count('"words"') for line in text.splitlines() if '"words"' in line] == [1, 1]
    assert " ".join(data) == "version episode audio engine language created quality damage no_text segments"
    assert data["version"] == 1
    assert data["segments"][0] == {
        "id": 0,
        "start_ms": 0,
        "end_ms": 500,
        "text": "Welcome back.",
        "speaker": "Ann",
        "confidence": 0.9,
        "flags": [],
        "words": [
            {"start_ms": 0, "end_ms": 200, "text": "Welcome", "confidence": 0.9},
            {"start_ms": 300, "end_ms": 500, "text": "back.", "confidence": 0.9},
        ],
    }


def test_a_transcript_from_before_there_was_quality_still_reads() -> None:
    data = json.loads(made_up("Welcome back.").to_json())
    for key in ("quality", "damage", "no_text"):
        del data[key]
    assert Transcript.from_json(json.dumps(data)) == made_up("Welcome back.")


def test_what_a_later_version_wrote_is_kept() -> None:
    data = json.loads(made_up("Welcome back.").to_json())
    data["turns"] = [[0, 500, "Speaker 1"]]
    data["engine"]["seed"] = 1
    data["segments"][0]["theme"] = "greeting"
    data["segments"][0]["words"][0] |= {"pitch": 220, "unknown": 1}
    assert json.loads(Transcript.from_json(json.dumps(data)).to_json()) == data


KEYS = st.text(st.characters(categories=["Ll", "Lu"]), min_size=1, max_size=4).map("later {}".format)
LATER = st.sampled_from(["unknown", "episode_unknown", "chapters", "theme"]) | KEYS
PLAIN = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=4), st.lists)


def objects_of(data: Any) -> list[dict[str, Any]]:
    """Every object within plain data, but the engine's options: those have any keys."""
    if isinstance(data, list):
        return [found for each in data for found in objects_of(each)]
    if not isinstance(data, dict):
        return []
    return [data, *(found for key, each in data.items() if key != "options" for found in objects_of(each))]


@given(st.data())
def test_keys_of_a_later_version_are_kept_wherever_they_stand(data: st.DataObject) -> None:
    written = json.loads(data.draw(verify_timed()).to_json())
    if data.draw(st.booleans()):
        written |= JUDGED | {"no_text": []}
        written["damage"]["missing"] = []
    for each in objects_of(written):
        each.update({**data.draw(st.dictionaries(LATER, PLAIN, max_size=2)), **each})
    read = Transcript.from_json(json.dumps(written))
    assert json.loads(read.to_json()) == written
    assert Transcript.from_json(read.to_json()) == read


def test_what_is_said_of_a_word_is_written_only_where_it_is_said() -> None:
    words = Word(0, 1, "c"), Word(1, 2, "'est", joined=True), Word(2, 3, "[Rires]", spoken=False)
    said = dataclasses.replace(made_up("x"), segments=(dataclasses.replace(segment(0, words), language="fr"),))
    (data,) = json.loads(said.to_json())["segments"]
    assert [sorted(word.keys() & {"joined", "spoken"}) for word in data["words"]] == [[], ["joined"], ["spoken"]]
    assert (data["language"], data["text"]) == ("fr", "c'est [Rires]")
    assert Transcript.from_json(said.to_json()) == said


def test_joined_and_spoken_are_true_or_false() -> None:
    for name in ("joined", "spoken"):
        data = json.loads(made_up("Welcome back.").to_json())
        data["segments"][0]["words"][0][name] = "yes"
        with pytest.raises(TranscriptError, match=f"{name} 'yes' must be true or false"):
            Transcript.from_json(json.dumps(data))


def places(data: Any) -> list[tuple[Any, Any]]:
    """Every container and key in it."""
    items = list(data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else [])
    return [(data, key) for key, _ in items] + [place for _, value in items for place in places(value)]


@given(st.data())
def test_a_damaged_transcript_is_refused_or_can_still_be_written_in_every_format(data: st.DataObject) -> None:
    damaged = json.loads(made_up("Welcome back.", "Thank you.", speakers=["Ann"]).to_json())
    damaged["audio"] = {"path": "a.mp3", "sha256": "", "duration_ms": 5000, "media_type": "audio/mpeg"}
    damaged |= copy.deepcopy(JUDGED)
    container, key = data.draw(st.sampled_from(places(damaged)))
    if data.draw(st.booleans()):
        container[key] = copy.deepcopy(data.draw(st.sampled_from(ODD_VALUES)))
    else:
        del container[key]
    try:
        transcript = Transcript.from_json(json.dumps(damaged))
    except TranscriptError:
        return
    for form in FORMATS.values():
        form.write(transcript)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "5", '"x"', "{}", "[" * 100_000, b"\xff\xfe\xfd", '{"version": 2}', "9" * 5000]
)
def test_what_is_no_transcript_is_refused(text: str | bytes) -> None:
    with pytest.raises(TranscriptError) as caught:
        Transcript.from_json(text)
    assert caught.value.code == "bad_transcript"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"start_ms": 400}, "word 'Welcome' of segment 0"),
        ({"end_ms": 100}, "word 'Welcome' of segment 0"),
        ({"start_ms": -1}, "segment 0: -1"),
        ({"start_ms": 0.5}, "whole milliseconds"),
        ({"end_ms": 9000}, "segment 0: 0 to 9000"),
        ({"text": "Welcome!"}, "segment 0: its words do not make its text"),
        ({"speaker": 5}, "must be text"),
        ({"confidence": math.nan}, "confidence of segment 0: nan is not between 0 and 1"),
        ({"confidence": 10**400}, "confidence of segment 0: 1000"),  # more than any float holds
        ({"flags": [1]}, "must be text"),
    ],
)
def test_what_does_not_hold_is_named(change: dict[str, Any], said: str) -> None:
    data = json.loads(made_up("Welcome back.").to_json())
    data["audio"] = {"path": "a.mp3", "sha256": "", "duration_ms": 5000, "media_type": "audio/mpeg"}
    data["segments"][0] |= change
    with pytest.raises(TranscriptError, match=said):
        Transcript.from_json(json.dumps(data))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("no_text", [[0, 500], [400, 600]], "no_text: 400 to 600 ms is out of order"),
        ("no_text", [[4000, 5001]], "no_text: 4000 to 5001"),
        ("no_text", [[0.5, 1]], "no_text: times must be whole"),
        ("no_text", [[1]], "not a transcript"),
        ("no_text", 7, "not a transcript"),
        ("quality", {"speech_ms": -1, "covered": 1, "flagged": 0, "confidence": None}, "speech_ms of its quality"),
        ("quality", {"speech_ms": 1, "covered": 1.1, "flagged": 0, "confidence": None}, "covered of its quality: 1.1"),
        ("quality", {"speech_ms": 1, "covered": 1, "flagged": "x", "confidence": None}, "flagged of its quality"),
        ("quality", {"speech_ms": 1, "covered": 1, "flagged": 0, "confidence": math.nan}, "confidence of its quality"),
        ("quality", {"speech_ms": 1}, "not a transcript"),
        ("damage", {"truncated": 1, "declared_ms": None, "missing": []}, "1 must be true or false"),
        ("damage", {"truncated": True, "declared_ms": -5, "missing": []}, "declared_ms of its damage"),
        ("damage", {"truncated": True, "declared_ms": 9, "missing": [[5, 4]]}, "missing of its damage: 5 to 4"),
        ("damage", {"truncated": True}, "missing' is missing"),
    ],
)
def test_a_judgement_that_cannot_be_is_refused(key: str, value: Any, said: str) -> None:
    data = json.loads(made_up("Welcome back.").to_json())
    data["audio"] = {"path": "a.mp3", "sha256": "", "duration_ms": 5000, "media_type": "audio/mpeg"}
    with pytest.raises(TranscriptError, match=said):
        Transcript.from_json(json.dumps({**data, key: value}))


def test_segments_must_not_go_back() -> None:
    data = json.loads(made_up("Welcome back.", "Thank you.").to_json())
    data["segments"].reverse()
    with pytest.raises(TranscriptError, match="out of order"):
        Transcript.from_json(json.dumps(data))


# Fault 27: times that make no sense are repaired or dropped, and counted.
@given(
    st.lists(st.builds(Word, *[st.integers(-5_000, 15_000)] * 2, st.text(max_size=3), st.none() | st.floats())),
    st.none() | st.integers(0, 10_000),
)
def test_repaired_words_hold_what_a_transcript_promises(words: list[Word], duration_ms: int | None) -> None:
    kept, dropped = repaired(words, duration_ms)
    assert len(kept) + dropped == len(words)
    if kept:
        audio = Audio("a.mp3", "", duration_ms, "audio/mpeg") if duration_ms is not None else None
        whole = made_up()
        Transcript(whole.episode, audio, whole.engine, "en", whole.created, (segment(0, kept),)).check()


def test_a_word_past_the_end_is_cut_and_one_beyond_it_is_dropped() -> None:
    words = [Word(900, 1100, "over"), Word(500, 400, "back"), Word(1000, 1200, "gone"), Word(0, 10, " ")]
    assert repaired(words, 1000) == ([Word(900, 1000, "over"), Word(900, 900, "back")], 2)


def test_a_segment_follows_from_its_words() -> None:
    made = segment(3, [Word(10, 40, "not", 0.5), Word(20, 30, "now", 1.0), Word(25, 35, "—")], "Ann", end_ms=60)
    assert (made.start_ms, made.end_ms, made.text, made.confidence) == (10, 60, "not now —", 0.75)


def test_words_are_joined_by_spaces_but_chinese_and_japanese_is_not() -> None:
    assert joined([Word(0, 0, text) for text in ("東京", "の", "Tokyo", "tower")]) == "東京の Tokyo tower"
    assert joined([Word(0, 0, text) for text in ("你", "好，", "世", "界", "，", "OK")]) == "你好，世界， OK"


def test_what_is_said_of_a_word_decides_whether_it_is_joined() -> None:
    words = [
        Word(0, 0, "20"),
        Word(0, 0, "23", joined=True),
        Word(0, 0, "年", joined=True),
        Word(0, 0, "春", joined=False),
    ]
    assert joined(words) == "2023年 春"


def test_a_transcript_lasts_as_long_as_its_audio_or_its_last_segment() -> None:
    assert made_up("Welcome back.").duration_ms == 500
    assert made_up().duration_ms == 0
