import json
from typing import Any

import pytest

from tests.support.broken_feeds import WHOLE
from transcribe.errors import FetchError
from transcribe.sources.feed import Feed, parse_feed
from transcribe.sources.json_feed import read_json_feed
from transcribe.sources.source import FoundFile

URL = "https://example.org/shows/feed.json"
VERSION = "https://jsonfeed.org/version/1.1"


def feed(*items: Any, **about: Any) -> Feed:
    return parse_feed(json.dumps({"version": VERSION, "items": items, **about}).encode(), URL)


def item(**said: Any) -> FoundFile:
    (found,) = feed({"attachments": [{"url": "a.mp3", "mime_type": "audio/mpeg"}], **said}).items
    return found


def test_an_item_of_a_json_feed_becomes_a_recording() -> None:
    read = parse_feed(WHOLE["JSON Feed 1.1"], URL)
    expected = FoundFile(
        show="JSON Show",
        title="Talk 😀",
        published="2026-11-22T16:00:00Z",
        guid="1",
        link="https://example.org/1",
        enclosure="https://example.org/shows/1.mp3",
        description="About commons",
        source=URL,
        length=1000,
    )
    assert (read.title, read.items[0]) == ("JSON Show", expected)
    assert read.following == "https://example.org/feed.json?page=2"


def test_a_recording_is_in_the_language_of_its_feed_or_its_own() -> None:
    audio = [{"url": "a.mp3", "mime_type": "audio/mpeg"}]
    items = feed({"id": "1", "attachments": audio}, {"id": "2", "attachments": audio, "language": "de"}, language="en")
    assert [found.language for found in items.items] == ["en", "de"]


def test_version_1_0_is_read_as_well() -> None:
    (found,) = parse_feed(WHOLE["JSON Feed 1.0"], URL).items
    assert (found.show, found.guid, found.link, found.published) == ("Güte", "1e3", "https://example.net/", None)


def test_the_attachment_that_is_audio_is_taken() -> None:
    picture, audio = {"url": "a.jpg", "mime_type": "image/jpeg"}, {"url": "/play?id=1", "mime_type": "audio/mpeg"}
    assert item(attachments=[picture, audio]).enclosure == "https://example.org/play?id=1"
    assert feed({"id": "1", "attachments": [picture]}).items == ()


def test_plain_text_stays_as_it_is_and_html_is_taken_off() -> None:
    assert item(content_text="a <b> & c").description == "a <b> & c"
    assert item(content_html="<p>a &lt; b</p>").description == "a < b"
    assert item(summary="short", content_html="<p>long</p>").description == "short"
    assert item(title="<i>").title == "<i>"


@pytest.mark.parametrize(
    ("said", "published"),
    [
        ({"date_published": "2026-11-22T18:00:00-05:00"}, "2026-11-22T23:00:00Z"),
        ({"date_published": "2026-11-22t18:00:00.25z"}, "2026-11-22T18:00:00Z"),
        ({"date_published": "2026-11-22T18:00:00"}, "2026-11-22T18:00:00Z"),
        ({"date_published": "soon", "date_modified": "2026-11-22T18:00:00Z"}, "2026-11-22T18:00:00Z"),
        ({"date_published": "0001-01-01T00:00:00+14:00"}, None),
        ({"date_published": 1795370400}, "2026-11-22T18:00:00Z"),
        ({"date_published": None}, None),
    ],
)
def test_dates_are_given_in_utc(said: dict[str, Any], published: str | None) -> None:
    assert item(**said).published == published


def test_numbers_are_ids_too() -> None:
    assert item(id=7).guid == "7"
    digits = "9" * 5000  # more than Python makes an integer of
    data = f'{{"version": "{VERSION}", "items": [{{"id": {digits}, "attachments": [{{"url": "a.mp3"}}]}}]}}'
    assert parse_feed(data.encode(), URL).items[0].guid == digits


@pytest.mark.parametrize("wrong", [None, 1, "x", [], {}, [None], [[]], {"url": 1}, [{"url": []}]])
def test_what_is_of_the_wrong_kind_is_passed_over(wrong: Any) -> None:
    names = ("id", "title", "url", "summary", "content_html", "date_published")
    found = item(**dict.fromkeys(names, wrong), language=wrong)
    assert found.enclosure == "https://example.org/shows/a.mp3"
    assert feed({"attachments": wrong}, title=wrong, next_url=wrong).items == ()
    assert parse_feed(json.dumps({"version": VERSION, "items": wrong}).encode(), URL).items == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"version": 1}',
        '{"version": "2"}',
        '{"items": []}',
        "[" * 100_000,
        '{"a":' * 100_000,
    ],
)
def test_anything_else_is_no_json_feed(text: str) -> None:
    assert read_json_feed(text) is None
    with pytest.raises(FetchError) as refusal:
        parse_feed(text.encode(), URL)
    assert refusal.value.code == "not_a_feed"
