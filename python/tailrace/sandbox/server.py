"""HTTP for the sandbox: reads requests, plays deliveries on the connection, and serves the control
endpoints and the human page beside the vendors' own paths."""

from __future__ import annotations

import asyncio
import socket
import struct
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.http_exceptions import ContentEncodingError
from aiohttp.web_exceptions import HTTPRequestEntityTooLarge

from tailrace.sandbox.control import Control
from tailrace.sandbox.wire import Reply, Request

if TYPE_CHECKING:
    from tailrace.sandbox.app import App
    from tailrace.sandbox.damage import Delivery
    from tailrace.sandbox.vendor import Vendor

SERVER = "tailrace-sandbox"
_SPREAD_PIECES = 20
# Queries stand in the address: a vendor that takes less says so itself.
_LONGEST_LINE = 65_536


class Server:
    """An ``App`` on a loopback port.

    ``start`` binds, ``url`` is then its address, ``stop`` closes connections and cancels whatever
    a fault still holds open.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._control = Control(app)
        self._runner: web.ServerRunner | None = None
        self.url = ""

    async def start(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            OSError: the port is taken.
        """
        # aiohttp's Server unpacks gzip and deflate and understands chunked bodies by itself.
        server = web.Server(
            self._serve, access_log=None, keepalive_timeout=75.0, max_line_size=_LONGEST_LINE
        )
        self._runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, backlog=1024)
        try:
            await site.start()
        except OSError:
            await self.stop()
            raise
        bound = self._runner.addresses[0]
        shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        self.url = f"http://{shown}:{bound[1]}"

    async def stop(self) -> None:
        await self._app.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _serve(self, http: web.BaseRequest) -> web.StreamResponse:
        path, _, query = _clean(http.raw_path).partition("?")
        vendor, path = self._app.find(path) or (None, path)
        most = vendor.body_most(path) if vendor is not None else Control.MAX_BODY_BYTES
        try:
            body = await _read_body(http, most)
        except HTTPRequestEntityTooLarge:
            return _oversize(vendor, most)
        except (ContentEncodingError, web.RequestPayloadError):
            return _response(Reply(400, b"the body cannot be unpacked", content_type="text/plain"))
        headers = {name.lower(): _clean(value) for name, value in http.headers.items()}
        pairs = tuple(parse_qsl(query, keep_blank_values=True))
        size = len(http.raw_path)
        request = Request(http.method, path, dict(pairs), headers, body, size, pairs)
        if vendor is None:
            return _response(self._control.handle(request))
        delivery = await self._app.handle(vendor, request)
        if delivery.cut or delivery.hold_s or delivery.spread_s:
            return await _play(http, delivery)
        return _response(delivery.reply)


def _clean(text: str) -> str:
    """Bytes that are not UTF-8 reach us as lone surrogates, which no answer can repeat."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


async def _read_body(http: web.BaseRequest, most: int) -> bytes:
    """The body, unpacked; refuses to unpack more than ``most`` bytes."""
    if http.headers.get("Expect", "").lower() == "100-continue" and http.transport is not None:
        http.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if not http.can_read_body:
        return b""
    pieces: list[bytes] = []
    size = 0
    async for piece in http.content.iter_any():
        size += len(piece)
        if size > most:
            raise HTTPRequestEntityTooLarge(most, size)
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _oversize(vendor: Vendor | None, most: int) -> web.Response:
    message = f"the request is larger than {most} bytes"
    if vendor is not None:
        response = _response(vendor.refusal(413, message))
    else:
        response = _response(Reply(413, message.encode(), content_type="text/plain"))
    # The rest of the body is still on its way and nobody will read it.
    response.force_close()
    return response


def _response(reply: Reply) -> web.Response:
    response = web.Response(status=reply.status, body=reply.payload(), headers=reply.headers)
    if reply.body is not None:
        response.headers["Content-Type"] = reply.content_type
    response.headers["Server"] = SERVER
    return response


async def _play(http: web.BaseRequest, delivery: Delivery) -> web.StreamResponse:
    """Send an answer late, slowly, in part or not at all, by hand.

    Raises:
        ConnectionResetError: always in the end, so that aiohttp leaves the connection alone.
    """
    transport = http.transport
    if transport is None:
        raise ConnectionResetError
    await asyncio.sleep(delivery.hold_s)
    if delivery.share > 0:
        await _write_by_hand(transport, delivery)
    if delivery.cut == "rst":
        _reset(transport)
    else:
        transport.close()
    raise ConnectionResetError


async def _write_by_hand(transport: asyncio.Transport, delivery: Delivery) -> None:
    reply = delivery.reply
    payload = reply.payload()
    phrase = HTTPStatus(reply.status).phrase if reply.status in set(HTTPStatus) else "Unknown"
    lines = [
        f"HTTP/1.1 {reply.status} {phrase}",
        f"Content-Type: {reply.content_type}",
        f"Content-Length: {len(payload)}",
        f"Server: {SERVER}",
        *(f"{name}: {value}" for name, value in reply.headers),
    ]
    if not delivery.cut:
        lines.append("Connection: close")
    transport.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace"))
    part = payload[: int(len(payload) * delivery.share)]
    if not delivery.spread_s:
        transport.write(part)
        # What was written must be in the socket before a reset throws the rest away.
        await asyncio.sleep(0.01)
        return
    step = max(1, -(-len(part) // _SPREAD_PIECES))
    for at in range(0, len(part), step):
        if transport.is_closing():
            return
        transport.write(part[at : at + step])
        await asyncio.sleep(delivery.spread_s * step / len(part))


def _reset(transport: asyncio.Transport) -> None:
    """Close with RST instead of FIN."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
