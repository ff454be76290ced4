"""One episode's speech to its transcript, streamed: recognize a batch, keep it, and in the end cut it into segments."""

import dataclasses
import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from transcribe.audio.speech_stream import SpeechStream
from transcribe.audio.voice_activity import Piece
from transcribe.library.transcript import Audio, Engine, Segment, Transcript, repaired
from transcribe.recognizers.protocol import UNDETERMINED, Hints, Recognizer, heard
from transcribe.transcription import quality_flags
from transcribe.transcription.checkpoints import RecognizedSoFar
from transcribe.transcription.job import Job
from transcribe.transcription.segmentation import segments
from transcribe.transcription.utterance import Utterance

log = logging.getLogger(__name__)

LANGUAGE_PIECES = 8  # up to four minutes of speech: an opening in another language does not decide for the rest


@dataclass(frozen=True, slots=True)
class BatchDone:
    """A batch is done."""

    language: str
    utterances: tuple[Utterance, ...]
    kept: bool  # heard by an earlier run
    done_ms: int  # of the audio
    of_ms: int | None  # if the container tells


def transcribe(
    job: Job,
    sound: SpeechStream,
    recognizer: Recognizer,
    tell: Callable[[BatchDone], None],
    decoded: Callable[[], None],
    now: Callable[[], datetime],
) -> Transcript:
    """All that the recognizer hears in a recording, on its file's clock.

    `tell` is called with each batch as it is done, `decoded` when the last piece was taken from the sound. Without
    speech there are no segments. The same audio, model and options give the same transcript on a CPU, in one go or in
    several, but for `created`, which is `now()`, an aware time.

    Raises AudioError where the file cannot be decoded, RecognitionError where the recognizer fails.
    """
    pieces = _to_the_end(sound, decoded)
    opening = list(itertools.islice(pieces, LANGUAGE_PIECES))
    language = job.so_far.language or recognizer.language(opening)
    hints, utterances = Hints(language, job.prompt), list[Utterance]()
    for batch in batches(itertools.chain(opening, pieces), recognizer.batch_size):
        known = _kept(job.so_far, len(utterances), batch)
        done = known or _utterances(batch, recognizer, hints)
        utterances += done
        tell(BatchDone(language, done, bool(known), batch[-1].end_ms, sound.declared_ms))
    words, dropped = repaired((word for utterance in utterances for word in utterance.words), sound.duration_ms)
    if dropped:
        log.warning("%s: %d words without text or beyond the audio were dropped", job.episode.id, dropped)
    engine = recognizer.engine
    if hints.prompt:
        engine = dataclasses.replace(engine, options={**engine.options, "prompt": hints.prompt})
    said = quality_flags.marked(segments(words), utterances)
    return transcript(job, sound, engine, language or UNDETERMINED, said, utterances, now())


def transcript(
    job: Job,
    sound: SpeechStream,
    engine: Engine,
    language: str,
    said: Iterable[Segment],
    utterances: Sequence[Utterance],
    now: datetime,
) -> Transcript:
    """What was said in a sound that has been listened to, whoever found it out. `now` is an aware time."""
    said = tuple(said)
    return Transcript(
        episode=job.episode,
        audio=Audio(job.stored.path, job.stored.sha256, sound.duration_ms, job.stored.media_type),
        engine=engine,
        language=language,
        created=f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        segments=said,
        no_text=quality_flags.no_text(utterances),
        quality=quality_flags.quality(said, utterances),
        damage=sound.damage,
        chapters=sound.chapters,
    )


def batches(pieces: Iterable[Piece], size: int) -> Iterator[list[Piece]]:
    """Grouped by their place alone, so that a run that was interrupted groups alike."""
    stream = iter(pieces)
    while batch := list(itertools.islice(stream, size)):
        yield batch


def _to_the_end(pieces: Iterable[Piece], decoded: Callable[[], None]) -> Iterator[Piece]:
    yield from pieces
    decoded()


def _kept(so_far: RecognizedSoFar, at: int, batch: Sequence[Piece]) -> tuple[Utterance, ...]:
    """What an earlier run heard in this batch; nothing unless it heard all of it."""
    known = so_far.utterances[at : at + len(batch)]
    return known if [utterance.span for utterance in known] == [piece.span for piece in batch] else ()


def _utterances(batch: Sequence[Piece], recognizer: Recognizer, hints: Hints) -> tuple[Utterance, ...]:
    found = recognizer.recognize(batch, hints)
    return tuple(
        Utterance(
            piece.span,
            piece.speech,
            piece.likelihood,
            tuple(heard(piece.span, w.start_ms, w.end_ms, w.text, w.confidence) for w in each.words),
            each.no_speech,
        )
        for piece, each in zip(batch, found, strict=True)
    )
