"""Scripts that are written without spaces between words: what stands between two spaces there is no word.

The list follows the Unicode standard, annex 14: ideographs and kana (class ID), and the scripts of South-East Asia that
need a dictionary to be cut into words (class SA). Tibetan and Ethiopic are not in it: they mark each syllable or word.
"""

# The inside of a class of characters, for the library `regex`.
UNSPACED = (
    r"\p{Han}\p{Hiragana}\p{Katakana}ー\p{Bopomofo}"
    r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tai_Le}\p{New_Tai_Lue}\p{Tai_Tham}\p{Tai_Viet}\p{Ahom}"
    r"\p{Javanese}\p{Balinese}"
)

# One character as a reader sees it (extended grapheme cluster: annex 29), of an unspaced script.
CHARACTER = rf"(?=[\p{{L}}\p{{M}}\p{{N}}])(?=[{UNSPACED}])\X"
