"""Reading from Zendesk's sandbox: who asks, records by id, by external id, page by page."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, Reply, Request
from tailrace.sandbox.zendesk import asking, facts
from tailrace.sandbox.zendesk.records import key_of

if TYPE_CHECKING:
    import re

    from tailrace.sandbox.zendesk.account import Account
    from tailrace.sandbox.zendesk.records import Store


class Looking:
    """The requests that change nothing."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            route("GET", "/api/v2/users/me", self._read_me),
            route("GET", rf"{facts.OBJECT_PATH}/show_many", self._read_show_many),
            route("GET", r"/api/v2/(?P<type>users|organizations)/search", self._read_search),
            route("GET", facts.OBJECT_PATH, self._read_list),
            route("GET", facts.RECORD_PATH, self._read_one),
        ]

    def _read_me(self, _request: Request, _match: re.Match[str]) -> Call:
        user = {
            "id": facts.ME,
            "url": f"{self._account.base_url}/api/v2/users/{facts.ME}.json",
            "name": "Sandbox Admin",
            "email": "admin@sandbox.test",
            "role": "admin",
        }
        return Call("account", "users", [], lambda _: Reply(200, {"user": user}))

    def _read_show_many(self, request: Request, match: re.Match[str]) -> Call:
        store = self._account.store(match)
        found = [one for one in self._account.asked(store, request) if one is not None]
        keys = [key_of(one.values) or one.id for one in found]
        name = store.type.name

        def run(_: Call) -> Reply:
            shown = [self._account.shown(store, one) for one in found]
            body = {name: shown, "next_page": None, "previous_page": None, "count": len(shown)}
            return Reply(200, body)

        return Call("find", name, keys, run)

    def _read_search(self, request: Request, match: re.Match[str]) -> Call:
        store, asked = self._account.store(match), request.query.get("external_id", "")

        def run(_: Call) -> Reply:
            record = store.records.find("external_id", asked)
            shown = [] if record is None else [self._account.shown(store, record)]
            return Reply(200, {store.type.name: shown, "next_page": None, "count": len(shown)})

        return Call("search", store.type.name, [asked], run)

    def _read_list(self, request: Request, match: re.Match[str]) -> Call:
        store = self._account.store(match)
        if "page[size]" in request.query or "page[after]" in request.query:
            return self._read_after(request, store)
        size = self._size(request, "per_page")
        number = max(1, asking.number_of(request, "page", 1))
        first = (number - 1) * size

        def run(_: Call) -> Reply:
            found = list(islice(store.records, first, first + size))
            link = f"{self._account.base_url}{request.path}?per_page={size}&page="
            more = first + size < len(store.records)
            body: dict[str, Json] = {
                store.type.name: [self._account.shown(store, one) for one in found],
                "next_page": f"{link}{number + 1}" if more else None,
                "previous_page": f"{link}{number - 1}" if number > 1 else None,
                "count": len(store.records),
            }
            return Reply(200, body)

        return Call("list", store.type.name, [], run)

    def _read_after(self, request: Request, store: Store) -> Call:
        """A page by cursor, as long lists are to be read."""
        size = self._size(request, "page[size]")
        after = request.query.get("page[after]")
        if after is not None and not after.isdigit():
            raise asking.refuse(400, "InvalidPaginationParameter", "page[after] is not valid")

        def run(_: Call) -> Reply:
            found, following = store.records.page(after, size)
            query = f"page[size]={size}&page[after]={following}"
            link = f"{self._account.base_url}{request.path}?{query}"
            body: dict[str, Json] = {
                store.type.name: [self._account.shown(store, one) for one in found],
                "meta": {"has_more": following is not None, "after_cursor": following},
                "links": {"next": link if following is not None else None},
            }
            return Reply(200, body)

        return Call("list", store.type.name, [], run)

    def _size(self, request: Request, name: str) -> int:
        size = asking.number_of(request, name, facts.MAX_PAGE)
        if not 1 <= size <= facts.MAX_PAGE:
            message = f"a page has 1 to {facts.MAX_PAGE}"
            raise asking.refuse(400, "InvalidPaginationParameter", message)
        return size

    def _read_one(self, _request: Request, match: re.Match[str]) -> Call:
        store = self._account.store(match)

        def run(_: Call) -> Reply:
            record = self._account.record(store, match["id"])
            return Reply(200, {store.type.singular: self._account.shown(store, record)})

        return Call("get", store.type.name, [match["id"]], run)
