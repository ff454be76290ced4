import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.query.words import comparable, is_character, words, words_of_token
from tests.support import many_scripts

ALIKE = {  # each written in several ways -> its comparable words
    "Łódź = łodz = ŁÓDŹ = lodz": ["lodz"],
    "Ørsted = ørsted = orsted": ["orsted"],
    "Đà Nẵng = đà nẵng = da nang": ["da", "nang"],
    "œuvre = ŒUVRE = oeuvre": ["oeuvre"],
    "Ærø = aero": ["aero"],
    "Straße = STRASSE = STRAẞE": ["strasse"],
    "ılık = ILIK = ilik": ["ilik"],
    "İSTANBUL = Istanbul = ıstanbul = i\u0307stanbul": ["istanbul"],
    "þing = Þing = thing": ["thing"],
    "ǿ = ø = o": ["o"],
    "Ħal Għargħur = hal ghargħur": ["hal", "ghargħur".replace("ħ", "h")],
    "ὁδός = ΟΔΟΣ = οδοσ": ["οδοσ"],
    "ᾳ = α": ["α"],
    "Қазақ = казак": ["казак"],
    "ґанок = ганок": ["ганок"],
    "كِتَابٌ = كتاب = كـــتاب = کتاب": ["كتاب"],
    "أحمد = إحمد = آحمد = ٱحمد = احمد = ا\u0654حمد": ["احمد"],
    "مؤمن = مومن": ["مومن"],
    "ﻻ = لا = ﻷ": ["لا"],
    "علی = علي = على": ["علي"],
    "مدرسة = مدرسه": ["مدرسه"],
    "می‌خواهم = میخواهم": ["ميخواهم"],
    "שָׁלוֹם = שלום = שׁלום": ["שלום"],
    'צה״ל = צה"ל = צהל': ["צהל"],
    "ג׳ירפה = ג'ירפה": ["ג'ירפה"],
    "क़लम = कलम = क\u093cलम": ["कलम"],
    "क्\u200dष = क्ष = क्\u200cष": ["क्ष"],
    "ড় = ড": ["ড"],
    "ന്\u200d = ൻ": ["ന്"],
    "உயிரொளி = " + "உயிரொளி".replace("ொ", "\u0bc6\u0bbe"): ["உயிரொளி"],
    "བོད་སྐད = བོད༌སྐད": ["བོད", "སྐད"],
    "น้ำ = นํ้า = น\u0e49\u0e4d\u0e32": ["น้ำ"],
    "แม่ = เเม่": ["แ", "ม่"],
    "ນ້ຳ = ນ\u0ec9\u0ecd\u0eb2": ["ນ້ຳ"],
    "ភាសាខ្មែរ": ["ភា", "សា", "ខ្មែ", "រ"],
    "ガギ = ｶﾞｷﾞ = カ゛キ゛ = カ\u3099キ\u3099": ["ガ", "ギ"],
    "𠮷野家": ["𠮷", "野", "家"],
    "葛\U000e0100 = 葛": ["葛"],
    "날씨 = \u1102\u1161\u11af\u110a\u1175": ["날씨"],
    "ᲥᲐᲠᲗᲣᲚᲘ = ქართული": ["ქართული"],
    "ꮳꮃꭹ = ᏣᎳᎩ": ["ᏣᎳᎩ"],
    "և = եւ": ["եւ"],
    "٢٠١٢ = ۲۰۱۲ = २०१२ = ๒๐๑๒ = ２０１２ = 2012": ["2012"],
    "ʻokina = 'okina = ‘okina": ["okina"],
}
DIFFERENT = [
    ("か", "が"),
    ("が", "ガ"),
    ("ม", "ม่"),
    ("हिन्दी", "हन्दी"),
    ("ہے", "ہی"),
    ("体", "體"),
    ("날씨", "날시"),
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Peer-to-peer, you know?", ["peer", "to", "peer", "you", "know"]),
        ("don’t DON'T don`t don´t", ["don't"] * 4),
        ("'tis the workers' rock 'n' roll", ["tis", "the", "workers", "rock", "n", "roll"]),
        ("Café NAÏVE Zürich", ["cafe", "naive", "zurich"]),
        ("ﬁne ２０１２ ℡", ["fine", "2012", "tel"]),
        ("plan B, C++ and C# but not ABC++", ["plan", "b", "c++", "and", "c#", "but", "not", "abc"]),
        ("用C++写，c#好", ["用", "c++", "写", "c#", "好"]),
        ("3.5 percent of 1,000", ["3", "5", "percent", "of", "1", "000"]),
        ("snake_case e-mail a.b@c", ["snake", "case", "e", "mail", "a", "b", "c"]),
        ("共有地カフェ ok", ["共", "有", "地", "カ", "フ", "ェ", "ok"]),
        ("हिन्दी עברית Привет ёлка", ["हिन्दी", "עברית", "привет", "елка"]),
        ("Straße", ["strasse"]),
        ("— … ♪ \u202e\u0000", []),
    ],
)
def test_a_text_becomes_comparable_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_a_text_becomes_comparable_words_in_every_script() -> None:
    for text, expected in ALIKE.items():
        assert [words(one) for one in text.split(" = ")] == [expected] * len(text.split(" = ")), text


