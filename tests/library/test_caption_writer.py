import json

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.conversations import made_of, transcript
from tests.support.odd_transcripts import tokens, transcripts
from transcribe.library.caption_writer import FORMATS, to_podcast_json, to_srt, to_text, to_vtt
from transcribe.library.transcript import Segment, Transcript, Word, segment
from transcribe.publishers.caption_reader import parse
from transcribe.publishers.script import Script
from transcribe.web.text_decoding import one_line


def said(*parts: tuple[int, int, str, str | None]) -> Transcript:
    """Segments by start, end, text and speaker."""
    return made_of([segment(id, [Word(a, b, text)], speaker) for id, (a, b, text, speaker) in enumerate(parts)])


def shown(captions: Script) -> list[tuple[int | None, int | None, str, str | None]]:
    return [(cue.start_ms, cue.end_ms, cue.text, cue.speaker) for cue in captions.cues]


def kept(transcript: Transcript) -> list[tuple[int, int, str, str | None]]:
    return [(s.start_ms, s.end_ms, " ".join(s.text.split()), s.speaker) for s in transcript.segments]


def visible(text: str) -> str:
    """Without byte order marks, and without words that are nothing but marks of direction or joining."""
    marks = "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069"
    return " ".join(word for word in text.replace("\ufeff", "").split() if word.strip(marks))


@given(transcripts())
def test_webvtt_reads_back_with_the_same_texts_speakers_and_times(transcript: Transcript) -> None:
    captions = parse(to_vtt(transcript).encode(), "vtt")
    cues = [(start, end, visible(text), visible(name or "") or None) for start, end, text, name in kept(transcript)]
    assert shown(captions) == [cue for cue in cues if cue[2]]
    assert captions.repairs == 0
    assert captions.language == "en" or "anguage:" in transcript.engine.name + transcript.engine.model


# SubRip has no escapes, so what looks like its markup, a speaker or a sound cannot come back as it was.
LETTERS = st.characters(exclude_categories=["Cs", "Cf", "Cc"], exclude_characters="<&{}[]():：>-–—♩♪♫♬*\\（【［→=")


@given(transcripts(tokens(LETTERS, ("NOTE", "1", "2012"))))
def test_subrip_reads_back_with_the_same_texts_and_times(transcript: Transcript) -> None:
    captions = parse(to_srt(transcript).encode(), "srt")
    assume(not captions.notes)  # lines that roll up by chance
    assert [cue[:3] for cue in shown(captions)] == [(a, b, t.replace("-->", "->")) for a, b, t, _ in kept(transcript)]


@given(transcripts())
def test_podcast_json_reads_back_with_the_same_texts_speakers_and_times(transcript: Transcript) -> None:
    captions = parse(to_podcast_json(transcript).encode(), "json")
    assume(not captions.notes)  # lines that roll up by chance
    without_colon = [
        (start, end, one_line(text), one_line(speaker or "").rstrip(":").rstrip() or None)
        for start, end, text, speaker in kept(transcript)
    ]
    assert shown(captions) == without_colon


@given(transcripts())
def test_every_format_can_be_written_of_any_transcript(transcript: Transcript) -> None:
    for form in FORMATS.values():
        written = form.write(transcript)
        assert written == "" or written.endswith("\n")


def test_webvtt_escapes_text_and_names_its_maker() -> None:
    written = to_vtt(said((0, 1500, "x <b> & y --> z", "Ann <R&D>"), (3_661_000, 3_662_000, "two\n\nlines", None)))
    assert written == (
        "WEBVTT\n\nNOTE Made by test 1, model none. Language: en.\n\n"
        "0\n00:00:00.000 --> 00:00:01.500\n<v Ann &lt;R&amp;D&gt;>x &lt;b&gt; &amp; y --&gt; z\n\n"
        "1\n01:01:01.000 --> 01:01:02.000\ntwo lines\n"
    )


def test_subrip_counts_from_one_and_has_a_comma_in_its_times() -> None:
    written = to_srt(said((0, 1500, "Welcome.", "Ann"), (3_661_000, 3_662_000, "a --> b", None)))
    assert written == (
        "1\n00:00:00,000 --> 00:00:01,500\n[Ann]: Welcome.\n\n2\n01:01:01,000 --> 01:01:02,000\na -> b\n"
    )


def test_podcast_json_is_in_seconds_and_leaves_out_unknown_speakers() -> None:
    written = to_podcast_json(said((250, 1500, "Welcome.", "Ann"), (1500, 2000, "Café", None)))
    assert json.loads(written) == {
        "version": "1.0.0",
        "segments": [
            {"speaker": "Ann", "startTime": 0.25, "endTime": 1.5, "body": "Welcome."},
            {"startTime": 1.5, "endTime": 2.0, "body": "Café"},
        ],
    }


def test_text_is_paragraphs_that_begin_with_time_and_speaker() -> None:
    written = to_text(
        said(
            (0, 1000, "Welcome.", "Ann"),
            (1200, 2000, "Good to be here.", "Ben"),
            (2100, 2900, "Thank you.", "Ben"),
            (3_723_000, 3_724_000, "After a pause.", "Ben"),
            (3_724_000, 3_725_000, "Nobody's.", None),
        )
    )
    assert written == (
        "[0:00] Ann: Welcome.\n\n[0:01] Ben: Good to be here. Thank you.\n\n"
        "[1:02:03] Ben: After a pause.\n\n[1:02:04] Nobody's.\n"
    )


def test_a_long_speech_is_cut_into_paragraphs_after_its_sentences() -> None:
    written = to_text(transcript(*["It goes on and on."] * 300))
    assert {len(paragraph.split()) for paragraph in written.split("\n\n")} == {1 + 100}


def test_sentences_in_chinese_are_joined_without_a_space() -> None:
    assert to_text(said((0, 900, "你好。", None), (1000, 1900, "再见。", None))) == "[0:00] 你好。再见。\n"


def test_an_empty_transcript_gives_valid_files() -> None:
    empty = transcript()
    assert to_vtt(empty).startswith("WEBVTT\n")
    assert json.loads(to_podcast_json(empty)) == {"version": "1.0.0", "segments": []}
    assert (to_srt(empty), to_text(empty)) == ("", "")
    assert parse(to_vtt(empty).encode(), "vtt").cues == ()
    assert parse(to_srt(empty).encode(), "srt").cues == ()
    assert parse(to_podcast_json(empty).encode(), "json").cues == ()


def test_a_segment_without_words_is_not_shown() -> None:
    silent = made_of([Segment(0, 0, 100, "", ())])
    assert "-->" not in to_vtt(silent) + to_srt(silent) + to_podcast_json(silent)


def test_each_format_has_its_media_type_and_suffix() -> None:
    assert {name: (form.media_type, form.suffix) for name, form in FORMATS.items()} == {
        "json": ("application/json", "json"),
        "vtt": ("text/vtt", "vtt"),
        "srt": ("application/x-subrip", "srt"),
        "txt": ("text/plain", "txt"),
        "podcast": ("application/json", "podcast.json"),
    }
