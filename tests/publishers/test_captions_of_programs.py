"""Files as programs write them, and what people made of them: the right text, speaker and second of each."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from transcribe.library.transcript import Transcript
from transcribe.publishers.caption_import import Imported, imported
from transcribe.publishers.caption_reader import parse
from transcribe.publishers.script import Form, Script


def srt(*texts: str) -> str:
    """A cue of two seconds every three."""
    return "\n".join(f"{n}\n00:00:{3 * n:02},000 --> 00:00:{3 * n + 2:02},000\n{t}\n" for n, t in enumerate(texts, 1))


def read(text: str | bytes, form: Form = "srt", **known: Any) -> Script:
    return parse(text if isinstance(text, bytes) else text.encode(), form, **known)


def said(script: Script) -> list[tuple[str | None, str]]:
    return [(cue.speaker, cue.text) for cue in script.cues]


def starts(script: Script) -> list[tuple[int | None, str]]:
    return [(cue.start_ms, cue.text) for cue in script.cues]


def words(script: Script) -> list[tuple[int, str]]:
    return [(word.start_ms, word.text) for cue in script.cues for word in cue.words]


def segments(*listed: dict[str, Any], **more: Any) -> str:
    return json.dumps({"segments": listed, **more}, ensure_ascii=False)


# Lines that roll up, and karaoke


def test_a_sound_above_the_first_line_that_rolls_up_does_not_make_that_line_said_twice() -> None:
    script = read(
        "1\n00:00:17,840 --> 00:00:19,670\n[Music]\nhi guys welcome to a\n\n"
        "2\n00:00:19,670 --> 00:00:19,680\nhi guys welcome to a\n \n\n"
        "3\n00:00:19,680 --> 00:00:21,830\nhi guys welcome to a\nnew video in this\n\n"
        "4\n00:00:21,830 --> 00:00:21,840\nnew video in this\n \n\n"
        "5\n00:00:21,840 --> 00:00:22,230\nnew video in this\nplay\n"
    )
    assert starts(script) == [(17840, "[Music] hi guys welcome to a"), (19680, "new video in this"), (21840, "play")]


def test_a_word_that_is_said_again_in_another_line_is_said_again() -> None:
    texts = ["I said no\nno", "no way", "go on", "go on then", "not at all", "all of it"]
    assert [cue.text for cue in read(srt(*texts)).cues] == [" ".join(text.split()) for text in texts]


def test_a_line_of_karaoke_that_is_sung_again_is_there_again() -> None:
    text = ["the", "cat", "sat"]
    cues = []
    for number in range(6):
        line = " ".join(f"<u>{word}</u>" if at == number % 3 else word for at, word in enumerate(text))
        cues.append(f"00:{number:02}.000 --> 00:{number:02}.900\n{line}")
        cues.append(f"00:{number:02}.900 --> 00:{number + 1:02}.000\nthe cat sat")
    script = read("WEBVTT\n\n" + "\n\n".join(cues), "vtt")
    assert words(script) == [(1000 * number, text[number % 3]) for number in range(6)]


# JSON


def test_text_that_has_no_words_in_json_is_not_lost() -> None:
    one, two = {"word": " One", "start": 1, "end": 1.5}, {"word": " two", "start": 1.5, "end": 2}
    script = read(segments({"start": 1, "end": 4, "text": " One two three four.", "words": [one, two]}), "json")
    assert starts(script) == [(1000, "One two three four.")]
    assert not script.times_words


def test_numbers_that_are_none_cost_their_own_times_alone() -> None:
    script = read(
        '{"segments": [{"start": 0.0, "end": 2.0, "text": " Hello there.", "avg_logprob": NaN, "words": ['
        '{"word": " Hello", "start": 0.0, "end": NaN, "probability": NaN},'
        '{"word": " there.", "start": NaN, "end": 2.0}]},'
        '{"start": 4.0, "end": null, "text": " No end.", "speaker": null, "words": []},'
        '{"start": 10.0, "end": 11.0, "text": " Last."}]}',
        "json",
    )
    assert starts(script) == [(0, "Hello there."), (4000, "No end."), (10000, "Last.")]
    (hello, there), _, _ = (cue.words for cue in script.cues)
    assert hello.end_ms == there.start_ms > 500
    assert script.cues[1].end_ms == 9000


def test_times_of_json_may_be_clocks_or_milliseconds() -> None:
    clocks = read(segments({"startTime": "00:00:01.500", "endTime": "00:01:01,900", "body": "Hi"}), "json")
    assert (clocks.cues[0].start_ms, clocks.cues[0].end_ms) == (1500, 61900)
    heard = [{"text": "Hello", "start": 500, "end": 900}, {"text": "world.", "start": 1000, "end": 1400}]
    utterance = {"speaker": "A", "text": "Hello world.", "start": 500, "end": 1400, "words": heard}
    script = read(json.dumps({"utterances": [utterance], "words": heard}), "json")
    assert words(script) == [(500, "Hello"), (1000, "world.")]
    assert "its times were taken for milliseconds" in script.notes
    slow = read(segments({"start": 0, "end": 20, "text": "A long pause, in seconds."}), "json")
    assert slow.cues[0].end_ms == 20_000
    pause = read(
        segments({"start": 0, "end": 3600, "text": "A pause."}, {"start": 3600, "end": 3602, "text": "So."}), "json"
    )
    assert pause.cues[1].start_ms == 3_600_000


def test_words_of_deepgram_are_written_with_their_stops() -> None:
    heard = [
        {"word": w, "punctuated_word": p, "start": s, "end": s + 0.4}
        for w, p, s in (("hello", "Hello", 0.5), ("you", "you.", 1.0))
    ]
    utterance = {"start": 0.5, "end": 1.4, "transcript": "Hello you.", "speaker": 0, "words": heard}
    assert words(read(json.dumps({"results": {"utterances": [utterance]}}), "json")) == [(500, "Hello"), (1000, "you.")]


def test_json_may_be_in_any_encoding_and_have_bad_bytes() -> None:
    text = "Привет, как дела? Это не то, что я думал."
    data = segments({"start": 0, "end": 1, "text": text})
    assert said(read(data.encode("cp1251"), "json")) == [(None, text)]
    assert said(read(data.encode("cp1251"), "json", encoding="cp1251")) == [(None, text)]
    script = read(data.encode().replace("дела".encode(), b"\xd0de\xd0\xbb\xd0\xb0"), "json")
    assert said(script) == [(None, text.replace("дела", "\ufffddeла"))]
    assert script.notes == ("1 byte is no UTF-8, and became \ufffd",)


def test_speakers_of_json_may_be_numbers_or_objects_or_none() -> None:
    speakers: list[Any] = [None, "SPEAKER_01", {"name": "Ann"}, 2, 0, "Bob:"]
    listed = [{"start": n, "end": n + 1, "text": "We go.", "speaker": each} for n, each in enumerate(speakers)]
    script = read(segments(*listed), "json")
    assert [cue.speaker for cue in script.cues] == [None, "SPEAKER_01", "Ann", "Speaker 2", "Speaker 0", "Bob"]


# TTML, Advanced SubStation


def test_ttml_may_have_its_times_around_a_paragraph_or_in_its_spans() -> None:
    script = read(
        '<tt xmlns="http://www.w3.org/ns/ttml"><body><div><div begin="69.583s" end="71.125s"><p>Lara.</p></div>'
        '<p begin="100s"><span begin="1s" end="2s">Een</span> <span begin="2s" dur="1s">twee drie</span></p>'
        "</div></body></tt>",
        "ttml",
    )
    assert [(cue.start_ms, cue.end_ms, cue.text) for cue in script.cues] == [
        (69583, 71125, "Lara."),
        (100_000, 103_000, "Een twee drie"),
    ]


def test_ttml_that_does_not_say_its_encoding_is_read_as_captions_are() -> None:
    text = "Сегодня мы поговорим о том, как всё начиналось."
    body = f'<body><p begin="1s" end="2s">{text}</p></body>'
    document = f'<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml">{body}</tt>'
    assert said(read(document.encode("cp1251"), "ttml")) == [(None, text)]
    declared = document.replace("?>", ' encoding="windows-1251"?>', 1)
    assert said(read(declared.encode("cp1251"), "ttml")) == [(None, text)]


def test_braces_without_a_code_are_a_comment_in_substation_alone() -> None:
    ass = (
        "[Script Info]\nScriptType: v4.00+\n\n[Events]\n"
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        "Dialogue: 0,0:00:13.200,0:00:22.14,Default,Ann,0,0,0,,Well, {\\i1}hello{\\i0} {check this}there.\n"
    )
    assert starts(read(ass, "ass")) == [(13200, "Well, hello there.")]
    assert said(read(srt("A {set} of things."))) == [(None, "A {set} of things.")]


def test_signs_of_less_and_more_are_no_tag() -> None:
    text = "if a<b and b>c then"
    assert said(read(srt(text, '<font color="red">x</font> <b>y</b> <c.red.big>z</c>'))) == [
        (None, "if a<b and b>c then"),
        (None, "x y z"),
    ]


def test_sbv_breaks_lines_by_a_sign_of_its_own() -> None:
    script = read("0:00:01.000,0:00:03.000\n>> ANN: Hello[br]there\n", "sbv")
    assert said(script) == [("ANN", "Hello there")]


def test_a_file_without_words_says_so() -> None:
    assert read("WEBVTT\n\n", "vtt").notes == ("it has no words",)


def test_a_path_is_no_code() -> None:
    script = read(srt("C:\\New\\horizon is lost.", "One\\Ntwo\\hthree", "Q:\\NWhat?"))
    assert [cue.text for cue in script.cues][:2] == ["C:\\New\\horizon is lost.", "One two three"]


# Times


def test_a_cue_with_a_mistyped_hour_stays_between_its_neighbours() -> None:
    lines = srt("One two", "three four", "five six", "seven eight", "nine ten").replace(
        "00:00:06,000 -->", "01:00:06,000 -->"
    )
    script = read(lines.replace("00:00:12,000 --> 00:00:14", "01:00:12,000 --> 01:00:14"))
    assert [cue.text for cue in script.cues] == ["One two", "three four", "five six", "seven eight", "nine ten"]
    assert [(cue.start_ms, cue.end_ms) for cue in script.cues][1::2] == [(6000, 8000), (12_000, 14_000)]
    assert script.repairs == 2


def test_a_cue_that_stands_elsewhere_in_the_file_than_in_time_is_not_moved() -> None:
    times = ("00:00:01", "00:20:00", "00:00:05", "00:21:00")
    text = "\n".join(f"{n}\n{time},000 --> {time},900\nWe are {time}\n" for n, time in enumerate(times, 1))
    assert [cue.start_ms for cue in read(text).cues] == [1000, 5000, 1_200_000, 1_260_000]


def test_cues_far_apart_are_where_their_times_say() -> None:
    text = srt("One", "two").replace("00:00:06", "02:00:06").replace("00:00:08", "02:00:08")
    assert starts(read(text)) == [(3000, "One"), (7_206_000, "two")]


def test_an_arrow_below_the_number_of_a_cue_is_its_times_even_where_nobody_can_read_them() -> None:
    script = read(srt("One two", "three four", "five six").replace("00:00:06,000 --> 00:00:08,000", "xx --> yy"))
    assert starts(script) == [(3000, "One two"), (9000, "five six")]
    assert script.notes[0].startswith("1 dropped, as nobody can tell when: line 6")


# Encodings

LINES = {
    "ko": ("여러분 안녕하세요.", "오늘은 도시의 역사에 대해 이야기하겠습니다.", "감사합니다."),
    "cs": ("Dobrý den, vážení přátelé.", "Dnes si budeme povídat o řece, která teče přes město.", "Děkuji vám."),
    "fr": ("Bonjour à tous et à toutes.", "Nous parlons de l'été à Orléans.", "Merci, à bientôt."),
    "en": ("It's 20° outside — really.", "The café was closed, naïvely.", "So we left."),
    "quotes": ("Hello there", "A plain “quoted” word", "and that’s all"),
    "ru": ("Здравствуйте, дорогие друзья.", "Сегодня мы поговорим о том, как всё начиналось.", "Была зима."),
    "ja": ("皆さん、こんにちは。", "今日は町の歴史について話しましょう。", "ありがとうございました。"),
    "zht": ("大家好，歡迎收聽我們的節目。", "今天我們要談談城市的歷史。", "謝謝大家。"),
}


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        *(("ko", "euc-kr"), ("cs", "iso8859-2"), ("cs", "cp1250"), ("fr", "mac-roman"), ("en", "cp1252")),
        *(("en", "mac-roman"), ("quotes", "cp1252"), ("ru", "utf-32"), ("ja", "euc-jp"), ("ja", "shift_jis")),
        *(("zht", "big5"), ("ru", "cp866"), ("ja", "utf-16-le"), ("cs", "utf-16-be")),
    ],
)
def test_all_lines_tell_of_the_encoding_the_last_as_well(name: str, encoding: str) -> None:
    assert [cue.text for cue in read(srt(*LINES[name]).encode(encoding)).cues] == [*LINES[name]]


def as_a_browser_reads(data: bytes) -> str:
    """Windows-1252, the bytes that it has no letter for as they are."""
    return "".join(bytes([b]).decode("cp1252" if b not in b"\x81\x8d\x8f\x90\x9d" else "latin-1") for b in data)


@pytest.mark.parametrize("name", ["fr", "ru", "ja", "cs", "quotes"])
@pytest.mark.parametrize("times", [1, 2])
def test_letters_that_were_decoded_wrongly_once_or_twice_are_put_right_and_that_is_said(name: str, times: int) -> None:
    text = srt(*LINES[name])
    for _ in range(times):
        text = as_a_browser_reads(text.encode())
    script = read(text)
    assert [cue.text for cue in script.cues] == [*LINES[name]]
    assert "UTF-8 twice" in script.notes[0]


def test_one_sign_that_was_decoded_wrongly_is_enough() -> None:
    script = read(srt("Itâ€™s fine.", "Plain text."))
    assert script.cues[0].text == "It’s fine."
    assert script.notes == ("1 line had been UTF-8 twice, and was put right",)


def test_russian_that_was_taken_for_windows_1251_or_1252_is_put_right() -> None:
    text = srt(*LINES["ru"])
    for wrong in (text.encode().decode("cp1251", "replace"), text.encode("cp1251").decode("latin-1")):
        script = read(wrong)
        assert [cue.text for cue in script.cues] == [*LINES["ru"]]
        assert "put right" in script.notes[0]


@pytest.mark.parametrize(
    "lines",
    [
        ("Ã é uma letra.", "A palavra SÃO PAULO.", "Ação."),
        ("« Où est-il né ? »", "Là où je suis né\u00a0»", "voilà\u00a0»"),
        ("»Das macht Spaß«", "macht Spaß«.", "Größe, Ä und Ö."),
        ("Déjà vu, été, à côté, où ça ?", "Élève, œuvre, Noël"),
        ("С Новым годом! «РЖД» — № 1", "ПРИВЕТ, ЁЖ", "Рано утром…"),
        ("Łódź, źdźbło, Ążźćń", "Příliš žluťoučký kůň"),
        ("Þórður á Íslandi, æði", "Ærø, Ålborg, smørrebrød"),
        ("Göğüs, şiir, İstanbul’da", "Đorđe, čćžš"),
    ],
)
def test_what_only_looks_as_if_it_was_decoded_wrongly_is_left(lines: tuple[str, ...]) -> None:
    script = read(srt(*lines))
    assert " ".join(cue.text for cue in script.cues).split() == " ".join(lines).replace("\u00a0", " ").split()
    assert script.notes == ()


# Speakers and sounds


@pytest.mark.parametrize(
    ("texts", "turns"),
    [
        (  # Zoom, with names as people type them
            [
                "Ann Smith (she/her): Hi all.",
                "iPhone von Bob: Yes: clear.",
                "Ann Smith: We go.",
                "iPhone von Bob: Fine.",
            ],
            [
                ("Ann Smith", "Hi all."),
                ("iPhone von Bob", "Yes: clear."),
                ("Ann Smith", "We go."),
                ("iPhone von Bob", "Fine."),
            ],
        ),
        (["[Ann:] Hello.", "Well.", "[Bob:] Hi."], [("Ann", "Hello."), ("Ann", "Well."), ("Bob", "Hi.")]),
        (
            ["ann: hello", "bob: hi", "ann: well", "bob: he said: go"],
            [("ann", "hello"), ("bob", "hi"), ("ann", "well"), ("bob", "he said: go")],
        ),
        (
            ["(Ann) Hello.", "(Bob) Hi.", "(in 1968) it was.", "(Ann) Bye.", "(laughs) Yes."],
            [
                ("Ann", "Hello."),
                ("Bob", "Hi."),
                ("Bob", "(in 1968) it was."),
                ("Ann", "Bye."),
                ("Ann", "(laughs) Yes."),
            ],
        ),
        (
            [
                "So we begin.",
                "Speaker 1: Hello.",
                "speaker 2: hi",
                "Interviewer: And then?",
                "It was late.",
                "We went.",
            ],
            [
                *((None, "So we begin."), ("Speaker 1", "Hello."), ("speaker 2", "hi"), ("Interviewer", "And then?")),
                *(("Interviewer", "It was late."), ("Interviewer", "We went.")),
            ],
        ),
    ],
)
def test_speakers_are_told_as_programs_and_people_write_them(
    texts: list[str], turns: list[tuple[str | None, str]]
) -> None:
    assert said(read(srt(*texts))) == turns


@pytest.mark.parametrize(
    "texts",
    [
        ["he said: go", "he said: stay", "and we went", "all the way", "home again"],
        ["one thing: water", "I know it well", "one thing: bread", "that is all", "we have"],
        ["[Paris] was grey.", "It rained.", "We left."],
        ["the speaker 1 on the left", "my guest a doctor: said no", "voice over: none"],
        ["recipe: take flour", "then: stir"],
    ],
)
def test_words_before_a_colon_or_in_brackets_may_be_speech(texts: list[str]) -> None:
    assert said(read(srt(*texts))) == [(None, text) for text in texts]


@pytest.mark.parametrize(
    ("text", "unspoken"),
    [
        ("f[***]k that", []),
        ("Call main() first.", []),
        ("(♪ upbeat music ♪)", ["(♪", "upbeat", "music", "♪)"]),
        ("[♪♪♪]", ["[♪♪♪]"]),
        ("《红楼梦》 is a book", []),
    ],
)
def test_a_text_with_sounds_stays_as_it_is_written(text: str, unspoken: list[str]) -> None:
    (cue,) = read(srt(text)).cues
    assert cue.text == text
    assert [word.text for word in cue.written() if not word.spoken] == unspoken


def test_brackets_of_japanese_captions_are_sounds() -> None:
    (cue,) = read(srt("〔笑い〕ええ")).cues
    assert "".join(word.text for word in cue.written() if word.spoken) == "ええ"


# Typed texts


@pytest.mark.parametrize(
    ("text", "cues"),
    [
        (
            "(0:00 - 0:05)\nHello there. (0:05) Second.\n(1:00:00 - 1:00:05) Last.",
            [(0, None, "Hello there."), (5000, None, "Second."), (3_600_000, None, "Last.")],
        ),
        (
            "00:00:01:00 - 00:00:03:00\nSpeaker 1\nHello there.\n\n00:00:03:12 - 00:00:05:00\nSpeaker 2\nHi.",
            [(1000, "Speaker 1", "Hello there."), (3480, "Speaker 2", "Hi.")],
        ),
        (
            "[Ann Smith] 00:10:01\nHello everyone.\n\n[Bob] 00:10:05\nHi Ann.",
            [(601_000, "Ann Smith", "Hello everyone."), (605_000, "Bob", "Hi Ann.")],
        ),
        (
            "00:01:02\tAnn Smith:\tHello.\n00:01:09\tBob:\tHi.",
            [(62_000, "Ann Smith", "Hello."), (69_000, "Bob", "Hi.")],
        ),
        (
            "0:00 hello there\n0:04 general\n0:09 you are bold",
            [(0, None, "hello there"), (4000, None, "general"), (9000, None, "you are bold")],
        ),
        (
            "---\ntitle: A talk\n---\n# Talk\n\n**Ann**: Hello. <!-- cut -->\n\n**Bob:** See [the page](https://x.y).",
            [(None, None, "Talk"), (None, "Ann", "Hello."), (None, "Bob", "See the page.")],
        ),
        (
            "10:30 was when we met.\nWe went on.\nAt 11:00 we left.",
            [(None, None, "10:30 was when we met."), (None, None, "We went on."), (None, None, "At 11:00 we left.")],
        ),
    ],
)
def test_typed_texts_of_programs(text: str, cues: list[tuple[int | None, str | None, str]]) -> None:
    assert [(cue.start_ms, cue.speaker, cue.text) for cue in read(text, "txt").cues] == cues


# Scripts without spaces


def made(tmp_path: Path, text: str) -> Transcript:
    path = tmp_path / "talk.srt"
    path.write_text(text)
    result: Imported = imported(path, "Talks")
    return result.transcript


@pytest.mark.parametrize(
    "text",
    ["น้ำใจของคนไทยดีมาก ปี ๒๕๖๖", "ສະບາຍດີນ້ຳໃຈດີຫຼາຍ", "ខ្ញុំស្រឡាញ់ភាសាខ្មែរ ២០២៣", "မြန်မာစာကိုလေ့လာနေပါတယ်။", "นํ้าเเม่ 25 ปี", "ｶﾞｷﾃﾞｰﾀ"],
)
def test_a_caption_of_a_script_without_spaces_has_a_time_for_each_character(tmp_path: Path, text: str) -> None:
    transcript = made(tmp_path, srt(text))
    (segment,) = transcript.segments
    assert segment.text == text
    times = [word.start_ms for word in segment.words]
    assert len(set(times)) > 4
    assert max(after - before for before, after in itertools.pairwise(times)) < 700
    assert segment.flags == ("interpolated",)
