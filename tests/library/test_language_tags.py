import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.library.language_tags import is_same_language, primary_language


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        (" EN_us ", "en"),
        ("eng", "en"),
        ("deu-AT", "de"),
        ("zh-Hans-CN", "zh"),
        ("jw", "jw"),
        ("fil", "fil"),
        ("und", None),
        ("english", None),
        ("", None),
        ("!", None),
    ],
)
def test_a_tag_names_a_language(tag: str, language: str | None) -> None:
    assert primary_language(tag) == language


@given(st.text())
def test_any_text_is_a_tag_or_is_none(text: str) -> None:
    assert primary_language(text) != ""
    assert is_same_language(text, text)


def test_one_language_may_be_called_in_several_ways() -> None:
    assert is_same_language("en-GB", "EN")
    assert is_same_language("eng", "en_US")
    assert is_same_language("iw", "he")
    assert not is_same_language("de", "en")
    assert not is_same_language("", "en")
