"""Salesforce's token endpoint: one connected app, all the grants that it is configured for."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.auth import Auth
from tailrace.sandbox.oauth import Grants, TokenRefusedError
from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.salesforce import facts
from tailrace.sandbox.salesforce.answers import refuse
from tailrace.sandbox.salesforce.sobject import user_id
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, Reply, Request

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from tailrace.sandbox.limits import Clock

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105  (a path)
_REVOKE_PATH = "/services/oauth2/revoke"


class Login:
    """Who may call: sessions that the endpoint gave out, or ``tokens`` that are configured.

    Where neither is configured any session is good, but none is not.
    """

    def __init__(
        self,
        oauth: Any,
        tokens: tuple[str, ...],
        clock: Clock,
        wall_ms: Callable[[], int],
        where: str,
    ) -> None:
        settings = oauth
        if isinstance(oauth, Mapping):
            # A session lasts for hours, and nobody is told for how long.
            settings = {"expires_in_s": facts.SESSION_S, **oauth, "tell_expiry": False}
        self._grants = Grants(
            settings, clock, wall_ms, f"{where}.oauth", every_grant=True, texts_as_times=True
        )
        self._tokens = Auth("bearer", tokens)
        given = oauth if isinstance(oauth, Mapping) else {}
        self._instance_url = given.get("instance_url")
        self._rotates = bool(given.get("rotate"))
        self._wall_ms = wall_ms

    def routes(self) -> list[Route]:
        """What is served here."""
        return [
            route("POST", TOKEN_PATH, self._read_token),
            route("POST", _REVOKE_PATH, self._read_revoke),
        ]

    def principal(self, request: Request) -> str:
        """The session of a request.

        Raises:
            RefusalError: 401.
        """
        if request.path in (TOKEN_PATH, _REVOKE_PATH):
            return "oauth"
        token = Auth("bearer").principal(request) or Auth("oauth").principal(request)
        if token is None:
            raise refuse(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
        state = self._grants.state(token)
        if state == "good":
            return token
        named = self._grants.enabled or self._tokens.secrets
        static = self._tokens.secrets and self._tokens.principal(request) is not None
        if state == "expired" or (named and not static):
            raise refuse(401, "INVALID_SESSION_ID", facts.EXPIRED)
        return token

    def reset(self) -> None:
        """Forget all sessions."""
        self._grants.reset()

    def _read_token(self, request: Request, _match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            try:
                return Reply(200, self._issued(request))
            except TokenRefusedError as refused:
                return Reply(refused.status, refused.body())

        return Call("token", "oauth", [], run)

    def _read_revoke(self, request: Request, _match: re.Match[str]) -> Call:
        def run(_: Call) -> Reply:
            try:
                self._grants.revoke(request)
            except TokenRefusedError as refused:
                return Reply(refused.status, refused.body())
            return Reply(200, b"")

        return Call("revoke", "oauth", [], run)

    def _issued(self, request: Request) -> Json:
        body = self._grants.exchange(request)
        host = f"http://{request.headers.get('host', 'salesforce.invalid')}"
        issued_at = str(self._wall_ms())
        identity = f"{host}/id/{facts.ORG_ID}/{user_id()}"
        signed = hmac.new(b"sandbox", f"{identity}{issued_at}".encode(), hashlib.sha256).digest()
        if not self._rotates:
            # The one that came stays good and is not told again.
            body.pop("refresh_token", None)
        body = {
            **body,
            "instance_url": self._instance_url or host,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued_at,
            "signature": base64.b64encode(signed).decode(),
        }
        body.setdefault("scope", "api")
        return body
