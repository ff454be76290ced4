"""Scripts that are written without spaces between words: what stands between two spaces there is no word.

The list follows the Unicode standard, annex 14: ideographs and kana (class ID), and the scripts of South-East Asia that
need a dictionary to be cut into words (class SA). Tibetan and Ethiopic are not in it: they mark each syllable or word.
"""

import regex

IDEOGRAPHIC = r"\p{Han}\p{Hiragana}\p{Katakana}ー\p{Bopomofo}"
SOUTH_EAST_ASIAN = (
    r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tai_Le}\p{New_Tai_Lue}\p{Tai_Tham}\p{Tai_Viet}\p{Ahom}"
    r"\p{Javanese}\p{Balinese}"
)
UNSPACED = IDEOGRAPHIC + SOUTH_EAST_ASIAN  # the inside of a class of characters, for the library `regex`

# One character as a reader sees it (extended grapheme cluster: annex 29), of an unspaced script.
CHARACTER = rf"(?=[\p{{L}}\p{{N}}])(?=[{UNSPACED}])\X"

_CHARACTER = regex.compile(CHARACTER)
_IS_IDEOGRAPHIC = regex.compile(rf"[{IDEOGRAPHIC}]")
_IDEOGRAPHS_A_WORD, _CLUSTERS_A_WORD = 2, 4  # about, of everyday Chinese and Japanese, of everyday Thai


def word_count(text: str) -> float:
    """About how many words a text has: those between spaces, and of an unspaced script by the characters of a word."""
    between = text.split()
    if text.isascii():
        return len(between)
    return sum(_words_in(part) for part in between)


def _words_in(part: str) -> float:
    characters = _CHARACTER.findall(part)
    shares = [_IDEOGRAPHS_A_WORD if _IS_IDEOGRAPHIC.match(one) else _CLUSTERS_A_WORD for one in characters]
    return max(1.0, sum(1 / share for share in shares))
