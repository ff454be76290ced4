"""What the engines that hold Whisper's weights read in one window, and whether it is any good."""

import dataclasses
import itertools
from dataclasses import dataclass

# The defaults of `whisper.transcribe`.
MOST_COMPRESSIBLE = 2.4  # text that packs better repeats itself
LEAST_LOG_PROBABILITY = -1.0  # mean over the tokens
SILENCE = 0.6  # a window is silent where no speech is likelier than this, and the text is that poor


@dataclass(frozen=True, slots=True)
class Decoded:
    """What Whisper read in one window."""

    tokens: list[int]  # text and timestamps
    times: list[float | None]  # of each of the tokens, what it says as a timestamp: seconds from the window's start
    probabilities: list[float]  # of each of the tokens, when it was chosen
    mean_log_probability: float
    no_speech: float  # 0 to 1; NaN from a model without that token
    compression: float

    @property
    def end_s(self) -> float | None:
        """When the last whole segment ends; None where nothing is said of it.

        As `whisper.transcribe` sees it: one timestamp at the end says that no more is spoken; after two, or where text
        stands behind the last two, more was to come.
        """
        whole = self._whole()
        return self.times[whole - 1] if whole else None

    def whole(self) -> "Decoded":
        """Without the segment at the end that is not whole."""
        return self._first(self._whole())

    def within(self, end_s: float) -> "Decoded":
        """Without segments that begin in the silence by which the window was filled up."""
        opening = (
            at
            for at, time in enumerate(self.times)
            if time is not None and time >= end_s and (at == 0 or self.times[at - 1] is not None)
        )
        return self._first(next(opening, len(self.tokens)))

    def _first(self, tokens: int) -> "Decoded":
        return dataclasses.replace(self, tokens=self.tokens[:tokens], times=self.times[:tokens])

    def _whole(self) -> int:
        """How many tokens belong to segments that have both their timestamps."""
        timed = [time is not None for time in self.times]
        if timed[-2:] == [False, True]:
            return len(timed)
        return max((at for at, both in enumerate(itertools.pairwise(timed), start=1) if all(both)), default=0)

    @property
    def silent(self) -> bool:
        """Nobody speaks, and the text is invented: as `whisper.transcribe` judges."""
        return self.no_speech > SILENCE and self.mean_log_probability <= LEAST_LOG_PROBABILITY

    @property
    def poor(self) -> bool:
        """It should be tried again at a higher temperature, likewise."""
        repetitive, unsure = self.compression > MOST_COMPRESSIBLE, self.mean_log_probability < LEAST_LOG_PROBABILITY
        return (repetitive or unsure) and not (self.no_speech > SILENCE and unsure)
