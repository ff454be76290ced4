"""Text to comparable words: the only tokenizer, for transcripts and for queries alike.

Words are compared after NFKC, case folding, with accents off and all apostrophes alike. Hyphens, dots and every other
mark separate words; Chinese and Japanese are taken character by character; `c++` and `c#` are words.
"""

import functools
import unicodedata

import regex

_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼʹ′＇`´ꞌ", "'"))
_ACCENTS = regex.compile(r"[\u0300-\u036f]+")
_CHARACTER = r"[\p{Han}\p{Hiragana}\p{Katakana}ー]"
_LETTERS = rf"(?:(?!{_CHARACTER})[\p{{L}}\p{{M}}\p{{N}}])+"
_WORD = regex.compile(rf"{_CHARACTER}|(?<!(?!{_CHARACTER})[\p{{L}}\p{{N}}])[a-z](?:\+\+|\#)|{_LETTERS}(?:'{_LETTERS})*")


# Words that make up a third of spoken English, counted in 500 hours of it. Two of them side by side are indexed as a
# pair as well, so that a phrase of common words need not go through all their occurrences. It is only about speed.
COMMON = frozenset(
    word
    for line in (
        "a and can do for going have i in is it it's just kind know like lot",
        "of on one or so some that that's the think this to we you",
    )
    for word in line.split()
)


def words(text: str) -> list[str]:
    """The comparable words of a text, in order.

    >>> words("Peer-to-peer: don’t say “Café”!")
    ['peer', 'to', 'peer', "don't", 'say', 'cafe']
    """
    found: list[str] = _WORD.findall(comparable(text))
    return found


@functools.lru_cache(maxsize=1 << 16)
def words_of_token(token: str) -> tuple[str, ...]:
    """The same for one written word of a transcript, remembered: speech repeats itself."""
    return tuple(words(token))


def comparable(text: str) -> str:
    """Text with all differences removed that do not make another word."""
    if text.isascii():
        return text.replace("`", "'").lower()
    folded = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES)).translate(_APOSTROPHES).casefold()
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", folded)))
