"""Caption files as transcripts of a library: what a file makes, and which files of a folder are taken."""

import dataclasses
import itertools
import json
from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from transcribe import __version__
from transcribe.errors import TranscriptError, UsageError
from transcribe.library.episode import Episode, episode_id, show_slug
from transcribe.library.transcript import Engine, Segment, Transcript, Word, repaired, segment
from transcribe.publishers.caption_reader import TYPED, read_script
from transcribe.publishers.script import Cue, Script, are_words, told
from transcribe.publishers.transcript_json import holds_segments
from transcribe.sources.source import dated, readable
from transcribe.transcription.quality_flags import marked
from transcribe.transcription.segmentation import segments

# Those that a folder is walked for, the richest first: of one name in one folder, one is taken.
SUFFIXES = (".json", ".ttml", ".dfxp", ".vtt", ".webvtt", ".ass", ".ssa", ".srt", ".sbv", ".lrc", ".tsv")
UNKNOWN_LANGUAGE = "und"  # ISO 639-2, for what ISO 639-1 has no code
_WORD_MS = 350  # that a word of the last paragraph of a typed text is taken to last


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file made."""

    transcript: Transcript
    notes: tuple[str, ...] = ()  # what of it was dropped, repaired or guessed, for a person


def import_captions(
    path: Path,
    show: str | None = None,
    *,
    language: str | None = None,
    encoding: str | None = None,
    taken: Collection[str] = (),
    known: Container[str] = (),
) -> Transcript:
    """The transcript that a caption file makes. Raises as `imported` does, and takes the same."""
    made = imported(path, show, language=language, encoding=encoding, taken=taken, known=known)
    return made.transcript


def imported(
    path: Path,
    show: str | None = None,
    *,
    language: str | None = None,
    encoding: str | None = None,
    taken: Collection[str] = (),
    known: Container[str] = (),
) -> Imported:
    """The transcript that a caption file makes, and what of the file did not go into it as it stood there.

    Its episode's id follows from the show and the file's name without its suffix. `taken` are ids of other files, to be
    kept apart from; `known` are those of the library. `show` is by default the name of the file's folder; a Playhead
    `.json` keeps its own, and all it says, unless `show` is given. `encoding` is that of its letters, where its owner
    says it.

    Raises TranscriptError (`bad_captions`), naming the path and what is wrong.
    """
    if adopted := own_transcript(path):
        if show:
            name = f"{show_slug(show)}/{adopted.episode.slugs[1]}"
            adopted = dataclasses.replace(adopted, episode=dataclasses.replace(adopted.episode, id=name, show=show))
        return Imported(adopted)
    script = read_script(path, encoding, language)
    if script.form in TYPED and not script.is_timed:
        raise TranscriptError(
            "bad_captions",
            f"{path}: it does not say when anything was said: --episode ID lays it on an episode's sound",
        )
    primary = (script.language or "").replace("_", "-").partition("-")[0].lower()  # `en` of `en-GB`
    transcript = Transcript(
        episode=_episode(path, show or path.absolute().parent.name, taken, known),
        audio=None,
        engine=Engine("import", __version__, path.suffix.lower()[1:], options=_counted(script)),
        language=language or primary or UNKNOWN_LANGUAGE,
        created=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        segments=_segments(_with_ends(script.cues)),
    )
    return Imported(transcript, told(script))


def walk(paths: Iterable[Path]) -> list[Path]:
    """The caption files among the paths, folders walked to their ends, in the order of their names.

    Hidden files are passed over, and so is JSON that is no transcript. Files of one name in one folder, such
    as a program writes of one recording, are one episode: the one that says most is taken, whether the folder was named
    or each file. Raises UsageError for a path that does not exist.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path} does not exist.")
        found += _below(path) if path.is_dir() else [path]
    groups: dict[Path, list[Path]] = {}
    for path in dict.fromkeys(found):
        groups.setdefault(name_of(path), []).append(path)
    return [group[0] if len(group) == 1 else _richest(group) for group in groups.values()]


def name_of(path: Path) -> Path:
    """A file's path without what its kind adds to its name: `talk` of `talk.vtt` and of `talk.podcast.json`."""
    return path.with_name(path.name[: -len(path.suffix)].removesuffix(".podcast")) if path.suffix else path


