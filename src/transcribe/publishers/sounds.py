"""What of a caption is shown and was not said: [Applause], (laughs), notes of music.

Brackets hold speech as well: "(in 1968)", "[We met in the spring.]". Square ones are a sound unless they hold a
sentence or a part of one; round ones only where they name a sound, or stand alone.
"""

import re
from collections.abc import Iterator, Sequence

from transcribe.library.transcript import Span, gap

_GROUP = re.compile(
    r"\[[^\[\]]*\]|\([^()]*\)|（[^（）]*）|【[^【】]*】|［[^［］]*］|〔[^〔〕]*〕|《[^《》]*》|(?<!\S)\*[^*\s][^*]*\*(?!\w)"
)
_NOTE = "[♩♪♫♬🎵🎶]"
_TOUCHING = re.compile(rf"(?<=[^\W_])(?={_NOTE})|(?<={_NOTE})(?=[^\W_])")
_LETTER = re.compile(r"[^\W_]")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_HINT = re.compile(rf"[\[(（【［〔《*]|{_NOTE}")  # without one of these nothing needs to be looked at
_ROUND = "(（"
_MOST_WORDS = 6  # in the name of a sound
# Beginnings of words that name sounds, in the languages that captions are most often in.
_STEMS = tuple(
    word
    for line in (
        "applau clap cheer laugh chuckl giggl snicker sigh gasp groan sob cries crying weep scream shout yell",
        "whisper cough sneez sniff snort yawn humming music singing sings inaudible unintelligible indistinct",
        "crosstalk silence silent paus noise beep bleep ringing rings knock slams gunshot gunfire thunder chatter",
        "murmur whistl buzz foreign clears-throat speaks speaking blank_audio gelächter lachen lacht lachend",
        "musik musique rires rire soupir silenci aplaus risas música risos risate risata applausi aplauz смех",
        "смеет смеёт аплодис музык вздох вздых неразборчив тишина śmiech oklaski muzyk brawa smích potlesk hudba",
        "skratt 笑 拍手 音楽 音乐 音樂 掌声 掌聲",
        "박수 음악 웃음 موسيق تصفيق ضحك צחוק מוזיקה מחיאות müzik alkış gülüş",
        "หัวเราะ เสียง ดนตรี ปรบมือ हँस हंस संगीत तालि tawa tepuk",
    )
    for word in line.split()
)
_SAYS = frozenset(
    word
    for line in ("i we you he she they it there this that these those i'm we're you're he's she's it's don't",)
    for word in line.split()
)
_GOES_ON = frozenset(
    word
    for line in (
        "in on at of the a an and or but to for from with by as that which who whose when where because if not is",
        "are was were be so than then about after before since until",
    )
    for word in line.split()
)


def spoken(texts: Sequence[str], joins: Sequence[bool | None] = ()) -> list[bool]:
    """Of the written words of one caption, whether each was said."""
    if not any(_HINT.search(text) for text in texts):
        return [True] * len(texts)
    places: list[Span] = []
    text = ""
    for number, written in enumerate(texts):
        if number:
            text += gap(texts[number - 1], written, joins[number] if joins else None)
        places.append((len(text), len(text) + len(written)))
        text += written
    silent = list(sounds(text))
    return [not _is_silent(text, place, silent) for place in places]


def sounds(text: str) -> Iterator[Span]:
    """Where in the text of one caption sounds are named."""
    groups = list(_GROUP.finditer(text)) if _HINT.search(text) else []
    rest = _GROUP.sub(" ", text)
    alone = _LETTER.search(rest) is None
    for group in groups:
        if _is_sound(group[0], alone) and not _is_in_word(text, group.span()):
            yield group.span()


def _is_in_word(text: str, place: Span) -> bool:
    """Whether brackets are a part of a word: inside it, as in `f[***]k`, or behind it and empty, as in `main()`."""
    before, within, after = text[: place[0]][-1:], text[slice(*place)], text[place[1] :][:1]
    if not before or before.isspace():
        return False
    inside = bool(after) and all(side.isascii() and side.isalpha() for side in (before, after))
    return inside or not _WORD.search(within)


def set_apart(text: str) -> str:
    """The text with spaces around the sounds in it, so that each is a word of its own."""
    if not text.isascii():
        text = _TOUCHING.sub(" ", text)
    for start, end in reversed(list(sounds(text))):
        before = "" if not start or text[start - 1].isspace() else " "
        after = "" if not _LETTER.match(text[end : end + 1]) else " "
        text = f"{text[:start]}{before}{text[start:end]}{after}{text[end:]}"
    return text


def names_a_sound(text: str) -> bool:
    """Whether some words, as they stand in brackets, are known to name a sound."""
    plain = text.lower().replace(" ", "-")
    words = _WORD.findall(text.lower())
    return any(word.startswith(_STEMS) for word in words) or plain.startswith(_STEMS)


def _is_sound(group: str, alone: bool) -> bool:
    inner = group[1:-1].strip()
    words = _WORD.findall(inner.lower())
    if not words:
        return True  # "[?]", "[ __ ]"
    ends = inner.endswith((".", "?", "!", "。", "？", "！")) and not inner.endswith("..")
    is_sentence = len(words) > 2 and (ends or words[0] in _SAYS)
    if is_sentence or len(words) > _MOST_WORDS or ": " in inner:
        return False
    if names_a_sound(inner):
        return True
    if group[0] in "*《" or any(letter.isdecimal() for letter in inner):
        return False
    return words[0] not in _GOES_ON and (alone or group[0] not in _ROUND)


def _is_silent(text: str, place: Span, silent: Sequence[Span]) -> bool:
    """Whether all letters of a word stand in sounds, or it is a note of music."""
    start, end = place
    letters = [at for at in range(start, end) if _LETTER.match(text[at])]
    if letters:
        return all(any(a <= at < b for a, b in silent) for at in letters)
    return any(a < end and start < b for a, b in silent) or re.search(_NOTE, text[start:end]) is not None
