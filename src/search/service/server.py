"""Runs the service on an address of this machine."""

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from search.index.backends import open_library_index
from search.query.parser import synonyms
from search.service.app import create_app
from search.settings import Settings, web_root
from transcribe.errors import CannotStart
from transcribe.library.sound_maker import SoundMaker
from transcribe.library.store import Library

HTTP: dict[str, Any] = {"log_level": "warning", "server_header": False, "timeout_keep_alive": 30}


def serve_forever(
    library: Library,
    settings: Settings,
    workers: int = 1,
    sound_maker: SoundMaker | None = None,
    worker: str = "search.service.server:app",
) -> None:
    """Serves until it is stopped, and says where. Raises CannotStart where the address is taken.

    Several workers are processes of their own on one address; they know nothing of one another. Each calls what
    `worker` names, as `module:function`, to make its service from the environment.
    """
    host = settings.host
    app = _app(library, settings, sound_maker)  # so that what cannot be is said before anything listens
    listening = _listen(host, settings.port)
    address = web_root(host, listening.getsockname()[1])
    print(f"Playhead is at {address}  (Ctrl-C stops it)", file=sys.stderr, flush=True)
    if workers == 1:
        uvicorn.Server(uvicorn.Config(app, **HTTP)).run(sockets=[listening])
        return
    os.environ.update(_told(library, settings))
    Multiprocess(uvicorn.Config(worker, factory=True, workers=workers, **HTTP), [listening]).run()


def app(sound_maker_of: Callable[[Library, Settings], SoundMaker | None] = lambda *_: None) -> FastAPI:
    """The service as one of several workers makes it, from the environment."""
    library = Library(Path(os.environ["PLAYHEAD_LIBRARY"]))
    settings = Settings.load(library.root)
    return _app(library, settings, sound_maker_of(library, settings))


def _app(library: Library, settings: Settings, sound_maker: SoundMaker | None) -> FastAPI:
    library_index = open_library_index(library, settings)
    return create_app(library, settings.hosts, synonyms(settings.synonyms), library_index, sound_maker)


def _told(library: Library, settings: Settings) -> dict[str, str]:
    """What workers cannot read from the library's own file: what the command's options have said."""
    return {"PLAYHEAD_LIBRARY": str(library.root), "PLAYHEAD_INDEX": settings.index}


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol named, or asyncio would leave Nagle's algorithm on: 40 ms more for an answer in two packets.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()  # so that the address answers from the moment it is told
    except OSError as problem:
        listening.close()
        raise CannotStart(
            f"Cannot listen on {host}:{port}: {problem.strerror}. Choose another with --port."
        ) from problem
    return listening
