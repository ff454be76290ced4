"""Choosing episodes by date and title."""

import pytest

from transcribe.batch.choice import choice
from transcribe.errors import UsageError
from transcribe.fetch.polling import Candidate
from transcribe.library.episode import Episode, Record

EPISODES = {"I": "2012-02-18T10:30:00Z", "II": "2012-02-25", "III": "2013-01-01T00:00:00Z", "undated": None}
CANDIDATES = [
    Candidate(Record(Episode(f"talks/{name.lower()}", "Talks", f"The Well, part {name}", published)))
    for name, published in EPISODES.items()
]


@pytest.mark.parametrize(
    ("after", "before", "match", "left"),
    [
        (None, None, None, ["I", "II", "III", "undated"]),
        ("2012-02-25", None, None, ["II", "III"]),
        (None, "2012-02-25", None, ["I"]),
        ("2012", "2013", None, ["I", "II"]),
        ("2012-02", "2012-03", None, ["I", "II"]),
        (None, None, "PART III", ["III"]),
        (None, None, "river", []),
    ],
)
def test_episodes_are_chosen(after: str | None, before: str | None, match: str | None, left: list[str]) -> None:
    chosen = choice(after, before, match)(CANDIDATES)
    assert [candidate.record.episode.title.rpartition(" ")[2] for candidate in chosen] == left


@pytest.mark.parametrize("text", ["yesterday", "2012-13", "20120218", "2012-02-30", "", "2012-02-18T10:00:00Z"])
def test_what_is_no_date_says_how_to_write_one(text: str) -> None:
    with pytest.raises(UsageError, match="2012-02-18"):
        choice(text, None, None)
