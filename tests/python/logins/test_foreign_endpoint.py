"""Our requests before a token endpoint that others have written, and a JWT library of others."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from foreign_endpoint import Client, ForeignEndpoint, Records
from joserfc import jwt
from joserfc.jwk import RSAKey
from login_grants import GRANTS, JWT
from login_keys import PUBLIC_KEY
from sync_world import SECRET

from tailrace import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sync_world import World

Make = Any
BOTH = ("client_secret_basic", "client_secret_post")
# What has to be encoded in a form, and in HTTP Basic before base64.
ODD_SECRET = f"{SECRET}:p&s w%+/ä"


@pytest.fixture
def endpoint() -> Iterator[ForeignEndpoint]:
    client = Client("app", SECRET, BOTH)
    records = Records(client, PUBLIC_KEY, JWT["audience"], refresh={"first-" * 4})
    with ForeignEndpoint(records) as server:
        yield server


@pytest.fixture
def make_foreign(
    make_world: Callable[..., World], make_login: Callable[..., World], endpoint: ForeignEndpoint
) -> Callable[..., World]:
    """A world whose token comes from there; its tool takes any bearer token."""

    def make(grant: str, **asked: Any) -> World:
        world = make_world("rest_errors")
        keys = make_login(grant).folder
        (world.folder / "key.pem").write_bytes((keys / "key.pem").read_bytes())
        (world.folder / "key.pem").chmod(0o600)
        auth = {"token_url": endpoint.url, **GRANTS[grant], **asked}
        world.connect(auth={grant: auth})
        return world

    return make


def asked(endpoint: ForeignEndpoint) -> list[int]:
    """The status of each answer."""
    return [status for status, _ in endpoint.records.answers]


def run_for_token(world: World, people: int = 1) -> Any:
    """The tool behind it knows none of those tokens: only the endpoint is of interest."""
    world.people(people)
    return world.run(counted=False)


@pytest.mark.parametrize("client_auth", ["basic", "form"])
@pytest.mark.parametrize("grant", ["oauth2", "refresh_token"])
def test_the_client_is_taken_for_who_it_is(
    make_foreign: Make, endpoint: ForeignEndpoint, grant: str, client_auth: str
) -> None:
    run_for_token(make_foreign(grant, client_auth=client_auth))
    assert asked(endpoint)[0] == 200, endpoint.records.answers
    assert endpoint.records.methods[0] == client_auth


@pytest.mark.parametrize("client_auth", ["basic", "form"])
def test_every_character_of_a_secret_arrives(
    make_foreign: Make, endpoint: ForeignEndpoint, client_auth: str
) -> None:
    endpoint.records.client.client_secret = ODD_SECRET
    world = make_foreign("oauth2", client_auth=client_auth)
    world.environment["DESTINATION_SECRET"] = ODD_SECRET
    run_for_token(world)
    assert asked(endpoint)[0] == 200, endpoint.records.answers


def test_a_scope_is_asked_for(make_foreign: Make, endpoint: ForeignEndpoint) -> None:
    run_for_token(make_foreign("oauth2", scope="write"))
    assert endpoint.records.answers[0][1]["scope"] == "write"


def test_a_jwt_is_accepted_and_verified_by_a_library(
    make_foreign: Make, endpoint: ForeignEndpoint
) -> None:
    before = time.time()
    run_for_token(make_foreign("jwt"))
    assert asked(endpoint)[0] == 200, endpoint.records.answers
    token = jwt.decode(
        endpoint.records.assertions[0], RSAKey.import_key(PUBLIC_KEY), algorithms=["RS256"]
    )
    assert token.header == {"alg": "RS256", "typ": "JWT"}
    assert {name: token.claims[name] for name in ("iss", "sub", "aud")} == {
        "iss": JWT["issuer"],
        "sub": JWT["subject"],
        "aud": JWT["audience"],
    }
    assert set(token.claims) == {"iss", "sub", "aud", "iat", "exp"}
    assert before - 2 <= token.claims["iat"] <= time.time() + 1
    assert token.claims["exp"] - token.claims["iat"] == 180


def test_a_rotated_refresh_token_is_used_from_then_on(
    make_foreign: Make, endpoint: ForeignEndpoint
) -> None:
    """That server spends a refresh token with its first use."""
    world = make_foreign("refresh_token")
    for turn in range(3):
        run_for_token(world, 1) if turn == 0 else world.run(counted=False)
    assert set(asked(endpoint)) == {200}, endpoint.records.answers
    assert len(asked(endpoint)) >= 3
    assert len(endpoint.records.refresh) == 1


@pytest.mark.parametrize(
    ("grant", "wrong", "code"),
    [
        ("oauth2", {"client_secret": "other-secret"}, "invalid_client"),
        ("oauth2", {"client_id": "nobody"}, "invalid_client"),
        ("refresh_token", {"refresh_token": "spent-and-gone"}, "invalid_grant"),
        ("jwt", {"audience": "https://other.example.com"}, "invalid_grant"),
        ("jwt", {"subject": "bob@example.com"}, "invalid_grant"),
    ],
)
def test_its_refusals_are_told(
    make_foreign: Make, endpoint: ForeignEndpoint, grant: str, wrong: dict[str, Any], code: str
) -> None:
    ended = run_for_token(make_foreign(grant, **wrong))
    assert isinstance(ended.error, ConfigError)
    assert code in str(ended.error)
    assert len(asked(endpoint)) == 1
