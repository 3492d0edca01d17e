"""Batches of operations: up to a thousand requests in one, done later, their answers in an archive.

The archive is a gzipped tar of JSON files, each a list of ``{status_code, operation_id, response}``
in an order of its own. The link to it is good for some minutes; asking for the batch makes another.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tailrace.sandbox import jobs
from tailrace.sandbox.fields import iso_ms
from tailrace.sandbox.mailchimp import facts
from tailrace.sandbox.mailchimp.answers import bare, body_of, invalid, page, refuse
from tailrace.sandbox.records import Collection
from tailrace.sandbox.routes import Route, Routes, route
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, RefusalError, Reply, Request, text_of, write_json

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping, Sequence

    from tailrace.sandbox.limits import Clock
    from tailrace.sandbox.mailchimp.account import Account
    from tailrace.sandbox.records import Record

RESULTS = "/mailchimp-batches/"
_BATCH = rf"{facts.BASE}/batches/(?P<id>\w+)"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_MEMBERS = frozenset({"method", "path", "params", "body", "operation_id", "headers"})
_FILES = 2


@dataclass(slots=True)
class Batch(jobs.Job):
    """One batch. ``answers`` are those of the operations that were done."""

    operations: Sequence[Mapping[str, Any]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    submitted_ms: int = 0
    answers: list[dict[str, Json]] = field(default_factory=list)
    errored: int = 0
    entry: Record | None = None

    @property
    def status(self) -> str:
        """In Mailchimp's words."""
        if self.stage == "ended":
            return "started" if self.fault in jobs.BROKEN else "finished"
        return {"queued": "pending", "working": "started"}[self.stage]


