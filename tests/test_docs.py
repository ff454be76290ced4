"""What a user can say to Playhead is in the README, and each version in the changelog."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from search.cli import app
from search.settings import Settings
from transcribe import __version__

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
GROUP: Any = typer.main.get_command(app)
OPTIONS = sorted(
    {
        option
        for command in (GROUP, *GROUP.commands.values())
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--")
    }
)


@pytest.mark.parametrize("verb", GROUP.commands)
def test_every_verb_is_in_the_readme(verb: str) -> None:
    assert re.search(rf"(playhead |`)(--library \S+ )?{verb}\b", README)


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_is_in_the_readme(option: str) -> None:
    assert re.search(rf"(?<![\w-]){option}(?![\w-])", README)


@pytest.mark.parametrize("setting", Settings.model_fields)
def test_every_setting_is_in_the_readme(setting: str) -> None:
    ways = (rf"`{setting}`", rf"PLAYHEAD_{setting.upper()}\b", rf"^{setting} = ", rf"\[\[{setting}\]\]")
    assert re.search("|".join(ways), README, re.MULTILINE)


def test_the_changelog_has_an_entry_for_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    entry = re.search(rf"^## \[?{re.escape(__version__)}\b.*\n+(?!#)\S", changelog, re.MULTILINE)
    assert entry, f"no entry for {__version__}"
