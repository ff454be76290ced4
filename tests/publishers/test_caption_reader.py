from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from transcribe.errors import TranscriptError
from transcribe.library.transcript import LATEST_MS, Word
from transcribe.publishers.caption_reader import form_of_name, parse, read_script
from transcribe.publishers.script import Cue, Script, spread


def parse_as(data: bytes, suffix: str) -> Script:
    return parse(data, form_of_name(Path(f"x{suffix}")))


def cue(start_ms: int, end_ms: int, text: str, speaker: str | None = None) -> Cue:
    return Cue(text, speaker, start_ms, end_ms)


def vtt(*blocks: str, head: str = "WEBVTT") -> Script:
    return parse_as("\n\n".join([head, *blocks]).encode(), ".vtt")


def texts(captions: Script) -> list[str]:
    return [cue.text for cue in captions.cues]


def spans(captions: Script) -> list[tuple[int | None, int | None, str]]:
    return [(cue.start_ms, cue.end_ms, cue.text) for cue in captions.cues]


ROLLING = """WEBVTT
Kind: captions
Language: en

00:00:00.160 --> 00:00:02.310 align:start position:0%
{space}
hello<00:00:00.480><c> everyone</c><00:00:00.880><c> welcome</c>

00:00:02.310 --> 00:00:02.320 align:start position:0%
hello everyone welcome
{space}

00:00:02.320 --> 00:00:04.560 align:start position:0%
hello everyone welcome
back<00:00:02.560><c> to</c>
""".format(space=" ")


def test_captions_that_roll_up_say_each_line_once_and_time_each_word() -> None:
    captions = parse_as(ROLLING.encode(), ".vtt")
    assert captions.language == "en"
    assert spans(captions) == [(160, 2310, "hello everyone welcome"), (2320, 4560, "back to")]
    assert captions.cues[0].words == (Word(160, 480, "hello"), Word(480, 880, "everyone"), Word(880, 2310, "welcome"))


def test_what_is_said_twice_in_other_captions_was_said_twice() -> None:
    assert texts(vtt("00:01.000 --> 00:02.000\nYeah.", "00:02.000 --> 00:03.000\nYeah.")) == ["Yeah.", "Yeah."]


@pytest.mark.parametrize(
    "inside", ["a long sylla<00:01.500>ble", "back<00:01.800> and<00:01.200> forth", "past<00:09.000> it"]
)
def test_inline_times_that_make_no_sense_are_left(inside: str) -> None:
    assert vtt(f"00:01.000 --> 00:02.000\n{inside}").cues[0].words == ()


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ("<b>Bold</b> <c.loud.x>move</c>,<br>my <lang en>friend</lang>", "Bold move, my friend"),
        ("AT&amp;T &lt;b&gt; &#233;&nbsp;&#x1F600;", "AT&T <b> é 😀"),
        ("Q&A, R&D, a < b, List<String>, <div>", "Q&A, R&D, a < b, List<String>, <div>"),
        ("two\nlines ", "two lines"),
        ("an arrow a --> b", "an arrow a --> b"),
        ('<font color="#fff">White</font> <I>it</I>', "White it"),
    ],
)
def test_markup_is_taken_off_and_text_is_left(payload: str, text: str) -> None:
    assert texts(vtt(f"00:01.000 --> 00:02.000 align:start\n{payload}")) == [text]


def test_a_voice_is_the_speaker() -> None:
    one = vtt("7\n00:01.000 --> 00:02.000\n<v.first Ann O&apos;Neill>Welcome <i>back</i>.</v>").cues
    assert one == (cue(1000, 2000, "Welcome back.", "Ann O'Neill"),)


def test_voices_that_share_a_cue_have_each_their_part_of_it() -> None:
    cues = vtt("00:01.000 --> 00:02.000\n<v Ann>Yes.\n<v Ann>No.</v>\n<v Ben>Why is that?").cues
    assert cues == (cue(1000, 1409, "Yes. No.", "Ann"), cue(1409, 2000, "Why is that?", "Ben"))


def test_notes_styles_and_regions_are_no_cues() -> None:
    captions = vtt(
        "NOTE a --> b",
        "NOTE\nmany lines\nx --> y",
        "STYLE\n::cue { color: red }",
        "REGION\nid:fred",
        "00:01.000 --> 00:02.000\nSaid.",
    )
    assert texts(captions) == ["Said."]


