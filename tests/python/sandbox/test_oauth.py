"""The token endpoint of the sandbox: three grants, and no mercy."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tailrace.sandbox.config import ConfigError
from tailrace.sandbox.jwt import BadTokenError, PublicKey, claims_of
from tailrace.sandbox.oauth import JWT_BEARER, Grants

Make = Any
FORM = {"content-type": "application/x-www-form-urlencoded", "authorization": ""}
CLIENT = {"client_id": "app", "client_secret": "s&c ret"}
REFRESH = {**CLIENT, "refresh_token": "r1"}
LOGINS = Path(__file__).resolve().parents[1] / "logins"
PUBLIC = (LOGINS / "login_keys.py").read_text(encoding="utf-8").split('"""')[3].lstrip("\\\n")
JWT = {"issuer": "app", "subject": "ann", "audience": "https://login.example", "public_key": PUBLIC}
AT = 1000  # the virtual clock's first second


def basic(client_id: str, secret: str) -> str:
    text = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return "Basic " + base64.b64encode(text.encode()).decode()


def ask(api: Make, form: dict[str, Any], authorization: str = "", **headers: str) -> Any:
    sent = {**FORM, "authorization": authorization, **headers}
    return api("POST", "/rest/oauth/token", urlencode(form).encode(), sent)


def get(api: Make, token: str) -> Any:
    return api("GET", "/rest/a", headers={"authorization": f"Bearer {token}"})


