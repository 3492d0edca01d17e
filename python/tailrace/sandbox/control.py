"""What is at ``/`` and ``/__...``: the page for people, and what tests and tools ask and set.

These paths answer only under a loopback name and never to a page of another origin, so that a web
site open in the same browser can neither read the rows nor empty the sandbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from tailrace.sandbox.config import ConfigError
from tailrace.sandbox.page import CONTENT_POLICY, page
from tailrace.sandbox.wire import BadJsonError, Json, Reply, Request, read_json

if TYPE_CHECKING:
    from tailrace.sandbox.app import App

_LOCAL_NAMES = ("127.0.0.1", "localhost", "::1")


class Control:
    """Answers everything that is not a vendor's."""

    MAX_BODY_BYTES: ClassVar[int] = 4 * 1024 * 1024

    def __init__(self, app: App) -> None:
        self._app = app

    def handle(self, request: Request) -> Reply:
        refused = _foreign(request)
        if refused is not None:
            return refused
        asked = (request.method, request.path)
        if asked == ("GET", "/"):
            html = page(self._app, request.query).encode("utf-8", "replace")
            safe = [
                ("Content-Security-Policy", CONTENT_POLICY),
                ("X-Content-Type-Options", "nosniff"),
                ("Cache-Control", "no-store"),
            ]
            return Reply(200, html, safe, "text/html; charset=utf-8")
        if asked == ("GET", "/__state"):
            return self._state(request)
        if asked == ("POST", "/__reset"):
            self._app.reset()
            return Reply(200, {"ok": True})
        if asked in (("POST", "/__faults"), ("POST", "/__limits")):
            return self._set(request)
        served = ", ".join(sorted(self._app.vendors))
        return Reply(404, {"error": f"nothing here; this sandbox serves {served}"})

    def _state(self, request: Request) -> Reply:
        query = request.query
        last = query.get("log", "0")
        if not (last.isascii() and last.isdigit()):
            return Reply(400, {"error": "log is a number of requests"})
        records, writes = (query.get(name) != "false" for name in ("records", "writes"))
        return Reply(200, self._app.state(records=records, writes=writes, last=int(last[:9])))

    def _set(self, request: Request) -> Reply:
        try:
            body: Json = read_json(request.body)
            if request.path == "/__faults":
                self._app.faults.set(body, self._app.config.seed)
            else:
                self._app.set_limits(body)
        except (BadJsonError, ConfigError) as error:
            return Reply(400, {"error": str(error)})
        return Reply(200, {"ok": True})


def _foreign(request: Request) -> Reply | None:
    host = urlsplit("//" + request.headers.get("host", "")).hostname
    if host not in _LOCAL_NAMES:
        return Reply(403, {"error": "the sandbox answers under a loopback name only"})
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        return Reply(403, {"error": "requests from other origins are refused"})
    return None
