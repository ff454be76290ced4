"""Ask the API of a running `playhead serve` for every hit, a page at a time, and print a link that plays each.

    python examples/ask_the_api.py http://127.0.0.1:8000 '"peer to peer"'

It needs nothing of Playhead, only the standard library: any program in any language can do the same.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urljoin
from urllib.request import urlopen


def hits(service: str, query: str) -> Iterator[dict[str, Any]]:
    """Every hit of a query. Raises HTTPError; its body is a problem (RFC 9457) whose `detail` says what is wrong."""
    following = "/api/search?" + urlencode({"q": query, "limit": 2})
    while following:
        with urlopen(urljoin(service, following)) as answer:
            page = json.load(answer)
        yield from page["hits"]
        following = page["next"]  # None on the last page


if __name__ == "__main__":
    service, query = sys.argv[1:]
    for hit in hits(service, query):
        print(f"{hit['start_ms'] / 1000:8.1f} s  {hit['text']}  {urljoin(service, hit['player'])}")