def assertion(claims: dict[str, Any], header: dict[str, Any] | None = None) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    signed = f"{part(header or {'alg': 'RS256'})}.{part(claims)}"
    key = serialization.load_pem_private_key((LOGINS / "key.pem").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    made = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


CLAIMS = {"iss": "app", "sub": "ann", "aud": "https://login.example", "exp": AT + 180}


def test_a_client_gets_a_token_that_works(rest: Make) -> None:
    api = rest(oauth=CLIENT)
    reply = ask(api, {"grant_type": "client_credentials"}, basic("app", "s&c ret"))
    assert reply.status == 200
    assert ("Cache-Control", "no-store") in reply.headers
    assert reply.body["token_type"] == "bearer"
    assert get(api, reply.body["access_token"]).status == 200
    form = {"grant_type": "client_credentials", **CLIENT}
    assert ask(api, form).status == 200


def test_a_token_ends_with_its_time(rest: Make, clock: Any) -> None:
    api = rest(oauth={**CLIENT, "expires_in_s": 60})
    reply = ask(api, {"grant_type": "client_credentials", **CLIENT})
    assert reply.body["expires_in"] == 60
    token = reply.body["access_token"]
    clock.now += 59.9
    assert get(api, token).status == 200
    clock.now += 0.1
    refused = get(api, token)
    assert refused.status == 401
    assert ("WWW-Authenticate", 'Bearer error="invalid_token"') in refused.headers
    assert get(api, "other").status == 401


def test_a_token_ends_with_its_uses_and_tells_nothing(rest: Make) -> None:
    api = rest(oauth={**CLIENT, "uses": 3, "tell_expiry": False})
    reply = ask(api, {"grant_type": "client_credentials", **CLIENT})
    assert "expires_in" not in reply.body
    statuses = [get(api, reply.body["access_token"]).status for _ in range(5)]
    assert statuses == [200, 200, 200, 401, 401]


@pytest.mark.parametrize(
    ("form", "authorization", "status", "code"),
    [
        ({}, "", 400, "invalid_request"),
        ({"grant_type": "password", **CLIENT}, "", 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", **CLIENT}, "", 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "", 400, "invalid_client"),
        ({"grant_type": "client_credentials", **CLIENT, "client_id": "x"}, "", 400,
         "invalid_client"),
        ({"grant_type": "client_credentials"}, basic("app", "wrong"), 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, "Basic %%%", 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, "Bearer app", 401, "invalid_client"),
        ({"grant_type": "client_credentials", **CLIENT}, basic("app", "s&c ret"), 400,
         "invalid_request"),
        ({"grant_type": "client_credentials", "scope": "admin", **CLIENT}, "", 400,
         "invalid_scope"),
    ],
)  # fmt: skip
def test_a_refusal_has_the_standards_code(
    rest: Make, form: dict[str, str], authorization: str, status: int, code: str
) -> None:
    api = rest(oauth={**CLIENT, "scopes": ["write"]})
    reply = ask(api, form, authorization)
    assert (reply.status, reply.body["error"]) == (status, code)
    assert (("WWW-Authenticate", "Basic") in reply.headers) == (status == 401)


def test_a_form_is_a_form(rest: Make) -> None:
    api = rest(oauth=CLIENT)
    form = {"grant_type": "client_credentials", **CLIENT}
    assert ask(api, form, **{"content-type": "application/json"}).body["error"] == "invalid_request"
    twice = urlencode([*form.items(), ("scope", "a"), ("scope", "b")]).encode()
    assert api("POST", "/rest/oauth/token", twice, FORM).body["error"] == "invalid_request"
    assert api("POST", "/rest/oauth/token", b"\xff", FORM).body["error"] == "invalid_request"
    assert api("GET", "/rest/oauth/token").status == 404


def test_a_client_logs_in_the_way_it_is_registered(rest: Make) -> None:
    form = {"grant_type": "client_credentials"}
    api = rest(oauth={**CLIENT, "client_auth": "basic"})
    assert ask(api, {**form, **CLIENT}).body["error"] == "invalid_client"
    assert ask(api, form, basic("app", "s&c ret")).status == 200
    api = rest(oauth={**CLIENT, "client_auth": "form"})
    assert ask(api, form, basic("app", "s&c ret")).body["error"] == "invalid_client"
    assert ask(api, {**form, **CLIENT}).status == 200


def refreshed(api: Make, token: str) -> Any:
    return ask(api, {"grant_type": "refresh_token", "refresh_token": token, **CLIENT})


def test_a_refresh_token_that_comes_back_takes_all_with_it(rest: Make) -> None:
    api = rest(oauth={**REFRESH, "rotate": True})
    first = refreshed(api, "r1").body
    second = refreshed(api, first["refresh_token"]).body
    assert get(api, second["access_token"]).status == 200
    reused = refreshed(api, "r1")
    assert reused.body["error"] == "invalid_grant"
    assert "used before" in reused.body["error_description"]
    assert get(api, second["access_token"]).status == 401
    assert refreshed(api, second["refresh_token"]).body["error"] == "invalid_grant"


@pytest.mark.parametrize("by", ["access", "refresh"])
def test_a_token_lives_until_its_successor_is_used(rest: Make, by: str) -> None:
    api = rest(oauth={**REFRESH, "rotate": "when_used"})
    lost = refreshed(api, "r1").body
    again = refreshed(api, "r1")
    assert again.status == 200, "the first answer never arrived"
    assert refreshed(api, lost["refresh_token"]).body["error"] == "invalid_grant"
    if by == "access":
        assert get(api, again.body["access_token"]).status == 200
    else:
        assert refreshed(api, again.body["refresh_token"]).status == 200
    assert "used before" in refreshed(api, "r1").body["error_description"]


def test_without_rotation_a_refresh_token_stays(rest: Make) -> None:
    api = rest(oauth=REFRESH)
    assert refreshed(api, "r1").body["refresh_token"] == "r1"
    assert refreshed(api, "r1").status == 200
    assert refreshed(api, "").body["error"] == "invalid_grant"


def asserted(api: Make, token: str) -> Any:
    return ask(api, {"grant_type": JWT_BEARER, "assertion": token})


def test_an_assertion_gets_a_token(rest: Make) -> None:
    api = rest(oauth={"jwt": JWT})
    reply = asserted(api, assertion(CLAIMS))
    assert reply.status == 200, reply.body
    assert "refresh_token" not in reply.body
    assert asserted(api, assertion({**CLAIMS, "aud": ["x", CLAIMS["aud"]]})).status == 200


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"iss": "other"}, "iss"),
        ({"sub": None}, "sub"),
        ({"aud": "https://login.example/"}, "aud"),
        ({"aud": None}, "aud"),
        ({"exp": AT - 61}, "exp"),
        ({"exp": None}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"exp": AT + 3700}, "hour"),
        ({"iat": AT + 100}, "iat"),
    ],
)
def test_a_claim_that_is_wrong_is_named(rest: Make, changes: dict[str, Any], says: str) -> None:
    reply = asserted(rest(oauth={"jwt": JWT}), assertion({**CLAIMS, **changes}))
    assert (reply.status, reply.body["error"]) == (400, "invalid_grant")
    assert says in reply.body["error_description"]


def test_only_the_registered_keys_signature_counts() -> None:
    key = PublicKey.of(PUBLIC)
    good = assertion(CLAIMS)
    assert claims_of(good, key) == CLAIMS
    head, claims, signature = good.split(".")
    other = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    for bad in (
        f"{head}.{claims}.{flipped}",
        f"{head}.{claims}.",
        f"{other}.{claims}.",
        f"{head}.{claims}",
        f"{head}.{claims}.{signature}=",
        f"{head}.{claims[:-2]}.{signature}",
        "",
        "a.b.c",
    ):
        with pytest.raises(BadTokenError):
            claims_of(bad, key)
    with pytest.raises(BadTokenError, match="RS256"):
        claims_of(assertion(CLAIMS, {"alg": "HS256"}), key)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"client_id": "app"}, "client_secret missing"),
        ({**CLIENT, "rotate": "often"}, "rotate"),
        ({**CLIENT, "uses": 0}, "uses"),
        ({**CLIENT, "client_auth": "header"}, "client_auth"),
        ({**CLIENT, "expire": 5}, "expire"),
        ({"jwt": {"issuer": "a"}}, "subject"),
        ({"jwt": {**JWT, "public_key": "x"}}, "public_key"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Grants(settings, lambda: 0.0, lambda: 0)