@pytest.mark.parametrize(
    "times",
    [
        "00:00:01.000 --> 00:00:02.000",
        "0:01,0 --> 0:02,0",
        "1 --> 2",
        "  00:01.000-->00:02.000  ",
        "00:01.0001 --> 00:02.0001\t",
    ],
)
def test_times_may_be_written_in_many_ways(times: str) -> None:
    assert spans(vtt(f"{times}\nSaid.  ")) == [(1000, 2000, "Said.")]
    assert spans(parse_as(f"1\n{times}\nSaid.  ".encode(), ".srt")) == [(1000, 2000, "Said.")]


# Fault 27: cues with times that make no sense are repaired or dropped, and counted.
def test_cues_are_put_in_order_and_none_ends_before_it_starts() -> None:
    captions = vtt(
        "00:05.000 --> 00:06.000\nC",
        "00:01.000 --> 00:00.500\nA",
        "00:02.000 --> 00:02.000\nB",
        "00:02.000 --> 00:09.000\nB2",
        "00:20.000 --> 00:10.000\nE",
        "00:07.000 --> 00:08.000\nD",
        "00:06.000 --> 00:07.000",
    )
    assert spans(captions) == [
        (1000, 2000, "A"),
        (2000, 2000, "B"),
        (2000, 9000, "B2"),
        (5000, 6000, "C"),
        (7000, 8000, "D"),
        (20_000, 20_000, "E"),
    ]
    assert captions.repairs == 4  # two went back, two ended before their start


def test_a_cue_that_ends_before_it_starts_is_not_stretched_over_a_long_silence() -> None:
    captions = vtt("00:01.000 --> 00:00.000\nA", "59:00.000 --> 59:01.000\nB")
    assert spans(captions)[0] == (1000, 6000, "A")


SLOPPY_SRT = """1
00:00:01,000 --> 00:00:02,000 X1:40 X2:600 Y1:20 Y2:50
{\\an8}First <i>cue</i>

with a blank line
2
00:00:02,000 --> 00:00:03,000
no blank line above

00:00:03,000 --> 00:00:04,000
no number, a --> b

4
00:00:04,000 --> 00:00:05,000
1984
5
00:00:05,000 --> 00:00:06,000
NOTE this
"""


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_subrip_is_read_as_it_is_found(ends: str, encoding: str) -> None:
    captions = parse_as((SLOPPY_SRT.strip() + " é").replace("\n", ends).encode(encoding), ".SRT")
    assert texts(captions) == [
        "First cue with a blank line",
        "no blank line above",
        "no number, a --> b",
        "1984",
        "NOTE this é",
    ]
    assert [cue.start_ms for cue in captions.cues] == [1000, 2000, 3000, 4000, 5000]


def test_a_file_is_what_it_holds_not_what_it_is_called() -> None:
    block = "00:00:01.000 --> 00:00:02.000\nSaid."
    assert texts(parse_as(f"\n\nWEBVTT - A title\n\n{block}".encode(), ".srt")) == ["Said."]
    assert texts(parse_as(block.encode(), ".vtt")) == ["Said."]


def test_no_cues_are_no_error() -> None:
    assert vtt().cues == parse_as(b" \n", ".srt").cues == parse_as(b'{"segments": []}', ".json").cues == ()


def test_podcast_json_is_read_with_its_slips() -> None:
    captions = parse_as(
        b"""{"version": "1.0.0", "segments": [
            {"speaker": " Ann: ", "startTime": "2.5", "endTime": 3, "body": "Two\\nlines &amp; more"},
            {"speaker": 5, "startTime": -0.2, "endTime": 1.0004, "body": "Start"},
            {"startTime": NaN, "endTime": 2, "body": "when?"},
            {"startTime": 1e300, "endTime": 2, "body": "when?"},
            {"startTime": 1%s, "endTime": 2, "body": "when?"},
            {"startTime": -1e308, "endTime": 0.1, "body": "Before"},
            {"startTime": true, "body": "when?"},
            {"startTime": 4, "body": "no end"},
            {"startTime": 6, "endTime": 7, "body": null},
            {"startTime": 5, "endTime": Infinity, "body": "half \\ud800"}]}"""
        % (400 * b"0"),
        ".json",
    )
    assert captions.cues == (
        cue(0, 1000, "Start"),
        cue(0, 100, "Before"),
        cue(2500, 3000, "Two lines &amp; more", "Ann"),
        cue(4000, 5000, "no end"),
        cue(5000, 5000, "half ?"),
    )
    assert captions.repairs == 4 + 2 + 1  # dropped, without an end, out of order


