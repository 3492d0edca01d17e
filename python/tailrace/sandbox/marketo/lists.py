"""Static lists of Marketo's sandbox: listed, made, their members added, removed and read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from tailrace.sandbox.fields import iso_ms
from tailrace.sandbox.marketo import facts
from tailrace.sandbox.marketo.answers import RowRefusedError, answer, outcomes, refuse
from tailrace.sandbox.marketo.asking import FORM, ids_of, page
from tailrace.sandbox.records import Collection, Record
from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.vendor import Call

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable

    from tailrace.sandbox.marketo.leads import Leads
    from tailrace.sandbox.wire import Json, Reply, Request

_LIST = r"/rest/v1/lists?/(?P<id>\d{1,15})"
_ASSET = "/rest/asset/v1"


class Lists:
    """The lists of an instance. A list's members are the ids of leads."""

    def __init__(self, leads: Leads, names: Iterable[str], wall_ms: Callable[[], int]) -> None:
        self._leads = leads
        self._wall_ms = wall_ms
        self.records = Collection("lists", ("name",), facts.FIRST_LIST, folded=("name",))
        for name in names:
            self.make(name)

    def make(self, name: str, description: str = "") -> Record:
        """A new list. Raises UniqueClashError."""
        values = {"name": name, "description": description, "members": []}
        return self.records.create(values, self._wall_ms(), key=name)

    def add(self, one: Record, lead: Record) -> None:
        """Make a lead a member; it may be one already."""
        members = one.values["members"]
        if int(lead.id) not in members:
            members.append(int(lead.id))
            self._touch(one)

    def forget(self, lead: Record) -> None:
        """Take a lead out of all lists."""
        for one in self.records:
            if int(lead.id) in one.values["members"]:
                one.values["members"].remove(int(lead.id))
                self._touch(one)

    def _touch(self, one: Record) -> None:
        self.records.update(one, {}, self._wall_ms(), key=one.values["name"])

    # -- requests --------------------------------------------------------------------------------

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            route("GET", r"/rest/v1/lists\.json", self._read_lists),
            route("GET", rf"{_LIST}\.json", self._read_list),
            route("GET", rf"{_LIST}/leads\.json", self._read_members),
            route("GET", rf"{_LIST}/leads/ismember\.json", self._read_are_members),
            route("POST", rf"{_LIST}/leads\.json", self._read_add),
            route("DELETE", rf"{_LIST}/leads\.json", self._read_remove),
            route("POST", rf"{_ASSET}/staticLists\.json", self._read_make),
            route("GET", rf"{_ASSET}/staticList/(?P<id>\d{{1,15}})\.json", self._read_list),
            route("GET", rf"{_ASSET}/staticList/byName\.json", self._read_by_name),
        ]

    def of(self, number: str) -> Record:
        """The list with this id. Raises RefusalError (1013)."""
        one = self.records.get(str(int(number)))
        if one is None:
            raise refuse("1013", f"List with id '{number}' not found")
        return one

    def _read_lists(self, request: Request, _match: re.Match[str]) -> Call:
        names = [one for text in request.values("name") for one in text.split(",")]
        ids = [one for text in request.values("id") for one in text.split(",")]

        def run(_: Call) -> Reply:
            found = [
                one
                for one in self.records
                if (not names or one.values["name"] in names) and (not ids or one.id in ids)
            ]
            return page(request, found, _as_json)

        return Call("lists", "lists", [], run)

    def _read_list(self, _request: Request, match: re.Match[str]) -> Call:
        return Call("list", "lists", [], lambda _: answer([_as_json(self.of(match["id"]))]))

    def _read_by_name(self, request: Request, _match: re.Match[str]) -> Call:
        name = request.query.get("name", "")

        def run(_: Call) -> Reply:
            one = self.records.find("name", name)
            if one is None:
                raise refuse("702", f"No static list is named '{name}'")
            return answer([_as_json(one)])

        return Call("list", "lists", [name], run)

    def _read_make(self, request: Request, _match: re.Match[str]) -> Call:
        if request.content_type != FORM:
            raise refuse("612")
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        name = form.get("name", "")
        for needed in ("name", "folder"):
            if not form.get(needed):
                raise refuse("701", f"{needed} cannot be blank")
        try:
            folder = json.loads(form["folder"])
        except (ValueError, RecursionError):
            folder = None
        if not isinstance(folder, dict) or not {"id", "type"} <= folder.keys():
            raise refuse("701", "folder is {id, type}")

        def run(call: Call) -> Reply:
            if self.records.find("name", name) is not None:
                raise refuse("709", f"A static list named '{name}' already exists")
            call.applied = 1
            return answer([_as_json(self.make(name, form.get("description", "")))])

        return Call("create_list", "lists", [name], run)

    def _read_members(self, request: Request, match: re.Match[str]) -> Call:
        one = self.of(match["id"])
        names = shown_fields(self._leads, request)

        def run(_: Call) -> Reply:
            return page(request, one.values["members"], lambda number: self._shown(number, names))

        return Call("members", "lists", [], run)

    def _shown(self, number: int, names: tuple[str, ...]) -> Json:
        lead = self._leads.records.get(str(number))
        return {"id": number} if lead is None else self._leads.as_json(lead, names)

    def _read_are_members(self, request: Request, match: re.Match[str]) -> Call:
        one = self.of(match["id"])

        def act(lead: Record) -> str:
            return "memberof" if int(lead.id) in one.values["members"] else "notmemberof"

        return self._each("are_members", ids_of(request), act)

    def _read_add(self, request: Request, match: re.Match[str]) -> Call:
        one = self.of(match["id"])

        def act(lead: Record) -> str:
            self.add(one, lead)
            return "added"

        return self._each("add", ids_of(request), act)

    def _read_remove(self, request: Request, match: re.Match[str]) -> Call:
        one = self.of(match["id"])

        def act(lead: Record) -> str:
            if int(lead.id) not in one.values["members"]:
                raise RowRefusedError("1015")
            one.values["members"].remove(int(lead.id))
            self._touch(one)
            return "removed"

        return self._each("remove", ids_of(request), act)

    def _each(self, op: str, ids: list[str], act: Callable[[Record], str]) -> Call:
        def one(number: str) -> dict[str, Json]:
            lead = self._leads.records.get(number)
            if lead is None:
                raise RowRefusedError("1004")
            return {"status": act(lead)}

        def run(call: Call) -> Reply:
            return answer(outcomes(call, ids, one, lambda number: {"id": int(number)}))

        return Call(op, "lists", ids, run)


def shown_fields(leads: Leads, request: Request) -> tuple[str, ...]:
    """The fields that are asked for. Raises RefusalError (1006)."""
    asked = [one for text in request.values("fields") for one in text.split(",") if one]
    for name in asked:
        if name not in leads.fields:
            raise refuse("1006", f"Field '{name}' not found")
    return tuple(asked) or facts.SHOWN


def _as_json(one: Record) -> Json:
    return {
        "id": int(one.id),
        "name": one.values["name"],
        "description": one.values["description"],
        "workspaceName": "Default",
        "createdAt": iso_ms(one.created_ms)[:19] + "Z",
        "updatedAt": iso_ms(one.updated_ms)[:19] + "Z",
    }
