"""What a reader is warned of."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import sounds, speech
from transcribe.audio.voice_activity import SpeechOptions, pieces
from transcribe.library.episode import Quality
from transcribe.library.transcript import FLAGS, Segment, Span, Word, mean_confidence, segment
from transcribe.recognizers.protocol import Hints
from transcribe.transcription.quality_flags import (
    FlagOptions,
    flagged_share,
    marked,
    no_text,
    quality,
    repeated,
)
from transcribe.transcription.segmentation import segments
from transcribe.transcription.utterance import Utterance

LENGTH_MS, GAP_MS = 300, 100


def said(text: str, confidence: float | None = 0.9, at: int = 0, length_ms: int = LENGTH_MS) -> tuple[Word, ...]:
    """One word after the other."""
    step = length_ms + (GAP_MS if length_ms else 0)
    return tuple(
        Word(at + n * step, at + n * step + length_ms, word, confidence) for n, word in enumerate(text.split())
    )


def heard(
    words: Sequence[Word],
    span: Span | None = None,
    likelihood: float = 0.99,
    no_speech: float | None = None,
    speech: tuple[Span, ...] | None = None,
) -> Utterance:
    """An utterance that is speech all through, unless told otherwise."""
    span = span or (words[0].start_ms, words[-1].end_ms)
    return Utterance(span, (span,) if speech is None else speech, likelihood, tuple(words), no_speech)


def flags(*utterances: Utterance) -> list[tuple[str, ...]]:
    words = [word for utterance in utterances for word in utterance.words]
    return [segment.flags for segment in marked(segments(words), utterances)]


# Fault 26


@pytest.mark.parametrize(
    "phrase", ["no", "thank you", "and so it goes on again", "so we made a lot of things like that"]
)
def test_a_phrase_said_more_than_three_times_in_a_row_is_flagged(phrase: str) -> None:
    for times in (3, 4, 9):
        words = said(f"he said {' '.join([phrase] * times)} twice")
        length = len(phrase.split()) * times if times > 3 else 0
        assert repeated(words) == [2 <= i < 2 + length for i in range(len(words))]


def test_a_loop_is_known_through_case_and_punctuation_and_across_segments() -> None:
    found = flags(heard(said("Go on. Thank you. Thank you! thank, you. THANK YOU. Go on.")))
    assert found == [(), *[("repetition",)] * (len(found) - 2), ()]


def test_marks_without_letters_are_told_apart() -> None:
    assert repeated(said("- … - … ♪ ♪ ♪ ♪")) == [False] * 4 + [True] * 4


@given(st.lists(st.sampled_from("abc"), max_size=40))
def test_loops_are_those_a_plain_scan_finds(letters: list[str]) -> None:
    expected = [False] * len(letters)
    for length in range(1, 11):
        for start in range(len(letters) - 4 * length + 1):
            if letters[start : start + 4 * length] == letters[start : start + length] * 4:
                expected[start : start + 4 * length] = [True] * 4 * length
    found = repeated([Word(0, 0, letter) for letter in letters])
    assert [n for n, is_so in enumerate(expected) if is_so and not found[n]] == []
    for n, is_so in enumerate(found):  # the last, incomplete round of a loop belongs to it
        assert is_so <= any(expected[max(0, n - 9) : n + 1])


def test_a_piece_that_goes_round_in_circles_is_flagged_though_no_phrase_follows_itself() -> None:
    draw = random.Random(1)
    circle = " ".join(draw.choice(("evening", "new", "is")) for _ in range(60))
    assert not any(repeated(said(circle)))
    assert set(flags(heard(said(circle)))) == {("repetition",)}


# Confidence, and how likely it is that anybody speaks


def test_low_confidence_is_flagged_and_unknown_confidence_is_not() -> None:
    assert flags(heard(said("hm hm what", 0.2))) == [("low_confidence",)]
    assert flags(heard(said("as clear as day", 0.9))) == [()]
    assert flags(heard(said("from elsewhere", None))) == [()]
    assert flags(heard(said("no no no no", 0.1))) == [("repetition", "low_confidence")]


def test_where_speech_is_faint_words_must_be_surer_and_a_lucky_one_saves_none() -> None:
    lucky = (*said("night house the", 0.4), *said("Road.", 0.95, at=3000))
    assert flags(heard(lucky, likelihood=0.8)) == [("low_confidence",)] * 2
    assert flags(heard(lucky, likelihood=0.95)) == [("low_confidence",), ()]
    assert flags(heard(said("quite clear", 0.7), likelihood=0.8)) == [()]


@pytest.mark.parametrize(
    "silent",
    [
        heard(said("Thank you for watching."), likelihood=0.6),
        heard(said("Thank you for watching."), no_speech=0.7),
        heard(said("Thank you for watching."), (0, 5000), speech=((3000, 5000),)),
        heard(said("Thank you for watching."), (0, 5000), speech=()),
    ],
)
def test_words_where_nobody_seems_to_speak_are_flagged(silent: Utterance) -> None:
    clear = heard(said("This is said.", at=6000), no_speech=0.1)
    assert flags(silent, clear) == [("no_speech",), ()]


def test_a_word_just_beside_speech_belongs_to_it() -> None:
    assert flags(heard(said("well"), (0, 5000), speech=((600, 2000),))) == [()]
    assert flags(heard(said("well"), (0, 5000), speech=((601, 2000),))) == [("no_speech",)]


def test_faint_speech_in_flickers_is_none() -> None:
    flickers, steady = ((0, 200), (500, 700)), ((0, 300), (500, 700))
    assert flags(heard(said("power house"), likelihood=0.85, speech=flickers)) == [("no_speech",)]
    assert flags(heard(said("power house"), likelihood=0.95, speech=flickers)) == [()]
    assert flags(heard(said("power house"), likelihood=0.85, speech=steady)) == [()]


def test_without_utterances_the_text_alone_is_judged_and_flags_stay() -> None:
    loop = segment(0, said("no no no no", 0.2), flags=("interpolated",))
    assert marked([loop], ())[0].flags == ("repetition", "low_confidence", "interpolated")
    assert marked([segment(0, said("well then"))], ())[0].flags == ()
    assert marked([], ()) == ()


# Pace


def test_the_fastest_talker_is_not_flagged_and_what_nobody_could_say_is() -> None:
    sentence = "and then we had a lot of machine learning and we had to get it into the new one"
    assert flags(heard(said(sentence, length_ms=20))) == [()]  # 8.3 words a second
    hurried = [Word(word.start_ms // 2, word.end_ms // 2, word.text, 0.9) for word in said(sentence, length_ms=20)]
    assert flags(heard(hurried)) == [("too_fast",)]
    assert flags(heard(said("You know what I mean?", length_ms=20))) == [()]  # 0.6 s, as some really say it


def test_a_segment_is_too_fast_on_its_own() -> None:
    assert flags(heard((Word(0, 200, "Sentry"), Word(200, 200, "accelerated"), Word(200, 400, "unbelievably!")))) == [
        ()
    ]
    assert flags(heard((Word(0, 20, "Internationalization"), Word(20, 40, "accelerated.")))) == [("too_fast",)]


def test_sentences_that_are_too_fast_only_together_are_flagged() -> None:
    crowd = said(
        "I see. You do. We are. He is. They were. She can. It may. Go on. Do so. So be. Be it. Oh my.", 0.9, 0, 0
    )
    assert set(flags(heard(crowd, (0, 9)))) == {("too_fast",)}
    assert flags(heard(crowd[:2], (0, 9))) == [()]


def test_words_without_length_are_flagged_however_far_apart() -> None:
    words = [Word(n * 500, n * 500, text, 0.9) for n, text in enumerate(["one", "two", "three", "four"])]
    assert flags(heard(words)) == [("too_fast",)]
    assert flags(heard([words[0], *said("two three four", at=500)])) == [()]


def test_a_chinese_character_is_a_syllable() -> None:
    text = " ".join("我们今天要谈的是一个村庄的井以及大家怎么分享水")
    assert flags(heard(said(text, length_ms=60))) == [()]
    assert flags(heard(said(text, length_ms=1))) == [()]  # ten a second
    assert flags(heard(said(text, length_ms=0), (0, 9))) == [("too_fast",)]


# What was said and is not there


def test_speech_of_two_seconds_without_a_word_is_told_of() -> None:
    words = (Word(1000, 1400, "one"), Word(5000, 5400, "two"))
    assert no_text([heard(words, (0, 6000))]) == ((1700, 4700),)
    assert no_text([heard(words, (0, 6000), speech=((0, 2400), (3900, 6000)))]) == ()
    assert no_text([heard((), (0, 2000)), heard((), (2500, 4499))]) == ((0, 2000),)


def test_pauses_within_a_sentence_do_not_part_a_stretch_without_text() -> None:
    assert no_text([heard((), (0, 9000), speech=((0, 1000), (1250, 3000)))]) == ((0, 3000),)


def test_a_word_that_lasts_for_ever_stands_for_two_seconds() -> None:
    assert no_text([heard((Word(0, 20_000, "so"),))]) == ((2300, 20_000),)


def test_the_last_window_of_the_detector_does_not_reach_beyond_the_sound() -> None:
    assert no_text([heard((), (0, 4001), speech=((0, 4032),))]) == ((0, 4001),)


def test_quality_says_how_much_is_covered_flagged_and_sure() -> None:
    utterances = [heard(said("as clear as day", 0.9), (0, 4000)), heard(said("um", 0.1, at=5000), (5000, 5300))]
    found = marked(segments(word for utterance in utterances for word in utterance.words), utterances)
    # 1.5 s of words and 0.3 s behind them
    assert quality(found, utterances) == Quality(4300, round(2100 / 4300, 3), 0.2, 0.74)


def test_nothing_said_is_nothing_missed() -> None:
    assert quality((), ()) == Quality(0, 1.0, 0.0, None)
    assert quality((), [heard((), (0, 1000))]) == Quality(1000, 0.0, 0.0, None)
    assert flagged_share(()) == 0
    assert mean_confidence(said("not known", None)) is None


@st.composite
def talks(draw: st.DrawFn) -> list[Utterance]:
    """Pieces that follow one another, with any words; times of 10 ms, so that a plain count is quick."""
    found, at = [], 0
    for _ in range(draw(st.integers(0, 5))):
        start = at + 10 * draw(st.integers(0, 200))
        at = start + 10 * draw(st.integers(1, 600))
        times = st.integers(start // 10, at // 10).map(lambda n: 10 * n)
        edges = sorted(draw(st.lists(times, max_size=6, unique=True)))
        starts = sorted(draw(st.lists(times, max_size=6)))
        words = tuple(
            Word(
                begin,
                min(at, begin + 10 * draw(st.integers(0, 300))),
                draw(st.sampled_from(["a", "no", "well."])),
                sure,
            )
            for begin, sure in zip(
                starts, draw(st.lists(st.none() | st.floats(0, 1), min_size=6, max_size=6)), strict=False
            )
        )
        speech = tuple(zip(edges[::2], edges[1::2], strict=False))
        found.append(Utterance((start, at), speech, draw(st.floats(0, 1)), words, draw(st.none() | st.floats(0, 1))))
    return found


def untold(utterances: list[Utterance]) -> list[bool]:
    """For every 10 ms, whether somebody speaks and no word is near: plainly counted."""
    clock = range(0, max((utterance.span[1] for utterance in utterances), default=0), 10)
    spoken = {at for u in utterances for start, end in u.speech for at in range(start, end, 10)}
    told = {
        at
        for utterance in utterances
        for word in utterance.words
        for at in range(word.start_ms - 300, min(word.end_ms, word.start_ms + 2000) + 300, 10)
    }
    return [at in spoken and at not in told for at in clock]


@given(talks())
def test_speech_without_text_is_what_a_plain_count_finds(utterances: list[Utterance]) -> None:
    missed, found = untold(utterances), no_text(utterances)
    words = [word for utterance in utterances for word in utterance.words]
    for start, end in found:
        assert end - start >= 2000
        assert missed[start // 10]
        assert missed[end // 10 - 1]
        assert not any(start <= word.start_ms < end for word in words)
    longest = max((len(run) for run in "".join("x" if at else " " for at in missed).split()), default=0)
    assert bool(found) or longest < 200
    verify_timed = quality(segments(words), utterances)
    if verify_timed.speech_ms:
        assert verify_timed.covered == round(1 - 10 * sum(missed) / verify_timed.speech_ms, 3)


@given(talks())
def test_marking_changes_flags_alone_and_twice_is_once(utterances: list[Utterance]) -> None:
    before = segments(word for utterance in utterances for word in utterance.words)
    after = marked(before, utterances)
    assert [(part.id, part.words, part.text) for part in after] == [(part.id, part.words, part.text) for part in before]
    assert marked(after, utterances) == after
    for part in after:
        assert list(part.flags) == sorted(set(part.flags), key=FLAGS.index)


# Sound: what a real detector and a real recognizer make of it


def listened_to(pcm: sounds.Pcm, options: SpeechOptions | None = None) -> tuple[Segment, ...]:
    pytest.importorskip("pocketsphinx", reason="the extra `offline` is not installed")
    from transcribe.recognizers.pocketsphinx.recognizer import PocketSphinx

    found = list(pieces([pcm], options))
    all_heard = PocketSphinx().recognize(found, Hints())
    utterances = [
        Utterance(piece.span, piece.speech, piece.likelihood, heard.words, heard.no_speech)
        for piece, heard in zip(found, all_heard, strict=True)
    ]
    return marked(segments(word for utterance in utterances for word in utterance.words), utterances)


GULLIBLE = SpeechOptions(enter=0.02, leave=0.01)  # as a detector that takes nearly anything for speech


@pytest.mark.parametrize(
    "sound",
    [
        sounds.silence(20),
        sounds.noise(10),
        sounds.noise(10, slope=0.5, loudness=0.9),
        sounds.noise(10, slope=1, loudness=0.05),
        sounds.melody(10),
    ],
    ids=["silence", "white noise", "pink noise", "brown noise", "melody"],
)
def test_silence_noise_and_music_are_no_text_and_what_slips_through_is_flagged(sound: sounds.Pcm) -> None:
    assert listened_to(sound) == ()
    assert all(segment.flags for segment in listened_to(sound, GULLIBLE))


@pytest.mark.slow
def test_what_is_nearly_a_voice_is_heard_and_flagged() -> None:
    found = [segment for seed in (1, 4) for segment in listened_to(sounds.singing(15, seed), GULLIBLE)]
    assert found
    assert [segment.text for segment in found if not segment.flags] == []


@pytest.mark.skipif(not speech.HERE, reason=speech.MISSING)
@pytest.mark.parametrize("voice", ["slt", "rms"])
def test_good_speech_is_not_flagged(voice: str) -> None:
    spoken = speech.speak(
        "Nobody owns the well. Everybody in the village drinks from it. Every spring they clean it together."
        " It has no owner, and that is how it lasts. Next week we will talk about the public library.",
        voice,
        pause_ms=900,
    )
    found = listened_to(spoken.pcm)
    assert len(found) >= 5
    assert sum(bool(segment.flags) for segment in found) <= 1


def test_the_thresholds_can_be_set() -> None:
    strict = FlagOptions(doubtful=0.95, no_text_ms=100)
    utterance = heard(said("as clear as day", 0.9), (0, 2000))
    assert marked(segments(utterance.words), [utterance], strict)[0].flags == ("low_confidence",)
    assert no_text([utterance], strict) == ((1800, 2000),)
