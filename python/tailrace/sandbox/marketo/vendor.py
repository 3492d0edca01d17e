"""Marketo's sandbox: an instance with its leads, static lists, imports and custom services.

What a row must be is in ``leads.py`` and ``values.py``, what becomes of it in ``writing.py``,
imports are in ``imports.py``, numbers and texts in ``facts.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tailrace.sandbox.config import ConfigError, choice, number, saved_entries, texts
from tailrace.sandbox.marketo import answers, facts
from tailrace.sandbox.marketo.asking import as_meant
from tailrace.sandbox.marketo.bulk import IMPORT, Bulk
from tailrace.sandbox.marketo.fields import (
    LeadField,
    field_from_answer,
    field_from_config,
    standard_fields,
)
from tailrace.sandbox.marketo.imports import Imports
from tailrace.sandbox.marketo.instance import Instance
from tailrace.sandbox.marketo.leads import Leads
from tailrace.sandbox.marketo.lists import Lists
from tailrace.sandbox.marketo.login import CALLER, PATH, Login
from tailrace.sandbox.marketo.looking import Looking
from tailrace.sandbox.marketo.quota import Quota
from tailrace.sandbox.marketo.writing import TWICE, Writing
from tailrace.sandbox.routes import Routes
from tailrace.sandbox.vendor import Call, Setting, Vendor
from tailrace.sandbox.wire import Json, RefusalError, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.sandbox.records import Collection

_WHERE = "vendors.marketo"
_PREFIXES = (
    *("/rest/v1/leads", "/rest/v1/lead/", "/rest/v1/lists", "/rest/v1/list/", "/rest/v1/stats/"),
    *("/rest/asset/v1/", "/bulk/v1/"),
)


class Marketo(Vendor):
    """A Marketo instance.

    Options: ``oauth`` (``{client_id, client_secret, expires_in_s, uses}``) and ``tokens`` (where
    neither is given any token is good), ``limits`` (standard, none, or ``{max, interval_ms,
    concurrent, daily, used}``), ``fields`` (``name: type`` or ``name: {type, label, length,
    read_only}``, or a saved answer of ``leads/describe``), ``lists`` and ``partitions`` (names),
    ``job_ms`` (how long an import is worked on), ``same_key`` (duplicate, update or refuse: a
    second row of one key in one request), ``unknown_fields`` (row or request: what one fails),
    ``import_empty`` (keep or clear), ``import_misfits`` (fail or warn), ``max_body_bytes``.
    """

    name: ClassVar[str] = "marketo"
    OPTIONS: ClassVar[frozenset[str]] = frozenset(
        {
            *("oauth", "tokens", "limits", "fields", "lists", "partitions", "job_ms", "same_key"),
            *("unknown_fields", "import_empty", "import_misfits", "max_body_bytes"),
        }
    )
    LIMIT_NAMES: ClassVar[frozenset[str]] = frozenset({"none", *facts.LIMITS})
    max_body_bytes = facts.MAX_BODY_BYTES

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        options = setting.options
        self._options = options
        tokens = texts(options, "tokens", _WHERE)
        self._login = Login(options.get("oauth"), tokens, self.clock, _WHERE)
        self._job_ms = number(options, "job_ms", 0, _WHERE)
        self._same_key = choice(options, "same_key", TWICE, _WHERE)
        unknown = choice(options, "unknown_fields", ("row", "request"), _WHERE)
        self._refuses_unknown = unknown == "request"
        self._clears = choice(options, "import_empty", ("keep", "clear"), _WHERE) == "clear"
        self._warns = choice(options, "import_misfits", ("fail", "warn"), _WHERE) == "warn"
        self.set_limits(options.get("limits", facts.DEFAULT_LIMITS))
        self.reset()

    def serves(self, path: str) -> bool:
        return path == PATH or path.startswith(_PREFIXES)

    def body_most(self, path: str) -> int:
        return facts.MAX_FILE_BYTES if path == IMPORT else self.max_body_bytes

    # -- login and limits ------------------------------------------------------------------------

    def principal(self, request: Request) -> str:
        return self._login.principal(request)

    def occupies(self, principal: str) -> bool:
        return principal != CALLER

    def set_limits(self, limits: Any) -> None:
        """``standard``, ``none``, or ``{max, interval_ms, concurrent, daily, used}``; the
        instance's, not the login's."""
        self._quota = Quota(limits, self.clock, self.wall_ms, self.running, _WHERE)

    def admit(self, principal: str, request: Request) -> list[tuple[str, str]]:  # noqa: ARG002
        if principal != CALLER:
            self._quota.take(self._login.user(principal))
        return []

    # -- reading ---------------------------------------------------------------------------------

    def read(self, request: Request) -> Call:
        self._imports.advance()
        if request.target_size > facts.MAX_TARGET_BYTES:
            raise RefusalError(answers.bare(414, "Request-URI Too Long"))
        meant = as_meant(request)
        call = self._routes.read(meant)
        if call is None:
            known = self._routes.methods(meant.path)
            raise answers.refuse("605", "") if known else answers.refuse("610")
        return call

    # -- the rest of a vendor --------------------------------------------------------------------

    def refusal(self, status: int, message: str, **extra: Any) -> Reply:
        """``policy`` may be one of Marketo's codes, which comes with the status 200."""
        policy = str(extra.get("policy", ""))
        code = {"DAILY": "607"}.get(policy, policy if policy in facts.MESSAGES else "")
        code = code or facts.BY_STATUS.get(status, "")
        if code == "606":
            return answers.error(code, "Max rate limit '100' exceeded with in '20' secs")
        return answers.error(code) if code else answers.bare(status, message)

    def results(self, body: Json) -> list[Json] | None:
        found = body.get("result") if isinstance(body, dict) else None
        return found if isinstance(found, list) else None

    def collections(self) -> Mapping[str, Collection]:
        self._imports.advance()
        return {
            "leads": self._instance.leads.records,
            "lists": self._instance.lists.records,
            "imports": self._imports.records,
        }

    def reset(self) -> None:
        self._login.reset()
        leads = Leads(self._fields(), self.clock, self.wall_ms)
        lists = Lists(leads, self._names("lists", facts.DEFAULT_LISTS), self.wall_ms)
        partitions = self._names("partitions", facts.DEFAULT_PARTITIONS)
        instance = Instance(
            *(leads, lists, self.clock, partitions, self._same_key, self._refuses_unknown)
        )
        imports = Imports(
            instance, self._job_ms, self.clock, clears=self._clears, warns=self._warns
        )
        self._instance, self._imports = instance, imports
        self._routes = Routes(
            [
                *self._login.routes(),
                *Writing(instance).routes(),
                *Looking(instance, self._usage).routes(),
                *lists.routes(),
                *Bulk(instance, imports).routes(),
            ]
        )

    def _usage(self) -> dict[str, Json]:
        # Limits that are set anew begin a new count.
        return self._quota.usage()

    def _names(self, option: str, default: tuple[str, ...]) -> tuple[str, ...]:
        named = texts(self._options, option, _WHERE) or default
        if len({name.casefold() for name in named}) < len(named):
            raise ConfigError(f"{_WHERE}: {option} names one twice")
        return named

    def _fields(self) -> dict[str, LeadField]:
        fields = standard_fields()
        fields["externalId"] = LeadField("externalId", "string", "External Id", 255)
        declared = self._options.get("fields") or {}
        where = f"{_WHERE}.fields"
        saved = saved_entries(declared, "result", where)
        if saved is None:
            for name, part in declared.items():
                fields[name] = field_from_config(f"{where}.{name}", name, part)
            return fields
        taken: dict[str, LeadField] = {}
        for part in saved:
            one = field_from_answer(where, part)
            if one is not None:
                # What a standard field is for is known here, and the answer does not say it.
                taken[one.name] = fields.get(one.name, one)
        return {"id": fields["id"], **taken}
