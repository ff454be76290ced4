"""The pages a person sees: search, episodes, player, the API's description.

They are plain HTML that reads and links without scripts; `player/static` adds the playing. Everything that comes from
feeds, files and queries is text here and escaped by the templates.
"""

import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi import Query as Parameter
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.staticfiles import StaticFiles

from search.errors import IndexUnavailable, QueryError, QueryTimeout
from search.index.contract import Answer, Filters
from search.index.contract import Request as SearchRequest
from search.index.hits import Hit
from search.index.library_index import LibraryIndex
from search.query.limits import BUDGET_S, WITHIN_S
from search.query.parser import Mode, Query, parse
from search.service import api
from search.service.api import OfId, OfLibraryIndex, SearchParameters
from search.service.api_reference import operations
from search.service.templates import ASSETS, render
from transcribe.errors import TranscriptError
from transcribe.library.chapters import load_chapters
from transcribe.library.clock import milliseconds
from transcribe.library.episode import Episode
from transcribe.library.transcript import Chapter, Segment, Transcript

HITS_A_PAGE = 20  # unless asked otherwise
EPISODES_A_PAGE = 50
NEWEST_SHOWN = 8  # episodes on the start page
HITS_IN_EPISODE = 200  # shown beside a transcript at most

_HEADINGS = {
    400: "This cannot be answered",
    404: "There is nothing here",
    422: "This address cannot be read",
    503: "There is nothing to search yet",
}


class _PageRoute(APIRoute):
    """Tells errors in a page that the API would tell in JSON, and passes over the blank fields of a form."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        answer = super().get_route_handler()

        async def page(request: Request) -> Response:
            asked = request.query_params.multi_items()
            told = [(name, value) for name, value in asked if value]
            if len(told) < len(asked):
                return RedirectResponse(f"{request.url.path}?{urlencode(told)}".rstrip("?"))
            try:
                return await answer(request)
            except (IndexUnavailable, TranscriptError, RequestValidationError) as problem:
                return _told(request, problem)

        return page


router = APIRouter(include_in_schema=False, route_class=_PageRoute)


class _Assets(StaticFiles):
    """Files that a browser asks after each time, so that scripts of two versions never meet."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """As Starlette has it."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


def static_files() -> StaticFiles:
    """Styles, scripts and pictures."""
    return _Assets(directory=ASSETS / "static")


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks, for a page."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(("/api/", "/audio/"))


def error_page(request: Request, status: int, detail: str) -> Response:
    """A page that says what went wrong."""
    heading = _HEADINGS.get(status, "This did not work")
    return render("error.html", status, told=status, heading=heading, detail=detail, path=request.url.path)


@router.get("/")
def search_page(library_index: OfLibraryIndex, parameters: Annotated[SearchParameters, Depends()]) -> Response:
    """The hits as they would be read; without words, what is in the archive and how it is asked."""
    shows = api.shows(library_index)
    if not parameters.text.strip():
        newest = api.episodes(library_index, limit=NEWEST_SHOWN)
        return render("start.html", shows=shows, newest=newest, asked=parameters)
    shown: dict[str, Any] = {"shows": shows, "asked": parameters, "link": partial(_link, parameters), "problem": None}
    try:
        answer = library_index.index().search(parameters.request())
    except QueryError as problem:
        return render("search.html", 400, **{**shown, "problem": str(problem)})
    except QueryTimeout as problem:
        return render("search.html", 503, **{**shown, "problem": str(problem)})
    facets = list(_facets(parameters, answer, {show["slug"]: show["title"] for show in shows}))
    groups = list(_by_episode(answer.hits, library_index))
    return render("search.html", **shown, answer=answer, facets=facets, groups=groups)


@router.get("/episodes")
def episodes_page(
    library_index: OfLibraryIndex,
    show: str | None = None,
    offset: Annotated[int, Parameter(ge=0, le=api.MOST_EPISODES)] = 0,
) -> Response:
    """Every episode, or those of one show, the newest first."""
    page = api.episodes(library_index, show, EPISODES_A_PAGE, offset)
    named = next((known["title"] for known in api.shows(library_index) if known["slug"] == show), None)
    return render("episodes.html", page=page, show=show, heading=named or "Episodes")


@router.get("/episodes/{show}/{episode}")
def player_page(
    request: Request, name: OfId, library_index: OfLibraryIndex, q: str = "", mode: Mode = "exact", t: str = ""
) -> Response:
    """The transcript, with the audio where the library holds it; `q` marks the hits of that search in it."""
    transcript = library_index.library.load_transcript(name)
    stored = library_index.audio(name)
    return render(
        "episode.html",
        transcript=transcript,
        sections=_sections(transcript, load_chapters(library_index.library, name)),
        starts={segment.start_ms for segment in transcript.segments},
        flagged=_flagged_throughout(transcript),
        audio_suffix=stored[0].suffix if stored else None,
        start_ms=_moment(t),
        found=_found_in(library_index, transcript.episode, _query(request, q, mode)),
        q=q,
    )


@router.get("/docs")
def docs_page(request: Request, library_index: OfLibraryIndex) -> Response:
    """The API, described from its own OpenAPI document."""
    base = str(request.base_url).rstrip("/")
    described = list(operations(request.app.openapi(), base, _an_episode(library_index)))
    return render("docs.html", operations=described, base=base, example=_an_episode(library_index))


@router.get("/opensearch.xml")
def opensearch_description(request: Request) -> Response:
    """Lets a browser search the archive from its address bar (OpenSearch 1.1)."""
    return render("opensearch.xml", media_type="application/opensearchdescription+xml", base=str(request.base_url))


