"""Writes a transcript for other programs: WebVTT, SubRip, plain text, Podcasting 2.0 JSON.

WebVTT is https://www.w3.org/TR/webvtt1/; the JSON is described at
https://github.com/Podcastindex-org/podcast-namespace/blob/main/transcripts/transcripts.md.
"""

import html
import json
from collections.abc import Callable, Mapping
from typing import NamedTuple

from webvtt import Caption, WebVTT

from transcribe.library.clock import clock, timestamp
from transcribe.library.paragraphs import paragraphs
from transcribe.library.transcript import Segment, Transcript, spaced

_ROUND = str.maketrans("[]", "()")


class Format(NamedTuple):
    """A format in which a transcript can be written."""

    write: Callable[[Transcript], str]
    media_type: str
    suffix: str  # of a file in this format, without the first dot


def to_vtt(transcript: Transcript) -> str:
    """WebVTT: a cue for each segment with text, with its id, and its speaker as a voice; a note names the engine."""
    engine = transcript.engine
    note = f"Made by {engine.name} {engine.version}, model {engine.model}. Language: {transcript.language}."
    cues = []
    for segment in _spoken(transcript):
        text, speaker = (html.escape(_line(part or ""), quote=False) for part in (segment.text, segment.speaker))
        voiced = f"<v {speaker}>{text}" if speaker else text
        times = timestamp(segment.start_ms), timestamp(segment.end_ms)
        cues.append(Caption(*times, voiced, identifier=str(segment.id)))
    return WebVTT(captions=cues, header_comments=[_without_arrow(_line(note))]).content


def to_srt(transcript: Transcript) -> str:
    """SubRip, cues numbered from 1. It has no place for speakers, so they stand before the text: `[Ann]: Welcome.`

    Nor has it a way to escape, so text stands as it is.
    """
    return "\n".join(
        f"{number}\n{timestamp(segment.start_ms, ',')} --> {timestamp(segment.end_ms, ',')}\n"
        f"{_bracketed(segment)}{_without_arrow(_line(segment.text))}\n"
        for number, segment in enumerate(_spoken(transcript), 1)
    )


def to_text(transcript: Transcript) -> str:
    """Paragraphs, each a line that begins with its time and its speaker: `[1:02:03] Ann: Welcome back.`"""
    lines = []
    for paragraph in paragraphs(_spoken(transcript)):
        speaker = _line(paragraph[0].speaker or "")
        said = spaced(_line(segment.text) for segment in paragraph)
        lines.append(f"[{clock(paragraph[0].start_ms)}] {speaker and f'{speaker}: '}{said}\n")
    return "\n".join(lines)


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


def _bracketed(segment: Segment) -> str:
    speaker = _without_arrow(_line(segment.speaker or "")).translate(_ROUND)
    return f"[{speaker}]: " if speaker else ""


def _line(text: str) -> str:
    """The text on one line: a line break could end a cue."""
    return " ".join(text.split())


def _without_arrow(text: str) -> str:
    """The text without `-->`, which would be read as a cue's times where nothing can be escaped."""
    return text.replace("-->", "->")
