"""Gives errors as problem details (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NotRequired

from fastapi.responses import JSONResponse
from pydantic import TypeAdapter
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import TypedDict  # Pydantic reads the standard one only from Python 3.12 on

MEDIA_TYPE = "application/problem+json"


class Problem(TypedDict):
    """The body of an error."""

    type: str
    title: str
    status: int
    detail: str
    code: NotRequired[str]  # short and stable, for programs


def problem(
    status: int, detail: str, code: str | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """An answer with problem details."""
    body: Problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if code is not None:
        body["code"] = code
    return JSONResponse(body, status, headers, media_type=MEDIA_TYPE)


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The description of a route's errors for OpenAPI.

    A route with parameters must name 422 even if it accepts any text; else FastAPI describes a form of its own.
    """
    content = {MEDIA_TYPE: {"schema": TypeAdapter(Problem).json_schema()}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


class PlainTextToProblem:
    """Makes Starlette's own plain-text errors (a bad Range, an unknown Host) problem details."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        refusal: Message | None = None
        detail = b""

        async def send_problem(message: Message) -> None:
            nonlocal refusal, detail
            if _is_plain_refusal(message):
                refusal = message
            elif refusal is None:
                await send(message)
            else:
                detail += message.get("body", b"")
                if not message.get("more_body"):
                    status = refusal["status"]
                    headers = Headers(raw=refusal["headers"]).items()
                    kept = {name: value for name, value in headers if name not in ("content-type", "content-length")}
                    answer = problem(status, detail.decode() or HTTPStatus(status).description, headers=kept)
                    await answer(scope, receive, send)

        await self.app(scope, receive, send_problem)


def _is_plain_refusal(message: Message) -> bool:
    if message["type"] != "http.response.start" or message["status"] < HTTPStatus.BAD_REQUEST:
        return False
    return Headers(raw=message["headers"]).get("content-type", "").startswith("text/plain")
