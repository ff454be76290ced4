"""What a caption file, a publisher's transcript or a typed text says was said: stretches of text, one speaker's each.

One type for all of them. A caption has times, a paragraph of a text may have none.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Literal

import regex

from transcribe.library.scripts import CUT_OFF, FULL_WIDTH_MARKS, IDEOGRAPHS, SOUTH_EAST_ASIAN
from transcribe.library.transcript import Word, gap
from transcribe.publishers.sounds import spoken

Form = Literal["json", "ttml", "vtt", "ass", "srt", "sbv", "lrc", "tsv", "html", "docx", "txt"]
SUFFIXES: dict[str, Form] = {
    ".json": "json",
    ".ttml": "ttml",
    ".dfxp": "ttml",
    ".xml": "ttml",
    ".vtt": "vtt",
    ".webvtt": "vtt",
    ".ass": "ass",
    ".ssa": "ass",
    ".srt": "srt",
    ".sbv": "sbv",
    ".lrc": "lrc",
    ".tsv": "tsv",
    ".html": "html",
    ".htm": "html",
    ".docx": "docx",
    ".txt": "txt",
    ".text": "txt",
    ".md": "txt",
}
PUBLISHED = "published"  # the name of the engine in transcripts made of what publishers wrote

_WORD_BY_WORD = 1.5  # words a caption, on average, under which a file times words, not lines
# A character of a script without spaces, with the stops behind it, is a word, so that each has a time of its own.
_IDEOGRAPH = regex.compile(f"[{IDEOGRAPHS}]")
_WRITTEN = regex.compile(rf"{CUT_OFF}[{FULL_WIDTH_MARKS}]*|(?:(?!{CUT_OFF})\S)+")
# Thai, Lao, Burmese and Khmer have no spaces between words: these are about so many letters long.
_UNSPACED = regex.compile(f"[{SOUTH_EAST_ASIAN}]")
_LETTERS_A_WORD = 5
_CHARACTERS_A_WORD = 2  # of Chinese and Japanese


@dataclass(frozen=True, slots=True)
class Cue:
    """A stretch of text, one speaker's: a caption or a paragraph."""

    text: str  # one line, not empty, without markup
    speaker: str | None = None
    start_ms: int | None = None  # None where the text does not say when
    end_ms: int | None = None  # never without a start, nor before it
    words: tuple[Word, ...] = ()  # where it says when each word begins; else empty
    aside: bool = False  # said into another one's sentence: shown, and no part of the row of words

    def written(self) -> list[Word]:
        """Its words, timed as the file has it or with a share of the cue's time each; unspoken ones are marked."""
        if self.words:
            return [dataclasses.replace(word, spoken=False) for word in self.words] if self.aside else list(self.words)
        return spread_words(self.text, self.start_ms or 0, self.end_ms or self.start_ms or 0, self.aside)


@dataclass(frozen=True, slots=True)
class Script:
    """All that a file says was said."""

    form: Form
    cues: tuple[Cue, ...]  # in the order of speech; times where they are known never go back
    language: str | None = None  # ISO 639, as the file itself names it
    repairs: int = 0  # cues whose times had to be put right, or that had to be dropped for want of any
    notes: tuple[str, ...] = ()  # what else was dropped, repaired or guessed, for a person

    @property
    def times_words(self) -> bool:
        """Whether it says when words were said, and not only cues."""
        return bool(self.cues) and all(cue.words for cue in self.cues)

    @property
    def is_timed(self) -> bool:
        """Whether it says of every cue when it was said."""
        return bool(self.cues) and all(cue.start_ms is not None for cue in self.cues)


def told(script: Script) -> tuple[str, ...]:
    """What a person should know of what became of the file."""
    several = "times were" if script.repairs > 1 else "time was"
    mended = (f"{script.repairs} {several} put right or left out",) if script.repairs else ()
    return (*mended, *script.notes)


def are_words(texts: Sequence[str]) -> bool:
    """Whether captions with these texts are single words, as in some podcasts' JSON, and not lines."""
    return sum(map(_words_in, texts)) < _WORD_BY_WORD * len(texts)


def _words_in(text: str) -> float:
    tokens: list[str] = _WRITTEN.findall(text)
    ideographs = sum(_IDEOGRAPH.match(token) is not None for token in tokens)
    letters = sum(len(token) for token in tokens if _UNSPACED.match(token))
    rest = sum(not (_IDEOGRAPH.match(token) or _UNSPACED.match(token)) for token in tokens)
    return ideographs / _CHARACTERS_A_WORD + (max(1.0, letters / _LETTERS_A_WORD) if letters else 0) + rest


def written_words(text: str) -> list[tuple[str, bool | None]]:
    """The words of a text as they are written, each with whether it is joined to the one before.

    That is None where it follows from the two words, as between Chinese characters.
    """
    found: list[tuple[str, bool | None]] = []
    before = None
    for match in _WRITTEN.finditer(text):
        stands = before is not None and before.end() == match.start()
        said = before is None or (gap(before[0], match[0]) == "") == stands
        found.append((match[0], None if said else stands))
        before = match
    return found


def spread(texts: Sequence[str], start_ms: int, end_ms: int, gaps: Sequence[int] = ()) -> list[Word]:
    """Texts one after the other, each with a share of the time by its length and the space behind it.

    `gaps` says how many spaces stand behind each; one where it is not given.
    """
    sizes = zip(texts, gaps or (1,) * len(texts), strict=True)
    marks = list(accumulate((len(text) + space for text, space in sizes), initial=0))
    whole = marks[-1] or 1
    bounds = [start_ms + (end_ms - start_ms) * mark // whole for mark in marks]
    return [Word(start, end, text) for text, (start, end) in zip(texts, pairwise(bounds), strict=True)]


def spread_words(text: str, start_ms: int, end_ms: int, aside: bool = False) -> list[Word]:
    """The words of a text with a share of the time each; those that are not spoken are marked."""
    written = written_words(text)
    said = [not aside and each for each in spoken([word for word, _ in written], [joined for _, joined in written])]
    texts = [word for word, _ in written]
    gaps = [len(gap(one, other, joined)) for one, (other, joined) in zip(texts, written[1:], strict=False)]
    timed = spread(texts, start_ms, end_ms, [*gaps, 1] if texts else [])
    return [
        dataclasses.replace(word, joined=joined, spoken=each)
        for word, (_, joined), each in zip(timed, written, said, strict=True)
    ]
