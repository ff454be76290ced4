"""Whether a text belongs to the audio, told from what is heard at a few places."""

import random
from collections.abc import Sequence

import numpy as np

from transcribe.audio.decode import segment
from transcribe.audio.voice_activity import Piece
from transcribe.library.transcript import Word
from transcribe.publishers.match import Match, MatchOptions, Mismatch, spots, verify_timed, verify_untimed

RNG = random.Random(0)
VOCABULARY = [
    f"{a}{b}" for a in ("ba", "du", "ke", "li", "mo", "nu", "ra", "so") for b in ("t", "n", "rk", "ss", "l", "mp")
]
TALK = [RNG.choice(VOCABULARY) for _ in range(1500)]  # ten minutes at 400 ms a word
OTHER = [RNG.choice(VOCABULARY) for _ in range(1500)]


def said(texts: Sequence[str], start_ms: int = 0) -> list[Word]:
    return [Word(start_ms + 400 * n, start_ms + 400 * n + 300, text) for n, text in enumerate(texts)]


def misheard(words: Sequence[Word], share: float) -> list[Word]:
    rng = random.Random(1)
    return [Word(w.start_ms, w.end_ms, rng.choice(VOCABULARY)) if rng.random() < share else w for w in words]


def at(words: Sequence[Word], *seconds: int) -> list[list[Word]]:
    """What is heard in fifteen seconds from each of these on."""
    return [[w for w in words if 1000 * s <= w.start_ms < 1000 * s + 15_000] for s in seconds]


def test_a_text_that_is_heard_where_it_is_written_belongs() -> None:
    heard = at(said(TALK), 0, 150, 300, 450, 560)
    assert verify_timed(heard, said(TALK)) == Match(5, 5, 0)


def test_half_of_all_words_may_be_misheard() -> None:
    verdict = verify_timed(at(misheard(said(TALK), 0.5), 0, 150, 300, 450, 560), said(TALK))
    assert isinstance(verdict, Match)
    assert abs(verdict.shift_ms) < 100


def test_captions_may_be_a_little_late() -> None:
    assert verify_timed(at(said(TALK), 100, 300, 500), said(TALK, 1200)) == Match(3, 3, -1200)


def test_something_put_in_anywhere_before_the_end_is_noticed() -> None:
    for place in (0, 200, 1100):
        longer = said([*TALK[:place], *OTHER[:75], *TALK[place:]])
        verdict = verify_timed(at(longer, 0, 150, 300, 450, 560), said(TALK))
        assert isinstance(verdict, Mismatch)
        assert "published as 30.0 s earlier" in str(verdict)


def test_something_taken_out_is_noticed_too() -> None:
    verdict = verify_timed(at(said(TALK[100:]), 0, 200, 500), said(TALK))
    assert isinstance(verdict, Mismatch)
    assert "published as 40.0 s later" in str(verdict)


def test_a_teaser_that_is_said_again_moves_nothing() -> None:
    heard = said([*TALK[900:1000], *TALK[100:]])
    assert isinstance(verify_timed(at(heard, 0, 150, 300, 450, 560), said(TALK)), Match)


def test_a_spot_that_is_not_understood_is_outvoted() -> None:
    heard = [*at(said(TALK), 0, 150, 300), *at(said(OTHER), 400)]
    assert verify_timed(heard, said(TALK)) == Match(3, 4, 0)


def test_the_words_of_another_talk_are_found_nowhere() -> None:
    verdict = verify_timed(at(said(OTHER), 0, 150, 300, 450, 560), said(TALK))
    assert isinstance(verdict, Mismatch)
    assert str(verdict) == "at 5 of 5 places other words are heard"


def test_where_next_to_nothing_is_heard_nothing_is_known() -> None:
    assert verify_timed([], said(TALK)) is None
    assert verify_timed([said(OTHER[:5]), []], said(TALK)) is None


def test_a_text_without_times_is_compared_as_a_whole() -> None:
    assert isinstance(verify_untimed(TALK, misheard(said(TALK), 0.4)), Match)


def test_a_text_without_times_shows_what_was_put_in_or_taken_out() -> None:
    put_in = verify_untimed(TALK, said([*TALK[:500], *(f"x{n}" for n in range(75)), *TALK[500:]]))
    assert str(put_in) == "at 3:20 75 words are heard that it does not have"
    assert "of it are not heard" in str(verify_untimed(TALK, said(TALK[:1400])))
    assert isinstance(verify_untimed(TALK, said(OTHER)), Mismatch)


def test_a_text_of_which_nothing_is_heard_does_not_belong() -> None:
    assert isinstance(verify_untimed(TALK, []), Mismatch)


def test_spots_lie_over_the_whole_length_and_all_pieces_are_taken() -> None:
    sound = segment(np.zeros(16_000 * 28, np.int16))
    pieces = iter([Piece(at, sound, ((at, at + 28_000),)) for at in range(0, 600_000, 30_000)])
    found = list(spots(pieces, 600_000))
    assert [piece.start_ms // 10_000 for piece in found] == [0, 15, 28, 42, 57]
    assert all(len(piece.audio) == MatchOptions().spot_ms for piece in found)
    assert all(piece.speech == (piece.span,) for piece in found)
    assert next(pieces, None) is None


def test_a_short_recording_has_fewer_spots() -> None:
    (spot,) = spots([Piece(500, segment(np.zeros(16_000 * 9, np.int16)), ((700, 9000),))], 9000)
    assert spot.span == (500, 9500)
    assert list(spots([], 9000)) == []
