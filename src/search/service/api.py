"""The routes of the API. Answers are plain data; results are text and offsets, never HTML."""

import asyncio
import time
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from pydantic import Field
from typing_extensions import TypedDict  # Pydantic reads the standard one from Python 3.12 on

from search.index import hits_csv
from search.index.contract import Filters, Order, body, show_named
from search.index.contract import Request as SearchRequest
from search.index.library_index import LibraryIndex
from search.index.passages import Contents
from search.query.limits import BUDGET_S, MAX_HITS, MAX_WITHIN_S, WITHIN_S
from search.query.parser import Mode, Synonyms, parse
from search.service.episode_sounds import EpisodeSounds
from search.service.problem_details import described
from transcribe.errors import AudioError
from transcribe.library.caption_writer import FORMATS
from transcribe.library.chapters import load_chapters
from transcribe.library.episode import is_id

router = APIRouter()

_TRANSCRIPTS: dict[str, Any] = {form.media_type: {} for form in FORMATS.values()}
_AUDIO: dict[str, Any] = {"audio/*": {"schema": {"type": "string", "format": "binary"}}}

MOST_EPISODES = 1_000_000  # the highest offset in the list of episodes

COPY_WAIT_S = 30.0  # for which a request for a seekable copy waits until it is made
COPY_RETRY_S = 5  # after which it may be asked for again

ISO_DATE = r"^\d{4}(-\d\d(-\d\d)?)?$"


async def library_index_of(request: Request) -> LibraryIndex:  # async: it does not wait and needs no thread
    """The index of the library that is served."""
    library_index: LibraryIndex = request.app.state.library_index
    return library_index


async def sounds_of(request: Request) -> EpisodeSounds:
    """The sounds of the library's episodes."""
    sounds: EpisodeSounds = request.app.state.sounds
    return sounds


def episode_id_of(
    show: Annotated[str, Path()], episode: Annotated[str, Path()], library_index: "OfLibraryIndex"
) -> str:
    """The id in a path. Answers 404 for what is no id, and for a transcript that is a link out of the library."""
    name, library = f"{show}/{episode}", library_index.library
    if is_id(name):
        path = library.transcript_path(name)
        if not path.exists() or path.resolve().is_relative_to(library.transcripts.resolve()):
            return name
    raise HTTPException(404, "There is no such episode.")


def contents_of(name: Annotated[str, Depends(episode_id_of)], library_index: "OfLibraryIndex") -> Contents:
    """The contents of the episode in the path. Answers 404 where the index does not have it."""
    for contents in library_index.index().contents():
        if contents.episode.id == name:
            return contents
    raise HTTPException(404, f"There is no episode {name}.")


def refuse_repeated(request: Request) -> None:
    """Answers 422 where a parameter is given more than once."""
    names = [name for name, _ in request.query_params.multi_items()]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise _invalid(min(repeated), "given more than once")


OfLibraryIndex = Annotated[LibraryIndex, Depends(library_index_of)]
OfSounds = Annotated[EpisodeSounds, Depends(sounds_of)]
OfId = Annotated[str, Depends(episode_id_of)]
OfContents = Annotated[Contents, Depends(contents_of)]


class EpisodeBody(TypedDict):
    """An episode in an answer."""

    id: str
    show: str
    title: str
    published: str | None
    duration_ms: int


Marks = Annotated[
    list[tuple[int, int]],
    Field(
        description="Ranges of `text` that matched, end exclusive, in Unicode code points: an emoji beyond U+FFFF is "
        "one, where JavaScript counts two (`Array.from(text)` counts code points)."
    ),
]


class HitBody(TypedDict):
    """One occurrence of the query."""

    episode: EpisodeBody
    start_ms: int
    end_ms: int
    before: str
    text: str
    after: str
    marks: Marks
    segments: list[int]
    speaker: str | None
    confidence: float | None
    flags: list[str]
    player: str
    audio: str


class UnknownBody(TypedDict):
    """A word of the query that nobody says; given where there are no hits."""

    word: str
    did_you_mean: list[str]  # words that are said and spelt much like it
    other_forms: list[str]  # words that are said, and that `mode=loose` finds for it


class SearchBody(TypedDict):
    """One page of hits."""

    query: dict[str, str]
    total: int
    limit: int
    offset: int
    next: str | None
    took_ms: float
    hits: list[HitBody]
    unknown: list[UnknownBody]
    facets: dict[str, list[tuple[str, int]]]


