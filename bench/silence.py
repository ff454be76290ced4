"""What is made of sound in which nobody speaks: at most flagged text.

    python bench/silence.py [--minutes 10] [--engine whisper] [--model CHECKPOINT]

Silence, noise and music, made by sox, go through `playhead fetch` and `playhead transcribe`. Without a model it is the
micro Whisper of the tests, which invents as much as the large ones do. Exit status 1 where text has no flag.
"""

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.pop(0)  # this folder, whose transcribe.py would hide the package
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import table
from bench.command import playhead, unpack_micro
from transcribe.library.store import Library
from transcribe.library.transcript import Transcript

VOWEL = "equalizer 700 1q 20 equalizer 1200 1q 15 equalizer 2600 1q 10 lowpass 4000"  # a throat's resonances
SOUNDS = {  # sox's effects, on nothing
    "silence": "trim 0 {seconds}",
    "faint-noise": "synth {seconds} whitenoise gain -50",
    "white-noise": "synth {seconds} whitenoise gain -20",
    "pink-noise": "synth {seconds} pinknoise gain -12",
    "swelling-noise": "synth {seconds} brownnoise tremolo 0.3 80 gain -6",
    "hum": "synth {seconds} sine 50 gain -12",
    "chords": "synth 2 pluck C3 pluck G3 pluck E4 delay 0 .25 .5 remix - fade 0 2 .1 repeat {chords} gain -n -6",
    "siren": "synth {seconds} sine 220-880 tremolo 4 50 chorus 0.6 0.9 50 0.4 0.25 2 -t gain -n -6",
    # The one of these that the detector takes for speech, every other time.
    "hoots": f"synth 0.6 sawtooth 150-120 fade 0.05 0.6 0.2 {VOWEL} pad 0 3.4 repeat {{hoots}} gain -n -6",
}
HEADER = ("sound", "taken for speech", "segments", "words", "without a flag", "flags")


def main() -> int:
    """The whole run."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(prefix="playhead-silence-") as folder:
        library = Library(Path(folder) / "library")
        _make(library.audio / "nobody", asked.minutes)
        model = asked.model or Path(folder) / "micro.pt"
        if asked.model is None:
            unpack_micro(model)
        playhead(library, "fetch")
        chosen = ["--model", str(model)] if asked.engine != "pocketsphinx" else []
        playhead(library, "transcribe", "--engine", asked.engine, "--language", "en", *chosen)
        found = [library.load_transcript(name) for name in library.transcript_ids()]
    print(table.plain(HEADER, [_row(transcript) for transcript in found]))
    unflagged = [text for transcript in found for text in _unflagged(transcript)]
    print(*unflagged, sep="\n", end="")
    return 1 if unflagged or len(found) < len(SOUNDS) else 0


def _make(folder: Path, minutes: int) -> None:
    folder.mkdir(parents=True)
    for name, effects in SOUNDS.items():
        arguments = effects.format(seconds=60 * minutes, chords=30 * minutes - 1, hoots=15 * minutes - 1).split()
        subprocess.run(["sox", "-n", "-r", "16000", "-b", "16", folder / f"{name}.flac", *arguments], check=True)


def _row(transcript: Transcript) -> list[str]:
    flags = Counter(flag for segment in transcript.segments for flag in segment.flags)
    told = ", ".join(f"{flag} {count}" for flag, count in flags.most_common())
    words = sum(len(segment.words) for segment in transcript.segments)
    numbers = (len(transcript.segments), words, len(_unflagged(transcript)))
    speech = "-" if transcript.quality is None else f"{transcript.quality.speech_ms / 1000:.1f} s"
    return [transcript.episode.id, speech, *map(str, numbers), told or "-"]


def _unflagged(transcript: Transcript) -> list[str]:
    """What would be taken for speech."""
    return [f"{transcript.episode.id}: {segment.text}" for segment in transcript.segments if not segment.flags]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=int, default=10, help="of each sound")
    parser.add_argument("--engine", default="whisper")
    parser.add_argument("--model", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
