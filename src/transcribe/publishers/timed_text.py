"""TTML (W3C Timed Text Markup Language 2), also called DFXP; and its form in Apple's podcasts, with a time a word.

What a document declares is not looked up: no entity, no DTD, no network.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

from transcribe.errors import TranscriptError
from transcribe.library.transcript import LATEST_MS, Word
from transcribe.publishers.given import Given, GivenScript

_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d+)(?:\.(\d+)|:(\d+)(?:\.\d+)?)?", re.ASCII)
_OFFSET = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|f|t)?", re.ASCII)
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DEEPEST = 100  # elements within one another


@dataclass(frozen=True, slots=True)
class _Rates:
    """What a document's times are counted in."""

    frames: float = 30.0  # a second, as the standard has it
    ticks: float = 1.0


def read_ttml(data: bytes) -> GivenScript:
    """The paragraphs of a document. Raises TranscriptError (`bad_captions`) where it is none."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True, huge_tree=False)
    try:
        root = etree.fromstring(data.strip(), parser)
    except (etree.LxmlError, ValueError) as problem:
        raise TranscriptError("bad_captions", f"not TTML: {problem}") from problem
    if root is None or _name(root) != "tt":
        raise TranscriptError("bad_captions", "not TTML: its root is no <tt>")
    reader = _Document(root)
    cues = tuple(reader.cues())
    language = re.split("[-_]", (root.get("{http://www.w3.org/XML/1998/namespace}lang") or "").strip().lower())[0]
    return GivenScript(cues, language or None)


class _Document:
    """A document with what its head says of rates and of who speaks."""

    def __init__(self, root: Any) -> None:
        self._root = root
        rate = _number(_attribute(root, "frameRate")) or 30.0
        ticks = _number(_attribute(root, "tickRate"))
        multiplier = re.fullmatch(r"(\d+)[ :](\d+)", (_attribute(root, "frameRateMultiplier") or "").strip())
        if multiplier and int(multiplier[2]):
            rate = rate * int(multiplier[1]) / int(multiplier[2])
        self._rates = _Rates(rate, ticks or (rate if _attribute(root, "frameRate") else 1.0))
        self._agents = {
            agent.get("{http://www.w3.org/XML/1998/namespace}id"): _plain(_text(agent))
            for agent in root.iter("{*}agent")
        }

    def cues(self) -> Iterator[Given]:
        for number, paragraph in enumerate(self._root.iter("{*}p")):
            yield self._cue(paragraph, f"paragraph {number + 1}")

    def _cue(self, paragraph: Any, place: str) -> Given:
        # When the elements around it begin, where they say it.
        base = sum(self._ms(parent.get("begin")) or 0 for parent in paragraph.iterancestors())
        start, end = self._span(paragraph, base)
        if start is None:
            start, end = self._span_around(paragraph)
        spans = [span for span in paragraph.iter("{*}span") if span.get("begin")]
        if spans and not paragraph.get("begin"):
            start, end = self._span(spans[0], base)[0], self._span(spans[-1], base)[1]
        elif spans and end is None and start is not None:
            first = self._ms(spans[0].get("begin")) or 0
            end = self._span(spans[-1], 0 if first >= start else start)[1]
        speaker = self._speaker(paragraph)
        words = tuple(self._words(spans, start or 0)) if spans else ()
        text = _text(paragraph)
        if "".join(word.text for word in words) != "".join(text.split()):
            words = ()
        trouble = f"{place} has no begin" if start is None and text.strip() else ""
        return Given(start, end, text, speaker, words, plain=True, trouble=trouble)

    def _span_around(self, paragraph: Any) -> tuple[int | None, int | None]:
        """The times of the nearest element around a paragraph that says when it begins: they are the paragraph's."""
        around = list(paragraph.iterancestors())
        for number, element in enumerate(around):
            if element.get("begin"):
                return self._span(element, sum(self._ms(each.get("begin")) or 0 for each in around[number + 1 :]))
        return None, None

    def _words(self, spans: list[Any], base: int) -> Iterator[Word]:
        """Those of spans that hold one word each. Times count from their paragraph's, or, as Apple has it, from 0."""
        first = self._ms(spans[0].get("begin"))
        base = 0 if first is not None and first >= base else base
        for span in spans:
            start, end = self._span(span, base)
            text = _text(span).split()
            if start is None or len(text) != 1:
                return
            yield Word(start, max(start, end if end is not None else start), text[0])

    def _span(self, element: Any, base: int) -> tuple[int | None, int | None]:
        start, end, length = (self._ms(element.get(name)) for name in ("begin", "end", "dur"))
        if start is None:
            return None, None
        if end is None and length is not None:
            end = start + length
        latest = min(LATEST_MS, start + base)
        return (None if start + base > LATEST_MS else latest), None if end is None else min(LATEST_MS, end + base)

    def _ms(self, text: str | None) -> int | None:
        text = (text or "").strip()
        if clock := _CLOCK.fullmatch(text):
            hours, minutes, seconds = (int(part or 0) for part in clock.group(1, 2, 3))
            rest = float(f"0.{clock[4]}") if clock[4] else int(clock[5] or 0) / self._rates.frames
            return round(1000 * (3600 * hours + 60 * minutes + seconds + rest))
        if offset := _OFFSET.fullmatch(text):
            number, unit = float(offset[1]), offset[2] or "s"
            a_second = {"f": self._rates.frames, "t": self._rates.ticks}.get(unit)
            return round(1000 * (number / a_second if a_second else number * _SECONDS[unit]))
        return None

    def _speaker(self, paragraph: Any) -> str | None:
        for element in (paragraph, *paragraph.iter("{*}span"), *paragraph.iterancestors()):
            if agent := (_attribute(element, "agent") or "").split():
                return self._agents.get(agent[0]) or _plain(agent[0])
        return None


def _text(element: Any, depth: int = 0) -> str:
    """All text, with a line break for each <br/>; what holds metadata is passed over."""
    if not isinstance(element.tag, str) or depth > _DEEPEST or _name(element) == "metadata":
        return ""
    inner = [_collapsed(element.text)]
    for child in element:
        inner.append("\n" if _name(child) == "br" else _text(child, depth + 1))
        inner.append(_collapsed(child.tail))
    return "".join(inner)


def _collapsed(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "")


def _name(element: Any) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _attribute(element: Any, name: str) -> str | None:
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), None)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 < number < 1e12 else None


def _plain(text: str) -> str | None:
    return " ".join(text.split()) or None