class Batches(jobs.Jobs[Batch]):
    """The batches of an account; ``served`` does their operations. One that breaks off stays as it
    is and never finishes."""

    def __init__(
        self, served: Routes, job_ms: float, clock: Clock, wall_ms: Callable[[], int], seed: int
    ) -> None:
        super().__init__(clock, job_ms, facts.KEPT_BATCHES)
        self._served = served
        self._wall_ms = wall_ms
        self._seed = seed
        self._made = 0
        self.records = Collection("batches")

    @property
    def is_full(self) -> bool:
        self.advance()
        return len(self.under_way()) >= facts.MAX_BATCHES

    def queue(
        self, operations: Sequence[Mapping[str, Any]], headers: Mapping[str, str], call: Call
    ) -> Batch:
        """Queue a batch; the caller has looked whether there is room."""
        self._made += 1
        name = hashlib.sha256(f"{self._seed}:{self._made}".encode()).hexdigest()[:10]
        batch = Batch(name, operations=operations, headers=headers, submitted_ms=self._wall_ms())
        self.start(batch, call)
        self.add(batch)
        values = {"operations": len(operations), "begun_s": batch.begun_s, "ended_s": None}
        batch.entry = self.records.create(values, batch.submitted_ms, key=name, record_id=name)
        self.advance()
        return batch

    def finish(self, job: Batch) -> None:
        for one in job.operations[: job.done_of(len(job.operations))]:
            reply = self._done(one, job.headers)
            job.errored += reply.status >= 400
            told = {
                "status_code": reply.status,
                "operation_id": one.get("operation_id", ""),
                "response": reply.payload().decode("utf-8"),
            }
            job.answers.append(told)
        Random(f"{self._seed}:{job.id}").shuffle(job.answers)  # noqa: S311
        if job.entry is not None:
            job.entry.values["ended_s"] = job.due_s

    def _done(self, one: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
        """What an operation is answered with."""
        path = urlsplit("/" + str(one["path"]).lstrip("/")).path
        asked = {name: text_of(value) for name, value in (one.get("params") or {}).items()}
        request = Request(
            str(one["method"]),
            facts.BASE + path,
            asked,
            {**headers, "content-type": "application/json"},
            str(one.get("body", "")).encode("utf-8", "replace"),
            pairs=tuple(asked.items()),
        )
        try:
            call = self._served.read(request)
            return refuse(404, facts.NOT_FOUND).reply if call is None else call.run(call)
        except RefusalError as refusal:
            return refusal.reply


class Operations:
    """The requests about batches."""

    def __init__(self, account: Account, batches: Batches, clock: Clock) -> None:
        self._account = account
        self._batches = batches
        self._clock = clock

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            route("POST", f"{facts.BASE}/batches", self._read_start),
            route("GET", f"{facts.BASE}/batches", self._read_list),
            route("GET", _BATCH, self._read_one),
            route("DELETE", _BATCH, self._read_delete),
            route("GET", rf"{RESULTS}(?P<id>\w+)-response\.tar\.gz", self._read_results),
        ]

    def _read_start(self, request: Request, _match: re.Match[str]) -> Call:
        operations = body_of(request).get("operations")
        if not isinstance(operations, list) or not operations:
            raise invalid("operations", "Required fields were not provided: operations")
        if len(operations) > facts.MAX_OPERATIONS:
            raise invalid("operations", f"At most {facts.MAX_OPERATIONS} operations are allowed.")
        for at, one in enumerate(operations):
            found = _misfit(one)
            if found:
                raise invalid(f"operations.item:{at}", found)
        keys = [one.get("operation_id", "") for one in operations]

        def run(call: Call) -> Reply:
            if self._batches.is_full:
                raise refuse(429, f"At most {facts.MAX_BATCHES} batches may be pending.")
            call.applied = len(operations)
            batch = self._batches.queue(operations, request.headers, call)
            fresh = {"status": "pending", "finished_operations": 0, "errored_operations": 0}
            shown = {**self._shown(batch), **fresh, "completed_at": "", "response_body_url": ""}
            return Reply(200, shown)

        return Call("start_batch", "batches", keys, run)

    def _batch(self, match: re.Match[str]) -> Batch:
        batch = self._batches.get(match["id"])
        if batch is None:
            raise refuse(404, facts.NOT_FOUND)
        return batch

    def _read_list(self, request: Request, _match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            found = self._batches.recent(facts.KEPT_BATCHES)[::-1]
            return page(request, "batches", found, self._shown)

        return Call("batch_list", "batches", [], run)

    def _read_one(self, _request: Request, match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            return Reply(200, self._shown(self._batch(match)))

        return Call("batch_status", "batches", [], run)

    def _read_delete(self, _request: Request, match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            self._batches.forget(self._batch(match))
            return Reply(204)

        return Call("delete_batch", "batches", [], run)

    def _read_results(self, request: Request, match: re.Match[str]) -> Call:
        until = request.whole_number("Expires", 0) or 0

        def run(_: Call) -> Reply:
            batch = self._batch(match)
            if until < self._clock() or batch.status != "finished":
                return bare(403)
            return Reply(200, _archive(batch), [], "application/x-gzip")

        return Call("batch_results", "batches", [], run)

    def _shown(self, batch: Batch) -> dict[str, Json]:
        ended = batch.status == "finished"
        until = int(self._clock() + facts.LINK_S) + 1
        link = f"{self._account.base_url}{RESULTS}{batch.id}-response.tar.gz?Expires={until}"
        ended_ms = batch.submitted_ms + int((batch.due_s - batch.begun_s) * 1000)
        return {
            "id": batch.id,
            "status": batch.status,
            "total_operations": len(batch.operations),
            "finished_operations": len(batch.answers),
            "errored_operations": batch.errored,
            "submitted_at": iso_ms(batch.submitted_ms)[:19] + "+00:00",
            "completed_at": iso_ms(ended_ms)[:19] + "+00:00" if ended else "",
            "response_body_url": link if ended else "",
            "_links": [],
        }


def _misfit(one: Json) -> str:
    """Why it is no operation."""
    if not isinstance(one, dict) or not one.keys() <= _MEMBERS:
        return f"An operation has {', '.join(sorted(_MEMBERS))}"
    if one.get("method") not in _METHODS or not isinstance(one.get("path"), str):
        return "Required fields were not provided: method, path"
    if not isinstance(one.get("params") or {}, dict):
        return "Schema describes object for params"
    for name in ("body", "operation_id"):
        if not isinstance(one.get(name, ""), str):
            return f"Schema describes string for {name}, another type was found"
    return ""


def _archive(batch: Batch) -> bytes:
    """The answers of a batch, spread over some files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        folder = tarfile.TarInfo("./")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for at in range(_FILES):
            data = write_json(batch.answers[at::_FILES])
            info = tarfile.TarInfo(f"./{batch.id}_{at}.json")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(packed.getvalue(), mtime=0)
