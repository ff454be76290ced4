"""What kind of file something is: by its media type, its name, its first bytes. No network."""

import contextlib
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

HEAD_BYTES = 4096  # enough for every format to show itself

# The suffix of each format, the media type it is served as, and others that name it. Containers that may hold pictures
# as well are among them: their sound alone is used. Of formats with one type, the first is the usual one.
_FORMATS: dict[str, tuple[str, ...]] = {
    ".3gp": ("video/3gpp", "audio/3gpp"),
    ".aac": ("audio/aac", "audio/aacp"),
    ".aiff": ("audio/aiff",),
    ".aif": ("audio/aiff",),
    ".amr": ("audio/amr",),
    ".flac": ("audio/flac", "audio/x-flac"),
    ".m4a": ("audio/mp4", "audio/m4a", "audio/x-m4a"),
    ".m4b": ("audio/mp4",),
    ".m4v": ("video/x-m4v",),
    ".mka": ("audio/x-matroska",),
    ".mkv": ("video/x-matroska",),
    ".mov": ("video/quicktime",),
    ".mp3": ("audio/mpeg", "audio/mp3", "audio/mpg", "audio/x-mpeg", "audio/x-mp3", "audio/mpeg3"),
    ".mp2": ("audio/mpeg",),
    ".mpga": ("audio/mpeg",),
    ".mp4": ("audio/mp4", "video/mp4"),
    ".mpg": ("video/mpeg",),
    ".mpeg": ("video/mpeg",),
    ".ogg": ("audio/ogg", "application/ogg"),
    ".oga": ("audio/ogg",),
    ".ogv": ("video/ogg",),
    ".opus": ("audio/ogg", "audio/opus"),  # RFC 7845, section 9
    ".wav": ("audio/wav", "audio/wave", "audio/x-wav"),
    ".webm": ("audio/webm", "video/webm"),
    ".wma": ("audio/x-ms-wma",),
}
MEDIA_TYPES = {suffix: types[0] for suffix, types in _FORMATS.items()}
AUDIO_SUFFIXES = frozenset(_FORMATS)

_SUFFIXES = {media_type: suffix for suffix, types in reversed(_FORMATS.items()) for media_type in types}
_NEVER_AUDIO = ("text/", "application/json", "application/xml", "application/xhtml", "application/pdf", "image/")
_STARTS = {
    b"ID3": ".mp3",
    b"fLaC": ".flac",
    b"RF64": ".wav",
    b"#!AMR": ".amr",
    b"0&\xb2u\x8ef\xcf\x11": ".wma",
    b"\0\0\x01\xba": ".mpg",  # a program stream (ISO 13818-1, 2.5.3.3)
}
_TEXT_BYTES = bytes([*range(0x20, 0x100), *b"\t\n\v\f\r\x1b"])  # what occurs in text; sound has other bytes in 4 kB
_TEXT_STARTS = (b"<", b"{", b"\xfe\xff", b"\xff\xfe")  # markup, JSON, the byte order marks of UTF-16


# Captions and typed transcripts that may lie beside audio, by their suffix.
TEXT_TYPES = {
    ".json": "application/json",
    ".ttml": "application/ttml+xml",
    ".dfxp": "application/ttml+xml",
    ".vtt": "text/vtt",
    ".ass": "text/x-ssa",
    ".ssa": "text/x-ssa",
    ".srt": "application/x-subrip",
    ".sbv": "text/x-sbv",
    ".lrc": "text/x-lrc",
    ".html": "text/html",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".md": "text/markdown",
    ".txt": "text/plain",
}


def media_type(content_type: str) -> str:
    """What a Content-Type or a `type` names, without its parameters, lower case; empty where it names nothing."""
    return content_type.partition(";")[0].strip().lower()


def is_audio_type(content_type: str) -> bool:
    """Whether a Content-Type names sound, or pictures with sound."""
    return media_type(content_type).startswith(("audio/", "video/", "application/ogg"))


def is_never_audio_type(content_type: str) -> bool:
    """Whether a Content-Type names what has no sound: text, data, pictures."""
    return media_type(content_type).startswith(_NEVER_AUDIO)


def suffix_of_type(content_type: str) -> str | None:
    """The suffix of audio with this Content-Type; None where it names no format."""
    return _SUFFIXES.get(media_type(content_type))


def type_of_file(path: Path) -> str:
    """The media type of an audio file, by its suffix."""
    return MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")


def audio_suffix(url: str) -> str | None:
    """The suffix of the file that a URL names, lower case, if it is one of AUDIO_SUFFIXES."""
    with contextlib.suppress(ValueError):
        suffix = PurePosixPath(unquote(urlsplit(url).path)).suffix.lower()
        return suffix if suffix in AUDIO_SUFFIXES else None
    return None


def sniffed(head: bytes) -> str | None:
    """The suffix for audio that begins with these bytes (up to HEAD_BYTES); None where they do not tell."""
    if head[4:8] == b"ftyp":
        return ".m4a" if head[8:11] in (b"M4A", b"M4B") else ".mp4"
    if head.startswith(b"OggS"):
        return ".opus" if b"OpusHead" in head[:64] else ".ogg"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return ".webm" if b"webm" in head[:64] else ".mka"
    if head[:4] in (b"RIFF", b"FORM"):
        return {b"WAVE": ".wav", b"AIFF": ".aiff", b"AIFC": ".aiff"}.get(head[8:12])
    return next((suffix for start, suffix in _STARTS.items() if head.startswith(start)), None) or _mpeg(head)


def _mpeg(head: bytes) -> str | None:
    """By an MPEG audio frame header (ISO 11172-3, 2.4.1.3), or ADTS, which has its layer at 0 (ISO 13818-7)."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    layer, rate = head[1] >> 1 & 3, head[2] >> 4
    if layer == 0:
        return ".aac" if head[1] & 0xF0 == 0xF0 else None
    return ".mp3" if layer != 3 and rate != 15 and head[2] >> 2 & 3 != 3 else None


def is_text(head: bytes) -> bool:
    """Whether a file that begins with these bytes (up to HEAD_BYTES) is text or markup."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith(_TEXT_STARTS) or not head.translate(None, _TEXT_BYTES)
