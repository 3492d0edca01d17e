"""What is served of every collection where no object is declared, or beside those."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.sandbox.rest.api import refuse
from tailrace.sandbox.rest.endpoints import Endpoint, Reading, Removal
from tailrace.sandbox.rest.once import OnceSetting
from tailrace.sandbox.rest.shapes import MODES, key_in, path_pattern
from tailrace.sandbox.routes import Route

if TYPE_CHECKING:
    from tailrace.sandbox.rest.looking import Looking, Removing
    from tailrace.sandbox.rest.writing import Writing
    from tailrace.sandbox.vendor import Call
    from tailrace.sandbox.wire import Request

_ONCE = OnceSetting()


class Defaults:
    """``/rest/{collection}`` and ``/rest/{collection}/{key}``."""

    def __init__(self, writing: Writing, looking: Looking, removing: Removing) -> None:
        self._writing = writing
        self._looking = looking
        self._removing = removing

    def routes(self) -> list[Route]:
        """What is served here."""
        many = path_pattern("/{collection}", "default")
        one = path_pattern("/{collection}/{key}", "default")
        return [
            Route("POST", many, self._post),
            Route("GET", many, self._list),
            Route("GET", one, self._get),
            Route("PUT", one, lambda request, match: self._put(request, match, "replace")),
            Route("PATCH", one, lambda request, match: self._put(request, match, "update")),
            Route("DELETE", one, lambda _, match: self._delete(match)),
        ]

    def _post(self, request: Request, match: Any) -> Call:
        mode = request.query.get("mode", "upsert")
        if mode not in MODES:
            raise refuse(400, f"mode is one of {', '.join(MODES)}")
        key = request.query.get("key", "id")
        endpoint = Endpoint(match["collection"], key, mode, once=_ONCE)
        return self._writing.read(request, endpoint, match)

    def _put(self, request: Request, match: Any, mode: str) -> Call:
        key = request.query.get("key", "id")
        endpoint = Endpoint(match["collection"], key, mode, "object", once=_ONCE)
        return self._writing.read(request, endpoint, match)

    def _get(self, request: Request, match: Any) -> Call | None:
        return self._looking.read(request, Reading(match["collection"], "id"), match)

    def _list(self, request: Request, match: Any) -> Call | None:
        reading = Reading(match["collection"], "id", results="results")
        return self._looking.read(request, reading, match)

    def _delete(self, match: Any) -> Call:
        return self._removing.remove(Removal(match["collection"], "delete"), key_in(match) or "")
