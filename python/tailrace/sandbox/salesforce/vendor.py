"""Salesforce's sandbox: an org's records over REST, sObject Collections and Bulk API 2.0.

Serves ``/services/oauth2/token`` and ``/services/data/vNN.0/...``. What a row must be is in
``values.py`` and ``writing.py``, numbers and texts are in ``facts.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tailrace.sandbox.config import choice, number, texts
from tailrace.sandbox.routes import Routes
from tailrace.sandbox.salesforce import facts
from tailrace.sandbox.salesforce.answers import error_reply, not_found, refuse
from tailrace.sandbox.salesforce.bulk import UPLOAD, Bulk
from tailrace.sandbox.salesforce.collections import Collections
from tailrace.sandbox.salesforce.csv_file import Table
from tailrace.sandbox.salesforce.declaring import declared
from tailrace.sandbox.salesforce.describing import Describing
from tailrace.sandbox.salesforce.ingest import IngestJobs
from tailrace.sandbox.salesforce.login import Login
from tailrace.sandbox.salesforce.org import Org
from tailrace.sandbox.salesforce.query import Queries
from tailrace.sandbox.salesforce.quota import Quota
from tailrace.sandbox.salesforce.retrieving import Retrieving
from tailrace.sandbox.salesforce.rows import RowReader
from tailrace.sandbox.salesforce.single import Single
from tailrace.sandbox.vendor import Call, Setting, Vendor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.sandbox.records import Collection
    from tailrace.sandbox.wire import Json, Reply, Request

_WHERE = "vendors.salesforce"


class Salesforce(Vendor):
    """A Salesforce org.

    Options: ``oauth`` (see ``oauth.Grants``; every grant that it has what for is offered) and
    ``tokens`` (accepted session ids; where neither is given any is good), ``limits`` (an edition,
    none, or ``{daily, used, concurrent, long_ms, batches, rows}``), ``objects`` (custom ones by
    name: ``{label, prefix, fields}``), ``fields`` (per object: ``name: type`` or
    ``name: {type, length, values, external_id, unique, ...}``), ``describe`` (saved answers of
    ``sobjects/NAME/describe``, whose objects are as they say), ``unreadable`` (request: a field
    that does not exist and a JSON value of the wrong kind fail the whole request; row: only
    theirs), ``job_ms`` (how long a job takes), ``hard_delete`` (false: the user may not),
    ``max_file_bytes`` of a job, ``max_body_bytes`` of other requests.
    """

    name: ClassVar[str] = "salesforce"
    OPTIONS: ClassVar[frozenset[str]] = frozenset(
        {
            *("oauth", "tokens", "limits", "objects", "fields", "describe", "unreadable"),
            *("job_ms", "hard_delete", "max_file_bytes", "max_body_bytes"),
        }
    )
    LIMIT_NAMES: ClassVar[frozenset[str]] = frozenset({"none", *facts.TIERS})
    max_body_bytes = facts.MAX_JSON_BYTES

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        options = setting.options
        self._setting = setting
        self._declared = declared(options)
        tokens = texts(options, "tokens", _WHERE)
        self._login = Login(options.get("oauth"), tokens, self.clock, self.wall_ms, _WHERE)
        self._by_row = choice(options, "unreadable", ("request", "row"), _WHERE) == "row"
        self._may_hard_delete = options.get("hard_delete", True) is True
        self._job_ms = number(options, "job_ms", 0, _WHERE)
        self._max_file_bytes = int(number(options, "max_file_bytes", facts.MAX_FILE_BYTES, _WHERE))
        self.set_limits(options.get("limits", facts.DEFAULT_TIER))
        self.reset()

    def serves(self, path: str) -> bool:
        return path.startswith(("/services/", "/id/"))

    def body_most(self, path: str) -> int:
        return self._max_file_bytes if path.endswith(UPLOAD) else self.max_body_bytes

    def principal(self, request: Request) -> str:
        return self._login.principal(request)

    def set_limits(self, limits: Any) -> None:
        """An edition, ``none``, or ``{daily, used, concurrent, long_ms, batches, rows}``."""
        self._quota = Quota(limits, self.clock, self.running, _WHERE)

    def admit(self, principal: str, request: Request) -> list[tuple[str, str]]:  # noqa: ARG002
        return [] if principal == "oauth" else self._quota.take_call()

    def read(self, request: Request) -> Call:
        if request.target_size > facts.MAX_URI:
            raise refuse(414, "URI_TOO_LONG", "URI Too Long")
        version = request.path.removeprefix("/services/data/v")[:2]
        if version.isdigit() and not facts.FIRST_VERSION <= int(version) <= facts.LAST_VERSION:
            raise not_found()
        self._jobs.advance()
        call = self._routes.read(request)
        if call is not None:
            return call
        allowed = self._routes.methods(request.path)
        if allowed and request.method not in allowed:
            message = (
                f"HTTP Method '{request.method}' not allowed. Allowed are {', '.join(allowed)}"
            )
            raise refuse(405, "METHOD_NOT_ALLOWED", message)
        raise not_found()

    def refusal(self, status: int, message: str, **extra: Any) -> Reply:
        if status == 429 or (status == 403 and extra.get("policy")):
            # There is no 429 here: the day's calls are spent, or too many take too long at once.
            spent = extra.get("policy") == "DAILY"
            message = facts.TOO_MANY_CALLS if spent else facts.TOO_MANY_AT_ONCE
            return error_reply(403, "REQUEST_LIMIT_EXCEEDED", message)
        if status == 401:
            return error_reply(401, "INVALID_SESSION_ID", facts.EXPIRED)
        return error_reply(status, facts.CODES.get(status, "UNKNOWN_EXCEPTION"), message)

    def results(self, body: Json) -> list[Json] | None:
        if isinstance(body, Table):
            return body.rows
        return body if isinstance(body, list) else None

    def collections(self) -> Mapping[str, Collection]:
        self._jobs.advance()
        held = {name: one.records for name, one in self._org.sobjects.items()}
        return {**held, self._jobs.records.name: self._jobs.records}

    def reset(self) -> None:
        self._login.reset()
        self._org = Org(self._declared, self.wall_ms)
        self._jobs = IngestJobs(self._org, lambda: self._quota, self._job_ms, self._setting)
        reader = RowReader(self._org, by_row=self._by_row)
        self._routes = Routes(
            [
                *self._login.routes(),
                *Collections(self._org, reader).routes(),
                *Bulk(self._org, self._jobs, may_hard_delete=self._may_hard_delete).routes(),
                *Retrieving(self._org).routes(),
                *Queries(self._org).routes(),
                *Describing(self._org, lambda: self._quota).routes(),
                *Single(self._org, reader).routes(),
            ]
        )
