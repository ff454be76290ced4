"""The settings of the whole command: those of the batch, of searching and of serving."""

from pathlib import Path

from pydantic import Field, SecretStr

from transcribe.settings import Listed
from transcribe.settings import Settings as BatchSettings


class Settings(BatchSettings):
    """All settings."""

    host: str = Field("127.0.0.1", description="The address `serve` listens on; 0.0.0.0 lets other machines in.")
    port: int = Field(8000, ge=0, le=65535, description="The port `serve` listens on; 0 takes a free one.")
    synonyms: dict[str, list[str]] = Field(
        {}, description='Names and how they are misheard: Bauwens = ["bowens", "bough wens"]. Each finds them all.'
    )
    seekable_copies: bool = Field(True, description="Copies of files that a browser cannot seek truly in.")
    hosts: Listed = Field([], description="Host names `serve` answers to; any when not given.")
    index: str = Field("whoosh", description="whoosh, the embedded index, or an OpenSearch cluster: URL[,URL…].")
    index_user: str | None = Field(None, description="The user there.")
    index_password: SecretStr | None = Field(None, description="The user's password.")
    index_api_key: SecretStr | None = Field(None, description="An API key, instead of user and password.")
    index_ca: Path | None = Field(None, description="The file of the authority that signed the cluster's certificate.")
    index_shards: int | None = Field(None, ge=1, description="Shards of a new index there; by its size when not given.")
    index_replicas: int | None = Field(None, ge=0, description="Copies of each shard; one if there are nodes for it.")


def web_root(host: str, port: int) -> str:
    """The address of the service for a browser."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
