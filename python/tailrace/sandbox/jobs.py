"""Jobs that take their time: what a request starts, and what later ones ask about.

A job takes ``job_ms`` from its start to its end and is at work from the half of it; what it does is
done at its end. A fault may make it slower, break it off after a part, or have it forgotten.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from tailrace.sandbox.limits import Clock
    from tailrace.sandbox.vendor import Call

BROKEN = ("job_failed", "job_killed")


@dataclass(slots=True)
class Job:
    """A job; times are in seconds of the vendor's clock. One that breaks has done ``share``."""

    id: str
    begun_s: float = 0.0
    due_s: float = 0.0
    stage: str = "open"
    """open, queued, working, ended."""
    fault: str = ""
    share: float = 1.0

    @property
    def is_under_way(self) -> bool:
        return self.stage in ("queued", "working")

    def done_of(self, rows: int) -> int:
        """How many of its rows it gets to."""
        return int(rows * self.share)


J = TypeVar("J", bound=Job)

KEPT_DEEDS = 10_000


class Jobs(ABC, Generic[J]):
    """The jobs of an account, the last ``kept`` of them. Where ``at_once`` are being worked on, the
    next one begins when the first of them ends."""

    def __init__(self, clock: Clock, job_ms: float, kept: int, at_once: int | None = None) -> None:
        self._at_once = at_once
        self._clock = clock
        self._job_s = job_ms / 1000
        self._kept = kept
        self._jobs: dict[str, J] = {}

    @abstractmethod
    def finish(self, job: J) -> None:
        """Do what the job is for."""

    def add(self, job: J) -> None:
        """A job that is not started yet."""
        self._jobs[job.id] = job
        while len(self._jobs) > self._kept:
            del self._jobs[next(iter(self._jobs))]

    def start(self, job: J, call: Call) -> None:
        """Start a job, which meets the fault that its request met."""
        job.begun_s = self._next_start()
        job.fault = call.job
        slower_s = float(call.job_options.get("seconds", 1)) if job.fault == "job_slow" else 0.0
        if job.fault in BROKEN:
            job.share = float(call.job_options.get("share", 0.5))
        job.due_s = job.begun_s + self._job_s + slower_s
        job.stage = "queued"

    def _next_start(self) -> float:
        ends = sorted(job.due_s for job in self.under_way())
        if self._at_once is None or len(ends) < self._at_once:
            return self._clock()
        return ends[-self._at_once]

    def advance(self) -> None:
        """Bring all jobs to what they are now."""
        now = self._clock()
        for job in self.under_way():
            if now >= job.due_s:
                self.end(job)
                if job.fault == "job_gone":
                    self.forget(job)
            elif now >= (job.begun_s + job.due_s) / 2:
                job.stage = "working"

    def end(self, job: J) -> None:
        """End a job now."""
        job.stage = "ended"
        self.finish(job)

    def forget(self, job: J) -> None:
        """Know nothing of a job any more."""
        self._jobs.pop(job.id, None)

    def get(self, job_id: str) -> J | None:
        self.advance()
        return self._jobs.get(job_id)

    def under_way(self) -> list[J]:
        return [job for job in self._jobs.values() if job.is_under_way]

    def recent(self, most: int) -> list[J]:
        """The last ones, oldest first."""
        self.advance()
        return list(self._jobs.values())[-most:]


@dataclass(slots=True)
class Deed(Job):
    """Something that was accepted and is done later; nobody can ask about it."""

    act: Callable[[], None] = lambda: None


class Deeds(Jobs[Deed]):
    """What an account has accepted and not done yet. A deed whose request met a fault that breaks
    jobs off is never done."""

    def __init__(self, clock: Clock, job_ms: float) -> None:
        super().__init__(clock, job_ms, KEPT_DEEDS)
        self._made = 0

    def accept(self, call: Call, act: Callable[[], None]) -> None:
        """Do it when its time has come."""
        self._made += 1
        deed = Deed(str(self._made), act=act)
        self.start(deed, call)
        self.add(deed)
        self.advance()

    def finish(self, job: Deed) -> None:
        self.forget(job)
        if job.fault not in BROKEN:
            job.act()
