"""Which words loose mode takes for one another: those that are kept and asked for under a common stem.

English by Porter's rules. Korean writes particles on to its nouns (날씨, weather; 날씨가, the weather as a subject).
So a Korean word is kept under itself and under what is left of it without each particle that it may end in. What is
left of the word asked for counts as well, if it has two syllables at least: of one, too much would be alike.
"""

import functools
import itertools
from collections.abc import Iterator

import whoosh.lang.porter

_FIRST_SYLLABLE, _LAST_SYLLABLE, _FINALS = 0xAC00, 0xD7A3, 28  # of Hangul; each 28th has no final consonant
_FINAL_L = 8  # the number of ㄹ among the final consonants
_LEAST_ASKED = 2  # syllables of what is left

_CASES, _OTHERS = (
    tuple(line.split())
    for line in (
        "에 에서 에게 에게서 한테 한테서 께 께서 로 으로 로서 으로서 로써 으로써 와 과 랑 이랑 하고 까지 부터 보다 "
        "처럼 만 마다 밖에 만큼 대로 조차 마저 의 들 뿐",
        "은 는 이 가 을 를 도 야 이야 나 이나 라도 이라도 란 이란 라는 이라는 라고 이라고 며 이며 든지 이든지 요 이요 "
        "입니다 이다 이에요 예요 이었다 였다 인데 지만 이지만",
    )
)
_AFTER_CONSONANT = ("은", "이", "을", "과", "으")
_AFTER_VOWEL = ("는", "가", "를", "와", "나", "란", "랑", "라", "며", "야", "예", "였")


def kept_under(word: str) -> tuple[str, ...]:
    """The stems that a word said is found by."""
    return tuple(dict.fromkeys(map(_stem, (word, *_without_particles(word)))))


def asked_under(word: str) -> tuple[str, ...]:
    """The stems that a word asked for looks for."""
    left = (rest for rest in _without_particles(word) if len(rest) >= _LEAST_ASKED)
    return tuple(dict.fromkeys(map(_stem, (word, *left))))


def are_alike(asked: str, said: str) -> bool:
    """Whether somebody who asks for the one means the other too."""
    return not set(asked_under(asked)).isdisjoint(kept_under(said))


def beginnings(word: str) -> list[str]:
    """What every word alike begins with one of.

    By Porter's rules a stem differs from its words in their last letters at most.
    """
    return [stem if _is_syllable(stem[-1]) else stem[: max(1, len(stem) - 2)] for stem in asked_under(word)]


def _stem(word: str) -> str:
    return word if _is_syllable(word[-1]) else str(whoosh.lang.porter.stem(word))


def _without_particles(word: str) -> Iterator[str]:
    """What is left of a word that ends in Korean particles: 학교에서는 without 는, and without 에서는."""
    if not _is_syllable(word[-1]):
        return
    for at in range(1, len(word)):
        if word[at:] in _particles() and _may_follow(word[at - 1], word[at:]):
            yield word[:at]


@functools.cache
def _particles() -> frozenset[str]:
    """All of them, and those that may stand behind one another, up to three."""
    pairs = {a + b for a, b in itertools.product(_CASES, [*_CASES, *_OTHERS]) if _may_follow(a[-1], b)}
    many = {"들" + rest for rest in (*pairs, *_CASES, *_OTHERS) if _may_follow("들", rest)}
    return frozenset({*_CASES, *_OTHERS, *pairs, *many})


def _may_follow(before: str, particle: str) -> bool:
    """Many particles have two forms: one behind a consonant, one behind a vowel."""
    if not _is_syllable(before):
        return True
    final = (ord(before) - _FIRST_SYLLABLE) % _FINALS
    if particle.startswith(_AFTER_CONSONANT):
        return final != 0
    if particle.startswith("로"):
        return final in (0, _FINAL_L)
    return final == 0 or not particle.startswith(_AFTER_VOWEL)


def _is_syllable(letter: str) -> bool:
    return _FIRST_SYLLABLE <= ord(letter) <= _LAST_SYLLABLE