@pytest.mark.parametrize(
    ("data", "suffix", "said"),
    [
        (b"", ".vtt", "does not begin with WEBVTT"),
        (b"<html>", ".vtt", "holds no text"),
        (bytes(range(256)), ".srt", "no line of it has a cue's times"),
        (
            b"WEBVTT\n\n00:01.000 --> later\nx",
            ".vtt",
            "line 3 has an arrow but not a cue's times: '00:01.000 --> later'",
        ),
        (b"WEBVTT\n\n1\n00:01.000 --> 99999999:00.000\nx", ".vtt", "line 4"),
        (b"1\n00:01 --> 00:02\nx\n\n2\n--> 00:04\ny\n\n3\n00:0x --> 00:05\nz", ".srt", "line 6"),
        (b"x", ".doc", "its name ends in '.doc'"),
        (b"x", "", "its name ends in ''"),
        (b"{}", ".json", "segments"),
        (b"[]", ".json", "not a transcript"),
        (b"{", ".json", "not a transcript"),
        (b"[" * 100_000, ".json", "not a transcript"),
        (b'{"segments": [5]}', ".json", "segment 0 is not an object"),
        (b'{"segments": [{"body": "x"}]}', ".json", "no segment has a startTime"),
    ],
)
def test_a_broken_file_is_named_with_what_is_wrong(tmp_path: Path, data: bytes, suffix: str, said: str) -> None:
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(data)
    with pytest.raises(TranscriptError) as caught:
        read_script(path)
    assert caught.value.code == "bad_captions"
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(TranscriptError, match=r"none\.vtt: No such file"):
        read_script(tmp_path / "none.vtt")
    with pytest.raises(TranscriptError, match="Is a directory"):
        read_script(tmp_path)


TIMES = ("00:01.000 --> 00:02.000", "9:00 --> 1:00", "2 --> x", "-->", "00:05 --> ", "a --> b")
SAYINGS = ("Said.", "<v Ann>Yes<00:01.500> no", "<v ><v>", "&#1114112; &#0; &amp", "</v", "{\\an8}", "\x00", "\ufeff")
lines = st.sampled_from(["", " ", "1", "WEBVTT", "NOTE x", "STYLE", *TIMES, *SAYINGS])


@given(
    st.lists(lines).map("\n".join).map(str.encode) | st.binary(),
    st.sampled_from([".vtt", ".srt", ".json"]),
    st.booleans(),
)
@example(b"\xff\xfe\x00", ".vtt", False)
@example(b"0:01 --> 0:02\n1\n<v Ann>Yes\n0:01 --> 0:02\n1", ".vtt", False)
def test_any_file_is_captions_or_a_clear_error(data: bytes, suffix: str, signed: bool) -> None:
    try:
        captions = parse_as(b"WEBVTT\n\n" + data if signed else data, suffix)
    except TranscriptError:
        return
    starts = [cue.start_ms or 0 for cue in captions.cues]
    assert starts == sorted(starts)
    for cue in captions.cues:
        assert cue.start_ms is not None
        assert cue.end_ms is not None
        assert 0 <= cue.start_ms <= cue.end_ms <= LATEST_MS
        assert cue.text == " ".join(cue.text.split()) != ""


@given(st.lists(st.text(min_size=1, max_size=9)), st.integers(0, 10_000), st.integers(0, 10_000))
def test_spread_words_fill_the_time_without_gaps_in_order(said: list[str], start_ms: int, length: int) -> None:
    words = spread(said, start_ms, start_ms + length)
    assert [word.text for word in words] == said
    bounds = [start_ms, *(word.end_ms for word in words)]
    assert bounds == sorted(bounds)
    assert [word.start_ms for word in words] == bounds[:-1]
    assert not words or words[-1].end_ms == start_ms + length


def test_longer_words_have_more_of_the_time() -> None:
    assert spread(["a", "commons"], 0, 1000) == [Word(0, 200, "a"), Word(200, 1000, "commons")]
