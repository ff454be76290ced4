"""Which words may have been meant by one that nobody says."""

from collections.abc import Callable, Mapping

SUGGESTIONS = 3
LONGEST_GUESSED = 24  # letters of the word; the work grows with each
FARTHEST = 2  # letters to be changed


def nearest(word: str, within: Callable[[int], Mapping[str, float]]) -> list[str]:
    """Words at most two letters away, the nearest and commonest first; none for very long ones.

    `within` gives those so many letters away that begin alike, and how often each is said. Of two equally far away, one
    with the same letters in another order comes first.
    """
    if len(word) > LONGEST_GUESSED:
        return []
    for distance in range(1, min(FARTHEST, len(word) - 2) + 1):
        if near := within(distance):
            return sorted(near, key=lambda other: (sorted(word) == sorted(other), near[other]), reverse=True)[
                :SUGGESTIONS
            ]
    return []
