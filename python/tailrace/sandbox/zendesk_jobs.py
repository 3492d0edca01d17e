"""Zendesk's jobs: what a bulk request queues, and what may be asked about it.

A job takes ``job_ms`` from its request to its end; its rows are applied when it ends. An account
has thirty at a time, over all of its integrations.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tailrace.sandbox import zendesk_facts as facts
from tailrace.sandbox.records import Collection
from tailrace.sandbox.zendesk_records import RowRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tailrace.sandbox.limits import Clock
    from tailrace.sandbox.wire import Json


@dataclass(slots=True)
class Job:
    """One job. ``act`` does a row and says what became of it, or raises ``RowRefusedError``."""

    id: str
    type: str
    items: list[Any]
    act: Callable[[Any], dict[str, Json]]
    queued_s: float
    due_s: float
    refuse: Mapping[int, str]
    fault: str = ""
    share: float = 0.5
    status: str = "queued"
    results: list[Json] | None = None
    progress: int = 0
    message: str | None = None
    entry: Any = field(default=None)


class Jobs:
    """The jobs of an account."""

    def __init__(self, clock: Clock, wall_ms: Callable[[], int], job_ms: float, seed: int) -> None:
        self._clock = clock
        self._wall_ms = wall_ms
        self._job_s = job_ms / 1000
        self._seed = seed
        self._jobs: dict[str, Job] = {}
        self._made = 0
        self.most = facts.MAX_JOBS
        self.records = Collection("job_statuses")

    def advance(self) -> None:
        """Bring all jobs to what they are now."""
        now = self._clock()
        for job in self.under_way():
            if now >= job.due_s:
                self._finish(job)
            elif now >= (job.queued_s + job.due_s) / 2:
                job.status = "working"

    def under_way(self) -> list[Job]:
        return [job for job in self._jobs.values() if job.status in ("queued", "working")]

    @property
    def is_full(self) -> bool:
        self.advance()
        return len(self.under_way()) >= self.most

    def queue(
        self,
        kind: str,
        items: list[Any],
        act: Callable[[Any], dict[str, Json]],
        refuse: Mapping[int, str],
        fault: tuple[str, Mapping[str, Any]],
    ) -> Job:
        """Queue a job; the caller has looked whether there is room."""
        now = self._clock()
        self._made += 1
        name = hashlib.sha256(f"{self._seed}:{self._made}".encode()).hexdigest()[:32]
        what, options = fault
        slower_s = float(options.get("seconds", 1)) if what == "job_slow" else 0.0
        due_s = now + self._job_s + slower_s
        job = Job(name, kind, items, act, now, due_s, refuse, what)
        job.share = float(options.get("share", 0.5))
        self._jobs[name] = job
        values = {"job": name, "type": kind, "total": len(items), "queued_s": now, "ended_s": None}
        values["under_way"] = len(self.under_way())
        job.entry = self.records.create(values, self._wall_ms(), key=name)
        while len(self._jobs) > facts.KEPT_JOBS:
            del self._jobs[next(iter(self._jobs))]
        self.advance()
        return job

    def _finish(self, job: Job) -> None:
        done = len(job.items)
        broken = job.fault in ("job_failed", "job_killed")
        if broken:
            done = int(done * job.share)
        results = [self._row(job, at) for at in range(done)]
        job.progress = done
        job.status = job.fault.removeprefix("job_") if broken else "completed"
        job.message = "The job did not complete." if broken else None
        # A job that broke off tells of no row, whatever it has done.
        job.results = None if broken else results
        job.entry.values["ended_s"] = job.due_s
        if job.fault == "job_gone":
            del self._jobs[job.id]

    @staticmethod
    def _row(job: Job, at: int) -> Json:
        if at in job.refuse:
            return _failed(at, "RefusedByFault", job.refuse[at])
        try:
            return job.act(job.items[at])
        except RowRefusedError as refused:
            return _failed(at, refused.code, refused.details)

    # -- showing ---------------------------------------------------------------------------------

    def get(self, name: str) -> Job | None:
        self.advance()
        return self._jobs.get(name)

    def recent(self) -> list[Job]:
        self.advance()
        return list(self._jobs.values())[-facts.MAX_JOBS_SHOWN :]


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
    return {
        "id": job.id,
        "url": f"{base_url}/api/v2/job_statuses/{job.id}.json",
        "job_type": job.type,
        "total": len(job.items),
        "progress": job.progress,
        "status": job.status,
        "message": job.message,
        "results": job.results,
    }
