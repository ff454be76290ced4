"""A recognizer's bits of text to words as they are written, each with its time.

Whisper writes text in bits, and sets a blank before a bit where a space belongs. So that is where words part: `c'est`,
`O'Brien`, `self-love`, `3.5`, `p.m.`, `п'ять` are a word each, whatever bits they come in. Scripts without spaces
between words, such as Chinese and Thai, are cut after each bit, so that what is found has its own time; a word then
says that it is joined to the one before. Latin letters and digits in a row stay one.
"""

import codecs
import dataclasses
import statistics
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import regex

from transcribe.library.scripts import FULL_WIDTH_MARKS, ONE_SIGN, UNSPACED
from transcribe.library.transcript import gap

# Characters of the scripts without spaces, and the punctuation that is theirs alone. Their digits make numbers.
_UNSPACED = regex.compile(rf"(?!\p{{Nd}})[{UNSPACED}{FULL_WIDTH_MARKS}]")
_CHARACTER = regex.compile(r"\X")  # as a reader sees it
_STAYS = regex.compile(ONE_SIGN)  # with the character before
_OPENING = ("Ps", "Pi")  # Unicode's categories of punctuation that belongs to what follows
_VOICING = "\uff9e\uff9f"  # half-width marks that change the sound of the character before
_SPOKEN_SIGNS = "%&@#*"  # of the punctuation
_SENTENCE_ENDS = (".", "。", "!", "！", "?", "？")
_LONGEST_USUAL_S = 0.7  # that a word lasts in the middle of a sentence, as in whisper.timing


@dataclass(frozen=True, slots=True)
class TimedText:
    """A bit of text as the model wrote it, with the blank before it if there is one."""

    text: str
    start: float  # seconds
    end: float
    probability: float


@dataclass(frozen=True, slots=True)
class WrittenWord:
    """A word with its punctuation."""

    text: str
    start: float  # seconds, of what is said: the time of a full stop is a pause
    end: float
    probability: float  # the mean of the bits that are said
    joined: bool | None  # as `library.transcript.Word` has it


def written(bits: Iterable[TimedText]) -> list[WrittenWord]:
    """The words that bits make. Joined, they are the text of the bits, with single spaces and none at its ends."""
    words: list[WrittenWord] = []
    after_space = True
    for run in _runs(bits):
        whole = "".join(bit.text for bit in run)
        text = " ".join(whole.split())
        if text:
            words.append(_word(run, text, words[-1].text if words else "", after_space or whole[:1].isspace()))
            after_space = False
        after_space = after_space or whole[-1:].isspace()
    return words


def characters(tokens: Iterable[bytes]) -> Iterator[tuple[str, int]]:
    """The text of tokens in bits of whole characters, each with how many tokens it takes; together they are all.

    A character may be spread over several tokens. Bytes that make no character become U+FFFD.
    """
    decoder, count = codecs.getincrementaldecoder("utf-8")("replace"), 0
    last: tuple[str, int] | None = None
    for token in tokens:
        count += 1
        if text := decoder.decode(token):
            if last:
                yield last
            last, count = (text, count), 0
    rest = decoder.decode(b"", final=True)  # of a character that is not whole
    if last:
        yield last if count else (last[0] + rest, last[1])
    if count:
        yield rest, count


def shortened(words: Sequence[WrittenWord]) -> list[WrittenWord]:
    """Begins the words after a full stop no earlier than a usual word would, for a pause is there.

    As in whisper.timing: a word there lasts twice the usual length at most.
    """
    lengths = [word.end - word.start for word in words if word.end > word.start]
    longest = 2 * min(_LONGEST_USUAL_S, statistics.median(lengths)) if lengths else 0.0
    return [
        dataclasses.replace(word, start=word.end - longest)
        if before and before.text.endswith(_SENTENCE_ENDS) and word.end - word.start > longest
        else word
        for before, word in zip([None, *words], words, strict=False)
    ]


def _word(run: Sequence[TimedText], text: str, before: str, after_space: bool) -> WrittenWord:
    said = [bit for bit in run if any(map(_is_said, bit.text))] or [bit for bit in run if bit.text.strip()] or run
    usual = gap(before, text) == ""
    joined = None if not before or usual == (not after_space) else not after_space
    probability = sum(bit.probability for bit in said) / len(said)
    return WrittenWord(text, said[0].start, max(bit.end for bit in said), probability, joined)


def _runs(bits: Iterable[TimedText]) -> Iterator[list[TimedText]]:
    """The bits of each word."""
    run: list[TimedText] = []
    for bit in bits:
        if run and bit.text and _parts("".join(each.text for each in run[-3:]), bit.text):
            yield run
            run = []
        if bit.text:
            run.append(bit)
    if run:
        yield run


def _parts(before: str, after: str) -> bool:
    """Whether a word ends between two bits."""
    first, last = after[0], before[-1]
    if first.isspace() or last.isspace():
        return bool(before.strip())
    if not (_UNSPACED.match(first) or _UNSPACED.match(last)):
        return False
    # Without spaces a word begins with neither a closing bracket nor a mark on a letter, and ends with no opening one.
    category = unicodedata.category(first)
    both = before + first
    if _STAYS.match(both, len(before)) or all(each.start() < len(before) for each in _CHARACTER.finditer(both)):
        return False
    begins = first not in _VOICING and (category[0] in "LNS" or category in _OPENING)
    return begins and unicodedata.category(last) not in _OPENING


def _is_said(character: str) -> bool:
    """Letters and digits, and signs such as % and €; not punctuation."""
    return character.isalnum() or character in _SPOKEN_SIGNS or unicodedata.category(character)[0] in "MS"
