"""Files as other programs write them: what must be understood, and what must not be taken for more than it is."""

import json
from typing import Any

import pytest

from transcribe.errors import TranscriptError
from transcribe.publishers.caption_reader import parse
from transcribe.publishers.script import Form, Script

Row = tuple[int | None, int | None, str | None, str]


def rows(script: Script) -> list[Row]:
    return [(cue.start_ms, cue.end_ms, cue.speaker, cue.text) for cue in script.cues]


def srt(*texts: str) -> str:
    """Cues of two seconds each."""
    times = (f"00:00:{2 * n:02},000 --> 00:00:{2 * n + 2:02},000" for n in range(len(texts)))
    return "\n".join(f"{n}\n{time}\n{text}\n" for n, (time, text) in enumerate(zip(times, texts, strict=True), 1))


def read(text: str, form: Form = "srt", **known: Any) -> Script:
    return parse(text.encode(), form, **known)


def said(script: Script) -> list[tuple[str | None, str]]:
    return [(cue.speaker, cue.text) for cue in script.cues]


def silent(script: Script) -> list[str]:
    return [word.text for cue in script.cues for word in cue.written() if not word.spoken]


def timed(script: Script) -> list[tuple[int, str]]:
    return [(word.start_ms, word.text) for cue in script.cues for word in cue.words]


# Captions that show what they have shown


ROLL_UP = srt(
    "who owns the well",
    "who owns the well\nwe all do they said",
    "who owns the well\nwe all do they said\nand then we left",
    "we all do they said\nand then we left\nfor the city",
)
WITHOUT_INLINE_TIMES = """1
00:00:00,160 --> 00:00:02,310

hello everyone welcome

2
00:00:02,310 --> 00:00:02,320
hello everyone welcome


3
00:00:02,320 --> 00:00:04,560
hello everyone welcome
back to the show

4
00:00:04,560 --> 00:00:04,570
back to the show
"""


def test_lines_of_a_broadcast_that_roll_up_are_said_once_when_each_first_appears() -> None:
    script = read(ROLL_UP)
    assert [(cue.start_ms, cue.text) for cue in script.cues] == [
        (0, "who owns the well"),
        (2000, "we all do they said"),
        (4000, "and then we left"),
        (6000, "for the city"),
    ]
    assert "22 words that are shown again were taken once" in script.notes


def test_lines_that_roll_up_are_known_without_inline_times() -> None:
    assert rows(read(WITHOUT_INLINE_TIMES)) == [
        (160, 2310, None, "hello everyone welcome"),
        (2320, 4560, None, "back to the show"),
    ]


def test_a_line_that_grows_word_by_word_times_each() -> None:
    grown = timed(read(srt("I", "I think", "I think that", "I think that we")))
    assert grown == [(0, "I"), (2000, "think"), (4000, "that"), (6000, "we")]


@pytest.mark.parametrize(
    "texts",
    [
        ("Yeah.", "Yeah.", "Yeah. I think so", "I think so too"),
        ("We shall overcome", "We shall overcome", "We shall overcome some day", "Deep in my heart"),
        ("La la la", "La la la", "La la la", "La la la"),
        ("that is what", "what they said", "said nobody", "and left"),
    ],
)
def test_what_is_said_again_is_no_line_that_rolls_up(texts: tuple[str, ...]) -> None:
    assert [text for _, text in said(read(srt(*texts)))] == list(texts)


def test_karaoke_says_each_word_once_when_it_is_marked() -> None:
    cues = [
        "00:00.000 --> 00:00.500\n<u>Who</u> owns it?",
        "00:00.500 --> 00:00.700\nWho owns it?",
        "00:00.700 --> 00:01.000\nWho <u>owns</u> it?",
        "00:01.000 --> 00:01.400\nWho owns <u>it?</u>",
        "00:02.000 --> 00:02.500\n<u>We</u> do.",
        "00:02.500 --> 00:03.000\nWe <u>do.</u>",
    ]
    script = read("\n\n".join(["WEBVTT", *cues]), "vtt")
    assert timed(script) == [(0, "Who"), (700, "owns"), (1000, "it?"), (2000, "We"), (2500, "do.")]
    assert [text for _, text in said(script)] == ["Who owns it?", "We do."]


