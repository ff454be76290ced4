from typing import Any

import pytest

from transcribe.sources.rss import CHAPTERS, LIVE, PERSONS, TRANSCRIPTS, read_xml_feed

NAMESPACES = [
    'xmlns:podcast="https://podcastindex.org/namespace/1.0"',
    'xmlns:podcast="https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/1.0.md"',
    'xmlns:podcast="https://example.org/made-up"',
    'xmlns:podcast="https://podcastindex.org/namespace/1.0" &broken;',
    "",
]


def read(content: str, namespace: str = NAMESPACES[0]) -> tuple[Any, list[Any]]:
    feed = read_xml_feed(f'<rss version="2.0" {namespace}><channel>{content}</channel></rss>')
    assert feed
    about, entries = feed
    return about, entries


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_all_transcripts_and_persons_of_an_item_are_kept_in_order(namespace: str) -> None:
    about, (entry,) = read(
        """<podcast:person>Host &amp; Co</podcast:person><item><podcast:transcript url="a" type="Text/VTT"/>
        <podcast:transcript url="b" language="en"></podcast:transcript><podcast:chapters url="c"/>
        <podcast:person role="guest">A</podcast:person><podcast:person group="Cast">B</podcast:person></item>""",
        namespace,
    )
    assert [offered["url"] for offered in entry[TRANSCRIPTS]] == ["a", "b"]
    assert [offered["url"] for offered in entry[CHAPTERS]] == ["c"]
    assert (about[PERSONS], entry[PERSONS]) == (["Host & Co"], ["A", "B"])


def test_the_namespace_may_have_another_prefix() -> None:
    _, (entry,) = read('<item><p:transcript url="a"/></item>', 'xmlns:p="https://podcastindex.org/namespace/1.0"')
    assert [offered["url"] for offered in entry[TRANSCRIPTS]] == ["a"]


def test_only_those_who_can_be_heard_are_persons() -> None:
    _, (entry,) = read(
        """<item><podcast:person group="visuals" role="cover art designer">A</podcast:person><podcast:person/>
        <podcast:person group="" role="guest">B</podcast:person></item>"""
    )
    assert entry[PERSONS] == ["B"]


def test_a_live_stream_is_told_from_an_item_and_says_nothing_of_the_channel() -> None:
    live = "<podcast:liveItem><title>Live</title><podcast:person>A</podcast:person></podcast:liveItem>"
    about, entries = read(f"{live}<title>Show</title><item><title>Talk</title></item>")
    assert about["title"] == "Show"
    assert PERSONS not in about
    assert [(entry["title"], LIVE in entry) for entry in entries] == [("Live", True), ("Talk", False)]


@pytest.mark.parametrize("text", ["<html><podcast:transcript/></html>", "<a/>", "<rs", "<opml><body/></opml>"])
def test_other_markup_is_no_feed(text: str) -> None:
    assert read_xml_feed(text) is None
