"""Addresses of copies in a web archive: `https://web.archive.org/web/20120219000000/http://blog.example/talk/`.

The Internet Archive's form, which Archive-It, arquivo.pt and others share; letters after the time say how a copy is
shown (`id_`, `if_`). No network.
"""

import re
from dataclasses import dataclass

from transcribe.web.urls import is_web

_COPY = re.compile(r"(https?://[^?#]*?/\d{4,14})(?:[a-z]{2}_)?/(https?):/{1,2}([^/].*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class ArchivedCopy:
    """A copy of a page, a feed or a file in a web archive."""

    archive: str  # the copy's address as far as the time, `https://web.archive.org/web/20120219000000`
    original: str  # the address that was copied

    def of(self, url: str) -> str:
        """The address at which the same archive has its copy of another address, if it has one."""
        return f"{self.archive}id_/{url}"


def archived_copy(url: str) -> ArchivedCopy | None:
    """What an address is a copy of; None for an address of no archive."""
    match = _COPY.fullmatch(url)
    original = f"{match[2].lower()}://{match[3]}" if match else ""
    return ArchivedCopy(match[1], original) if match and is_web(original) else None


def original(url: str) -> str:
    """The address that was copied; of any other address, itself."""
    copy = archived_copy(url)
    return copy.original if copy else url
