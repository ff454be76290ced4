"""The routes of the pages: search, episodes, player, the API's description.

The pages can be read and linked without scripts; `player/static` adds playing. Templates escape everything that comes
from feeds, files and queries.
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
from search.query.parser import Mode, Synonyms, parse
from search.service import api
from search.service.api import OfId, OfLibraryIndex, OfSounds, SearchParameters
from search.service.api_reference import operations
from search.service.episode_sounds import EpisodeSound
from search.service.templates import ASSETS, render
from transcribe.errors import TranscriptError
from transcribe.library.chapters import load_chapters
from transcribe.library.clock import milliseconds
from transcribe.library.episode import Episode
from transcribe.library.paragraphs import paragraphs
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
    """Answers errors with a page instead of JSON, and removes the blank fields of a form from the address."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        answer = super().get_route_handler()

        async def page(request: Request) -> Response:
            asked = request.query_params.multi_items()
            given = [(name, value) for name, value in asked if value]
            if len(given) < len(asked):
                return RedirectResponse(f"{request.url.path}?{urlencode(given)}".rstrip("?"))
            try:
                return await answer(request)
            except IndexUnavailable:
                return error_page(request, 503, "The index of this library is missing, or cannot be read.")
            except RequestValidationError as problem:
                return error_page(request, 422, "; ".join(f"{e['loc'][-1]}: {e['msg']}" for e in problem.errors()))
            except TranscriptError as problem:
                if problem.code == "no_transcript":
                    return error_page(request, 404, "There is no transcript of such an episode in this library.")
                return error_page(request, 500, "The transcript of this episode cannot be read.")

        return page


router = APIRouter(include_in_schema=False, route_class=_PageRoute)


class _Assets(StaticFiles):
    """Files that a browser checks each time, so that it never mixes scripts of two versions."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """See Starlette."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


def static_files() -> StaticFiles:
    """Styles, scripts and pictures."""
    return _Assets(directory=ASSETS / "static")


def wants_page(request: Request) -> bool:
    """Whether a browser asks for a page."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(("/api/", "/audio/"))


def error_page(request: Request, status: int, detail: str) -> Response:
    """The page for an error."""
    heading = _HEADINGS.get(status, "This did not work")
    return render("error.html", status, code=status, heading=heading, detail=detail, path=request.url.path)


@router.get("/")
def search_page(
    library_index: OfLibraryIndex, sounds: OfSounds, parameters: Annotated[SearchParameters, Depends()]
) -> Response:
    """The hits of a search; without a query, what is in the library and how to search it."""
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
    groups = [
        _Group(tuple(neighbours), sounds.of(name))
        for name, neighbours in itertools.groupby(answer.hits, key=lambda hit: hit.contents.episode.id)
    ]
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
    request: Request,
    name: OfId,
    library_index: OfLibraryIndex,
    sounds: OfSounds,
    q: str = "",
    mode: Mode = "exact",
    t: str = "",
) -> Response:
    """The transcript, with the audio where the library holds it; `q` marks the hits of that search in it."""
    transcript = library_index.library.load_transcript(name)
    flags = [set(segment.flags) for segment in transcript.segments]
    flagged = set.intersection(*flags) if flags else set()
    return render(
        "episode.html",
        transcript=transcript,
        sections=_sections(transcript, load_chapters(library_index.library, name)),
        starts={segment.start_ms for segment in transcript.segments},
        flagged=flagged,  # shown once above the transcript, not at each segment
        sound=sounds.of(name),
        start_ms=_moment(t),
        found=_found_in(library_index, transcript.episode, q, mode, request.app.state.synonyms),
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
    """The description with which a browser searches the library from its address bar (OpenSearch 1.1)."""
    return render("opensearch.xml", media_type="application/opensearchdescription+xml", base=str(request.base_url))


# What the pages show


@dataclass(frozen=True, slots=True)
class _Group:
    """Hits of one episode that follow one another."""

    hits: tuple[Hit, ...]
    sound: EpisodeSound | None  # None where the library does not hold it

    @property
    def contents(self) -> Any:
        """The contents of the episode."""
        return self.hits[0].contents


@dataclass(frozen=True, slots=True)
class _Facet:
    """A way to narrow the search, or one that is in force."""

    name: str
    chosen: str | None  # the value in force
    without: str  # the address of the search without this facet
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


_Turns = list[tuple[str | None, list[tuple[Segment, ...]]]]  # who speaks, and the paragraphs of it


def _sections(transcript: Transcript, chapters: Sequence[Chapter]) -> list[tuple[Chapter | None, _Turns]]:
    """The paragraphs by chapter: a segment is under the one that holds its middle, or under None before the first."""
    starts = [chapter.start_ms for chapter in chapters]
    under: list[list[Segment]] = [[] for _ in range(len(chapters) + 1)]
    for segment in transcript.segments:
        under[bisect_right(starts, (segment.start_ms + segment.end_ms) // 2)].append(segment)
    sections = zip([None, *chapters], map(_turns, under), strict=True)
    return [(chapter, turns) for chapter, turns in sections if chapter or turns]


def _turns(segments: Sequence[Segment]) -> _Turns:
    """Paragraphs in a row with the same speaker, with that speaker."""
    turns = itertools.groupby(paragraphs(segments), key=lambda paragraph: paragraph[0].speaker)
    return [(speaker, list(said)) for speaker, said in turns]


def _moment(text: str) -> int | None:
    """The time `t` of a link in milliseconds, or its start; None for what is no time."""
    try:
        return milliseconds(text.partition(",")[0])
    except ValueError:
        return None


def _found_in(library_index: LibraryIndex, episode: Episode, text: str, mode: Mode, synonyms: Synonyms) -> Answer:
    """The hits in the episode of the query that led to it; none where there was none, or it cannot be answered."""
    narrowed = Filters(episode=episode.id)
    try:
        query = parse(text, mode, synonyms)
        request = SearchRequest(query, narrowed, limit=HITS_IN_EPISODE, facets=False, budget_s=BUDGET_S)
        return library_index.index().search(request)
    except (QueryError, QueryTimeout, IndexUnavailable):
        return Answer(0, (), {})


def _link(asked: SearchParameters, **changes: str | int | None) -> str:
    """The address of the same search with these changes; it starts at the first hit unless `offset` is given."""
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


def _an_episode(library_index: LibraryIndex) -> str:
    """The id of an episode for the examples: a real one if there is one."""
    try:
        return next((contents.episode.id for contents in library_index.index().contents()), "show/episode")
    except IndexUnavailable:
        return "show/episode"
