"""One episode after the other, in this process."""

from collections.abc import Iterable, Iterator

from transcribe.audio.speech_decoder import SpeechDecoder
from transcribe.library.transcript import Engine
from transcribe.recognizers.protocol import Recognizer
from transcribe.transcription.job import Job
from transcribe.transcription.transcribe_episode import BatchDone
from transcribe.workers.job_tracker import JobTracker
from transcribe.workers.transcriber import Transcriber
from transcribe.workers.worker import Outcome


class InThisProcess:
    """See `Workers`. The next episode is being decoded while the last of the present one is recognized."""

    def __init__(self, recognizer: Recognizer, decoder: SpeechDecoder, tracker: JobTracker) -> None:
        self._recognizer, self._decoder, self._tracker = recognizer, decoder, tracker

    @property
    def engine(self) -> Engine:
        """The engine that recognizes, and its options."""
        return self._recognizer.engine

    def run(self, jobs: Iterable[Job | None]) -> Iterator[tuple[Job, Outcome]]:
        """See `Workers`. A job is taken no sooner than it can be decoded."""
        upcoming = _UpcomingJob(iter(jobs), self._decoder)
        transcriber = Transcriber(self._recognizer, self._decoder)
        while job := upcoming.take():
            is_decoded = False

            def decoded() -> None:
                nonlocal is_decoded
                is_decoded = True
                upcoming.prepare()

            with self._tracker.following(job) as told:

                def on_batch(done: BatchDone) -> None:
                    told(done)
                    if is_decoded:  # noqa: B023
                        upcoming.prepare()

                outcome = transcriber.outcome(job, on_batch, decoded)
            yield job, outcome


class _UpcomingJob:
    """The job after the one in work."""

    def __init__(self, jobs: Iterator[Job | None], decoder: SpeechDecoder) -> None:
        self._jobs, self._decoder = jobs, decoder
        self._job: Job | None = None
        self._problem: Exception | None = None
        self._over = False

    def prepare(self) -> None:
        """Takes the next job if it is ready, and has it decoded. An error is kept: it is not the present job's."""
        if self._job or self._problem or self._over:
            return
        try:
            self._job = next(self._jobs)
            if self._job:
                self._decoder.expect(self._job.path)
        except StopIteration:
            self._over = True
        except Exception as problem:
            self._problem = problem

    def take(self) -> Job | None:
        """The next job, as soon as it is ready; None after the last. Raises what went wrong with getting it."""
        while not (self._job or self._problem or self._over):
            self.prepare()
        if self._problem:
            raise self._problem
        job, self._job = self._job, None
        return job
