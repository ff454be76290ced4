"""Errors as problem details (RFC 9457), whoever found them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NotRequired

from fastapi.responses import JSONResponse
from pydantic import TypeAdapter
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import TypedDict  # Pydantic reads the standard one from Python 3.12 on

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
    """An answer in the form of RFC 9457."""
    body: Problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if code is not None:
        body["code"] = code
    return JSONResponse(body, status, headers, media_type=MEDIA_TYPE)


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route's description says of its errors.

    A route with parameters names 422 even where every text will do: FastAPI describes one of its own form otherwise.
    """
    content = {MEDIA_TYPE: {"schema": TypeAdapter(Problem).json_schema()}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


class PlainTextToProblem:
    """Gives Starlette's own refusals, of a bad Range or an unknown Host, the form of all others."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        refusal: Message | None = None
        detail = b""

        async def tell(message: Message) -> None:
            nonlocal refusal, detail
            if _is_plain_refusal(message):
                refusal = message
            elif refusal is None:
                await send(message)
            else:
                detail += message.get("body", b"")
                if not message.get("more_body"):
                    await _as_problem(refusal, detail.decode())(scope, receive, send)

        await self.app(scope, receive, tell)


def _is_plain_refusal(message: Message) -> bool:
    if message["type"] != "http.response.start" or message["status"] < HTTPStatus.BAD_REQUEST:
        return False
    return Headers(raw=message["headers"]).get("content-type", "").startswith("text/plain")


def _as_problem(start: Message, detail: str) -> JSONResponse:
    headers = Headers(raw=start["headers"])
    kept = {name: value for name, value in headers.items() if name not in ("content-type", "content-length")}
    return problem(start["status"], detail or HTTPStatus(start["status"]).description, headers=kept)
