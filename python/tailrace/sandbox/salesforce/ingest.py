"""Ingest jobs of Bulk API 2.0: what they hold, and what they do when their time has come.

A file is worked on in batches of 10,000 rows, which count against the day's, and written in
transactions of 200: in one of those, rows of the same external id exclude each other, and in two of
them the later one overwrites the earlier.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from tailrace.sandbox import jobs
from tailrace.sandbox.records import Collection
from tailrace.sandbox.salesforce import facts
from tailrace.sandbox.salesforce.answers import RowError
from tailrace.sandbox.salesforce.collections import compared
from tailrace.sandbox.salesforce.columns import Columns
from tailrace.sandbox.salesforce.csv_file import BadFileError, Form, Table, read_table
from tailrace.sandbox.salesforce.deleting import delete_rows
from tailrace.sandbox.salesforce.ids import make_id
from tailrace.sandbox.salesforce.writing import Outcome, Writer, write_rows
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from tailrace.sandbox.records import Record
    from tailrace.sandbox.salesforce.fields import Field
    from tailrace.sandbox.salesforce.org import Org
    from tailrace.sandbox.salesforce.quota import Quota
    from tailrace.sandbox.salesforce.sobject import Sobject
    from tailrace.sandbox.salesforce.writing import Draft
    from tailrace.sandbox.vendor import Setting


@dataclass(slots=True)
class IngestJob(jobs.Job):
    """One job. ``outcomes`` are those of the first rows of the file, the rest was not tried."""

    sobject: Sobject | None = None
    operation: str = "insert"
    by: Field | None = None
    form: Form = field(default_factory=Form)
    version: str = "60.0"
    created_ms: int = 0
    changed_ms: int = 0
    data: bytes | None = None
    was_read: bool = False
    table: Table | None = None
    columns: Columns | None = None
    problem: str = ""
    aborted: bool = False
    refuse: Call | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    untold: int = 0
    """Rows after those with outcomes that no result set tells of."""
    entry: Record | None = None

    @property
    def state(self) -> str:
        """In Salesforce's words."""
        if self.aborted:
            return "Aborted"
        if self.stage == "ended":
            return "Failed" if self.problem else "JobComplete"
        return {"open": "Open", "queued": "UploadComplete", "working": "InProgress"}[self.stage]

    @property
    def rows(self) -> list[list[str]]:
        return [] if self.table is None else self.table.rows

    @property
    def failed(self) -> int:
        return sum(1 for one in self.outcomes if one.error is not None)