# What the pages show


@dataclass(frozen=True, slots=True)
class _Group:
    """Neighbouring hits of one episode."""

    hits: tuple[Hit, ...]
    has_audio: bool

    @property
    def contents(self) -> Any:
        """Of the episode."""
        return self.hits[0].contents


def _by_episode(hits: Sequence[Hit], library_index: LibraryIndex) -> Iterator[_Group]:
    for name, neighbours in itertools.groupby(hits, key=lambda hit: hit.contents.episode.id):
        yield _Group(tuple(neighbours), library_index.audio(name) is not None)


@dataclass(frozen=True, slots=True)
class _Facet:
    """What a search can be narrowed by, or is."""

    name: str
    chosen: str | None  # in force
    without: str  # the address of the search without it
    choices: tuple[tuple[str, int, str], ...]  # label, places, address


def _facets(asked: SearchParameters, answer: Answer, titles: dict[str, str]) -> Iterator[_Facet]:
    filters, link = asked.filters, partial(_link, asked)
    dated = (
        f"{filters.after or 'the beginning'} to {filters.before or 'now'}" if filters.after or filters.before else None
    )
    shows = tuple((titles.get(show, show), places, link(show=show)) for show, places in answer.facets.get("show", ()))
    years = tuple(
        (year, places, link(after=year, before=f"{int(year) + 1:04}"))
        for year, places in answer.facets.get("year", ())
        if year.isdecimal()
    )
    speakers = tuple((name, places, link(speaker=name)) for name, places in answer.facets.get("speaker", ()))
    yield _Facet("show", filters.show and titles.get(filters.show, filters.show), link(show=None), shows)
    yield _Facet("year", dated, link(after=None, before=None), years)
    yield _Facet("speaker", filters.speaker, link(speaker=None), speakers)


_Turns = list[tuple[str | None, list[Segment]]]


def _sections(transcript: Transcript, chapters: Sequence[Chapter]) -> list[tuple[Chapter | None, _Turns]]:
    """The segments under the chapter in which most of each is said; what comes before the first is under none."""
    starts = [chapter.start_ms for chapter in chapters]
    under: list[list[Segment]] = [[] for _ in range(len(chapters) + 1)]
    for segment in transcript.segments:
        under[bisect_right(starts, (segment.start_ms + segment.end_ms) // 2)].append(segment)
    sections = zip([None, *chapters], map(_turns, under), strict=True)
    return [(chapter, turns) for chapter, turns in sections if chapter or turns]


def _turns(segments: Sequence[Segment]) -> _Turns:
    """Speaker and segments, for as long as the same one speaks."""
    turns = itertools.groupby(segments, key=lambda segment: segment.speaker)
    return [(speaker, list(said)) for speaker, said in turns]


def _flagged_throughout(transcript: Transcript) -> set[str]:
    """The flags that all segments have: said once above the transcript, not at each of them."""
    return set.intersection(*(set(segment.flags) for segment in transcript.segments)) if transcript.segments else set()


def _moment(text: str) -> int | None:
    """Milliseconds of the `t` in a link, or of its start; None for what is not a time."""
    try:
        return milliseconds(text.partition(",")[0])
    except ValueError:
        return None


def _query(request: Request, text: str, mode: Mode) -> Query | None:
    """What led to an episode; None where nothing did, or nothing that can be searched."""
    try:
        return parse(text, mode, request.app.state.synonyms)
    except QueryError:
        return None


def _found_in(library_index: LibraryIndex, episode: Episode, query: Query | None) -> Answer:
    """Where the words that led here are said in the episode: an extra, without which it can still be read."""
    nothing = Answer(0, (), {})
    if query is None:
        return nothing
    request = SearchRequest(query, Filters(episode=episode.id), limit=HITS_IN_EPISODE, facets=False, budget_s=BUDGET_S)
    try:
        return library_index.index().search(request)
    except (QueryTimeout, IndexUnavailable):
        return nothing


def _link(asked: SearchParameters, **changes: str | int | None) -> str:
    """The address of the same search with something changed; it starts from the first hit unless told otherwise."""
    filters = asked.filters
    same = {
        "q": asked.text,
        "mode": asked.mode if asked.mode != "exact" else None,
        "show": filters.show,
        "after": filters.after,
        "before": filters.before,
        "speaker": filters.speaker,
        "flags": "clean" if filters.clean else None,
        "within": asked.within if asked.within != WITHIN_S else None,
        "sort": asked.order if asked.order != "newest" else None,
        "limit": asked.limit if asked.limit != HITS_A_PAGE else None,
    }
    return f"/?{urlencode({name: value for name, value in {**same, **changes}.items() if value})}"


def _told(request: Request, problem: IndexUnavailable | TranscriptError | RequestValidationError) -> Response:
    """The page of an error."""
    if isinstance(problem, IndexUnavailable):
        return error_page(request, 503, "The index of this library_index is missing, or cannot be read.")
    if isinstance(problem, RequestValidationError):
        return error_page(request, 422, "; ".join(f"{e['loc'][-1]}: {e['msg']}" for e in problem.errors()))
    if problem.code == "no_transcript":
        return error_page(request, 404, "There is no transcript of such an episode in this library_index.")
    return error_page(request, 500, "The transcript of this episode cannot be read.")


def _an_episode(library_index: LibraryIndex) -> str:
    """An episode's id for the examples: a real one where there is one."""
    try:
        return next((contents.episode.id for contents in library_index.index().contents()), "show/episode")
    except IndexUnavailable:
        return "show/episode"
