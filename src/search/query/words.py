"""Text to comparable words: the only tokenizer, for transcripts and for queries alike.

What makes no other word is taken away: case, accents and other marks, kinds of apostrophe, forms of one letter, the
script of a digit, characters that nobody sees. The table below says which. Its choices:

- Latin, Greek, Cyrillic: all accents (`é`, `ё`, `й`, `ở`), and letters with a stroke, hook or tail that Unicode does
  not take apart (`ł`, `ø`, `đ`, `ħ`, `қ`); `æ` is `ae`, `œ` `oe`, `ß` `ss`, `þ` `th`, `ð` `d`, `ŋ` `n`, `ı` `i`,
  `ə` `e`, as the Unicode consortium's transliteration Latin-ASCII has it. `ä` is `a`, not `ae`, in every language.
- Arabic script: no vowel signs and no tatweel; hamza and madda are taken from the letters that carry them; the Persian
  and Arabic forms of yeh, kaf and heh are one, and so are yeh and alef maksura, heh and teh marbuta, which many write
  for one another. Urdu's `ھ` and `ے` stay letters of their own.
- Hebrew: no points and no accents; geresh is an apostrophe; a gershayim, or the quotation mark typed for one, between
  letters is nothing; Yiddish's ligatures are two letters.
- Scripts of India: no nukta; a joiner changes nothing (`र्‍` is `र्`, Malayalam's chillu its consonant and virama). Vowel
  signs, anusvara and virama stay: they make other words.
- Thai, Lao: sara am is one sign however it is typed; two `เ` are `แ`. Tones and vowels stay.
- Japanese: half-width kana are full-width, a dakuten is part of its kana; hiragana and katakana stay apart.
- Chinese: compatibility forms are one character; simplified and traditional stay apart.
- Digits of every script are 0 to 9.
- Soft hyphen, joiners and non-joiners, direction marks, byte order mark, variation selectors are nothing, inside a
  word too.

Hyphens, dots and every other mark separate words, and so does the zero-width space. Scripts without spaces between
words (`transcribe.library.scripts`) are taken character by character, as a reader sees them. `c++` and `c#` are words.
"""

import functools
import itertools
import re
import unicodedata

import regex

from transcribe.library.scripts import CHARACTER, UNSPACED

_APOSTROPHES = "’‘‛ʼʻʹʽʾʿ′‵＇`´᾽ꞌꞋ՚׳"
_FORMS = {  # what a letter is compared as -> letters that Unicode does not take apart, small ones
    **{"a": "ɑⱥ", "b": "ƀɓƃ", "c": "ƈȼ", "d": "đðɖɗƌ", "e": "ɇəɛǝ", "f": "ƒ", "g": "ǥɠɣɡ", "h": "ħɦⱨ", "i": "ıɨɩ"},
    **{"j": "ɉȷɟʝ", "k": "ƙⱪĸ", "l": "łƚȴɫɬɭⱡ", "m": "ɱ", "n": "ŋƞɲɳȵ", "o": "øɔɵ", "p": "ƥᵽ", "q": "ɋʠ", "r": "ɍɼɽɾ"},
    **{
        "s": "ʂȿ",
        "t": "ŧƭʈƫⱦ",
        "u": "ʉʊ",
        "v": "ʋⱱ",
        "w": "ⱳ",
        "y": "ƴɏ",
        "z": "ƶȥⱬʐ",
        "ae": "æ",
        "oe": "œ",
        "th": "þ",
    },
    **{"г": "ґғҕӷӻ", "ж": "җ", "з": "ҙ", "к": "қҝҟӄ", "л": "ԓԡӆ", "н": "ңӈӊ", "п": "ҧԥ", "р": "ҏ", "с": "ҫ", "т": "ҭ"},
    **{"х": "ҳӽӿ", "ч": "ҷҹ", "м": "ӎ"},
    **{"ا": "ٱٲٳ", "ي": "یى", "ك": "کڪ", "ه": "ةہۃە", "וו": "װ", "וי": "ױ", "יי": "ײ"},
    **{"ণ്": "", "ണ്": "ൺ", "ന്": "ൻ", "ര്": "ർ", "ല്": "ൽ", "ള്": "ൾ", "ക്": "ൿ", "ത്": "", "ত্": "ৎ"},
}
_NOTHING = (  # ranges of code points
    *((0x0300, 0x036F), (0x0483, 0x0489), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F)),
    *((0x0591, 0x05BD), (0x05BF, 0x05BF), (0x05C1, 0x05C2), (0x05C4, 0x05C5), (0x05C7, 0x05C7)),  # Hebrew
    *((0x0610, 0x061A), (0x0640, 0x0640), (0x064B, 0x065F), (0x0670, 0x0670), (0x0674, 0x0674)),  # Arabic
    *((0x06D6, 0x06DC), (0x06DF, 0x06E4), (0x06E7, 0x06E8), (0x06EA, 0x06ED), (0x0897, 0x089F), (0x08CA, 0x08E1)),
    *((0x08E3, 0x08FF), (0x0730, 0x074A)),  # and Syriac
    *((nukta, nukta) for nukta in (0x093C, 0x09BC, 0x0A3C, 0x0ABC, 0x0B3C, 0x0C3C, 0x0CBC, 0x110BA, 0x11173, 0x111CA)),
    *((0x0951, 0x0954), (0x1CD0, 0x1CE8), (0x302A, 0x302D)),  # Vedic accents, tones of Chinese
    *((0x00AD, 0x00AD), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200C, 0x200F)),
    *((0x202A, 0x202E), (0x2060, 0x206F), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xE0000, 0xE0FFF)),  # unseen
)
_ZEROS = "٠۰߀०০੦૦୦௦౦೦൦෦๐໐༠၀႐០᠐᥆᧐᪀᪐᭐᮰᱀᱐꘠꣐꤀꧐꧰꩐꯰" + "𐒠𐴰𑁦𑃰𑄶𑇐𑋰𑑐𑓐𑙐𑛀𑜰𑣠𑥐𑱐𑵐𑶠𖩠𖫀𖭐𞅀𞋰𞥐"  # each followed by its script's 1 to 9
_EARLY = str.maketrans({**dict.fromkeys(_APOSTROPHES, "'"), "゛": "\u3099", "゜": "\u309a"})  # NFKD would split some


