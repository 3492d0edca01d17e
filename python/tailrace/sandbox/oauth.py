"""A token endpoint: the three grants of OAuth 2 that a sync uses, and tokens that run out.

Strict where RFC 6749, RFC 7523 and the security best current practice (RFC 9700) are: a client that
names itself twice, a parameter that is sent twice, a refresh token that comes back after it was
replaced are refused, the last with all tokens that came of it.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_plus

from tailrace.sandbox.config import ConfigError, known
from tailrace.sandbox.jwt import BadTokenError, PublicKey, claims_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tailrace.sandbox.limits import Clock
    from tailrace.sandbox.wire import Json, Request

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_NAMES = (
    *("client_id", "client_secret", "client_auth", "refresh_token", "rotate", "jwt"),
    *("expires_in_s", "tell_expiry", "uses", "scopes", "instance_url"),
)
_JWT_NAMES = ("issuer", "subject", "audience", "public_key")
_ROTATIONS = (False, True, "when_used")
_CLIENT_AUTHS = ("any", "basic", "form")
_FORM = "application/x-www-form-urlencoded"
_SKEW_S = 60
_LONGEST_ASSERTION_S = 3600


class TokenRefusedError(Exception):
    """The token endpoint says no; ``code`` is OAuth's word for it."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status

    def body(self) -> Json:
        """RFC 6749, section 5.2."""
        return {"error": self.code, "error_description": str(self)}


@dataclass(slots=True)
class _Access:
    until: float
    uses: int | None
    refresh_token: str
    """That came along with it; empty where none did."""


