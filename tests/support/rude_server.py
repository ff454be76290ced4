"""A server that says exactly what a test tells it to, HTTP or not; pytest-httpserver is too well-mannered for that."""

import contextlib
import re
import socket
import socketserver
import struct
import threading
from collections.abc import Callable
from email.message import Message
from email.parser import BytesHeaderParser
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


class FileServer(RudeServer):
    """Serves one file, its `body` and `headers` free to change, and hangs up where `cuts` tells it to.

    Each answer takes the next of `cuts`: after how many bytes of the body it ends; None, or none left, is to its end.
    It knows Range and If-Range unless `ranges` is off.
    """

    def __init__(self, body: bytes, etag: str | None = '"1"', ranges: bool = True) -> None:
        super().__init__(lambda peer: self._serve(peer))
        self.body, self.etag, self.ranges = body, etag, ranges
        self.headers = b"Content-Type: audio/mpeg\r\n"
        self.cuts: list[int | None] = []

    @property
    def asked(self) -> list[tuple[str | None, str | None]]:
        """Range and If-Range of every request."""
        return [(head["Range"], head["If-Range"]) for head in map(_head, self.requests)]

    def _serve(self, peer: socket.socket) -> None:
        status, span, start = b"200 OK", b"", self._start(_head(self.requests[-1]))
        if start:
            status, span = b"206 Partial Content", b"bytes %d-%d/%d" % (start, len(self.body) - 1, len(self.body))
        if start >= len(self.body):
            status, span = b"416 Range Not Satisfiable", b"bytes */%d" % len(self.body)
        rest = self.body[start:]
        tag = f"ETag: {self.etag}\r\n".encode() if self.etag else b""
        span = b"Content-Range: " + span + b"\r\n" if span else b""
        length = b"Content-Length: %d\r\n\r\n" % len(rest)
        cut = self.cuts.pop(0) if self.cuts else None
        peer.sendall(b"HTTP/1.1 " + status + b"\r\n" + self.headers + tag + span + length + rest[:cut])

    def _start(self, head: Message) -> int:
        asked = re.fullmatch(r"bytes=(\d+)-", head["Range"] or "")
        same = head["If-Range"] in (None, self.etag)
        return int(asked[1]) if asked and same and self.ranges else 0


def _head(request: bytes) -> Message:
    return BytesHeaderParser().parsebytes(request.partition(b"\r\n")[2])
