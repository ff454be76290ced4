"""One reader for all files that say what was said and when: imported captions and publishers' transcripts.

A form's own module gives its cues as they stand there; here they become a `Script`: times put right, each word once,
speakers told from text.
"""

import dataclasses
import itertools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path

from transcribe.errors import TranscriptError
from transcribe.library.transcript import Word, joined
from transcribe.publishers.caption_blocks import is_ours, read_blocks
from transcribe.publishers.cue_markup import Shown, Token, timed_words, tokens_of
from transcribe.publishers.given import Given, GivenScript
from transcribe.publishers.lyrics import read_lrc, read_tsv
from transcribe.publishers.rolling import each_once
from transcribe.publishers.script import SUFFIXES, Cue, Form, Script, are_words, spread
from transcribe.publishers.sounds import set_apart, spoken
from transcribe.publishers.speaker_labels import Turn, turns
from transcribe.publishers.substation import read_substation
from transcribe.publishers.timed_text import read_ttml
from transcribe.publishers.transcript_json import read_json
from transcribe.publishers.typed_text import read_docx, read_html, read_typed
from transcribe.web.caption_encoding import decoded_captions

_XML = re.compile(r"^\s*<\?xml[^>]*\?>")
_READERS: dict[Form, Callable[[str], GivenScript]] = {
    "json": read_json,
    "ttml": lambda text: read_ttml(_XML.sub("", text, count=1).encode(errors="replace")),
    "ass": read_substation,
    "lrc": read_lrc,
    "tsv": read_tsv,
}
TYPED: tuple[Form, ...] = ("html", "docx", "txt")  # texts that need not say when
_DECLARED = re.compile(rb"<\?xml[^>]*encoding=[\"']([\w.-]+)[\"']")
_UNKNOWN_LENGTH_MS = 5_000  # at most, of a cue that ends before it starts
_HOUR_MS, _MINUTE_MS = 3_600_000, 60_000
_CHANCES = 4  # a time that is anywhere lies in a quarter of an hour, or of a minute, once in so many
_FAR_MS = 600_000  # a cue so far from the ones before and behind it is not where its times say
_ASIDE_WORDS = 3  # at most, that somebody says into another one's sentence
_MOST = 0.5  # of the cues: what is so bad is not a file of that kind


def read_script(path: Path, encoding: str | None = None, language: str | None = None) -> Script:
    """What a file says. Raises TranscriptError (`bad_captions`), naming the path and what is wrong."""
    try:
        return parse(path.read_bytes(), form_of_name(path), encoding=encoding, language=language)
    except OSError as problem:
        raise TranscriptError("bad_captions", f"{path}: {problem.strerror}") from problem
    except TranscriptError as problem:
        raise TranscriptError(problem.code, f"{path}: {problem}") from problem


def form_of_name(path: Path) -> Form:
    """The form that a file's name tells. Raises TranscriptError (`bad_captions`) where it tells none."""
    form = SUFFIXES.get(path.suffix.lower())
    if form is None:
        kinds = ", ".join(dict.fromkeys(SUFFIXES))
        raise TranscriptError("bad_captions", f"not a caption file: its name ends in {path.suffix!r}, not {kinds}")
    return form


def parse(
    data: bytes,
    form: Form,
    *,
    encoding: str | None = None,
    language: str | None = None,
    persons: Collection[str] = (),
) -> Script:
    """The same, of the bytes of a file in one of the forms, or, where they show that they are in another, in that one.

    `encoding` and `language` are what is known of the file, `persons` who speaks.
    """
    form = form_seen(data) or form
    if form == "docx":
        return _typed(form, read_docx(data), persons)
    if (
        form == "ttml"
        and not encoding
        and (declared := _DECLARED.search(data[:200]))
        and declared[1].lower() != b"utf-8"
    ):
        return _timed(form, read_ttml(data), persons)
    if form == "vtt" and is_ours(data):
        encoding = "utf-8-sig"  # what looks decoded wrongly was said so
    text = decoded_captions(data, encoding, language)
    if form in TYPED:
        script = _typed(form, read_html(text.text) if form == "html" else read_typed(text.text), persons)
    else:
        if form == "sbv":
            text = dataclasses.replace(text, text=text.text.replace("[br]", "\n"))
        script = _timed(form, _READERS.get(form, _read_blocks)(text.text), persons)
        if form == "vtt" and not text.text.strip():
            raise TranscriptError("bad_captions", "it is empty: it does not begin with WEBVTT")
    return dataclasses.replace(script, notes=(*text.notes, *script.notes))


