"""Zendesk's sandbox: users, organizations and tickets, their fields, bulk requests and their jobs.

Paths may end in ``.json``. What a row must be is in ``records.py``, jobs are in ``jobs.py``,
numbers and texts in ``facts.py``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from tailrace.sandbox.auth import Auth
from tailrace.sandbox.config import choice, known, number, saved_entries, texts
from tailrace.sandbox.limits import SlidingWindow, limits_from
from tailrace.sandbox.records import Collection
from tailrace.sandbox.routes import Routes
from tailrace.sandbox.vendor import Call, Setting, Vendor
from tailrace.sandbox.wire import Json, RefusalError, Reply, Request
from tailrace.sandbox.zendesk import asking, facts
from tailrace.sandbox.zendesk.account import Account
from tailrace.sandbox.zendesk.bulk import Bulk
from tailrace.sandbox.zendesk.fields import Fields, field_from_answer, field_from_config
from tailrace.sandbox.zendesk.jobs import Jobs
from tailrace.sandbox.zendesk.looking import Looking
from tailrace.sandbox.zendesk.polling import Polling
from tailrace.sandbox.zendesk.records import Store
from tailrace.sandbox.zendesk.single import Single
from tailrace.sandbox.zendesk.tagging import Tagging

if TYPE_CHECKING:
    from tailrace.sandbox.zendesk.values import CustomField

_WHERE = "vendors.zendesk"


class Zendesk(Vendor):
    """A Zendesk account.

    Options: ``api_tokens`` (accepted logins ``EMAIL/token:TOKEN``) and ``tokens`` (bearer tokens;
    where neither is given any is good), ``limits`` (a plan, none, or ``{max, interval_ms}``),
    ``fields`` (per object: ``name: type`` or ``name: {type, title, options, pattern}``, or a saved
    answer that lists them),
    ``job_ms`` (how long a job takes), ``max_jobs``, ``bulk_import`` (false: 403, as accounts are
    until Zendesk's support changes it), ``unknown_fields`` (reject, ignore), ``max_body_bytes``.
    """

    name: ClassVar[str] = "zendesk"
    OPTIONS: ClassVar[frozenset[str]] = frozenset(
        {
            *("api_tokens", "tokens", "limits", "fields", "job_ms", "max_jobs", "bulk_import"),
            *("unknown_fields", "max_body_bytes"),
        }
    )
    LIMIT_NAMES: ClassVar[frozenset[str]] = frozenset({"none", *facts.TIERS})
    max_body_bytes = facts.MAX_BODY_BYTES

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        options = setting.options
        self._options = options
        self._basic = Auth("basic", texts(options, "api_tokens", _WHERE))
        self._bearer = Auth("bearer", texts(options, "tokens", _WHERE))
        self._job_ms = number(options, "job_ms", 0, _WHERE)
        self._max_jobs = int(number(options, "max_jobs", facts.MAX_JOBS, _WHERE))
        self._bulk_import = options.get("bulk_import", True)
        unknown = choice(options, "unknown_fields", ("reject", "ignore"), _WHERE)
        self._ignores_unknown = unknown == "ignore"
        self.set_limits(options.get("limits", facts.DEFAULT_TIER))
        self.reset()

    def serves(self, path: str) -> bool:
        return path.startswith("/api/v2/")

    # -- login and limits ------------------------------------------------------------------------

    def principal(self, request: Request) -> str:
        scheme = request.headers.get("authorization", "").partition(" ")[0].lower()
        auth = self._bearer if scheme == "bearer" else self._basic
        named = self._basic.secrets or self._bearer.secrets
        principal = auth.principal(request) if auth.secrets or not named else None
        is_token = scheme != "basic" or "/token:" in (principal or "")
        if principal is None or not is_token:
            raise RefusalError(Reply(401, {"error": facts.NO_LOGIN}))
        self._account.base_url = f"http://{request.headers.get('host', 'zendesk.invalid')}"
        return principal

    def set_limits(self, limits: Any) -> None:
        """A plan's name, ``none``, or ``{max, interval_ms}``; the account's, not the login's."""
        asked = limits_from(limits, facts.TIERS, ("max", "interval_ms"), _WHERE)
        self._window: SlidingWindow | None = None
        if isinstance(asked, Mapping):
            interval_s = asked.get("interval_ms", 60_000) / 1000
            self._window = SlidingWindow(asked["max"], interval_s, self.clock)
        elif asked is not None:
            self._window = SlidingWindow(asked, facts.WINDOW_S, self.clock)

    def admit(self, principal: str, request: Request) -> list[tuple[str, str]]:  # noqa: ARG002
        if self._window is None:
            return []
        grant = self._window.take()
        headers = [
            ("X-Rate-Limit", str(grant.limit)),
            ("X-Rate-Limit-Remaining", str(grant.remaining)),
            ("ratelimit-limit", str(grant.limit)),
            ("ratelimit-remaining", str(grant.remaining)),
            ("ratelimit-reset", str(math.ceil(grant.wait_s))),
        ]
        if not grant.allowed:
            headers.append(("Retry-After", str(max(1, math.ceil(grant.wait_s)))))
            body = facts.RATE_LIMITED.encode()
            raise RefusalError(Reply(429, body, headers, "text/plain; charset=utf-8"))
        return headers

    # -- reading ---------------------------------------------------------------------------------

    def read(self, request: Request) -> Call:
        self._account.jobs.advance()
        path = request.path.removesuffix(".json").rstrip("/")
        call = self._routes.read(request, path)
        if call is None:
            raise asking.refuse(404, "InvalidEndpoint", "Not found")
        return call

    # -- the rest of a vendor --------------------------------------------------------------------

    def refusal(self, status: int, message: str, **extra: Any) -> Reply:
        if extra.get("policy") == "jobs":
            return asking.error(status, "TooManyJobs", facts.TOO_MANY_JOBS)
        if status == 401:
            return Reply(401, {"error": facts.NO_LOGIN})
        if status == 403:
            return Reply(403, {"error": {"title": "Forbidden", "message": message}})
        if status == 429:
            return Reply(429, facts.RATE_LIMITED.encode(), [], "text/plain; charset=utf-8")
        codes = {400: "BadRequest", 404: "RecordNotFound", 409: "Conflict", 422: "RecordInvalid"}
        return asking.error(status, codes.get(status, "InternalError"), message)

    def results(self, body: Json) -> list[Json] | None:
        if not isinstance(body, dict):
            return None
        lists = [body.get(name) for name in ("users", "organizations", "tickets")]
        lists += [job.get("results") for job in body.get("job_statuses", [])]
        return next((one for one in lists if isinstance(one, list)), None)

    def collections(self) -> Mapping[str, Collection]:
        self._account.jobs.advance()
        held = {name: store.records for name, store in self._account.stores.items()}
        return {**held, "job_statuses": self._account.jobs.records}

    def reset(self) -> None:
        jobs = Jobs(self.clock, self.wall_ms, self._job_ms, self._max_jobs, self.seed)
        account = Account(self._new_stores(), jobs, self.clock)
        self._account = account
        self._routes = Routes(
            [
                *Looking(account).routes(),
                *Bulk(account, may_import=self._bulk_import).routes(),
                *Single(account).routes(),
                *Tagging(account).routes(),
                *Polling(account).routes(),
                *Fields(account).routes(),
            ]
        )

    def _new_stores(self) -> dict[str, Store]:
        stores: dict[str, Store] = {}
        declared = self._options.get("fields") or {}
        known(declared, [one.name for one in facts.OBJECTS], "vendors.zendesk.fields")
        for kind in facts.OBJECTS:
            first = facts.FIRST_ID[kind.name]
            records = Collection(kind.name, kind.unique, first_id=first, folded=kind.unique)
            store = Store(kind, records, {}, self.wall_ms, self._ignores_unknown)
            for field in _fields(kind, declared.get(kind.name) or {}):
                store.add_field(field)
            stores[kind.name] = store
        stores["users"].organizations = stores["organizations"].records
        return stores


def _fields(kind: facts.ObjectType, declared: Any) -> list[CustomField]:
    """Of the account's own making, from a declaration or from an answer of a real account."""
    where = f"{_WHERE}.fields.{kind.name}"
    saved = saved_entries(declared, kind.fields_path, where)
    if saved is None:
        return [field_from_config(f"{where}.{name}", name, part) for name, part in declared.items()]
    return [field_from_answer(where, one) for one in saved if one.get("system") is not True]
