"""A server that says exactly what a test tells it to, HTTP or not; pytest-httpserver is too well-mannered for that."""

import contextlib
import socket
import socketserver
import struct
import threading
from collections.abc import Callable
from typing import Self

Answer = Callable[[socket.socket], None]


class RudeServer:
    """Reads the head of each request, keeps it in `requests`, and lets `answer` write to the socket."""

    def __init__(self, answer: Answer) -> None:
        self.requests: list[bytes] = []
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                head = b""
                while b"\r\n\r\n" not in head and (data := self.request.recv(65536)):
                    head += data
                outer.requests.append(head)
                with contextlib.suppress(OSError):  # the client may leave at any time
                    answer(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def saying(*parts: bytes) -> Answer:
    """Says these bytes, one send each, and hangs up."""

    def answer(peer: socket.socket) -> None:
        for part in parts:
            peer.sendall(part)

    return answer


def resetting(*parts: bytes) -> Answer:
    """Says these bytes and breaks the connection off."""

    def answer(peer: socket.socket) -> None:
        saying(*parts)(peer)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()

    return answer
