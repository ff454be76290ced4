"""Bars on a terminal, plain lines elsewhere, all of it on stderr."""

import io
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from transcribe.console import ProgressBars, log_to_console, printable


def console(terminal: bool) -> tuple[Console, io.StringIO]:
    written = io.StringIO()
    return Console(file=written, force_terminal=terminal, width=100, highlight=False, soft_wrap=True), written


def test_on_a_terminal_there_is_a_bar_while_it_takes() -> None:
    screen, written = console(terminal=True)
    with ProgressBars(screen) as progress, progress.task("transcribe The Well") as advance:
        advance(50, 200)
        progress._bars.refresh()
    assert "transcribe The Well" in written.getvalue()
    assert "25 %" in written.getvalue()


def test_elsewhere_there_are_lines_alone() -> None:
    log, written = console(terminal=False)
    with ProgressBars(log) as progress, progress.task("transcribe The Well") as advance:
        advance(50, None)
        progress.say("fetched talks/the-well, 0.9 MB")
    assert written.getvalue() == "fetched talks/the-well, 0.9 MB\n"


def test_a_line_is_never_folded_nor_read_as_markup() -> None:
    log, written = console(terminal=False)
    line = "transcribed [bold]a title[/bold] " + "so long " * 40
    with ProgressBars(log) as progress:
        progress.say(line)
    assert written.getvalue() == line + "\n"


def test_a_title_with_brackets_is_shown_as_it_is() -> None:
    screen, written = console(terminal=True)
    with ProgressBars(screen) as progress, progress.task("fetch [/b] The [red] Well"):
        progress._bars.refresh()
    assert "fetch [/b] The [red] Well" in written.getvalue()


def test_a_bar_goes_when_the_work_fails() -> None:
    screen, _ = console(terminal=True)
    with ProgressBars(screen) as progress:
        with pytest.raises(OSError, match="full"), progress.task("fetch"):
            raise OSError("full")
        assert progress._bars.tasks == []


def test_it_all_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBars() as progress:
        progress.say("done")
    assert capsys.readouterr() == ("", "done\n")


def test_what_would_steer_a_terminal_is_left_out() -> None:
    assert printable("\x1b]0;renamed\x07 \x1b[31mred\x9b2J\x7f") == "]0;renamed [31mred2J"


def test_lines_and_every_script_stay() -> None:
    assert printable("日本\tの\n声 – café 👋🏽") == "日本\tの\n声 – café 👋🏽"


@given(st.text())
def test_nothing_but_control_characters_goes(text: str) -> None:
    shown = printable(text)
    assert printable(shown) == shown
    assert [letter for letter in text if letter.isprintable()] == [letter for letter in shown if letter.isprintable()]


def test_what_is_logged_stands_above_the_bars(capsys: pytest.CaptureFixture[str]) -> None:
    screen, written = console(terminal=True)
    log_to_console()
    with ProgressBars(screen) as progress, progress.task("fetch"):
        logging.getLogger("transcribe.fetch").warning("The \x1b[31mWell: no chapters")
        logging.getLogger("transcribe.fetch").debug("a detail")
    assert "The [31mWell: no chapters" in written.getvalue()
    logging.getLogger("search").warning("later")
    assert capsys.readouterr().err == "later\n"


def test_with_debug_more_is_told_and_where_an_error_came_from(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_console(debug=True)
    try:
        raise KeyError("odd")
    except KeyError:
        logging.getLogger("search.cli").debug("Where it came from:", exc_info=True)
    finally:
        log_to_console()
    told = capsys.readouterr().err
    assert told.startswith("Where it came from:\nTraceback")
    assert told.endswith("KeyError: 'odd'\n")
