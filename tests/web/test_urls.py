import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.web.urls import (
    citable,
    citable_url,
    host_of,
    is_web,
    public_url,
    same_audio,
    same_page,
    source_key,
    web_address,
    without_tracking,
)

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


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://me:pw@Example.org/a", "example.org"),
        ("http://example.org:80/", "example.org"),
        ("https://example.org.:443", "example.org"),
        ("https://example.org:80/", "example.org:80"),
        ("http://[::1]:8000/", "[::1]:8000"),
        ("http://[", ""),
        ("http://a:b/", ""),
        ("notes.txt", ""),
    ],
)
def test_the_host_of_a_url(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("url", "lasting"),
    [
        ("https://example.org/a?id=1&token=abc", "https://example.org/a?id=1"),
        ("https://example.org/a?token=abc&&", "https://example.org/a"),
        ("https://example.org/a?X-Amz-Signature=s&b=2&UTM_Source=x&a=1#t=5", "https://example.org/a?a=1&b=2"),
        ("https://example.org/a?tokens=1&exponent=2", "https://example.org/a?exponent=2&tokens=1"),
        ("https://example.org/a?flag&file=b%26c.mp3", "https://example.org/a?file=b%26c.mp3&flag"),
        ("https://me:p@example.org/@b?a=c@d", "https://example.org/@b?a=c@d"),
        ("http://[?a#b", "http://[?a"),
        ("", ""),
    ],
)
def test_what_passes_is_taken_off_a_url_and_the_rest_put_in_order(url: str, lasting: str) -> None:
    assert without_tracking(url) == lasting
    assert without_tracking(lasting) == lasting


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


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("https://example.org/feed", "https://example.org/feed"),
        ("https://me:secret@example.org/feed", "https://example.org/feed"),
        ("https://example.org/feed?token=s3cret", "https://example.org/feed?token=… 9c2ff1cbbad9ccbd"),
        ("/tapes/me@home", "/tapes/me@home"),
    ],
)
def test_a_source_is_known_by_its_address_without_its_secrets(address: str, key: str) -> None:
    assert source_key(address).partition(" ")[0] == key.partition(" ")[0]
    assert "cret" not in source_key(address)
    assert source_key(source_key(address)) == source_key(address)