# Speakers


@pytest.mark.parametrize(
    ("texts", "turns"),
    [
        (
            ["[SPEAKER_00]: Who owns it?", "[SPEAKER_01]: We do.", "Nobody's."],
            [("SPEAKER_00", "Who owns it?"), ("SPEAKER_01", "We do."), (None, "Nobody's.")],
        ),
        (
            ["Ann Smith: Who owns it?", "Ben: We do.", "Ann Smith: Since when?", "Ben: Always.", "All of us."],
            [
                ("Ann Smith", "Who owns it?"),
                ("Ben", "We do."),
                ("Ann Smith", "Since when?"),
                ("Ben", "Always."),
                ("Ben", "All of us."),
            ],
        ),
        (
            [">> ANN: Who owns it?", ">> We do.", "And you? >> Me too."],
            [("ANN", "Who owns it?"), (None, "We do."), (None, "And you?"), (None, "Me too.")],
        ),
        (
            ["[Ann Smith] Who owns it?", "[Ben] We do.", "[Ann Smith] Since when?", "[Ben] Always."],
            [("Ann Smith", "Who owns it?"), ("Ben", "We do."), ("Ann Smith", "Since when?"), ("Ben", "Always.")],
        ),
        (["- Who owns it?\n- We do.", "-5 degrees"], [(None, "Who owns it?"), (None, "We do."), (None, "-5 degrees")]),
        (
            ["ANN: Who owns it?\nBEN: We do.", "Well, Ann. ANN (laughs): Yes?"],
            [("ANN", "Who owns it?"), ("BEN", "We do."), ("BEN", "Well, Ann."), ("ANN", "Yes?")],
        ),
        (["张三：你好。", "李四：你好。", "张三：谁的井？", "李四：大家的。"],
         [("张三", "你好。"), ("李四", "你好。"), ("张三", "谁的井？"), ("李四", "大家的。")]),
    ],
)  # fmt: skip
def test_speakers_are_told_from_text(texts: list[str], turns: list[tuple[str | None, str]]) -> None:
    assert said(read(srt(*texts))) == turns


@pytest.mark.parametrize(
    "text",
    [
        "Remember: we go at nine.",
        "Note: bring water.",
        "he said: go",
        "So here is the thing: nobody came.",
        "Chapter 2: the well.",
        "It was 12:30: late.",
        "Once: never again.",
        "the time - as it was - is gone",
    ],
)
def test_a_colon_or_a_dash_may_be_speech(text: str) -> None:
    script = read(srt(text, "We went on.", text, "And on and on.", "And then we came back."))
    assert (None, text) in said(script)
    assert {speaker for speaker, _ in said(script)} == {None}


def test_a_name_that_is_said_once_is_no_label_unless_it_is_known() -> None:
    texts = srt("Ann: who owns the well?", "So we went on.", "And on.", "And on and on.")
    assert said(read(texts))[0] == (None, "Ann: who owns the well?")
    assert said(read(texts, persons=["Ann Smith"]))[0] == ("Ann", "who owns the well?")


# What was not said


@pytest.mark.parametrize(
    ("text", "shown", "unspoken"),
    [
        ("[Applause] Thank you", "[Applause] Thank you", ["[Applause]"]),
        ("Thank you.[Applause]", "Thank you. [Applause]", ["[Applause]"]),
        ("(laughs) I know", "(laughs) I know", ["(laughs)"]),
        ("♪ We shall overcome ♪", "♪ We shall overcome ♪", ["♪", "♪"]),
        ("[speaking in French]", "[speaking in French]", ["[speaking", "in", "French]"]),
        ("(door slams)", "(door slams)", ["(door", "slams)"]),
        ("(смех) Да", "(смех) Да", ["(смех)"]),
        ("{\\an8}Up\\Nhere\\hnow", "Up here now", []),
        ("{\\p1}m 0 0 l 100 0{\\p0}Hello", "Hello", []),
        ("We met (in 1968) there.", "We met (in 1968) there.", []),
        ("(in 1968)", "(in 1968)", []),
        ("[We met in the spring.] And then", "[We met in the spring.] And then", []),
        ("the agency (NASA) said", "the agency (NASA) said", []),
        ("List<String> & Q&A <3", "List<String> & Q&A <3", []),
    ],
)
def test_sounds_are_shown_and_not_spoken(text: str, shown: str, unspoken: list[str]) -> None:
    script = read(srt("Welcome to the hall.", text))
    assert script.cues[1].text == shown
    assert silent(script) == unspoken


