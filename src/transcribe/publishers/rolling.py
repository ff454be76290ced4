"""Captions that show what they have shown before, made such that each word is there once, at its best time.

Three kinds: lines that roll up (YouTube's, and broadcasters' in two or three lines), lines to which words are added,
and karaoke, which shows a line once for each word and marks that word.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

from transcribe.publishers.cue_markup import Shown, Token

_NEAR_MS = 3_000  # a line that comes again later is said again
_FLASH_MS = 100  # a cue that is shown no longer repeats what is about to roll up
_SHARE = 0.6  # of the cues near to one another, those that begin with what is shown already: more is no chance
_STEM = ".,;:!?…\"'”’»)]-–—>"


def each_once(cues: Sequence[Shown]) -> list[Shown]:
    """The cues, in order, without words that they show a second time."""
    sung = list(_unmarked(cues))
    if not _rolls(sung):
        return sung
    fresh = ((cue, cue.tokens[shown or 0 :]) for cue, shown in _with_repeats(sung))
    return [dataclasses.replace(cue, tokens=tokens) for cue, tokens in fresh if tokens]


def _unmarked(cues: Sequence[Shown]) -> Iterator[Shown]:
    """Cues of the same text that mark one word after another made one, which times these words."""
    for _, same in itertools.groupby(cues, key=lambda cue: (cue.speaker, _words(cue))):
        group = list(same)
        marks = {tuple(token.marked for token in cue.tokens) for cue in group}
        timed = any(token.start_ms is not None for cue in group for token in cue.tokens)
        if len(group) > 1 and not timed and len(marks) > 1 and any(any(mark) and not all(mark) for mark in marks):
            yield from map(_sung, _passes(group))
        else:
            yield from group


def _passes(group: Sequence[Shown]) -> Iterator[list[Shown]]:
    """Cues of the same text, cut where the marks begin anew: there the line is sung again."""
    sung, latest = list[Shown](), -1
    for cue in group:
        marked = next((number for number, token in enumerate(cue.tokens) if token.marked), None)
        if marked is not None and marked < latest and not cue.tokens[latest].marked:
            yield sung
            sung, latest = [], -1
        sung.append(cue)
        latest = max(latest, -1 if marked is None else marked)
    yield sung


def _sung(group: Sequence[Shown]) -> Shown:
    """One cue of several that show the same line; each word begins when it is first marked."""
    begins: dict[int, int] = {}
    for cue in group:
        for number, token in enumerate(cue.tokens):
            if token.marked:
                begins.setdefault(number, cue.start_ms)
    tokens = tuple(
        dataclasses.replace(token, start_ms=begins.get(number), marked=False)
        for number, token in enumerate(group[0].tokens)
    )
    return Shown(group[0].start_ms, max(cue.end_ms for cue in group), tokens, group[0].speaker)


def _rolls(cues: Sequence[Shown]) -> bool:
    """Whether cues repeat what is shown already: known by their inline times, or because most of them do."""
    near = repeating = grown = sure = carried = 0
    for before, (cue, shown) in zip([None, *cues], _with_repeats(cues), strict=False):
        near += shown is not None
        if not shown or before is None:
            continue
        repeating += 1
        flash = shown == len(cue.tokens) and cue.end_ms - cue.start_ms <= _FLASH_MS
        grown += flash or shown < len(cue.tokens)
        carried += shown < len(cue.tokens)
        # All that was shown is shown again, or lines of it are, and what is new begins a line.
        sure += flash or (
            shown < len(cue.tokens)
            and (shown == len(before.tokens) or cue.tokens[shown].line != cue.tokens[shown - 1].line)
        )
    if any(token.start_ms is not None and not token.word for cue in cues for token in cue.tokens):
        return grown > 0 and 2 * repeating >= near
    return carried > 0 and (sure > 1 or grown > 2) and repeating >= _SHARE * near


def _with_repeats(cues: Sequence[Shown]) -> Iterator[tuple[Shown, int | None]]:
    """Each cue, and how many of its first words are shown already; None where nothing was, shortly before."""
    before: Shown | None = None
    fresh = 0  # words at the end of the cue before that were new in it
    for cue in cues:
        near = before is not None and cue.start_ms - before.end_ms <= _NEAR_MS
        shown = _overlap(before.tokens, cue.tokens, fresh) if before and near else 0
        yield cue, shown if near else None
        fresh = len(cue.tokens) - shown or min(fresh, len(cue.tokens))
        before = cue


def _overlap(before: Sequence[Token], now: Sequence[Token], least: int) -> int:
    """The most words that one ends with and the other begins with; 0 where they are fewer than `least`.

    Fewer may roll up where they are whole lines: then the lines above them are gone.
    """
    one, other = [_bare(token) for token in before], [_bare(token) for token in now]
    for size in range(min(len(one), len(other)), 0, -1):
        lines = _begins_line(before, len(before) - size) and _begins_line(now, size)
        if one[-size:] == other[:size] and (size >= least or lines):
            return size
    return 0


def _begins_line(tokens: Sequence[Token], at: int) -> bool:
    """Whether a line begins at that word, or the text ends before it."""
    return at == len(tokens) or (at > 0 and tokens[at].line != tokens[at - 1].line)


def _words(cue: Shown) -> tuple[str, ...]:
    return tuple(token.text for token in cue.tokens)


def _bare(token: Token) -> str:
    return token.text.casefold().strip(_STEM) or token.text
