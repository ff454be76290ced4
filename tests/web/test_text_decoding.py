from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.web.text_decoding import decoded, from_root, mended, one_line, plain_text


def test_what_stands_before_the_root_is_cut_away() -> None:
    assert from_root('<?xml?><!-- <a> --><!DOCTYPE a [<!ENTITY b "<c>">]><d/>') == '<c>">]><d/>'
    assert from_root("<!-- <a> -->\n<!DOCTYPE a SYSTEM 'x'> <a/> text") == "<a/> text"
    assert from_root("<!-- <a>") == from_root("no markup < 3") == from_root("") == ""


def test_text_is_decoded_by_its_mark_before_what_is_said_of_it() -> None:
    assert decoded("<ü>".encode("utf-16"), "text/xml; charset=utf-8") == "<ü>"
    assert decoded("<ü>".encode("koi8-r", "replace"), "text/xml; charset=koi8-r") == "<?>"
    assert decoded('{"a": "ü"}'.encode()) == '{"a": "ü"}'
    assert decoded(b"<\x93\xff", "text/xml; charset=unicode-escape") == "<“ÿ"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_text_of_no_declared_encoding_is_known_by_its_bytes(encoding: str) -> None:
    assert decoded("It’s a café.\n".encode(encoding)) == "It’s a café.\n"


def test_text_that_is_broken_in_places_is_read_but_for_those() -> None:
    assert decoded("a café".encode("utf-16") + b"\0") == "a café�"
    assert decoded(b"caf\xe9 \x81") == "café \x81"
    assert decoded(b"") == ""


@given(st.text(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_every_text_in_unicode_is_decoded_as_it_was(text: str, encoding: str) -> None:
    assert decoded(f"<a>{text}".encode(encoding), f"text/xml; charset={encoding}") == f"<a>{text}"


@given(st.text())
def test_a_line_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1
    one_line(text).encode()


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("&#xD83D;&#xDE00; &#xDE00; &#65; &#x110000;", "😀 � &#65; �"),
        ("Q&A & &#; &#x; &#xG; &nope; &", "Q&amp;A &amp; &amp;#; &amp;#x; &amp;#xG; &amp;nope; &amp;"),
        ("&amp; &lt; &eacute;&nbsp;&LT; ?a=1&copy=2", "&amp; &lt; é\u00a0&lt; ?a=1&amp;copy=2"),
        ("&<![CDATA[A&B &eacute; &#55357;]]>&<![CDATA[&", "&amp;<![CDATA[A&B &eacute; �]]>&amp;<![CDATA[&"),
    ],
)
def test_references_are_made_what_they_mean(text: str, whole: str) -> None:
    assert mended(text) == whole
    assert mended(whole) == whole


@given(st.text(st.characters(codec="utf-8")))
def test_text_that_was_escaped_is_left_alone(text: str) -> None:
    assert mended(escape(text)) == escape(text)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("a <b>bold</b> word", "a bold word"),
        ("3 < 4 &amp; 5 &gt; 4", "3 < 4 & 5 > 4"),
        ("<style>p {}</style>x<!-- <p>hidden</p> -->y<SCRIPT\n>z</script >", "x y"),
        ("open <!-- for ever", "open"),
        ("<p>One</p><p>two</p>", "One two"),
        ("one<br/>two\n\n three", "one two three"),
    ],
)
def test_markup_is_read_as_plain_text(markup: str, text: str) -> None:
    assert plain_text(markup) == text


@given(st.text(st.characters(exclude_characters="<&", exclude_categories=("C", "Z"))))
def test_text_without_markup_stays_as_it_is(text: str) -> None:
    assert plain_text(text) == text
