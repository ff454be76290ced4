"""Which words may have been meant by one that nobody says. Only words are offered that somebody does say."""

from collections.abc import Callable, Mapping

from search.query.words import is_character

SUGGESTIONS = 3
LONGEST_GUESSED = 24  # letters of the word; the work grows with each
FARTHEST = 2  # letters to be changed


def nearest(word: str, within: Callable[[int], Mapping[str, float]]) -> list[str]:
    """Words at most two letters away, the nearest and commonest first; none for very long ones, or single characters.

    `within` gives those so many letters away that begin alike, and how often each is said. Of two equally far away, one
    with the same letters in another order comes first.
    """
    if len(word) > LONGEST_GUESSED or is_character(word):
        return []
    for distance in range(1, min(FARTHEST, len(word) - 2) + 1):
        if near := within(distance):
            return sorted(near, key=lambda other: (sorted(word) == sorted(other), near[other]), reverse=True)[
                :SUGGESTIONS
            ]
    return []


def commonest(counts: Mapping[str, float]) -> list[str]:
    """A few words to offer, of those that loose mode would find, the most said first."""
    return sorted(counts, key=lambda word: (-counts[word], word))[:SUGGESTIONS]
