"""The options of one run, and how it treats what publishers offer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from transcribe.library.episode import PublishedText, Record
from transcribe.library.transcript import Transcript
from transcribe.publishers.transcript_formats import ranked
from transcribe.settings import Texts
from transcribe.sources.source import Source

Condition = Callable[[Transcript], bool]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of one run."""

    redo: Condition | None = None  # transcripts to be made again
    update: bool = False  # take the audio that a publisher has put in the place of what is stored
    sources: Mapping[Source, Texts] = field(default_factory=dict)  # of the settings, and what becomes of texts there
    language: str | None = None  # that is spoken; None where the recordings tell
    dry_run: bool = False  # plan only: nothing is written

    def texts(self, record: Record) -> Texts:
        """How its publisher's transcript is treated: as its source says, else the nearest source that led there."""
        wished = {source.key: texts for source, texts in self.sources.items()}
        addresses = (address for address in (record.source, *record.through) if address in wished)
        return next((wished[address] for address in addresses if address), "prefer")

    def offered(self, record: Record) -> list[PublishedText]:
        """The publisher's transcripts in the spoken language, the best first; none where they are to be ignored."""
        if self.texts(record) == "ignore":
            return []
        return ranked(record.transcripts, self.language or record.language)
