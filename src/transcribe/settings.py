"""Settings of the batch: what `playhead.toml`, the environment (`PLAYHEAD_…`) and the command's options may say.

An option beats the environment, the environment beats the file.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from transcribe.errors import UsageError
from transcribe.library.episode import Episode, is_show

FILE = "playhead.toml"
TABLES = ("index", "ray")
_SECRET = re.compile("password|key")  # settings whose value is not shown


def _listed(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Texts = Literal["prefer", "both", "ignore"]  # a publisher's transcript: in place of ours, beside it, not at all
Listed = Annotated[list[str], NoDecode, BeforeValidator(_listed)]  # in the environment: separated by commas


class _File(TomlConfigSettingsSource):
    """`playhead.toml`; a table such as `[index]` may stand for the settings that begin with its name.

    What the table's name alone stands for, as on the command line, is called url or address there.
    """

    def __call__(self) -> dict[str, Any]:
        data = super().__call__()
        for name in TABLES:
            table = data.pop(name, None)
            if isinstance(table, dict):
                data |= {name if key in ("url", "address") else f"{name}_{key}": value for key, value in table.items()}
            elif table is not None:
                data[name] = table
        return data


class SourceSettings(BaseModel):
    """One `[[source]]` of `playhead.toml`."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(description="A feed, a page, an OPML list or audio; or a path, as seen from the library.")
    transcripts: Texts = Field("prefer", description="The publisher's transcripts: prefer, both, ignore.")


class Settings(BaseSettings):
    """What can be set for fetching and transcribing."""

    model_config = SettingsConfigDict(env_prefix="PLAYHEAD_", extra="forbid", toml_file=None)

    engine: str = Field("auto", description="auto, whisper, faster-whisper or pocketsphinx.")
    model: str | None = Field(None, description="A Whisper model's name or the path of a .pt checkpoint.")
    language: str | None = Field(None, description="Spoken language, such as en; found by listening when not given.")
    device: str | None = Field(None, description="cpu or cuda; the best there is when not given.")
    prompt: str = Field("", description="Names and terms for Whisper to expect, as text.")
    vocabulary: dict[str, list[str]] = Field(
        {}, description="The same for each show: its slug or title, and the terms."
    )
    batch_size: int | None = Field(None, ge=1, description="Pieces of 30 s decoded together; what fits when not given.")
    quantize: Literal["int8"] | None = Field(None, description="int8: Whisper's weights in a quarter of the memory.")
    beam: int | None = Field(
        None, ge=1, le=20, description="Readings that Whisper follows at once: 5 is slower, better in rarer languages."
    )
    ray: str | None = Field(None, description="Where Ray transcribes: auto, local or HOST:PORT; else it is done here.")
    workers: int | None = Field(None, ge=1, description="Episodes transcribed at once.")
    max_hours: float = Field(12, gt=0, le=500, description="Where the transcript of a longer recording stops.")
    limit: int | None = Field(None, ge=1, description="New episodes to fetch and transcribe at most, newest first.")
    allow_hosts: Listed = Field([], description="Hosts that may be fetched from although their address is private.")
    user_agent: str | None = Field(None, description="How Playhead names itself to the hosts it fetches from.")
    poll_every: float = Field(1, ge=0, description="Hours for which a feed that was asked is not asked again.")
    source: list[SourceSettings] = Field([], description="Sources that every `playhead run` looks at.")

    @classmethod
    def load(cls, library: Path, **options: Any) -> Self:
        """Settings for a library. Options that are None were not given. Raises UsageError naming key and value."""
        path = library / FILE
        given = {name: value for name, value in options.items() if value is not None}

        class LibrarySettings(cls):  # type: ignore[valid-type, misc] # each library has a file of its own
            model_config = SettingsConfigDict(env_prefix="PLAYHEAD_", extra="forbid", toml_file=path)

        try:
            return LibrarySettings(**given)
        except ValidationError as problem:
            raise UsageError(_told(problem, path)) from problem
        except ValueError as problem:  # TOML that cannot be read
            raise UsageError(f"{path}: {problem}") from problem

    @property
    def poll_every_s(self) -> float:
        """The same in seconds."""
        return self.poll_every * 3600

    def prompt_for(self, episode: Episode) -> str:
        """What a recognizer may expect in it: the prompt, and the vocabulary of its show."""
        show = episode.slugs[0], episode.show
        terms = [term for name, terms in self.vocabulary.items() if is_show(name, *show) for term in terms]
        return " ".join([self.prompt, *([", ".join(terms) + "."] if terms else [])]).strip()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as pydantic-settings calls it
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Option, then environment, then file."""
        return init_settings, env_settings, _File(settings_cls)


def _told(problem: ValidationError, path: Path) -> str:
    lines = []
    for error in problem.errors():
        name = ".".join(map(str, error["loc"]))
        unknown = error["type"] == "extra_forbidden"
        value = "" if unknown or _SECRET.search(name) else f" (it is {error['input']!r})"
        reason = "there is no such setting" if unknown else error["msg"]
        lines.append(f"{name}{value}: {reason}")
    return f"Bad settings, from the command, PLAYHEAD_… or {path}: " + "; ".join(lines)
