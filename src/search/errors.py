"""The errors of the search, below `transcribe.errors.PlayheadError`.

PlayheadError
├── QueryError            the query cannot be answered; `code` is short and stable
├── IndexUnavailable      there is no index that is whole; the text says what to do
├── QueryTimeout          the query takes longer than its time limit
└── CannotStart
    └── IndexBusy         another process has been writing the index for too long
"""

from transcribe.errors import CannotStart, PlayheadError


class QueryError(PlayheadError):
    """The text of a query is too long, empty, or asks for unbounded work."""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(code, message)

    def __str__(self) -> str:
        return self.message


class IndexUnavailable(PlayheadError):  # noqa: N818 - said of a service, as a person would
    """No index, a damaged one, or one of another version."""


class QueryTimeout(PlayheadError):  # noqa: N818 - said of a query
    """A query took longer than its time limit."""


class IndexBusy(CannotStart):
    """Another process is writing the index."""
