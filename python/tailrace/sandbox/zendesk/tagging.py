"""Tags of one record at Zendesk's sandbox: told, set, added and removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, Reply, Request
from tailrace.sandbox.zendesk import asking

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from tailrace.sandbox.zendesk.account import Account

_PATH = r"/api/v2/(?P<type>users|organizations|tickets)/(?P<id>\d+)/tags"


class Tagging:
    """Each request is about one record, by its id."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            route("GET", _PATH, self._read_shown),
            route("POST", _PATH, self._reading("set_tags", 201, lambda _, asked: asked)),
            route("PUT", _PATH, self._reading("add_tags", 200, lambda held, asked: held + asked)),
            route("DELETE", _PATH, self._reading("remove_tags", 200, _without)),
        ]

    def _read_shown(self, _request: Request, match: re.Match[str]) -> Call:
        store = self._account.store(match)

        def run(_call: Call) -> Reply:
            record = self._account.record(store, match["id"])
            return Reply(200, {"tags": record.values.get("tags") or []})

        return Call("tags", store.type.name, [match["id"]], run)

    def _reading(
        self, op: str, status: int, changed: Callable[[list[str], list[str]], list[str]]
    ) -> Callable[[Request, re.Match[str]], Call]:
        def read(request: Request, match: re.Match[str]) -> Call:
            store = self._account.store(match)
            asked = _tags_of(request)

            def run(call: Call) -> Reply:
                record = self._account.record(store, match["id"])
                held = record.values.get("tags") or []
                store.update(record, {"tags": changed(held, asked)})
                call.applied = 1
                return Reply(status, {"tags": record.values["tags"]})

            return Call(op, store.type.name, [match["id"]], run)

        return read


def _without(held: list[str], asked: list[str]) -> list[str]:
    return [one for one in held if one not in asked]


def _tags_of(request: Request) -> list[str]:
    """The body's tags, in lower case. Raises RefusalError (400)."""
    tags: Json = asking.body_of(request).get("tags")
    if not isinstance(tags, list) or not all(isinstance(one, str) and one for one in tags):
        raise asking.refuse(400, "BadRequest", "tags is required and is a list of texts")
    if any(len(one.split()) != 1 for one in tags):
        raise asking.refuse(422, "RecordInvalid", "a tag has no space in it")
    return [one.lower() for one in tags]