class Grants:
    """One client. ``None`` switches it off; else

    - ``client_id``, ``client_secret``; ``client_auth`` is any, basic or form;
    - ``refresh_token``: offers that grant. ``rotate`` true makes each good for one use; when_used
      keeps the old one alive until its successor is used for the first time;
    - ``jwt`` ``{issuer, subject, audience, public_key}``: offers the JWT bearer grant;
    - with neither, client credentials;
    - ``expires_in_s`` of the access tokens, told in the reply unless ``tell_expiry`` is false;
      ``uses``: so many requests and no more; ``scopes`` that may be asked for;
    - ``instance_url``: told in the reply.

    With ``every_grant`` client credentials are offered beside the other two; with
    ``texts_as_times`` a JWT's times may be texts of digits, as some issuers write them.

    Raises:
        ConfigError: a name is missing or unknown, or a value makes no sense.
    """

    def __init__(
        self,
        settings: Any,
        clock: Clock,
        wall_ms: Callable[[], int],
        where: str = "oauth",
        *,
        every_grant: bool = False,
        texts_as_times: bool = False,
    ) -> None:
        self._every_grant = every_grant
        self._texts_as_times = texts_as_times
        self._clock = clock
        self._wall_ms = wall_ms
        self._settings: Mapping[str, Any] = settings or {}
        self.enabled = settings is not None
        self._key: PublicKey | None = None
        if self.enabled:
            self._check(where)
        self._expires_in_s = float(self._settings.get("expires_in_s", 1800))
        self.reset()

    def _check(self, where: str) -> None:
        settings = self._settings
        known(settings, _NAMES, where)
        jwt = settings.get("jwt")
        needed = () if jwt is not None else ("client_id", "client_secret")
        missing = [name for name in needed if not settings.get(name)]
        if missing:
            raise ConfigError(f"{where}: {', '.join(missing)} missing")
        if settings.get("rotate", False) not in _ROTATIONS:
            raise ConfigError(f"{where}: rotate is true, false or when_used")
        if settings.get("client_auth", "any") not in _CLIENT_AUTHS:
            raise ConfigError(f"{where}: client_auth is one of {', '.join(_CLIENT_AUTHS)}")
        uses = settings.get("uses")
        if uses is not None and (not isinstance(uses, int) or uses < 1):
            raise ConfigError(f"{where}: uses is a number above 0")
        if jwt is not None:
            known(jwt, _JWT_NAMES, f"{where}.jwt")
            missing = [name for name in _JWT_NAMES if not jwt.get(name)]
            if missing:
                raise ConfigError(f"{where}.jwt: {', '.join(missing)} missing")
            try:
                self._key = PublicKey.of(str(jwt["public_key"]))
            except ValueError as error:
                raise ConfigError(f"{where}.jwt: public_key {error}") from None

    def reset(self) -> None:
        """Forget all access tokens; the configured refresh token is good again."""
        first = str(self._settings.get("refresh_token", ""))
        self._good = {first} if first else set()
        self._spent: set[str] = set()
        self._replaces: dict[str, str] = {}
        self._access: dict[str, _Access] = {}
        self.issued = 0

    # -- access tokens ---------------------------------------------------------------------------

    def state(self, token: str) -> str:
        """``good``, ``expired`` or ``unknown``; a good one has been used once more."""
        access = self._access.get(token)
        if access is None:
            return "unknown"
        if self._clock() >= access.until or access.uses == 0:
            return "expired"
        if access.uses is not None:
            access.uses -= 1
        self._take_over(access.refresh_token)
        return "good"

    def _take_over(self, refresh_token: str) -> None:
        """Its predecessor is good no more: the successor has arrived."""
        before = self._replaces.pop(refresh_token, None)
        if before is not None:
            self._good.discard(before)
            self._spent.add(before)

    # -- the endpoint ----------------------------------------------------------------------------

    def exchange(self, request: Request) -> Json:
        """A new access token.

        Raises:
            TokenRefusedError: with RFC 6749's code.
        """
        if not self.enabled:
            raise TokenRefusedError(
                "invalid_client", "no OAuth client is configured in this sandbox"
            )
        form = _form_of(request)
        grant = form.get("grant_type", "")
        offered: dict[str, Callable[[Mapping[str, str]], str]] = {}
        if self._settings.get("refresh_token"):
            offered["refresh_token"] = self._refreshed
        if self._key is not None:
            offered[JWT_BEARER] = self._asserted
        if not offered or (self._every_grant and self._settings.get("client_secret")):
            offered["client_credentials"] = lambda _: ""
        if not grant:
            raise TokenRefusedError("invalid_request", "grant_type is missing")
        self._check_client(request, form, grant)
        if grant not in offered:
            names = " or ".join(offered)
            raise TokenRefusedError("unsupported_grant_type", f"grant_type must be {names}")
        scope = self._scope(form)
        return self._issue(offered[grant](form), scope)

    def revoke(self, request: Request) -> None:
        """End the token that a form names and those that came of it; RFC 7009, section 2.2: one
        that is unknown is no error.

        Raises:
            TokenRefusedError: the form names none.
        """
        token = _form_of(request).get("token", "")
        if not token:
            raise TokenRefusedError("invalid_request", "token is missing")
        self._good.discard(token)
        for name in [
            one for one, held in self._access.items() if token in (one, held.refresh_token)
        ]:
            del self._access[name]

    def _check_client(self, request: Request, form: Mapping[str, str], grant: str) -> None:
        header = request.headers.get("authorization", "")
        by_form = "client_secret" in form
        if header and by_form:
            raise TokenRefusedError("invalid_request", "the client names itself in two ways")
        if grant == JWT_BEARER and not header and not by_form:
            return  # the assertion names it
        allowed = self._settings.get("client_auth", "any")
        if allowed == ("form" if header else "basic"):
            message = f"this client logs in by {allowed}"
            raise TokenRefusedError("invalid_client", message, 401)
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        if header:
            client_id, secret = _basic(header)
        status = 401 if header else 400
        for name, sent in (("client_id", client_id), ("client_secret", secret)):
            if not _same(sent, str(self._settings.get(name, ""))):
                message = "missing or unknown client id or secret"
                raise TokenRefusedError("invalid_client", message, status)

    def _scope(self, form: Mapping[str, str]) -> str:
        asked = form.get("scope", "")
        allowed = self._settings.get("scopes")
        if asked and allowed is not None and not set(asked.split()) <= set(allowed):
            raise TokenRefusedError("invalid_scope", "a scope is unknown, or not this client's")
        return asked

    def _refreshed(self, form: Mapping[str, str]) -> str:
        """The refresh token from now on."""
        sent = form.get("refresh_token", "")
        if sent in self._spent:
            # RFC 9700, section 4.14.2: one of the two who used it has stolen it.
            self._good.clear()
            self._access.clear()
            raise TokenRefusedError(
                "invalid_grant",
                "the refresh token was used before: all tokens that came of it are revoked",
            )
        if not any(_same(sent, one) for one in self._good):
            raise TokenRefusedError("invalid_grant", "missing or unknown refresh token")
        rotate = self._settings.get("rotate", False)
        if not rotate:
            return sent
        self._take_over(sent)
        for successor in [new for new, old in self._replaces.items() if old == sent]:
            self._good.discard(successor)  # that never arrived
            del self._replaces[successor]
        new = secrets.token_urlsafe(24)
        self._good.add(new)
        if rotate == "when_used":
            self._replaces[new] = sent
        else:
            self._good.discard(sent)
            self._spent.add(sent)
        return new

    def _asserted(self, form: Mapping[str, str]) -> str:
        assert self._key is not None  # noqa: S101  (the grant is offered)
        try:
            claims = claims_of(form.get("assertion", ""), self._key)
        except BadTokenError as error:
            raise TokenRefusedError("invalid_grant", str(error)) from None
        jwt = self._settings["jwt"]
        now = self._wall_ms() / 1000
        for claim, name in (("iss", "issuer"), ("sub", "subject")):
            if claims.get(claim) != jwt[name]:
                raise TokenRefusedError("invalid_grant", f"{claim} is not the registered {name}")
        audience = claims.get("aud")
        if jwt["audience"] not in (audience if isinstance(audience, list) else [audience]):
            raise TokenRefusedError("invalid_grant", "aud does not name this server")
        ends = claims.get("exp")
        if self._texts_as_times and isinstance(ends, str) and ends.isascii() and ends.isdigit():
            ends = int(ends[:15])
        if not isinstance(ends, (int, float)) or isinstance(ends, bool) or ends <= now - _SKEW_S:
            raise TokenRefusedError("invalid_grant", "exp is missing or has passed")
        if ends > now + _LONGEST_ASSERTION_S + _SKEW_S:
            raise TokenRefusedError("invalid_grant", "exp is more than an hour ahead")
        begins = claims.get("iat", 0)
        if not isinstance(begins, (int, float)) or begins > now + _SKEW_S:
            raise TokenRefusedError("invalid_grant", "iat is in the future")
        return ""

    def _issue(self, refresh_token: str, scope: str) -> Json:
        token = secrets.token_urlsafe(24)
        until = self._clock() + self._expires_in_s
        self._access[token] = _Access(until, self._settings.get("uses"), refresh_token)
        self.issued += 1
        body: dict[str, Json] = {"access_token": token, "token_type": "bearer"}
        if self._settings.get("tell_expiry", True):
            body["expires_in"] = int(self._expires_in_s)
        if refresh_token:
            body["refresh_token"] = refresh_token
        if scope:
            body["scope"] = scope
        if self._settings.get("instance_url"):
            body["instance_url"] = self._settings["instance_url"]
        return body


def _form_of(request: Request) -> dict[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM:
        raise TokenRefusedError("invalid_request", f"Content-Type must be {_FORM}")
    try:
        pairs = parse_qsl(request.body.decode("utf-8"), keep_blank_values=True, strict_parsing=True)
    except ValueError:
        raise TokenRefusedError("invalid_request", "the body is no form") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise TokenRefusedError("invalid_request", "a parameter is sent twice")
    return form


def _basic(header: str) -> tuple[str, str]:
    """Both parts are form-encoded before base64: RFC 6749, section 2.3.1."""
    scheme, _, rest = header.partition(" ")
    try:
        text = base64.b64decode(rest.strip(), validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    if scheme.lower() != "basic" or ":" not in text:
        raise TokenRefusedError("invalid_client", "the login is not HTTP Basic", 401)
    client_id, _, secret = text.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


def _same(sent: str, held: str) -> bool:
    return secrets.compare_digest(sent.encode("utf-8", "replace"), held.encode()) and held != ""
