"""Different addresses of one page, or of one audio file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.web.addresses import same_audio, same_page


@pytest.mark.parametrize(
    "url",
    [
        "http://blog.example/a/",
        "https://www.blog.example/a",
        "https://blog.example:443/a/?utm_source=x",
        "https://BLOG.example/a#c",
    ],
)
def test_a_page_may_be_called_in_several_ways(url: str) -> None:
    assert same_page(url) == same_page("https://blog.example/a")


@pytest.mark.parametrize(
    "url", ["https://blog.example/b", "https://blog.example/a?p=2", "https://blog.example:8080/a", "a"]
)
def test_another_page_is_another(url: str) -> None:
    assert same_page(url) != same_page("https://blog.example/a")


def test_hosts_in_a_path_count_as_where_the_audio_lies() -> None:
    assert same_audio("https://c.example/redirect.mp3/x.example/a.mp3") == "x.example/a.mp3"
    assert same_audio("https://c.example/v1.mp3") != same_audio("https://c.example/v2.mp3")


def test_a_query_after_a_files_name_may_be_a_token_or_not() -> None:
    one, two = "https://x.example/a.mp3?id=1&token=1", "http://www.x.example/a.mp3?id=2"
    assert same_audio(one) == same_audio(two) == "x.example/a.mp3"
    assert same_audio(one, lasting_query=True) == "x.example/a.mp3?id=1"
    assert same_audio(two, lasting_query=True) == "x.example/a.mp3?id=2"
    assert same_audio("https://x.example/play?id=1") == "x.example/play?id=1"


@given(st.text() | st.from_regex(r"https?://[a-z.:@\[\]0-9]*/?[a-z.%?&=]*"))
def test_any_text_is_borne(text: str) -> None:
    assert isinstance(same_page(text) + same_audio(text), str)