def test_what_is_said_into_anothers_sentence_is_an_aside() -> None:
    script = read(
        "WEBVTT\n\n00:01.000 --> 00:05.000\n<v Ann>I think that we all\n\n"
        "00:02.000 --> 00:02.500\n<v Ben>mm-hm\n\n00:05.000 --> 00:07.000\n<v Ann>should own it.\n",
        "vtt",
    )
    assert [(cue.text, cue.aside) for cue in script.cues] == [
        ("I think that we all", False),
        ("mm-hm", True),
        ("should own it.", False),
    ]
    assert silent(script) == ["mm-hm"]


# Times and blank lines


def test_a_cue_with_bad_times_costs_that_cue_alone() -> None:
    script = read(
        srt("One.", "Two.", "Three.", "Four.")
        + "\n5\n-00:00:01,000 --> 00:00:01,000\nBefore.\n"
        + "\n6\nxx:yy:00 --> zz:00:aa\nLost.\n"
        + "\n7\n00:00:09,000 --> 00:00:0x,000\nKept.\n"
    )
    assert [text for _, text in said(script)] == ["One.", "Before.", "Two.", "Three.", "Four.", "Kept."]
    assert script.repairs == 4  # before the start, lost, without an end, out of order
    assert script.notes == ("1 dropped, as nobody can tell when: line 22 has an arrow but not a cue's times: 'xx:yy:00 --> zz:00:aa'",)  # fmt: skip  # noqa: E501


def test_a_file_whose_times_are_mostly_bad_is_refused() -> None:
    with pytest.raises(TranscriptError, match="line 2 has an arrow"):
        read(srt("One.", "Two.").replace("00:00:0", "ab:cd:0"))


@pytest.mark.parametrize(
    ("time", "ms"),
    [
        ("00:00:01.500", 1500),
        ("00:00:01:500", 1500),
        ("00:00:01,5", 1500),
        ("00: 00: 01, 500", 1500),
        ("00.00.01,500", 1500),
        ("１:00:01,500".replace("１", "0"), 1500),
        ("0O:00:01,500", 1500),
        ("100:00:00,000", 360_000_000),
        ("00:00:01:12", 1480),
    ],
)
def test_times_are_read_as_they_are_typed(time: str, ms: int) -> None:
    (cue,) = read(f"1\n{time} --> 100:00:09,000\nSaid.\n").cues
    assert cue.start_ms == ms


def test_a_blank_line_before_or_inside_a_cues_text_loses_nothing() -> None:
    script = read(
        "WEBVTT\n\n1\n00:01.000 --> 00:02.000\n\nHello\n\nworld\n\n"
        "2\n00:03.000 --> 00:04.000\nNext\n\nNOTE x\nhidden\n",
        "vtt",
    )
    assert [text for _, text in said(script)] == ["Hello world", "Next"]


def test_invisible_marks_before_a_number_do_not_make_it_spoken() -> None:
    marked = srt("One", "Two", "Three").replace("\n2\n", "\n\ufeff2\n").replace("\n3\n", "\n\u200e3\n")
    assert [text for _, text in said(read(f"\ufeff{marked}"))] == ["One", "Two", "Three"]


def test_double_spaced_lines_are_one_file() -> None:
    assert [text for _, text in said(read(srt("One", "Two", "Three").replace("\n", "\n\n")))] == ["One", "Two", "Three"]


PART = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:{},LOCAL:00:00:00.000\n\n00:01.000 --> 00:02.000\n{}\n\n"


def test_parts_of_a_stream_lie_on_one_clock() -> None:
    first, turn = 2**33 - 450_000, 450_000  # the clock of MPEG begins anew in between
    joined = PART.format(first, "One thing.") + PART.format(turn, "Another thing.")
    assert rows(read(joined, "vtt")) == [(1000, 2000, None, "One thing."), (11_000, 12_000, None, "Another thing.")]


