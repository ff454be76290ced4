"""The systems that are compared. Each builds its index in a folder and answers with a page of text and an exact total.

The peers get words that are comparable already, so that all search the same tokens.
"""

import functools
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from bench.corpus import Asked, Row, cues, stretches

PAGE = 20
NEAR_WORDS = 80  # what is said in 30 s
CACHE_KIB = 64 << 10  # as much as Playhead remembers of postings


class System(Protocol):
    """One of the compared."""

    def build(self) -> None:
        """Makes the index."""

    def open(self) -> None:
        """Once, before anything is asked."""

    def ask(self, asked: Asked) -> int | None:
        """Reads the first page and gives the total; None where the system has no such query."""

    def size(self) -> int:
        """What it takes on disk, in bytes."""


class FTS5:
    """SQLite's full-text index, with default options."""

    def __init__(self, folder: Path, rows: Callable[[Path], Iterable[Row]]) -> None:
        self.files = folder / f"fts5-{rows.__name__}.db"
        self._rows = functools.partial(rows, folder / "rows.tsv")
        self._in_cues = rows is cues

    def build(self) -> None:
        self.files.unlink(missing_ok=True)
        database = sqlite3.connect(self.files)
        # The ascii tokenizer leaves all beyond ASCII as it is; with these marks its tokens are our words exactly.
        database.execute(
            "CREATE VIRTUAL TABLE said USING fts5(text, episode UNINDEXED, start_ms UNINDEXED, "
            """tokenize="ascii tokenchars '''+#'")"""
        )
        with database:
            database.executemany("INSERT INTO said(episode, start_ms, text) VALUES (?, ?, ?)", self._rows())
            database.execute("INSERT INTO said(said) VALUES ('optimize')")
        database.close()

    def open(self) -> None:
        self._database = sqlite3.connect(self.files)
        self._database.execute(f"PRAGMA cache_size = -{CACHE_KIB}")

    def ask(self, asked: Asked) -> int | None:
        match = self._match(asked)
        if match is None:
            return None
        page = "SELECT episode, start_ms, text FROM said WHERE said MATCH ? LIMIT ?"
        self._database.execute(page, (match, PAGE)).fetchall()
        total: int = self._database.execute("SELECT count(*) FROM said WHERE said MATCH ?", (match,)).fetchone()[0]
        return total

    def size(self) -> int:
        return size(self.files)

    def tokens(self) -> dict[str, int]:
        """How often each token is in the index."""
        self._database.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.tokens USING fts5vocab(main, said, row)")
        return dict(self._database.execute("SELECT term, cnt FROM temp.tokens"))

    def _match(self, asked: Asked) -> str | None:
        match asked.kind:
            case "prefix":
                return f'"{asked.words[0]}" *'
            case "near":
                first, second = asked.words
                return None if self._in_cues else f'NEAR("{first}" "{second}", {NEAR_WORDS})'
        return f'"{" ".join(asked.words)}"'


class Tantivy:
    """Tantivy through its Python binding, a document per 400 words, with positions."""

    def __init__(self, folder: Path) -> None:
        self.files = folder / "tantivy"
        self._rows = functools.partial(stretches, folder / "rows.tsv")

    def build(self) -> None:
        import tantivy

        self.files.mkdir(exist_ok=True)
        index = self._index(tantivy)
        writer = index.writer(heap_size=128 << 20, num_threads=2)
        writer.delete_all_documents()
        for episode, start_ms, text in self._rows():
            writer.add_document(tantivy.Document(text=text, episode=episode, start_ms=start_ms))
        writer.commit()
        writer.wait_merging_threads()

    def open(self) -> None:
        import tantivy

        self._index_open = self._index(tantivy)
        self._index_open.reload()
        self._searcher = self._index_open.searcher()

    def ask(self, asked: Asked) -> int | None:
        found = self._searcher.search(self._query(asked), PAGE, count=True)
        for _, address in found.hits:
            self._searcher.doc(address)["text"]
        total: int = found.count
        return total

    def size(self) -> int:
        return size(self.files)

    def _index(self, tantivy: Any) -> Any:
        schema = tantivy.SchemaBuilder()
        schema.add_text_field("text", stored=True, tokenizer_name="spaces", index_option="position")
        schema.add_integer_field("episode", stored=True)
        schema.add_integer_field("start_ms", stored=True)
        self._schema = schema.build()
        index = tantivy.Index(self._schema, path=str(self.files))
        index.register_tokenizer("spaces", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
        return index

    def _query(self, asked: Asked) -> Any:
        from tantivy import Occur, Query

        words = list(asked.words)
        match asked.kind:
            case "prefix":
                return Query.regex_query(self._schema, "text", f"{words[0]}.*")
            case "near":
                either = (Query.phrase_query(self._schema, "text", pair, NEAR_WORDS) for pair in (words, words[::-1]))
                return Query.boolean_query([(Occur.Should, query) for query in either])
        if len(words) == 1:
            return Query.term_query(self._schema, "text", words[0])
        return Query.phrase_query(self._schema, "text", words)


def size(path: Path) -> int:
    """Of a file, or of all in a folder, each once; in bytes."""
    files = [path] if path.is_file() else path.rglob("*")
    return sum({file.stat().st_ino: file.stat().st_size for file in files if file.is_file()}.values())
