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


PAGES = [*sorted((ROOT / "docs").rglob("*.md")), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_only_modules_that_exist(page: Path) -> None:
    named = re.findall(r"`(?:src/)?((?:transcribe|search)/[\w./]*|tests/[\w./]+)`", page.read_text("utf-8"))
    assert [path for path in named if not (ROOT / "src" / path).exists() and not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_links_only_to_files_that_exist(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_fault_that_a_test_cites_is_on_the_page_of_faults() -> None:
    cited = {
        int(number)
        for path in (ROOT / "tests").rglob("*.py")
        for numbers in re.findall(r"\bfaults? (?:lines? )?(\d+(?:(?:, | and )\d+)*)", path.read_text("utf-8"))
        for number in re.findall(r"\d+", numbers)
    }
    listed = set(map(int, re.findall(r"^(\d+)\. ", (ROOT / "docs/faults.md").read_text("utf-8"), re.MULTILINE)))
    assert cited
    assert cited <= listed


def test_every_room_is_in_the_architecture() -> None:
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    rooms = [path.parent for package in ("transcribe", "search") for path in (ROOT / "src" / package).glob("*/*.py")]
    names = {f"{room.parent.name}/{room.name}/" for room in rooms}
    assert {name for name in names if f"`{name}`" not in page} == set()