def _table() -> dict[int, str | None]:
    """What each character is compared as; None is nothing."""
    table: dict[int, str | None] = {code: None for first, last in _NOTHING for code in range(first, last + 1)}
    table |= {ord(one): "'" for one in _APOSTROPHES}
    for plain, letters in _FORMS.items():
        table |= {ord(letter): plain for letter in itertools.chain(letters, letters.upper()) if not letter.isascii()}
    return table | {ord(zero) + value: str(value) for zero in _ZEROS for value in range(10)}


_TABLE = _table()
_SARA_AM = regex.compile("(?:\u0e4d([\u0e48-\u0e4b]?)\u0e32)|(?:\u0ecd([\u0ec8-\u0ecb]?)\u0eb2)|เเ|ເເ")
_GERSHAYIM = regex.compile(r'(?<=\p{Hebrew})["״](?=\p{Hebrew})')
_LETTERS = rf"(?![{UNSPACED}])[\p{{L}}\p{{N}}](?:(?![{UNSPACED}])[\p{{L}}\p{{M}}\p{{N}}])*"
_BEGINS = rf"(?<!(?![{UNSPACED}])[\p{{L}}\p{{N}}])"
_WORD = regex.compile(rf"{CHARACTER}|{_BEGINS}[a-z](?:\+\+|\#)|{_LETTERS}(?:'{_LETTERS})*")
_ASCII_WORD = re.compile(r"(?<![a-z0-9])[a-z](?:\+\+|#)|[a-z0-9]+(?:'[a-z0-9]+)*")  # the same, where all is ASCII
_CHARACTER = regex.compile(CHARACTER)


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
    plain = comparable(text)
    found: list[str] = (_ASCII_WORD if plain.isascii() else _WORD).findall(plain)
    return found


@functools.lru_cache(maxsize=1 << 16)
def words_of_token(token: str) -> tuple[str, ...]:
    """The same for one written word of a transcript, remembered: speech repeats itself."""
    return tuple(words(token))


def comparable(text: str) -> str:
    """Text with all differences removed that do not make another word."""
    if text.isascii():
        return text.replace("`", "'").lower()
    taken_apart = unicodedata.normalize("NFKD", text.translate(_EARLY))
    composed = unicodedata.normalize("NFC", taken_apart.translate(_TABLE).casefold())
    settled: str = _GERSHAYIM.sub("", _SARA_AM.sub(_one_sign, composed))
    return settled


def is_character(word: str) -> bool:
    """Whether a comparable word is one character of a script without spaces, and not a word that somebody wrote."""
    return not word.isascii() and _CHARACTER.fullmatch(word) is not None


def _one_sign(found: "regex.Match[str]") -> str:
    """Sara am, Thai or Lao, from the two signs that some type for it, with a tone between them or not; sara ae."""
    thai, lao = found[1], found[2]
    if thai is not None:
        return f"{thai}\u0e33"
    if lao is not None:
        return f"{lao}\u0eb3"
    return {"เ": "แ", "ເ": "ແ"}[found[0][0]]
