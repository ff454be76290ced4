"""Makes talk.mp3 and micro.flac beside it, each with a `.json` of true word times. Needs flite; run from `tests/`:

python data/speak.py
"""

import dataclasses
import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from tests.support.speech import conversation, write_audio  # noqa: E402 - found by the line above

TALK = [
    ("slt", "Last winter the council wanted to close the library on Saturdays."),
    ("slt", "Three hundred people wrote letters, and the library stayed open."),
    ("rms", "Money can measure many things, but it can not measure gratitude."),
    ("rms", "The old farmers shared their seeds."),
]
MICRO = [  # in the words of micro-whisper
    ("slt", "People share water with the village."),
    ("rms", "Remember the green island."),
]


def main() -> None:
    for name, turns in (("talk.mp3", TALK), ("micro.flac", MICRO)):
        spoken = conversation(turns, turn_ms=(500, 900))
        write_audio(spoken.pcm, HERE / name)
        words = ",\n".join(" " + json.dumps(dataclasses.asdict(word)) for word in spoken.words)
        (HERE / name).with_suffix(".json").write_text(f"[\n{words}\n]\n")


if __name__ == "__main__":
    main()
