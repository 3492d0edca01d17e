"""Requests of Bulk API 2.0: open a job, upload its file, close it, ask for it, read its results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.salesforce import facts
from tailrace.sandbox.salesforce.answers import not_found, refuse
from tailrace.sandbox.salesforce.csv_file import DELIMITERS, LINE_ENDINGS, Form
from tailrace.sandbox.salesforce.ingest import IngestJob, keys_of
from tailrace.sandbox.salesforce.paths import VERSION, need_version
from tailrace.sandbox.salesforce.rows import json_body
from tailrace.sandbox.salesforce.sobject import moment, user_id
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, Reply, Request

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from tailrace.sandbox.salesforce.fields import Field
    from tailrace.sandbox.salesforce.ingest import IngestJobs
    from tailrace.sandbox.salesforce.org import Org
    from tailrace.sandbox.salesforce.sobject import Sobject

_JOBS = rf"{VERSION}/jobs/ingest"
_JOB = rf"{_JOBS}/(?P<job>\w+)"
UPLOAD = "/batches"
_MEMBERS = frozenset(
    {
        *("object", "operation", "externalIdFieldName", "contentType", "lineEnding"),
        *("columnDelimiter", "assignmentRuleId"),
    }
)
_RESULTS: Mapping[str, str] = {
    "successfulresults": "successfulResults",
    "failedresults": "failedResults",
    "unprocessedrecords": "unprocessedrecords",
}
_RESULT_OPS: Mapping[str, str] = {
    "successfulResults": "successful_results",
    "failedResults": "failed_results",
    "unprocessedrecords": "unprocessed_records",
}


class Bulk:
    """``jobs/ingest``. Closing a job is what writes: in the log it has the operation's name.

    ``may_hard_delete``: the user has the permission that hardDelete takes.
    """

    def __init__(self, org: Org, jobs: IngestJobs, *, may_hard_delete: bool) -> None:
        self._org = org
        self._may_hard_delete = may_hard_delete
        self._jobs = jobs

    def routes(self) -> list[Route]:
        """What is served here."""
        sets = "|".join((*_RESULT_OPS, "unprocessedRecords"))
        return [
            route("POST", rf"{_JOBS}/?", self._read_open),
            route("GET", rf"{_JOBS}/?", self._read_list),
            route("GET", rf"{_JOB}/?", self._read_info),
            route("PATCH", rf"{_JOB}/?", self._read_state),
            route("DELETE", rf"{_JOB}/?", self._read_delete),
            route("PUT", rf"{_JOB}{UPLOAD}/?", self._read_upload),
            route("GET", rf"{_JOB}/(?P<set>{sets})/?", self._read_results),
        ]

    # -- a job's way -----------------------------------------------------------------------------

    def _read_open(self, request: Request, match: re.Match[str]) -> Call:
        need_version(match, facts.INGEST_FROM)
        body = json_body(request)
        for name in body.keys() - _MEMBERS:
            raise refuse(400, "JSON_PARSER_ERROR", f"Unrecognized field '{name}'")
        operation = body.get("operation")
        if operation not in facts.OPERATIONS:
            raise refuse(400, "INVALIDOPERATION", f"InvalidOperation : {operation}")
        if operation == "hardDelete" and not self._may_hard_delete:
            raise refuse(400, "FEATURENOTENABLED", facts.NO_HARD_DELETE)
        sobject = self._org.sobject(str(body.get("object")))
        if sobject is None:
            message = f"InvalidEntity : Invalid object: {body.get('object')}"
            raise refuse(400, "INVALIDENTITY", message)
        by = _matched(sobject, str(operation), body.get("externalIdFieldName"))
        form = _form(body)
        if body.get("contentType", "CSV") != "CSV":
            raise refuse(400, "INVALIDCONTENTTYPE", "contentType is CSV")

        def run(_: Call) -> Reply:
            return Reply(200, as_json(self._jobs.open(sobject, str(operation), by, form, version)))

        version = match["version"]
        return Call("create_job", sobject.name, [], run)

    def _read_upload(self, request: Request, match: re.Match[str]) -> Call:
        job = self._job(match)
        if request.content_type != "text/csv":
            message = "Content-Type header specified in HTTP request is not supported"
            raise refuse(415, "UNSUPPORTED_MEDIA_TYPE", f"{message}: {request.content_type}")

        def run(_: Call) -> Reply:
            if job.state != "Open" or job.data is not None:
                message = f"Data was uploaded already, or job {job.id} is not open: {job.state}"
                raise refuse(400, "INVALIDJOBSTATE", f"InvalidJobState : {message}")
            job.data = request.body
            return Reply(201)

        return Call("upload", _name(job), [], run)

    def _read_state(self, request: Request, match: re.Match[str]) -> Call:
        job, asked = self._job(match), json_body(request)
        if set(asked) != {"state"} or asked["state"] not in ("UploadComplete", "Aborted"):
            message = "state is UploadComplete or Aborted, and nothing else may be changed"
            raise refuse(400, "INVALIDJOB", f"InvalidJob : {message}")
        if asked["state"] == "Aborted":
            return Call("abort", _name(job), [], lambda _: self._aborted(job))
        if job.state == "Open":
            self._jobs.read(job)

        def run(call: Call) -> Reply:
            if job.state != "Open":
                message = f"Closing a job in state {job.state} is not allowed"
                raise refuse(400, "INVALIDJOBSTATE", f"InvalidJobState : {message}")
            told = {**as_json(job), "state": "UploadComplete"}
            self._jobs.begin(job, call)
            return Reply(200, told)

        return Call(facts.OPERATIONS[job.operation], _name(job), keys_of(job), run)

    def _aborted(self, job: IngestJob) -> Reply:
        if job.stage == "ended":
            message = f"Aborting a job in state {job.state} is not allowed"
            raise refuse(400, "INVALIDJOBSTATE", f"InvalidJobState : {message}")
        self._jobs.abort(job)
        return Reply(200, as_json(job))

    def _read_delete(self, _request: Request, match: re.Match[str]) -> Call:
        job = self._job(match)

        def run(_: Call) -> Reply:
            if job.stage != "ended":
                message = f"Deleting a job in state {job.state} is not allowed"
                raise refuse(400, "INVALIDJOBSTATE", f"InvalidJobState : {message}")
            self._jobs.forget(job)
            return Reply(204)

        return Call("delete_job", _name(job), [], run)

    # -- asking ----------------------------------------------------------------------------------

    def _job(self, match: re.Match[str]) -> IngestJob:
        need_version(match, facts.INGEST_FROM)
        job = self._jobs.get(match["job"])
        if job is None:
            raise not_found()
        return job

    def _read_info(self, _request: Request, match: re.Match[str]) -> Call:
        job = self._job(match)
        return Call("job_status", _name(job), [], lambda _: Reply(200, _info(job)))

    def _read_list(self, request: Request, match: re.Match[str]) -> Call:
        need_version(match, facts.INGEST_FROM)
        start = request.whole_number("queryLocator", 0) or 0
        page = facts.JOBS_A_PAGE

        def run(_: Call) -> Reply:
            every = self._jobs.recent(facts.KEPT_JOBS)
            more = start + page < len(every)
            following = f"{request.path}?queryLocator={start + page}" if more else None
            shown = [{**as_json(job), "jobType": "V2Ingest"} for job in every[start : start + page]]
            return Reply(200, {"done": not more, "records": shown, "nextRecordsUrl": following})

        return Call("job_list", "jobs", [], run)

    def _read_results(self, _request: Request, match: re.Match[str]) -> Call:
        job, which = self._job(match), _RESULTS[match["set"].lower()]

        def run(_: Call) -> Reply:
            if job.stage != "ended":
                message = f"Results of a job in state {job.state} are not there yet"
                raise refuse(400, "INVALIDJOBSTATE", f"InvalidJobState : {message}")
            table = self._jobs.results(job, which)
            return Reply(200, table, [], "text/csv")

        return Call(_RESULT_OPS[which], _name(job), [], run)


def _name(job: IngestJob) -> str:
    return "jobs" if job.sobject is None else job.sobject.name


def _matched(sobject: Sobject, operation: str, name: Json) -> Field | None:
    if operation != "upsert":
        if name is not None:
            message = "externalIdFieldName belongs to upsert alone"
            raise refuse(400, "INVALIDJOB", f"InvalidJob : {message}")
        return None
    field = sobject.field(name) if isinstance(name, str) else None
    if field is None or not field.matches:
        message = "An upsert needs an externalIdFieldName that is an external id or Id"
        raise refuse(400, "INVALIDJOB", f"InvalidJob : {message}, not {name!r}")
    return field


def _form(body: Mapping[str, Json]) -> Form:
    ending, delimiter = body.get("lineEnding", "LF"), body.get("columnDelimiter", "COMMA")
    for value, words in ((ending, LINE_ENDINGS), (delimiter, DELIMITERS)):
        if value not in words:
            message = f"one of {', '.join(words)} is expected, not {value!r}"
            raise refuse(400, "INVALIDJOB", f"InvalidJob : {message}")
    return Form(str(ending), str(delimiter))


def as_json(job: IngestJob) -> dict[str, Json]:
    """A job as the requests tell of it that open, close and list it."""
    base = f"services/data/v{job.version}/jobs/ingest/{job.id}"
    body: dict[str, Json] = {
        "id": job.id,
        "operation": job.operation,
        "object": _name(job),
        "createdById": user_id(),
        "createdDate": moment(job.created_ms),
        "systemModstamp": moment(job.changed_ms),
        "state": job.state,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(job.version),
        "lineEnding": job.form.line_ending,
        "columnDelimiter": job.form.delimiter,
    }
    if job.by is not None:
        body["externalIdFieldName"] = job.by.name
    if job.state == "Open":
        body["contentUrl"] = f"{base}{UPLOAD}"
    return body


def _info(job: IngestJob) -> dict[str, Json]:
    """A job as it tells of itself: with counts, and why it failed."""
    body = as_json(job)
    body.update(
        jobType="V2Ingest",
        retries=0,
        totalProcessingTime=0,
        apiActiveProcessingTime=0,
        apexProcessingTime=0,
        numberRecordsProcessed=len(job.outcomes),
        numberRecordsFailed=job.failed,
    )
    if job.problem:
        body["errorMessage"] = job.problem
    return body