def form_seen(data: bytes) -> Form | None:
    """The form that the bytes show. Hosts serve WebVTT as SubRip, and an error page as anything."""
    if data.startswith(b"PK\x03\x04"):
        return "docx"
    head = data[:4000]
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff")) or head[:2].count(0) == 1
    opening = (head.decode("utf-16", "replace") if wide else head.decode("utf-8", "replace")).lstrip(
        "\ufeff \t\r\n\u200e"
    )
    if opening.upper().startswith("WEBVTT"):
        return "vtt"
    if opening.startswith("{") and not opening.startswith("{\\"):
        return "json"
    if re.match(r"\[Script Info\]", opening, re.IGNORECASE):
        return "ass"
    if re.match(r"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<(?:\w+:)?tt[\s>]", opening, re.DOTALL):
        return "ttml"
    if re.match(r"<(?:!doctype html|html|head|body|cite|time|p|div|article|section|h\d)[\s>]", opening, re.IGNORECASE):
        return "html"
    if re.search(r"^\s*(?:\d{1,3}:)?\d{1,3}:\d\d(?:[.,]\d{1,3})?\s*-->", opening, re.MULTILINE):
        return "srt"
    return "sbv" if re.match(r"\d{1,3}:\d\d:\d\d\.\d{3},\d{1,3}:\d\d:\d\d\.\d{3}\s", opening) else None


def _read_blocks(text: str) -> GivenScript:
    found = read_blocks(text)
    first = next((line for line in text.splitlines() if line.strip("\ufeff\u200e \t")), "")
    if not found.cues and text.strip() and not first.lstrip("\ufeff\u200e ").upper().startswith("WEBVTT"):
        raise TranscriptError("bad_captions", "it does not begin with WEBVTT, and no line of it has a cue's times")
    notes = ("its parts have no common clock, and were laid one after the other",) if found.follows else ()
    cues = []
    for cue in found.cues:
        unreadable = cue.start_ms is None or cue.end_ms is None
        told = f"line {cue.number} has an arrow but not a cue's times: {cue.times.strip()[:80]!r}"
        trouble = told if unreadable else ""
        cues.append(Given(cue.start_ms, cue.end_ms, "\n".join(cue.lines), trouble=trouble, is_mended=cue.is_mended))
    return GivenScript(tuple(cues), found.language, notes, found.ours)


def _timed(form: Form, given: GivenScript, persons: Collection[str]) -> Script:
    """A script of cues with times: put in order, each word once, one speaker's each."""
    placed, notes = _placed(given.cues)
    shown, repairs = _in_order([_shown(each, codes=not given.ours) for each in placed])
    repairs += len(given.cues) - len(placed) + sum(each.is_mended for each in placed)
    once = shown if given.ours else each_once(shown)
    if (repeats := sum(len(cue.tokens) for cue in shown) - sum(len(cue.tokens) for cue in once)) > 0:
        notes = [*notes, f"{repeats} words that are shown again were taken once"]
    cues = sorted(_cues(once, persons, given.ours), key=attrgetter("start_ms"))
    ended = cues if given.ours else _until_the_next(cues)
    if shortened := sum(one.end_ms != other.end_ms for one, other in zip(cues, ended, strict=True)):
        notes = [*notes, f"{shortened} cues that stay while the next is shown end where it begins"]
    cues = list(_with_asides(ended))
    if are_words([cue.text for cue in cues]):  # then a caption of one word says when that word is said
        cues = [
            dataclasses.replace(cue, words=tuple(written))
            if not cue.words and len(written := cue.written()) == 1
            else cue
            for cue in cues
        ]
    silent = () if cues else ("it has no words",)
    return Script(form, tuple(cues), given.language, repairs, (*given.notes, *notes, *silent))


def _placed(given: Sequence[Given]) -> tuple[list[Given], list[str]]:
    """The cues that can be placed in time: one that lacks a start begins where the one before ends.

    Raises TranscriptError (`bad_captions`) where most have no times that can be read.
    """
    bad = [cue.trouble for cue in given if cue.trouble]
    if len(bad) > _MOST * len(given):
        raise TranscriptError("bad_captions", bad[0])
    placed: list[Given] = []
    for cue in given:
        if cue.start_ms is not None:
            placed.append(cue)
        elif cue.end_ms is not None:
            before = placed[-1].end_ms if placed else 0
            placed.append(dataclasses.replace(cue, start_ms=min(cue.end_ms, before or 0), is_mended=True))
    lost = [cue.trouble for cue in given if cue.start_ms is None and cue.end_ms is None]
    return placed, [f"{len(lost)} dropped, as nobody can tell when: {lost[0]}"] if lost else []


