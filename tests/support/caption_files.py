"""Forty small caption files, made up from one seed, and a thousand queries about them."""

import random
from collections.abc import Iterator
from pathlib import Path

FILES, QUERIES = 40, 1000
# fmt: off
WORDS = (
    "the", "of", "to", "be", "or", "not", "a", "in", "it", "we", "peer-to-peer", "commons", "market", "network",
    "production", "knowledge", "open", "source", "don't", "café", "C++", "2", "2012", "plan", "B", "neighbors",
    "radio", "Łódź", "l'accumulation", "O'Brien", "well", "water", "share", "village", "city", "über", "naïve",
    "東京", "people", "today", "production", "networks", "producing", "shared", "sharing", "knows", "known",
    "occupy", "street", "wall",
)
# fmt: on
SPEAKERS = ("", "Ann", "Ben Smith")


def write_caption_files(folder: Path) -> list[list[str]]:
    """Writes the files, WebVTT and SubRip, into two shows' folders; gives the words of each."""
    chance = random.Random(2012)
    said = []
    for number in range(FILES):
        cues = [chance.choices(WORDS, k=chance.randint(1, 9)) for _ in range(chance.randint(3, 40))]
        path = folder / f"show-{number % 2}" / f"2012-{number % 12 + 1:02}-{number % 28 + 1:02} talk {number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if number % 4:
            path.with_name(f"{path.name}.vtt").write_text("".join(_webvtt(cues, chance)))
        else:
            path.with_name(f"{path.name}.srt").write_text("".join(_subrip(cues, chance)))
        said.append([word for cue in cues for word in cue])
    return said


def queries(said: list[list[str]]) -> list[dict[str, str]]:
    """Parameters of /api/search: phrases, several words, prefixes, exclusions, filters, stems, later pages."""
    chance = random.Random(2026)
    return [_query(chance.choice(said), number, chance) for number in range(QUERIES)]


def _query(words: list[str], number: int, chance: random.Random) -> dict[str, str]:
    at = chance.randrange(len(words))
    phrase = '"' + " ".join(words[at : at + chance.randint(1, 6)]) + '"'
    some = " ".join(chance.choices(words, k=chance.randint(1, 3)))
    kinds: list[dict[str, str]] = [
        {"q": phrase},
        {"q": phrase, "limit": "3", "offset": "2"},
        {"q": some},
        {"q": f"{some} -{chance.choice(WORDS)}"},
        {"q": f"{words[at][:3]}*"},
        {"q": phrase, "show": f"show-{number % 2}"},
        {"q": some, "mode": "loose", "sort": "relevance"},
        {"q": some, "speaker": "Ann", "within": "5"},
        {"q": phrase, "after": "2012-06", "sort": "oldest"},
        {"q": " ".join(chance.choices(WORDS, k=2)), "before": "2012-05"},
    ]
    return kinds[number % len(kinds)]


def _times(cues: list[list[str]], chance: random.Random) -> Iterator[tuple[int, int, list[str]]]:
    at = 0
    for cue in cues:
        at += chance.choice((0, 200, 4_000))
        yield at, at + 350 * len(cue), cue
        at += 350 * len(cue)


def _clock(ms: int, mark: str) -> str:
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{mark}{ms % 1000:03}"


def _webvtt(cues: list[list[str]], chance: random.Random) -> Iterator[str]:
    yield "WEBVTT\n\n"
    for start, end, cue in _times(cues, chance):
        speaker = chance.choice(SPEAKERS)
        voice = f"<v {speaker}>" if speaker else ""
        yield f"{_clock(start, '.')} --> {_clock(end, '.')}\n{voice}{' '.join(cue)}\n\n"


def _subrip(cues: list[list[str]], chance: random.Random) -> Iterator[str]:
    for number, (start, end, cue) in enumerate(_times(cues, chance), start=1):
        yield f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n{' '.join(cue)}\n\n"
