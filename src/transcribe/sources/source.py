"""The kinds of SOURCE, and the recordings in a file or a folder. Uses no network."""

import contextlib
import dataclasses
import glob
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from transcribe.errors import UsageError
from transcribe.library.episode import PublishedText
from transcribe.library.transcript import Chapter
from transcribe.sources.audio_tags import full_date, read_tags
from transcribe.web.media_types import AUDIO_SUFFIXES, TEXT_TYPES, audio_suffix
from transcribe.web.urls import citable_url, is_web, public_url, source_key, without_tracking

_WHAT_IT_CAN_BE = (
    "A source is an audio file, a folder of them, an OPML file, a saved feed, or the http(s) address of audio, "
    "of a feed, of an OPML file or of an episode's page."
)
_FEED_SCHEME = re.compile(
    r"(?:feeds?|itpc|itms(?:-\w+)?|pcast|podcast|podcastaddict|antennapod-subscribe|fyyd|rss)\+?:(?://)?(?=\S)",
    re.IGNORECASE,
)
_BARE_ADDRESS = re.compile(
    r"(?:[^\s/@]+@)?(?:(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,24}(?::\d{1,5})?(?=[/?]|$)"
    r"|(?:localhost|\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}(?=[/?]|$))",
    re.IGNORECASE,
)
_DOCUMENT = re.compile(r"\.(?:xml|opml|rss|atom|json|txt|html?|pdf|zip|vtt|srt|py|toml)$", re.IGNORECASE)
_LANGUAGE_TAG = re.compile(r"\.([a-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})?)", re.ASCII | re.IGNORECASE)
_LOOKED_AT = 100_000  # bytes of a file that may be a transcript
_DATED = re.compile(r"(\d{4}-\d\d-\d\d)(?!\d)[\s_.-]*(.*)", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class AudioFileSource:
    """One audio file on this machine."""

    path: Path

    @property
    def address(self) -> str:
        """What it is known by."""
        return str(self.path.absolute())

    @property
    def key(self) -> str:
        """What it is known by in what is written down."""
        return self.address


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A folder, its own folders included."""

    path: Path

    @property
    def address(self) -> str:
        """What it is known by."""
        return str(self.path.absolute())

    @property
    def key(self) -> str:
        """What it is known by in what is written down."""
        return self.address


@dataclass(frozen=True, slots=True)
class WebSource:
    """An http or https address; only fetching tells what is there."""

    url: str

    @property
    def address(self) -> str:
        """The URL, with its password if it has one."""
        return self.url

    @property
    def key(self) -> str:
        """What it is known by in what is written down, without what is secret in it."""
        return source_key(self.url)


Source = AudioFileSource | FolderSource | WebSource


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One recording that a source offers; not yet an episode of the library. It has an enclosure or a path."""

    show: str
    title: str
    published: str | None = None  # ISO 8601: a date, or a date and time
    guid: str | None = None  # as the feed gives it
    link: str | None = None  # its web page
    enclosure: str | None = None  # the URL of its audio
    path: Path | None = None  # its audio on this machine, absolute
    description: str = ""  # plain text
    source: str | None = None  # to be asked again later: a feed's URL, a folder; None for a single file
    transcripts: tuple[PublishedText, ...] = ()  # in the feed's order
    chapters: str | None = None  # the URL of `podcast:chapters`
    headings: tuple[Chapter, ...] = ()  # chapters that stand in the feed itself
    persons: tuple[str, ...] = ()  # of `podcast:person`, of the item or else of the show
    feed: str | None = None  # the feed of its guid, where the source is another: a page
    language: str | None = None  # spoken, as the feed says: a BCP 47 tag such as en-GB
    length: int | None = None  # of the audio in bytes, as the feed says
    alternates: tuple[str, ...] = ()  # other URLs of its audio, for when the enclosure cannot be had; best first
    whole: str | None = None  # the title of what it is a part of, where its own is that with a number
    linked: bool = False  # its page only links it, as pages of other recordings may do
    doubtful: bool = False  # it may turn out to have no sound: a film, or of no type and name that tell
    mark: str | None = None  # tells it from others of its feed that have the same guid
    duration_ms: int | None = None  # of the audio, as the feed says
    key: str | None = None  # in place of its URL, where another recording of its feed has the same without its query

    @property
    def identity(self) -> str:
        """The text by which the recording is recognized when it is met again; never shown.

        A guid counts within its source only: two feeds may use the same; where several recordings have it, its mark
        too. A URL counts without its query, which may carry a token of the day; one that names no audio file
        (`download.php?id=2`) without what is known to pass. A path counts as it is. Of both, it does not matter which
        source led there.
        """
        if self.guid:
            feed = without_tracking(citable_url(self.feed or self.source or ""))
            return f"{feed} {self.guid} {self.mark}" if self.mark else f"{feed} {self.guid}"
        if self.key:
            return self.key
        if self.enclosure:
            address = without_tracking(self.enclosure)
            return address.partition("?")[0] if audio_suffix(address) else address
        return self.path.as_uri() if self.path else f"{self.source or ''} {self.link or self.title}"


def part(whole: FoundFile, number: int) -> FoundFile:
    """One of several recordings that are told of as one."""
    return dataclasses.replace(whole, title=f"{whole.title}, part {number}", whole=whole.title)


def parse_source(text: str) -> Source:
    """The source that a person named. A file or folder that exists comes before an address.

    Raises UsageError, naming it, where it is neither there nor an http(s) address.
    """
    path = Path(text)
    with contextlib.suppress(OSError):  # a name too long for a file may still be a good address
        if text and path.is_dir():
            return FolderSource(path)
        if path.is_file():
            return AudioFileSource(path)
    if url := feed_address(text.strip()):
        return WebSource(url)
    raise UsageError(f"{public_url(text)!r} is no file or folder here, and no http(s) address. {_WHAT_IT_CAN_BE}")


def feed_address(text: str) -> str | None:
    """The http(s) address that is meant by one as people and programs pass it on; None where none is.

    `feed://host/path`, `feed:https://...`, `itpc://`, `pcast://`, `podcast://` and `rss://` are http; so is an address
    without a scheme, `host.example/path`, since a server that wants https leads there. One with a password is https.
    """
    url = _FEED_SCHEME.sub("", text) if _FEED_SCHEME.match(text) else text
    if is_web(url):
        return url
    scheme = "https" if "@" in url.partition("/")[0] or text.lower().startswith("feeds:") else "http"
    bare = url.removeprefix("//")
    meant = _FEED_SCHEME.match(text) or _BARE_ADDRESS.match(bare)
    address = f"{scheme}://{bare}"
    # `talk.mp3` is the name of a file rather than of a host.
    is_file_name = "/" not in bare and bool(audio_suffix(f"http://x/{bare}") or _DOCUMENT.search(bare))
    return address if meant and is_web(address) and not is_file_name else None


def source_of(address: str, folder: Path) -> Source:
    """The source of an address that was named before; a path is relative to `folder`. It need not exist any more."""
    if is_web(url := address.strip()):
        return WebSource(url)
    path = folder / address
    with contextlib.suppress(OSError):
        if path.is_dir():
            return FolderSource(path)
    return AudioFileSource(path)


def found_in_file(path: Path, source: str | None = None) -> FoundFile:
    """The recording in a local file: from its tags, else from its name and its folder's."""
    path = path.absolute()
    tags = read_tags(path)
    date, title = dated(path.stem)
    return FoundFile(
        show=tags.show or readable(path.parent.name) or "Recordings",
        title=tags.title or title,
        published=tags.published or date,
        path=path,
        description=tags.description or "",
        source=source,
        transcripts=texts_beside(path),
    )


def texts_beside(path: Path) -> tuple[PublishedText, ...]:
    """Captions and typed transcripts of an audio file's name that lie in its folder: `talk.srt`, `talk.en.vtt`."""
    texts = []
    with contextlib.suppress(OSError):
        for other in sorted(path.parent.glob(f"{glob.escape(path.stem)}.*")):
            rest = other.name[len(path.stem) : -len(other.suffix)].removesuffix(".podcast")
            media_type = TEXT_TYPES.get(other.suffix.lower())
            tagged = _LANGUAGE_TAG.fullmatch(rest)
            if media_type and (not rest or tagged) and _may_be_transcript(other):
                texts.append(PublishedText(other.as_uri(), media_type, tagged[1].lower() if tagged else None))
    return tuple(texts)


def _may_be_transcript(path: Path) -> bool:
    """Whether it is a file that says something; JSON may be anything, as the record of an episode."""
    if path.suffix.lower() != ".json":
        return path.is_file()
    with path.open("rb") as file:
        data = file.read(_LOOKED_AT)
    return any(key in data for key in (b'"segments"', b'"snippets"', b'"events"', b'"start"'))


def found_in_folder(folder: Path) -> Iterator[FoundFile]:
    """Every audio file in a folder and its folders, by name, without hidden ones and without following links.

    One at a time, since each is opened for its tags.
    """
    for place, folders, names in os.walk(folder.absolute()):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            if not name.startswith(".") and path.suffix.lower() in AUDIO_SUFFIXES and path.is_file():
                yield found_in_file(path, source=str(folder.absolute()))


def dated(name: str) -> tuple[str | None, str]:
    """A file's name without its suffix, as the date it begins with and a title: `2026-11-22_the_talk` gives `the talk`.

    A name that is a date and nothing more is its own title.
    """
    match = _DATED.match(name)
    date = full_date(match[1]) if match else None
    rest = match[2] if match and date else name
    rest = " ".join(rest.replace("_", " ").split())
    title = rest if " " in rest else rest.replace("-", " ").strip()
    return date, readable(title or name)


def file_title(url: str) -> str:
    """A title of the name of the file that a URL leads to."""
    return dated(PurePosixPath(unquote(urlsplit(url).path, errors="replace")).stem)[1] or "Untitled"


def readable(text: str) -> str:
    """A name from the file system as text that any file can hold: what is not valid UTF-8 in it becomes `?`."""
    return text.encode(errors="replace").decode()
