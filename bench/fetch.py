"""What it costs to look at feeds: a large one with every oddity, and 500 known ones that have nothing new.

    python bench/fetch.py [--feeds 500] [--items 300]

Servers on this machine answer, each a host of its own. The commands are run as a person runs them.
"""

import argparse
import logging
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.pop(0)  # this folder, whose modules would hide others

import numpy as np
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

PAGES = 6
HOSTS = 10
START = (sys.executable, "-c", "from search.cli import main; main()")
RATE = 8_000

ITEM = """<item><title>Item {n}</title>{guid}<pubDate>Sat, 18 Feb 2012 10:{n:03}:00 GMT</pubDate>
<enclosure url="{url}" type="audio/wav" length="1"/></item>"""
FEED = """<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>{title}</title>{following}
{items}</channel></rss>"""


@dataclass
class Shows:
    """Servers of feeds, and what was asked of them."""

    items: int
    servers: list[HTTPServer] = field(default_factory=list)
    requests: int = 0
    conditional: int = 0

    def start(self) -> None:
        for _ in range(HOSTS):
            server = HTTPServer(threaded=True)
            server.expect_request("/large").respond_with_handler(self._large)
            server.expect_request("/audio.wav").respond_with_handler(self._audio)
            for number in range(100):
                server.expect_request(f"/small{number}").respond_with_handler(self._small)
            server.start()
            self.servers.append(server)

    def stop(self) -> None:
        for server in self.servers:
            server.stop()

    def large(self) -> str:
        return self.servers[0].url_for("/large?page=0")

    def small(self, number: int) -> str:
        return self.servers[number % HOSTS].url_for(f"/small{number // HOSTS}")

    def _counted(self, request: Request, answer: str) -> Response:
        self.requests += 1
        etag = f'"{len(answer)}"'
        if request.headers.get("If-None-Match") == etag:
            self.conditional += 1
            return Response(status=304, headers={"ETag": etag})
        return Response(answer, content_type="application/rss+xml", headers={"ETag": etag})

    def _large(self, request: Request) -> Response:
        """Six pages; every tenth guid stands on two of them, every seventh item has none, tokens change each time."""
        page, base = int(request.args["page"]), request.host_url.rstrip("/")
        each = self.items // PAGES
        numbers = list(range(page * each, (page + 1) * each))
        numbers += [n for n in range((page + 1) * each, (page + 2) * each) if n % 10 == 0 and n < self.items]
        token = "a" * 32 if request.headers.get("If-None-Match") else "b" * 32
        items = [
            ITEM.format(
                n=n,
                guid="" if n % 7 == 0 else f"<guid>{n}</guid>",
                url=f"{base}/audio.wav?id={n}&amp;token={token}",
            )
            for n in numbers
        ]
        following = f'<atom:link rel="next" href="{base}/large?page={page + 1}"/>' if page + 1 < PAGES else ""
        return self._counted(request, FEED.format(title="Large", following=following, items="".join(items)))

    def _small(self, request: Request) -> Response:
        base = request.host_url.rstrip("/")
        items = [ITEM.format(n=n, guid=f"<guid>{n}</guid>", url=f"{base}/audio.wav?id={n}") for n in range(2)]
        return self._counted(request, FEED.format(title=request.path[1:], following="", items="".join(items)))

    def _audio(self, request: Request) -> Response:
        """A tenth of a second that no other id's is equal to."""
        self.requests += 1
        wave = (8000 * np.sin(np.arange(RATE // 10) * (200 + int(request.args["id"])) / RATE)).astype("<i2").tobytes()
        head = b"RIFF" + (36 + len(wave)).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
        head += (
            bytes([1, 0, 1, 0]) + RATE.to_bytes(4, "little") + (2 * RATE).to_bytes(4, "little") + bytes([2, 0, 16, 0])
        )
        return Response(head + b"data" + len(wave).to_bytes(4, "little") + wave, content_type="audio/wav")


def main() -> None:
    """The whole run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--feeds", type=int, default=500)
    parser.add_argument("--items", type=int, default=300)
    asked = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    shows = Shows(asked.items)
    shows.start()
    try:
        with tempfile.TemporaryDirectory(prefix="playhead-bench-") as folder:
            _large(shows, Path(folder) / "large")
            _small(shows, Path(folder) / "small", asked.feeds)
    finally:
        shows.stop()


def _large(shows: Shows, library: Path) -> None:
    _tell(f"a feed of {shows.items} items over {PAGES} pages")
    for run in ("first run", "second run"):
        report, seconds = _timed(shows, library, "fetch", shows.large())
        _tell(
            f"  {run}: {report}, {seconds:.1f} s, {shows.requests} requests, {shows.conditional} of them answered 304"
        )


def _small(shows: Shows, library: Path, feeds: int) -> None:
    _tell(f"{feeds} feeds of 2 items on {HOSTS} hosts")
    library.mkdir()
    sources = [shows.small(number) for number in range(feeds)]
    (library / "playhead.toml").write_text("".join(f'[[source]]\nurl = "{url}"\n' for url in sources))
    for run in ("first run", "nothing new"):
        report, seconds = _timed(shows, library, "fetch")
        _tell(
            f"  {run}: {report}, {seconds:.1f} s, {shows.requests} requests, {shows.conditional} of them answered 304"
        )


def _timed(shows: Shows, library: Path, *args: str) -> tuple[str, float]:
    shows.requests = shows.conditional = 0
    settings = {"PLAYHEAD_ALLOW_HOSTS": "localhost,127.0.0.1", "PLAYHEAD_POLL_EVERY": "0"}
    began = time.perf_counter()
    ended = subprocess.run(
        [*START, "--library", str(library), *args],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stderr.splitlines()[-1], time.perf_counter() - began


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