def _shown(cue: Given, codes: bool = True) -> Shown:
    start, end = cue.start_ms or 0, -1 if cue.end_ms is None else cue.end_ms
    if cue.words:
        tokens: tuple[Token, ...] = tuple(Token(word.text, start_ms=word.start_ms, word=word) for word in cue.words)
        return Shown(start, end, tokens, cue.speaker)
    if cue.plain:
        lines = enumerate(cue.text.split("\n"))
        return Shown(start, end, tuple(Token(word, line) for line, text in lines for word in text.split()), cue.speaker)
    tokens, torn = tokens_of(cue.text, codes)
    return Shown(start, end, tokens, cue.speaker, torn)


def _near_their_neighbours(cues: Sequence[Shown]) -> tuple[list[Shown], int]:
    """Moves a cue with a mistyped hour or minute to where it lies between its neighbours in the file.

    One whose start is wrong in another way begins where the one before ends, if its end lies there. Returns also how
    many were moved.
    """
    found, moved = list(cues), 0
    for at, cue in enumerate(cues):
        before = found[at - 1] if at else None
        after = cues[at + 1] if at + 1 < len(cues) else None
        earliest = before.start_ms if before else 0
        latest = after.start_ms if after else max(0, cue.end_ms)
        if earliest - _FAR_MS <= cue.start_ms <= latest + _FAR_MS or earliest > latest:
            continue
        near = [each.start_ms for each in (before, after) if each]
        starts = [ms for ms in _retyped(cue.start_ms, near, latest - earliest) if earliest <= ms <= latest]
        ends = cue.end_ms if earliest <= cue.end_ms <= latest + _FAR_MS else None
        if starts:
            start = starts[0]
            end = ends if ends is not None else max(start, cue.end_ms - cue.start_ms + start)
        elif ends is not None and cue.end_ms < cue.start_ms:
            start, end = min(max(earliest, before.end_ms if before else 0), ends), ends
        else:
            continue
        found[at] = dataclasses.replace(cue, start_ms=start, end_ms=end)
        moved += 1
    return found, moved


def _retyped(ms: int, near: Iterable[int], room_ms: int) -> Iterator[int]:
    """A time with the hour, or the minute, of another, where so little room tells that it is no chance if it fits."""
    for other in near:
        if _CHANCES * room_ms <= _HOUR_MS:
            yield other // _HOUR_MS * _HOUR_MS + ms % _HOUR_MS
        if _CHANCES * room_ms <= _MINUTE_MS:
            yield ms - ms % _HOUR_MS + other % _HOUR_MS // _MINUTE_MS * _MINUTE_MS + ms % _MINUTE_MS


def _in_order(given: Iterable[Shown]) -> tuple[list[Shown], int]:
    """Cues that have words by start, none ending before it starts, and how many were not so."""
    shown, repairs = _near_their_neighbours([cue for cue in given if cue.tokens])
    repairs += sum(one.start_ms > other.start_ms for one, other in itertools.pairwise(shown))
    ordered = sorted(shown, key=attrgetter("start_ms"))
    for at, cue in enumerate(ordered):
        if cue.end_ms < cue.start_ms:
            following = ordered[at + 1].start_ms if at + 1 < len(ordered) else cue.start_ms
            ordered[at] = dataclasses.replace(cue, end_ms=min(following, cue.start_ms + _UNKNOWN_LENGTH_MS))
            repairs += 1
    return ordered, repairs


def _cues(shown: Sequence[Shown], persons: Collection[str], ours: bool) -> Iterator[Cue]:
    """A cue for each turn."""
    if ours or any(cue.speaker or any(token.voice for token in cue.tokens) for cue in shown):
        told = [_voices(cue) for cue in shown]
    else:
        told = turns([cue.tokens for cue in shown], persons)
    for cue, parts in zip(shown, told, strict=True):
        yield from _parted(cue, parts)


