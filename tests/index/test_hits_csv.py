import csv
import io

import pytest

from search.index import hits_csv
from search.index.hits import hit
from search.index.passages import passages, unpack
from tests.support.conversations import transcript


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def lines_of(said: str, bom: bool = False) -> str:
    made = passages(transcript(said), "digest")
    found = hit(made.contents, lambda number: unpack(made.pages[number]), 0, 0, [(0, 0)])
    return "".join(hits_csv.lines([found], bom))


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1", "-1", "@SUM(A1)", " =1", "\u00a0=1", "\n=1", "\r=1", "\t=1", "\ufeff=1", "\u202e=1", "\x00=1"),
        *("＝1", "＋1", "－1", "＠SUM", "\u3000＝1", "\ufeff\u00a0＝1", "﹦1", " \u200b\u2060 =1", "\tplain"),
    ],
)
def test_what_a_spreadsheet_would_run_becomes_text(text: str) -> None:
    assert hits_csv._safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["peer", "1 = 1", "", " ", "a-b", "—", "a\n=1", 5, None])
def test_anything_else_stays_as_it_is(text: object) -> None:
    assert hits_csv._safe(text) == text


def test_a_hit_that_begins_like_a_formula_is_guarded() -> None:
    (row,) = read(lines_of("＝SUM(A1) is said"))
    assert row["text"] == "'＝SUM(A1)"


def test_excel_is_told_that_it_is_utf_8_where_asked() -> None:
    assert lines_of("café", bom=True).encode().startswith(b"\xef\xbb\xbfepisode,")
    assert lines_of("café").startswith("episode,")
