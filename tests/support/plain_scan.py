"""What a search must find, worked out the slow and plain way: reading every transcript from end to end."""

from dataclasses import dataclass

from search.query.parser import Query, Slot, Term
from search.query.words import words
from transcribe.library.transcript import Transcript

WITHIN_MS = 30_000


@dataclass(frozen=True)
class Said:
    """A comparable word and when the written word that it is part of was said."""

    word: str
    start_ms: int


Place = tuple[int, int]  # number of the first word and of the last, in one transcript


def scan(transcript: Transcript, query: Query) -> list[Place]:
    """The places of all hits in one transcript, in order."""
    spoken = [written for _, written in transcript.words() if written.spoken]
    said = [Said(word, written.start_ms) for written in spoken for word in words(written.text)]
    terms = [_occurrences(said, term) for term in query.wanted]
    found = terms[0] if len(terms) == 1 else _stretches(said, terms)
    for term in query.unwanted:
        bad = [said[first].start_ms for first, _ in _occurrences(said, term)]
        found = [place for place in found if all(abs(said[place[0]].start_ms - at) > WITHIN_MS for at in bad)]
    return found


def start_ms(transcript: Transcript, place: Place) -> int:
    """When the first word of a place is said."""
    spoken = (written for _, written in transcript.words() if written.spoken)
    starts = [written.start_ms for written in spoken for _ in words(written.text)]
    return starts[place[0]]


def _occurrences(said: list[Said], term: Term) -> list[Place]:
    size = len(term.slots)
    starts = range(len(said) - size + 1)
    return [(at, at + size - 1) for at in starts if all(_is(said[at + n], slot) for n, slot in enumerate(term.slots))]


def _is(said: Said, slot: Slot) -> bool:
    return said.word.startswith(slot.word) if slot.prefix else said.word == slot.word


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