def _voices(cue: Shown) -> list[Turn]:
    """The turns of the voices that share a cue; what stands before the first is the cue's own speaker's."""
    voices = itertools.groupby(cue.tokens, key=lambda token: token.voice or cue.speaker)
    return [Turn(speaker, tuple(tokens)) for speaker, tokens in voices]


def _parted(cue: Shown, parts: Sequence[Turn]) -> Iterator[Cue]:
    """The cue, or where several speakers share it, one for each with its part of the time."""
    texts = [set_apart(" ".join(token.text for token in part.tokens)) for part in parts]
    spans = [(word.start_ms, word.end_ms) for word in spread(texts, cue.start_ms, cue.end_ms)]
    for part, text, (start, end) in zip(parts, texts, spans, strict=True):
        words = _marked(() if cue.torn else timed_words(part.tokens, start, end))
        if words and part.tokens[0].word:
            text = set_apart(joined(words)) if len(parts) > 1 else joined(words)
            start, end = min(start, words[0].start_ms), max(end, *(word.end_ms for word in words))
        elif words and set_apart(text) != " ".join(word.text for word in words):
            words = ()
        yield Cue(text, part.speaker, start, end, words)


def _marked(words: Sequence[Word]) -> tuple[Word, ...]:
    """Words, those that were not spoken marked."""
    said = spoken([word.text for word in words], [word.joined for word in words])
    if all(said):
        return tuple(words)
    return tuple(dataclasses.replace(word, spoken=each) for word, each in zip(words, said, strict=True))


def _until_the_next(cues: Sequence[Cue]) -> list[Cue]:
    """Cues that stay while the next is shown, as YouTube's do, end where it begins: then their words are said."""
    pairs = [(one, other) for one, other in itertools.pairwise(cues) if one.speaker == other.speaker]
    reach = [one for one, other in pairs if _reaches_into(one, other)]
    if len(pairs) < 2 or len(reach) <= _MOST * len(pairs):
        return list(cues)
    found = []
    for one, other in itertools.pairwise([*cues, None]):
        if one and other and one.speaker == other.speaker and _reaches_into(one, other) and not one.words:
            one = dataclasses.replace(one, end_ms=other.start_ms)
        if one:
            found.append(one)
    return found


def _reaches_into(one: Cue, other: Cue) -> bool:
    return (one.start_ms or 0) < (other.start_ms or 0) < (one.end_ms or 0) < (other.end_ms or 0)


def _with_asides(cues: Sequence[Cue]) -> Iterator[Cue]:
    """Marks what somebody says, in a word or three, into another one's sentence."""
    around: Cue | None = None  # the cue that lasts longest of those begun
    for number, cue in enumerate(cues):
        following = cues[number + 1] if number + 1 < len(cues) else None
        holder = next((each for each in (around, following) if each and _is_within(cue, each)), None)
        yield dataclasses.replace(cue, aside=True) if holder else cue
        if around is None or (cue.end_ms or 0) >= (around.end_ms or 0):
            around = cue


def _is_within(cue: Cue, other: Cue) -> bool:
    if cue.speaker is None or other.speaker is None or cue.speaker == other.speaker:
        return False
    inside = (other.start_ms or 0) <= (cue.start_ms or 0) and (cue.end_ms or 0) <= (other.end_ms or 0)
    shorter = len(cue.text.split()) < len(other.text.split())
    return inside and shorter and len(cue.text.split()) <= _ASIDE_WORDS


def _typed(form: Form, given: GivenScript, persons: Collection[str]) -> Script:
    """A script of paragraphs: those that have no speaker of their own may begin with one."""
    if not given.cues or not any(cue.text.strip() for cue in given.cues):
        raise TranscriptError("bad_captions", "the published transcript holds no text")
    paragraphs = [_shown(dataclasses.replace(cue, plain=True)).tokens for cue in given.cues]
    told = turns(paragraphs, persons, [cue.speaker for cue in given.cues], typed=True)
    cues: list[Cue] = []
    latest = 0
    for cue, parts in zip(given.cues, told, strict=True):
        for number, part in enumerate(parts):
            text = set_apart(" ".join(token.text for token in part.tokens))
            start = cue.start_ms if number == 0 else None
            if start is not None and start < latest:
                start = None  # a time that goes back is taken for text of another kind, and left out
            latest = latest if start is None else start
            cues.append(Cue(text, part.speaker, start))
    return Script(form, tuple(cues), given.language, 0, given.notes)
