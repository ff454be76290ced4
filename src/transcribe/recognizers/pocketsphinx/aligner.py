"""When given English words are said, by PocketSphinx: its sounds for them, in order, laid on those of the recording.

Measured on the sample interview, 178 words in windows of 14 to 36 s: half of them begin within 10 ms of where they are
said, all within 90 ms, and a second of speech takes 10 ms of one core.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from transcribe.audio.decode import RATE
from transcribe.audio.voice_activity import Piece
from transcribe.errors import EngineUnavailable
from transcribe.library.transcript import Span
from transcribe.recognizers.pocketsphinx.recognizer import FILLERS, FRAME_MS

_LETTERS = re.compile(r"[a-z]+(?:'[a-z]+)*'?")
_APOSTROPHES = re.compile("[’‘ʼ`´]")


class SphinxAligner:
    """An `Aligner`. Words that its dictionary of 134,000 does not have are left out of the sound."""

    name = "pocketsphinx"
    longest_ms = 120_000  # more makes nothing better, and costs memory

    def __init__(self) -> None:
        """Raises EngineUnavailable where pocketsphinx or its model is missing."""
        try:
            import pocketsphinx

            self._decoder: Any = pocketsphinx.Decoder(samprate=RATE, loglevel="FATAL", lm=None)
        except (ImportError, RuntimeError) as problem:
            advice = "pip install 'playhead[offline]'"
            raise EngineUnavailable(
                f"Published words cannot be aligned by pocketsphinx ({problem}): {advice}"
            ) from None

    def knows(self, language: str) -> bool:
        """As `Aligner` has it."""
        return language == "en"

    def align(self, sound: Piece, words: Sequence[str]) -> list[Span | None]:
        """As `Aligner` has it."""
        spans: list[Span | None] = [None] * len(words)
        entries = [(number, entry) for number, word in enumerate(words) for entry in self._entries(word)]
        for (number, _), (start, end) in zip(
            entries, self._found(sound, [entry for _, entry in entries]), strict=False
        ):
            before = spans[number]
            spans[number] = (before[0] if before else start, end)
        return spans

    def _found(self, sound: Piece, entries: Sequence[str]) -> list[Span]:
        """When each entry of the dictionary is said; nothing where they cannot all be laid on the sound."""
        if not entries or not len(sound.audio):
            return []
        self._decoder.reinit_feat()
        self._decoder.set_align_text(" ".join(entries))
        self._decoder.start_utt()
        self._decoder.process_raw(sound.pcm(), full_utt=True)
        self._decoder.end_utt()
        found = [each for each in self._decoder.seg() or () if not FILLERS.fullmatch(each.word)]
        if len(found) != len(entries):
            return []
        return [
            (sound.start_ms + FRAME_MS * each.start_frame, sound.start_ms + FRAME_MS * (each.end_frame + 1))
            for each in found
        ]

    def _entries(self, word: str) -> Iterator[str]:
        """The entries that a written word is said with: peer-to-peer has three, 2012 none."""
        plain = unicodedata.normalize("NFKD", _APOSTROPHES.sub("'", word).lower())
        for letters in _LETTERS.findall("".join(c for c in plain if not unicodedata.combining(c))):
            forms = (letters, letters.removesuffix("'"), letters.removesuffix("'s"))
            known = next((form for form in forms if self._decoder.lookup_word(form) is not None), None)
            if known:
                yield known
