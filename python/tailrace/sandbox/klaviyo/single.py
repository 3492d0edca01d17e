"""Profiles of Klaviyo's sandbox one by one: read, created, upserted, changed, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.sandbox.klaviyo import facts
from tailrace.sandbox.klaviyo.answers import (
    ProblemError,
    answer,
    data_of,
    errors,
    moment,
    page,
    refuse,
    resource_of,
    unknown,
)
from tailrace.sandbox.klaviyo.endpoints import Endpoint, endpoint
from tailrace.sandbox.klaviyo.filters import Filter, read_filter
from tailrace.sandbox.klaviyo.profiles import as_json, duplicate, key_of, problems
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, RefusalError, Reply, Request

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from tailrace.sandbox.jobs import Deeds
    from tailrace.sandbox.klaviyo.account import Account
    from tailrace.sandbox.records import Record

_FILTERS = {
    **dict.fromkeys(("id", *facts.IDENTIFIERS), ("any", "equals")),
    **dict.fromkeys(("created", "updated"), ("greater-than", "less-than")),
}
_DELETION = "data-privacy-deletion-job"


class Single:
    """A profile a request."""

    def __init__(self, account: Account, deeds: Deeds) -> None:
        self._account = account
        self._deeds = deeds

    def endpoints(self) -> list[Endpoint]:
        """What is served here."""
        one = r"/api/profiles/(?P<id>\w+)"
        return [
            endpoint("GET", "/api/profiles", facts.FAST, self._read_list),
            endpoint("POST", "/api/profiles", facts.FAST, self._read_create),
            endpoint("GET", one, facts.FAST, self._read_one),
            endpoint("PATCH", one, facts.FAST, self._read_update),
            endpoint("POST", "/api/profile-import", facts.FAST, self._read_upsert),
            endpoint("POST", "/api/data-privacy-deletion-jobs", facts.SLOW, self._read_deletion),
        ]

    # -- reading ---------------------------------------------------------------------------------

    def _read_list(self, request: Request, _match: re.Match[str]) -> Call:
        asked = read_filter(request.query.get("filter"), _FILTERS)

        def run(_: Call) -> Reply:
            found = self._found(asked)
            return page(request, self._account.base_url, found, self._json)

        return Call("find", "profiles", list(asked.values) if asked else [], run)

    def _found(self, asked: Filter | None) -> list[Record]:
        records = self._account.profiles.records
        if asked is None:
            return list(records)
        if asked.operator in ("equals", "any"):
            by_id = asked.field == "id"
            held = [records.get(v) if by_id else records.find(asked.field, v) for v in asked.values]
            return list({one.id: one for one in held if one is not None}.values())
        (mark,) = asked.values
        later = asked.operator == "greater-than"
        return [one for one in records if _is_beyond(one, asked.field, mark[:19], later)]

    def _json(self, record: Record) -> Json:
        return as_json(record, self._account.base_url)

    def _read_one(self, _request: Request, match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            return answer(200, {"data": self._json(self._account.profile(match["id"]))})

        return Call("read", "profiles", [match["id"]], run)

    # -- writing ---------------------------------------------------------------------------------

    def _read_upsert(self, request: Request, _match: re.Match[str]) -> Call:
        item = self._item(request)

        def act() -> Reply:
            record, new = self._account.profiles.write(item)
            return answer(201 if new else 200, {"data": self._json(record)})

        return self._writing("upsert", item, act)

    def _read_create(self, request: Request, _match: re.Match[str]) -> Call:
        item = self._item(request)

        def act() -> Reply:
            held = self._account.profiles.find(item)
            if held is not None:
                raise ProblemError(duplicate(held.id, "/data"))
            return answer(201, {"data": self._json(self._account.profiles.create(item))})

        return self._writing("create", item, act)

    def _read_update(self, request: Request, match: re.Match[str]) -> Call:
        data = data_of(request)
        if not isinstance(data, dict) or data.get("id") != match["id"]:
            raise refuse(400, "invalid", "The id of the body is not the path's.", "/data/id")
        item = self._checked(data)

        def act() -> Reply:
            record = self._account.profile(match["id"])
            self._account.profiles.update(record, item)
            return answer(200, {"data": self._json(record)})

        return self._writing("update", item, act)

    def _item(self, request: Request) -> dict[str, Any]:
        return self._checked(data_of(request))

    @staticmethod
    def _checked(data: Json) -> dict[str, Any]:
        found = problems(data, "/data")
        if found:
            raise RefusalError(errors(found))
        item: dict[str, Any] = data
        return item

    def _writing(self, op: str, item: dict[str, Any], act: Callable[[], Reply]) -> Call:
        def run(call: Call) -> Reply:
            try:
                reply = act()
            except ProblemError as error:
                call.rejected = 1
                raise RefusalError(errors([error.problem])) from None
            call.applied = 1
            return reply

        return Call(op, "profiles", [key_of(item["attributes"]) or str(item.get("id"))], run)

    # -- deleting --------------------------------------------------------------------------------

    def _read_deletion(self, request: Request, _match: re.Match[str]) -> Call:
        attributes = resource_of(data_of(request), _DELETION)
        found = unknown(attributes, ("profile",), _DELETION)
        if found is not None:
            raise RefusalError(errors([found]))
        profile = attributes.get("profile")
        data = profile.get("data") if isinstance(profile, dict) else None
        where = "/data/attributes/profile/data"
        given = resource_of(data, "profile", where)
        named = {name: given[name] for name in ("email", "phone_number") if given.get(name)}
        if isinstance(data, dict) and data.get("id"):
            named["id"] = data["id"]
        if len(named) != 1 or not all(isinstance(one, str) for one in named.values()):
            raise refuse(400, "invalid", "Exactly one identifier is expected.", where)
        ((name, value),) = named.items()

        def run(call: Call) -> Reply:
            call.applied = 1
            self._deeds.accept(call, lambda: self._deleted(name, value))
            return answer(202)

        return Call("delete", "profiles", [value], run)

    def _deleted(self, name: str, value: str) -> None:
        records = self._account.profiles.records
        record = records.get(value) if name == "id" else records.find(name, value)
        if record is not None:
            self._account.forget(record)


def _is_beyond(record: Record, field: str, mark: str, later: bool) -> bool:
    moments = {"created": record.created_ms, "updated": record.updated_ms}
    shown = str(moment(moments[field]))[:19]
    return shown > mark if later else shown < mark
