"""Settings of the whole command: the batch's and those of searching and serving."""

from pydantic import Field

from transcribe.settings import Listed
from transcribe.settings import Settings as BatchSettings


class Settings(BatchSettings):
    """All that can be set."""

    host: str = Field("127.0.0.1", description="The address `serve` listens on; 0.0.0.0 lets other machines in.")
    port: int = Field(8000, ge=0, le=65535, description="The port `serve` listens on; 0 takes a free one.")
    synonyms: dict[str, list[str]] = Field(
        {}, description='Names and how they are misheard: Bauwens = ["bowens", "bough wens"]. Each finds them all.'
    )
    hosts: Listed = Field([], description="Host names `serve` answers to; any when not given.")
