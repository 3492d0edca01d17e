"""Marketo's identity endpoint: one token a custom service, told again until its hour is over."""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tailrace.sandbox.auth import Auth
from tailrace.sandbox.config import ConfigError, is_count, known, number
from tailrace.sandbox.marketo import facts
from tailrace.sandbox.marketo.answers import refuse
from tailrace.sandbox.routes import Route, route
from tailrace.sandbox.vendor import Call
from tailrace.sandbox.wire import Json, Reply, Request

if TYPE_CHECKING:
    import re

    from tailrace.sandbox.limits import Clock

PATH = "/identity/oauth/token"
CALLER = "identity"


class Login:
    """Who may call: tokens that the endpoint gave out, or ``tokens`` that are configured.

    ``oauth`` is ``{client_id, client_secret, expires_in_s, uses}``. Where neither is configured
    any service gets a token and any token is good, but none is not.

    Raises:
        ConfigError: ``oauth`` is no such mapping.
    """

    def __init__(self, oauth: Any, tokens: tuple[str, ...], clock: Clock, where: str) -> None:
        settings = {} if oauth is None else oauth
        known(settings, ("client_id", "client_secret", "expires_in_s", "uses"), f"{where}.oauth")
        self._client = tuple(settings.get(name) for name in ("client_id", "client_secret"))
        if oauth is not None and not all(isinstance(one, str) and one for one in self._client):
            raise ConfigError(f"{where}.oauth: client_id and client_secret are needed")
        self._uses = settings.get("uses")
        if self._uses is not None and not is_count(self._uses):
            raise ConfigError(f"{where}.oauth: uses is a number above 0")
        self._lasts_s = number(settings, "expires_in_s", facts.TOKEN_S, f"{where}.oauth")
        self._named = isinstance(oauth, Mapping)
        self._tokens = Auth("bearer", tokens)
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forget all tokens."""
        self._held: dict[str, str] = {}
        """By client the token that it is told."""
        self._until: dict[str, float] = {}
        self._left: dict[str, int] = {}
        self._users: dict[str, str] = {}

    def routes(self) -> list[Route]:
        """What is served here."""
        return [route(method, PATH, self._read) for method in ("GET", "POST")]

    def user(self, token: str) -> str:
        """Whose calls those with this token are."""
        return self._users.get(token, "sandbox@marketo.test")

    def principal(self, request: Request) -> str:
        """The token of a request. Raises RefusalError (601, 602)."""
        if request.path == PATH:
            return CALLER
        token = Auth("bearer").principal(request)
        if token is None:
            raise refuse("600" if "authorization" not in request.headers else "601")
        if token in self._until:
            if self._until[token] <= self._clock() or self._left.get(token) == 0:
                raise refuse("602")
            if token in self._left:
                self._left[token] -= 1
            return token
        named = self._named or self._tokens.secrets
        static = self._tokens.secrets and self._tokens.principal(request) is not None
        if named and not static:
            raise refuse("601")
        return token

    def _read(self, request: Request, _match: re.Match[str]) -> Call:
        # What is asked stands in the address, whatever the method.
        asked = dict(request.query)
        return Call("token", "identity", [], lambda _: self._answer(asked))

    def _answer(self, asked: Mapping[str, str]) -> Reply:
        if asked.get("grant_type") != "client_credentials":
            return _refused(400, "unsupported_grant_type", "grant_type must be client_credentials")
        client, secret = asked.get("client_id", ""), asked.get("client_secret", "")
        if not client or not secret or (self._named and not self._is_known(client, secret)):
            return _refused(401, "invalid_client", "Bad client credentials")
        token = self._held.get(client)
        now = self._clock()
        if token is None or self._until[token] <= now or self._left.get(token) == 0:
            token = self._issued(client, now)
        told = {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": int(self._until[token] - now),
            "scope": self._users[token],
        }
        return Reply(200, told)

    def _is_known(self, *sent: str) -> bool:
        pairs = zip(sent, self._client, strict=True)
        return all(hmac.compare_digest(one.encode(), str(held).encode()) for one, held in pairs)

    def _issued(self, client: str, now: float) -> str:
        token = f"{uuid.uuid4()}:ab"
        self._held[client] = token
        self._until[token] = now + self._lasts_s
        self._users[token] = f"{client}@marketo.test"
        if self._uses is not None:
            self._left[token] = self._uses
        return token


def _refused(status: int, code: str, message: str) -> Reply:
    body: Json = {"error": code, "error_description": message}
    return Reply(status, body)
