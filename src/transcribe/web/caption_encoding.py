"""The encoding of a caption file that is not in Unicode, told by what its bytes would say in each language.

`charset-normalizer` says in which encodings the bytes make sense at all. Of short texts in a foreign script its order
means little, so languages decide here: how common the letters are that a decoding gives, and how many of its words are
among the most common ones. Where two decodings fit about as well, nobody should guess.
"""

import contextlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from charset_normalizer import from_bytes
from charset_normalizer.constant import FREQUENCIES

from transcribe.errors import TranscriptError

# The encodings that captions come in, and the languages that they are used for (ISO 639-1).
ENCODINGS: dict[str, tuple[str, ...]] = {
    "cp1252": ("fr", "de", "es", "pt", "it", "nl", "sv", "no", "da", "fi", "is", "ca", "en"),
    "mac-roman": ("fr", "de", "es", "pt", "it", "nl", "sv", "no", "da", "ca", "en"),
    "cp1250": ("pl", "cs", "hu", "sk", "ro", "hr", "sl"),
    "iso8859-2": ("pl", "cs", "hu", "sk", "ro", "hr", "sl"),
    "cp1254": ("tr",),
    "cp1257": ("lt", "lv", "et"),
    "cp1251": ("ru", "uk", "bg", "sr", "be"),
    "koi8-r": ("ru",),
    "koi8-u": ("uk",),
    "cp866": ("ru",),
    "iso8859-5": ("ru", "sr", "bg"),
    "cp1253": ("el",),
    "cp1255": ("he",),
    "cp1256": ("ar", "fa", "ur"),
    "iso8859-6": ("ar",),
    "cp874": ("th",),
    "gb18030": ("zh",),
    "big5": ("zh",),
    "cp932": ("ja",),
    "euc-jp": ("ja",),
    "cp949": ("ko",),
}
# The name of a language in the library's tables of letters, and words that every page of it holds.
_OTHERS = {
    "ru": ("Russian", "и в не на что я мы это с он как по но а у вы так о"),
    "uk": ("Ukrainian", "і в не на що я ми це з він як по але а у ви так про"),
    "bg": ("Bulgarian", "и в не на че аз да се от за е са но по"),
    "sr": ("Serbian", "и у не на да је се за са од али као"),
    "be": ("Russian", "і ў не на што я мы гэта з ён як"),
    "el": ("Greek", "και το να η ο του της που είναι για με δεν από θα τα την"),
    "he": ("Hebrew", "של את לא זה על אני הוא היא עם כל מה יש אבל"),
    "ar": ("Arabic", "في من على أن إلى هذا ما لا عن هو التي كان"),
    "fa": ("Farsi", "و در به از که این را با است برای آن من"),
    "ur": ("Farsi", "کے کی میں ہے سے اور کو نے"),
    "th": ("Thai", ""),
    "ja": ("Japanese", ""),
    "ko": ("Korean", ""),
    "zh": ("Chinese", ""),
}
# The letters beyond ASCII that a language written in Latin letters has, and words that every page of it holds.
_LATIN = {
    "fr": ("éèàêâùûîïôçëœüæÿ", "est et les la le de un une pas que qui dans des pour à nous vous ce il je on"),
    "de": ("äöüß", "und der die das ist nicht ein eine ich wir mit zu von auf den es sie im auch wie aus"),
    "es": ("áéíóúñü¿¡", "que de no la el es y en lo un por qué una los se con para está como días"),
    "pt": ("ãçáéêóõíâúàôü", "que não de um para uma os com por mais isso está você se do da em"),
    "it": ("èàùòìéî", "che di non è il la un per una sono mi si ha con lo perché del"),
    "nl": ("ëïéèöü", "de het een en van ik is dat niet je wat ze zijn met voor"),
    "sv": ("åäöéü", "och att det är jag en som inte på för med vi har den av"),
    "no": ("åøæéò", "og er det jeg ikke en som på vi har med å til av den"),
    "da": ("æøåé", "og er det jeg ikke en som på vi har med at til af den"),
    "fi": ("äöå", "on ja ei se en että hän mutta niin oli kun mitä minä"),
    "is": ("áðéíóúýþæö", "og að er ekki það ég við í á sem þú"),
    "ca": ("àèéíòóúçïü·", "que de no la el és i en un per una els amb"),
    "en": ("éïèçñöüàâêôæœ", "the of and to a in is that it you was for we i"),
    "pl": ("ąćęłńóśźż", "i w na nie się o to jest że z do co jak dzień tak ale"),
    "cs": ("áčďéěíňóřšťúůýž", "a je na se to že v o jsem co den ale jak ve z"),
    "sk": ("áäčďéíĺľňóôŕšťúýž", "a je na sa to že v o som čo ale ako nie z"),
    "hu": ("áéíóöőúüű", "a az nem hogy és egy van ez de is mi meg napot ról"),
    "ro": ("ăâîşţ", "şi nu de este un o să în la cu că pe mai ce"),
    "hr": ("čćđšž", "je i da se u na to ne sam što ali li smo"),
    "sl": ("čšž", "je in da se v na to ne sem kaj pa za ni"),
    "tr": ("çğıöşüâîû", "bir ve bu ne için çok da de ben mi var değil"),
    "lt": ("ąčęėįšųūž", "ir kad tai yra ne aš į su kaip bet"),
    "lv": ("āčēģīķļņšūž", "un ir es tas ka ar uz nav par"),
    "et": ("äöõüšž", "ja on ei see et ma mis ta kui"),
}
_MARKS = "“”„’‘«»–—…，。、！？：；「」（）،؟؛♪\u00a0"
# Where the common characters lie in the standards of a script: the first bytes of their codes.
_FIRST_LEVEL = {
    "zh": (("gb2312", 0xB0, 0xD7), ("big5", 0xA4, 0xC6)),
    "ja": (("shift_jis", 0x82, 0x97),),
    "ko": (("euc_kr", 0xB0, 0xC8),),
}
_WITHOUT_KANA = 0.5  # taken from what fits Japanese: no line of it is without
_APART = re.compile("(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")
_OFTEN_APART = 0.15  # spaces a character: Chinese and Japanese have hardly any, Korean has one for three
_SPACED = 0.4  # taken from what fits them with so many spaces
_FOREIGN_LETTER = 0.1  # taken for a letter that a language does not have, as `ľ` in Czech
_RARE = {"mac-roman": 0.3}  # taken from encodings that captions are seldom in
_LEAST_RARE = 4  # letters beyond ASCII, for such an encoding to be thought of
_MARGIN = 0.12  # by which the best has to lead: below that, another decoding may be what was written
_LEAST = 0.2  # of the best
_SAMPLE = 20_000  # bytes with high bits that are looked at: more tells nothing new
_MARKED_UTF8 = b"\xef\xbb\xbf"
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")  # which nobody writes in a caption
_TIMES_OVER = 3  # at most, that a text was encoded anew
_LEAST_LETTERS = 20  # beyond ASCII: fewer do not tell that a text is in none of the languages of Latin letters
_LATIN_ONES = ("cp1252", "mac-roman")
_TRAIL = "[\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"  # what windows-1252 shows for the later bytes of a character
_CYRILLIC_TRAIL = "[\x98Ѐ-Џѐ-џ\u00a0-¿Ґґ№€‚„…†‡‰‹‘’“”•–—™›]"  # and windows-1251
_TAKEN_FOR = {  # an encoding -> what it shows for characters of UTF-8 that captions have
    "cp1252": re.compile(
        f"[ÂÃÄÅÎÏÐÑ×ØÙÚÛ]{_TRAIL}|â[€„…†ˆ‚‡™]{_TRAIL}|[ãäåæçèéêëìíà][\x80-\x9f¤-¿€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]{_TRAIL}.*[ãäåæçèéêëìíà]{_TRAIL}{_TRAIL}"
    ),
    "cp1251": re.compile(f"[РС]{_CYRILLIC_TRAIL}.*[РС]{_CYRILLIC_TRAIL}|в[Ђ„]."),
    "cp1250": re.compile("[ĂÄĹ][\x80-\xbf€‚„…†‡‰Š‹ŚŤŽŹ‘’“”•–—™š›śťžźˇ˘ŁĄŞŻ˛łąşĽ˝ľż]|â[€„].|Ă[łĽ±­]"),
}
_MOJIBAKE = re.compile(f"[ÃÂÐÑØÙâ]{_TRAIL}")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file's text, and what of it is not as it stood there."""

    text: str
    notes: tuple[str, ...] = ()  # for a person


