"""Which handler a request line is for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.sandbox.wire import Request

if TYPE_CHECKING:
    from tailrace.sandbox.vendor import Call

Handler = Callable[[Request, "re.Match[str]"], "Call | None"]
"""Reads a request; None where it turns out to be for another route of the same line."""


@dataclass(frozen=True, slots=True)
class Route:
    """A method, a pattern of undecoded paths, and who reads such a request."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler


def route(method: str, pattern: str, handler: Handler) -> Route:
    """A route from the text of its pattern."""
    return Route(method, re.compile(pattern), handler)


class Routes:
    """The routes of a vendor; the first one that takes a request has it."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = list(routes)

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def read(self, request: Request, path: str | None = None) -> Call | None:
        """What is asked, or None where nothing is served there; ``path`` stands for the request's.

        Raises:
            RefusalError: the handler refuses.
        """
        where = request.path if path is None else path
        for one in self._routes:
            if one.method != request.method:
                continue
            match = one.pattern.fullmatch(where)
            call = one.handler(request, match) if match else None
            if call is not None:
                return call
        return None

    def methods(self, path: str) -> list[str]:
        """The methods that are served at a path, sorted."""
        return sorted({one.method for one in self._routes if one.pattern.fullmatch(path)})
