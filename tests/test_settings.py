"""Settings from the command's options, the environment and `playhead.toml`."""

from pathlib import Path

import pytest

from search.settings import Settings
from transcribe.errors import UsageError
from transcribe.settings import FILE, SourceSettings
from transcribe.settings import Settings as BatchSettings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"PLAYHEAD_{name.upper()}", raising=False)


def write(library: Path, toml: str) -> None:
    (library / FILE).write_text(toml)


@pytest.mark.parametrize("kind", [Settings, BatchSettings, SourceSettings])
def test_every_setting_says_what_it_is(kind: type[Settings]) -> None:
    assert [name for name, field in kind.model_fields.items() if not field.description] == []


def test_without_a_word_there_are_defaults(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path)
    assert (settings.engine, settings.model, settings.workers) == ("auto", None, None)
    assert (settings.host, settings.port, settings.allow_hosts) == ("127.0.0.1", 8000, [])


def test_an_option_beats_the_environment_and_that_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 'engine = "whisper"\nmodel = "tiny"\nlanguage = "de"\n')
    monkeypatch.setenv("PLAYHEAD_ENGINE", "auto")
    monkeypatch.setenv("PLAYHEAD_MODEL", "base")
    settings = Settings.load(tmp_path, engine="pocketsphinx", model=None, language=None)
    assert (settings.engine, settings.model, settings.language) == ("pocketsphinx", "base", "de")


def test_lists_are_parted_by_commas_in_the_environment_and_lists_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 'allow_hosts = ["a.example", "b.example"]\n[[source]]\nurl = "https://example.org/feed"\n')
    settings = Settings.load(tmp_path)
    assert settings.allow_hosts == ["a.example", "b.example"]
    assert [source.url for source in settings.source] == ["https://example.org/feed"]
    monkeypatch.setenv("PLAYHEAD_ALLOW_HOSTS", "127.0.0.1, localhost,")
    assert Settings.load(tmp_path).allow_hosts == ["127.0.0.1", "localhost"]


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("port = 99999\n", ("port", "99999")),
        ("workers = 0\n", ("workers", "0")),
        ('workers = "many"\n', ("workers", "'many'")),
        ('engines = "whisper"\n', ("engines", "no such setting")),
        ('[[source]]\nadress = "x"\n', ("source.0.adress", "no such setting")),
        ("[[source]]\n", ("source.0.url", "required")),
        ("engine = whisper\n", (FILE, "line 1")),
    ],
)
def test_a_bad_setting_is_named_with_its_value(tmp_path: Path, toml: str, told: tuple[str, str]) -> None:
    write(tmp_path, toml)
    with pytest.raises(UsageError) as problem:
        Settings.load(tmp_path)
    assert str(tmp_path / FILE) in str(problem.value)
    assert all(part in str(problem.value) for part in told)
    assert "\n" not in str(problem.value)


def test_a_bad_value_in_the_environment_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYHEAD_PORT", "eighty")
    with pytest.raises(UsageError, match=r"port .*'eighty'"):
        Settings.load(tmp_path)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=FILE):
        Settings.load(tmp_path)


def test_what_else_is_in_the_environment_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYHEAD_LIBRARY", str(tmp_path))
    monkeypatch.setenv("PLAYHEAD_TEST_OPENSEARCH", "http://127.0.0.1:9200")
    assert Settings.load(tmp_path).engine == "auto"


@pytest.mark.parametrize("name", ["password", "api_key"])
def test_a_secret_of_the_wrong_kind_is_not_shown(tmp_path: Path, name: str) -> None:
    write(tmp_path, f"[index]\n{name} = 12345678\n")
    with pytest.raises(UsageError, match=f"index_{name}: ") as refusal:
        Settings.load(tmp_path)
    assert "1234" not in str(refusal.value)