def test_parts_without_a_clock_follow_one_another_and_say_so() -> None:
    part = "WEBVTT\n\n00:01.000 --> 00:02.000\n{}\n\n"
    script = read(part.format("One thing.") + part.format("Another thing."), "vtt")
    assert [cue.start_ms for cue in script.cues] == [1000, 3000]
    assert script.notes == ("its parts have no common clock, and were laid one after the other",)


def test_captions_in_chinese_or_thai_are_lines_and_not_words() -> None:
    script = read(srt("大家好我们谈谈水的问题", "我们都在这里", "เราพูดถึงน้ำกันทุกวันในหมู่บ้าน"))
    assert not script.times_words
    assert len(script.cues) == 3


# JSON


WORD_TIMES = [("Who", 0.0, 0.5), ("owns", 0.5, 1.0), ("it?", 1.0, 2.0)]
WHISPER = {
    "text": " Who owns it?",
    "segments": [
        {
            "id": 0,
            "start": 0.0,
            "end": 2.0,
            "text": " Who owns it?",
            "words": [{"word": f" {w}", "start": a, "end": b, "probability": 0.9} for w, a, b in WORD_TIMES],
        }
    ],
    "language": "en",
}
FASTER = [[1, 0, 0.0, 2.0, " Who owns it?", [1], -0.2, 1.1, 0.1, [[a, b, f" {w}", 0.9] for w, a, b in WORD_TIMES], 0.0]]
OPENAI = {
    "language": "english",
    "segments": [{"id": 0, "start": 0.0, "end": 2.0, "text": " Who owns it?"}],
    "words": [{"word": w, "start": a, "end": b} for w, a, b in WORD_TIMES],
}
JSON3 = {
    "events": [
        {"tStartMs": 0, "dDurationMs": 9000, "id": 1},
        {
            "tStartMs": 0,
            "dDurationMs": 2000,
            "segs": [{"utf8": "Who"}, {"utf8": " owns", "tOffsetMs": 500}, {"utf8": " it?", "tOffsetMs": 1000}],
        },
        {"tStartMs": 2000, "aAppend": 1, "segs": [{"utf8": "\n"}]},
    ]
}


@pytest.mark.parametrize("document", [WHISPER, WHISPER["segments"], FASTER, OPENAI, JSON3])
def test_json_of_many_programs_times_words(document: Any) -> None:
    script = read(json.dumps(document), "json")
    assert [text for _, text in said(script)] == ["Who owns it?"]
    assert timed(script) == [(0, "Who"), (500, "owns"), (1000, "it?")]


def test_whispers_json_says_its_language_and_how_sure_it_is() -> None:
    script = read(json.dumps(WHISPER), "json")
    assert script.language == "en"
    assert {word.confidence for cue in script.cues for word in cue.words} == {0.9}


def test_whisperx_names_speakers_by_the_word_and_leaves_numbers_untimed() -> None:
    words = [
        {"word": "In", "start": 0.1, "end": 0.3, "score": 0.9, "speaker": "SPEAKER_00"},
        {"word": "1984"},
        {"word": "we", "start": 1.0, "end": 1.2, "score": 0.8, "speaker": "SPEAKER_01"},
        {"word": "met.", "start": 1.2, "end": 1.9, "score": 0.7, "speaker": "SPEAKER_01"},
    ]
    document = {"segments": [{"start": 0.1, "end": 2.0, "text": " In 1984 we met.", "words": words}], "language": "en"}
    script = read(json.dumps(document), "json")
    assert said(script) == [("SPEAKER_00", "In 1984"), ("SPEAKER_01", "we met.")]
    assert timed(script) == [(100, "In"), (300, "1984"), (1000, "we"), (1200, "met.")]


def test_youtubes_lines_end_where_the_next_begin() -> None:
    lines = [("hello everyone", 0.16), ("back to", 2.3), ("the show", 4.5), ("now then", 8.0)]
    snippets = [{"text": text, "start": start, "duration": 4.4} for text, start in lines]
    for document in (snippets, {"video_id": "x", "language_code": "en", "snippets": snippets}):
        script = read(json.dumps(document), "json")
        assert [(cue.start_ms, cue.end_ms) for cue in script.cues] == [(160, 2300), (2300, 4500), (4500, 8000), (8000, 12_400)]  # fmt: skip  # noqa: E501


