"""Bulk imports of Marketo's sandbox: what they hold, and what they do when their time has come.

Two are worked on at a time, the others wait. An import looks leads up as they were when its work
began; rows of one key in one file overwrite each other.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tailrace.sandbox import jobs
from tailrace.sandbox.marketo import facts
from tailrace.sandbox.marketo.answers import RowRefusedError, check_fault
from tailrace.sandbox.marketo.values import stored
from tailrace.sandbox.records import Collection
from tailrace.sandbox.wire import Document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tailrace.sandbox.limits import Clock
    from tailrace.sandbox.marketo.fields import LeadField
    from tailrace.sandbox.marketo.instance import Instance
    from tailrace.sandbox.marketo.writing import Writer
    from tailrace.sandbox.records import Record
    from tailrace.sandbox.vendor import Call
    from tailrace.sandbox.wire import Json


class BadFileError(ValueError):
    """A file that is worth nothing as a whole; the message is the import's."""


@dataclass(slots=True)
class Table(Document):
    """Lines of a file, the header first, and what parts their cells."""

    lines: list[list[str]]
    delimiter: str

    def payload(self) -> bytes:
        target = io.StringIO()
        csv.writer(target, delimiter=self.delimiter, lineterminator="\n").writerows(self.lines)
        return target.getvalue().encode("utf-8")


def read_table(data: bytes, delimiter: str) -> Table:
    """The lines of a file, empty ones left out. Raises BadFileError."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFileError("The file is not encoded in UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        lines = [line for line in reader if line]
    except csv.Error as error:
        raise BadFileError(f"The file cannot be read: {error}") from None
    if not lines:
        raise BadFileError("The file has no header row")
    return Table(lines, delimiter)


@dataclass(slots=True)
class Import(jobs.Job):
    """One import. ``problem`` is why it failed as a whole."""

    by: str = "email"
    table: Table = field(default_factory=lambda: Table([[]], ","))
    list_of: Record | None = None
    refuse: Call | None = None
    imported: int = 0
    failures: list[list[str]] = field(default_factory=list)
    warnings: list[list[str]] = field(default_factory=list)
    problem: str = ""
    entry: Record | None = None

    @property
    def status(self) -> str:
        """In Marketo's words."""
        if self.stage != "ended":
            return {"queued": "Queued", "working": "Importing"}[self.stage]
        return "Failed" if self.problem else "Complete"

    @property
    def message(self) -> str:
        if self.problem:
            return f"Import failed: {self.problem}"
        counts = f"{self.imported} records imported ({self.imported} members)"
        if self.failures:
            return f"Import completed with errors, {counts}, {len(self.failures)} failed"
        if self.warnings:
            return f"Import completed with warnings, {counts}, {len(self.warnings)} warning"
        return f"Import succeeded, {counts}"


class Imports(jobs.Jobs[Import]):
    """The imports of an instance; ``records`` tells of each when it began and when it ended.

    ``clears``: an empty cell takes a value away, where otherwise it leaves it alone. ``warns``: a
    value that does not fit is left out with a warning, where otherwise its row fails.
    """

    def __init__(
        self, instance: Instance, job_ms: float, clock: Clock, *, clears: bool, warns: bool
    ) -> None:
        super().__init__(clock, job_ms, facts.KEPT_IMPORTS, facts.IMPORTS_AT_ONCE)
        self._instance = instance
        self._clears = clears
        self._warns = warns
        self.records = Collection("imports", first_id=facts.FIRST_IMPORT)

    @property
    def is_full(self) -> bool:
        self.advance()
        return len(self.under_way()) >= facts.IMPORTS_QUEUED

    def imports_to(self, one: Record) -> bool:
        """Whether a list is being imported to."""
        return any(job.list_of is one for job in self.under_way())

    def queue(self, by: str, table: Table, list_of: Record | None, call: Call) -> Import:
        """Queue an import; the caller has looked whether there is room."""
        rows = len(table.lines) - 1
        entry = self.records.create({"rows": rows, "ended_s": None}, 0)
        job = Import(entry.id, by=by, table=table, list_of=list_of, refuse=call)
        job.entry = entry
        self.start(job, call)
        self.add(job)
        entry.values.update(begun_s=job.begun_s, under_way=len(self.under_way()))
        self.advance()
        return job

    def get(self, job_id: str) -> Import | None:
        job = super().get(job_id)
        over = job is not None and self._clock() > job.due_s + facts.IMPORT_KEPT_S
        return None if over else job

    def finish(self, job: Import) -> None:
        header, *rows = job.table.lines
        job.problem = self._problem(header, job.by)
        if not job.problem:
            writer = self._instance.writer(job.by, "createOrUpdate", job.begun_s)
            writer.twice = "update"
            if job.by == "id":
                writer.action = "updateOnly"
            for at, row in enumerate(rows[: job.done_of(len(rows))]):
                self._row(job, writer, header, at, row)
        if job.fault in jobs.BROKEN:
            job.problem = "The import was interrupted"
        if job.entry is not None:
            job.entry.values["ended_s"] = job.due_s

    def _problem(self, header: Sequence[str], by: str) -> str:
        for name in header:
            if name not in self._instance.leads.fields:
                return f"Field '{name}' not found"
        if len(set(header)) < len(header):
            return "A field is named twice in the header row"
        return "" if by in header else f"The header row lacks the lookup field '{by}'"

    def _row(self, job: Import, writer: Writer, header: list[str], at: int, row: list[str]) -> None:
        try:
            values, warning = self._checked(job, header, at, row)
            lead, _ = writer.write(values)
        except RowRefusedError as refused:
            job.failures.append([*row, refused.message])
            return
        job.imported += 1
        if warning:
            job.warnings.append([*row, warning])
        if job.list_of is not None:
            self._instance.lists.add(job.list_of, lead)

    def _checked(
        self, job: Import, header: list[str], at: int, row: list[str]
    ) -> tuple[dict[str, Json], str]:
        """What a row holds, and what it is warned of. Raises RowRefusedError."""
        if job.refuse is not None:
            check_fault(job.refuse, at)
        if len(row) != len(header):
            message = f"The row has {len(row)} columns, the header {len(header)}"
            raise RowRefusedError("1003", message)
        values = self._values(header, row)
        return values, self._without_misfits(values, job.by) if self._warns else ""

    def _values(self, header: list[str], row: list[str]) -> dict[str, Json]:
        cells = zip(header, row, strict=True)
        values: dict[str, Json] = {name: text for name, text in cells if text or self._clears}
        return {name: None if text == facts.NULL_CELL else text for name, text in values.items()}

    def _without_misfits(self, values: dict[str, Json], by: str) -> str:
        """Take out what does not fit; why the first of it does not."""
        fields = self._instance.leads.fields
        found = {
            name: misfit
            for name in values
            if name != by and (misfit := _misfit(fields[name], values[name]))
        }
        for name in found:
            del values[name]
        return next(iter(found.values()), "")


def _misfit(field: LeadField, value: Json) -> str:
    try:
        stored(field, value)
    except RowRefusedError as refused:
        return refused.message
    return ""
