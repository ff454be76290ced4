"""One job done in this process: a publisher's transcript laid on its audio, or the speech recognized."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from transcribe.audio.speech_decoder import SpeechDecoder
from transcribe.errors import EngineUnavailable
from transcribe.library.transcript import Transcript
from transcribe.publishers.forced_alignment import Aligner
from transcribe.publishers.match import Mismatch
from transcribe.publishers.publisher_transcript import published_transcript
from transcribe.recognizers.pocketsphinx.aligner import SphinxAligner
from transcribe.recognizers.protocol import Recognizer
from transcribe.transcription.job import Job
from transcribe.transcription.transcribe_episode import transcribe
from transcribe.workers.failures import attempted
from transcribe.workers.worker import OnBatch, Outcome


@dataclass
class Transcriber:
    """A recognizer, and the decoder that it hears with."""

    recognizer: Recognizer
    decoder: SpeechDecoder

    def outcome(self, job: Job, on_batch: OnBatch, decoded: Callable[[], None] = lambda: None) -> Outcome:
        """Does one job; `decoded` is called when all its speech is decoded, and the last of it not yet recognized.

        What goes wrong with the episode is returned as a Failure, so that one bad episode never stops the others.
        """

        def work() -> Transcript | Mismatch:
            if job.offer:
                aligners = self._aligners
                return published_transcript(job, job.offer, self.decoder, self.recognizer, aligners, _now)
            return transcribe(job, self.decoder.listen(job.path), self.recognizer, on_batch, decoded, _now)

        return attempted(work)

    @cached_property
    def _aligners(self) -> list[Aligner]:
        """PocketSphinx first: it times given English words best. Whisper's own where that is the recognizer."""
        found: list[Aligner] = []
        with contextlib.suppress(EngineUnavailable):
            found.append(SphinxAligner())
        own: Callable[[], Aligner] | None = getattr(self.recognizer, "aligner", None)
        return [*found, own()] if own else found


def _now() -> datetime:
    return datetime.now(UTC)
