"""Lists of Klaviyo's sandbox: made, named, deleted; their members added, removed, read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.sandbox.klaviyo import facts
from tailrace.sandbox.klaviyo.answers import (
    answer,
    data_of,
    errors,
    make_id,
    moment,
    page,
    refuse,
    resource_of,
    unknown,
)
from tailrace.sandbox.klaviyo.endpoints import Endpoint, endpoint
from tailrace.sandbox.klaviyo.filters import read_filter
from tailrace.sandbox.klaviyo.profiles import as_json
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, RefusalError, Reply, Request

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from tailrace.sandbox.klaviyo.account import Account
    from tailrace.sandbox.records import Record

_LIST = r"/api/lists/(?P<id>\w+)"
_FILTERS = {"name": ("any", "equals"), "id": ("any", "equals")}


class Lists:
    """The requests about lists."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._made = 0

    def endpoints(self) -> list[Endpoint]:
        """What is served here."""
        members = f"{_LIST}/relationships/profiles"
        return [
            endpoint("GET", "/api/lists", facts.FAST, self._read_all),
            endpoint("POST", "/api/lists", facts.NEW_LIST, self._read_new),
            endpoint("GET", _LIST, facts.FAST, self._read_one),
            endpoint("PATCH", _LIST, facts.MIDDLE, self._read_rename),
            endpoint("DELETE", _LIST, facts.MIDDLE, self._read_delete),
            endpoint("GET", f"{_LIST}/profiles", facts.FAST, self._read_members),
            endpoint("GET", members, facts.FAST, self._read_ids),
            endpoint("POST", members, facts.MIDDLE, self._read_add),
            endpoint("DELETE", members, facts.MIDDLE, self._read_remove),
        ]

    def make(self, name: str, opt_in: str = facts.OPT_IN[0]) -> Record:
        """A new list."""
        self._made += 1
        values = {"name": name, "opt_in_process": opt_in, "members": {}}
        number = make_id("list", self._made, 6)
        now_ms = self._account.wall_ms()
        return self._account.lists.create(values, now_ms, key=name, record_id=number)

    # -- lists -----------------------------------------------------------------------------------

    def _read_all(self, request: Request, _match: re.Match[str]) -> Call:
        asked = read_filter(request.query.get("filter"), _FILTERS)

        def run(_: Call) -> Reply:
            found = [
                one
                for one in self._account.lists
                if asked is None
                or (one.id if asked.field == "id" else one.values["name"]) in asked.values
            ]
            return page(request, self._account.base_url, found, self._json, most=10, size=10)

        return Call("lists", "lists", [], run)

    def _read_new(self, request: Request, _match: re.Match[str]) -> Call:
        name, opt_in = self._named(data_of(request), ("name", "opt_in_process"))

        def run(call: Call) -> Reply:
            call.applied = 1
            return answer(201, {"data": self._json(self.make(name, opt_in))})

        return Call("create_list", "lists", [name], run)

    def _named(self, data: Json, names: tuple[str, ...]) -> tuple[str, str]:
        attributes = resource_of(data, "list")
        found = unknown(attributes, names, "list")
        if found is not None:
            raise RefusalError(errors([found]))
        name = attributes.get("name")
        if not isinstance(name, str) or not name:
            raise refuse(400, "invalid", "'name' is a required field.", "/data/attributes/name")
        opt_in = attributes.get("opt_in_process") or facts.OPT_IN[0]
        if opt_in not in facts.OPT_IN:
            where = "/data/attributes/opt_in_process"
            raise refuse(400, "invalid", f"It is one of {', '.join(facts.OPT_IN)}.", where)
        return name, opt_in

    def _read_one(self, _request: Request, match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            return answer(200, {"data": self._json(self._account.list_of(match["id"]))})

        return Call("list", "lists", [], run)

    def _read_rename(self, request: Request, match: re.Match[str]) -> Call:
        one = self._account.list_of(match["id"])
        data = data_of(request)
        if not isinstance(data, dict) or data.get("id") != match["id"]:
            raise refuse(400, "invalid", "The id of the body is not the path's.", "/data/id")
        name, _ = self._named(data, ("name",))

        def run(call: Call) -> Reply:
            one.values["name"] = name
            self._account.touch(one)
            call.applied = 1
            return answer(200, {"data": self._json(one)})

        return Call("update_list", "lists", [name], run)

    def _read_delete(self, _request: Request, match: re.Match[str]) -> Call:
        def run(call: Call) -> Reply:
            one = self._account.list_of(match["id"])
            self._account.lists.remove(one, self._account.wall_ms(), key=one.values["name"])
            call.applied = 1
            return answer(204)

        return Call("delete_list", "lists", [match["id"]], run)

    # -- members ---------------------------------------------------------------------------------

    def _read_members(self, request: Request, match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            joined = self._account.list_of(match["id"]).values["members"]
            return page(request, self._account.base_url, [*joined.items()], self._member)

        return Call("members", "lists", [], run)

    def _member(self, joined: tuple[str, int]) -> Json:
        number, joined_ms = joined
        shown = as_json(self._account.profile(number), self._account.base_url)
        shown["attributes"]["joined_group_at"] = moment(joined_ms)
        return shown

    def _read_ids(self, request: Request, match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            numbers = [*self._account.list_of(match["id"]).values["members"]]
            base_url = self._account.base_url
            return page(request, base_url, numbers, _identifier, most=1000)

        return Call("members", "lists", [], run)

    def _read_add(self, request: Request, match: re.Match[str]) -> Call:
        return self._changing("add", request, match, self._account.join)

    def _read_remove(self, request: Request, match: re.Match[str]) -> Call:
        return self._changing("remove", request, match, self._account.leave)

    def _changing(
        self,
        op: str,
        request: Request,
        match: re.Match[str],
        act: Callable[[Record, Record], None],
    ) -> Call:
        one, rows = self._account.list_of(match["id"]), data_of(request)
        if not isinstance(rows, list) or not rows:
            raise refuse(400, "invalid", "A list of profiles is expected.")
        if len(rows) > facts.MAX_MEMBERS:
            raise refuse(400, "invalid", f"The maximum number of profiles is {facts.MAX_MEMBERS}.")
        numbers = []
        for at, row in enumerate(rows):
            fits = isinstance(row, dict) and row.get("type") == "profile"
            if not fits or not isinstance(row.get("id"), str):
                raise refuse(400, "invalid", "A profile is {type, id}.", f"/data/{at}")
            numbers.append(row["id"])

        def run(call: Call) -> Reply:
            # One that does not exist fails the request, and then nobody is added or removed.
            profiles = [self._account.profile(number) for number in numbers]
            for profile in profiles:
                act(one, profile)
            call.applied = len(profiles)
            return answer(204)

        return Call(op, "lists", numbers, run)

    def _json(self, one: Record) -> dict[str, Json]:
        address = f"{self._account.base_url}/api/lists/{one.id}"
        links = {
            name: {
                "links": {"self": f"{address}/relationships/{name}", "related": f"{address}/{name}"}
            }
            for name in ("profiles", "tags")
        }
        return {
            "type": "list",
            "id": one.id,
            "attributes": {
                "name": one.values["name"],
                "created": moment(one.created_ms),
                "updated": moment(one.updated_ms),
                "opt_in_process": one.values["opt_in_process"],
            },
            "relationships": links,
            "links": {"self": address},
        }


def _identifier(number: str) -> Json:
    return {"type": "profile", "id": number}