def decoded_captions(data: bytes, encoding: str | None = None, language: str | None = None) -> Decoded:
    """The text of a file by its mark, as UTF-8 or UTF-16, or in the encoding of a language that it makes sense in.

    `encoding` is what its owner says it is in, `language` (ISO 639-1) what is spoken. Raises TranscriptError
    (`bad_captions`) where two encodings fit or none does, naming them.
    """
    if encoding:
        return _replaced(data, encoding)
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return _replaced(data, "utf-32")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _replaced(data, "utf-16")
    if data[:2].count(0) == 1:
        return _replaced(data, "utf-16-be" if data[0] == 0 else "utf-16-le")
    if b"\x1b$" in data:
        return _replaced(data, "iso2022-jp")
    if _is_utf8(data):
        return _unmade(_replaced(data, "utf-8-sig"))
    name = _told(data, language)
    return Decoded(data.decode(name, errors="replace"), (f"read as {name}",))


def _replaced(data: bytes, encoding: str) -> Decoded:
    try:
        text = data.decode(encoding, errors="replace")
    except LookupError as problem:
        raise TranscriptError("bad_captions", f"{encoding!r} is no encoding that is known here") from problem
    lost = text.count("\ufffd") - data.count("\ufffd".encode()) if "\ufffd" in text else 0
    name = encoding.removesuffix("-sig").upper()
    what = "byte is" if lost == 1 else "bytes are"
    return Decoded(text, (f"{lost} {what} no {name}, and became \ufffd",) if lost > 0 else ())


