"""Keeps what a later version or another program wrote: keys that this version does not know.

A part of a file is a dataclass with a field `unknown`, in which these keys stand until the part is written again.
"""

import contextlib
import dataclasses
from collections.abc import Collection
from typing import Any, TypeVar

Unknown = tuple[tuple[str, Any], ...]  # keys and their values, as they are

_Part = TypeVar("_Part")


def made(kind: type[_Part], data: dict[str, Any]) -> _Part:
    """A part of plain data; what the part does not know is kept with it."""
    construct: Any = kind
    part: _Part
    if "unknown" not in data:
        with contextlib.suppress(TypeError):  # as a rule there is nothing else, and words are many
            part = construct(**data)
            return part
    known = construct.__dataclass_fields__.keys() - {"unknown"}
    own = {key: value for key, value in data.items() if key in known}
    part = construct(**own, unknown=others(data, known))
    return part


def plain(part: Any) -> dict[str, Any]:
    """The inverse of `made`."""
    data = dataclasses.asdict(part)
    return data | dict(data.pop("unknown"))


def others(data: dict[str, Any], known: Collection[str]) -> Unknown:
    """What plain data holds beside the keys that are known."""
    return tuple((key, value) for key, value in data.items() if key not in known)
