"""Makes of the API's OpenAPI document what a person reads: each operation, with an example that can be run."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API."""

    path: str
    summary: str
    parameters: tuple[tuple[str, str, str], ...]  # name, what it may be, what it means
    curl: str


def operations(openapi: dict[str, Any], base: str, example: str) -> Iterator[Operation]:
    """The operations in an OpenAPI document; `base` is the service's address, `example` the id of an episode."""
    show, episode = example.split("/")
    samples = {"show": show, "episode": episode, "q": '"peer to peer"'}
    for path, methods in openapi["paths"].items():
        described = methods["get"]
        parameters = described.get("parameters", [])
        asked = {p["name"]: samples.get(p["name"]) or str(p["schema"].get("enum", [""])[0]) for p in parameters}
        address = path.format_map({name: quote(value) for name, value in asked.items()})
        query = urlencode({p["name"]: samples["q"] for p in parameters if p["name"] == "q"})
        yield Operation(
            path=path,
            summary=_plain(described.get("description", "")),
            parameters=tuple((p["name"], _kind(p["schema"]), _plain(p.get("description", ""))) for p in parameters),
            curl=shlex.join(["curl", f"{base}{address}?{query}".rstrip("?")]),
        )


def _plain(markdown: str) -> str:
    return markdown.replace("`", "")


def _kind(schema: dict[str, Any]) -> str:
    """The values that a parameter may have, in words."""
    if "enum" in schema:
        kind = ", ".join(schema["enum"][:-1]) + " or " + schema["enum"][-1]
    elif "minimum" in schema and "maximum" in schema:
        kind = f"{schema['minimum']} to {schema['maximum']}"
    else:
        choice = schema.get("anyOf", [schema])[0]
        kind = "a date" if "pattern" in choice else {"integer": "a number"}.get(choice.get("type"), "text")
    return f"{kind}; {schema['default']} if not given" if schema.get("default") not in (None, "") else kind
