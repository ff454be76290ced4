from hypothesis import given
from hypothesis import strategies as st

from transcribe.printable import printable


def test_what_would_steer_a_terminal_is_left_out() -> None:
    assert printable("\x1b]0;renamed\x07 \x1b[31mred\x9b2J\x7f") == "]0;renamed [31mred2J"


def test_lines_and_every_script_stay() -> None:
    assert printable("日本\tの\n声 – café 👋🏽") == "日本\tの\n声 – café 👋🏽"


@given(st.text())
def test_nothing_but_control_characters_goes(text: str) -> None:
    shown = printable(text)
    assert printable(shown) == shown
    assert [letter for letter in text if letter.isprintable()] == [letter for letter in shown if letter.isprintable()]
