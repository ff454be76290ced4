"""Make captions for a video: write a WebVTT file beside it, with the same name.

    python examples/captions_for_a_video.py talk.mp4 whisper small

`FORMATS` also writes `srt`, `txt`, `podcast` (Podcasting 2.0 JSON) and `json` (Playhead's own).
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from transcribe.audio.decode import open_audio
from transcribe.audio.voice_activity import pieces
from transcribe.library.caption_writer import FORMATS
from transcribe.library.episode import Episode
from transcribe.library.transcript import Transcript, Word
from transcribe.recognizers.engines import load
from transcribe.recognizers.protocol import Hints, Recognizer
from transcribe.transcription.segmentation import segments


def words(video: Path, recognizer: Recognizer, language: str) -> Iterator[Word]:
    """The words of the video's sound. Raises AudioError (`no_audio`) where it has none."""
    with open_audio(video) as recording:
        for piece in pieces(recording.blocks()):
            for recognition in recognizer.recognize([piece], Hints(language)):
                yield from recognition.words


def caption(video: Path, recognizer: Recognizer, language: str = "en") -> Path:
    """Writes the captions and gives the path of their file."""
    transcript = Transcript(
        episode=Episode(id="videos/video", show="Videos", title=video.stem),
        audio=None,
        engine=recognizer.engine,
        language=language,
        created=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        segments=segments(words(video, recognizer, language)),
    )
    captions = video.with_suffix(".vtt")
    captions.write_text(FORMATS["vtt"].write(transcript), "utf-8")
    return captions


if __name__ == "__main__":
    video, engine, *model = sys.argv[1:]
    print(caption(Path(video), load(engine, next(iter(model), None), "en", warn=print)))
