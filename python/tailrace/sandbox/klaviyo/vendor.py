"""Klaviyo's sandbox: an account with its profiles, lists, events and imports.

What a profile must be is in ``profiles.py``, jobs are in ``imports.py``, numbers and texts in
``facts.py``. Each endpoint has limits of its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from tailrace.sandbox.auth import Auth
from tailrace.sandbox.config import choice, number, texts
from tailrace.sandbox.jobs import Deeds
from tailrace.sandbox.klaviyo import facts
from tailrace.sandbox.klaviyo.account import Account
from tailrace.sandbox.klaviyo.accounts import Accounts
from tailrace.sandbox.klaviyo.answers import Problem, errors, refuse
from tailrace.sandbox.klaviyo.bulk import Bulk
from tailrace.sandbox.klaviyo.endpoints import Endpoints
from tailrace.sandbox.klaviyo.events import Events
from tailrace.sandbox.klaviyo.imports import Imports
from tailrace.sandbox.klaviyo.lists import Lists
from tailrace.sandbox.klaviyo.profiles import Profiles
from tailrace.sandbox.klaviyo.quota import LIMITS, Quota
from tailrace.sandbox.klaviyo.single import Single
from tailrace.sandbox.records import Collection
from tailrace.sandbox.vendor import Call, Setting, Vendor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.sandbox.wire import Json, Reply, Request

_WHERE = "vendors.klaviyo"
_PREFIXES = (
    *("/api/profile", "/api/lists", "/api/event", "/api/metrics", "/api/data-privacy-"),
    "/api/accounts",
)
_REVISION = re.compile(r"\d{4}-\d{2}-\d{2}(\.\w+)?", re.ASCII)


class Klaviyo(Vendor):
    """A Klaviyo account.

    Options: ``api_keys`` (private keys; where none is given any is good), ``limits`` (standard,
    none, or ``{burst, steady, daily}`` of every endpoint), ``lists`` (names), ``job_ms`` (how long
    an import takes), ``account_id`` (whose keys they are), ``bulk_validation`` (request or row:
    what a profile fails that cannot be one), ``max_body_bytes``.
    """

    name: ClassVar[str] = "klaviyo"
    OPTIONS: ClassVar[frozenset[str]] = frozenset(
        {
            *("api_keys", "limits", "lists", "job_ms", "account_id", "bulk_validation"),
            "max_body_bytes",
        }
    )
    LIMIT_NAMES: ClassVar[frozenset[str]] = frozenset({"none", *LIMITS})
    max_body_bytes = facts.MAX_BODY_BYTES

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        options = setting.options
        self._options = options
        self._keys = texts(options, "api_keys", _WHERE)
        self._job_ms = number(options, "job_ms", 0, _WHERE)
        self._lists = texts(options, "lists", _WHERE) or facts.DEFAULT_LISTS
        self._account_id = str(options.get("account_id", facts.DEFAULT_ACCOUNT))
        by = choice(options, "bulk_validation", ("request", "row"), _WHERE)
        self._by_row = by == "row"
        self.set_limits(options.get("limits", "standard"))
        self.reset()

    def serves(self, path: str) -> bool:
        return path.startswith(_PREFIXES)

    # -- login and limits ------------------------------------------------------------------------

    def principal(self, request: Request) -> str:
        if not request.headers.get("authorization"):
            detail = "Missing or invalid authorization header."
            raise refuse(401, "not_authenticated", detail, "/data/")
        key = Auth("klaviyo-api-key").principal(request) or Auth("bearer").principal(request)
        known = Auth("klaviyo-api-key", self._keys).principal(request)
        if key is None or (self._keys and known is None):
            detail = "Missing or invalid private key."
            raise refuse(401, "authentication_failed", detail, "/data/")
        self._account.base_url = f"http://{request.headers.get('host', 'klaviyo.invalid')}"
        return key

    def set_limits(self, limits: Any) -> None:
        """``standard``, ``none``, or ``{burst, steady, daily}``, the same for every endpoint."""
        self._quota = Quota(limits, self.clock, _WHERE)

    def admit(self, principal: str, request: Request) -> list[tuple[str, str]]:  # noqa: ARG002
        endpoint = self._endpoints.find(request.method, request.path)
        return [] if endpoint is None else self._quota.take(endpoint.name, endpoint.pace)

    # -- reading ---------------------------------------------------------------------------------

    def read(self, request: Request) -> Call:
        self._advance()
        revision = request.headers.get("revision", "")
        if not _REVISION.fullmatch(revision):
            detail = f"The revision header must be a date, not '{revision[:40]}'."
            raise refuse(400, "invalid", detail, "/data/")
        call = self._endpoints.routes.read(request)
        if call is None and self._endpoints.routes.methods(request.path):
            detail = f'Method "{request.method}" not allowed.'
            raise refuse(405, "method_not_allowed", detail, "/data/")
        if call is None:
            raise refuse(404, "not_found", "No resource was found at this path.", "/data/")
        return call

    def _advance(self) -> None:
        self._imports.advance()
        self._deeds.advance()

    # -- the rest of a vendor --------------------------------------------------------------------

    def refusal(self, status: int, message: str, **extra: Any) -> Reply:  # noqa: ARG002
        code = facts.BY_STATUS.get(status, "invalid" if status < 500 else "error")
        return errors([Problem("/data/", message, code, status)])

    def results(self, body: Json) -> list[Json] | None:
        found = body.get("data") if isinstance(body, dict) else None
        return found if isinstance(found, list) else None

    def collections(self) -> Mapping[str, Collection]:
        self._advance()
        account = self._account
        return {
            "profiles": account.profiles.records,
            "lists": account.lists,
            "events": account.events,
            "metrics": account.metrics,
            "imports": self._imports.records,
        }

    def reset(self) -> None:
        events, metrics = Collection("events", ("mark",)), Collection("metrics", ("name",))
        profiles = Profiles(self.wall_ms)
        account = Account(profiles, Collection("lists"), events, metrics, self.wall_ms)
        imports = Imports(account, self._job_ms, self.clock, self.seed)
        deeds = Deeds(self.clock, self._job_ms)
        lists = Lists(account)
        for name in self._lists:
            lists.make(name)
        self._account, self._imports, self._deeds = account, imports, deeds
        self._endpoints = Endpoints(
            [
                *Single(account, deeds).endpoints(),
                *Bulk(account, imports, by_row=self._by_row).endpoints(),
                *lists.endpoints(),
                *Events(account, deeds).endpoints(),
                *Accounts(account, self._account_id).endpoints(),
            ]
        )
