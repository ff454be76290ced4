"""Errors of the search, below `transcribe.errors.PlayheadError`.

PlayheadError
├── QueryError            the query cannot be answered as it stands; `code` is short and stable
└── IndexUnavailable      there is no index that could be trusted; the text says what to do
"""

from transcribe.errors import PlayheadError


class QueryError(PlayheadError):
    """The text of a query is too long, empty, or asks for unbounded work."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class IndexUnavailable(PlayheadError):  # noqa: N818 - said of a service, as a person would
    """No index, a damaged one, or one of another version."""
