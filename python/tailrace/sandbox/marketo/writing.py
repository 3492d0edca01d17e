"""Writing leads to Marketo's sandbox: 300 a request, each row with an outcome of its own.

A request looks leads up as they were when it began. Two upserts of one key that overlap therefore
both make a lead, as the vendor warns; ``createOnly`` looks again before it makes one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.marketo import facts
from tailrace.sandbox.marketo.answers import (
    RowRefusedError,
    answer,
    body_of,
    outcomes,
    refuse,
    rows_of,
)
from tailrace.sandbox.marketo.asking import ids_of
from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, Reply, Request, text_of

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Mapping

    from tailrace.sandbox.marketo.instance import Instance
    from tailrace.sandbox.marketo.leads import Leads
    from tailrace.sandbox.records import Record

TWICE = ("duplicate", "update", "refuse")


@dataclass(slots=True)
class Writer:
    """Writes rows by one lookup field, as the leads were at ``began_s``.

    ``twice`` says what becomes of a second row of one key: a lead of its own, an update of the
    first one's, or a refusal.
    """

    leads: Leads
    by: str
    action: str
    began_s: float
    twice: str
    _made: set[str] = field(default_factory=set)
    _seen: set[str] = field(default_factory=set)

    def write(self, row: Mapping[str, Json]) -> tuple[Record, str]:
        """The lead, and whether it was created or updated.

        Raises:
            RowRefusedError: it was neither.
        """
        if self.action != "updateOnly" and "id" in row:
            raise RowRefusedError("1003", f"id is not allowed with {self.action}")
        if self.action == "createDuplicate":
            return self.leads.create(self.leads.checked(row), _key(row, self.by)), "created"
        values = self.leads.checked(
            {name: value for name, value in row.items() if name != self.by or not self._is_given}
        )
        value = row.get(self.by) if self._is_given else values.get(self.by)
        if value in (None, ""):
            raise RowRefusedError("1003", f"Value for lookup field '{self.by}' not found")
        key = text_of(value)
        found = self._found(value, key)
        if len(found) > 1:
            raise RowRefusedError("1007")
        if found:
            if self.action == "createOnly":
                raise RowRefusedError("1005")
            self.leads.update(found[0], values, key)
            return found[0], "updated"
        if self.action == "updateOnly" or self._is_given:
            raise RowRefusedError("1004")
        made = self.leads.create(values, key)
        self._made.add(made.id)
        return made, "created"

    @property
    def _is_given(self) -> bool:
        """Whether the lookup field is one that the vendor fills, which finds but never makes."""
        return self.leads.fields[self.by].read_only

    def _found(self, value: Json, key: str) -> list[Record]:
        if self.twice == "refuse":
            if key.casefold() in self._seen:
                raise RowRefusedError("1036")
            self._seen.add(key.casefold())
        found = self.leads.find(self.by, value)
        if self.action == "createOnly":
            return found[:1]
        return [one for one in found if self._sees(one)]

    def _sees(self, record: Record) -> bool:
        if record.id in self._made:
            return self.twice == "update"
        return self.leads.was_there(record, self.began_s)


class Writing:
    """Sync Leads and Delete Leads."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._leads = instance.leads

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            route("POST", r"/rest/v1/leads\.json", self._read_sync),
            route("POST", r"/rest/v1/leads/delete\.json", self._read_delete),
            route("DELETE", r"/rest/v1/leads\.json", self._read_delete),
        ]

    def _read_sync(self, request: Request, _match: re.Match[str]) -> Call:
        body = body_of(request)
        for name in body.keys() - facts.SYNC_MEMBERS:
            raise refuse("609", f"Unrecognized field '{name}'")
        rows = rows_of(body)
        action, by = body.get("action", facts.ACTIONS[0]), body.get("lookupField") or "email"
        if action not in facts.ACTIONS:
            raise refuse("1003", f"Invalid value for action: {action}")
        self._instance.check_lookup(by)
        if by == "id" and action != "updateOnly":
            raise refuse("1003", f"lookupField id is not allowed with {action}")
        self._check_partition(body.get("partitionName"), action)
        if self._instance.refuses_unknown:
            self._check_names(rows)
        writer = self._instance.writer(by, action, request.began_s)
        unasked = body.get("asyncProcessing") is True

        def act(row: Mapping[str, Json]) -> dict[str, Json]:
            record, status = writer.write(row)
            return {"id": int(record.id), "status": status}

        def run(call: Call) -> Reply:
            results = outcomes(call, rows, act)
            return answer([] if unasked else results)

        op = "create" if action.startswith("createD") else action
        return Call(op, "leads", [_key(row, by) for row in rows], run)

    def _check_partition(self, name: Json, action: str) -> None:
        if name is None:
            return
        if action not in ("createOnly", "createOrUpdate"):
            raise refuse("1003", f"partitionName is not allowed with {action}")
        if name not in self._instance.partitions:
            raise refuse("1008", f"Access denied to partition '{name}'")

    def _check_names(self, rows: Iterable[Mapping[str, Any]]) -> None:
        for row in rows:
            for name in row:
                if name not in self._leads.fields:
                    raise refuse("1006", f"Field '{name}' not found")

    def _read_delete(self, request: Request, _match: re.Match[str]) -> Call:
        ids = ids_of(request)

        def act(number: str) -> dict[str, Json]:
            record = self._leads.records.get(number)
            if record is None:
                raise RowRefusedError("1004")
            self._instance.forget(record)
            return {"status": "deleted"}

        def run(call: Call) -> Reply:
            return answer(outcomes(call, ids, act, lambda number: {"id": int(number)}))

        return Call("delete", "leads", ids, run)


def _key(row: Mapping[str, Json], by: str) -> str:
    """What a row is called in the log."""
    value = row.get(by)
    return "" if value is None or isinstance(value, (dict, list)) else text_of(value)
