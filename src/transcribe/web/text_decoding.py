"""Bytes of a file or a web page to text: its encoding, its root, and what a reader would see of it.

A document comes from anyone, so all of this takes linear time, and nothing that a document declares is taken for
harmless: what stands before its root, document type and entities with it, is cut away before a parser sees it.
"""

import codecs
import contextlib
import html.entities
import re
import sys
from collections.abc import Iterator
from xml.sax.saxutils import escape

_DECLARED_ENCODING = re.compile(rb"""<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w.:-]{1,40})""")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Python's codecs that are no encodings of documents; some take quadratic time.
_NO_ENCODINGS = ("punycode", "idna", "undefined", "unicode-escape", "raw-unicode-escape")
_WIDER = {"iso8859-1": "windows-1252", "gb2312": "gb18030"}  # as browsers take them (WHATWG, Encoding, 4.2)
_NUMBERED = re.compile(r"&#(x[0-9a-f]{1,600}|[0-9]{1,600});", re.IGNORECASE | re.ASCII)
_REFERENCE = re.compile(r"&(#?\w{1,600};)?", re.ASCII)
_OF_XML = ("amp;", "lt;", "gt;", "quot;", "apos;")
_CDATA = re.compile(r"(<!\[CDATA\[.*?(?:\]\]>|\Z))", re.DOTALL)

_TAG = re.compile(r"(<!--|-->|<[/!?a-z][^<>]*>)", re.IGNORECASE)
_TAG_START = re.compile(r"<!--|-->|</?[a-z0-9]*")
_INLINE = ("a", "abbr", "b", "cite", "code", "em", "font", "i", "mark", "q", "s", "small", "span", "strong", "u")
_HIDDEN = {"<!--": "-->", "<script": "</script", "<style": "</style"}


def decoded(data: bytes, content_type: str = "") -> str:
    """Text by byte order mark, HTTP's charset, the XML declaration, UTF-8: the first that fits (RFC 7303, 3).

    UTF-16 without a mark is known by its zeros. What is none of these is what Windows writes, or at last Latin-1.
    """
    marked = _marked(data)
    if marked.startswith("utf-16"):
        return data.decode(marked, "replace")
    for encoding in (marked, *_declared(data, content_type)):
        with contextlib.suppress(LookupError, UnicodeError):
            name = codecs.lookup(encoding).name.replace("_", "-")
            text = "" if name in _NO_ENCODINGS else data.decode(_WIDER.get(name, name))
            if "<" in text or "{" in text:  # else it is not what was said, as when UTF-8 says it is UTF-16
                return text
    for encoding in ("utf-8-sig", "windows-1252"):
        with contextlib.suppress(UnicodeError):
            return data.decode(encoding)
    return data.decode("latin-1")


def from_root(text: str) -> str:
    """The text from the root element on; empty where there is none. It skips comments before the root."""
    at = text.find("<")
    while at >= 0 and not text[at + 1 : at + 2].isalpha():
        if text.startswith("<!--", at):
            at = text.find("-->", at)
        at = text.find("<", at + 1) if at >= 0 else at
    return text[at:] if at >= 0 else ""


def mended(text: str) -> str:
    """XML with its references repaired so that any parser reads them as they are meant.

    Characters given by number as two halves (`&#xD83D;&#xDE00;`) are joined, impossible ones become U+FFFD, those given
    by HTML's names are put in, and bare ampersands become `&amp;`. One of these would else cost the whole document.
    """
    parts = _CDATA.split(_NUMBERED.sub(_character, text))
    parts[::2] = (_REFERENCE.sub(_meant, part) for part in parts[::2])
    return "".join(parts).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def plain_text(markup: str) -> str:
    """The visible text of HTML, on one line; in linear time, which html.parser does not promise.

    (20 kB of `<a <a <a` took the parser of Python 3.11 four seconds, and `<![<![` an AssertionError.)
    """
    kept: list[str] = []
    awaited = None  # what ends the comment, script or style that we are in
    for number, piece in enumerate(_TAG.split(markup)):
        start = _TAG_START.match(piece.lower()) if number % 2 else None
        if awaited:
            awaited = None if start and start[0] == awaited else awaited
        elif start:
            awaited = _HIDDEN.get(start[0])
            kept.append("" if start[0].strip("</") in _INLINE else " ")
        else:
            kept.append(piece)
    return one_line(html.unescape("".join(kept)))


def one_line(text: str) -> str:
    """The text with single spaces, without what UTF-8 cannot hold."""
    return " ".join(text.encode("utf-8", "replace").decode().replace("\x00", " ").split())


def _marked(data: bytes) -> str:
    """The encoding that the first bytes show; empty where they show none."""
    unmarked = {b"\0": "utf-16-be"}.get(data[:1], "utf-16-le") if data[:2].count(0) == 1 else ""
    return next((name for mark, name in _BYTE_ORDER_MARKS.items() if data.startswith(mark)), unmarked)


def _declared(data: bytes, content_type: str) -> Iterator[str]:
    if charset := _CHARSET.search(content_type):
        yield charset[1]
    if declared := _DECLARED_ENCODING.match(data[:200].lstrip()):
        yield declared[1].decode("ascii", "replace")


def _character(reference: re.Match[str]) -> str:
    digits = reference[1].lower()
    code = int(digits[1:], 16) if digits.startswith("x") else int(digits)
    if code > sys.maxunicode:
        return "\ufffd"
    return chr(code) if 0xD800 <= code <= 0xDFFF else reference[0]


def _meant(reference: re.Match[str]) -> str:
    name = reference[1] or ""
    if name in _OF_XML or _NUMBERED.fullmatch(reference[0]):
        return reference[0]
    return escape(html.entities.html5.get(name) or f"&{name}")
