"""HubSpot's sandbox: CRM objects in batches, their properties, logins and rate limits.

Serves ``/crm/v3/objects/{type}/batch/{op}`` and its date-based twin
``/crm/objects/{version}/{type}/batch/{op}`` (any version), single records, the plain list of
records, the properties of an object, lists and their members, the account's details, and
``/oauth/v1/token``. What is refused, and how, is in ``batch.py``, ``judging.py`` and ``lists.py``;
numbers and texts are in ``facts.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote

from tailrace.sandbox.auth import Auth
from tailrace.sandbox.config import choice, known, saved_entries, texts
from tailrace.sandbox.hubspot import batch, facts, properties
from tailrace.sandbox.hubspot.answers import error_reply, json_body, refuse
from tailrace.sandbox.hubspot.associations import Associations, labels_from
from tailrace.sandbox.hubspot.inputs import read_inputs, wanted_names
from tailrace.sandbox.hubspot.lists import Lists
from tailrace.sandbox.hubspot.properties import (
    field_from_answer,
    field_from_api,
    field_from_config,
)
from tailrace.sandbox.hubspot.single import Single
from tailrace.sandbox.hubspot.store import Store
from tailrace.sandbox.limits import KINDS, Limiter, SlidingWindow, limits_from
from tailrace.sandbox.oauth import Grants, TokenRefusedError
from tailrace.sandbox.records import Collection
from tailrace.sandbox.routes import Routes, route
from tailrace.sandbox.vendor import Call, Setting, Vendor
from tailrace.sandbox.wire import Json, RefusalError, Reply, Request

if TYPE_CHECKING:
    import re

_WHERE = "vendors.hubspot"
_VERSION = r"(?:v3|\d{4}-\d{2}(?:-beta)?)"


class HubSpot(Vendor):
    """A HubSpot account.

    Options: ``tokens`` (accepted bearer tokens; left out: any), ``oauth`` (see
    ``oauth.Grants``), ``limits`` (a tier, none, or ``{max, interval_ms, daily, kind}`` with a kind
    of sliding, fixed or leaky), ``properties`` per object (or a saved answer that lists them),
    ``objects`` (custom ones by name), ``lists`` (by name: ``{object, processing}``, contacts and
    MANUAL where left out; their ids count from 1), ``unknown_properties`` (reject, create),
    ``multi_status`` (values: unknown properties and conflicts fail the whole batch; full: they are
    per row too), ``association_labels`` (the account's own kinds of links: a list of
    ``{from, to, id, label}``), ``max_body_bytes``, ``no_schemas`` (tokens that may make no
    properties) and ``portals`` (by token the id of the portal that it is for; null: the token lacks
    the scope that the account's details take).
    """

    name: ClassVar[str] = "hubspot"
    OPTIONS: ClassVar[frozenset[str]] = frozenset(
        {
            *("tokens", "oauth", "limits", "properties", "objects", "unknown_properties"),
            *("multi_status", "max_body_bytes", "portals", "lists", "no_schemas"),
            "association_labels",
        }
    )
    LIMIT_NAMES: ClassVar[frozenset[str]] = frozenset({"none", *facts.TIERS})
    max_body_bytes = facts.MAX_BODY_BYTES

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._options = setting.options
        self._auth = Auth("bearer", texts(setting.options, "tokens", _WHERE))
        self._without_schemas = texts(setting.options, "no_schemas", _WHERE)
        self._grants = Grants(setting.options.get("oauth"), self.clock, self.wall_ms)
        self.set_limits(setting.options.get("limits", facts.DEFAULT_TIER))
        self.reset()

    def serves(self, path: str) -> bool:
        return path.startswith(("/crm/", "/crm-object-schemas/", "/account-info/", "/oauth/"))

    # -- login and limits ------------------------------------------------------------------------

    def principal(self, request: Request) -> str:
        if request.path.startswith("/oauth/"):
            return "oauth"
        token = Auth("bearer").principal(request)
        if token is None:
            raise refuse(401, facts.NO_LOGIN, "INVALID_AUTHENTICATION")
        state = self._grants.state(token)
        if state == "expired":
            message = "The OAuth token used to make this call has expired."
            raise refuse(401, message, "EXPIRED_AUTHENTICATION")
        if state == "unknown" and not self._is_static(request):
            raise refuse(401, facts.NO_LOGIN, "INVALID_AUTHENTICATION")
        return token

    def _is_static(self, request: Request) -> bool:
        """Whether the token is a configured one; any is where neither tokens nor OAuth are."""
        if self._grants.enabled and not self._auth.secrets:
            return False
        return self._auth.principal(request) is not None

    def set_limits(self, limits: Any) -> None:
        """A tier's name, ``none``, or ``{max, interval_ms, daily, kind}``."""
        self._tier, self._interval_s = _tier(limits)
        self._kind = limits.get("kind", "sliding") if isinstance(limits, Mapping) else "sliding"
        self._bursts: dict[str, Limiter] = {}
        daily = self._tier.daily if self._tier is not None else None
        self._daily = SlidingWindow(daily, 86_400.0, self.clock) if daily else None

    def admit(self, principal: str, request: Request) -> list[tuple[str, str]]:  # noqa: ARG002
        if self._tier is None or principal == "oauth":
            return []
        burst = self._bursts.get(principal)
        if burst is None:
            burst = KINDS[self._kind](self._tier.burst, self._interval_s, self.clock)
            self._bursts[principal] = burst
        grant = burst.take()
        headers = [
            ("X-HubSpot-RateLimit-Max", str(grant.limit)),
            ("X-HubSpot-RateLimit-Remaining", str(grant.remaining)),
            ("X-HubSpot-RateLimit-Interval-Milliseconds", str(int(self._interval_s * 1000))),
        ]
        if not grant.allowed:
            raise self._limited("TEN_SECONDLY_ROLLING", headers)
        if self._daily is not None:
            day = self._daily.take()
            headers.append(("X-HubSpot-RateLimit-Daily", str(day.limit)))
            headers.append(("X-HubSpot-RateLimit-Daily-Remaining", str(day.remaining)))
            if not day.allowed:
                raise self._limited("DAILY", headers)
        return headers

    def _limited(self, policy: str, headers: list[tuple[str, str]]) -> RefusalError:
        reply = self.refusal(429, f"You have reached your {policy.lower()} limit.", policy=policy)
        reply.headers += headers
        return RefusalError(reply)

    # -- reading ---------------------------------------------------------------------------------

    def read(self, request: Request) -> Call:
        call = self._routes.read(request)
        if call is None:
            raise refuse(404, f"No resource at {request.method} {request.path}", "OBJECT_NOT_FOUND")
        return call

    def _make_routes(self) -> Routes:
        objects = rf"/crm/(?:v3/objects|objects/{_VERSION})/(?P<type>[^/]+)"
        properties = rf"/crm/(?:v3/properties|properties/{_VERSION})/(?P<type>[^/]+)"
        ops = "(?P<op>upsert|create|update|archive|read)"
        return Routes(
            [
                route("POST", rf"{objects}/batch/{ops}", self._read_batch),
                route("GET", objects, self._read_list),
                *Single(self._store).routes(objects),
                route("GET", properties, self._read_properties),
                route("POST", properties, self._read_new_property),
                route("GET", rf"{properties}/(?P<name>[^/]+)", self._read_property),
                route("GET", rf"/crm-object-schemas/{_VERSION}/schemas", self._read_schemas),
                route("GET", rf"/account-info/{_VERSION}/details", self._read_details),
                route("POST", r"/oauth/v1/token", self._read_token),
                *self._lists.routes(),
                *self._associations.routes(),
            ]
        )

    def _store(self, match: re.Match[str]) -> Store:
        asked = unquote(match["type"])
        store = self._stores.get(asked)
        if store is None:
            message = f"Unable to infer object type from: {asked}"
            raise refuse(404, message, "OBJECT_NOT_FOUND")
        return store

    def _read_batch(self, request: Request, match: re.Match[str]) -> Call:
        store, op = self._store(match), match["op"]
        body = json_body(request)
        rows = read_inputs(store, op, body)

        def run(call: Call) -> Reply:
            if op == "read":
                return batch.read_rows(store, rows, body)
            if op == "archive":
                return batch.archive(store, call, rows)
            return batch.write(store, call, rows)

        keys = [row.key or f"#{row.position}" for row in rows]
        return Call(op, store.type.name, keys, run)

    def _read_list(self, request: Request, match: re.Match[str]) -> Call:
        store = self._store(match)
        limit = _number(request, "limit", facts.DEFAULT_LIST_PAGE)
        if not 1 <= limit <= facts.MAX_LIST_PAGE:
            raise refuse(400, f"limit must be from 1 to {facts.MAX_LIST_PAGE}")
        after = request.query.get("after")
        if after is not None:
            _number(request, "after", 0)
        names = wanted_names(request)

        def run(_: Call) -> Reply:
            found, following = store.records.page(after, limit)
            shown = names or store.type.shown
            body: dict[str, Json] = {"results": [store.record_json(one, shown) for one in found]}
            if following is not None:
                link = f"{request.path}?limit={limit}&after={following}"
                body["paging"] = {"next": {"after": following, "link": link}}
            return Reply(200, body)

        return Call("list", store.type.name, [], run)

    def _read_details(self, request: Request, _match: re.Match[str]) -> Call:
        portals = self._options.get("portals") or {}
        portal = portals.get(self.principal(request), facts.PORTAL_ID)
        if portal is None:
            raise refuse(403, "This app hasn't been granted all required scopes", "MISSING_SCOPES")
        body = {
            "portalId": portal,
            "accountType": "STANDARD",
            "timeZone": "UTC",
            "companyCurrency": "USD",
            "additionalCurrencies": [],
            "utcOffset": "+00:00",
            "utcOffsetMilliseconds": 0,
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "na1",
        }
        return Call("details", "account", [], lambda _: Reply(200, body))

    # -- objects and properties ------------------------------------------------------------------

    def _read_schemas(self, _request: Request, _match: re.Match[str]) -> Call:
        """The portal's own objects: those that every portal has are in no answer."""
        every = {one.name for one in facts.OBJECTS}
        own = {id(store): store.type for store in self._stores.values()}
        listed: list[Json] = [
            {
                "name": one.name,
                "objectTypeId": one.number,
                "fullyQualifiedName": f"p{facts.PORTAL_ID}_{one.name}",
                "labels": {"singular": one.singular, "plural": one.name},
            }
            for one in own.values()
            if one.name not in every
        ]
        return Call("schemas", "account", [], lambda _: Reply(200, {"results": listed}))

    def _read_properties(self, _request: Request, match: re.Match[str]) -> Call:
        store = self._store(match)

        def run(_: Call) -> Reply:
            return Reply(
                200, {"results": [properties.as_json(one) for one in store.fields.values()]}
            )

        return Call("properties", store.type.name, [], run)

    def _read_property(self, _request: Request, match: re.Match[str]) -> Call:
        store, name = self._store(match), unquote(match["name"])

        def run(_: Call) -> Reply:
            field = store.fields.get(name)
            if field is None:
                raise refuse(404, f"Property {name} does not exist", "OBJECT_NOT_FOUND")
            return Reply(200, properties.as_json(field))

        return Call("property", store.type.name, [name], run)

    def _read_new_property(self, request: Request, match: re.Match[str]) -> Call:
        store, body, principal = self._store(match), json_body(request), self.principal(request)
        field = field_from_api(body, facts.GROUPS.get(store.type.name, ()))

        def run(call: Call) -> Reply:
            if principal in self._without_schemas:
                message = "This app hasn't been granted all required scopes to make this call."
                scopes = {"requiredGranularScopes": [f"crm.schemas.{store.type.name}.write"]}
                errors: list[Json] = [{"message": message, "context": scopes}]
                raise refuse(403, message, "MISSING_SCOPES", errors=errors)
            if field.name in store.fields:
                message = f"A property named '{field.name}' already exists."
                raise refuse(409, message, "OBJECT_ALREADY_EXISTS")
            store.add(field)
            call.applied = 1
            return Reply(201, properties.as_json(field))

        return Call("create_property", store.type.name, [field.name], run)

    def _read_token(self, request: Request, _match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            try:
                return Reply(200, self._grants.exchange(request))
            except TokenRefusedError as refused:
                said = {"status": refused.code, "message": str(refused)}
                return Reply(400, {**said, **refused.body()})

        return Call("token", "oauth", [], run)

    # -- the rest of a vendor --------------------------------------------------------------------

    def refusal(self, status: int, message: str, **extra: Any) -> Reply:
        if status == 429:
            policy = str(extra.get("policy", "TEN_SECONDLY_ROLLING"))
            return error_reply(
                429, message, "RATE_LIMITS", errorType="RATE_LIMIT", policyName=policy
            )
        categories = {401: "EXPIRED_AUTHENTICATION", 403: "MISSING_SCOPES", 409: "CONFLICT"}
        fallback = "VALIDATION_ERROR" if status < 500 else "INTERNAL_ERROR"
        return error_reply(status, message, categories.get(status, fallback))

    def results(self, body: Json) -> list[Json] | None:
        found = body.get("results") if isinstance(body, dict) else None
        return found if isinstance(found, list) else None

    def collections(self) -> Mapping[str, Collection]:
        stores = {store.type.name: store.records for store in self._stores.values()}
        own = {"lists": self._lists.records, "associations": self._associations.collection()}
        return {**stores, **own}

    def reset(self) -> None:
        self._grants.reset()
        self._stores: dict[str, Store] = {}
        options = self._options
        custom = options.get("objects") or {}
        declared = {**(options.get("properties") or {})}
        types = list(facts.OBJECTS)
        for position, (name, part) in enumerate(custom.items()):
            known(part or {}, ("properties",), f"vendors.hubspot.objects.{name}")
            types.append(facts.custom_object(name, position))
            declared[name] = (part or {}).get("properties") or {}
        known(declared, [one.name for one in types], "vendors.hubspot.properties")
        for one in types:
            store = self._new_store(one, declared.get(one.name) or {})
            for name in (one.name, one.singular, one.number):
                self._stores[name] = store
        declared_lists = options.get("lists") or {}
        self._lists = Lists(self._stores, declared_lists, self.wall_ms)
        labels = labels_from(
            options.get("association_labels") or [], f"{_WHERE}.association_labels"
        )
        self._associations = Associations(self._stores, labels, self.seed, self.wall_ms)
        self._routes = self._make_routes()

    def _new_store(self, kind: facts.ObjectType, declared: Any) -> Store:
        store = Store(
            kind,
            {},
            Collection(kind.name, first_id=facts.FIRST_OBJECT_ID),
            self.seed,
            self.wall_ms,
            choice(self._options, "unknown_properties", ("reject", "create"), _WHERE) == "create",
            choice(self._options, "multi_status", ("values", "full"), _WHERE),
        )
        for field in kind.properties:
            store.add(field)
        where = f"{_WHERE}.properties.{kind.name}"
        saved = saved_entries(declared, "results", where)
        if saved is None:
            for name, part in declared.items():
                store.add(field_from_config(where, name, part))
        for one in saved or []:
            field = field_from_answer(where, one)
            held = store.fields.get(field.name)
            # An answer calls an e-mail address a string, which it is not.
            if held is None or held.kind != "email":
                store.add(field)
        return store


def _tier(limits: Any) -> tuple[facts.Tier | None, float]:
    """The tier that a ``limits`` setting names, and its interval in seconds."""
    asked = limits_from(limits, facts.TIERS, ("max", "interval_ms", "daily", "kind"), _WHERE)
    if isinstance(asked, Mapping):
        interval_ms = asked.get("interval_ms", facts.BURST_INTERVAL_MS)
        return facts.Tier(asked["max"], asked.get("daily")), interval_ms / 1000
    return asked, facts.BURST_INTERVAL_MS / 1000


def _number(request: Request, name: str, default: int) -> int:
    number = request.whole_number(name, default)
    if number is None:
        raise refuse(400, f"{name} is a whole number, not {request.query[name][:40]!r}")
    return number
