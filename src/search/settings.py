"""Settings of the whole command: the batch's and those of searching and serving."""

from pathlib import Path

from pydantic import Field, SecretStr

from transcribe.settings import Listed
from transcribe.settings import Settings as BatchSettings


class Settings(BatchSettings):
    """All that can be set."""

    host: str = Field("127.0.0.1", description="The address `serve` listens on; 0.0.0.0 lets other machines in.")
    port: int = Field(8000, ge=0, le=65535, description="The port `serve` listens on; 0 takes a free one.")
    synonyms: dict[str, list[str]] = Field(
        {}, description='Names and how they are misheard: Bauwens = ["bowens", "bough wens"]. Each finds them all.'
    )
    seekable_copies: bool = Field(True, description="Copies of files that a browser cannot seek truly in.")
    hosts: Listed = Field([], description="Host names `serve` answers to; any when not given.")
    index: str = Field("whoosh", description="whoosh, the embedded index, or an OpenSearch cluster: URL[,URL…].")
    index_user: str | None = Field(None, description="Who searches there.")
    index_password: SecretStr | None = Field(None, description="With which password.")
    index_api_key: SecretStr | None = Field(None, description="Or with which API key.")
    index_ca: Path | None = Field(None, description="The file of the authority that signed the cluster's certificate.")
    index_shards: int | None = Field(None, ge=1, description="Of a new index there; by its size when not given.")
    index_replicas: int | None = Field(None, ge=0, description="Copies of each shard; one if there are nodes for it.")


def web_root(host: str, port: int) -> str:
    """Where a browser finds the service."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
