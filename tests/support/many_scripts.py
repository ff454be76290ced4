"""Speech in twenty scripts, written as different programs write it: taken apart, with unseen characters, in pieces."""

import unicodedata
from collections.abc import Sequence

from hypothesis import strategies as st

from tests.support.conversations import made_of
from transcribe.library.transcript import Segment, Transcript, Word, segment

SPACED = {
    "Latin": ["Łódź", "Ærø", "đường", "straße", "peer-to-peer", "don’t", "İstanbul", "c++", "Việt"],
    "Greek": ["ὁδός", "Ὀδυσσεύς", "ΚΑΙ", "ᾳ", "είναι"],
    "Cyrillic": ["ёлка", "Қазақ", "п’ять", "Україна", "й"],
    "Arabic": ["كِتَابٌ", "أحمد", "مسؤول", "العربيـــة", "٢٠١٢", "می‌خواهم", "علی"],
    "Hebrew": ["שָׁלוֹם", "צה״ל", "ג׳ירפה", "ספר"],
    "Devanagari": ["क़लम", "हिन्दी", "र्‍य", "२०१२", "ज़िन्दगी"],
    "Bengali": ["বাংলা", "ড়", "উৎস", "নয়"],
    "Gurmukhi": ["ਪੰਜਾਬੀ", "ਸ਼ਬਦ"],
    "Tamil": ["தமிழ்", "கொள்", "மொழி"],
    "Malayalam": ["മലയാളം", "അവൻ", "അവര്‍"],
    "Tibetan": ["བོད་སྐད", "ཡིག"],
    "Georgian": ["ქართული", "ᲥᲐᲠᲗᲣᲚᲘ", "ენა"],
    "Armenian": ["Հայերեն", "և", "բառ"],
    "Cherokee": ["ᏣᎳᎩ", "ꮳꮃꭹ"],
    "Ethiopic": ["አማርኛ", "ሰላም፡ለዓለም"],
    "Hangul": ["날씨", "날씨가", "학교에서는", "집", "집에", "한국어"],
}
UNSPACED = {
    "Han": ["共有地", "𠮷野家", "悲劇", "㐀"],
    "Kana": ["ガギグ", "ｶﾞｷﾞ", "きょう", "ｺｰﾋｰ", "コーヒー"],
    "Thai": ["น้ำดื่ม", "ภาษาไทย", "๒๕๖๐", "เเม่"],
    "Lao": ["ພາສາລາວ", "ນ້ຳ"],
    "Khmer": ["ភាសាខ្មែរ", "ស្រី"],
    "Myanmar": ["မြန်မာ", "ကောင်းတယ်", "သတ္တ"],
}
ALL = SPACED | UNSPACED
UNSEEN = "\u00ad\u2060\ufeff\u200e\u200f\u202b\u2069"


def disguises(word: str) -> st.SearchStrategy[str]:
    """A word as another program writes it: the same to a reader."""
    forms = [unicodedata.normalize(form, word) for form in ("NFC", "NFD", "NFKC", "NFKD")]
    return st.sampled_from(forms).flatmap(
        lambda form: st.builds(
            lambda at, unseen: form[:at] + unseen + form[at:], st.integers(1, len(form)), st.sampled_from(["", *UNSEEN])
        )
    )


@st.composite
def pieces(draw: st.DrawFn, text: str) -> list[str]:
    """A written word cut where a recognizer may cut it: anywhere."""
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=3)))
    return [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True) if text[begin:end]]


@st.composite
def speeches(draw: st.DrawFn, name: str, script: str) -> Transcript:
    """A few segments in one script: words apart or run together, each whole or in pieces with times of their own."""
    segments: list[Segment] = []
    at = 0
    for number in range(draw(st.integers(1, 4))):
        written: list[Word] = []
        for count in range(draw(st.integers(1, 5))):
            text = draw(st.sampled_from(ALL[script]).flatmap(disguises))
            apart = draw(st.sampled_from((False, None))) if script in SPACED else draw(st.sampled_from((True, None)))
            parts = draw(pieces(text)) if draw(st.booleans()) else [text]
            for part_number, part in enumerate(parts):
                at += draw(st.sampled_from((0, 200, 9_000)))
                joined = True if part_number else (apart if count else None)
                written.append(Word(at, at + 100, part, joined=joined, spoken=draw(st.integers(0, 9)) > 0))
        segments.append(segment(number, written))
    return made_of(segments, name)


def asked_in(script: str) -> st.SearchStrategy[str]:
    """Queries in it: words, phrases, beginnings, and from a script without spaces any run of characters."""
    words: Sequence[str] = ALL[script]
    word = st.sampled_from(words).flatmap(disguises)
    run = st.sampled_from(words).flatmap(
        lambda text: st.builds(
            lambda begin, length: text[begin : begin + length], st.integers(0, len(text) - 1), st.integers(1, 4)
        )
    )
    phrase = st.lists(word | run if script in UNSPACED else word, min_size=1, max_size=3)
    gap = "" if script in UNSPACED else " "
    return st.one_of(
        phrase.map(lambda said: f'"{gap.join(said)}"'),
        phrase.map(" ".join),
        run.map(lambda text: f"{text}*"),
    )
