"""What was said in the captions, word by word: rows for the peers, queries drawn from it, and the plain scan."""

import itertools
import random
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from search.query.words import words
from transcribe.library.store import Library
from transcribe.publishers.caption_import import import_captions, walk

SHOW = "Talk Python"
ROW_WORDS = 400

Phrase = tuple[str, ...]


class Row(NamedTuple):
    """A caption, or several joined."""

    episode: int
    start_ms: int
    text: str  # comparable words with spaces between


@dataclass(frozen=True)
class Said:
    """One episode's comparable words, and the numbers of those that begin a caption."""

    words: list[str]
    begins: list[int]


class Asked(NamedTuple):
    """A query that every system can be asked in its own language."""

    kind: str  # word, phrase, near or prefix
    words: Phrase


def take_in(captions: Path, library: Library, rows: Path, files: int | None) -> None:
    """Imports caption files into the library, as `playhead import` does, and writes their words for the peers."""
    taken: set[str] = set()
    with rows.open("w") as out:
        for number, path in enumerate(walk([captions])[:files]):
            transcript = import_captions(path, SHOW, taken=taken)
            library.save_transcript(transcript)
            taken.add(transcript.episode.id)
            for segment in transcript.segments:
                out.write(f"{number}\t{segment.start_ms}\t{' '.join(words(segment.text))}\n")


def cues(rows: Path) -> Iterator[Row]:
    """A row per caption."""
    with rows.open() as lines:
        for line in lines:
            episode, start_ms, text = line.rstrip("\n").split("\t")
            yield Row(int(episode), int(start_ms), text)


def stretches(rows: Path) -> Iterator[Row]:
    """A row per 400 words of an episode, wherever captions end."""
    for episode, group in itertools.groupby(cues(rows), key=itemgetter(0)):
        timed = [(cue.start_ms, word) for cue in group for word in cue.text.split()]
        for at in range(0, len(timed), ROW_WORDS):
            part = timed[at : at + ROW_WORDS]
            yield Row(episode, part[0][0], " ".join(word for _, word in part))


class Corpus:
    """All episodes, in memory."""

    def __init__(self, rows: Path) -> None:
        self.episodes = [_said(list(group)) for _, group in itertools.groupby(cues(rows), key=itemgetter(0))]
        self.counts = Counter(itertools.chain.from_iterable(episode.words for episode in self.episodes))
        self.cues = sum(len(episode.begins) for episode in self.episodes)
        self._lexicon = sorted(self.counts)
        self._weights = [len(episode.words) for episode in self.episodes]

    def word(self, random: random.Random) -> str:
        """Half of them as often as they are said, half any word that is."""
        if random.random() < 0.5:
            return random.choice(self._lexicon)
        return random.choice(self._episode(random).words)

    def beginning(self, random: random.Random) -> str:
        """Three to five letters that longer words begin with."""
        size = random.randint(3, 5)
        while True:
            word = self.word(random)
            if len(word) > size and word[:size].isalpha():
                return word[:size]

    def inside(self, random: random.Random, size: int) -> Phrase:
        """A phrase within one caption."""
        while True:
            episode = self._episode(random)
            number = random.randrange(len(episode.begins))
            begin, end = (*episode.begins, len(episode.words))[number : number + 2]
            if end - begin >= size:
                at = random.randint(begin, end - size)
                return tuple(episode.words[at : at + size])

    def across(self, random: random.Random, size: int) -> Phrase:
        """A phrase of at least two words with a caption's edge in it."""
        while True:
            episode = self._episode(random)
            at = random.choice(episode.begins) - random.randint(1, size - 1)
            if 0 <= at <= len(episode.words) - size:
                return tuple(episode.words[at : at + size])

    def pair(self, random: random.Random) -> Phrase:
        """Two different words said within a few seconds."""
        while True:
            said = self._episode(random).words
            at = random.randrange(len(said))
            other = min(len(said) - 1, at + random.randint(2, 40))
            if said[at] != said[other]:
                return said[at], said[other]

    def commonest(self, *numbers: int) -> list[Phrase]:
        """So many of the commonest phrases of two words, of three and so on.

        A phrase is never commoner than its own beginning, so only what begins with a common one is counted.
        """
        common: set[Phrase] = {(word,) for word in self.counts}
        found: list[Phrase] = []
        for size, number in enumerate(numbers, 2):
            counts = Counter(
                gram
                for episode in self.episodes
                for gram in zip(*(episode.words[n:] for n in range(size)), strict=False)
                if gram[:-1] in common
            )
            found += [gram for gram, _ in counts.most_common(number)]
            common = {gram for gram, _ in counts.most_common(2_000)}
        return found

    def occurrences(self, wanted: Collection[Phrase]) -> Counter[Phrase]:
        """How often each phrase is said: a plain scan of all words, which knows nothing of any index."""
        found: Counter[Phrase] = Counter({phrase: self.counts[phrase[0]] for phrase in wanted if len(phrase) == 1})
        by_opening: dict[Phrase, list[Phrase]] = {}
        for phrase in set(wanted):
            if len(phrase) > 1:
                by_opening.setdefault(phrase[:2], []).append(phrase)
        for episode in self.episodes:
            for at, opening in enumerate(itertools.pairwise(episode.words)):
                for phrase in by_opening.get(opening, ()):
                    found[phrase] += tuple(episode.words[at : at + len(phrase)]) == phrase
        return found

    def _episode(self, random: random.Random) -> Said:
        return random.choices(self.episodes, self._weights)[0]


def _said(group: Sequence[Row]) -> Said:
    said: list[str] = []
    begins: list[int] = []
    for cue in group:
        if cue.text:
            begins.append(len(said))
            said += cue.text.split()
    return Said(said, begins)
