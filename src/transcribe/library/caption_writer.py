"""A transcript as other programs read it: WebVTT, SubRip, plain text, Podcasting 2.0 JSON.

WebVTT is https://www.w3.org/TR/webvtt1/; the JSON is described at
https://github.com/Podcastindex-org/podcast-namespace/blob/main/transcripts/transcripts.md.
"""

import html
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from webvtt import Caption, WebVTT

from transcribe.library.clock import clock, timestamp
from transcribe.library.transcript import Segment, Transcript

# A paragraph of plain text ends with its speaker, before a pause, and with the first sentence past this length; speech
# that has no full stops is cut in the end as well.
PAUSE_MS = 2_000
LONG_PARAGRAPH = 600  # characters
LONGEST_PARAGRAPH = 1_500
_ROUND = str.maketrans("[]", "()")


class Format(NamedTuple):
    """A way to write a transcript."""

    write: Callable[[Transcript], str]
    media_type: str
    suffix: str  # what a file's name ends in, without the first dot


def to_vtt(transcript: Transcript) -> str:
    """WebVTT: a cue per segment that has text, with its id, its speaker as a voice; a note says who made it."""
    engine = transcript.engine
    note = f"Made by {engine.name} {engine.version}, model {engine.model}. Language: {transcript.language}."
    cues = [
        Caption(timestamp(segment.start_ms), timestamp(segment.end_ms), _voiced(segment), identifier=str(segment.id))
        for segment in _spoken(transcript)
    ]
    return WebVTT(captions=cues, header_comments=[_without_arrow(_line(note))]).content


def to_srt(transcript: Transcript) -> str:
    """SubRip: numbered from 1. It has no place for speakers, so they stand before the text, `[Ann]: Welcome.`

    Nor has it a way to escape: text is as it was said.
    """
    return "\n".join(
        f"{number}\n{timestamp(segment.start_ms, ',')} --> {timestamp(segment.end_ms, ',')}\n"
        f"{_bracketed(segment)}{_without_arrow(_line(segment.text))}\n"
        for number, segment in enumerate(_spoken(transcript), 1)
    )


def to_text(transcript: Transcript) -> str:
    """Paragraphs, each a line that begins with its time and its speaker: `[1:02:03] Ann: Welcome back.`"""
    return "\n".join(
        f"[{clock(paragraph[0].start_ms)}] {_named(paragraph[0])}{' '.join(_line(s.text) for s in paragraph)}\n"
        for paragraph in _paragraphs(_spoken(transcript))
    )


def to_podcast_json(transcript: Transcript) -> str:
    """Podcasting 2.0: times in seconds; a segment without a known speaker has no such key."""
    segments = [
        {
            **({"speaker": segment.speaker} if segment.speaker else {}),
            "startTime": segment.start_ms / 1000,
            "endTime": segment.end_ms / 1000,
            "body": _line(segment.text),
        }
        for segment in _spoken(transcript)
    ]
    return json.dumps({"version": "1.0.0", "segments": segments}, ensure_ascii=False, indent=1) + "\n"


FORMATS: Mapping[str, Format] = {
    "json": Format(Transcript.to_json, "application/json", "json"),
    "vtt": Format(to_vtt, "text/vtt", "vtt"),
    "srt": Format(to_srt, "application/x-subrip", "srt"),
    "txt": Format(to_text, "text/plain", "txt"),
    "podcast": Format(to_podcast_json, "application/json", "podcast.json"),
}


def _spoken(transcript: Transcript) -> list[Segment]:
    return [segment for segment in transcript.segments if segment.text.strip()]


def _voiced(segment: Segment) -> str:
    text = html.escape(_line(segment.text), quote=False)
    speaker = html.escape(_line(segment.speaker or ""), quote=False)
    return f"<v {speaker}>{text}" if speaker else text


def _bracketed(segment: Segment) -> str:
    speaker = _without_arrow(_line(segment.speaker or "")).translate(_ROUND)
    return f"[{speaker}]: " if speaker else ""


def _named(segment: Segment) -> str:
    speaker = _line(segment.speaker or "")
    return f"{speaker}: " if speaker else ""


def _paragraphs(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    paragraph: list[Segment] = []
    for segment in segments:
        if paragraph and _ends(paragraph, segment):
            yield paragraph
            paragraph = []
        paragraph.append(segment)
    if paragraph:
        yield paragraph


def _ends(paragraph: Sequence[Segment], following: Segment) -> bool:
    last = paragraph[-1]
    if following.speaker != last.speaker or following.start_ms - last.end_ms >= PAUSE_MS:
        return True
    length = sum(len(segment.text) for segment in paragraph)
    return length >= LONGEST_PARAGRAPH or (length >= LONG_PARAGRAPH and last.text.rstrip().endswith((".", "?", "!")))


def _line(text: str) -> str:
    """On one line: a line break inside a cue could end it."""
    return " ".join(text.split())


def _without_arrow(text: str) -> str:
    """Where nothing can be escaped, `-->` would be taken for a cue's times."""
    return text.replace("-->", "->")
