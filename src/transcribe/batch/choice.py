"""Which episodes a run is about: `--after`, `--before`, `--match`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from transcribe.errors import UsageError
from transcribe.fetch.polling import Candidate
from transcribe.sources.audio_tags import full_date

_SHORT = re.compile(r"\d{4}(?:-\d\d)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Choice:
    """Episodes by date and title. One without a date is in no span of time."""

    after: str | None = None  # the first day, ISO 8601
    before: str | None = None  # the day after the last
    match: str | None = None  # text that the title holds, whatever its case

    def __call__(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Those that are chosen."""
        return [candidate for candidate in candidates if self._takes(candidate)]

    def _takes(self, candidate: Candidate) -> bool:
        episode = candidate.record.episode
        day = (episode.published or "")[:10]
        if (self.after or self.before) and not day:
            return False
        late_enough = not self.after or day >= self.after
        early_enough = not self.before or day < self.before
        return late_enough and early_enough and (self.match or "").casefold() in episode.title.casefold()


def choice(after: str | None, before: str | None, match: str | None) -> Choice:
    """What a person wrote. A year or a month is its first day. Raises UsageError for what is no date."""
    return Choice(_day("--after", after), _day("--before", before), match)


def _day(option: str, text: str | None) -> str | None:
    if text is None:
        return None
    whole = text + "-01-01"[: 10 - len(text)] if _SHORT.fullmatch(text) and len(text) == 4 else text
    whole = f"{text}-01" if _SHORT.fullmatch(text) and len(text) == 7 else whole
    date = full_date(whole)
    if date is None or len(date) != 10:
        raise UsageError(f"{option} {text!r} is no date. Write it as 2012-02-18, 2012-02 or 2012.")
    return date
