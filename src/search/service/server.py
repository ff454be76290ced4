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
    """Serves until it is stopped, and prints its address. Raises CannotStart where the address is taken.

    Several workers are independent processes on one address. Each calls what `worker` names, as `module:function`, to
    make its service from the environment. Raises what `open_library_index` raises.
    """
    host = settings.host
    app = _app(library, settings, sound_maker)  # first: it raises what is wrong with the settings
    listening = _listen(host, settings.port)
    address = web_root(host, listening.getsockname()[1])
    print(f"Playhead is at {address}  (Ctrl-C stops it)", file=sys.stderr, flush=True)
    if workers == 1:
        uvicorn.Server(uvicorn.Config(app, **HTTP)).run(sockets=[listening])
        return
    os.environ.update(_environment(library, settings))
    Multiprocess(uvicorn.Config(worker, factory=True, workers=workers, **HTTP), [listening]).run()


def app(sound_maker_of: Callable[[Library, Settings], SoundMaker | None] = lambda *_: None) -> FastAPI:
    """The service of one of several workers, made from the environment."""
    library = Library(Path(os.environ["PLAYHEAD_LIBRARY"]))
    settings = Settings.load(library.root)
    return _app(library, settings, sound_maker_of(library, settings))


def _app(library: Library, settings: Settings, sound_maker: SoundMaker | None) -> FastAPI:
    library_index = open_library_index(library, settings)
    return create_app(library, settings.hosts, synonyms(settings.synonyms), library_index, sound_maker)


def _environment(library: Library, settings: Settings) -> dict[str, str]:
    """The command's options for workers, which read only the environment and the library's file."""
    return {"PLAYHEAD_LIBRARY": str(library.root), "PLAYHEAD_INDEX": settings.index}


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # It names the protocol: else asyncio leaves Nagle's algorithm on, and an answer in two packets takes 40 ms more.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()  # before the address is printed
    except OSError as problem:
        listening.close()
        raise CannotStart(
            f"Cannot listen on {host}:{port}: {problem.strerror}. Choose another with --port."
        ) from problem
    return listening
