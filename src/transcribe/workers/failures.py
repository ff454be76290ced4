"""Where an error in one episode becomes a Failure of that episode."""

import logging
from collections.abc import Callable
from typing import TypeVar

from transcribe.errors import EpisodeError, PlayheadError
from transcribe.library.episode import Failure

Result = TypeVar("Result")

log = logging.getLogger(__name__)


def attempted(work: Callable[[], Result]) -> Result | Failure:
    """The result of work on one episode, or what went wrong, so that one bad episode never stops the others.

    Raises only what concerns all episodes: that the library cannot be written, say.
    """
    try:
        return work()
    except EpisodeError as problem:
        return Failure(problem.code, str(problem))
    except PlayheadError:
        raise
    except MemoryError:
        return Failure("out_of_memory", "there was not enough memory to transcribe it")
    except Exception as problem:  # torch, libav and the rest raise what they like
        log.debug("An internal error", exc_info=True)
        told = f"an internal error of Playhead: {type(problem).__name__}: {problem}"
        return Failure("internal_error", f"{told}. With --debug it says where; please report that.")
