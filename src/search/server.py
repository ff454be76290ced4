"""Runs the service on an address of this machine."""

import socket
import sys

import uvicorn

from search.query import synonyms
from search.service import create_app
from search.settings import Settings
from transcribe.errors import CannotStart
from transcribe.library import Library


def serve_forever(library: Library, settings: Settings) -> None:
    """Serves until it is stopped, and says where. Raises CannotStart where the address is taken."""
    host = settings.host
    listening = _listen(host, settings.port)
    address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
    app = create_app(library, settings.hosts, synonyms(settings.synonyms))
    config = uvicorn.Config(app, log_level="warning", server_header=False, timeout_keep_alive=30)
    print(f"Playhead is at {address}  (Ctrl-C stops it)", file=sys.stderr, flush=True)
    uvicorn.Server(config).run(sockets=[listening])


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
