import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.web.urls import citable, citable_url, is_web, media_type, public_url, web_address

BASE = "https://example.org/talks/feed.xml"


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ("one.mp3", "https://example.org/talks/one.mp3"),
        (" /one.mp3 ", "https://example.org/one.mp3"),
        ("//cdn.example/one.mp3", "https://cdn.example/one.mp3"),
        ("HTTP://cdn.example/one.mp3", "HTTP://cdn.example/one.mp3"),
    ],
)
def test_an_address_is_read_from_where_it_stands(address: str, meant: str) -> None:
    assert web_address(BASE, address) == meant


@pytest.mark.parametrize(
    "address",
    [
        None,
        7,
        "",
        " ",
        "mailto:me@example.org",
        "file:///etc/passwd",
        "http://[",
        "http://:80/",
        "http://a:0/",
        "http://a:x/",
    ],
)
def test_what_is_no_address_of_the_web_is_none(address: object) -> None:
    assert web_address(BASE, address) is None


@given(st.text(alphabet="htps:/.[]@#?a1 \\", max_size=40))
def test_any_text_is_one_or_is_not(text: str) -> None:
    assert is_web(text) in (True, False)
    assert web_address(BASE, text) is None or is_web(web_address(BASE, text) or "")


def test_neither_a_name_nor_a_password_is_shown() -> None:
    assert public_url("https://me:p@ss@example.org/@here") == "https://example.org/@here"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("?token=x&page=2", "?token=…&page=2"),
        ("?page=2&Access_Token=x#t=5", "?page=2&Access_Token=…#t=5"),
        ("?X-Amz-Signature=a&X-Amz-Date=b&Key-Pair-Id=c", "?X-Amz-Signature=…&X-Amz-Date=b&Key-Pair-Id=…"),
        ("?expires=5&sig=a;auth=b", "?expires=…&sig=…;auth=…"),
        ("#access_token=x", "#access_token=…"),
        ("?feed=0a1b2c3d4e5f6a7b8c9d", "?feed=…"),
        ("?f=123e4567-e89b-12d3-a456-426614174000", "?f=…"),
    ],
)
def test_secret_parameters_are_not_shown(url: str, shown: str) -> None:
    assert public_url(f"https://example.org/a.mp3{url}") == f"https://example.org/a.mp3{shown}"


@pytest.mark.parametrize(
    "url", ["?author=me&monkey=2&p=17&feed=rss2", "?e=2012-02-18-occupy-wall-street-part-1", "?n=123456789012345678901"]
)
def test_what_tells_one_page_from_another_is_shown(url: str) -> None:
    assert public_url(f"https://example.org/{url}") == f"https://example.org/{url}"


@given(st.text(alphabet="?&=;#@/:a1-token ", max_size=200))
def test_what_is_shown_once_is_shown_so_again(url: str) -> None:
    assert public_url(public_url(url)) == public_url(url)


UNTHOUGHT = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"


def test_parts_of_a_path_that_nobody_has_thought_up_are_not_shown() -> None:
    assert public_url(f"https://a.example/feeds/{UNTHOUGHT}") == "https://a.example/feeds/…"
    assert public_url(f"https://a.example/{UNTHOUGHT}.rss?page=2") == "https://a.example/….rss?page=2"
    assert public_url("https://0123456789abcdef0123.example/talks/2012-02-18-occupy.mp3").endswith(
        "/2012-02-18-occupy.mp3"
    )


def test_they_are_passed_on_as_many_recordings_are_named_so_but_not_what_is_private() -> None:
    assert citable_url(f"https://a.example/audio/{UNTHOUGHT}.mp3") == f"https://a.example/audio/{UNTHOUGHT}.mp3"
    assert (
        citable_url(f"https://a.example/podcast/7/private/{UNTHOUGHT}.rss") == "https://a.example/podcast/7/private/…"
    )


def test_addresses_within_a_text_may_be_passed_on_and_the_text_is_untouched() -> None:
    text = 'He said // nobody @ home. <a href="https://me:pw@a.example/x?token=abc&p=1">Notes</a>; key=value'
    shown = 'He said // nobody @ home. <a href="https://a.example/x?token=…&p=1">Notes</a>; key=value'
    assert citable(text) == shown


@given(st.text(alphabet="htps:/.?&=#@ a1private", max_size=60))
def test_what_may_be_passed_on_once_may_be_again(text: str) -> None:
    assert citable(citable(text)) == citable(text)


def test_a_media_type_is_told_without_its_parameters() -> None:
    assert media_type(" Text/HTML; charset=utf-8") == "text/html"
    assert media_type("") == media_type(";") == ""
