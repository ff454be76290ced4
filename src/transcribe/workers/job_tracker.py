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

    `audio_ms` of sound were recognized in `work_s`, each job's time added up: what was taken from checkpoints, and what
    publishers transcribed, counts for neither.
    """

    def __init__(self, progress: Progress, checkpoints: Checkpoints) -> None:
        self.progress, self.checkpoints = progress, checkpoints
        self.audio_ms = 0
        self.work_s = 0.0

    @contextmanager
    def following(self, job: Job) -> Iterator[OnBatch]:
        """A bar for one job. What is entered is to be called with each batch."""
        began, begin_ms, end_ms = time.monotonic(), 0, 0

        def on_batch(done: BatchDone) -> None:
            nonlocal began, begin_ms, end_ms
            if done.kept:
                began, begin_ms = time.monotonic(), done.done_ms
            else:
                self.checkpoints.add(job.checkpoint, RecognizedSoFar(done.language, done.utterances))
            end_ms = done.done_ms
            advance(done.done_ms, done.of_ms)

        what = "read the transcript of" if job.offer else "transcribe"
        with self.progress.task(f"{what} {job.episode.title}") as advance:
            yield on_batch
        if end_ms > begin_ms:
            self.audio_ms += end_ms - begin_ms
            self.work_s += time.monotonic() - began
