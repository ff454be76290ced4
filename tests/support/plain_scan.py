"""What a search must find, worked out the slow and plain way: reading every transcript from end to end."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from search.query.parser import Query, Slot, Term
from search.query.stems import are_alike
from search.query.words import words
from transcribe.library.transcript import Transcript, Word, gap

WITHIN_MS = 30_000


@dataclass(frozen=True)
class Said:
    """A comparable word and when the written word that it is part of was said."""

    word: str
    start_ms: int


Place = tuple[int, int]  # number of the first word and of the last, in one transcript


def scan(transcript: Transcript, query: Query) -> list[Place]:
    """The places of all hits in one transcript, in order."""
    said = everything(transcript)
    loose = query.mode == "loose"
    terms = [_occurrences(said, term, loose) for term in query.wanted]
    found = terms[0] if len(terms) == 1 else _stretches(said, terms)
    for term in query.unwanted:
        bad = [said[first].start_ms for first, _ in _occurrences(said, term, loose)]
        found = [place for place in found if all(abs(said[place[0]].start_ms - at) > WITHIN_MS for at in bad)]
    return found


def everything(transcript: Transcript) -> list[Said]:
    """All comparable words of what was spoken, in order. What is written without a space between is read in one."""
    said: list[Said] = []
    for segment in transcript.segments:
        for stretch in _stretches_without_space(segment.words):
            said += _read(stretch)
    return said


def start_ms(transcript: Transcript, place: Place) -> int:
    """When the first word of a place is said."""
    return everything(transcript)[place[0]].start_ms


def _stretches_without_space(written: Sequence[Word]) -> list[list[Word]]:
    stretches: list[list[Word]] = []
    for number, word in enumerate(written):
        before = written[number - 1] if number else None
        if before and before.spoken and word.spoken and _is_one_with(before, word):
            stretches[-1].append(word)
        elif word.spoken:
            stretches.append([word])
    return stretches


def _is_one_with(before: Word, word: Word) -> bool:
    """Joined to it; older transcripts also have a space between a consonant and its vowel sign."""
    return not gap(before.text, word.text, word.joined) or unicodedata.category(word.text[0])[0] == "M"


def _read(stretch: Sequence[Word]) -> list[Said]:
    """The words of it, each with the start of its written word. Pieces that a word reaches across are one."""
    so_far = [words("".join(word.text for word in stretch[: n + 1])) for n in range(len(stretch))]
    first = list(range(len(stretch)))  # the piece that each piece's written word begins with
    found: list[Said] = []
    for at, word in enumerate(so_far[-1]):
        begun = next(n for n, some in enumerate(so_far) if len(some) > at)
        whole = 1 + max((n for n, some in enumerate(so_far) if some[at : at + 1] != [word]), default=-1)
        first[begun : whole + 1] = [first[begun]] * (max(begun, whole) + 1 - begun)
        found.append(Said(word, stretch[first[begun]].start_ms))
    return found


def _occurrences(said: list[Said], term: Term, loose: bool) -> list[Place]:
    size = len(term.slots)
    starts = range(len(said) - size + 1)
    return [
        (at, at + size - 1) for at in starts if all(_is(said[at + n], slot, loose) for n, slot in enumerate(term.slots))
    ]


def _is(said: Said, slot: Slot, loose: bool) -> bool:
    if slot.prefix:
        return said.word.startswith(slot.word)
    return are_alike(slot.word, said.word) if loose else said.word == slot.word


def _stretches(said: list[Said], terms: list[list[Place]]) -> list[Place]:
    """From left to right: the stretch that ends first, as short as it can be; then on behind it."""
    found: list[Place] = []
    for end in range(len(said)):
        latest = [max((place for place in places if place[0] <= end), default=None) for places in terms]
        if any(place is None for place in latest) or end not in {place[0] for place in latest if place}:
            continue
        chosen = [place for place in latest if place]
        first, last = min(chosen)[0], max(place[1] for place in chosen)
        before = [max((p for p in places if p[0] <= end - 1), default=None) for places in terms]
        if all(before) and min(place[0] for place in before if place) == first:
            continue  # a shorter stretch from the same word ended before
        if abs(said[end].start_ms - said[first].start_ms) <= WITHIN_MS and (not found or first > found[-1][1]):
            found.append((first, last))
    return found
