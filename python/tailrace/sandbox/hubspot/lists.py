"""Lists of HubSpot's sandbox: made, told, their members put on, taken off and listed.

A list is of one object type. Only a MANUAL or a SNAPSHOT one takes members by hand. A change names
records by HubSpot's own ids; those that are unknown, on the list already (or not on it, where they
are to leave) are passed over and come back as missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.sandbox.config import ConfigError, known
from tailrace.sandbox.fields import iso_ms
from tailrace.sandbox.hubspot import facts
from tailrace.sandbox.hubspot.answers import json_body, refuse
from tailrace.sandbox.records import Collection, Record
from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Reply

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping

    from tailrace.sandbox.hubspot.store import Store
    from tailrace.sandbox.wire import Json, Request

_LISTS = r"/crm/(?:v3/lists|lists/\d{4}-\d{2}(?:-beta)?)"
_LIST = rf"{_LISTS}/(?P<id>[^/]+)"
_MEMBERS = {"add": "recordIdsToAdd", "remove": "recordIdsToRemove"}


class Lists:
    """The lists of an account; the members of one are ids of records, in the order they came."""

    def __init__(
        self,
        stores: Mapping[str, Store],
        declared: Mapping[str, Any],
        wall_ms: Callable[[], int],
    ) -> None:
        self._stores = stores
        self._wall_ms = wall_ms
        self.records = Collection("lists", ("name",))
        for name, part in declared.items():
            where = f"vendors.hubspot.lists.{name}"
            settings = part or {}
            known(settings, ("object", "processing"), where)
            kind = settings.get("object", "contacts")
            if kind not in stores:
                raise ConfigError(f"{where}: there is no object {kind!r}")
            processing = settings.get("processing", "MANUAL")
            if processing not in facts.PROCESSING:
                raise ConfigError(f"{where}: processing is one of {', '.join(facts.PROCESSING)}")
            self._make(name, stores[kind].type.number, processing)

    def _make(self, name: str, kind: str, processing: str) -> Record:
        values = {"name": name, "objectTypeId": kind, "processingType": processing, "members": []}
        return self.records.create(values, self._wall_ms(), key=name)

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            route("POST", rf"{_LISTS}/?", self._read_make),
            route("GET", _LIST, self._read_list),
            route("GET", rf"{_LIST}/memberships", self._read_members),
            route("PUT", rf"{_LIST}/memberships/(?P<op>add|remove)", self._read_change),
            route("PUT", rf"{_LIST}/memberships/(?P<op>add-and-remove)", self._read_change),
        ]

    def _of(self, match: re.Match[str]) -> Record:
        one = self.records.get(match["id"])
        if one is None:
            raise refuse(404, f"List does not exist with ID {match['id']}.", "OBJECT_NOT_FOUND")
        return one

    def _read_make(self, request: Request, _match: re.Match[str]) -> Call:
        body = json_body(request)
        needed = ("name", "objectTypeId", "processingType")
        if not isinstance(body, dict) or not all(isinstance(body.get(one), str) for one in needed):
            raise refuse(400, f"Invalid input: required fields are {', '.join(needed)}")
        if body["processingType"] not in facts.PROCESSING or body["objectTypeId"] not in {
            one.type.number for one in self._stores.values()
        }:
            raise refuse(400, "Invalid input: objectTypeId or processingType is none that there is")

        def run(call: Call) -> Reply:
            if self.records.find("name", body["name"]) is not None:
                raise refuse(400, f"A list named '{body['name']}' already exists.")
            call.applied = 1
            made = self._make(body["name"], body["objectTypeId"], body["processingType"])
            return Reply(200, {"list": self._as_json(made)})

        return Call("create_list", "lists", [body["name"]], run)

    def _read_list(self, _request: Request, match: re.Match[str]) -> Call:
        return Call(
            "list_facts",
            "lists",
            [match["id"]],
            lambda _: Reply(200, {"list": self._as_json(self._of(match))}),
        )

    def _as_json(self, one: Record) -> dict[str, Json]:
        held = one.values
        return {
            "listId": one.id,
            "listVersion": one.writes,
            "name": held["name"],
            "objectTypeId": held["objectTypeId"],
            "processingType": held["processingType"],
            "processingStatus": "COMPLETE",
            "createdAt": iso_ms(one.created_ms),
            "updatedAt": iso_ms(one.updated_ms),
        }

    # -- members ---------------------------------------------------------------------------------

    def members(self, one: Record) -> list[str]:
        """The ids of a list's members. An archived record is on no list."""
        records = self._stores[one.values["objectTypeId"]].records
        return [number for number in one.values["members"] if records.get(number) is not None]

    def _read_members(self, request: Request, match: re.Match[str]) -> Call:
        limit = request.whole_number("limit", facts.DEFAULT_MEMBERS_PAGE)
        if limit is None or not 1 <= limit <= facts.MAX_MEMBERS_PAGE:
            raise refuse(400, f"limit must be from 1 to {facts.MAX_MEMBERS_PAGE}")
        after = request.whole_number("after", 0)
        if after is None:
            raise refuse(400, "after is a place that an answer has told")

        def run(_: Call) -> Reply:
            one = self._of(match)
            found = self.members(one)
            joined = iso_ms(one.updated_ms)
            page = found[after : after + limit]
            body: dict[str, Json] = {
                "results": [{"recordId": id_, "membershipTimestamp": joined} for id_ in page],
                "total": len(found),
            }
            if after + limit < len(found):
                body["paging"] = {"next": {"after": str(after + limit)}}
            return Reply(200, body)

        return Call("members", "lists", [], run)

    def _read_change(self, request: Request, match: re.Match[str]) -> Call:
        body = json_body(request)
        if match["op"] == "add-and-remove":
            if not isinstance(body, dict) or body.keys() - set(_MEMBERS.values()):
                raise refuse(400, f"Invalid input JSON: members are {', '.join(_MEMBERS.values())}")
            add, remove = (_ids(body.get(name)) for name in _MEMBERS.values())
        elif match["op"] == "add":
            add, remove = _ids(body), []
        else:
            add, remove = [], _ids(body)
        if set(add) & set(remove):
            raise refuse(400, "Invalid input: a record is to be added and removed at once")

        def run(call: Call) -> Reply:
            one = self._of(match)
            kind = one.values["processingType"]
            if kind == "DYNAMIC":
                message = f"Cannot add or remove members of the list {one.id}: it is {kind}."
                raise refuse(400, message)
            return Reply(200, self._change(call, one, add, remove))

        return Call(match["op"], "lists", [*add, *remove], run)

    def _change(
        self, call: Call, one: Record, add: list[str], remove: list[str]
    ) -> dict[str, Json]:
        now = self.members(one)
        records = self._stores[one.values["objectTypeId"]].records
        held = set(now)
        added = [id_ for id_ in dict.fromkeys(add) if id_ not in held and records.get(id_)]
        removed = [id_ for id_ in dict.fromkeys(remove) if id_ in held]
        gone = set(removed)
        members = [id_ for id_ in [*now, *added] if id_ not in gone]
        self.records.update(one, {"members": members}, self._wall_ms(), key=one.values["name"])
        call.applied = len(added) + len(removed)
        missing = [id_ for id_ in dict.fromkeys([*add, *remove]) if id_ not in {*added, *gone}]
        return {
            "recordsIdsAdded": sorted(added),
            "recordIdsRemoved": sorted(removed),
            "recordIdsMissing": sorted(missing),
        }


def _ids(value: Json) -> list[str]:
    """Ids of a change, which are texts of digits."""
    ids = [] if value is None else value
    if not isinstance(ids, list) or len(ids) > facts.MAX_MEMBERS:
        raise refuse(400, f"Invalid input JSON: a list of at most {facts.MAX_MEMBERS} record ids")
    texts = [str(one) for one in ids if isinstance(one, (str, int)) and not isinstance(one, bool)]
    if len(texts) != len(ids) or not all(one.isdecimal() for one in texts):
        raise refuse(400, "Invalid input JSON: a record id is a number")
    return texts
