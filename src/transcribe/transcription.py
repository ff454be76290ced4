"""One episode's audio to its transcript, streamed: decode, find speech, recognize, repair, cut into segments."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from transcribe.audio import open_audio
from transcribe.episode import AudioFile, Episode
from transcribe.recognizers.protocol import Recognizer, heard
from transcribe.segments import segments
from transcribe.speech import Piece, pieces
from transcribe.transcript import Audio, Transcript, Word, repaired

log = logging.getLogger(__name__)

Progress = Callable[[int, int | None], None]  # milliseconds of audio done, and of how many, if the container tells


def transcribe(
    episode: Episode,
    audio_path: Path,
    stored: AudioFile,
    recognizer: Recognizer,
    progress: Progress,
    now: Callable[[], datetime],
) -> Transcript:
    """All that the recognizer hears in a file, on that file's clock.

    `stored` says what the library calls these bytes. Without speech there are no segments. The same audio, model and
    options give the same transcript on a CPU, but for `created`, which is `now()`, an aware time.

    Raises AudioError where the file cannot be decoded, RecognitionError where the recognizer fails.
    """
    with open_audio(audio_path) as recording:
        spans: deque[tuple[int, int]] = deque()
        words: list[Word] = []
        for found in recognizer.recognize(_noted(pieces(recording.blocks()), spans)):
            span = spans.popleft()
            words += [heard(span, w.start_ms, w.end_ms, w.text, w.confidence) for w in found]
            progress(span[1], recording.declared_ms)
        assert not spans, f"{recognizer.engine.name} owes a list of words for {len(spans)} pieces"
        duration_ms = recording.duration_ms
    progress(duration_ms, duration_ms)
    sound, dropped = repaired(words, duration_ms)
    if dropped:
        log.warning("%s: %d words without text or beyond the audio were dropped", episode.id, dropped)
    return Transcript(
        episode=episode,
        audio=Audio(stored.path, stored.sha256, duration_ms, stored.media_type),
        engine=recognizer.engine,
        language=recognizer.language,
        created=now().astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        segments=segments(sound),
    )


def _noted(stream: Iterable[Piece], spans: deque[tuple[int, int]]) -> Iterator[Piece]:
    """The same pieces; where each lies is kept, and not its sound, until its words arrive."""
    for piece in stream:
        spans.append(piece.span)
        yield piece
