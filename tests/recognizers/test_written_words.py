"""Words as they are written, from the bits of the real tokenizers of Whisper, in all of its languages."""

import functools
import gc
import itertools
import string
import warnings
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whisper.tokenizer import LANGUAGES, get_tokenizer

from search.query.words import words as comparable_words
from transcribe.library.transcript import Word, joined
from transcribe.recognizers.written_words import TimedText, WrittenWord, characters, shortened, written

TEXTS = {
    "en": "He said: \"I'm O'Brien's self-love, 3.5 of 1,001 at 5 p.m. (50%)\" — well... U.S. vs. country--the $5?",
    "fr": "C'est l'accumulation d'aujourd'hui ! « Qu'est-ce que c'est ? » dit-il, à 15h30, l’été.",
    "it": "L'università dell'Aquila: un po' d'acqua, 3,5 per cento, c'è.",
    "uk": "П'ять об'єктів, комп'ютер — м’яч… 25,5 %.",
    "ru": "Кто-то сказал: «Привет!» — и ушёл в 2023-м году.",
    "es": "¿Qué tal? ¡Muy bien! Son 1.001 euros, señor.",
    "de": "Z.B. die E-Mail-Adresse, 3,5 Prozent, Müller's Straße — so ist's.",
    "ca": "L'escola d'en Pere col·labora, oi?",
    "ga": "Tá an t-uisce sa bhaile, a Sheáin, agus ní h-ea.",
    "tr": "İstanbul'da 5'inci gün, Türkiye'nin.",
    "nl": "'s Avonds zo'n foto's, auto's.",
    "zh": "2023年，OpenAI的GPT-4发布了。《时代》说：“很好”，50%的人用C++写。 新的 一句。",
    "yue": "我哋喺2023年去咗香港，好開心呀！OK 嗎？",
    "ja": "2023年にOpen AIが「ChatGPT」を発表。3.5億人、それはﾃﾞｰﾀです。スーパー！",
    "ko": "2023년에 서울에서 '오픈AI'를 만났다. 3.5퍼센트!",
    "th": "สวัสดีครับ ผมชื่อสมชาย อายุ 25 ปี วันนี้อากาศดีมาก",
    "lo": "ສະບາຍດີ ຂ້ອຍຊື່ ສົມ 2023 ປີ",
    "my": "မင်္ဂလာပါ။ ကျွန်တော် ၂၀၂၃ ခုနှစ်",
    "km": "សួស្តី ខ្ញុំឈ្មោះ សុខ ២០២៣។",
    "hi": "नमस्ते, मैं ठीक हूँ। यह 3.5 प्रतिशत है।",
    "bn": "আমি ভালো আছি। ২০২৩ সালে।",
    "ta": "வணக்கம், நான் நலம். 2023-இல்.",
    "te": "నమస్కారం, నేను బాగున్నాను.",
    "ml": "നമസ്കാരം, എനിക്ക് സുഖമാണ്.",
    "kn": "ನಮಸ್ಕಾರ, ನಾನು ಚೆನ್ನಾಗಿದ್ದೇನೆ.",
    "gu": "નમસ્તે, હું ઠીક છું.",
    "pa": "ਸਤ ਸ੍ਰੀ ਅਕਾਲ, ਮੈਂ ਠੀਕ ਹਾਂ।",
    "si": "ආයුබෝවන්, මම හොඳින්.",
    "ar": "مرحبا، كيف حالك؟ إنها 3.5٪ في عام ٢٠٢٣.",
    "fa": "سلام، می‌خواهم بروم؛ کتاب‌ها.",
    "ur": "السلام علیکم، آپ کیسے ہیں؟",
    "he": "שלום, מה שלומך? צה\"ל, ג'ירפה.",
    "yi": "אַ גוטן טאָג, ווי גייט עס?",
    "el": "Γεια σας, τι κάνετε; Απ' όλα, 3,5 τοις εκατό.",
    "hy": "Բարև, ինչպե՞ս եք։",
    "ka": "გამარჯობა, როგორ ხარ?",
    "am": "ሰላም፣ እንዴት ነህ? ፳፻፲፭።",
    "bo": "བཀྲ་ཤིས་བདེ་ལེགས། ཁྱེད་རང་",
    "vi": "Xin chào, tôi là người Việt Nam; 3,5 phần trăm.",
    "haw": "Aloha kākou, ʻo wau ʻo Keʻalohi.",
    "mt": "L-università ta' Malta, x'jismek?",
}
SOUNDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)


@functools.cache
def tokenizer(multilingual: bool = True) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # whisper leaves it to the collector to close its file
        made = get_tokenizer(multilingual, language="en" if multilingual else None)
        gc.collect()
    return made


def as_bytes(tokens: Sequence[int], multilingual: bool = True) -> list[bytes]:
    return [tokenizer(multilingual).encoding.decode_single_token_bytes(token) for token in tokens]


