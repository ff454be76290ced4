"""Groups segments into paragraphs for a reader.

A paragraph ends where the speaker changes, at a long pause, and at the end of a sentence: the longer the paragraph is
by then, the shorter a pause is enough. Where nobody says who speaks, the answer to a question begins a paragraph.
"""

from collections.abc import Iterable, Iterator

import regex

from transcribe.library.transcript import Segment

MOST_WORDS = 220  # in a paragraph, unless one segment has more
_LONG_WORDS = 100  # from here on the end of a sentence ends it; without sentences, a short pause
# How many words a paragraph has, and the pause in milliseconds that then ends it after a sentence.
_PAUSES = ((_LONG_WORDS, 0), (40, 1_000), (0, 2_000))
_PAUSE_ANYWHERE_MS = 4_000  # ends it within a sentence too: slow speakers pause there for two or three seconds
_SHORT_PAUSE_MS = 700
_ANSWER_MS = 800  # after a question; a speaker who goes on after one pauses less
_LETTERS_A_WORD = 6  # with its space, in English: the words of scripts without spaces are counted by it
_SENTENCE_END = regex.compile(r"[\p{Sentence_Terminal}…][\p{Pe}\p{Pf}\p{Pi}\"']*\s*\Z")
_QUESTION_END = regex.compile(r"[?？؟;՞][\p{Pe}\p{Pf}\p{Pi}\"']*\s*\Z")


def paragraphs(segments: Iterable[Segment]) -> Iterator[tuple[Segment, ...]]:
    """The segments in their order, in groups that each make a paragraph."""
    paragraph: list[Segment] = []
    words, has_sentences = 0, False
    for segment in segments:
        if paragraph and _ends(paragraph[-1], segment, words, has_sentences):
            yield tuple(paragraph)
            paragraph, words, has_sentences = [], 0, False
        paragraph.append(segment)
        words += _words(segment)
        has_sentences = has_sentences or _ends_sentence(segment)
    if paragraph:
        yield tuple(paragraph)


def _ends(last: Segment, following: Segment, words: int, has_sentences: bool) -> bool:
    """Whether a paragraph of so many words, with an end of a sentence in it or not, ends between these segments."""
    pause_ms = following.start_ms - last.end_ms
    if following.speaker != last.speaker or words + _words(following) > MOST_WORDS or pause_ms >= _PAUSE_ANYWHERE_MS:
        return True
    if last.speaker is None and _QUESTION_END.search(last.text) and pause_ms >= _ANSWER_MS:
        return True
    if _ends_sentence(last):
        return any(words >= least and pause_ms >= enough_ms for least, enough_ms in _PAUSES)
    return words >= _LONG_WORDS and not has_sentences and pause_ms >= _SHORT_PAUSE_MS


def _words(segment: Segment) -> int:
    return max(len(segment.words), len(segment.text) // _LETTERS_A_WORD)


def _ends_sentence(segment: Segment) -> bool:
    return _SENTENCE_END.search(segment.text) is not None
