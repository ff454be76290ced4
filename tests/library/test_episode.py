import functools
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.errors import TranscriptError
from transcribe.library.episode import (
    AudioFile,
    Episode,
    Failure,
    PublishedText,
    Record,
    episode_id,
    is_id,
    is_show,
    show_slug,
    slug,
)

EPISODE = Episode("show/one", "Show", "One", "2012-02-18", "guid", None, "https://example.org/1.mp3", "About it.")
RECORD = Record(
    EPISODE,
    "guid",
    "https://example.org/feed",
    AudioFile("audio/show/one.mp3", "0" * 64, 9, "audio/mpeg"),
    transcripts=(PublishedText("https://example.org/1.vtt", "text/vtt", "en"),),
    language="en-us",
    length=9,
    through=("https://example.org/list",),
)


@given(st.text(), st.text(), st.none() | st.text() | st.dates().map(str), st.text(), st.text())
def test_whatever_a_publisher_writes_the_id_is_a_safe_one_and_told_apart(
    show: str, title: str, published: str | None, identity: str, other: str
) -> None:
    first = episode_id(show, title, published, identity, set())
    second = episode_id(show, title, published, other, {first})
    assert is_id(first)
    assert is_id(second)
    assert first != second
    assert first == episode_id(show, title, published, identity, set())


def test_an_id_is_show_date_and_title() -> None:
    assert episode_id("P2P!", "Why the Commons?", "2012-02-18T10:00:00Z", "", set()) == "p2p/2012-02-18-why-the-commons"
    assert episode_id("P2P", "2012-02-18 Why", "2012-02-18", "", set()) == "p2p/2012-02-18-why"
    assert episode_id("P2P", "Why", "last week", "", set()) == "p2p/why"


# Fault 52: nothing that could name a file elsewhere is an id.
@pytest.mark.parametrize(
    "text",
    [
        "../etc/passwd",
        "show/..",
        "show/../x",
        "%2e%2e/x",
        "show/a%00",
        "show/a\0",
        "show/a\n",
        "/x",
        "a/b/c",
        "show\\x",
    ],
)
@pytest.mark.parametrize("before", ["", "show/"])
def test_what_could_lead_elsewhere_is_no_id(text: str, before: str) -> None:
    assert not is_id(before + text)


@pytest.mark.parametrize("text", ["", "show", "show/", "Show/one", "show/-x", "show/.x", "shöw/x", "x/" + "a" * 5000])
def test_what_is_no_two_slugs_is_no_id(text: str) -> None:
    assert not is_id(text)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Café & Crème", "cafe-creme"),
        ("Don’t, can't", "dont-cant"),
        ("  --x--  ", "x"),
        ("東京", "dongjing"),
        ("Łódź and Ærø: a day", "lodz-and-aero-a-day"),
        ("Дорога домой", "doroga-domoy"),
        ("Straße – “Überall”", "strasse-uberall"),
        ("!?", "untitled"),
        ("", "untitled"),
    ],
)
def test_a_slug_is_plain_letters(text: str, plain: str) -> None:
    assert slug(text) == plain


def test_a_slug_is_cut_and_does_not_end_in_a_hyphen() -> None:
    assert slug("a" * 79 + " b") == "a" * 79


@pytest.mark.parametrize("record", [RECORD, Record(EPISODE), RECORD.failed("not_audio", "It is a web page.")])
def test_a_record_reads_back_as_it_was(record: Record) -> None:
    assert Record.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_a_failed_record_says_why() -> None:
    failed = RECORD.failed("not_audio", "It is a web page.")
    assert (failed.state, failed.error) == ("failed", Failure("not_audio", "It is a web page."))


def test_unknown_keys_are_passed_over() -> None:
    assert Record.from_json({**RECORD.to_json(), "later": 1}) == RECORD


@pytest.mark.parametrize(
    "change",
    [
        {"id": "../x"},
        {"id": 5},
        {"title": None},
        {"guid": 7},
        {"audio": {"path": "x"}},
        {"audio": {"path": 1, "sha256": "", "bytes": 1, "media_type": ""}},
        {"audio": 5},
        {"error": [1]},
        {"identity": []},
        {"state": "done"},
        {"language": 5},
        {"length": "long"},
        {"through": [None]},
        {"transcripts": [{"url": "https://example.org/1.vtt", "media_type": "text/vtt", "language": 5}]},
    ],
)
def test_a_damaged_record_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(TranscriptError) as caught:
        Record.from_json({**RECORD.to_json(), **change})
    assert caught.value.code == "bad_record"


@pytest.mark.parametrize("data", [None, 5, "id", [], {}])
def test_what_is_no_record_is_refused(data: object) -> None:
    with pytest.raises(TranscriptError):
        Record.from_json(data)


def test_shows_in_other_scripts_are_told_apart() -> None:
    one, other = show_slug("日本の声"), show_slug("声の日本")
    assert (one, other) == ("ribennosheng", "shengnoriben")
    assert episode_id("日本の声", "一", None, "x", set()) == "ribennosheng/yi"
    signs = show_slug("!!!")
    assert re.fullmatch("show-[0-9a-f]{8}", signs)
    assert show_slug(signs) == signs


def test_an_id_that_was_given_by_the_former_rule_stays() -> None:
    former = "odz-talks/2012-02-18-a-day-in-odz"
    made = functools.partial(episode_id, "Łódź Talks", "A day in Łódź", "2012-02-18", "x")
    assert made(set(), known={former}) == former
    assert made(set(), known={"odz-talks/other"}) == made(set()) == "lodz-talks/2012-02-18-a-day-in-lodz"


@pytest.mark.parametrize("text", ["my-show", "My Show", "My show!", "MY  SHOW"])
def test_a_show_is_named_by_its_slug_or_its_title(text: str) -> None:
    assert is_show(text, "my-show", "My Show")


@pytest.mark.parametrize("text", ["my--show", "my-show-", "my", "myshow", "-", "Other Show", ""])
def test_another_name_is_another_shows(text: str) -> None:
    assert not is_show(text, "my-show", "My Show")


def test_a_title_that_looks_like_a_slug_and_one_that_lost_its_letters_still_name_their_show() -> None:
    assert is_show("my--show", "my-show", "my--show")
    assert is_show("łódź talks", "odz-talks", "Łódź Talks")
