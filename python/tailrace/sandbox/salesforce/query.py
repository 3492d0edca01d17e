"""``query`` and ``queryAll``: a page of records, and where the next one is."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.salesforce import facts
from tailrace.sandbox.salesforce.answers import refuse
from tailrace.sandbox.salesforce.ids import make_id
from tailrace.sandbox.salesforce.paths import VERSION
from tailrace.sandbox.salesforce.selecting import Selection
from tailrace.sandbox.salesforce.soql import parse
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, Reply, Request

if TYPE_CHECKING:
    from tailrace.sandbox.records import Record
    from tailrace.sandbox.salesforce.org import Org

_OPTION = re.compile(r"batchSize=(\d{1,5})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cursor:
    """What a query found, and how it is shown."""

    selection: Selection
    records: list[Record]
    page: int


class Queries:
    """An org remembers the last queries that were not read to their end."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._cursors: OrderedDict[str, Cursor] = OrderedDict()
        self._made = 0

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            route("GET", rf"{VERSION}/(?P<what>query|queryAll)/?", self._read_query),
            route(
                "GET",
                rf"{VERSION}/(?:query|queryAll)/(?P<locator>\w+)-(?P<start>\d{{1,9}})",
                self._read_more,
            ),
        ]

    def _read_query(self, request: Request, match: re.Match[str]) -> Call:
        query = parse(request.query.get("q", ""))
        selection = Selection(self._org, query, deleted=match["what"] == "queryAll")
        option = _OPTION.search(request.headers.get("sforce-query-options", ""))
        asked = int(option[1]) if option else facts.DEFAULT_PAGE
        page = min(max(asked, facts.LEAST_PAGE), facts.DEFAULT_PAGE)

        def run(_: Call) -> Reply:
            records = selection.records()
            if not query.paths:
                return Reply(200, {"totalSize": len(records), "done": True, "records": []})
            return self._page(match, Cursor(selection, records, page), 0, "")

        name = selection.sobject.name
        # Which org it is: whose login it is, in other words.
        return Call("details" if name == facts.ORGANIZATION.name else "query", name, [], run)

    def _read_more(self, _request: Request, match: re.Match[str]) -> Call:
        cursor, start = self._cursors.get(match["locator"]), int(match["start"])
        if cursor is None or start >= len(cursor.records):
            raise refuse(400, "INVALID_QUERY_LOCATOR", "invalid query locator")

        def run(_: Call) -> Reply:
            return self._page(match, cursor, start, match["locator"])

        return Call("query_more", cursor.selection.sobject.name, [], run)

    def _page(self, match: re.Match[str], cursor: Cursor, start: int, locator: str) -> Reply:
        end = start + cursor.page
        base = f"/services/data/v{match['version']}"
        body: dict[str, Json] = {
            "totalSize": len(cursor.records),
            "done": end >= len(cursor.records),
            "records": [_shown(cursor.selection, one, base) for one in cursor.records[start:end]],
        }
        if end < len(cursor.records):
            locator = locator or self._keep(cursor)
            body["nextRecordsUrl"] = f"{base}/query/{locator}-{end}"
        return Reply(200, body)

    def _keep(self, cursor: Cursor) -> str:
        self._made += 1
        locator = make_id("01g", self._made)
        self._cursors[locator] = cursor
        while len(self._cursors) > facts.OPEN_CURSORS:
            self._cursors.popitem(last=False)
        return locator


def _shown(selection: Selection, record: Record, base: str) -> dict[str, Json]:
    name = selection.sobject.name
    body: dict[str, Json] = {
        "attributes": {"type": name, "url": f"{base}/sobjects/{name}/{record.id}"}
    }
    for path in selection.paths:
        if not path.names:
            body[path.field.name] = path.value(record)
            continue
        found = path.holder(record)
        inner: dict[str, Json] | None = body
        for step in path.names:
            assert inner is not None  # noqa: S101  (a step that is not the last is an object)
            if found is None:
                inner[step] = None
                break
            inner = inner.setdefault(step, {})
        if found is not None and inner is not None:
            holder, other = found
            url = f"{base}/sobjects/{holder.name}/{other.id}"
            inner.setdefault("attributes", {"type": holder.name, "url": url})
            inner[path.field.name] = holder.value(other, path.field.name)
    return body
