import pytest

from search.query.stems import are_alike, beginnings, kept_under


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("share", "sharing"),
        ("날씨", "날씨가"),
        ("날씨", "날씨에서는"),
        ("날씨가", "날씨는"),
        ("날씨가", "날씨"),
        ("고양이", "고양이가"),
        ("집", "집에서는"),
        ("서울", "서울로"),
        ("책", "책으로"),
        ("사람", "사람들이"),
        ("학교", "학교입니다"),
        ("gpt", "gpt는"),
    ],
)
def test_forms_of_a_word_are_alike(asked: str, said: str) -> None:
    assert are_alike(asked, said)
    assert any(said.startswith(beginning) for beginning in beginnings(asked))


@pytest.mark.parametrize(
    ("asked", "said"),
    [("share", "shore"), ("날씨", "날개"), ("사과", "사는"), ("나이", "나는"), ("날", "날씨"), ("책", "책장을")],
)
def test_other_words_are_not(asked: str, said: str) -> None:
    assert not are_alike(asked, said)


def test_a_particle_follows_a_consonant_or_a_vowel_as_it_must() -> None:
    assert kept_under("나이") == ("나이",)  # 이 stands behind a consonant alone
    assert kept_under("물이") == ("물이", "물")
