"""Search a library without its service: print every hit, and the second at which its first word starts.

    python examples/search_a_library.py LIBRARY '"to the internet"'

`index().search(...)` gives one page of hits with exact counts; `every(...)` gives all of them, one by one.
"""

import sys
from pathlib import Path

from search.index.backends import open_library_index
from search.index.contract import Request
from search.query.parser import parse
from search.settings import Settings
from transcribe.library.store import Library


def search(folder: Path, text: str) -> None:
    """Prints the hits, the newest episode first. Raises QueryError and IndexUnavailable; the texts say what to do."""
    library = Library(folder)
    settings = Settings.load(library.root)
    library_index = open_library_index(library, settings)
    library_index.refresh()  # takes in the transcripts that are new or have changed
    for hit in library_index.index().every(Request(parse(text))):
        print(f"{hit.contents.episode.id} {hit.start_ms / 1000:.2f} s: {hit.before} [{hit.text}] {hit.after}")


if __name__ == "__main__":
    search(Path(sys.argv[1]), sys.argv[2])
