"""How well recorded people are understood: Playhead's two engines beside whisper.transcribe and faster-whisper.

    python bench/real_speech.py FOLDER --whisper base.pt --faster FOLDER [--systems PATTERN] [--recordings PATTERN]
                                [--half tune|tell] [--degraded] [--silence] [--device cuda] [--keep DIR] [--markdown]

FOLDER has a manifest.json: file, seconds, language, text, words with their times. What is heard is kept in DIR, so
that a system is not run twice on the same recording. What the columns mean stands in bench/README.md.
"""

import argparse
import datetime
import difflib
import hashlib
import json
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.pop(0)  # this folder, whose transcribe.py would hide the package
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import recordings, table
from bench.recordings import Recording, Sound
from bench.word_errors import errors

TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
STOP = re.compile(r".*[.?!]['\"”’)]*", re.DOTALL)
PAUSE = re.compile(r".*[.?!;:]['\"”’)]*", re.DOTALL)


@dataclass(frozen=True)
class Heard:
    """What a system heard."""

    text: str
    words: list[tuple[str, float, float, bool]] = field(default_factory=list)  # start, end, s; flagged
    seconds: float = 0.0  # that it took
    language: str = ""


@dataclass(frozen=True)
class Weights:
    """Where the same model lies in both forms."""

    whisper: str
    faster: str
    device: str = "cpu"


def whisper_transcribe(beam_size: int | None, weights: Weights, recording: Recording) -> Heard:
    """OpenAI's own loop, with the options that its command sets."""
    import torch
    import whisper

    torch.manual_seed(0)
    result = whisper.transcribe(
        _whisper(weights.whisper, weights.device),
        _floats(recording.sound),
        language=recording.language,
        temperature=TEMPERATURES,
        beam_size=beam_size,
        best_of=None if beam_size is None else 5,
        word_timestamps=True,
        fp16=weights.device != "cpu",
    )
    words = [(w["word"], w["start"], w["end"], False) for s in result["segments"] for w in s["words"]]
    return Heard(result["text"], _whole(words), language=result["language"])


def faster_whisper(weights: Weights, recording: Recording) -> Heard:
    """faster-whisper's own form of that loop, with its own options."""
    segments, info = _faster(weights.faster, weights.device).transcribe(
        _floats(recording.sound), language=recording.language, beam_size=5, word_timestamps=True
    )
    said = list(segments)
    words = [(word.word, word.start, word.end, False) for segment in said for word in segment.words or []]
    return Heard("".join(segment.text for segment in said), _whole(words), language=info.language)


