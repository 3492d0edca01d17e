"""Mailchimp's sandbox: an account with its audiences, their members and merge fields.

What a member must be is in ``audience.py``, values of merge fields are in ``merge_fields.py``,
requests are in ``members.py``, numbers and texts in ``facts.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tailrace.sandbox.auth import Auth
from tailrace.sandbox.config import ConfigError, choice, known, number, saved_entries, texts
from tailrace.sandbox.limits import limits_from
from tailrace.sandbox.mailchimp import facts
from tailrace.sandbox.mailchimp.account import Account
from tailrace.sandbox.mailchimp.answers import bare, problem, refuse
from tailrace.sandbox.mailchimp.audience import Audience
from tailrace.sandbox.mailchimp.batches import RESULTS, Batches, Operations
from tailrace.sandbox.mailchimp.looking import Looking
from tailrace.sandbox.mailchimp.members import Members
from tailrace.sandbox.mailchimp.merge_fields import (
    MergeField,
    field_from_answer,
    field_from_config,
    standard_fields,
)
from tailrace.sandbox.records import Collection
from tailrace.sandbox.routes import Routes
from tailrace.sandbox.vendor import Call, Setting, Vendor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.sandbox.wire import Json, Reply, Request

_WHERE = "vendors.mailchimp"
_LIMITS: Mapping[str, Mapping[str, int]] = {"standard": {"concurrent": facts.CONCURRENT}}
_ANYONE = "anyone"


class Mailchimp(Vendor):
    """A Mailchimp account.

    Options: ``api_keys`` (where none is given any is good) and ``data_center`` (that keys have to
    end with), ``limits`` (standard, none, or ``{concurrent}``), ``lists`` (by id: ``{name,
    merge_fields}``, where merge fields are ``TAG: type``, ``TAG: {type, name, required, choices}``
    or a saved answer of ``merge-fields``), ``compliance`` (addresses that cannot be subscribed),
    ``fake_domains`` (of addresses that look fake), ``unknown_fields`` (reject or ignore),
    ``new_status_in_many`` (taken, ignored or refused: ``status_if_new`` in requests of many),
    ``job_ms`` (how long a batch takes), ``max_body_bytes``.
    """

    name: ClassVar[str] = "mailchimp"
    OPTIONS: ClassVar[frozenset[str]] = frozenset(
        {
            *("api_keys", "data_center", "limits", "lists", "compliance", "fake_domains"),
            *("unknown_fields", "new_status_in_many", "job_ms", "max_body_bytes"),
        }
    )
    LIMIT_NAMES: ClassVar[frozenset[str]] = frozenset({"none", *_LIMITS})
    max_body_bytes = facts.MAX_BODY_BYTES

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        options = setting.options
        self._options = options
        self._keys = texts(options, "api_keys", _WHERE)
        self._center = options.get("data_center", "")
        if not isinstance(self._center, str):
            raise ConfigError(f"{_WHERE}: data_center is a text, such as us1")
        self._compliance = frozenset(one.lower() for one in texts(options, "compliance", _WHERE))
        self._fakes = frozenset(one.lower() for one in texts(options, "fake_domains", _WHERE))
        unknown = choice(options, "unknown_fields", ("reject", "ignore"), _WHERE)
        self._ignores_unknown = unknown == "ignore"
        words = ("taken", "ignored", "refused")
        self._new_status = choice(options, "new_status_in_many", words, _WHERE)
        self._job_ms = number(options, "job_ms", 0, _WHERE)
        self.set_limits(options.get("limits", "standard"))
        self.reset()

    def serves(self, path: str) -> bool:
        return path == facts.BASE or path.startswith((f"{facts.BASE}/", RESULTS))

    # -- login and limits ------------------------------------------------------------------------

    def principal(self, request: Request) -> str:
        if request.path.startswith(RESULTS):
            return _ANYONE
        if not request.headers.get("authorization"):
            raise refuse(401, facts.NO_KEY, "API Key Missing")
        basic, bearer = (Auth(kind).principal(request) for kind in ("basic", "bearer"))
        key = basic.partition(":")[2] if basic else bearer
        if not key or (self._keys and key not in self._keys):
            raise refuse(401, facts.BAD_KEY)
        if basic and self._center and key.rpartition("-")[2] != self._center:
            raise refuse(403, facts.WRONG_CENTER, "Wrong Datacenter")
        self._account.base_url = f"http://{request.headers.get('host', 'mailchimp.invalid')}"
        return key

    def set_limits(self, limits: Any) -> None:
        """``standard``, ``none``, or ``{concurrent}``; the account's, not the key's."""
        asked = limits_from(limits, _LIMITS, ("concurrent",), _WHERE)
        self._concurrent = asked["concurrent"] if asked is not None else None

    def occupies(self, principal: str) -> bool:
        return principal != _ANYONE

    def admit(self, principal: str, request: Request) -> list[tuple[str, str]]:  # noqa: ARG002
        full = self._concurrent is not None and len(self.running) >= self._concurrent
        if full and principal != _ANYONE:
            raise refuse(429, facts.TOO_MANY)
        return []

    # -- reading ---------------------------------------------------------------------------------

    def read(self, request: Request) -> Call:
        self._batches.advance()
        call = self._routes.read(request)
        if call is None:
            allowed = self._routes.methods(request.path)
            if not allowed:
                raise refuse(404, facts.NOT_FOUND)
            refusal = refuse(405, facts.NOT_ALLOWED)
            refusal.reply.headers.append(("Allow", ", ".join(allowed)))
            raise refusal
        return call

    # -- the rest of a vendor --------------------------------------------------------------------

    def refusal(self, status: int, message: str, **extra: Any) -> Reply:
        """A 403 without a ``policy`` is the one that comes from in front of the API."""
        if status == 403 and not extra.get("policy"):
            return bare(status)
        return problem(status, facts.TOO_MANY if status == 429 else message)

    def results(self, body: Json) -> list[Json] | None:
        if not isinstance(body, dict):
            return None
        lists = [body.get(name) for name in ("new_members", "updated_members", "members")]
        return next((one for one in lists if isinstance(one, list) and one), None)

    def collections(self) -> Mapping[str, Collection]:
        self._batches.advance()
        return {"members": self._account.members, "batches": self._batches.records}

    def reset(self) -> None:
        members = Collection("members", ("place",))
        account = Account({}, members, self._new_status)
        lists = self._options.get("lists") or {facts.DEFAULT_LIST: {}}
        known(lists, lists, f"{_WHERE}.lists")
        for list_id, part in lists.items():
            account.audiences[str(list_id)] = self._audience(str(list_id), part or {}, members)
        served = Routes([*Members(account).routes(), *Looking(account).routes()])
        self._account = account
        self._batches = Batches(served, self._job_ms, self.clock, self.wall_ms, self.seed)
        operations = Operations(account, self._batches, self.clock)
        self._routes = Routes([*operations.routes(), *served])

    def _audience(self, list_id: str, part: Any, members: Collection) -> Audience:
        where = f"{_WHERE}.lists.{list_id}"
        known(part, ("name", "merge_fields"), where)
        if not list_id.isalnum():
            raise ConfigError(f"{where}: an id has letters and digits")
        audience = Audience(
            list_id,
            str(part.get("name", "Sandbox Audience")),
            members,
            self.wall_ms,
            self._compliance,
            self._fakes,
            self._ignores_unknown,
        )
        for one in _fields(f"{where}.merge_fields", part.get("merge_fields") or {}):
            audience.add_field(one)
        return audience


def _fields(where: str, declared: Any) -> list[MergeField]:
    """The standard ones and the declared ones, or those of an answer of a real account."""
    saved = saved_entries(declared, "merge_fields", where)
    if saved is not None:
        return [field_from_answer(where, part) for part in saved]
    fields = {one.tag: one for one in standard_fields()}
    for tag, part in declared.items():
        fields[tag] = field_from_config(f"{where}.{tag}", tag, part)
    return list(fields.values())
