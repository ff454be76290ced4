"""A person's text to a checked query.

    "peer to peer"     a phrase: these words next to one another, in this order
    commons market     both words within 30 s of one another
    -market            not near the rest;  -"free market" likewise
    produc*            a word that begins so

Nothing else is syntax: brackets, colons and tildes are plain text, which separates words. A quotation mark between two
Hebrew letters is typed for gershayim, and a star behind a character of a script without spaces (共有*) says nothing:
what goes on from there is found anyway.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import regex

from search.errors import QueryError
from search.query.words import is_character, words

MAX_CHARACTERS = 512
MAX_WORDS = 32
MIN_PREFIX = 2  # letters before a `*`: one letter would stand for a tenth of everything said

MAX_VARIANTS = 32  # of a term, by its synonyms

Mode = Literal["exact", "loose"]
Synonyms = Mapping[tuple[str, ...], Sequence[tuple[str, ...]]]  # words -> other words that stand for the same

_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»＂", '"'))
_GERSHAYIM = regex.compile(r'(?<=\p{Hebrew})"(?=\p{Hebrew})')
_PART = regex.compile(r'(?P<minus>(?<!\S)-)?(?:"(?P<phrase>[^"]*)"?|(?P<chunk>[^\s"]+))')


@dataclass(frozen=True, slots=True)
class Slot:
    """One word's place in a term."""

    word: str
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """Words that must stand next to one another, in this order; often a single one."""

    slots: tuple[Slot, ...]
    instead: tuple["Term", ...] = ()  # what the library's synonyms let stand for it


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: every wanted term within the time of one another, no unwanted one near."""

    text: str  # as it was typed
    wanted: tuple[Term, ...]  # at least one, none twice
    unwanted: tuple[Term, ...] = ()
    mode: Mode = "exact"


def synonyms(table: Mapping[str, Sequence[str]]) -> Synonyms:
    """From `playhead.toml`: `Bauwens = ["bowens", "bough wens"]`. Each of the three then finds them all."""
    found: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for name, heard in table.items():
        alike = [spelt for text in (name, *heard) if (spelt := tuple(words(text)))]
        for spelt in alike:
            found.setdefault(spelt, []).extend(other for other in alike if other != spelt)
    return found


def parse(text: str, mode: Mode = "exact", synonyms: Synonyms | None = None) -> Query:
    """Raises QueryError: `too_long`, `too_many_words`, `no_words`, `short_prefix`."""
    if len(text) > MAX_CHARACTERS:
        raise QueryError("too_long", f"The query has {len(text)} characters; {MAX_CHARACTERS} are the most.")
    wanted: dict[Term, None] = {}  # a set that keeps the order
    unwanted: dict[Term, None] = {}
    for part in _PART.finditer(_GERSHAYIM.sub("״", text).translate(_QUOTES)):
        if term := _term(part["phrase"], part["chunk"]):
            (unwanted if part["minus"] else wanted)[term] = None
    count = sum(len(term.slots) for term in itertools.chain(wanted, unwanted))
    if count > MAX_WORDS:
        raise QueryError("too_many_words", f"The query has {count} words; {MAX_WORDS} are the most.")
    if not wanted:
        only = "says only what to leave out" if unwanted else "has no words"
        raise QueryError("no_words", f"The query {only}: give a word, or a phrase in double quotes.")
    if synonyms:
        wanted, unwanted = ({_widened(term, synonyms): None for term in terms} for terms in (wanted, unwanted))
    return Query(text, tuple(wanted), tuple(unwanted), mode)


def _widened(term: Term, synonyms: Synonyms) -> Term:
    _, *others = itertools.islice(_variants(term.slots, synonyms), MAX_VARIANTS)  # the first is the term itself
    return dataclasses.replace(term, instead=tuple(Term(slots) for slots in others))


def _variants(slots: tuple[Slot, ...], synonyms: Synonyms) -> Iterator[tuple[Slot, ...]]:
    if not slots:
        yield ()
        return
    for rest in _variants(slots[1:], synonyms):
        yield (slots[0], *rest)
    for length in range(1, len(slots) + 1):
        if any(slot.prefix for slot in slots[:length]):
            return
        for other in synonyms.get(tuple(slot.word for slot in slots[:length]), ()):
            for rest in _variants(slots[length:], synonyms):
                yield (*map(Slot, other), *rest)


def _term(phrase: str | None, chunk: str | None) -> Term | None:
    found = words(phrase if phrase is not None else chunk or "")
    if not found:
        return None
    prefix = chunk is not None and chunk.endswith("*") and words(chunk[:-1]) == found
    if prefix and is_character(found[-1]):
        prefix = False
    if prefix and len(found[-1]) < MIN_PREFIX:
        raise QueryError("short_prefix", f"“{found[-1]}*” needs at least {MIN_PREFIX} letters before the star.")
    return Term((*(Slot(word) for word in found[:-1]), Slot(found[-1], prefix)))