def test_words_that_begin_without_a_space_are_joined() -> None:
    words = [{"word": "你好", "start": 0, "end": 1}, {"word": "AI", "start": 1, "end": 2}]
    script = read(json.dumps({"segments": [{"start": 0, "end": 2, "text": "你好AI", "words": words}]}), "json")
    assert script.cues[0].text == "你好AI"


# Other forms


TTML = """<?xml version="1.0" encoding="UTF-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttm="http://www.w3.org/ns/ttml#metadata"
 xmlns:ttp="http://www.w3.org/ns/ttml#parameter" ttp:frameRate="25" ttp:tickRate="10000000" xml:lang="en-US">
<head><metadata><ttm:agent xml:id="s1"><ttm:name>Ann Smith</ttm:name></ttm:agent></metadata></head><body><div>
<p begin="00:00:01:12" end="00:00:02.500" ttm:agent="s1">Who owns<br/>the <span>well</span>?</p>
<p begin="30000000t" dur="1s">We do.</p>
<p begin="5s" end="6s"><span begin="5s" end="5.4s">All</span> <span begin="5.4s" end="6s">right</span></p>
</div></body></tt>"""
ASS = """[Script Info]
ScriptType: v4.00+

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,not said
Dialogue: 0,0:00:01.00,0:00:02.00,Default,Ann,0,0,0,,{\\an8}Who owns\\Nthe\\hwell?
Dialogue: 1,0:00:01.00,0:00:02.00,Default,Ann,0,0,0,,{\\an8}Who owns\\Nthe\\hwell?
Dialogue: 0,0:00:02.00,0:00:04.00,Default,Ben,0,0,0,,{\\k50}We {\\k50}all {\\k20}to{\\k30}day
Dialogue: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,{\\p1}m 0 0 l 10 10{\\p0}
"""


def test_ttml_has_times_of_every_kind_and_who_speaks() -> None:
    script = read(TTML, "ttml")
    assert rows(script) == [
        (1480, 2500, "Ann Smith", "Who owns the well?"),
        (3000, 4000, None, "We do."),
        (5000, 6000, None, "All right"),
    ]
    assert timed(script) == [(5000, "All"), (5400, "right")]
    assert script.language == "en"


def test_ttml_looks_nothing_up() -> None:
    entity = '<!DOCTYPE tt [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    text = f'{entity}<tt xmlns="http://www.w3.org/ns/ttml"><body><p begin="1s" end="2s">a &x; b</p></body></tt>'
    assert "root" not in "".join(cue.text for cue in read(text, "ttml").cues)


def test_substation_times_karaoke_and_leaves_out_what_is_no_text() -> None:
    script = read(ASS, "ass")
    assert rows(script) == [(1000, 2000, "Ann", "Who owns the well?"), (2000, 4000, "Ben", "We all today")]
    assert timed(script) == [(2000, "We"), (2500, "all"), (3000, "today")]


def test_sbv_lrc_and_whispers_table_are_captions() -> None:
    sbv = "0:00:01.000,0:00:02.000\nWho owns\nthe well?\n\n0:00:02.000,0:00:03.000\nWe do.\n"
    assert rows(read(sbv, "sbv")) == [(1000, 2000, None, "Who owns the well?"), (2000, 3000, None, "We do.")]
    lrc = "[ti:Song]\n[la:en]\n[00:01.00]<00:01.00>We <00:01.50>shall <00:02.00>go\n[00:03.00][00:09.00]Some day\n"
    assert [cue.start_ms for cue in read(lrc, "lrc").cues] == [1000, 3000, 9000]
    assert timed(read(lrc, "lrc"))[:3] == [(1000, "We"), (1500, "shall"), (2000, "go")]
    table = "start\tend\ttext\n0\t2000\tWho owns it?\n2000\t3000\tWe do.\n"
    assert rows(read(table, "tsv")) == [(0, 2000, None, "Who owns it?"), (2000, 3000, None, "We do.")]
