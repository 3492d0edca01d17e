"""Access tokens that expire, against a refresh token: the part of OAuth 2 that a sync meets."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from tailrace.sandbox.config import ConfigError, known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.sandbox.limits import Clock
    from tailrace.sandbox.wire import Json, Request

_NEEDED = ("client_id", "client_secret", "refresh_token")


class TokenRefusedError(Exception):
    """The token endpoint says no; ``code`` is OAuth's word for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Grants:
    """One client and its refresh token, from ``{client_id, client_secret, refresh_token,
    expires_in_s, rotate}``; None switches it off. ``rotate`` makes each refresh token good for one
    use.

    Raises:
        ConfigError: a name is missing or unknown.
    """

    def __init__(self, settings: Any, clock: Clock) -> None:
        self._clock = clock
        self._settings: Mapping[str, Any] = settings or {}
        if settings is not None:
            known(settings, (*_NEEDED, "expires_in_s", "rotate"), "oauth")
            missing = [name for name in _NEEDED if not settings.get(name)]
            if missing:
                raise ConfigError(f"oauth: {', '.join(missing)} missing")
        self.enabled = settings is not None
        self._expires_in_s = float(self._settings.get("expires_in_s", 1800))
        self.reset()

    def reset(self) -> None:
        """Forget all access tokens; the configured refresh token is good again."""
        self._refresh_token = str(self._settings.get("refresh_token", ""))
        self._good_until: dict[str, float] = {}

    def state(self, token: str) -> str:
        """``good``, ``expired`` or ``unknown``."""
        until = self._good_until.get(token)
        if until is None:
            return "unknown"
        return "good" if self._clock() < until else "expired"

    def exchange(self, request: Request) -> Json:
        """A new access token for a form with ``grant_type=refresh_token``.

        Raises:
            TokenRefusedError: wrong client, wrong or used refresh token, another grant type.
        """
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        if not self.enabled:
            raise TokenRefusedError(
                "invalid_client", "no OAuth client is configured in this sandbox"
            )
        if form.get("grant_type") != "refresh_token":
            raise TokenRefusedError("unsupported_grant_type", "grant_type must be refresh_token")
        for name in ("client_id", "client_secret"):
            if not _same(form.get(name, ""), str(self._settings[name])):
                raise TokenRefusedError("invalid_client", "missing or unknown client id or secret")
        if not _same(form.get("refresh_token", ""), self._refresh_token):
            raise TokenRefusedError("invalid_grant", "missing or unknown refresh token")
        if self._settings.get("rotate"):
            self._refresh_token = secrets.token_urlsafe(24)
        token = secrets.token_urlsafe(24)
        self._good_until[token] = self._clock() + self._expires_in_s
        return {
            "access_token": token,
            "refresh_token": self._refresh_token,
            "token_type": "bearer",
            "expires_in": int(self._expires_in_s),
        }


def _same(sent: str, held: str) -> bool:
    return secrets.compare_digest(sent.encode("utf-8", "replace"), held.encode())
