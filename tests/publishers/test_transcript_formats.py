"""Published transcripts in every form: which is taken, and what is read from it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.errors import TranscriptError
from transcribe.library.episode import PublishedText
from transcribe.publishers.caption_reader import parse
from transcribe.publishers.script import Cue, Form, Script
from transcribe.publishers.speaker_labels import known_as
from transcribe.publishers.transcript_formats import form_of, ranked, suffix

VTT = b"""WEBVTT

00:00.300 --> 00:02.000
<v Ann>Who owns the well?

00:02.500 --> 00:04.000
<v Bob>We do.
"""
SRT = b"""1
00:00:00,300 --> 00:00:02,000
ANN: Who owns
the well?

2
00:00:02,500 --> 00:00:04,000
BOB: We do.

3
00:00:04,000 --> 00:00:06,000
All of us.
"""
SAID = [("Ann", "Who owns the well?"), ("Bob", "We do."), ("Bob", "All of us.")]


def said(script: Script) -> list[tuple[str | None, str]]:
    return [(line.speaker, line.text) for line in script.cues]


def times(script: Script) -> list[int | None]:
    return [line.start_ms for line in script.cues]


def text(*lines: str) -> Script:
    return parse("\n".join(lines).encode(), "txt")


def page(body: str) -> Script:
    return parse(f"<!doctype html><html lang='en-GB'><body>{body}</body></html>".encode(), "html")


# Which is taken


def test_the_form_that_says_most_of_times_comes_first() -> None:
    forms = ["text/plain", "text/html", "application/x-subrip", "text/vtt", "application/json", "application/srt"]
    offered = [PublishedText(f"https://host.test/{n}", form) for n, form in enumerate(forms)]
    assert [text.url[-1] for text in ranked(offered)] == ["4", "3", "2", "5", "1", "0"]


def test_a_translation_is_not_what_was_said() -> None:
    spanish = PublishedText("https://host.test/es.vtt", "text/vtt", "es")
    british = PublishedText("https://host.test/en.srt", "application/srt", "en-GB")
    untold = PublishedText("https://host.test/x.json", "application/json")
    assert ranked([spanish, untold, british], "en") == [british, untold]
    assert ranked([spanish, untold, british]) == [untold, spanish, british]


def test_what_cannot_be_read_is_not_taken() -> None:
    assert ranked([PublishedText("https://host.test/t.pdf", "application/pdf"), PublishedText("http://[", "")]) == []


@pytest.mark.parametrize(
    ("media_type", "url", "form"),
    [
        ("text/vtt; charset=utf-8", "https://host.test/t", "vtt"),
        ("", "https://host.test/t.SRT?token=x.json", "srt"),
        ("text/plain", "https://host.test/t.vtt", "vtt"),
        ("text/plain", "https://host.test/t", "txt"),
        ("text/html", "https://host.test/t.txt", "html"),
        ("application/octet-stream", "https://host.test/transcript%2Ejson", "json"),
        ("", "https://host.test/episode", None),
    ],
)
def test_the_form_is_told_by_media_type_or_name(media_type: str, url: str, form: Form | None) -> None:
    assert form_of(media_type, url) == form


def test_bytes_are_kept_under_a_name_of_the_librarys_own() -> None:
    assert suffix(PublishedText("https://host.test/../../t.php", "text/vtt")) == ".transcript.vtt"
    assert suffix(PublishedText("https://host.test/t.srt", "", "pt_BR")) == ".transcript.pt-br.srt"
    assert "/" not in suffix(PublishedText("https://host.test/t.srt", "", "../en"))


# Captions


def test_captions_have_their_times_and_speakers() -> None:
    script = parse(VTT, "vtt")
    assert script.cues == (
        Cue("Who owns the well?", "Ann", 300, 2000),
        Cue("We do.", "Bob", 2500, 4000),
    )


def test_subrip_names_a_speaker_where_another_begins() -> None:
    script = parse(SRT, "srt")
    assert said(script) == [(name.upper(), words) for name, words in SAID]
    assert times(script) == [300, 2500, 4000]


def test_json_of_single_words_says_when_each_is_said() -> None:
    segments = [
        {"startTime": n / 2, "endTime": n / 2 + 0.4, "body": word} for n, word in enumerate(["we", "all", "do"])
    ]
    script = parse(json.dumps({"version": "1.0.0", "segments": segments}).encode(), "json")
    assert script.times_words
    assert [word.start_ms for cue in script.cues for word in cue.words] == [0, 500, 1000]
    assert not parse(VTT, "vtt").times_words


@pytest.mark.parametrize(
    ("data", "seen"),
    [(VTT, "vtt"), (SRT, "srt"), (b'\xef\xbb\xbf{"segments": [{"startTime": 1, "body": "x"}]}', "json")],
)
def test_what_the_bytes_are_counts_for_more_than_what_they_are_called(data: bytes, seen: Form) -> None:
    assert parse(data, "txt").form == seen


# HTML


def test_html_as_podcasting_2_has_it() -> None:
    script = page(
        "<cite>Ann:</cite><time>0:00</time><p>Who <b>owns</b> the&nbsp;well&#63;</p>"
        "<cite>Bob:</cite>\n<time>1:02:03</time>\n<p>We do.</p><p>All of us.</p>"
    )
    assert said(script) == SAID
    assert times(script) == [0, 3_723_000, None]
    assert script.language == "en-GB"


def test_a_page_around_the_words_is_not_said() -> None:
    script = page(
        "<style>p { color: red }</style><nav>Home</nav><script>alert('<p>no</p>')</script>"
        "<p>[00:05] Ann: Who owns the well?</p><div>[00:09] Bob: We do.<br>All of us.</div>"
    )
    assert said(script) == SAID
    assert times(script) == [5000, 9000, None]


def test_hostile_markup_is_text_or_nothing() -> None:
    script = page("<p>a &lt;script&gt;alert(1)&lt;/script&gt; b</p><img src=x onerror=alert(1)><p>c \x00 d</p>")
    assert said(script) == [(None, "a <script>alert(1)</script> b"), (None, "c d")]


# html.parser asserts, or takes time by the square, for some of these.
@pytest.mark.parametrize("piece", ["<![", "<a ", "[", "(", "[(", "<!--", "<br>", "<style>p</style>"])
def test_markup_without_end_is_soon_read(piece: str) -> None:
    script = parse(f"<html><p>We do.</p><cite>{piece * 100_000}</cite><p>Do we?</p>".encode(), "html")
    assert said(script)[0] == (None, "We do.")


def test_a_page_that_is_not_read_to_its_end_is_refused() -> None:
    with pytest.raises(TranscriptError, match="to its end") as refused:
        page("<p>We do.</p>" + "<cite>" * 100_000)
    assert refused.value.code == "bad_captions"


def test_an_event_after_a_name_is_no_part_of_it() -> None:
    assert said(page("<cite>Ann (the host) [laughs]</cite><p>We do.</p>")) == [("Ann", "We do.")]


# Plain text


def test_names_at_the_start_of_paragraphs_are_speakers() -> None:
    assert said(text("ANN LEE: Who owns the well?", "", "Bob: We do.", "All of us.")) == [
        ("ANN LEE", "Who owns the well?"),
        ("Bob", "We do."),
        ("Bob", "All of us."),
    ]


def test_a_colon_is_not_always_a_name() -> None:
    lines = ["It began with this.", "Note: nobody was asked.", "We did as we liked.", "And so on: as ever.", "The end."]
    assert said(text(*lines)) == [(None, line) for line in lines]


@pytest.mark.parametrize(
    "lines",
    [
        ["[00:00:05] Ann: Who owns the well?", "[00:00:09] Bob: We do."],
        ["Ann [00:05]: Who owns the well?", "Bob (00:09): We do."],
        ["Ann: [0:05] Who owns the well?", "Bob: [0:09] We do."],
        ["Ann  0:05", "Who owns the well?", "", "Bob  0:09", "We do."],
        ["Ann (00:05):", "Who owns the well?", "Bob (00:09):", "We do."],
        ["00:05", "Ann: Who owns the well?", "00:09", "Bob: We do."],
        ["Ann: (00:05) Who owns the well? (00:09)", "Bob: We do."],
    ],
)
def test_times_stand_in_many_places(lines: list[str]) -> None:
    script = text(*lines)
    assert said(script) == SAID[:2]
    assert times(script) in ([5000, 9000], [5000, None])


def test_a_time_within_a_paragraph_begins_a_line() -> None:
    script = text("Ann: So who owns it? [01:00] And since when?", "Bob: Since always.")
    assert said(script) == [("Ann", "So who owns it?"), ("Ann", "And since when?"), ("Bob", "Since always.")]
    assert times(script) == [None, 60_000, None]


def test_a_clock_in_a_sentence_is_said() -> None:
    assert said(text("12:30 is when we met.", "Psalm 23:4 was read.")) == [
        (None, "12:30 is when we met."),
        (None, "Psalm 23:4 was read."),
    ]


def test_times_that_go_back_are_none() -> None:
    assert times(text("[1:00] One.", "[0:30] Two.", "[2:00] Three.", "[99999:99] Four.")) == [
        60_000,
        None,
        120_000,
        None,
    ]


@pytest.mark.parametrize("form", ["txt", "html", "json", "vtt"])
def test_nothing_is_no_transcript(form: Form) -> None:
    with pytest.raises(TranscriptError):
        parse(b"", form)


@given(st.binary(max_size=300) | st.text(alphabet="<>p/citeme: [0:1]\n-=AB,&;", max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for form in ("txt", "html", "json", "vtt", "srt"):
        try:
            script = parse(data, form)
        except TranscriptError:
            continue
        known = [time for time in times(script) if time is not None]
        assert known == sorted(known)
        assert all(line.text == " ".join(line.text.split()) and line.text for line in script.cues)
        "".join(line.text + (line.speaker or "") for line in script.cues).encode()


# Speakers


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("Susan", "Susan Fisher"),
        ("FISHER", "Susan Fisher"),
        ("S. F.", "Susan Fisher"),
        ("sf", "Susan Fisher"),
        ("Susan F.", "Susan Fisher"),
        ("susan fisher", "Susan Fisher"),
        ("Robert", "Robert"),  # there are two
        ("Speaker 1", "Speaker 1"),
        (None, None),
    ],
)
def test_a_tag_that_fits_one_person_alone_has_the_full_name(tag: str | None, name: str | None) -> None:
    assert known_as(tag, ["Susan Fisher", "Robert Mason", "Robert Miller", ""]) == name
