"""`--redo`: which transcripts deserve to be made again."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.conversations import made_of
from transcribe.batch.redo_condition import COMPARISONS, NUMBERS, SIGNS, TEXTS, Condition, Part, parse
from transcribe.errors import UsageError
from transcribe.library.episode import Quality
from transcribe.library.transcript import Audio, Damage, Engine, Word, segment

GOOD = segment(0, [Word(0, 500, "well", 0.9), Word(500, 900, "said.", 0.9)])
BAD = segment(1, [Word(1000, 1500, "uh", 0.3), Word(1500, 1900, "huh", 0.3)], flags=("low_confidence",))
AUDIO = Audio("audio/show/episode.mp3", "0" * 64, 5000, "audio/mpeg")
MADE = dataclasses.replace(
    made_of([GOOD, BAD]),
    audio=AUDIO,
    engine=Engine("whisper", "20250625", "tiny"),
    quality=Quality(2000, 0.85, 0.5, 0.6),
)
PUBLISHED = dataclasses.replace(MADE, engine=Engine("published", "1", "vtt"))
IMPORTED = dataclasses.replace(MADE, engine=Engine("import", "1", "vtt"), quality=None)


@pytest.mark.parametrize(
    "text",
    [
        "flagged",
        "flagged>0.4",
        "flagged = .5",
        "model!=small.en",
        "model=tiny",
        "engine!=pocketsphinx",
        "language=en",
        "confidence<0.7",
        "confidence >= 0.6",
        "covered<0.9",
        "version<20250626",
        "version>=20250625",
        "version!=5.1.1",
        "model=tiny,covered<0.9",
        " model=tiny and covered<0.9 , flagged ",
    ],
)
def test_a_transcript_that_meets_it_is_made_again(text: str) -> None:
    assert parse(text)(MADE)


@pytest.mark.parametrize(
    "text",
    [
        "damaged",
        "flagged>0.5",
        "model=small.en",
        "model!=tiny",
        "model=Tiny",
        "engine=pocketsphinx",
        "language=de",
        "confidence<0.6",
        "covered<0.85",
        "version<20250625",
        "model=tiny and damaged",
        "damaged,model=tiny",
    ],
)
def test_one_that_does_not_is_left_alone(text: str) -> None:
    assert not parse(text)(MADE)


def test_damage_makes_one_damaged_and_a_clean_one_is_not_flagged() -> None:
    clean = dataclasses.replace(MADE, segments=(GOOD,), damage=Damage(False, 5000, ((100, 200),)))
    assert parse("damaged")(clean)
    assert not parse("flagged")(clean)


@pytest.mark.parametrize("comparison", ["=", "<", ">", "!=", "<=", ">="])
def test_what_is_not_known_compares_with_nothing(comparison: str) -> None:
    old = dataclasses.replace(
        MADE, segments=(), quality=None, engine=Engine("whisper", "", "tiny")
    )  # made before there was quality, by nobody knows which version, and nothing was said
    for name, value in (("covered", "0.5"), ("confidence", "0.5"), ("version", "1")):
        assert not parse(f"{name}{comparison}{value}")(old)


def test_versions_compare_as_numbers_and_not_as_text() -> None:
    made = dataclasses.replace(MADE, engine=Engine("pocketsphinx", "5.10.1", "en-us"))
    assert parse("version>5.9")(made)
    assert not parse("version<5.9.2")(made)


@pytest.mark.parametrize("text", ["flagged", "model!=small.en", "engine!=whisper", "confidence<0.7", "language=en"])
def test_imported_captions_are_left_alone_unless_asked_for(text: str) -> None:
    unknown_audio = dataclasses.replace(MADE, audio=None, engine=Engine("pocketsphinx", "5.1.1", "en-us"))
    assert not parse(text)(IMPORTED)
    assert not parse(text)(unknown_audio)
    assert parse("engine=import")(IMPORTED)
    assert not parse(text)(PUBLISHED)
    assert parse("engine=published")(PUBLISHED)
    assert parse("engine=pocketsphinx and flagged")(unknown_audio)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "''"),
        ("flaged", "'flaged'"),
        ("model", "'model'"),
        ("model<tiny", "'model<tiny'"),
        ("damaged=1", "'damaged=1'"),
        ("covered<90", "'covered<90'"),
        ("covered<nan", "'covered<nan'"),
        ("covered<٠", "'covered<٠'"),
        ("confidence<", "'confidence<'"),
        ("model==tiny", "'model==tiny'"),
        ("model=a b", "'model=a b'"),
        ("version<new", "'version<new'"),
        ("model=tiny, ,flagged", "''"),
        ("model=tiny and", "'model=tiny and'"),
        ("model=tiny or flagged", "'model=tiny or flagged'"),
    ],
)
def test_what_cannot_be_read_is_named_with_what_there_is(text: str, part: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert f"--redo: {part} is no condition" in str(caught.value)
    for name in (*SIGNS, *TEXTS, *NUMBERS, "version", *COMPARISONS):
        assert name in str(caught.value)


VALUES = st.text(st.characters(codec="ascii", exclude_characters=",=<>!", categories=["L", "N", "P"]), min_size=1)
PARTS = (
    st.builds(Part, st.sampled_from([*SIGNS]))
    | st.builds(Part, st.sampled_from([*TEXTS]), st.sampled_from(["=", "!="]), VALUES)
    | st.builds(
        Part, st.sampled_from([*NUMBERS]), st.sampled_from([*COMPARISONS]), st.sampled_from(["0.25", "1", ".5"])
    )
    | st.builds(Part, st.just("version"), st.sampled_from([*COMPARISONS]), st.sampled_from(["20250625", "5.1.1"]))
)
CONDITIONS = st.lists(PARTS, min_size=1, max_size=4).map(lambda parts: Condition(tuple(parts)))


@given(CONDITIONS)
def test_a_condition_reads_back_exactly_and_all_its_parts_must_hold(condition: Condition) -> None:
    assert parse(str(condition)) == condition
    assert parse(",".join(map(str, condition.parts))) == condition
    assert condition(MADE) == all(part(MADE) for part in condition.parts)


@given(st.text() | st.text("fladmoeng<>=!., 01and"))
def test_any_text_is_a_condition_or_wrong_usage(text: str) -> None:
    try:
        condition = parse(text)
    except UsageError:
        return
    for transcript in (MADE, IMPORTED):
        assert condition(transcript) in (True, False)
