"""HubSpot's sandbox: CRM objects in batches, their properties, logins and rate limits.

Serves ``/crm/v3/objects/{type}/batch/{op}`` and its date-based twin
``/crm/objects/{version}/{type}/batch/{op}`` (any version), the plain list of records, the
properties of an object, the account's details, and ``/oauth/v1/token``. What is refused, and how,
is in ``hubspot_batch.py``; numbers and texts are in ``hubspot_facts.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import unquote

from tailrace.sandbox import hubspot_facts as facts
from tailrace.sandbox.auth import Auth
from tailrace.sandbox.config import ConfigError, known
from tailrace.sandbox.fields import CHECKS, Field
from tailrace.sandbox.hubspot_batch import Store, error_reply, refuse
from tailrace.sandbox.limits import KINDS, Limiter, SlidingWindow
from tailrace.sandbox.oauth import Grants, TokenRefusedError
from tailrace.sandbox.records import Collection
from tailrace.sandbox.vendor import Call, Setting, Vendor
from tailrace.sandbox.wire import BadJsonError, Json, RefusalError, Reply, Request, read_json

Handler = Callable[[Request, "re.Match[str]"], Call]

_VERSION = r"(?:v3|\d{4}-\d{2}(?:-beta)?)"


class HubSpot(Vendor):
    """A HubSpot account.

    Options: ``tokens`` (accepted bearer tokens; left out: any), ``oauth`` (see
    ``oauth.Grants``), ``limits`` (a tier, none, or ``{max, interval_ms, daily, kind}`` with a kind
    of sliding, fixed or leaky), ``properties`` per object, ``objects`` (custom ones by name),
    ``unknown_properties`` (reject, create), ``multi_status`` (values: unknown properties and
    conflicts fail the whole batch; full: they are per row too), ``max_body_bytes`` and
    ``portals`` (by token the id of the portal that it is for; null: the token lacks the scope that
    the account's details take).
    """

    name: ClassVar[str] = "hubspot"
    OPTIONS: ClassVar[frozenset[str]] = frozenset(
        {
            *("tokens", "oauth", "limits", "properties", "objects", "unknown_properties"),
            *("multi_status", "max_body_bytes", "portals"),
        }
    )
    LIMIT_NAMES: ClassVar[frozenset[str]] = frozenset({"none", *facts.TIERS})
    max_body_bytes = facts.MAX_BODY_BYTES

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._options = setting.options
        self._auth = _bearer(setting.options.get("tokens"))
        self._grants = Grants(setting.options.get("oauth"), self.clock, self.wall_ms)
        self._routes = self._make_routes()
        self.set_limits(setting.options.get("limits", facts.DEFAULT_TIER))
        self.reset()

    def serves(self, path: str) -> bool:
        return path.startswith(("/crm/", "/account-info/", "/oauth/"))

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

    def admit(self, principal: str) -> list[tuple[str, str]]:
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
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                return handler(request, match)
        raise refuse(404, f"No resource at {request.method} {request.path}", "OBJECT_NOT_FOUND")

    def _make_routes(self) -> list[tuple[str, re.Pattern[str], Handler]]:
        objects = rf"/crm/(?:v3/objects|objects/{_VERSION})/(?P<type>[^/]+)"
        properties = rf"/crm/(?:v3/properties|properties/{_VERSION})/(?P<type>[^/]+)"
        ops = "(?P<op>upsert|create|update|archive|read)"
        routes: list[tuple[str, str, Handler]] = [
            ("POST", rf"{objects}/batch/{ops}", self._read_batch),
            ("GET", objects, self._read_list),
            ("GET", properties, self._read_properties),
            ("POST", properties, self._read_new_property),
            ("GET", rf"{properties}/(?P<name>[^/]+)", self._read_property),
            ("GET", rf"/account-info/{_VERSION}/details", self._read_details),
            ("POST", r"/oauth/v1/token", self._read_token),
        ]
        return [(method, re.compile(pattern), handler) for method, pattern, handler in routes]

    def _store(self, match: re.Match[str]) -> Store:
        asked = unquote(match["type"])
        store = self._stores.get(asked)
        if store is None:
            message = f"Unable to infer object type from: {asked}"
            raise refuse(404, message, "OBJECT_NOT_FOUND")
        return store

    def _read_batch(self, request: Request, match: re.Match[str]) -> Call:
        store, op = self._store(match), match["op"]
        rows, body = store.read(op, _json_body(request))

        def run(call: Call) -> Reply:
            if op == "read":
                return store.read_rows(rows, body)
            if op == "archive":
                return store.archive(call, rows)
            return store.write(call, rows)

        keys = [row.key or f"#{row.position}" for row in rows]
        return Call(op, store.type.name, keys, run)

    def _read_list(self, request: Request, match: re.Match[str]) -> Call:
        store = self._store(match)
        limit = _number(request.query, "limit", facts.DEFAULT_LIST_PAGE)
        if not 1 <= limit <= facts.MAX_LIST_PAGE:
            raise refuse(400, f"limit must be from 1 to {facts.MAX_LIST_PAGE}")
        after = request.query.get("after")
        if after is not None:
            _number(request.query, "after", 0)
        names = [name for name in request.query.get("properties", "").split(",") if name]

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

    # -- properties ------------------------------------------------------------------------------

    def _read_properties(self, _request: Request, match: re.Match[str]) -> Call:
        store = self._store(match)

        def run(_: Call) -> Reply:
            return Reply(200, {"results": [_property(one) for one in store.fields.values()]})

        return Call("properties", store.type.name, [], run)

    def _read_property(self, _request: Request, match: re.Match[str]) -> Call:
        store, name = self._store(match), unquote(match["name"])

        def run(_: Call) -> Reply:
            field = store.fields.get(name)
            if field is None:
                raise refuse(404, f"Property {name} does not exist", "OBJECT_NOT_FOUND")
            return Reply(200, _property(field))

        return Call("property", store.type.name, [name], run)

    def _read_new_property(self, request: Request, match: re.Match[str]) -> Call:
        store, body = self._store(match), _json_body(request)
        field = _field_from_api(body)

        def run(call: Call) -> Reply:
            if field.name in store.fields:
                message = f"A property named '{field.name}' already exists."
                raise refuse(409, message, "OBJECT_ALREADY_EXISTS")
            _add(store, field)
            call.applied = 1
            return Reply(201, _property(field))

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
        return {store.type.name: store.records for store in self._stores.values()}

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

    def _new_store(self, kind: facts.ObjectType, declared: Mapping[str, Any]) -> Store:
        store = Store(
            kind,
            {},
            Collection(kind.name, first_id=facts.FIRST_OBJECT_ID),
            self.seed,
            self.wall_ms,
            _choice(self._options, "unknown_properties", ("reject", "create")) == "create",
            _choice(self._options, "multi_status", ("values", "full")),
        )
        for field in kind.properties:
            _add(store, field)
        for name, part in declared.items():
            _add(store, _field_from_config(f"vendors.hubspot.properties.{kind.name}", name, part))
        return store


def _add(store: Store, field: Field) -> None:
    store.fields[field.name] = field
    if field.unique:
        store.records.make_unique(field.name)


def _bearer(tokens: Any) -> Auth:
    if tokens is None:
        return Auth("bearer")
    listed = [tokens] if isinstance(tokens, str) else tokens
    if not isinstance(listed, list) or not all(isinstance(t, str) and t for t in listed):
        raise ConfigError("vendors.hubspot: tokens is a list of texts")
    return Auth("bearer", tuple(listed))


def _choice(options: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str:
    value = options.get(name, choices[0])
    if value not in choices:
        raise ConfigError(f"vendors.hubspot: {name} is one of {', '.join(choices)}, not {value!r}")
    return str(value)


def _tier(limits: Any) -> tuple[facts.Tier | None, float]:
    """The tier that a ``limits`` setting names, and its interval in seconds."""
    interval_s = facts.BURST_INTERVAL_MS / 1000
    if limits in (None, "none"):
        return None, interval_s
    if isinstance(limits, str) and limits in facts.TIERS:
        return facts.TIERS[limits], interval_s
    if isinstance(limits, Mapping):
        known(limits, ("max", "interval_ms", "daily", "kind"), "vendors.hubspot.limits")
        numbers = [limits.get("max"), limits.get("interval_ms", 10_000), limits.get("daily", 1)]
        whole = all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in numbers)
        if whole and limits.get("kind", "sliding") in KINDS:
            return facts.Tier(limits["max"], limits.get("daily")), numbers[1] / 1000
    tiers = ", ".join(facts.TIERS)
    raise ConfigError(
        f"vendors.hubspot: limits is none, one of {tiers}, or {{max, interval_ms, daily, kind}} "
        f"with a kind of {', '.join(KINDS)}"
    )


def _json_body(request: Request) -> Json:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise refuse(415, f"Content-Type must be application/json, not {kind or 'missing'}")
    try:
        return read_json(request.body)
    except BadJsonError as error:
        raise refuse(400, f"Invalid input JSON {error}") from None


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise refuse(400, f"{name} is a whole number, not {text[:40]!r}")
    return int(text)


def _field_from_config(where: str, name: str, part: Any) -> Field:
    """A property from ``name: type`` or ``name: {type, options, unique, ...}``."""
    settings = {"type": part} if isinstance(part, str) else part
    names = ("type", "label", "options", "multiple", "unique", "read_only", "max_length")
    known(settings, names, f"{where}.{name}")
    kind = settings.get("type", "string")
    if kind not in CHECKS:
        raise ConfigError(f"{where}.{name}: type is one of {', '.join(CHECKS)}, not {kind!r}")
    options = settings.get("options") or []
    if (kind == "enumeration") != bool(options):
        raise ConfigError(f"{where}.{name}: options belong to an enumeration, and it needs them")
    return Field(
        name,
        kind,
        str(settings.get("label", "")),
        tuple(str(option) for option in options),
        bool(settings.get("multiple", False)),
        bool(settings.get("unique", False)),
        bool(settings.get("read_only", False)),
        max_length=int(settings.get("max_length", Field(name).max_length)),
    )


def _field_from_api(body: Json) -> Field:
    """A property from the body of the vendor's own call."""
    needed = ("name", "label", "type", "fieldType", "groupName")
    if not isinstance(body, dict):
        raise refuse(400, "Invalid input JSON: an object is expected")
    unset = [name for name in needed if not isinstance(body.get(name), str) or not body[name]]
    if unset:
        raise refuse(400, f"Invalid input: some required fields were not set: {unset}")
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,99}", body["name"], re.ASCII):
        raise refuse(400, "name is lower case letters, digits and underscores, a letter first")
    options = body.get("options") or []
    if not isinstance(options, list) or not all(isinstance(one, dict) for one in options):
        raise refuse(400, "options is a list of objects")
    values = tuple(str(one.get("value", "")) for one in options)
    if body["type"] not in CHECKS or body["type"] == "email":
        raise refuse(400, f"type {body['type']!r} is not a type of property")
    if body["type"] == "enumeration" and not values:
        raise refuse(400, "an enumeration needs options")
    multiple = body["fieldType"] == "checkbox"
    unique = body.get("hasUniqueValue") is True
    return Field(body["name"], body["type"], body["label"], values, multiple, unique)


def _property(field: Field) -> Json:
    kind, shown_as = facts.FIELD_TYPES[field.kind]
    options = field.options if field.kind != "bool" else ("true", "false")
    return {
        "name": field.name,
        "label": field.label or field.name,
        "type": kind,
        "fieldType": "checkbox" if field.multiple else shown_as,
        "groupName": "sandbox",
        "description": "",
        "options": [
            {"label": value, "value": value, "displayOrder": at, "hidden": False}
            for at, value in enumerate(options)
        ],
        "hasUniqueValue": field.unique,
        "calculated": False,
        "hidden": False,
        "formField": False,
        "hubspotDefined": field.defined_by_vendor,
        "archived": False,
        "modificationMetadata": {
            "archivable": not field.defined_by_vendor,
            "readOnlyDefinition": field.defined_by_vendor,
            "readOnlyValue": field.read_only,
        },
    }
