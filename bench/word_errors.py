"""How far what was heard is from what was said."""

import re
from collections.abc import Iterable, Sequence

import numpy as np


def errors(reference: Sequence[str], heard: Sequence[str]) -> int:
    """Words to put in, take out or change to make one of the other: Levenshtein's distance."""
    there, column = np.array(heard, dtype=np.str_), np.arange(len(heard) + 1)
    row = column
    for number, word in enumerate(reference, 1):
        taken = np.minimum(row[1:] + 1, row[:-1] + (there != word))
        row = np.minimum.accumulate(np.append(number, taken) - column) + column  # a word put in costs one a column
    return int(row[-1])


def plain(words: Iterable[str]) -> list[str]:
    """Small letters alone, as the micro Whisper's vocabulary has them; what holds no letter is no word."""
    letters = (re.sub(r"[^a-z]", "", word.lower()) for word in words)
    return [word for word in letters if word]
