"""Endpoints of Klaviyo's sandbox: routes, each with a pace of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.sandbox.routes import Route, Routes, route

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tailrace.sandbox.klaviyo.facts import Pace
    from tailrace.sandbox.routes import Handler


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route and how often it may be called."""

    route: Route
    pace: Pace

    @property
    def name(self) -> str:
        return f"{self.route.method} {self.route.pattern.pattern}"


def endpoint(method: str, pattern: str, pace: Pace, handler: Handler) -> Endpoint:
    """An endpoint from the text of its pattern; a path may end with a slash."""
    return Endpoint(route(method, f"{pattern}/?", handler), pace)


class Endpoints:
    """All endpoints of an account."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._endpoints = list(endpoints)
        self.routes = Routes(one.route for one in self._endpoints)

    def find(self, method: str, path: str) -> Endpoint | None:
        """The endpoint of a request line, None where there is none."""
        for one in self._endpoints:
            if one.route.method == method and one.route.pattern.fullmatch(path):
                return one
        return None
