"""Requests of Marketo's bulk import: a file, then what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.sandbox.marketo import facts
from tailrace.sandbox.marketo.answers import answer, refuse
from tailrace.sandbox.marketo.imports import BadFileError, Import, Table, read_table
from tailrace.sandbox.multipart import BadMultipartError, Part, read_parts
from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, Reply, Request

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from tailrace.sandbox.marketo.imports import Imports
    from tailrace.sandbox.marketo.instance import Instance

IMPORT = "/bulk/v1/leads.json"
_BATCH = r"/bulk/v1/leads/batch/(?P<id>\d{1,15})"
_PARAMETERS = ("format", "lookupField", "listId", "partitionName")


class Bulk:
    """Import Lead, its status, its failures and its warnings."""

    def __init__(self, instance: Instance, imports: Imports) -> None:
        self._instance = instance
        self._imports = imports

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            route("POST", r"/bulk/v1/leads\.json", self._read_import),
            route("GET", rf"{_BATCH}\.json", self._read_status),
            route("GET", rf"{_BATCH}/(?P<file>failures|warnings)\.json", self._read_file),
        ]

    def _read_import(self, request: Request, _match: re.Match[str]) -> Call:
        if request.content_type != "multipart/form-data":
            raise refuse("612")
        try:
            parts = {part.name: part for part in read_parts(request)}
        except BadMultipartError:
            raise refuse("613") from None
        asked = _parameters(request, parts)
        if "file" not in parts:
            raise refuse("1002", "Missing value for the required parameter 'file'")
        delimiter = facts.DELIMITERS.get(asked.get("format", ""))
        if delimiter is None:
            raise refuse("1003", f"Invalid value for format: {asked.get('format', '')}")
        by = asked.get("lookupField") or "email"
        self._instance.check_lookup(by)
        partition = asked.get("partitionName")
        if partition is not None and partition not in self._instance.partitions:
            raise refuse("1008", f"Access denied to partition '{partition}'")
        try:
            table = read_table(parts["file"].data, delimiter)
        except BadFileError as error:
            raise refuse("1003", str(error)) from None
        keys = _keys(table, by)
        return Call("import", "leads", keys, lambda call: self._queued(call, by, table, asked))

    def _queued(self, call: Call, by: str, table: Table, asked: Mapping[str, str]) -> Reply:
        if self._imports.is_full:
            raise refuse("1016")
        number = asked.get("listId")
        if number is not None and not (number.isascii() and number.isdigit()):
            raise refuse("1001", f"Invalid value '{number[:80]}'. Required of type 'Integer'")
        one = None if number is None else self._instance.lists.of(number[:15])
        if one is not None and self._imports.imports_to(one):
            raise refuse("1019")
        call.rejected = len(call.refuse)
        call.applied = len(call.keys) - call.rejected
        job = self._imports.queue(by, table, one, call)
        return answer([{"batchId": int(job.id), "importId": job.id, "status": "Queued"}])

    def _job(self, match: re.Match[str]) -> Import:
        job = self._imports.get(str(int(match["id"])))
        if job is None:
            raise refuse("1013", f"Batch with id '{match['id']}' not found")
        return job

    def _read_status(self, _request: Request, match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            job = self._job(match)
            shown: dict[str, Json] = {
                "batchId": int(job.id),
                "importId": job.id,
                "status": job.status,
                "numOfLeadsProcessed": job.imported,
                "numOfRowsFailed": len(job.failures),
                "numOfRowsWithWarning": len(job.warnings),
                "message": job.message if job.stage == "ended" else "",
            }
            return answer([shown])

        return Call("import_status", "leads", [], run)

    def _read_file(self, _request: Request, match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            job = self._job(match)
            if job.stage != "ended":
                raise refuse("1019", f"Batch with id '{match['id']}' has not ended")
            failures = match["file"] == "failures"
            reason = facts.FAILURE_COLUMN if failures else facts.WARNING_COLUMN
            rows = job.failures if failures else job.warnings
            table = Table([[*job.table.lines[0], reason], *rows], job.table.delimiter)
            return Reply(200, table, [], "text/csv;charset=utf-8")

        return Call(f"import_{match['file']}", "leads", [], run)


def _parameters(request: Request, parts: Mapping[str, Part]) -> dict[str, str]:
    """Of the query, or fields of the form."""
    asked = {name: request.query[name] for name in _PARAMETERS if name in request.query}
    for name in _PARAMETERS:
        if name in parts:
            asked.setdefault(name, parts[name].data.decode("utf-8", "replace"))
    return asked


def _keys(table: Table, by: str) -> list[str]:
    header, *rows = table.lines
    at = header.index(by) if by in header else len(header)
    return [row[at] if at < len(row) else "" for row in rows]
