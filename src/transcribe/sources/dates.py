"""A date as people and programs write it, to ISO 8601: what was written, or none.

A table of months and not dateparser, which takes 0.5 s to import, guesses what is missing from today, and reads
`yesterday`. What is read: RFC 822 and ISO 8601, well or badly followed; seconds since 1970; days, months by name in the
languages below, and years, in any order that leaves no doubt. No network.
"""

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone

# How names of months begin, without accents: in English, German, French, Spanish, Italian, Portuguese, Catalan, Dutch,
# Danish, Norwegian, Swedish, Finnish, Polish, Czech, Turkish, Romanian, Hungarian, Indonesian, Russian, Ukrainian and
# Greek.
_BEGINNINGS = (
    "jan ene gen ian oca tam sty led jaan янв січ ιαν",
    "feb fev fab sub hel lut uno veeb фев лют φεβ",
    "mar mrt mae maa bre maer мар бер μαρ",
    "apr avr abr huh kwi dub nis апр кві απρ",
    "may mai maj mag mei maig tou kve мая май трав μαι μαϊ",
    "jun juin giu iun kes cze cerven cervn haz июн черв ιουν",
    "jul juil lug iul hei lip cervenec cervenc tem июл лип ιουλ",
    "aug aou ago agu elo sie srp авг серп αυγ",
    "sep set syy wrz zar eyl szept сен вер σεπ",
    "oct okt out ott lok paz rij eki окт жов οκτ",
    "nov noi noy marras lis kas ноя нояб лист νοε",
    "dec des dez dic dek jou gru pro ara дек груд δεκ",
)
_MONTHS = {beginning: number for number, line in enumerate(_BEGINNINGS, start=1) for beginning in line.split()}
_ZONES = {
    **dict.fromkeys(("z", "ut", "utc", "gmt", "wet"), 0),
    **{"bst": 60, "ist": 330, "west": 60, "cet": 60, "mez": 60, "met": 60, "cest": 120, "mesz": 120, "mest": 120},
    **{"eet": 120, "eest": 180, "msk": 180, "ast": -240, "adt": -180, "est": -300, "edt": -240, "cst": -360},
    **{"cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420, "akst": -540, "akdt": -480, "hst": -600},
    **{"jst": 540, "kst": 540, "aest": 600, "aedt": 660, "acst": 570, "acdt": 630, "awst": 480, "nzst": 720},
    **{"nzdt": 780},
}  # minutes east of Greenwich
_LONGEST = 200  # characters
_SINCE_1970 = re.compile(r"\d{9,10}(?:\.\d{1,6})?|\d{13}")
_COMPACT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)(?:t?(\d\d)(\d\d)(\d\d)?(z?))?")
_TIME = re.compile(
    r"(?<![\d.:/-])(?:t|um|at|a|kl\.?|klo|om|as|alle)?\s*(\d{1,2})[:h](\d\d)(?!\d)"
    r"(?:[:.](\d\d)(?:[.,]\d+)?)?\s*(uhr|uur|h|([ap])\.?\s?m\b\.?)?"
)
_HOUR = re.compile(r"(?<![\d.:/-])(\d{1,2})\s*([ap])\.?\s?m\b\.?")
_OFFSET = re.compile(r"(?<=[\d\sztcm])(?:gmt|utc)?\s*([+-])(\d\d):?(\d\d)?(?!\d)(?:\s*\([^)]*\))?\s*$")
_ZONE_NAME = re.compile(r"\b([a-z]{1,4})\)?\s*$")
_POINTED = re.compile(r"\b(klo|kl\.?|om) (\d{1,2})\.(\d\d)\b")  # times as Finns, Scandinavians and Dutch write them
# As `date` and Twitter write it, the year after the zone.
_YEAR_LAST = re.compile(rf"(\d\d:\d\d(?::\d\d)?) ({'|'.join(_ZONES)}|[+-]\d{{4}}) ((?:19|20)\d\d)$")
_NUMERIC = re.compile(r"(?<!\d)(\d{1,4})\s?([./-])\s?(\d{1,2})\s?\2\s?(\d{2,4})(?!\d)")
_EAST_ASIAN = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]")
_WORDS = re.compile(r"[^\W\d_]+|\d+")
_EARLIEST, _LATEST = 1900, 2200
_MONTH_FIRST = re.compile(r"en(?:[-_](?:us|ph))?", re.IGNORECASE)


def read_date(text: str, language: str | None = None) -> str | None:
    """The date, or date and time, that text says; None where it says none, or leaves in doubt which.

    `language` is that of the text: `03/04/2012` is in March in American English, else in April, and none where the
    language is not known. A time without a zone is taken for UTC, as feeds have it; one that cannot be is left out.
    """
    text = " ".join(unicodedata.normalize("NFKC", text[:_LONGEST]).split()).lower().rstrip(".")
    if not text:
        return None
    return _number(text) or _iso(text) or _written(_plain(text), language)


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c) or c == "\u0306")


