import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.errors import QueryError
from search.query.parser import MAX_CHARACTERS, Slot, Term, parse


def term(*words: str, prefix: bool = False) -> Term:
    return Term((*(Slot(word) for word in words[:-1]), Slot(words[-1], prefix)))


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("commons market", [term("commons"), term("market")], []),
        ('"Peer to Peer" commons', [term("peer", "to", "peer"), term("commons")], []),
        ("“peer to peer”", [term("peer", "to", "peer")], []),
        ("peer-to-peer", [term("peer", "to", "peer")], []),
        ("commons -market", [term("commons")], [term("market")]),
        ('commons -"free market"', [term("commons")], [term("free", "market")]),
        ("well-known", [term("well", "known")], []),
        ("produc*", [term("produc", prefix=True)], []),
        ("peer-produc*", [term("peer", "produc", prefix=True)], []),
        ('"produc* in quotes"', [term("produc", "in", "quotes")], []),
        ('"not closed', [term("not", "closed")], []),
        ("peer peer PEER", [term("peer")], []),
        ("共有*", [term("共", "有")], []),
        ('צה"ל "שלום עולם"', [term("צהל"), term("שלום", "עולם")], []),
        ("C++ AND NOT", [term("c++"), term("and"), term("not")], []),
        (
            "field:x [a TO z] /re/ x~9 (b)",
            [term("field", "x"), *map(term, ("a", "to", "z", "re")), term("x", "9"), term("b")],
            [],
        ),
    ],
)
def test_a_text_is_read_as_a_person_means_it(text: str, wanted: list[Term], unwanted: list[Term]) -> None:
    query = parse(text)
    assert list(query.wanted) == wanted
    assert list(query.unwanted) == unwanted


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "no_words"),
        ("*", "no_words"),
        ('""', "no_words"),
        ("-market", "no_words"),
        ("(" * 500, "no_words"),
        ("a*", "short_prefix"),
        ("x" * (MAX_CHARACTERS + 1), "too_long"),
        (" ".join(f"w{n}" for n in range(33)), "too_many_words"),
        ('"' + "a " * 33 + '"', "too_many_words"),
    ],
)
def test_what_cannot_be_searched_is_said_at_once(text: str, code: str) -> None:  # fault lines 45 to 47
    with pytest.raises(QueryError) as told:
        parse(text)
    assert told.value.code == code


@given(st.text(max_size=600))
def test_any_text_is_a_query_or_a_clear_refusal(text: str) -> None:  # fault lines 46, 49
    try:
        query = parse(text)
    except QueryError:
        return
    assert query.wanted
    assert all(slot.word for wanted in query.wanted for slot in wanted.slots)


def test_a_word_said_often_counts_once() -> None:
    assert parse("a " * 200).wanted == (term("a"),)
