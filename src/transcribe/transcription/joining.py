"""The words of pieces one after the other: each once where speech was cut in the middle, and none without length.

Pieces on both sides of such a cut were heard with the sound beyond it, so a word at the cut may have been heard in
both, and each may hold the other for its place. What was heard beyond the cut has no length, at the piece's edge.
"""

import dataclasses
import itertools
import re
from collections.abc import Sequence

from transcribe.library.transcript import Word
from transcribe.transcription.utterance import Utterance

SHORT_MS = 150  # that a word lasts at most of which it is only known when it begins
AT_THE_CUT_MS = 300  # two hearings of one word are no further than that from the cut


def joined_words(utterances: Sequence[Utterance]) -> list[tuple[str | None, list[Word]]]:
    """All words in order, those at a cut once: a list for each stretch of one language, with that language."""
    stretches: list[tuple[str | None, list[Word]]] = []
    cut_ms: int | None = None
    for utterance in utterances:
        own = list(utterance.words)
        if stretches and utterance.span[0] == cut_ms:
            _join(stretches[-1][1], own, cut_ms)
        if stretches and stretches[-1][0] == utterance.language:
            stretches[-1][1].extend(own)
        else:
            stretches.append((utterance.language, own))
        cut_ms = utterance.span[1]
    return stretches


def lasting(words: Sequence[Word]) -> list[Word]:
    """The same words, those without length given some: of the time up to the next word, or else of a neighbour's.

    In fast talk the alignment gives several words one moment.
    """
    found, at = list(words), 0
    while at < len(found):
        end = at
        while end < len(found) and found[end].start_ms == found[end].end_ms:
            end += 1
        if end > at and not (at and found[at - 1].end_ms > found[at].start_ms):  # people speaking at once
            _lengthen(found, at, end)
        at = end + 1
    return found


def _lengthen(words: list[Word], first: int, end: int) -> None:
    """Spreads words from `first` to before `end`, which have no length."""
    start_ms = words[first].start_ms
    if end < len(words) and words[end].start_ms > start_ms:
        latest = min(words[end].start_ms, words[end - 1].start_ms + SHORT_MS)
    elif end < len(words):
        latest = min([words[end].end_ms, *(word.start_ms for word in words[end + 1 : end + 2])])
        end += 1
    elif first:
        first -= 1
        start_ms, latest = words[first].start_ms, words[first].end_ms
    else:
        return
    if latest - start_ms >= end - first:
        _spread(words, first, end, start_ms, latest)


def _spread(words: list[Word], first: int, end: int, start_ms: int, end_ms: int) -> None:
    """Lays words one after the other over a time, by their characters."""
    sums = list(itertools.accumulate((len(word.text) for word in words[first:end]), initial=0))
    edges = [start_ms + (end_ms - start_ms) * part // max(1, sums[-1]) for part in sums]
    for number, (start, stop) in enumerate(itertools.pairwise(edges), first):
        words[number] = dataclasses.replace(words[number], start_ms=start, end_ms=stop)


def _join(before: list[Word], after: list[Word], cut_ms: int) -> None:
    """Takes out of the words on both sides of a cut what does not belong there."""
    later, sooner = _beyond(before[::-1], cut_ms), _beyond(after, cut_ms)
    missing = later and sooner and _same(before[-1], after[0])  # each took it for the other's
    del before[len(before) - later + bool(missing) :], after[:sooner]
    if before and after and not missing and _same(before[-1], after[0]):
        near = before[-1].end_ms >= cut_ms - AT_THE_CUT_MS and after[0].start_ms <= cut_ms + AT_THE_CUT_MS
        del after[: int(near)]


def _beyond(words: Sequence[Word], cut_ms: int) -> int:
    """How many of the words, from the cut on, are said on its other side."""
    return next((n for n, word in enumerate(words) if not word.start_ms == word.end_ms == cut_ms), len(words))


def _same(one: Word, other: Word) -> bool:
    texts = [re.sub(r"\W", "", word.text.casefold()) for word in (one, other)]
    return texts[0] == texts[1]