def _is_utf8(data: bytes) -> bool:
    """All of it, or so much that the rest is damage: more characters of several bytes than bytes that fit nowhere."""
    if data.startswith(_MARKED_UTF8):
        return True
    text = data.decode("utf-8", errors="replace")
    bad = text.count("\ufffd")
    return not bad or sum(letter >= "\u0080" for letter in text) - bad >= bad


def _unmade(decoded: Decoded) -> Decoded:
    """UTF-8, or an older encoding, that was taken for another and written as UTF-8, made what it was."""
    lines = decoded.text.split("\n")
    right = [_right_at_last(line) for line in lines]
    mended = sum(one != other for one, other in zip(lines, right, strict=True))
    if mended:
        note = f"{mended} lines had been UTF-8 twice, and were put right"
        note = note if mended > 1 else "1 line had been UTF-8 twice, and was put right"
        decoded = Decoded("\n".join(right), (*decoded.notes, note))
    elif whole := _older(decoded.text):
        return Decoded(whole[0], (*decoded.notes, f"it had been {whole[1]} taken for windows-1252, and was put right"))
    if len(_MOJIBAKE.findall(decoded.text)) > 1:
        return Decoded(decoded.text, (*decoded.notes, "letters such as Ã© show that it was once decoded wrongly"))
    return decoded


def _right_at_last(line: str) -> str:
    """A line made right as often as it had been made wrong; as it is where that gives what nobody writes."""
    right = line
    for _ in range(_TIMES_OVER):
        right = _right(right)
    return line if _CONTROL.search(right) else right


def _right(line: str) -> str:
    """A line, made what it was where all its letters beyond ASCII are UTF-8 taken for an encoding of one byte each."""
    if line.isascii():
        return line
    for name, lead in _TAKEN_FOR.items():
        if lead.search(line) and (data := _bytes_of(line, name)):
            with contextlib.suppress(UnicodeDecodeError):
                return data.decode("utf-8")
    return line


def _bytes_of(text: str, encoding: str) -> bytes | None:
    """Its bytes; those that the encoding has no letter for are as a browser shows them."""
    try:
        return b"".join(
            letter.encode("latin-1") if "\x80" <= letter <= "\x9f" else letter.encode(encoding) for letter in text
        )
    except UnicodeEncodeError:
        return None


def _older(text: str) -> tuple[str, str] | None:
    """Text of an older encoding that was taken for windows-1252, made what it was, and which one that is.

    Most of its letters are accented ones, as in no language.
    """
    letters = [letter for letter in text if letter.isalpha() and not "a" <= letter.lower() <= "z"]
    if len(letters) < _LEAST_LETTERS or any(not "\u0080" <= letter <= "\u0178" for letter in letters):
        return None
    words = re.findall(r"[^\W\d_]{3,}", text)
    if 2 * sum(re.search("[A-Za-z]", word) is None for word in words) < len(words):
        return None
    data = _bytes_of(text, "cp1252")
    try:
        name = _told(data, None) if data else ""
    except TranscriptError:
        return None
    return (data.decode(name, errors="replace"), name) if data and name and name not in _LATIN_ONES else None


def _told(data: bytes, language: str | None) -> str:
    if not any(language in languages for languages in ENCODINGS.values()):
        language = None
    found: dict[str, tuple[float, str]] = {}  # by what it says, so that encodings that agree are one
    for name, text in _decodings(data):
        known = [each for each in ENCODINGS[name] if language in (None, each)]
        fit = max((_fit(text, each) for each in known), default=-1.0) - _RARE.get(name, 0)
        if fit > found.get(text, (-1.0, ""))[0]:
            found[text] = fit, name
    ranked = sorted(found.values(), reverse=True)
    if not ranked or ranked[0][0] < _LEAST:
        raise TranscriptError("bad_captions", "its encoding cannot be told: say it with --encoding")
    if len(ranked) > 1 and ranked[0][0] - ranked[1][0] < _MARGIN:
        both = " or ".join(name for _, name in ranked[:2])
        raise TranscriptError("bad_captions", f"it may be in {both}: say which with --encoding, or --language")
    return ranked[0][1]


