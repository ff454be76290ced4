"""Twenty-two hostile segments through every format: read back the same, and taken by other programs."""

import io
from pathlib import Path

import av
import pysubs2
import pytest
import srt
import webvtt

from tests.support.conversations import made_of
from transcribe.library.caption_writer import FORMATS
from transcribe.library.transcript import Transcript, Word, segment
from transcribe.publishers.caption_reader import parse
from transcribe.publishers.script import Form

HOSTILE: list[tuple[str, str | None]] = [
    ("Welcome back.", "Ann"),
    ("a --> b", None),
    ("at 00:00:01,000 it --> began", "Ben"),
    ("1984", "Ann"),
    ("NOTE this", None),
    ("WEBVTT", "Ben"),
    ("STYLE ::cue { color: red }", None),
    ("x & y &amp; z", "Ann & Ben"),
    ("List<String> is <b>bold</b>", "Ann <R&D>"),
    ("it is {brace} and \\backslash", None),
    ("two  spaces", "Ann"),
    ("東京 に 行く", "田中"),
    ("مرحبا بكم", "ليلى"),
    ("שלום \u200f!", None),
    ("emoji 👩‍👩‍👧 here", "Ann"),
    ("« quotes » “curly” 'straight'", "Ben"),
    ("“- dash first”", None),
    ("- a dash first", "Ann"),
    ("Note: bring water", "Ben"),
    ("[Applause] and then", "Ann"),
    ("♪ we shall ♪", None),
    ("the end", "Speaker [1]: odd"),
]


@pytest.fixture(scope="module")
def hostile() -> Transcript:
    assert len(HOSTILE) == 22
    parts = []
    for number, (text, speaker) in enumerate(HOSTILE):
        words = text.split()
        start = 2000 * number
        said = [Word(start + 100 * n, start + 100 * n + 90, word) for n, word in enumerate(words)]
        parts.append(segment(number, said, speaker, end_ms=start + 1900))
    return made_of(parts)


def plain(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(("name", "form"), [("vtt", "vtt"), ("podcast", "json"), ("json", "json")])
def test_each_form_with_a_place_for_speakers_reads_back_the_same(hostile: Transcript, name: str, form: Form) -> None:
    if name == "json":
        assert Transcript.from_json(hostile.to_json()) == hostile
        return
    script = parse(FORMATS[name].write(hostile).encode(), form)
    shown = [(cue.start_ms, cue.end_ms, cue.text, cue.speaker) for cue in script.cues]
    assert shown == [(part.start_ms, part.end_ms, part.text, part.speaker) for part in hostile.segments]


def test_subrip_reads_back_its_speakers_and_what_is_no_markup(hostile: Transcript) -> None:
    cues = parse(FORMATS["srt"].write(hostile).encode(), "srt").cues
    assert [(cue.start_ms, cue.end_ms) for cue in cues] == [(part.start_ms, part.end_ms) for part in hostile.segments]
    named = [part.speaker and part.speaker.replace("[", "(").replace("]", ")") for part in hostile.segments]
    assert [cue.speaker for cue in cues] == named
    markup = ("<b>", "&amp;")
    texts = [(cue.text, part.text.replace("-->", "->")) for cue, part in zip(cues, hostile.segments, strict=True)]
    assert all(one == other for one, other in texts if not any(tag in other for tag in markup))


def test_other_programs_read_as_many_cues_with_their_times(hostile: Transcript, tmp_path: Path) -> None:
    times = [(part.start_ms, part.end_ms) for part in hostile.segments]
    for name in ("vtt", "srt"):
        text = FORMATS[name].write(hostile)
        path = tmp_path / f"hostile.{name}"
        path.write_text(text)
        assert [(event.start, event.end) for event in pysubs2.SSAFile.from_string(text, format_=name)] == times
        with av.open(str(path)) as container:
            starts = [packet.pts for packet in container.demux() if packet.pts is not None]
        assert starts == [start for start, _ in times]
    captions = webvtt.from_buffer(io.StringIO(FORMATS["vtt"].write(hostile))).captions
    assert len(captions) == len(times)
    subtitles = list(srt.parse(FORMATS["srt"].write(hostile)))
    assert [round(each.start.total_seconds() * 1000) for each in subtitles] == [start for start, _ in times]
