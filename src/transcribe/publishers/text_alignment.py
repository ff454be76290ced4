"""Where two tellings of the same speech have the same words: what was published, and what a recognizer hears."""

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

import regex

from transcribe.library.scripts import UNSPACED

PHRASE = 3  # words in a row that are hardly ever the same by chance
COMPARED = 250_000  # pairs of words in a stretch up to which every one is compared with every other

# A letter of a script without spaces is a word, however a recognizer cuts what it hears.
_WORD = regex.compile(rf"(?=[\p{{L}}\p{{N}}])[{UNSPACED}]|(?:(?![{UNSPACED}])[\p{{L}}\p{{N}}])+")
_APOSTROPHES = re.compile("['’‘ʼ`´]")


class Pair(NamedTuple):
    """The same word in both, by its number in each."""

    one: int
    other: int


def comparable(text: str) -> list[str]:
    """The words of a text in a form in which they can be compared: "Peer-to-peer," gives peer, to, peer."""
    folded = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", text).casefold())
    found: list[str] = _WORD.findall("".join(c for c in folded if not unicodedata.combining(c)))
    return found


def pairs(one: Sequence[str], other: Sequence[str]) -> list[Pair]:
    """The words that both have, in order, each with one of the other at most.

    Phrases that are in each of them once tell how they lie to one another; between two of these, which are close
    together, difflib finds the rest. (Bram Cohen's "patience diff"; difflib alone takes minutes for an hour of speech.)
    """
    words, owners = _parts(one)
    others, their_owners = _parts(other)
    found: list[Pair] = []
    for i, j in _matched(words, others):
        pair = Pair(owners[i], their_owners[j])
        if not found or (pair.one > found[-1].one and pair.other > found[-1].other):
            found.append(pair)
    return found


def _parts(texts: Sequence[str]) -> tuple[list[str], list[int]]:
    """Comparable words, and for each the number of the text it comes from."""
    parts = [(part, number) for number, text in enumerate(texts) for part in comparable(text)]
    return [part for part, _ in parts], [number for _, number in parts]


def _matched(one: Sequence[str], other: Sequence[str]) -> Iterator[tuple[int, int]]:
    places, their_places = _unique(one), _unique(other)  # where phrases begin that each has once
    both = sorted((i, their_places[phrase]) for phrase, i in places.items() if phrase in their_places)
    anchors = [(i + n, j + n) for i, j in _longest_rising(both) for n in range(PHRASE)]
    before = (-1, -1)
    for anchor in [*sorted(set(anchors)), (len(one), len(other))]:
        if anchor[0] <= before[0] or anchor[1] <= before[1]:
            continue  # two phrases overlap in one text and not in the other
        (i, j), (end_i, end_j) = (before[0] + 1, before[1] + 1), anchor
        if 0 < (end_i - i) * (end_j - j) <= COMPARED:
            matcher = SequenceMatcher(None, one[i:end_i], other[j:end_j], False)
            for at, their_at, length in matcher.get_matching_blocks():
                yield from ((i + at + n, j + their_at + n) for n in range(length))
        if anchor[0] < len(one):
            yield anchor
        before = anchor


def _unique(words: Sequence[str]) -> dict[tuple[str, ...], int]:
    phrases = list(zip(*(words[n:] for n in range(PHRASE)), strict=False))
    counts = Counter(phrases)
    return {phrase: at for at, phrase in enumerate(phrases) if counts[phrase] == 1}


def _longest_rising(points: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest run of points whose second number rises as the first does (patience sorting)."""
    tops: list[int] = []  # the least second number in which a run of that length can end
    ends: list[int] = []  # and the point that has it
    previous: list[int] = []
    for number, (_, j) in enumerate(points):
        at = bisect_left(tops, j)
        previous.append(ends[at - 1] if at else -1)
        tops[at : at + 1], ends[at : at + 1] = [j], [number]
    run: list[tuple[int, int]] = []
    at = ends[-1] if ends else -1
    while at >= 0:
        run.append(points[at])
        at = previous[at]
    return run[::-1]