def test_different_words_stay_different() -> None:
    for one, other in DIFFERENT:
        assert words(one) != words(other), (one, other)


@pytest.mark.parametrize("script", many_scripts.ALL)
@given(data=st.data())
def test_a_word_is_the_same_however_a_program_writes_it(script: str, data: st.DataObject) -> None:
    word = data.draw(st.sampled_from(many_scripts.ALL[script]))
    assert words(data.draw(many_scripts.disguises(word))) == words(word)


@pytest.mark.parametrize(
    "unseen", ["\u00ad", "\u2060", "\ufeff", "\u200e", "\u202b", "\u2069", "\u061c", "\u200d", "\ufe0f"]
)
def test_characters_that_nobody_sees_do_not_cut_a_word(unseen: str) -> None:
    assert words(f"com{unseen}mons") == ["commons"]


def test_a_zero_width_space_cuts_a_word() -> None:
    assert words("free\u200bmarket") == ["free", "market"]


def test_an_emoji_is_no_word_and_cuts_one() -> None:
    assert words("❤️ 👩‍💻 ab👩‍💻cd 1️⃣") == ["ab", "cd", "1"]


def test_characters_of_scripts_without_spaces_are_told_from_words() -> None:
    assert [is_character(word) for word in ("地", "น้ำ", "が", "a", "날", "ab")] == [True] * 3 + [False] * 3


def test_ten_thousand_accents_are_one_letter() -> None:  # fault line 49
    assert words("e" + "\u0301" * 10_000) == ["e"]


@given(st.text())
def test_words_of_words_are_themselves(text: str) -> None:
    assert words(" ".join(words(text))) == words(text)


@given(st.lists(st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1)))
def test_a_text_has_the_words_of_its_written_words(tokens: list[str]) -> None:
    assert words(" ".join(tokens)) == [word for token in tokens for word in words_of_token(token)]


@given(st.text())
def test_comparing_takes_no_second_pass(text: str) -> None:
    assert words(comparable(text)) == words(text)


def is_phrase_of(query: str, text: str) -> bool:
    asked, said = words(query), words(text)
    return any(said[at : at + len(asked)] == asked for at in range(len(said) - len(asked) + 1))


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("คนไทย", "น้ำใจของคนไทยดีมาก"),
        ("น้ํา", "น้ำใจของคนไทย"),  # sara am typed as two signs
        ("ບາຍດີ", "ສະບາຍດີ"),
        ("ភាសាខ្មែរ", "ខ្ញុំស្រឡាញ់ភាសាខ្មែរ"),
        ("လေ့လာ", "မြန်မာစာကိုလေ့လာနေပါတယ်"),
        ("ཡིག", "བོད་ཡིག་སློབ་པ་"),
        ("الكتاب الجديد", "الكِتَابُ الجَدِيدُ"),
        ("مكتبه", "مكـــتبة"),
        ("בראשית", "בְּרֵאשִׁית בָּרָא"),
        ('צה"ל', "צה״ל"),
        ("जिंदगी", "ज़िंदगी"),
        ("strasse", "Straße"),
        ("istanbul", "İSTANBUL"),
        ("dorde", "Đorđe"),
        ("oeuvre", "œuvre"),
        ("がき", "か\u3099き"),
        ("野家", "𠮷野家"),
        ("transcript", "trans\u00adcript"),
        ("hello", "👍🏽👨\u200d👩\u200d👧 hello"),
    ],
)
def test_a_phrase_is_found_in_every_script(query: str, text: str) -> None:
    assert is_phrase_of(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("zerowidth", "zero\u200bwidth"),
        ("か", "がき"),  # another sound
        ("தமிழ", "தமிழ்"),  # a virama makes another word
        ("ที", "ที่"),  # a tone as well
        ("hell", "hello"),
    ],
)
def test_what_makes_another_word_is_not_found(query: str, text: str) -> None:
    assert not is_phrase_of(query, text)
