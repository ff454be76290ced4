"""Whether a published text belongs to the stored audio: a few spots are heard, and their words looked for in it.

Inserted advertisements move all that follows. So the spots lie over the whole length, the last near the end.
"""

import itertools
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from transcribe.audio.voice_activity import Piece
from transcribe.library.clock import clock
from transcribe.library.transcript import Span, Word
from transcribe.publishers.text_alignment import Pair, comparable, pairs


@dataclass(frozen=True, slots=True)
class MatchOptions:
    """When words that are heard are those that were published."""

    spots: int = 5
    spot_ms: int = 15_000  # of speech, some forty words
    least_words: int = 12  # fewer say nothing
    # The share of the heard words that are published too, in the same order. PocketSphinx hears flite so well that at
    # the right time the share is 0.85 to 0.95; with noise, until it mistakes half of all words, 0.24 to 0.75. At a
    # wrong time it is 0.21 at most, and at the best place in the text of another talk 0.32.
    like: float = 0.35
    like_elsewhere: float = 0.45
    put_in: int = 40  # words, a quarter of a minute, that only one of the two has in one place
    nearby_ms: int = 2_000  # that the words may be off: captions are shown a little early or late
    counting: int = 8  # words: a recognizer adds and leaves out some, so places are as exact as this


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in the published text the words of a spot are found."""

    share: float  # of the heard words, 0 to 1
    shift_ms: int  # how much later they are heard than is published


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The published text is not that of the stored audio; the text says why."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class Match:
    """The published text is that of the stored audio."""

    found: int  # spots, or words heard, that the text has
    of: int
    shift_ms: int  # how much later words are said than published: seldom more than captions are imprecise


def spots(pieces: Iterable[Piece], until_ms: int, options: MatchOptions | None = None) -> Iterator[Piece]:
    """Stretches of speech, as even over the time up to `until_ms` as the pieces allow; all pieces are taken."""
    options = options or MatchOptions()
    last = max(0, until_ms - 2 * options.spot_ms)
    wanted = [last * number // max(1, options.spots - 1) for number in range(options.spots)]
    for piece in pieces:
        if wanted and piece.end_ms >= wanted[0] + options.spot_ms // 2:
            start = max(piece.start_ms, min(wanted[0], piece.end_ms - options.spot_ms))
            yield _cut(piece, start, min(piece.end_ms, start + options.spot_ms))
            wanted = [each for each in wanted[1:] if each > start]


def verify_timed(
    heard: Sequence[Sequence[Word]], words: Sequence[Word], options: MatchOptions | None = None
) -> Match | Mismatch | None:
    """What the words heard at each spot say of the published ones; None where too few are heard to say anything.

    A spot that is found nowhere, in music or in a foreign tongue, is outvoted by the others. Something inserted moves
    all that follows, so the last that is found tells of it; one before may be a teaser, which comes again later.
    """
    options = options or MatchOptions()
    published = _Published(words, options)
    telling = [spot for spot in heard if len(spot) >= options.least_words]
    places = [(spot, place) for spot in telling if (place := published.place(spot))]
    if places and abs(places[-1][1].shift_ms) > options.nearby_ms:
        spot, place = places[-1]
        return Mismatch(_told(spot, place.shift_ms))
    if 2 * len(places) < len(telling):
        return Mismatch(f"at {len(telling) - len(places)} of {len(telling)} places other words are heard")
    if not places:
        return None
    return Match(len(places), len(telling), round(median(place.shift_ms for _, place in places)))


def verify_untimed(
    texts: Sequence[str], heard: Sequence[Word], options: MatchOptions | None = None
) -> Match | Mismatch:
    """What all the words that are heard say of published ones without times.

    The text may be mended and the hearing bad; but where many more words are heard between two that both have than are
    written there, something was put into the audio, and where many more are written, something is missing from it.
    """
    options = options or MatchOptions()
    found = pairs(texts, [word.text for word in heard])
    if not found or len(found) < options.like * min(len(heard), len(texts)):
        return Mismatch(f"of {len(heard)} words heard {len(found)} are in it")
    ends = [Pair(-1, -1), *found, Pair(len(texts), len(heard))]
    for before, after in itertools.pairwise(ends):
        more = (after.other - before.other) - (after.one - before.one)
        if abs(more) >= options.put_in:
            at = heard[min(before.other + 1, len(heard) - 1)].start_ms
            where = "are heard that it does not have" if more > 0 else "of it are not heard"
            return Mismatch(f"at {clock(at)} {abs(more)} words {where}")
    return Match(len(found), len(heard), 0)


class _Published:
    """Published words, to look up what is heard."""

    def __init__(self, words: Sequence[Word], options: MatchOptions) -> None:
        self._words, self._options = words, options
        self._starts = [word.start_ms for word in words]
        self._parts = [(part, number) for number, word in enumerate(words) for part in comparable(word.text)]
        self._places: dict[tuple[str, str], list[int]] = defaultdict(list)
        for at, ((one, _), (two, _)) in enumerate(itertools.pairwise(self._parts)):
            self._places[one, two].append(at)

    def place(self, heard: Sequence[Word]) -> Spot | None:
        """Where the words of a spot are: at their time, or else wherever they are clearly found."""
        here = self._here(heard)
        if here and here.share >= self._options.like:
            return here
        elsewhere = self._anywhere(heard)
        return elsewhere if elsewhere and elsewhere.share >= self._options.like_elsewhere else None

    def _here(self, heard: Sequence[Word]) -> Spot | None:
        """At the time when it is heard."""
        first = bisect_left(self._starts, heard[0].start_ms - self._options.nearby_ms)
        end = bisect_left(self._starts, heard[-1].end_ms + self._options.nearby_ms)
        return self._place_within(heard, first, end)

    def _anywhere(self, heard: Sequence[Word]) -> Spot | None:
        """Where most pairs of neighbouring words lie as in what is heard; a pair that is common counts for less."""
        parts = [part for word in heard for part in comparable(word.text)]
        votes: Counter[int] = Counter()
        for at, pair in enumerate(itertools.pairwise(parts)):
            places = self._places.get(pair, ())
            for place in places:
                votes[(place - at) // self._options.counting] += 1 / len(places)  # type: ignore[assignment]
        if not votes:
            return None
        best = max(votes, key=lambda bucket: (votes[bucket - 1] + votes[bucket] + votes[bucket + 1], bucket))
        first = max(0, (best - 1) * self._options.counting)
        last = min(len(self._parts) - 1, (best + 2) * self._options.counting + len(parts))
        return self._place_within(heard, self._parts[first][1], self._parts[last][1] + 1)

    def _place_within(self, heard: Sequence[Word], first: int, end: int) -> Spot | None:
        found = pairs([word.text for word in heard], [word.text for word in self._words[first:end]])
        if not found:
            return None
        shifts = [heard[pair.one].start_ms - self._starts[first + pair.other] for pair in found]
        return Spot(len(found) / len(heard), round(median(shifts)))


def _told(spot: Sequence[Word], shift_ms: int) -> str:
    off = f"{abs(shift_ms) / 1000:.1f} s {'earlier' if shift_ms > 0 else 'later'}"
    return f"what is said at {clock(spot[0].start_ms)} was published as {off}"


def _cut(piece: Piece, start_ms: int, end_ms: int) -> Piece:
    sound = piece.audio[start_ms - piece.start_ms : end_ms - piece.start_ms]
    inside: list[Span] = [(max(a, start_ms), min(b, end_ms)) for a, b in piece.speech if a < end_ms and b > start_ms]
    return Piece(start_ms, sound, tuple(inside), piece.likelihood)