class SearchParameters:
    """The parameters of a search, for the API and for the search page."""

    def __init__(
        self,
        request: Request,
        library_index: OfLibraryIndex,
        q: Annotated[str, Query(description='Words, or a phrase in double quotes: "peer to peer"')] = "",
        mode: Annotated[Mode, Query(description="`loose` compares stems as well")] = "exact",
        show: Annotated[str | None, Query(description="A show's slug or title")] = None,
        after: Annotated[str | None, Query(pattern=ISO_DATE, description="Published on this date or later")] = None,
        before: Annotated[str | None, Query(pattern=ISO_DATE, description="Published before this date")] = None,
        speaker: Annotated[str | None, Query(description="Who says the first word")] = None,
        flags: Annotated[Literal["all", "clean"], Query(description="`clean` leaves out flagged segments")] = "all",
        within: Annotated[
            int, Query(ge=1, le=MAX_WITHIN_S, description="Seconds between several words at most")
        ] = WITHIN_S,
        sort: Annotated[Order, Query(description="`relevance`: the episodes with the most hits first")] = "newest",
        facets: Annotated[bool, Query(description="Count the hits of each show, year and speaker")] = True,
        limit: Annotated[int, Query(ge=0, le=MAX_HITS)] = 20,
        offset: Annotated[int, Query(ge=0, le=MAX_HITS)] = 0,
    ) -> None:
        refuse_repeated(request)
        if limit + offset > MAX_HITS:
            raise _invalid("offset", f"offset + limit may be {MAX_HITS} at most; narrow the search by date or show")
        self.text, self.mode, self.limit, self.offset = q, mode, limit, offset
        self.filters = Filters(
            show=show_named(show, library_index.index()) if show else None,
            after=after or None,
            before=before or None,
            speaker=speaker or None,
            clean=flags == "clean",
        )
        self.order, self.within, self.facets = sort, within, facets
        self.synonyms: Synonyms | None = request.app.state.synonyms

    def request(self) -> SearchRequest:
        """The request for the index. Raises QueryError where the text cannot be searched."""
        return SearchRequest(
            query=parse(self.text, self.mode, self.synonyms),
            filters=self.filters,
            order=self.order,
            limit=self.limit,
            offset=self.offset,
            within_ms=self.within * 1000,
            facets=self.facets,
            budget_s=BUDGET_S,
        )


@router.get("/api/search", response_model=SearchBody, responses=described(400, 422, 503), tags=["search"])
def search(
    request: Request,
    library_index: OfLibraryIndex,
    sounds: OfSounds,
    parameters: Annotated[SearchParameters, Depends()],
) -> Response:
    """Finds every place where the words were said."""
    began = time.perf_counter()
    asked = parameters.request()
    answer = library_index.index().search(asked)
    again = [(name, value) for name, value in request.query_params.multi_items() if name != "offset"]
    url = f"{request.url.path}?{urlencode(again)}&"
    return JSONResponse(body(asked, answer, time.perf_counter() - began, url, sounds.address))


@router.get(
    "/api/search.csv",
    responses={200: {"content": {"text/csv": {}}}, **described(400, 422, 503)},
    response_class=Response,
    tags=["search"],
)
def search_csv(
    library_index: OfLibraryIndex,
    parameters: Annotated[SearchParameters, Depends()],
    bom: Annotated[bool, Query(description="Put a byte order mark first, by which Excel knows UTF-8")] = False,
) -> Response:
    """Every place where the words were said, as keyword in context, one line each."""
    hits = library_index.index().every(parameters.request())  # they are found in time; to tell them all may take longer
    return StreamingResponse(hits_csv.lines(hits, bom), media_type="text/csv")


@router.get("/api/shows", responses=described(503), tags=["episodes"])
def shows(library_index: OfLibraryIndex) -> list[dict[str, Any]]:
    """Every show, with the number of its episodes and hours."""
    found: dict[str, dict[str, Any]] = {}
    for contents in library_index.index().contents():
        name = contents.episode.slugs[0]
        show = found.setdefault(name, {"slug": name, "title": contents.episode.show, "episodes": 0, "duration_ms": 0})
        show["episodes"] += 1
        show["duration_ms"] += contents.duration_ms
    return sorted(found.values(), key=lambda show: str(show["title"]).casefold())


@router.get("/api/episodes", responses=described(422, 503), dependencies=[Depends(refuse_repeated)], tags=["episodes"])
def episodes(
    library_index: OfLibraryIndex,
    show: str | None = None,
    limit: Annotated[int, Query(ge=0, le=MAX_HITS)] = 100,
    offset: Annotated[int, Query(ge=0, le=MOST_EPISODES)] = 0,
) -> dict[str, Any]:
    """Every episode, the newest first."""
    index = library_index.index()
    wanted = Filters(show=show_named(show, index) if show else None)
    found = [contents for contents in index.contents() if wanted.admits(contents)]
    page = found[offset : offset + limit]
    return {"total": len(found), "limit": limit, "offset": offset, "episodes": [_episode_body(c) for c in page]}


