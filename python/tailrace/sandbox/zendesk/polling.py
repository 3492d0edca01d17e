"""Asking Zendesk's sandbox for its jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Reply, Request
from tailrace.sandbox.zendesk import asking, facts
from tailrace.sandbox.zendesk.jobs import as_json

if TYPE_CHECKING:
    import re

    from tailrace.sandbox.zendesk.account import Account

_JOBS = "/api/v2/job_statuses"


class Polling:
    """Jobs: the last ones, several by id, one by id."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            route("GET", _JOBS, self._read_jobs),
            route("GET", f"{_JOBS}/show_many", self._read_many_jobs),
            route("GET", rf"{_JOBS}/(?P<id>[\w.-]+)", self._read_job),
        ]

    def _read_jobs(self, _request: Request, _match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            recent = self._account.jobs.recent(facts.MAX_JOBS_SHOWN)
            shown = [as_json(job, self._account.base_url) for job in recent]
            return Reply(200, {"job_statuses": shown, "count": len(shown)})

        return Call("job_list", "job_statuses", [], run)

    def _read_many_jobs(self, request: Request, _match: re.Match[str]) -> Call:
        names = [one for one in request.query.get("ids", "").split(",") if one]
        if not names or len(names) > facts.MAX_JOBS_SHOWN:
            raise asking.refuse(400, "BadRequest", f"ids takes 1 to {facts.MAX_JOBS_SHOWN} jobs")

        def run(_: Call) -> Reply:
            found = [job for job in map(self._account.jobs.get, names) if job is not None]
            shown = [as_json(job, self._account.base_url) for job in found]
            return Reply(200, {"job_statuses": shown, "count": len(shown)})

        return Call("job_status", "job_statuses", [], run)

    def _read_job(self, _request: Request, match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            job = self._account.jobs.get(match["id"])
            if job is None:
                raise asking.refuse(404, "RecordNotFound", "Not found")
            return Reply(200, {"job_status": as_json(job, self._account.base_url)})

        return Call("job_status", "job_statuses", [], run)
