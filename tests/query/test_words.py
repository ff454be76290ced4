import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.query.words import comparable, words, words_of_token


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Peer-to-peer, you know?", ["peer", "to", "peer", "you", "know"]),
        ("don’t DON'T don`t don´t", ["don't"] * 4),
        ("'tis the workers' rock 'n' roll", ["tis", "the", "workers", "rock", "n", "roll"]),
        ("Café NAÏVE Zürich", ["cafe", "naive", "zurich"]),
        ("ﬁne ２０１２ ℡", ["fine", "2012", "tel"]),
        ("plan B, C++ and C# but not ABC++", ["plan", "b", "c++", "and", "c#", "but", "not", "abc"]),
        ("用C++写，c#好", ["用", "c++", "写", "c#", "好"]),
        ("3.5 percent of 1,000", ["3", "5", "percent", "of", "1", "000"]),
        ("snake_case e-mail a.b@c", ["snake", "case", "e", "mail", "a", "b", "c"]),
        ("共有地カフェ ok", ["共", "有", "地", "カ", "フ", "ェ", "ok"]),
        ("हिन्दी עברית Привет ёлка", ["हिन्दी", "עברית", "привет", "елка"]),
        ("Straße", ["strasse"]),
        ("— … ♪ \u202e\u0000", []),
    ],
)
def test_a_text_becomes_comparable_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_ten_thousand_accents_are_one_letter() -> None:  # fault line 49
    assert words("e" + "\u0301" * 10_000) == ["e"]


@given(st.text())
def test_words_of_words_are_themselves(text: str) -> None:
    assert words(" ".join(words(text))) == words(text)


@given(st.lists(st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1)))
def test_a_text_has_the_words_of_its_written_words(tokens: list[str]) -> None:
    assert words(" ".join(tokens)) == [word for token in tokens for word in words_of_token(token)]


@given(st.text())
def test_comparing_takes_no_second_pass(text: str) -> None:
    assert words(comparable(text)) == words(text)
