"""A generic JSON API, for the ``rest`` destination.

With no configuration every collection is there: ``POST /rest/{collection}`` takes one object, an
array, or ``{"inputs": [...]}``, the key in the field ``id`` or the one that ``?key=`` names, and
answers ``{"errors": [{key, status, code, message}], "accepted": n}``; ``?mode=`` is one of upsert
(default), insert, update, append, replace. ``GET``, ``PUT``, ``PATCH`` and ``DELETE`` serve
``/rest/{collection}/{key}``, and ``GET /rest/{collection}`` lists. With ``objects`` only the
declared paths are served, see ``endpoints.py``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from tailrace.sandbox.auth import Auth, auth_from
from tailrace.sandbox.config import ConfigError, known
from tailrace.sandbox.limits import Limiter, limiter
from tailrace.sandbox.oauth import Grants, TokenRefusedError
from tailrace.sandbox.rest.api import Api, problem_details, refuse
from tailrace.sandbox.rest.defaults import Defaults
from tailrace.sandbox.rest.endpoints import Endpoint, Removal, Served, declared
from tailrace.sandbox.rest.looking import Looking, Removing
from tailrace.sandbox.rest.shapes import DEFAULT_RESULTS, Results
from tailrace.sandbox.rest.writing import Writing
from tailrace.sandbox.routes import Handler, Route, Routes, route
from tailrace.sandbox.vendor import Call, Setting, Vendor
from tailrace.sandbox.wire import Json, RefusalError, Reply, Request, http_date

if TYPE_CHECKING:
    from tailrace.sandbox.records import Collection

_TOKEN_PATH = "/rest/oauth/token"  # noqa: S105  (a path)


class Rest(Vendor):
    """Options: ``auth`` (none, bearer, basic, header), ``oauth`` (see ``oauth.Grants``; in place of
    ``auth``; the endpoint is ``/rest/oauth/token``), ``limits`` (none, or ``{kind, max,
    interval_ms, retry_after}`` with retry_after seconds, http_date or none), ``objects``,
    ``default_collections``, ``partial_status`` (207, or 200 as some APIs have it),
    ``max_body_bytes``."""

    name: ClassVar[str] = "rest"
    OPTIONS: ClassVar[frozenset[str]] = frozenset(
        {
            *("auth", "limits", "objects", "default_collections", "partial_status"),
            *("max_body_bytes", "oauth"),
        }
    )
    max_body_bytes = 16 * 1024 * 1024

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        options = setting.options
        self._auth = _checked(auth_from, options.get("auth"))
        self.grants = Grants(options.get("oauth"), self.clock, self.wall_ms, "vendors.rest.oauth")
        if self.grants.enabled and options.get("auth") not in (None, "none"):
            raise ConfigError("vendors.rest: one of auth and oauth")
        self._partial_status = options.get("partial_status", 207)
        if self._partial_status not in (200, 207):
            raise ConfigError("vendors.rest: partial_status is 200 or 207")
        objects = {} if options.get("objects") is None else options["objects"]
        if not isinstance(objects, Mapping):
            raise ConfigError("vendors.rest: objects is a mapping")
        self._api = Api(self.clock, self.wall_ms)
        self._writing = Writing(self._api, self._partial_status)
        self._looking, self._removing = Looking(self._api), Removing(self._api)
        self._forms: list[Results] = []
        routes = [one for name, part in objects.items() for one in self._declare(str(name), part)]
        if self.grants.enabled:
            routes.insert(0, route("POST", re.escape(_TOKEN_PATH), self._read_token))
        if options.get("default_collections", not objects):
            routes += Defaults(self._writing, self._looking, self._removing).routes()
        self._routes = Routes(routes)
        self._declared = [str(name) for name in objects]
        self.set_limits(options.get("limits", "none"))
        self.reset()

    def serves(self, path: str) -> bool:
        return path.startswith("/rest/")

    # -- declarations ----------------------------------------------------------------------------

    def _declare(self, name: str, part: Any) -> list[Route]:
        served = declared(name, part, f"vendors.rest.objects.{name}")
        for one in served:
            if isinstance(one.what, Endpoint) and one.what.results is not None:
                self._forms.append(one.what.results)
        return [Route(one.method, one.pattern, self._handler(one.what)) for one in served]

    def _handler(self, what: Served) -> Handler:
        if isinstance(what, Endpoint):
            return lambda request, match: self._writing.read(request, what, match)
        if isinstance(what, Removal):
            return lambda request, match: self._removing.read(request, what, match)
        return lambda request, match: self._looking.read(request, what, match)

    # -- login and limits ------------------------------------------------------------------------

    def principal(self, request: Request) -> str:
        if self.grants.enabled:
            return self._token_of(request)
        principal: str | None = self._auth.principal(request)
        if principal is None:
            reply = problem_details(401, "a valid login is needed")
            reply.headers.append(("WWW-Authenticate", self._auth.kind.capitalize()))
            raise RefusalError(reply)
        return principal

    def _token_of(self, request: Request) -> str:
        """RFC 6750: why a token is refused is said in the header."""
        if request.path == _TOKEN_PATH:
            return "oauth"
        token = Auth("bearer").principal(request)
        state = "unknown" if token is None else self.grants.state(token)
        if token is not None and state == "good":
            return token
        reply = problem_details(401, "the access token is missing, unknown or has expired")
        error = "" if token is None else ' error="invalid_token"'
        reply.headers.append(("WWW-Authenticate", f"Bearer{error}"))
        raise RefusalError(reply)

    def _read_token(self, request: Request, _match: Any) -> Call:
        def run(_: Call) -> Reply:
            unseen = [("Cache-Control", "no-store")]
            try:
                return Reply(200, self.grants.exchange(request), unseen)
            except TokenRefusedError as refused:
                if refused.status == HTTPStatus.UNAUTHORIZED:
                    unseen.append(("WWW-Authenticate", "Basic"))
                return Reply(refused.status, refused.body(), unseen)

        return Call("token", "oauth", [], run)

    def set_limits(self, limits: Any) -> None:
        self._limiter: Limiter | None = None
        self._retry_after = "seconds"
        if limits in (None, "none"):
            return
        known(limits, ("kind", "max", "interval_ms", "retry_after"), "vendors.rest.limits")
        form = limits.get("retry_after", "seconds")
        if form not in ("seconds", "http_date", "none"):
            raise ConfigError("vendors.rest.limits: retry_after is seconds, http_date or none")
        self._retry_after = form
        self._limiter = _checked(lambda one: limiter(one, self.clock), limits)

    def admit(self, principal: str, request: Request) -> list[tuple[str, str]]:  # noqa: ARG002
        if self._limiter is None or (self.grants.enabled and principal == "oauth"):
            return []
        grant = self._limiter.take()
        headers = [
            ("X-RateLimit-Limit", str(grant.limit)),
            ("X-RateLimit-Remaining", str(grant.remaining)),
        ]
        if grant.allowed:
            return headers
        reply = problem_details(429, "too many requests")
        reply.headers += headers
        # Rounded up: who comes back exactly then is let in.
        wait_s = max(1, math.ceil(grant.wait_s))
        if self._retry_after == "seconds":
            reply.headers.append(("Retry-After", str(wait_s)))
        elif self._retry_after == "http_date":
            reply.headers.append(("Retry-After", http_date(wait_s + 1)))
        raise RefusalError(reply)

    # -- reading ---------------------------------------------------------------------------------

    def read(self, request: Request) -> Call:
        call = self._routes.read(request)
        if call is not None:
            return call
        allowed = self._routes.methods(request.path)
        if allowed and request.method not in allowed:
            reply = problem_details(405, f"{request.method} is not served here")
            reply.headers.append(("Allow", ", ".join(allowed)))
            raise RefusalError(reply)
        raise refuse(404, f"nothing is served at {request.path}")

    # -- the rest of a vendor --------------------------------------------------------------------

    def refusal(self, status: int, message: str, **extra: Any) -> Reply:
        return problem_details(status, message, **extra)

    def results(self, body: Json) -> list[Json] | None:
        for form in (DEFAULT_RESULTS, *self._forms):
            found = form.get(body)
            if found is not None:
                return found
        return None

    def collections(self) -> Mapping[str, Collection]:
        return self._api.collections

    def reset(self) -> None:
        self.grants.reset()
        self._api.reset()
        for name in self._declared:
            self._api.collection(name)


def _checked(make: Callable[[Any], Any], settings: Any) -> Any:
    try:
        return make(settings)
    except ValueError as error:
        raise ConfigError(f"vendors.rest: {error}") from None
