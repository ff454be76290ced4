"""The library's side of jobs in work: a progress bar, checkpoints, and the time that the work takes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from transcribe.console import Progress
from transcribe.transcription.checkpoints import Checkpoints, RecognizedSoFar
from transcribe.transcription.job import Job
from transcribe.transcription.transcribe_episode import BatchDone
from transcribe.workers.worker import OnBatch


class JobTracker:
    """Follows jobs, in this process or in another: shows how far they are and keeps what was recognized.

    `audio_ms` of sound were recognized in `busy_s`, the time in which any job was in work. Sound whose words came from
    a checkpoint is not counted.
    """

    def __init__(self, progress: Progress, checkpoints: Checkpoints) -> None:
        self.progress, self.checkpoints = progress, checkpoints
        self.audio_ms = 0
        self.busy_s = 0.0
        self._in_work = 0
        self._busy_since = 0.0

    @contextmanager
    def following(self, job: Job) -> Iterator[OnBatch]:
        """A bar for one job. What is entered is to be called with each batch."""
        begin_ms = end_ms = 0

        def on_batch(done: BatchDone) -> None:
            nonlocal begin_ms, end_ms
            if done.kept:
                begin_ms = done.done_ms
            else:
                self.checkpoints.add(job.checkpoint, RecognizedSoFar(done.language, done.utterances))
            end_ms = done.done_ms
            advance(done.done_ms, done.of_ms)

        what = "read the transcript of" if job.offer else "transcribe"
        if not self._in_work:
            self._busy_since = time.monotonic()
        self._in_work += 1
        try:
            with self.progress.task(f"{what} {job.episode.title}") as advance:
                yield on_batch
        finally:
            self._in_work -= 1
            if not self._in_work:
                self.busy_s += time.monotonic() - self._busy_since
            self.audio_ms += max(0, end_ms - begin_ms)
