"""Scripts that are written without spaces between words: what stands between two spaces there is no word.

The list follows the Unicode standard, annex 14: ideographs and kana (class ID), and the scripts of South-East Asia that
need a dictionary to be cut into words (class SA). Tibetan and Ethiopic are not in it: they mark each syllable or word.

Everything that cuts text asks here: search, captions, what recognizers hear, and how the two are compared. Only the
rule of spaces in `library.transcript.gap` has ranges of its own, for it tells how files that exist are read: words of a
script that it does not know say themselves that they are joined.
"""

# Insides of classes of characters, for the library `regex`.
IDEOGRAPHS = r"\p{Han}\p{Hiragana}\p{Katakana}ー\uff70\p{Bopomofo}"  # class ID: each may be a word
SOUTH_EAST_ASIAN = (  # class SA: several are a word
    r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tai_Le}\p{New_Tai_Lue}\p{Tai_Tham}\p{Tai_Viet}\p{Ahom}"
    r"\p{Javanese}\p{Balinese}"
)
UNSPACED = IDEOGRAPHS + SOUTH_EAST_ASIAN
# Punctuation that stands between such characters without spaces around it.
FULL_WIDTH_MARKS = r"\u3001-\u303f\u30fb\uff01-\uff06\uff08-\uff0f\uff1a-\uff20\uff3b-\uff3f\uff5b-\uff65"

# What must stay together, for it is one sign that is typed as two: sara am, and two e for one ae, in Thai and Lao.
ONE_SIGN = "(?:(?<=\u0e4d[\u0e48-\u0e4b]?)\u0e32|(?<=\u0ecd[\u0ec8-\u0ecb]?)\u0eb2|(?<=เ)เ|(?<=ເ)ເ)"

# One character as a reader sees it (extended grapheme cluster: annex 29), of an unspaced script.
CHARACTER = rf"(?=[\p{{L}}\p{{M}}\p{{N}}])(?=[{UNSPACED}])\X"

# The same where a word may be cut off: a letter, with what is one sign with it. Digits in a row are a number.
CUT_OFF = rf"(?=\p{{L}})(?=[{UNSPACED}])\X(?:{ONE_SIGN}\p{{M}}*)?"
