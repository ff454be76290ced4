"""A worker that only waits, in place of a GPU: for bench/scale.py, and in a module of its own so that Ray finds it."""

import functools
import os
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from transcribe.audio.voice_activity import Piece
from transcribe.library.transcript import Audio, Engine, Segment, Transcript, Word
from transcribe.recognizers.protocol import Hints, Recognition
from transcribe.transcription.checkpoints import RecognizedSoFar
from transcribe.transcription.segmentation import segments
from transcribe.transcription.utterance import Utterance
from transcribe.workers.ray.actor import BatchReport, FileMissing, JobDone, RayWorker, _as_there
from transcribe.workers.worker import Job

PIECES = 20  # of 30 s in a batch: ten minutes
WORDS = 75  # in a piece, 150 a minute
PIECE_MS, WORD_MS = 30_000, 390


class Waiting:
    """A `Recognizer` that is never asked."""

    engine, batch_size = Engine("waiting", "1", "none"), PIECES

    def language(self, pieces: Sequence[Piece]) -> str:  # noqa: ARG002 - as the protocol has it
        """See `Recognizer`."""
        return "en"

    def recognize(self, pieces: Sequence[Piece], hints: Hints) -> list[Recognition]:
        """See `Recognizer`."""
        raise NotImplementedError


def waiting(*_: Any, **__: Any) -> Waiting:
    """As `recognizers.load`."""
    _segments(int(os.environ["PLAYHEAD_BENCH_BATCHES"]))
    return Waiting()


class WaitingWorker(RayWorker):
    """Looks for its audio, then waits, and tells of so many batches with so many words as if it had listened."""

    def transcribe(self, job: Job, sent: bool) -> Iterator[BatchReport | JobDone | FileMissing]:
        """See `RayWorker`."""
        if not sent and not _as_there(job):
            yield FileMissing()
            return
        began, wait_s = time.monotonic(), job.task.stored.bytes / float(os.environ["PLAYHEAD_BENCH_BYTES_A_SECOND"])
        batches = int(os.environ["PLAYHEAD_BENCH_BATCHES"])
        of_ms = batches * PIECES * PIECE_MS
        for number in range(batches):
            time.sleep(max(0.0, began + wait_s * (number + 1) / batches - time.monotonic()))
            yield BatchReport(RecognizedSoFar("en", _heard(number)).to_json(), (number + 1) * PIECES * PIECE_MS, of_ms)
        stored = job.task.stored
        transcript = Transcript(
            episode=job.task.episode,
            audio=Audio(stored.path, stored.sha256, of_ms, stored.media_type),
            engine=Waiting.engine,
            language="en",
            created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            segments=_segments(batches),
        )
        yield JobDone.of(transcript)


# The same in each episode, and made once: a GPU's computing is none of this machine's processors'.


@functools.cache
def _heard(number: int) -> tuple[Utterance, ...]:
    return tuple(_utterance(number * PIECES + n) for n in range(PIECES))


@functools.cache
def _segments(batches: int) -> tuple[Segment, ...]:
    return tuple(segments(word for number in range(batches) for each in _heard(number) for word in each.words))


def _utterance(number: int) -> Utterance:
    start_ms = number * PIECE_MS
    words = (start_ms + WORD_MS * n for n in range(WORDS))
    return Utterance(
        (start_ms, start_ms + PIECE_MS),
        ((start_ms, start_ms + PIECE_MS),),
        0.9,
        tuple(Word(at, at + WORD_MS, f"word{at % 977}", 0.9) for at in words),
        None,
    )
