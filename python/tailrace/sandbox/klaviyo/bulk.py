"""Bulk imports of profiles: started, asked for, their errors read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.sandbox.klaviyo import facts
from tailrace.sandbox.klaviyo.answers import (
    Problem,
    answer,
    data_of,
    errors,
    moment,
    page,
    refuse,
    resource_of,
    unknown,
)
from tailrace.sandbox.klaviyo.endpoints import Endpoint, endpoint
from tailrace.sandbox.klaviyo.filters import read_filter
from tailrace.sandbox.klaviyo.profiles import key_of, problems
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, RefusalError, Reply, Request

if TYPE_CHECKING:
    import re

    from tailrace.sandbox.klaviyo.account import Account
    from tailrace.sandbox.klaviyo.imports import Failed, Import, Imports

_JOBS = "/api/profile-bulk-import-jobs"
_KIND = "profile-bulk-import-job"
_ROWS = "/data/attributes/profiles/data"


class Bulk:
    """``profile-bulk-import-jobs``. ``by_row``: a profile that cannot be one is an error of the
    import, where otherwise it fails the whole request."""

    def __init__(self, account: Account, imports: Imports, *, by_row: bool) -> None:
        self._account = account
        self._imports = imports
        self._by_row = by_row

    def endpoints(self) -> list[Endpoint]:
        """What is served here."""
        one = rf"{_JOBS}/(?P<id>\w+)"
        return [
            endpoint("POST", _JOBS, facts.MIDDLE, self._read_import),
            endpoint("GET", _JOBS, facts.MIDDLE, self._read_list),
            endpoint("GET", one, facts.MIDDLE, self._read_job),
            endpoint("GET", f"{one}/import-errors", facts.MIDDLE, self._read_errors),
        ]

    def _read_import(self, request: Request, _match: re.Match[str]) -> Call:
        data = data_of(request)
        attributes = resource_of(data, _KIND)
        found = unknown(attributes, ("profiles",), _KIND)
        if found is not None:
            raise RefusalError(errors([found]))
        profiles = attributes.get("profiles")
        rows = profiles.get("data") if isinstance(profiles, dict) else None
        if not isinstance(rows, list) or not rows:
            raise refuse(400, "invalid", "'profiles' is a required field.", _ROWS)
        if len(rows) > facts.MAX_PROFILES:
            detail = f"The maximum number of profiles is {facts.MAX_PROFILES}."
            raise refuse(400, "invalid", detail, _ROWS)
        bad = [] if self._by_row else _bad(rows)
        if bad:
            raise RefusalError(errors(bad))
        lists = self._lists(data)

        def run(call: Call) -> Reply:
            call.rejected = len(call.refuse)
            call.applied = len(rows) - call.rejected
            job = self._imports.queue(call, rows, lists, unchecked=self._by_row)
            return answer(202, {"data": _as_new(self._shown(job))})

        return Call("import", "profiles", [_key(row) for row in rows], run)

    def _lists(self, data: dict[str, Any]) -> tuple[str, ...]:
        related = data.get("relationships")
        given = related.get("lists") if isinstance(related, dict) else None
        listed = given.get("data") if isinstance(given, dict) else []
        if related is not None and not isinstance(listed, list):
            raise refuse(400, "invalid", "lists is a list.", "/data/relationships/lists")
        numbers = []
        for one in listed or []:
            fits = isinstance(one, dict) and one.get("type") == "list"
            if not fits or not isinstance(one.get("id"), str):
                raise refuse(400, "invalid", "A list is {type, id}.", "/data/relationships/lists")
            if self._account.lists.get(one["id"]) is None:
                raise refuse(400, "invalid", f"List ID {one['id'][:80]} does not exist.")
            numbers.append(one["id"])
        return tuple(numbers)

    def _job(self, match: re.Match[str]) -> Import:
        job = self._imports.get(match["id"])
        if job is None:
            detail = f"A {_KIND} with id {match['id'][:80]} does not exist."
            raise refuse(404, "not_found", detail)
        return job

    def _read_list(self, request: Request, _match: re.Match[str]) -> Call:
        asked = read_filter(request.query.get("filter"), {"status": ("any", "equals")})

        def run(_: Call) -> Reply:
            found = [
                job for job in self._imports.newest() if asked is None or job.status in asked.values
            ]
            return page(request, self._account.base_url, found, self._shown)

        return Call("import_list", "profiles", [], run)

    def _read_job(self, _request: Request, match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            return answer(200, {"data": self._shown(self._job(match))})

        return Call("import_status", "profiles", [], run)

    def _read_errors(self, request: Request, match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            found = self._job(match).failed
            return page(request, self._account.base_url, found, _error_json)

        return Call("import_errors", "profiles", [], run)

    def _shown(self, job: Import) -> dict[str, Json]:
        """A job as the API shows it."""
        ended, begun = job.stage == "ended", job.stage != "queued"
        address = f"{self._account.base_url}{_JOBS}/{job.id}"
        ends_ms = self._imports.ms_of(job, job.due_s)
        expires_ms = ends_ms + int(facts.JOB_KEPT_S * 1000)
        linked = {
            name: {"self": f"{address}/relationships/{name}", "related": f"{address}/{name}"}
            for name in ("lists", "profiles")
        }
        lists = [{"type": "list", "id": number} for number in job.lists]
        return {
            "type": _KIND,
            "id": job.id,
            "attributes": {
                "status": job.status,
                "created_at": moment(job.created_ms),
                "total_count": len(job.items),
                "completed_count": job.written,
                "failed_count": len(job.failed),
                "started_at": moment(job.created_ms) if begun else None,
                "completed_at": moment(ends_ms) if ended else None,
                "expires_at": moment(expires_ms) if ended else None,
            },
            "relationships": {
                "lists": {"data": lists, "links": linked["lists"]},
                "profiles": {"links": linked["profiles"]},
                "import-errors": {"links": {"related": f"{address}/import-errors"}},
            },
            "links": {"self": address},
        }


def _as_new(shown: dict[str, Json]) -> dict[str, Json]:
    """What a job is told to be when it has just been queued, however fast it is."""
    fresh = {
        **shown["attributes"],
        **dict.fromkeys(("started_at", "completed_at", "expires_at")),
        "status": "queued",
        "completed_count": 0,
        "failed_count": 0,
    }
    return {**shown, "attributes": fresh}


def _bad(rows: list[Any]) -> list[Problem]:
    return [one for at, row in enumerate(rows) for one in problems(row, f"{_ROWS}/{at}")]


def _key(row: Any) -> str:
    attributes = row.get("attributes") if isinstance(row, dict) else None
    named = key_of(attributes) if isinstance(attributes, dict) else None
    return named or str(row.get("id") or "" if isinstance(row, dict) else "")


def _error_json(one: Failed) -> dict[str, Json]:
    attributes: dict[str, Json] = {
        "code": one.problem.code,
        "title": "Invalid input." if one.problem.status == 400 else "Conflict.",
        "detail": one.problem.detail,
        "source": {"pointer": one.problem.pointer},
        "original_payload": one.payload,
    }
    return {"type": "import-error", "id": one.id, "attributes": attributes}