def _decodings(data: bytes) -> Iterator[tuple[str, str]]:
    """Lines with letters beyond ASCII, in each encoding that takes all of them."""
    lines = [line for line in re.split(rb"[\r\n]+", data) if not line.isascii()]
    whole = b"\n".join(lines)
    sample = whole if len(whole) <= _SAMPLE else whole[:_SAMPLE].rsplit(b"\n", 1)[0]
    sensible = {match.encoding.replace("_", "-") for match in from_bytes(sample, cp_isolation=list(ENCODINGS))}
    few = sum(byte >= 0x80 for byte in sample) < _LEAST_RARE
    for name in ENCODINGS:
        if few and name in _RARE:
            continue
        try:
            text = sample.decode(name)
        except UnicodeDecodeError:
            if name.replace("_", "-") not in sensible:
                continue
            text = sample.decode(name, errors="replace")
        if not any(unicodedata.category(letter) in ("Cc", "Cn", "Co") and letter not in "\n\t" for letter in text):
            yield name, text


def _fit(text: str, language: str) -> float:
    """How much a text is like one in a language: 1 for its most common letters and words, 0 or less for others."""
    foreign = [letter for letter in text if letter >= "\u0080"]
    if language in _LATIN:
        letters, common = _LATIN[language]
        likes = [_latin(letter, letters) for letter in foreign]
        like = 0.6 * _mean(likes) - _FOREIGN_LETTER * min(3, sum(each < 0 for each in likes))
    else:
        name, common = _OTHERS[language]
        lists = [each for listed, each in FREQUENCIES.items() if listed.rstrip("—") == name]
        ranks = {letter: rank / len(each) for each in lists for rank, letter in enumerate(each)}
        script = {unicodedata.name(letter, "?").split()[0] for each in lists for letter in each}
        like = _mean([_of_script(letter, ranks, script, language) for letter in foreign])
    words, usual = re.findall(r"[^\W\d_]+", text.lower()), frozenset(common.split())
    share = sum(word in usual for word in words) / max(1, len(words))
    fit = like + 0.6 * min(1.0, 2 * share) - _oddness(text, language)
    if language in _LATIN:
        return fit
    if language == "ja" and not re.search("[\u3041-\u30fe\uff66-\uff9d]", text):
        fit -= _WITHOUT_KANA
    if language in ("zh", "ja") and len(_APART.findall(text)) > _OFTEN_APART * len(foreign):
        fit -= _SPACED
    # How much of it is in its own script: a letter or two among English words are no Russian.
    present = sum(letter.isalpha() for letter in foreign) / max(1, sum(letter.isalpha() for letter in text))
    return fit * min(1.0, 3 * present)


def _latin(letter: str, letters: str) -> float:
    if letter.lower() in letters:
        return 1 - 0.5 * letters.index(letter.lower()) / len(letters)
    return 0.5 if letter in _MARKS else -1.0


def _of_script(letter: str, ranks: dict[str, float], script: set[str], language: str) -> float:
    if not letter.isalpha():
        return 0.3 if letter in _MARKS or unicodedata.category(letter) == "Mn" else -0.3
    if (folded := letter.lower()) in ranks:
        return 1 - 0.7 * ranks[folded]
    if unicodedata.name(letter, "?").split()[0] not in script:
        return -1.0
    return (0.5 if _is_common(letter, language) else -0.3) if language in _FIRST_LEVEL else 0.0


def _is_common(letter: str, language: str) -> bool:
    """Whether it is among the characters that the standards of its script put first, as the common ones."""
    for name, first, last in _FIRST_LEVEL[language]:
        with contextlib.suppress(UnicodeEncodeError):
            if first <= letter.encode(name)[0] <= last:
                return True
    return False


def _oddness(text: str, language: str) -> float:
    """The share of words that have letters of two scripts, signs inside, or capitals behind small letters."""
    words = [word for word in re.findall(r"[^\W\d_](?:\S*[^\W\d_])?", text) if not word.isascii()]
    odd: int = sum(
        ("LATIN" not in (_scripts(word) or "LATIN") and re.search("[a-zA-Z]", word) is not None)
        or any(unicodedata.category(letter) in ("So", "Sk", "Sc", "Sm", "No", "Lm") for letter in word)
        or (word[1:] != word[1:].lower() and word != word.upper())
        for word in words
    )
    accents = any(unicodedata.decomposition(letter) for letter in text) or len(words) < 3
    cased = "".join(words)
    shouted = len(cased) > 10 and cased != cased.lower() and cased == cased.upper()
    return odd / max(1, len(words)) + (0.15 if shouted else 0) + (0.3 if language == "el" and not accents else 0)


def _scripts(word: str) -> str:
    return " ".join(
        {unicodedata.name(letter, "?").split()[0] for letter in word if letter >= "\u0080" and letter.isalpha()}
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