def bits(text: str, multilingual: bool = True) -> list[TimedText]:
    """As a decoder would write it, a bit a second."""
    own = tokenizer(multilingual)
    found = list(characters(as_bytes(own.encode(f" {text}"), multilingual)))
    ends = list(itertools.accumulate(count for _, count in found))
    return [TimedText(bit, end - count, end, 0.5) for (bit, count), end in zip(found, ends, strict=True)]


def texts(words: Sequence[WrittenWord]) -> list[str]:
    return [word.text for word in words]


def as_words(words: Sequence[WrittenWord]) -> list[Word]:
    return [Word(0, 0, word.text, joined=word.joined) for word in words]


def holds(text: str, multilingual: bool = True) -> None:
    """The words joined are the text, and what an index takes from them is what it takes from the text."""
    words = written(bits(text, multilingual))
    assert joined(as_words(words)) == " ".join(text.split())
    indexed = [each for word in words for each in comparable_words(word.text)]
    assert indexed == comparable_words(" ".join(text.split()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_make_the_text_in_every_language(language: str) -> None:
    holds(TEXTS.get(language, TEXTS["en"]))
    holds(f"{TEXTS.get(language, TEXTS['fr'])} {TEXTS['ja']} {TEXTS['en']}")


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_words_make_the_text_with_the_tokenizer_of_english_models(text: str) -> None:
    holds(text, multilingual=False)


@given(st.lists(st.sampled_from([*" ".join(TEXTS.values()).split(), *string.punctuation]), max_size=8), st.booleans())
def test_words_make_any_mixture_of_texts(parts: list[str], spaced: bool) -> None:
    holds((" " if spaced else "").join(parts))


@given(SOUNDS)
def test_words_make_any_text(text: str) -> None:
    words = written(bits(text))
    assert joined(as_words(words)) == " ".join(text.split())


@given(st.lists(st.integers(0, 50_256), max_size=20))
def test_any_tokens_make_the_text_that_whisper_makes_of_them(tokens: list[int]) -> None:
    found = list(characters(as_bytes(tokens)))
    assert "".join(text for text, _ in found) == tokenizer().decode(tokens)
    assert sum(count for _, count in found) == len(tokens)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c'est l'accumulation", ["c'est", "l'accumulation"]),
        ("O'Brien's self-love", ["O'Brien's", "self-love"]),
        ("3.5 of 1,001 at 5 p.m., 50%", ["3.5", "of", "1,001", "at", "5", "p.m.,", "50%"]),
        ("п'ять", ["п'ять"]),
        ("「Open AI」は2023年", ["「Open", "AI」", "は", "2023", "年"]),
        ("he said (well) - no", ["he", "said", "(well)", "-", "no"]),
    ],
)
def test_words_end_at_spaces_and_in_scripts_without_them_between_characters(text: str, expected: list[str]) -> None:
    assert texts(written(bits(text))) == expected


def test_each_word_says_whether_it_is_joined_where_that_is_not_plain() -> None:
    words = written(bits("在2023年 OpenAI 说。 好"))
    assert [(word.text, word.joined) for word in words] == [
        ("在", None),
        ("2023", True),
        ("年", True),
        ("OpenAI", None),
        ("说。", None),
        ("好", False),
    ]


def test_a_word_lasts_as_long_as_its_letters_and_its_signs() -> None:
    """The time of a full stop is the pause after it."""
    said = [(" (", 0), ("c", 1), ("'", 2), ("est", 3), (")", 4), (".", 5), (" 50", 6), ("%", 7), (",", 8), (" -", 9)]
    words = written(TimedText(text, second, second + 1, 0.1 * second) for text, second in said)
    assert [(word.text, word.start, word.end) for word in words] == [("(c'est).", 1, 4), ("50%,", 6, 8), ("-", 9, 10)]
    assert words[0].probability == pytest.approx(0.2)


def test_a_word_after_a_full_stop_does_not_begin_in_the_pause() -> None:
    said = [("one", 0.0, 0.2), ("two.", 0.2, 0.4), ("three", 3.0, 6.0), ("four", 6.0, 9.0)]
    words = shortened([WrittenWord(text, start, end, 1.0, None) for text, start, end in said])
    longest = 1.4  # twice the 0.7 s that a usual word lasts at most
    assert [word.start for word in words] == [0.0, 0.2, pytest.approx(6.0 - longest), 6.0]


def test_thai_is_cut_where_the_model_cuts_it_so_that_each_bit_has_its_time() -> None:
    bits = [
        TimedText(bit, n, n + 1, 0.5) for n, bit in enumerate((" น้", "ำ", "ใจ", "ของ", "เ", "เม่", " ๒๕", "๖๖", "ปี"))
    ]
    assert [(word.text, word.start, word.joined) for word in written(bits)] == [
        ("น้ำ", 0, None),
        ("ใจ", 2, True),
        ("ของ", 3, True),
        ("เเม่", 4, True),
        ("๒๕๖๖", 6, None),
        ("ปี", 8, True),
    ]
