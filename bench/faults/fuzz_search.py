"""100,000 random queries against the service: no 5xx, and none slower than 1 s.

    python bench/faults/fuzz_search.py CORPUS_DIR [--files 100] [--queries 100000] [--seed 1]

Exit status 1 where one of them is otherwise; the worst are printed so that they can be asked again.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote_from_bytes, urlencode

sys.path.pop(0)  # this folder, whose search.py would hide the package
sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.corpus import Corpus, take_in
from search.index.library_index import LibraryIndex
from search.service.app import create_app
from transcribe.library.store import Library

SLOWEST_S = 1.0
SHOWN = 5

SYNTAX = (
    '"', "“", "”", "*", "-", '-"', "AND", "OR", "NOT", "NEAR/2", "title:", "said:", "(", ")", "[a TO b]", "{", "}",
    "~2", "^3", "?", "/.*/", "\\", "'", "''", "`", "%", "_", ";--", "<b>", "&amp;", "\0", "\n", "\t", "c++", "c#", "+",
    "#", "*a",
)  # fmt: skip
ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz ",
    "".join(map(chr, range(32, 127))),
    "éüñßÅﬁǅ’‘ʼ ́̈​‍­",
    "日本語ひらがなカタカナー中文 ",
    "עבריתالعربيةไทยहिन्दी ",
    "😀👩‍👩‍👧🇫🇷\U000e0020￾\x7f\x1b‮",
)


class Given(NamedTuple):
    """An answer."""

    status: int
    code: str | None  # of a problem
    took_s: float
    query: str  # the query string


class Fuzz:
    """Queries made up from words that are there and from everything else."""

    def __init__(self, corpus: Corpus, seed: int) -> None:
        self.dice = random.Random(seed)
        self._corpus = corpus
        self._common = [word for word, _ in corpus.counts.most_common(100)]
        self._kinds: tuple[Callable[[], str], ...] = (
            self._letters,
            self._syntax,
            self._long,
            self._words,
            self._common_words,
        )

    def query_string(self) -> bytes:
        """As it stands in a URL behind the question mark."""
        known = self.dice.random() < 0.5
        text = self._known() if known else self.dice.choice(self._kinds)()
        if self.dice.random() < 0.02:
            return b"q=" + quote_from_bytes(self.dice.randbytes(self.dice.randint(1, 40))).encode()
        return urlencode({"q": text, **self._options()}, errors="replace").encode()

    def _known(self) -> str:
        """A word, a phrase, several of either, a beginning, all that a person may ask for."""
        parts = [self._part() for _ in range(self.dice.choice((1, 1, 1, 2, 3)))]
        return " ".join(parts)

    def _part(self) -> str:
        size = self.dice.randint(2, 9)
        phrase = " ".join(
            self._corpus.inside(self.dice, size) if self.dice.random() < 0.5 else self._corpus.across(self.dice, size)
        )
        word = self._corpus.word(self.dice)
        beginning = self._corpus.beginning(self.dice)[: self.dice.randint(1, 5)]
        return self.dice.choice((f'"{phrase}"', word, f"{beginning}*", f"-{word}", f'-"{phrase}"', phrase))

    def _letters(self) -> str:
        return "".join(self.dice.choices(self.dice.choice(ALPHABETS), k=self.dice.randint(0, 60)))

    def _syntax(self) -> str:
        parts = [
            self.dice.choice(SYNTAX) if self.dice.random() < 0.6 else self._part()
            for _ in range(self.dice.randint(1, 12))
        ]
        return self.dice.choice(("", " ")).join(parts)

    def _long(self) -> str:
        return self.dice.choice(("a", "word ", '"', "é", "-x ", "ab* ", "the ", "日")) * self.dice.randint(1, 600)

    def _words(self) -> str:
        return " ".join(self._corpus.word(self.dice) for _ in range(self.dice.randint(1, 34)))

    def _common_words(self) -> str:
        said = " ".join(self.dice.choices(self._common, k=self.dice.randint(1, 32)))
        return self.dice.choice((said, f'"{said}"', f"{said}*", f"{said} -the"))

    def _options(self) -> dict[str, str]:
        """Now and then some, of which a few are not allowed."""
        possible = {
            "mode": ("exact", "loose", "loose", "fuzzy"),
            "show": ("talk-python", "Talk Python", "x", "\0"),
            "after": ("2012", "2012-02-18", "2012-99", "yesterday"),
            "before": ("2030", "0000"),
            "speaker": ("Ann", ""),
            "flags": ("clean", "all", "none"),
            "within": ("1", "300", "3600", "0", "x"),
            "sort": ("relevance", "newest", "oldest", "random"),
            "facets": ("0", "1"),
            "limit": ("0", "1", "100", "10000", "-1", "1e9"),
            "offset": ("0", "20", "9980", "10001"),
        }
        if self.dice.random() < 0.5:
            return {}
        names = self.dice.sample(sorted(possible), self.dice.randint(1, 3))
        return {name: self.dice.choice(possible[name]) for name in names}


async def ask(app: Any, query: bytes) -> Given:
    """One GET of /api/search, past any network."""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": "/api/search", "raw_path": b"/api/search", "root_path": "", "query_string": query,
        "headers": [(b"host", b"localhost")], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    began = time.perf_counter()
    try:
        await app(scope, receive, send)
    except Exception as bug:  # Starlette raises it again behind its 500
        print(f"{type(bug).__name__}: {bug}", file=sys.stderr)
    took_s = time.perf_counter() - began
    status = sent[0]["status"] if sent else 500
    body = b"".join(message.get("body", b"") for message in sent)
    code = json.loads(body).get("code") if status >= 400 and body.startswith(b"{") else None
    return Given(status, code, took_s, query.decode())


async def ask_all(app: Any, fuzz: Fuzz, number: int) -> list[Given]:
    """One after the other, so that each has its own time."""
    answers = []
    for done in range(number):
        answers.append(await ask(app, fuzz.query_string()))
        if done % 10_000 == 0:
            print(f"... {done}", file=sys.stderr, flush=True)
    return answers


def _report(answers: list[Given]) -> int:
    """Prints what came of them; the exit status."""
    print(f"{len(answers):,} queries")
    for (status, code), count in Counter((given.status, given.code or "") for given in answers).most_common():
        print(f"  {status} {code:<20} {count:>7,}")
    slowest = sorted(answers, key=lambda given: -given.took_s)
    print(f"slowest, s: {', '.join(f'{given.took_s:.3f}' for given in slowest[:SHOWN])}")
    bad = [g for g in answers if g.status >= 500 or g.took_s > SLOWEST_S]
    for given in [*bad[:SHOWN], *slowest[:SHOWN]]:
        print(f"  {given.status} {given.took_s:.3f} s  ?{given.query[:300]}")
    print(f"{len(bad)} that should not be")
    return 1 if bad else 0


def main() -> int:
    """The whole run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, help="a folder of caption files")
    parser.add_argument("--files", type=int, default=100, help="only so many of them")
    parser.add_argument("--queries", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="playhead-fuzz-") as folder:
        library, rows = Library(Path(folder) / "library"), Path(folder) / "rows.tsv"
        take_in(asked.corpus, library, rows, asked.files)
        LibraryIndex(library).refresh()
        fuzz = Fuzz(Corpus(rows), asked.seed)
        return _report(asyncio.run(ask_all(create_app(library), fuzz, asked.queries)))


if __name__ == "__main__":
    sys.exit(main())
