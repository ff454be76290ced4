from collections.abc import Sequence

import numpy as np
import pytest

from transcribe.audio.decode import RATE, segment
from transcribe.audio.voice_activity import Piece
from transcribe.errors import UsageError
from transcribe.library.transcript import Span
from transcribe.recognizers.batching import checked_language, in_batches, in_speech, majority, speech_ms, telling

SHORT = RuntimeError("out of memory")


class Room:
    """Work that holds so many items at once, and notes how many it was given."""

    def __init__(self, items: int, problem: Exception = SHORT) -> None:
        self.items, self.problem = items, problem
        self.given: list[int] = []

    def work(self, items: Sequence[int]) -> list[int]:
        self.given.append(len(items))
        if len(items) > self.items:
            raise self.problem
        return [-item for item in items]


def made(room: Room, count: int, size: int) -> list[int]:
    return list(in_batches(room.work, range(count), size, lambda problem: "memory" in str(problem)))


def piece(*speech: Span, seconds: int = 4) -> Piece:
    return Piece(0, segment(np.zeros(seconds * RATE, np.int16)), speech)


def test_items_are_taken_so_many_at_a_time_in_order() -> None:
    room = Room(3)
    assert made(room, 7, 3) == [0, -1, -2, -3, -4, -5, -6]
    assert room.given == [3, 3, 1]


def test_a_batch_that_does_not_fit_is_halved_and_the_next_is_tried_whole() -> None:
    room = Room(2)
    assert made(room, 8, 4) == [-n for n in range(8)]
    assert room.given == [4, 2, 2, 4, 2, 2]


def test_one_item_that_does_not_fit_is_too_much() -> None:
    with pytest.raises(MemoryError, match="one piece"):
        made(Room(0), 4, 4)


def test_another_error_is_no_lack_of_memory() -> None:
    room = Room(0, RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes"):
        made(room, 2, 2)
    assert room.given == [2]


def test_the_language_of_most_of_the_pieces_counts_and_sure_ones_count_more() -> None:
    assert majority([("en", 0.9), ("de", 0.8), ("en", 0.7)]) == "en"
    assert majority([("en", 0.3), ("de", 0.9), ("en", 0.3)]) == "de"
    assert majority([]) == "und"


def test_pieces_with_little_speech_say_nothing_of_the_language_unless_there_are_no_others() -> None:
    much, little = piece((0, 3000)), piece((0, 500), (2000, 2400))
    assert telling([little, much]) == [much]
    assert telling([little]) == [little]


def test_speech_is_counted_from_a_moment_on() -> None:
    assert speech_ms(piece((0, 1000), (2000, 4000))) == 3000
    assert speech_ms(piece((0, 1000), (2000, 4000)), 2500) == 1500
    assert speech_ms(piece()) == 4000  # it was not looked for


@pytest.mark.parametrize(("given", "known"), [("en", "en"), ("German", "de"), (None, None)])
def test_a_language_is_known_by_its_code_or_its_name(given: str | None, known: str | None) -> None:
    assert checked_language(given, True, {"en", "de"}) == known


def test_a_model_of_english_alone_takes_nothing_else() -> None:
    assert checked_language(None, False, {"en", "de"}) == "en"
    with pytest.raises(UsageError, match="English alone"):
        checked_language("de", False, {"en", "de"})
    with pytest.raises(UsageError, match="no language 'klingon'"):
        checked_language("klingon", True, {"en", "de"})


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ((1800, 2900), (2500, 2900)),  # most of it lies behind the pause
        ((1000, 2600), (1000, 2000)),  # or before it
        ((2100, 2400), (2100, 2400)),  # where nobody is heard to speak, nothing is known better
        ((3900, 4200), (3900, 4200)),  # one window is no pause
    ],
)
def test_a_word_is_said_on_one_side_of_a_pause(word: Span, said: Span) -> None:
    assert in_speech(piece((1000, 2000), (2500, 4000), (4032, 5000)), *word) == said
