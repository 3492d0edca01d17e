"""Who may call: none, bearer, basic or a header, as a connection's ``auth`` names them."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tailrace.sandbox.wire import Request


@dataclass(frozen=True, slots=True)
class Auth:
    """What a vendor accepts as a login.

    ``secrets`` are bearer tokens, ``user:password`` pairs or header values. With an empty tuple
    any non-empty credential of the right form is accepted.
    """

    kind: str = "none"
    secrets: tuple[str, ...] = ()
    header: str = "authorization"

    def principal(self, request: Request) -> str | None:
        """The credential that came with the request where it is accepted, else None."""
        if self.kind == "none":
            return "anyone"
        credential = self._credential(request.headers.get(self.header, ""))
        if not credential:
            return None
        if not self.secrets or _known(credential, self.secrets):
            return credential
        return None

    def _credential(self, value: str) -> str:
        if self.kind == "header":
            return value
        scheme, _, rest = value.partition(" ")
        if scheme.lower() != self.kind:
            return ""
        rest = rest.strip()
        return _basic(rest) if self.kind == "basic" else rest


def _known(credential: str, secrets: Iterable[str]) -> bool:
    sent = credential.encode()
    return any(hmac.compare_digest(sent, secret.encode()) for secret in secrets)


def _basic(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""


def auth_from(settings: Any) -> Auth:
    """An ``Auth`` from configuration: ``none``, or one of bearer, basic, header.

    The forms are those of a REST connection: ``{bearer: token}``, ``{basic: {user, password}}``,
    ``{header: {name, value}}``. A list of tokens is allowed for bearer.

    Raises:
        ValueError: any other form.
    """
    if settings in (None, "none"):
        return Auth()
    if isinstance(settings, Mapping) and len(settings) == 1:
        ((kind, value),) = settings.items()
        if kind == "bearer":
            tokens = [value] if isinstance(value, str) else value
            if isinstance(tokens, list) and all(isinstance(t, str) and t for t in tokens):
                return Auth("bearer", tuple(tokens))
        if kind == "basic" and isinstance(value, Mapping) and set(value) == {"user", "password"}:
            return Auth("basic", (f"{value['user']}:{value['password']}",))
        if kind == "header" and isinstance(value, Mapping) and set(value) == {"name", "value"}:
            return Auth("header", (str(value["value"]),), str(value["name"]).lower())
    raise ValueError("auth is none, {bearer}, {basic: {user, password}} or {header: {name, value}}")
