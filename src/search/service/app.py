"""The service: the API, the pages and the audio of one library, over HTTP.

What reads files or searches runs in threads, not in the event loop.
"""

import contextlib
from collections.abc import AsyncIterator, Sequence

import anyio.to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search.errors import IndexUnavailable, QueryError, QueryTimeout
from search.index.library_index import LibraryIndex
from search.query.parser import Synonyms
from search.service import api, pages
from search.service.episode_sounds import EpisodeSounds
from search.service.problem_details import PlainTextToProblem, problem
from transcribe import __version__
from transcribe.errors import TranscriptError
from transcribe.library.sound_maker import SoundMaker
from transcribe.library.store import Library

THREADS = 4  # so that a slow search leaves room for quick ones
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def create_app(
    library: Library,
    hosts: Sequence[str] = (),
    synonyms: Synonyms | None = None,
    library_index: LibraryIndex | None = None,
    sound_maker: SoundMaker | None = None,
) -> FastAPI:
    """The service of one library, with its embedded index if no other is given.

    If `hosts` are given, requests for any other Host are answered 400. Without a `sound_maker`, which is closed when
    the service ends, only stored bytes are played.
    """
    app = FastAPI(
        lifespan=_serving,
        title="Playhead",
        version=__version__,
        description="Phrase search in a podcast archive, each hit with the time at which its first word is said.",
        docs_url=None,  # FastAPI's own page loads scripts from elsewhere; pages.py has ours
        redoc_url=None,
    )
    app.state.library_index = library_index or LibraryIndex(library)
    app.state.synonyms = synonyms
    app.state.sound_maker = sound_maker
    app.state.sounds = EpisodeSounds(library, copies=sound_maker is not None)
    app.include_router(api.router)
    app.include_router(pages.router)
    app.mount("/static", pages.static_files(), name="static")
    _answer_errors(app)
    if hosts:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    app.add_middleware(PlainTextToProblem)
    app.add_middleware(HeadLikeGet)
    app.add_middleware(SecurityHeaders)  # the last added is the outermost
    return app


@contextlib.asynccontextmanager
async def _serving(app: FastAPI) -> AsyncIterator[None]:
    """Limits the requests that are worked on at once: more threads would only wait for Python's lock."""
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield
    if app.state.sound_maker:
        await anyio.to_thread.run_sync(app.state.sound_maker.close)


class HeadLikeGet:
    """Answers HEAD as GET, without the body; `/audio` answers HEAD itself and does not read its file."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        method = "HEAD" if scope["path"].startswith("/audio/") else "GET"
        await self.app({**scope, "method": method}, receive, send_without_body)


class SecurityHeaders:
    """Adds SECURITY_HEADERS to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _answer_errors(app: FastAPI) -> None:
    """Makes every error problem details (RFC 9457), or a page where a browser asked for one."""

    @app.exception_handler(QueryError)
    def query_error(_: Request, error: QueryError) -> Response:
        return problem(400, str(error), error.code)

    @app.exception_handler(IndexUnavailable)
    def index_unavailable(_: Request, error: IndexUnavailable) -> Response:
        return problem(503, str(error), "index_unavailable")

    @app.exception_handler(QueryTimeout)
    def query_timeout(_: Request, error: QueryTimeout) -> Response:
        return problem(503, str(error), "query_timeout")

    @app.exception_handler(TranscriptError)
    def transcript_error(_: Request, error: TranscriptError) -> Response:
        missing = error.code == "no_transcript"
        return problem(404 if missing else 500, str(error) if missing else "The transcript cannot be read.", error.code)

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> Response:
        details = "; ".join(f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in error.errors())
        return problem(422, details, "invalid_parameter")

    @app.exception_handler(HTTPException)
    def http_error(request: Request, error: HTTPException) -> Response:
        if pages.wants_page(request):
            return pages.error_page(request, error.status_code, error.detail)
        return problem(error.status_code, error.detail, headers=error.headers)

    @app.exception_handler(Exception)  # a bug: Starlette raises it again, and the log gets its traceback
    def bug(_: Request, __: Exception) -> Response:
        return problem(500, "Something is wrong here, not with the request.", headers=SECURITY_HEADERS)