@router.get("/api/episodes/{show}/{episode}", responses=described(404, 422, 503), tags=["episodes"])
def episode(contents: OfContents, library_index: OfLibraryIndex) -> dict[str, Any]:
    """One episode."""
    more = {
        "guid": contents.episode.guid,
        "link": contents.episode.link,
        "enclosure": contents.episode.enclosure,
        "description": contents.episode.description,
        "language": contents.language,
        "engine": contents.engine,
        "words": contents.words,
        "audio_sha256": contents.audio_sha256,
        "has_audio": library_index.audio(contents.episode.id) is not None,
        "chapters": [
            {"start_ms": chapter.start_ms, "title": chapter.title}
            for chapter in load_chapters(library_index.library, contents.episode.id)
        ],
    }
    return {**_episode_body(contents), **more}


@router.get(
    "/api/episodes/{show}/{episode}/transcript.{form}",
    responses={200: {"content": _TRANSCRIPTS}, **described(404, 422, 500)},
    response_class=Response,
    tags=["episodes"],
)
def transcript(
    name: OfId, library_index: OfLibraryIndex, form: Literal["json", "vtt", "srt", "txt", "podcast.json"]
) -> Response:
    """The transcript: ours (`json`), captions for a player (`vtt`, `srt`), text, or Podcasting 2.0 (`podcast.json`)."""
    written = FORMATS["podcast" if form == "podcast.json" else form]
    text = written.write(library_index.library.load_transcript(name))
    return Response(text.encode(errors="replace"), media_type=written.media_type)


@router.head("/audio/{show}/{episode}", include_in_schema=False)
@router.get(
    "/audio/{show}/{episode}",
    responses={
        200: {"content": _AUDIO},
        206: {"description": "The part that Range asks for", "content": {**_AUDIO, "multipart/byteranges": {}}},
        304: {"description": "The same bytes that If-None-Match names"},
        **described(400, 404, 416, 422, 503),
    },
    response_class=FileResponse,
    tags=["episodes"],
)
async def audio(  # async, as it may wait for a copy
    request: Request,
    name: OfId,
    sounds: OfSounds,
    seekable: Annotated[
        str | None,
        Query(
            description="A copy of the same frames that can be played from any moment, where the stored bytes cannot; "
            "made when first asked for"
        ),
    ] = None,
) -> Response:
    """The stored bytes, whole or by Range; with `?seekable`, a copy in which a browser finds each moment truly."""
    sound = await run_in_threadpool(sounds.of, name)
    if seekable is not None and sound and sound.is_awaited:
        await _made(request, name)
        sound = await run_in_threadpool(sounds.of, name)
    if sound is None:
        raise HTTPException(404, f"The audio of {name} is not in the library.")
    copied = sound.copy if seekable is not None else None
    file = copied or sound.stored
    headers = {"Content-Location": sound.stored_address} if seekable is not None and not copied else None
    stat = await run_in_threadpool(file.path.stat)
    response = FileResponse(file.path, media_type=file.media_type, stat_result=stat, headers=headers)
    if response.headers["etag"] in request.headers.get("if-none-match", ""):  # which may name several
        return Response(status_code=304, headers={"etag": response.headers["etag"]})
    return response


async def _made(request: Request, name: str) -> None:
    """Waits until the copy of an episode is made, or is known not to be needed. 503 where that takes long.

    Where it cannot be made, the stored bytes are the best there is.
    """
    future = asyncio.wrap_future(request.app.state.sound_maker.seekable(name))
    try:
        await asyncio.wait_for(asyncio.shield(future), COPY_WAIT_S)  # others may wait for the same
    except TimeoutError:
        detail, retry = f"The seekable copy of {name} is being made.", {"Retry-After": str(COPY_RETRY_S)}
        raise HTTPException(503, detail, headers=retry) from None
    except AudioError as problem:
        if problem.code == "sound_busy":
            raise HTTPException(503, str(problem), headers={"Retry-After": str(COPY_RETRY_S)}) from None


@router.get("/livez", tags=["health"])
async def livez() -> dict[str, str]:  # async: it never waits for a thread
    """The process is up."""
    return {"status": "ok"}


@router.get("/readyz", responses=described(503), tags=["health"])
def readyz(library_index: OfLibraryIndex) -> dict[str, Any]:
    """The index is open; 503 with the reason otherwise."""
    return {"status": "ok", "episodes": library_index.ready()}


def _episode_body(contents: Contents) -> EpisodeBody:
    episode = contents.episode
    return {
        "id": episode.id,
        "show": episode.show,
        "title": episode.title,
        "published": episode.published,
        "duration_ms": contents.duration_ms,
    }


def _invalid(name: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("query", name), "msg": message, "type": "value_error"}])