def _number(text: str) -> str | None:
    """Seconds or milliseconds since 1970, or a date of digits alone."""
    if _SINCE_1970.fullmatch(text):
        seconds = float(text) / (1000 if len(text.partition(".")[0]) > 10 else 1)
        return _utc(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(seconds)))
    if match := _COMPACT.fullmatch(text):
        clock = _clock(match[4], match[5], match[6]) if match[4] else None
        return _told(int(match[1]), int(match[2]), int(match[3]), clock, 0)
    return None


def _iso(text: str) -> str | None:
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    if not _EARLIEST <= moment.year <= _LATEST or re.match(r"\d{4}-w|\d{8}$", text):
        return None
    if re.fullmatch(r"\d{4}-?\d\d-?\d\d", text):
        return moment.date().isoformat()
    return _utc(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _written(text: str, language: str | None) -> str | None:
    """A date whose parts are told apart by their form."""
    text = _YEAR_LAST.sub(r"\3 \1 \2", _EAST_ASIAN.sub(r" \1-\2-\3 ", text))
    text = _POINTED.sub(r"\1 \2:\3", text)
    numeric = _NUMERIC.search(text)
    rest = text if numeric is None else f"{text[: numeric.start()]} {text[numeric.end() :]}"
    rest, minutes_east = _zone(rest)
    rest, clock = _time(rest)
    day = _numeric(numeric, language) if numeric else _named(rest)
    return _told(*day, clock, minutes_east) if day else None


def _zone(text: str) -> tuple[str, int]:
    """The text without its zone, and that in minutes."""
    if match := _OFFSET.search(text):
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        if minutes <= 14 * 60:
            return text[: match.start()], minutes if match[1] == "+" else -minutes
    match = _ZONE_NAME.search(text)
    if match and match[1] in _ZONES:
        return text[: match.start(1)].rstrip(" ("), _ZONES[match[1]]
    return text, 0


def _time(text: str) -> tuple[str, tuple[int, int, int] | None]:
    """The text without its time of day, and that."""
    if match := _TIME.search(text):
        return f"{text[: match.start()]} {text[match.end() :]}", _clock(match[1], match[2], match[3], match[5])
    if match := _HOUR.search(text):
        return f"{text[: match.start()]} {text[match.end() :]}", _clock(match[1], "0", None, match[2])
    return text, None


def _clock(
    hour: str | None, minute: str | None, second: str | None, half: str | None = None
) -> tuple[int, int, int] | None:
    hours, minutes, seconds = (int(part or 0) for part in (hour, minute, second))
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half == "p" else 0)
    return (hours, minutes, min(seconds, 59)) if hours < 24 and minutes < 60 and seconds <= 60 else None


def _numeric(match: re.Match[str], language: str | None) -> tuple[int, int, int] | None:
    """Year, month and day of `2016/6/29`, `18.02.2012`, `02/18/2012`."""
    first, sign, second, third = match[1], match[2], int(match[3]), match[4]
    if len(first) == 4:
        return int(first), second, int(third)
    if len(first) > 2 or len(third) == 3:
        return None
    year = int(third) if len(third) == 4 else _century(int(third))
    one = int(first)
    if sign == "." or one > 12:
        return year, second, one
    if second > 12 or (language and _MONTH_FIRST.fullmatch(language)):
        return year, one, second
    return (year, second, one) if language or one == second else None


def _named(text: str) -> tuple[int, int, int] | None:
    """Year, month and day where the month has a name. Of several such words, as a weekday may look like a month, the
    one beside numbers is it."""
    words = _WORDS.findall(text)
    months = [(at, month) for at, word in enumerate(words) if (month := _month(word))]
    days = [at for at, word in enumerate(words) if word.isdigit() and len(word) <= 2 and 1 <= int(word) <= 31]
    if not months or not days:
        return None

    def numbers_beside(found: tuple[int, int]) -> tuple[int, int]:
        at = found[0]
        return sum(word.isdigit() for word in words[max(at - 1, 0) : at + 2]), at

    at, month = max(months, key=numbers_beside)
    day = min(days, key=lambda n: abs(n - at))
    years = [int(word) for word in words if len(word) == 4 and word.isdigit()]
    years += [_century(int(words[n])) for n in days if n != day and n > at and len(days) == 2]
    return (years[0], month, int(words[day])) if years else None


def _month(word: str) -> int | None:
    """By the longest beginning that it has; `ma`, `di` and other short words are days of the week."""
    if len(word) < 3:
        return None
    if word in ("martedi", "mardi", "martes", "mars"):
        return 3 if word == "mars" else None
    beginnings = (word[:length] for length in range(min(len(word), 8), 2, -1))
    return next((_MONTHS[beginning] for beginning in beginnings if beginning in _MONTHS), None)


def _century(year: int) -> int:
    return year + (2000 if year < 70 else 1900)


def _told(year: int, month: int, day: int, clock: tuple[int, int, int] | None, minutes_east: int) -> str | None:
    if not _EARLIEST <= year <= _LATEST:
        return None
    try:
        if clock is None:
            return date(year, month, day).isoformat()
        return _utc(datetime(year, month, day, *clock, tzinfo=timezone(timedelta(minutes=minutes_east))))
    except ValueError:
        return None


def _utc(moment: datetime) -> str | None:
    try:
        return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    except OverflowError:  # in the first or the last hours of the calendar
        return None
