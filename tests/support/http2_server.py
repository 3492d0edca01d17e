"""An HTTP/2 server over TLS that can be told to break off at the moment that matters.

Speaks frames (RFC 9113) and no more of header compression than an answer's status takes, so that a
test decides about each frame: no library would send a GOAWAY in the middle of an exchange.
"""

from __future__ import annotations

import socket
import ssl
import struct
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _ACK, _END_HEADERS, _PADDED = 1, 1, 4, 8
_STATUS_200 = b"\x88"  # of the static table
_INTERNAL_ERROR, _REFUSED_STREAM = 2, 7
_LARGE_WINDOW = 1 << 30
HELD_FOR_S = 0.5

# What becomes of a request, once all of it is there:
# ok             an answer
# goaway_none    a GOAWAY that says no stream was worked on, and the end of the connection
# goaway_worked  a GOAWAY that leaves open whether this one was, and the end of the connection
# refused        RST_STREAM with REFUSED_STREAM
# reset          RST_STREAM with INTERNAL_ERROR
# close          the end of the connection
FATES = ("goaway_none", "goaway_worked", "refused", "reset", "close")


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of this machine that signs itself, and its key."""
    certificate, key = folder / "localhost.pem", folder / "localhost.key"
    command = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *("-nodes", "-days", "2", "-subj", "/CN=localhost"),
        *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        *("-keyout", str(key), "-out", str(certificate)),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


@dataclass
class Seen:
    """What has arrived; written by the server's threads."""

    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    most_at_once: int = 0
    """Requests that waited for their answers on one connection at the same time."""


class Http2Server:
    """Serves on loopback while it is entered.

    Args:
        fate: Gets a request's number, from 1, and says what becomes of it.
        together: Answers wait for so many requests on the connection, though not for long.
    """

    def __init__(
        self,
        certificate: tuple[Path, Path],
        fate: Callable[[int], str] = lambda _: "ok",
        together: int = 1,
    ) -> None:
        self.seen = Seen()
        self._fate = fate
        self._together = together
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._threads: list[threading.Thread] = []
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(*certificate)
        self._tls.set_alpn_protocols(["h2"])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.02)
        self.url = f"https://localhost:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Http2Server:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ending.is_set():
            try:
                plain, _ = self._listener.accept()
            except TimeoutError:
                continue
            self._start(self._serve, plain)

    def _serve(self, plain: socket.socket) -> None:
        try:
            plain.settimeout(5)
            with self._tls.wrap_socket(plain, server_side=True) as link:
                with self._lock:
                    self.seen.connections += 1
                link.settimeout(0.01)
                _Connection(self, link).work()
        except OSError:
            return  # the client has gone

    def take(self, body: bytes) -> str:
        """Notes a request; what becomes of it."""
        with self._lock:
            self.seen.bodies.append(body)
            return self._fate(len(self.seen.bodies))

    def note_waiting(self, count: int) -> bool:
        """Whether that many requests are enough to be answered."""
        with self._lock:
            self.seen.most_at_once = max(self.seen.most_at_once, count)
            return count >= self._together

    @property
    def ending(self) -> bool:
        return self._ending.is_set()


class _Connection:
    def __init__(self, server: Http2Server, link: ssl.SSLSocket) -> None:
        self._server = server
        self._link = link
        self._input = b""
        self._bodies: dict[int, bytes] = {}
        self._waiting: list[int] = []
        self._since = 0.0
        self._over = False

    def work(self) -> None:
        while len(self._input) < len(_PREFACE):
            self._receive()
        assert self._input.startswith(_PREFACE)
        self._input = self._input[len(_PREFACE) :]
        self._send(_SETTINGS, 0, 0, struct.pack(">HI", 4, _LARGE_WINDOW))
        self._send(_WINDOW_UPDATE, 0, 0, struct.pack(">I", _LARGE_WINDOW))
        while not self._over and not self._server.ending:
            while not self._over and self._take_frame():
                pass
            self._answer()
            if not self._over:
                self._receive()

    def _receive(self) -> None:
        try:
            data = self._link.recv(65536)
        except TimeoutError:
            self._over = self._server.ending
            return
        if not data:
            raise ConnectionError("closed by the client")
        self._input += data

    def _send(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        head = struct.pack(">I", len(payload))[1:] + bytes([kind, flags])
        self._link.settimeout(5)
        self._link.sendall(head + struct.pack(">I", stream) + payload)
        self._link.settimeout(0.01)

    def _take_frame(self) -> bool:
        if len(self._input) < 9:
            return False
        length = int.from_bytes(self._input[:3], "big")
        if len(self._input) < 9 + length:
            return False
        kind, flags = self._input[3], self._input[4]
        stream = int.from_bytes(self._input[5:9], "big") & 0x7FFFFFFF
        payload, self._input = self._input[9 : 9 + length], self._input[9 + length :]
        if kind == _SETTINGS and not flags & _ACK:
            self._send(_SETTINGS, _ACK, 0, b"")
        elif kind == _PING and not flags & _ACK:
            self._send(_PING, _ACK, 0, payload)
        elif kind == _HEADERS:
            self._bodies[stream] = b""
        elif kind == _DATA:
            if flags & _PADDED:
                payload = payload[1 : len(payload) - payload[0]]
            self._bodies[stream] += payload
        elif kind == _GOAWAY:
            self._over = True
        if kind in (_HEADERS, _DATA) and flags & _END_STREAM:
            self._whole(stream)
        return True

    def _whole(self, stream: int) -> None:
        fate = self._server.take(self._bodies.pop(stream))
        if fate == "ok":
            self._since = self._since if self._waiting else time.monotonic()
            self._waiting.append(stream)
        elif fate in ("refused", "reset"):
            code = _REFUSED_STREAM if fate == "refused" else _INTERNAL_ERROR
            self._send(_RST_STREAM, 0, stream, struct.pack(">I", code))
        else:
            if fate.startswith("goaway"):
                last = stream if fate == "goaway_worked" else 0
                self._send(_GOAWAY, 0, 0, struct.pack(">II", last, 0))
            self._over = True

    def _answer(self) -> None:
        enough = self._server.note_waiting(len(self._waiting))
        if not enough and time.monotonic() - self._since < HELD_FOR_S:
            return
        for stream in self._waiting:
            self._send(_HEADERS, _END_HEADERS, stream, _STATUS_200)
            self._send(_DATA, _END_STREAM, stream, b"{}")
        self._waiting.clear()