def own_transcript(path: Path) -> Transcript | None:
    """The transcript, if the file is one of Playhead's own."""
    if path.suffix.lower() != ".json":
        return None
    try:
        data = path.read_bytes()
        known = "episode" in json.loads(data)
        return Transcript.from_json(data) if known else None
    except TranscriptError as problem:
        raise TranscriptError("bad_captions", f"{path}: {problem}") from problem
    except (OSError, ValueError, TypeError, RecursionError):
        return None  # the reader of captions says what is wrong with it


def _below(folder: Path) -> Iterator[Path]:
    files = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    files.sort(key=lambda path: (name_of(path), SUFFIXES.index(path.suffix.lower())))
    yield from (path for path in files if _is_transcript(path))


def _is_transcript(path: Path) -> bool:
    """A look that is enough to leave other programs' files alone; one that can't be looked at is for its reader."""
    if path.suffix.lower() not in (".json", ".tsv"):
        return True
    try:
        data = path.read_bytes()
    except OSError:
        return True
    if path.suffix.lower() == ".tsv":
        return data.startswith((b"start\tend\ttext", b"\xef\xbb\xbfstart\tend\ttext"))
    return b'"segments"' in data or holds_segments(data)


def _richest(paths: Sequence[Path]) -> Path:
    """The file that says most: Playhead's own, else when words were said, else who spoke; of equals by its kind."""

    def poverty(path: Path) -> tuple[bool, bool, bool, int]:
        suffix = path.suffix.lower()
        order = SUFFIXES.index(suffix) if suffix in SUFFIXES else len(SUFFIXES)
        try:
            if own_transcript(path):
                return False, False, False, -1
            script = read_script(path)
        except TranscriptError:
            return True, True, True, order
        return not script.is_timed, not script.times_words, not any(cue.speaker for cue in script.cues), order

    return min(paths, key=poverty)


def _episode(path: Path, show: str, taken: Collection[str], known: Container[str]) -> Episode:
    """What the file's name tells: `2012-02-18_The commons.vtt` is "The commons", published on that day."""
    stem = readable(name_of(path).name)
    published, title = dated(stem)
    return Episode(episode_id(show, title, published, stem, taken, known), show, title, published)


def _with_ends(cues: Sequence[Cue]) -> tuple[Cue, ...]:
    """Paragraphs that say when they begin last until the next, the last one as long as its words may take."""
    found = []
    for cue, following in itertools.zip_longest(cues, cues[1:]):
        if cue.end_ms is None:
            start = cue.start_ms or 0
            likely = start + _WORD_MS * len(cue.text.split())
            end = following.start_ms if following and following.start_ms is not None else likely
            cue = dataclasses.replace(cue, end_ms=max(start, end))
        found.append(cue)
    return tuple(found)


def _segments(cues: tuple[Cue, ...]) -> tuple[Segment, ...]:
    """A segment per cue; where they are single words, sentences are made of them."""
    if are_words([cue.text for cue in cues]):
        return tuple(_sentences(cues))
    return tuple(
        segment(number, _ordered(cue), cue.speaker, () if cue.words else ("interpolated",), cue.end_ms)
        for number, cue in enumerate(cues)
    )


def _ordered(cue: Cue) -> list[Word]:
    """A cue's words, none before the cue or the word before it."""
    words, before = [], cue.start_ms or 0
    for word in cue.written():
        start = max(before, word.start_ms)
        words.append(dataclasses.replace(word, start_ms=start, end_ms=max(start, word.end_ms)))
        before = start
    return words


def _sentences(cues: tuple[Cue, ...]) -> Iterator[Segment]:
    known = all(cue.words for cue in cues)
    speakers = [cue.speaker for cue in cues for _ in cue.written()]
    words, _ = repaired((word for cue in cues for word in cue.written()), None)
    ids = itertools.count()
    for speaker, said in groupby(zip(speakers, words, strict=True), key=itemgetter(0)):
        for part in marked(segments(word for _, word in said), ()):
            flags = part.flags if known else (*part.flags, "interpolated")
            yield dataclasses.replace(part, id=next(ids), speaker=speaker, flags=flags)


def _counted(script: Script) -> dict[str, int]:
    return {"repaired": script.repairs} if script.repairs else {}
