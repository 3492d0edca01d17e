"""Zendesk's jobs: what a bulk request queues, and what may be asked about it.

An account has thirty at a time, over all of its integrations.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tailrace.sandbox import jobs
from tailrace.sandbox.records import Collection
from tailrace.sandbox.zendesk import facts
from tailrace.sandbox.zendesk.records import RowRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tailrace.sandbox.limits import Clock
    from tailrace.sandbox.records import Record
    from tailrace.sandbox.vendor import Call
    from tailrace.sandbox.wire import Json


@dataclass(slots=True)
class Job(jobs.Job):
    """One job. ``act`` does a row and says what became of it, or raises ``RowRefusedError``."""

    type: str = ""
    items: list[Any] = field(default_factory=list)
    act: Any = None
    refuse: Mapping[int, str] = field(default_factory=dict)
    results: list[Json] | None = None
    progress: int = 0
    entry: Record | None = None

    @property
    def status(self) -> str:
        """In Zendesk's words."""
        if self.stage != "ended":
            return self.stage
        broken = self.fault in jobs.BROKEN
        return self.fault.removeprefix("job_") if broken else "completed"


class Jobs(jobs.Jobs[Job]):
    """The jobs of an account; ``records`` tells of each when it was queued and when it ended."""

    def __init__(
        self,
        clock: Clock,
        wall_ms: Callable[[], int],
        job_ms: float,
        most: int,
        seed: int,
    ) -> None:
        super().__init__(clock, job_ms, facts.KEPT_JOBS)
        self._wall_ms = wall_ms
        self._most = most
        self._seed = seed
        self._made = 0
        self.records = Collection("job_statuses")

    @property
    def is_full(self) -> bool:
        self.advance()
        return len(self.under_way()) >= self._most

    def queue(
        self, kind: str, items: list[Any], act: Callable[[Any], dict[str, Json]], call: Call
    ) -> Job:
        """Queue a job; the caller has looked whether there is room."""
        self._made += 1
        name = hashlib.sha256(f"{self._seed}:{self._made}".encode()).hexdigest()[:32]
        job = Job(name, type=kind, items=items, act=act, refuse=call.refuse)
        self.start(job, call)
        self.add(job)
        values: dict[str, Any] = {"job": name, "type": kind, "total": len(items)}
        values.update(queued_s=job.begun_s, ended_s=None, under_way=len(self.under_way()))
        job.entry = self.records.create(values, self._wall_ms(), key=name)
        self.advance()
        return job

    def finish(self, job: Job) -> None:
        job.progress = job.done_of(len(job.items))
        results = [self._row(job, at) for at in range(job.progress)]
        # A job that broke off tells of no row, whatever it has done.
        job.results = None if job.fault in jobs.BROKEN else results
        if job.entry is not None:
            job.entry.values["ended_s"] = job.due_s

    @staticmethod
    def _row(job: Job, at: int) -> Json:
        if at in job.refuse:
            return _failed(at, "RefusedByFault", job.refuse[at])
        try:
            return job.act(job.items[at])
        except RowRefusedError as refused:
            return _failed(at, refused.code, refused.details)


def _failed(at: int, code: str, details: str) -> dict[str, Json]:
    """A row's error; what is called `id` in it is the row's place."""
    return {
        "id": at,
        "index": at,
        "error": code,
        "details": details,
        "status": "Failed",
        "success": False,
    }


def as_json(job: Job, base_url: str) -> dict[str, Json]:
    """A job as the API shows it; its results are there once it has ended."""
    broken = job.status in ("failed", "killed")
    return {
        "id": job.id,
        "url": f"{base_url}/api/v2/job_statuses/{job.id}.json",
        "job_type": job.type,
        "total": len(job.items),
        "progress": job.progress,
        "status": job.status,
        "message": "The job did not complete." if broken else None,
        "results": job.results,
    }
