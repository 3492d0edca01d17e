"""Reading from Marketo's sandbox: leads by filter and id, fields, partitions, usage."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from tailrace.sandbox.marketo import facts, fields
from tailrace.sandbox.marketo.answers import answer, body_of, refuse, rows_of
from tailrace.sandbox.marketo.asking import page
from tailrace.sandbox.marketo.lists import shown_fields
from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.vendor import Call

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from tailrace.sandbox.marketo.instance import Instance
    from tailrace.sandbox.records import Record
    from tailrace.sandbox.wire import Json, Reply, Request

_SCHEMA = r"/rest/v1/leads/schema/fields"


class Looking:
    """The requests that change no lead. ``usage`` tells of the day's calls."""

    def __init__(self, instance: Instance, usage: Callable[[], dict[str, Json]]) -> None:
        self._instance = instance
        self._leads = instance.leads
        self._usage = usage

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            route("GET", r"/rest/v1/leads\.json", self._read_filter),
            route("GET", r"/rest/v1/lead/(?P<id>\d{1,15})\.json", self._read_one),
            route("GET", r"/rest/v1/leads/describe\.json", self._read_describe),
            route("GET", r"/rest/v1/leads/describe2\.json", self._read_describe_again),
            route("GET", rf"{_SCHEMA}\.json", self._read_schema),
            route("POST", rf"{_SCHEMA}\.json", self._read_new_fields),
            route("GET", rf"{_SCHEMA}/(?P<name>[^/]+)\.json", self._read_field),
            route("GET", r"/rest/v1/leads/partitions\.json", self._read_partitions),
            route("GET", r"/rest/v1/stats/usage\.json", self._read_usage),
            route("GET", r"/rest/v1/stats/usage/last7days\.json", self._read_usage),
        ]

    # -- leads -----------------------------------------------------------------------------------

    def _read_filter(self, request: Request, _match: re.Match[str]) -> Call:
        name, text = (request.query.get(one) for one in ("filterType", "filterValues"))
        for asked, value in (("filterType", name), ("filterValues", text)):
            if not value:
                raise refuse("1002", f"Missing value for the required parameter '{asked}'")
        self._instance.check_lookup(name, "Field")
        values = [one.strip() for one in str(text).split(",")]
        if len(values) > facts.MAX_VALUES:
            raise refuse("1003", f"filterValues takes {facts.MAX_VALUES} values")
        names = shown_fields(self._leads, request)

        def run(_: Call) -> Reply:
            found: dict[str, Record] = {}
            for value in values:
                found.update((one.id, one) for one in self._leads.find(str(name), value))
            if len(found) > facts.MAX_FOUND:
                raise refuse("1003", "Too many results match the filter")
            listed = sorted(found.values(), key=lambda one: int(one.id))
            return page(request, listed, lambda one: self._leads.as_json(one, names))

        return Call("find", "leads", values, run)

    def _read_one(self, request: Request, match: re.Match[str]) -> Call:
        names = shown_fields(self._leads, request)

        def run(_: Call) -> Reply:
            record = self._leads.records.get(str(int(match["id"])))
            if record is None:
                raise refuse("1004", f"Lead '{match['id']}' not found")
            return answer([self._leads.as_json(record, names)])

        return Call("read", "leads", [match["id"]], run)

    # -- fields ----------------------------------------------------------------------------------

    def _read_describe(self, _request: Request, _match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            listed = enumerate(self._leads.fields.values(), 1)
            return answer([fields.described(number, one) for number, one in listed])

        return Call("describe", "leads", [], run)

    def _read_describe_again(self, _request: Request, _match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            every = self._leads.fields.values()
            body: Json = {
                "name": "API Lead",
                "searchableFields": [[one.name] for one in every if one.is_searchable],
                "fields": [fields.described_again(one) for one in every],
            }
            return answer([body])

        return Call("describe", "leads", [], run)

    def _read_schema(self, request: Request, _match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            return page(request, [*self._leads.fields.values()], fields.in_schema)

        return Call("fields", "leads", [], run)

    def _read_field(self, _request: Request, match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            one = self._leads.fields.get(unquote(match["name"]))
            if one is None:
                raise refuse("1006", f"Field '{unquote(match['name'])}' not found")
            return answer([fields.in_schema(one)])

        return Call("field", "leads", [], run)

    def _read_new_fields(self, request: Request, _match: re.Match[str]) -> Call:
        asked = rows_of(body_of(request))
        made = [fields.new_field(part) for part in asked]

        def run(call: Call) -> Reply:
            known = set(self._leads.fields)
            for one, part in zip(made, asked, strict=True):
                if one is None:
                    raise refuse("1003", f"'{part.get('name')}' cannot be a field")
                if one.name in known:
                    raise refuse("1017", f"Field '{one.name}' already exists")
                known.add(one.name)
            self._leads.fields.update((one.name, one) for one in made if one is not None)
            call.applied = len(made)
            return answer([{"name": part["name"], "status": "created"} for part in asked])

        return Call("create_field", "leads", [str(part.get("name")) for part in asked], run)

    # -- the instance ----------------------------------------------------------------------------

    def _read_partitions(self, _request: Request, _match: re.Match[str]) -> Call:
        listed = [
            {"id": at, "name": name, "description": ""}
            for at, name in enumerate(self._instance.partitions, 1)
        ]
        return Call("partitions", "leads", [], lambda _: answer(list(listed)))

    def _read_usage(self, _request: Request, _match: re.Match[str]) -> Call:
        return Call("usage", "instance", [], lambda _: answer([self._usage()]))
