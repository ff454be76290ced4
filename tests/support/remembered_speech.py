"""PocketSphinx asked for each sound once: the tests of a file hear the same recording again and again."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest

from transcribe.audio.voice_activity import Piece
from transcribe.recognizers.pocketsphinx.recognizer import PocketSphinx
from transcribe.recognizers.protocol import Hints, Recognition

_recognize = PocketSphinx.recognize


@contextmanager
def each_sound_heard_once() -> Iterator[None]:
    """Commands that run in this process remember what was heard; no piece changes another's words."""
    known: dict[bytes, Recognition] = {}

    def heard(self: PocketSphinx, piece: Piece, hints: Hints) -> Recognition:
        if piece.pcm() not in known:
            moved = replace(
                piece, start_ms=0, speech=tuple((a - piece.start_ms, b - piece.start_ms) for a, b in piece.speech)
            )
            (known[piece.pcm()],) = _recognize(self, [moved], hints)
        words = known[piece.pcm()].words
        later = (replace(w, start_ms=w.start_ms + piece.start_ms, end_ms=w.end_ms + piece.start_ms) for w in words)
        return Recognition(tuple(later))

    def recognize(self: PocketSphinx, pieces: Sequence[Piece], hints: Hints) -> list[Recognition]:
        return [heard(self, piece, hints) for piece in pieces]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PocketSphinx, "recognize", recognize)
        yield