class IngestJobs(jobs.Jobs[IngestJob]):
    """The jobs of an org; ``records`` tells of each when it was begun and when it ended."""

    def __init__(
        self, org: Org, quota: Callable[[], Quota], job_ms: float, setting: Setting
    ) -> None:
        super().__init__(setting.clock, job_ms, facts.KEPT_JOBS)
        self._org = org
        self._quota = quota
        self._writer = Writer(org)
        self._wall_ms = setting.wall_ms
        self._seed = setting.seed
        self._made = 0
        self.records = Collection("jobs_ingest")

    # -- a job's life ----------------------------------------------------------------------------

    def open(
        self, sobject: Sobject, operation: str, by: Field | None, form: Form, version: str
    ) -> IngestJob:
        """A job that waits for its file."""
        self._made += 1
        now_ms = self._wall_ms()
        job = IngestJob(make_id("750", self._made), sobject=sobject, operation=operation, by=by)
        job.form, job.version, job.created_ms, job.changed_ms = form, version, now_ms, now_ms
        values = {"job": job.id, "operation": operation, "object": sobject.name, "rows": None}
        values.update(state=job.state, begun_s=None, ended_s=None, under_way=None)
        job.entry = self.records.create(values, now_ms, key=job.id)
        self.add(job)
        return job

    def read(self, job: IngestJob) -> None:
        """Read the file of a job that is about to start; what is wrong with it is its problem."""
        if job.sobject is None or job.data is None or job.was_read:
            return
        job.was_read = True
        try:
            job.table = read_table(job.data, job.form)
            job.columns = Columns(self._org, job.sobject, job.operation, job.by, job.table.header)
        except BadFileError as error:
            job.problem = str(error)
        job.data = b""

    def begin(self, job: IngestJob, call: Call) -> None:
        """Start a job whose file was read."""
        job.refuse = call
        self.start(job, call)
        self._note(job, rows=len(job.rows), begun_s=job.begun_s)
        self._note(job, under_way=len(self.under_way()))
        if job.due_s > job.begun_s:
            # What it will do is not known yet: the log tells what it was asked to do.
            job.refuse = Call(call.op, call.object, [], lambda _: Reply(204), call.refuse)
            job.refuse.refuse_code = call.refuse_code
            if not job.problem:
                call.rejected = len(call.refuse)
                call.applied = len(job.rows) - call.rejected
        self.advance()

    def abort(self, job: IngestJob) -> None:
        """End a job by hand: what is under way has got half of its way."""
        if job.stage == "working":
            job.share = min(job.share, 0.5)
        elif job.stage != "ended":
            job.share = 0.0
        job.aborted = True
        self.end(job)

    def finish(self, job: IngestJob) -> None:
        job.changed_ms = self._wall_ms()
        if not job.problem and not (job.aborted and job.columns is None):
            self._work(job)
        if job.fault == "job_killed":
            job.aborted = True
        elif job.fault == "job_failed":
            job.problem = job.problem or "InternalServerError : The job was retried too often"
        self._note(job, state=job.state, ended_s=min(self._clock(), job.due_s or self._clock()))

    def _note(self, job: IngestJob, **values: Any) -> None:
        if job.entry is not None:
            job.entry.values.update(values)

    # -- its rows --------------------------------------------------------------------------------

    def _work(self, job: IngestJob) -> None:
        done = job.done_of(len(job.rows))
        quota = self._quota()
        for first in range(0, done, facts.BATCH_ROWS):
            batch = job.rows[first : min(first + facts.BATCH_ROWS, done)]
            if not quota.batches.take(1) or not quota.rows.take(len(batch)):
                job.problem = facts.BATCHES_SPENT
                # Salesforce keeps no results of what is beyond the day's batches.
                job.untold = len(job.rows) - first
                return
            for start in range(0, len(batch), facts.CHUNK_ROWS):
                chunk = batch[start : start + facts.CHUNK_ROWS]
                job.outcomes += self._chunk(job, first + start, chunk)

    def _chunk(self, job: IngestJob, first: int, rows: Sequence[list[str]]) -> list[Outcome]:
        assert job.sobject is not None  # noqa: S101  (the job was opened with one)
        assert job.columns is not None  # noqa: S101  (its file was read)
        assert job.refuse is not None  # noqa: S101  (it was begun)
        sobject, columns, call = job.sobject, job.columns, job.refuse
        if job.operation in facts.DELETES:
            ids = [columns.id(one) or "" for one in rows]
            hard = job.operation == "hardDelete"
            return delete_rows(
                call, self._writer, [sobject] * len(ids), ids, first=first, hard=hard
            )
        drafts = [partial(self._draft, job, cells) for cells in rows]
        names = [_named(job, cells) for cells in rows]
        count = Counter(one for one in names if one is not None)
        twice = {}
        if len(count) < sum(count.values()):
            field_name = "Id" if job.by is None else job.by.name
            message = "Duplicate external id specified" if job.by else "duplicate id specified"
            twice = {
                first + at: RowError("DUPLICATE_VALUE", f"{message}: {name}", (field_name,))
                for at, name in enumerate(names)
                if count[name] > 1
            }
        return write_rows(call, drafts, first=first, twice=twice)

    def _draft(self, job: IngestJob, cells: list[str]) -> Draft:
        assert job.sobject is not None  # noqa: S101
        assert job.columns is not None  # noqa: S101
        row = job.columns.row(cells)
        record_id = job.columns.id(cells)
        if job.operation == "update":
            return self._writer.update(job.sobject, record_id, row)
        if record_id is not None and (job.by is None or job.by.type != "id"):
            raise RowError("INVALID_FIELD", "cannot specify Id in an insert call", ("Id",))
        if job.by is None:
            return self._writer.insert(job.sobject, row)
        return self._writer.upsert(job.sobject, job.by, job.columns.match(cells), row)

    # -- what became of them ---------------------------------------------------------------------

    def results(self, job: IngestJob, which: str) -> Table:
        """A result set: ``successfulResults``, ``failedResults`` or ``unprocessedrecords``."""
        header = [] if job.table is None else job.table.header
        if which == "unprocessedrecords":
            left = job.rows[len(job.outcomes) : len(job.rows) - job.untold]
            return Table(list(header), [list(one) for one in left], job.form)
        pairs = list(zip(job.outcomes, job.rows, strict=False))
        if which == "successfulResults":
            rows = [
                [one.id or "", "true" if one.created else "false", *cells]
                for one, cells in pairs
                if one.error is None
            ]
            header = ["sf__Id", "sf__Created", *header]
        else:
            rows = [
                [one.id or "", one.error.as_text(), *cells]
                for one, cells in pairs
                if one.error is not None
            ]
            header = ["sf__Id", "sf__Error", *header]
            if int(job.version[:2]) < facts.FAILED_IDS_FROM:
                header, rows = header[1:], [one[1:] for one in rows]
        Random(f"{self._seed}:{job.id}:{which}").shuffle(rows)  # noqa: S311
        return Table(header, rows, job.form)


def _named(job: IngestJob, cells: list[str]) -> Hashable:
    """What names a row's record, None for a row that names none or that cannot be read."""
    assert job.columns is not None  # noqa: S101
    if job.operation == "insert":
        return None
    if job.by is None or job.by.type == "id":
        found = job.columns.id(cells)
        return None if found is None else found[:15]
    try:
        return compared(job.by, job.columns.match(cells))
    except RowError:
        return None


def keys_of(job: IngestJob) -> list[str]:
    """The names of a job's rows in the log: by external id, or by what their records are called."""
    if job.sobject is None or job.table is None or job.columns is None:
        return []
    sobject, header = job.sobject, [one.lower() for one in job.table.header]
    name = job.by.name if job.by is not None else None
    if name is None and job.operation == "insert":
        name = next((one for one in sobject.key_fields if one.lower() in header), None)
    if name is not None and name.lower() in header:
        at = header.index(name.lower())
        return [cells[at] or f"#{row}" for row, cells in enumerate(job.rows)]
    keys = []
    for row, cells in enumerate(job.rows):
        record_id = job.columns.id(cells)
        keys.append(sobject.named(record_id) if record_id else f"#{row}")
    return keys