def playhead(make: Callable[[Weights, str | None], Any], weights: Weights, recording: Recording) -> Heard:
    """All that `playhead transcribe` does with decoded sound."""
    from transcribe.audio.voice_activity import pieces
    from transcribe.library.episode import AudioFile, Episode
    from transcribe.transcription.job import Job
    from transcribe.transcription.transcribe_episode import transcribe

    blocks = (recording.sound[at : at + recordings.RATE] for at in range(0, len(recording.sound), recordings.RATE))
    stored = AudioFile("audio/show/episode.flac", "", 0, "audio/flac")
    job = Job(Episode("show/episode", "", ""), stored, Path(stored.path))
    made = transcribe(
        job,
        _Decoded(pieces(blocks), len(recording.sound) // (recordings.RATE // 1000)),  # type: ignore[arg-type]
        make(weights, recording.language),
        lambda _: None,
        lambda: None,
        lambda: datetime.datetime.now(datetime.UTC),
    )
    words = [
        (word.text, word.start_ms / 1000, word.end_ms / 1000, bool(segment.flags)) for segment, word in made.words()
    ]
    return Heard(" ".join(segment.text for segment in made.segments), words, language=made.language)


class _Decoded:
    """A `SpeechStream` of sound that is decoded already."""

    declared_ms, damage, chapters = None, None, ()

    def __init__(self, pieces: Iterator[Any], duration_ms: int) -> None:
        self._pieces, self.duration_ms = pieces, duration_ms

    def __iter__(self) -> Iterator[Any]:
        return self._pieces


@cache
def _whisper(path: str, device: str) -> Any:
    import whisper

    return whisper.load_model(path, device)


@cache
def _faster(path: str, device: str) -> Any:
    import torch
    from faster_whisper import WhisperModel

    kind = "int8" if device == "cpu" else "float16"
    return WhisperModel(path, device, compute_type=kind, cpu_threads=torch.get_num_threads())


@cache
def _playhead_whisper(weights: Weights, language: str | None, **options: Any) -> Any:
    from transcribe.recognizers.openai_whisper.recognizer import OpenAIWhisper

    return OpenAIWhisper(weights.whisper, language, weights.device, **options)


@cache
def _playhead_faster(weights: Weights, language: str | None) -> Any:
    from transcribe.recognizers.faster_whisper.recognizer import FasterWhisper

    return FasterWhisper(weights.faster, language, weights.device)


SYSTEMS: dict[str, Callable[[Weights, Recording], Heard]] = {
    "Playhead whisper": partial(playhead, _playhead_whisper),
    "Playhead whisper, int8": partial(playhead, partial(_playhead_whisper, quantize="int8")),
    "Playhead whisper, beam of 5": partial(playhead, partial(_playhead_whisper, beam=5)),
    "whisper.transcribe, greedy": partial(whisper_transcribe, None),
    "whisper.transcribe, beam of 5": partial(whisper_transcribe, 5),
    "faster-whisper": faster_whisper,
    "Playhead faster-whisper": partial(playhead, _playhead_faster),
}


# What it comes to


def normal(text: str, language: str | None) -> list[str]:
    """Words as Whisper's authors compare them: without fillers, punctuation, and ways to spell."""
    from whisper.normalizers import BasicTextNormalizer, EnglishTextNormalizer

    normalizer = EnglishTextNormalizer() if language == "en" else BasicTextNormalizer()
    return normalizer(text).split()


def wrong(recording: Recording, heard: Heard) -> tuple[int, int]:
    """Errors, and words in the truth."""
    truth = normal(recording.text or "", recording.language)
    return errors(truth, normal(heard.text, recording.language)), len(truth)


def starts(recording: Recording, heard: Heard) -> list[float]:
    """How much later than in truth each word begins that is heard right, in milliseconds."""
    true, found = [_bare(w[0]) for w in recording.words], [_bare(w[0]) for w in heard.words]
    blocks = difflib.SequenceMatcher(None, true, found, autojunk=False).get_matching_blocks()
    pairs = [(recording.words[a + k], heard.words[b + k]) for a, b, size in blocks for k in range(size)]
    return [1000 * (word[1] - right[1]) for right, word in pairs]


def judged(recording: Recording, heard: Heard) -> tuple[list[bool], list[bool]]:
    """Of the words heard right, and of those heard wrong, whether each is flagged."""
    spread = [(word, flagged) for text, _, _, flagged in heard.words for word in normal(text, recording.language)]
    true = normal(recording.text or "", recording.language)
    matcher = difflib.SequenceMatcher(None, true, [word for word, _ in spread], autojunk=False)
    right = {b + k for _, b, size in matcher.get_matching_blocks() for k in range(size)}
    flags = [flagged for _, flagged in spread]
    return [f for n, f in enumerate(flags) if n in right], [f for n, f in enumerate(flags) if n not in right]


def false_stops(recording: Recording, heard: Heard) -> int:
    """Full stops where the text goes on without even a semicolon."""
    true, found = (recording.text or "").split(), heard.text.split()
    bare_true, bare_found = list(map(_bare, true)), list(map(_bare, found))
    blocks = difflib.SequenceMatcher(None, bare_true, bare_found, autojunk=False).get_matching_blocks()
    pairs = [(true[a + k], found[b + k]) for a, b, size in blocks for k in range(size)]
    return sum(bool(STOP.fullmatch(word)) and not PAUSE.fullmatch(right) for right, word in pairs[:-1])


def _bare(text: str) -> str:
    return re.sub(r"\W", "", text.lower())


def _whole(bits: Iterable[tuple[str, float, float, bool]]) -> list[tuple[str, float, float, bool]]:
    """Words, where whisper gives what it tears at apostrophes."""
    words: list[tuple[str, float, float, bool]] = []
    for text, start, end, flagged in bits:
        if words and not text.startswith(" "):
            words[-1] = (words[-1][0] + text, words[-1][1], float(end), flagged)
        else:
            words.append((text.strip(), float(start), float(end), flagged))
    return words


def _floats(sound: Sound) -> Any:
    return sound.astype(np.float32) / 32_768


class Run:
    """Lets systems hear recordings, and remembers what they heard: a file for each, so that two runs can share them."""

    def __init__(self, weights: Weights, keep: Path | None) -> None:
        self._weights, self._keep = weights, keep
        self._known: dict[str, Heard] = {}
        if keep:
            keep.mkdir(parents=True, exist_ok=True)

    def heard(self, system: str, recording: Recording) -> Heard:
        """What a system hears, now or in an earlier run."""
        key = hashlib.sha256(f"{system} | {recording.name} | ".encode() + recording.sound.tobytes()).hexdigest()[:20]
        if key not in self._known:
            self._known[key] = self._kept(key) or self._listen(system, recording, key)
        return self._known[key]

    def _kept(self, key: str) -> Heard | None:
        path = self._keep and self._keep / f"{key}.json"
        return Heard(**json.loads(path.read_text())) if path and path.exists() else None

    def _listen(self, system: str, recording: Recording, key: str) -> Heard:
        print(f"... {system}: {recording.name}", file=sys.stderr, flush=True)
        begin = time.perf_counter()
        heard = replace(SYSTEMS[system](self._weights, recording), seconds=time.perf_counter() - begin)
        if self._keep:
            (self._keep / f"{key}.json").write_text(json.dumps(asdict(heard), ensure_ascii=False))
        return heard


def main() -> None:
    """The whole table."""
    asked = _arguments()
    folder = Path(asked.folder)
    everything = [r for r in recordings.read(folder) if re.search(asked.recordings, r.name)]
    if asked.half:  # every other one, so that what is set by one half is told of the other
        everything = everything[0 if asked.half == "tune" else 1 :: 2]
    run, systems = (
        Run(Weights(asked.whisper, asked.faster, asked.device), asked.keep and Path(asked.keep)),
        _systems(asked.systems),
    )
    render = table.markdown if asked.markdown else table.plain
    print(_heading(systems))
    told = [r for r in everything if r.text]
    rows = _error_rows(run, systems, told)
    if asked.degraded:
        music = recordings.sound(next((folder / "sounds").glob("vibe*")))
        copies = [copy for r in told if r.language == "en" for copy in recordings.degraded(r, music)]
        rows += _error_rows(run, systems, copies, "all degraded copies")
        told += copies
    print(f"\n{render(['word error, %', *systems], rows)}")
    print(f"\n{render(['', *systems], list(_other_rows(run, systems, everything, told)))}")
    if asked.silence:
        quiet = list(recordings.nobody(folder))
        print(f"\n{render(['words invented (unflagged)', *systems], _invented(run, systems, quiet))}")


def _error_rows(
    run: Run, systems: Sequence[str], told: Sequence[Recording], name: str = "all English"
) -> list[list[str]]:
    found = {r.name: [wrong(r, run.heard(system, r)) for system in systems] for r in told}
    rows = [[name, *(f"{100 * wrong / of:.1f}" for wrong, of in row)] for name, row in found.items()]
    english = [found[r.name] for r in told if r.language == "en"]
    if english:
        sums = [[sum(part) for part in zip(*column, strict=True)] for column in zip(*english, strict=True)]
        rows.append([f"{name}, {sums[0][1]} words", *(f"{100 * wrong / of:.2f}" for wrong, of in sums)])
    return rows


def _other_rows(
    run: Run, systems: Sequence[str], everything: Sequence[Recording], told: Sequence[Recording]
) -> Iterator[list[str]]:
    for recording in [None, *(r for r in everything if r.words)]:
        of = [r for r in everything if r.words] if recording is None else [recording]
        late = [[ms for r in of for ms in starts(r, run.heard(system, r))] for system in systems]
        if all(late):
            name = recording.name if recording else "all"
            yield [f"word start, ms: median, 90th, worst, bias: {name}", *map(_spread, late)]
    longest = max(everything, key=lambda r: r.minutes)
    yield [f"false stops in {longest.name}", *(str(false_stops(longest, run.heard(s, longest))) for s in systems)]
    seconds = (run.heard(s, longest).seconds / longest.minutes for s in systems)
    yield [f"seconds a minute, {longest.name}", *(f"{each:.1f}" for each in seconds)]
    sides = {s: [judged(r, run.heard(s, r)) for r in told] for s in systems}
    for side, name in enumerate(("right words flagged, %", "wrong words flagged, %")):
        flags = {s: [flag for each in judged_ for flag in each[side]] for s, judged_ in sides.items()}
        yield [name, *(_share(flags[s]) if s.startswith("Playhead") else "-" for s in systems)]


def _invented(run: Run, systems: Sequence[str], quiet: Sequence[Recording]) -> list[list[str]]:
    def told(heard: Heard) -> str:
        return f"{len(heard.words)} ({sum(not flagged for *_, flagged in heard.words)})"

    return [[r.name, *(told(run.heard(system, r)) for system in systems)] for r in quiet]


def _spread(late: Sequence[float]) -> str:
    off = sorted(map(abs, late))
    median, worst, bias = statistics.median(off), off[-1], statistics.mean(late)
    return f"{median:.0f}, {off[int(0.9 * (len(off) - 1))]:.0f}, {worst:.0f}, {bias:+.0f}"


def _share(flags: Sequence[bool]) -> str:
    return f"{100 * sum(flags) / len(flags):.1f} of {len(flags)}" if flags else "-"


def _systems(pattern: str) -> list[str]:
    return [name for name in SYSTEMS if re.search(pattern, name)]


def _heading(systems: Sequence[str]) -> str:
    import torch

    return (
        f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, "
        f"Python {platform.python_version()}: {len(systems)} systems"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="of the recordings and their manifest.json")
    parser.add_argument("--whisper", required=True, help="a checkpoint of openai-whisper")
    parser.add_argument("--faster", required=True, help="the folder of the same weights for faster-whisper")
    parser.add_argument("--device", default="cpu", help="torch's name of one, such as cuda")
    parser.add_argument("--systems", default="", help="only those whose names hold this regular expression")
    parser.add_argument("--recordings", default="", help="likewise")
    parser.add_argument("--half", choices=("tune", "tell"), help="every other recording")
    parser.add_argument("--degraded", action="store_true", help="the degraded copies too")
    parser.add_argument("--silence", action="store_true", help="sounds in which nobody speaks too")
    parser.add_argument("--keep", help="a folder that remembers what was heard")
    parser.add_argument("--markdown", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
