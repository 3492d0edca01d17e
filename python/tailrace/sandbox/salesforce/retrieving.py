"""Records by their ids, many in one request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.salesforce import facts
from tailrace.sandbox.salesforce.answers import refuse
from tailrace.sandbox.salesforce.paths import VERSION, sobject_of
from tailrace.sandbox.salesforce.rows import json_body
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, Reply, Request

if TYPE_CHECKING:
    import re

    from tailrace.sandbox.salesforce.org import Org

_TYPE = rf"{VERSION}/composite/sobjects/(?P<type>[^/]+)"


class Retrieving:
    """``composite/sobjects/NAME``: in the order asked for, null where there is none."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def routes(self) -> list[Route]:
        """What is served here."""
        return [route("GET", _TYPE, self._read_many), route("POST", _TYPE, self._read_many)]

    def _read_many(self, request: Request, match: re.Match[str]) -> Call:
        sobject = sobject_of(self._org, match)
        if request.method == "POST":
            body = json_body(request)
            ids, names = _texts(body.get("ids")), _texts(body.get("fields"))
            most = facts.MAX_READ_BY_BODY
        else:
            ids, names = (request.query.get(one, "").split(",") for one in ("ids", "fields"))
            most = facts.MAX_READ_BY_URL
        if not all(ids) or not all(names):
            raise refuse(400, "MISSING_ARGUMENT", "ids and fields are required")
        if len(ids) > most:
            raise refuse(400, "EXCEEDED_ID_LIMIT", f"{most} ids may be asked for, not {len(ids)}")
        fields = [(name, sobject.field(name)) for name in names]
        for name, field in fields:
            if field is None:
                message = f"No such column '{name}' on entity '{sobject.name}'."
                raise refuse(400, "INVALID_FIELD", message)
        shown = [field.name for _, field in fields if field is not None]
        version = match["version"]

        def run(_: Call) -> Reply:
            listed: list[Json] = []
            for one in ids:
                record = sobject.get(one)
                if record is None:
                    listed.append(None)
                    continue
                url = f"/services/data/v{version}/sobjects/{sobject.name}/{record.id}"
                body: dict[str, Json] = {"attributes": {"type": sobject.name, "url": url}}
                body.update((name, sobject.value(record, name)) for name in ["Id", *shown])
                listed.append(body)
            return Reply(200, listed)

        return Call("read", sobject.name, [], run)


def _texts(values: Json) -> list[str]:
    if not isinstance(values, list) or not values or not all(isinstance(v, str) for v in values):
        raise refuse(400, "MISSING_ARGUMENT", "ids and fields are required and are lists")
    return values
