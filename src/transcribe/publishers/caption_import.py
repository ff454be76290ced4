"""Published captions as transcripts of a library."""

import dataclasses
import itertools
import json
from collections.abc import Collection, Container, Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from transcribe import __version__
from transcribe.errors import TranscriptError, UsageError
from transcribe.library.episode import Episode, episode_id, show_slug
from transcribe.library.transcript import Engine, Segment, Transcript, Word, repaired, segment
from transcribe.publishers.caption_reader import Captions, Cue, are_words, read_captions, spread
from transcribe.sources.source import dated, readable
from transcribe.transcription.quality_flags import marked
from transcribe.transcription.segmentation import segments

SUFFIXES = (".json", ".vtt", ".srt")  # of one name in one folder, the first is taken
UNKNOWN_LANGUAGE = "und"  # ISO 639-2, for what ISO 639-1 has no code


def import_captions(
    path: Path,
    show: str | None = None,
    *,
    language: str | None = None,
    taken: Collection[str] = (),
    known: Container[str] = (),
) -> Transcript:
    """The transcript that a caption file makes.

    Its episode's id follows from the show and the file's name without its suffix, so a file that is imported again
    replaces what it made before. `taken` are ids of other files, to be kept apart from; `known` are those of the
    library. `show` is by default the name of the file's folder; a Playhead `.json` keeps its own, and all it says,
    unless `show` is given.

    Raises TranscriptError (`bad_captions`), naming the path and what is wrong.
    """
    adopted = _playhead(path)
    if adopted:
        return _under(show, adopted) if show else adopted
    captions = read_captions(path)
    return Transcript(
        episode=_episode(path, show or path.absolute().parent.name, taken, known),
        audio=None,
        engine=Engine("import", __version__, path.suffix.lower()[1:], options=_counted(captions)),
        language=language or captions.language or UNKNOWN_LANGUAGE,
        created=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        segments=_segments(captions.cues),
    )


def walk(paths: Iterable[Path]) -> list[Path]:
    """The caption files among the paths, folders walked to their ends, in the order of their names.

    Hidden files are passed over, and so are `.json` files that hold no segments, and a `.vtt` beside the `.json` it was
    made of: one name is one episode. A file that is named itself is always taken. Raises UsageError for a path that
    does not exist.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path} does not exist.")
        found += _below(path) if path.is_dir() else [path]
    return list(dict.fromkeys(found))


def _below(folder: Path) -> Iterator[Path]:
    files = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file() and not _is_hidden(path.relative_to(folder))
    ]
    files.sort(key=lambda path: (path.with_suffix(""), SUFFIXES.index(path.suffix.lower())))
    for _, alike in groupby(files, key=lambda path: path.with_suffix("")):
        yield from [path for path in alike if path.suffix.lower() != ".json" or _has_segments(path)][:1]


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _has_segments(path: Path) -> bool:
    """A look that is enough to leave a package.json alone; a file that can't be looked at is for its reader to name."""
    try:
        return b'"segments"' in path.read_bytes()
    except OSError:
        return True


def _playhead(path: Path) -> Transcript | None:
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
        return None  # read_captions says what is wrong with it


def _under(show: str, transcript: Transcript) -> Transcript:
    name = f"{show_slug(show)}/{transcript.episode.slugs[1]}"
    return dataclasses.replace(transcript, episode=dataclasses.replace(transcript.episode, id=name, show=show))


def _episode(path: Path, show: str, taken: Collection[str], known: Container[str]) -> Episode:
    """What the file's name tells: `2012-02-18_The commons.vtt` is "The commons", published on that day."""
    stem = readable(path.stem)
    published, title = dated(stem)
    return Episode(episode_id(show, title, published, stem, taken, known), show, title, published)


def _segments(cues: tuple[Cue, ...]) -> tuple[Segment, ...]:
    """A segment per cue; where they are single words, sentences are made of them."""
    if are_words([len(cue.text.split()) for cue in cues]):
        return tuple(_sentences(cues))
    return tuple(
        segment(id, _words(cue), cue.speaker, () if cue.words else ("interpolated",), cue.end_ms)
        for id, cue in enumerate(cues)
    )


def _sentences(cues: tuple[Cue, ...]) -> Iterator[Segment]:
    known = all(cue.words or " " not in cue.text for cue in cues)
    speakers = [cue.speaker for cue in cues for _ in _words(cue)]
    words, _ = repaired((word for cue in cues for word in _words(cue)), None)
    ids = itertools.count()
    for speaker, said in groupby(zip(speakers, words, strict=True), key=itemgetter(0)):
        for part in marked(segments(word for _, word in said), ()):
            flags = part.flags if known else (*part.flags, "interpolated")
            yield dataclasses.replace(part, id=next(ids), speaker=speaker, flags=flags)


def _words(cue: Cue) -> list[Word]:
    return list(cue.words) or spread(cue.text.split(), cue.start_ms, cue.end_ms)


def _counted(captions: Captions) -> dict[str, int]:
    return {"repaired": captions.repairs} if captions.repairs else {}
