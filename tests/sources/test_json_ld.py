"""JSON-LD as pages write it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.sources.json_ld import LinkedAudio, LinkedData, parse_linked_data

AUDIO = {"@type": "AudioObject", "contentUrl": "https://x.example/a.mp3", "encodingFormat": "audio/mpeg"}
EPISODE = {
    "@type": "PodcastEpisode",
    "name": "The Well",
    "datePublished": "2012-02-18",
    "description": "On commons.",
    "author": [{"@type": "Person", "name": "Jose Ramos"}],
    "associatedMedia": AUDIO,
    "partOfSeries": {"@type": "PodcastSeries", "name": "Peer Talks"},
}


def read(*data: Any) -> LinkedData:
    return parse_linked_data([json.dumps(one) for one in data])


def test_an_episode_tells_all_of_itself() -> None:
    audio = LinkedAudio("https://x.example/a.mp3", "The Well", "2012-02-18", "On commons.")
    assert read(EPISODE) == LinkedData((audio,), "The Well", "Peer Talks", "2012-02-18", "Jose Ramos", "On commons.")


@pytest.mark.parametrize(
    "data",
    [
        AUDIO,
        [AUDIO],
        {"@context": "https://schema.org", "@graph": [{"@type": "WebSite", "name": "S"}, AUDIO]},
        {"@type": "BlogPosting", "audio": "https://x.example/a.mp3"},
        {
            "@type": "PodcastEpisode",
            "associatedMedia": [{"@type": "MediaObject", "contentUrl": "https://x.example/a.mp3"}],
        },
        {"@type": ["Thing", "https://schema.org/AudioObject"], "contentUrl": ["https://x.example/a.mp3"]},
        {"@type": "schema:AudioObject", "url": "https://x.example/a.mp3"},
    ],
)
def test_sound_is_found_wherever_it_stands(data: Any) -> None:
    assert read(data).audio == ("https://x.example/a.mp3",)


@pytest.mark.parametrize(
    "data",
    [
        {"@type": "VideoObject", "contentUrl": "https://x.example/a.mp4"},
        {"@type": "AudioObject", "url": "https://x.example/the-page/"},
        {"@type": "NewsArticle", "associatedMedia": {"@type": "ImageObject", "contentUrl": "https://x.example/a.jpg"}},
        {
            "@type": "PodcastEpisode",
            "encoding": {"contentUrl": "https://x.example/a.txt", "encodingFormat": "text/plain"},
        },
        {"@type": "AudioObject", "contentUrl": 7},
        {"contentUrl": "https://x.example/a.mp3"},
    ],
)
def test_what_is_no_sound_is_none(data: Any) -> None:
    assert read(data).audio == ()


def test_an_episode_is_believed_before_an_article_and_an_article_before_the_rest() -> None:
    page, post = {"@type": "WebPage", "name": "page"}, {"@type": "BlogPosting", "headline": "post"}
    assert read(page, post, EPISODE).title == "The Well"
    assert read([page, post]).title == "post"
    assert read({"@type": "Organization", "name": "Foundation"}).title == ""


@pytest.mark.parametrize("text", ["", "{", "null", "7", "[" * 100_000, "9" * 10_000, '{"@type": {"a": []}}', "<!-- x"])
def test_what_is_no_data_says_nothing(text: str) -> None:
    assert parse_linked_data([text]) == LinkedData()


def test_line_breaks_within_texts_are_borne() -> None:
    assert parse_linked_data(['{"@type": "Article", "headline": "The\nWell"}']).title == "The Well"


KEYS = st.sampled_from(["@type", "@graph", "name", "author", "audio", "contentUrl", "url", "partOfSeries", "encoding"])
VALUES = st.none() | st.integers() | st.booleans() | st.sampled_from(["AudioObject", "Article", "a.mp3", "WebSite", ""])


@given(st.recursive(VALUES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)))
def test_any_data_at_all_is_borne(data: Any) -> None:
    told = read(data)
    assert all(isinstance(text, str) for text in (told.title, told.show, told.published, told.author, *told.audio))
