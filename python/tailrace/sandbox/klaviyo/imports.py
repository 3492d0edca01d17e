"""Bulk imports of Klaviyo's sandbox: what they hold, and what they do when their time has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from tailrace.sandbox import jobs
from tailrace.sandbox.klaviyo import facts
from tailrace.sandbox.klaviyo.answers import Problem, ProblemError, make_id
from tailrace.sandbox.klaviyo.profiles import problems
from tailrace.sandbox.records import Collection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tailrace.sandbox.klaviyo.account import Account
    from tailrace.sandbox.limits import Clock
    from tailrace.sandbox.records import Record
    from tailrace.sandbox.vendor import Call

_PROFILES = "/data/attributes/profiles/data"


@dataclass(frozen=True, slots=True)
class Failed:
    """A row of an import that was not written."""

    id: str
    problem: Problem
    payload: Any


@dataclass(slots=True)
class Import(jobs.Job):
    """An import of profiles. Where they are ``unchecked`` one that cannot be one is an error."""

    items: Sequence[Any] = ()
    lists: tuple[str, ...] = ()
    refuse: Mapping[int, str] = field(default_factory=dict)
    unchecked: bool = False
    created_ms: int = 0
    written: int = 0
    failed: list[Failed] = field(default_factory=list)
    entry: Record | None = None

    @property
    def status(self) -> str:
        """In Klaviyo's words."""
        if self.stage == "ended":
            return "cancelled" if self.fault in jobs.BROKEN else "complete"
        return {"queued": "queued", "working": "processing"}[self.stage]


class Imports(jobs.Jobs[Import]):
    """The imports of an account; ``records`` tells of each when it began and when it ended."""

    def __init__(self, account: Account, job_ms: float, clock: Clock, seed: int) -> None:
        super().__init__(clock, job_ms, facts.KEPT_JOBS)
        self._account = account
        self._seed = seed
        self._made = 0
        self.records = Collection("imports")

    def queue(
        self,
        call: Call,
        items: Sequence[Any],
        lists: tuple[str, ...],
        *,
        unchecked: bool = False,
    ) -> Import:
        """Queue an import."""
        self._made += 1
        number = make_id(f"job{self._seed}", self._made)
        job = Import(number, items=items, lists=lists, refuse=call.refuse)
        job.unchecked = unchecked
        job.created_ms = self._account.wall_ms()
        self.start(job, call)
        self.add(job)
        values = {"rows": len(items), "begun_s": job.begun_s, "ended_s": None}
        job.entry = self.records.create(values, job.created_ms, key=number, record_id=number)
        self.advance()
        return job

    def newest(self) -> list[Import]:
        """The imports, newest first."""
        return self.recent(facts.KEPT_JOBS)[::-1]

    def get(self, job_id: str) -> Import | None:
        job = super().get(job_id)
        over = job is not None and self._clock() > job.due_s + facts.JOB_KEPT_S
        return None if over else job

    def ms_of(self, job: Import, moment_s: float) -> int:
        """A moment of the clock of jobs, as milliseconds since 1970."""
        return job.created_ms + int((moment_s - job.begun_s) * 1000)

    def finish(self, job: Import) -> None:
        for at in range(job.done_of(len(job.items))):
            self._row(job, at)
        # Errors are told in an order of their own: their pointers say whose they are.
        Random(f"{self._seed}:{job.id}").shuffle(job.failed)  # noqa: S311
        if job.entry is not None:
            job.entry.values["ended_s"] = job.due_s

    def _row(self, job: Import, at: int) -> None:
        item, pointer = job.items[at], f"{_PROFILES}/{at}"
        try:
            profile = self._written(job, at, item, pointer)
        except ProblemError as error:
            number = make_id(job.id, at)
            payload = item.get("attributes") if isinstance(item, dict) else None
            job.failed.append(Failed(number, error.problem, payload))
            return
        job.written += 1
        for name in job.lists:
            one = self._account.lists.get(name)
            if one is not None:
                self._account.join(one, profile)

    def _written(self, job: Import, at: int, item: Any, pointer: str) -> Record:
        if at in job.refuse:
            raise ProblemError(Problem(pointer, job.refuse[at]))
        found = problems(item, pointer) if job.unchecked else []
        if found:
            raise ProblemError(found[0])
        return self._account.profiles.write(item, pointer)[0]
