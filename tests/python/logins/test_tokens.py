"""Every grant against the strict sandbox: what is asked, when, and what becomes of refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from destination_forms import BY_NAME
from login_grants import by_status, tokens

from tailrace import ConfigError, Unfinished

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_world import World


Make = Any


@pytest.mark.parametrize("grant", ["oauth2", "refresh_token", "jwt"])
def test_each_grant_delivers_every_row_with_one_token(make_login: Make, grant: str) -> None:
    world = make_login(grant)
    world.people(200)
    ended = world.run(counted=False)
    assert ended.error is None, ended.error
    assert ended.counts.accepted == 200
    assert ended.report is not None
    assert ended.report.http.requests == 4
    assert tokens(world) == 1
    assert by_status(world) == {"200": 5}
    assert world.run(counted=False).requests == 0, "nothing to send: no login either"


def test_the_clients_secret_may_go_in_the_form(make_login: Make) -> None:
    world = make_login("oauth2", served={"client_auth": "form"}, asked={"client_auth": "form"})
    world.people(1)
    assert world.run(counted=False).error is None
    world = make_login("oauth2", served={"client_auth": "form"})
    world.people(1)
    ended = world.run(counted=False)
    assert isinstance(ended.error, ConfigError)
    assert "invalid_client" in str(ended.error)
    assert "client_auth" in str(ended.error)
    assert tokens(world) == 1


def test_a_key_may_stand_in_a_variable(make_login: Make) -> None:
    world = make_login("jwt")
    key = (world.folder / "key.pem").read_text(encoding="utf-8")
    (world.folder / "key.pem").unlink()
    world.environment["KEY"] = key
    auth = world.connection["auth"]["jwt"]
    del auth["key_file"]
    world.connect(auth={"jwt": {**auth, "private_key": "${env:KEY}"}})
    world.secrets.append(key.splitlines()[3])
    world.people(1)
    assert world.run(counted=False).error is None
    world.environment["KEY"] = key.replace("\n", "\\n")
    world.people(1, first=1)
    assert world.run(counted=False).error is None


def test_a_key_that_others_may_read_is_refused(make_login: Make) -> None:
    world = make_login("jwt")
    (world.folder / "key.pem").chmod(0o644)
    world.people(1)
    ended = world.run(counted=False)
    assert isinstance(ended.error, ConfigError)
    assert "chmod 600" in str(ended.error)
    assert ended.requests == 0


@pytest.mark.parametrize(
    ("grant", "asked", "says"),
    [
        ("oauth2", {"client_id": "other"}, "invalid_client"),
        ("oauth2", {"scope": "admin"}, "invalid_scope"),
        ("refresh_token", {"refresh_token": "spent-and-gone"}, "authorise the app anew"),
        ("jwt", {"issuer": "other"}, "iss is not the registered issuer"),
        ("jwt", {"subject": "bob@example.com"}, "sub is not the registered subject"),
        ("jwt", {"audience": "https://other.example.com"}, "aud does not name this server"),
    ],
)
def test_a_refused_login_is_configuration(
    make_login: Make, grant: str, asked: dict[str, Any], says: str
) -> None:
    world = make_login(grant, served={"scopes": ["write"]}, asked=asked)
    world.people(3)
    ended = world.run(counted=False)
    assert isinstance(ended.error, ConfigError)
    assert says in str(ended.error)
    assert tokens(world) == 1
    assert ended.report is not None
    assert ended.report.http.requests == 0
    assert ended.counts.not_attempted == 3


def test_tokens_that_end_in_mid_run_cost_one_renewal_each_and_no_row(make_login: Make) -> None:
    """Eight requests in flight; the endpoint tells of no end, so that each end is a 401."""
    world = make_login(
        "oauth2", "rest_put", served={"uses": 50, "tell_expiry": False}, latency_ms=10
    )
    world.connect(max_in_flight=8)
    world.people(400)
    ended = world.run(counted=False)
    assert ended.error is None, ended.error
    assert ended.counts.accepted == 400
    assert tokens(world) == 8, "400 requests at 50 a token"
    assert set(world.writes().values()) == {1}
    assert world.unequal() == set()
    world.assert_quiet()


def test_a_token_that_tells_its_end_is_renewed_before_it(make_login: Make) -> None:
    world = make_login("oauth2", "rest_put", served={"expires_in_s": 1}, latency_ms=40)
    world.connect(max_in_flight=8)
    world.people(500)
    ended = world.run(counted=False)
    assert ended.error is None, ended.error
    assert ended.counts.accepted == 500
    assert "401" not in by_status(world)
    assert tokens(world) >= 2
    assert set(world.writes().values()) == {1}


def test_a_second_refusal_with_a_fresh_token_ends_the_run(make_login: Make) -> None:
    fault = {"match": {"object": "people"}, "do": "401_always"}
    world = make_login("oauth2", "rest_put", faults=[fault], latency_ms=10)
    world.connect(max_in_flight=8)
    world.people(50)
    ended = world.run(counted=False)
    assert isinstance(ended.error, ConfigError)
    assert tokens(world) == 2
    assert by_status(world)["401"] <= 16
    assert ended.counts.not_attempted == 50
    assert ended.counts.unknown == 0


def test_an_endpoint_that_is_away_leaves_the_run_unfinished(
    make_login: Make, timing: Callable[..., None]
) -> None:
    timing(outage_s=2.0)
    fault = {"match": {"op": "token"}, "do": 503}
    world = make_login("oauth2", faults=[fault])
    world.people(3)
    ended = world.run(counted=False)
    assert isinstance(ended.error, Unfinished)
    assert "/rest/oauth/token" in str(ended.error)
    assert ended.counts.not_attempted == 3
    assert tokens(world) < 20


def test_a_replaced_refresh_token_serves_the_next_run(make_login: Make) -> None:
    world = make_login("refresh_token", served={"rotate": True})
    for turn in range(4):
        world.people(5, first=5 * turn)
        ended = world.run(counted=False)
        assert ended.error is None, ended.error
        assert tokens(world) == turn + 1
    assert world.unequal() == set()


def test_a_replaced_refresh_token_goes_with_a_copy_of_the_state(make_login: Make) -> None:
    world = make_login("refresh_token", served={"rotate": True})
    world.people(5)
    assert world.run(counted=False).error is None
    copy = f"sqlite:///{world.folder}/copy.db"
    world.project().copy_state(copy)
    world.keep_state_at(copy)
    world.people(5, first=5)
    assert world.run(counted=False).error is None


def test_checking_tries_the_login_and_not_offline(make_login: Make) -> None:
    world = make_login("refresh_token", served={"rotate": True})
    world.people(1)
    project = world.project()
    assert not project.check(offline=True)
    assert tokens(world) == 0
    assert not project.check()
    assert tokens(world) == 1
    assert world.run(counted=False).error is None, "what the check got was kept"
    world = make_login("oauth2", asked={"client_id": "other"})
    (problem,) = world.project().check()
    assert "invalid_client" in str(problem)


def test_hubspot_takes_a_refresh_token_and_renews_at_its_end(
    make_world: Callable[..., World],
) -> None:
    served = {"client_id": "app", "client_secret": "$SECRET", "refresh_token": "first-" * 4}
    form = replace(
        BY_NAME["hubspot"],
        login={"refresh_token": {**served, "client_secret": "$SECRET"}},
        credential_option="oauth",
        credential={**served, "client_auth": "form", "uses": 6, "tell_expiry": False},
    )
    world = make_world(form)
    world.people(1000)
    ended = world.run(counted=False)
    assert ended.error is None, ended.error
    assert ended.counts.accepted == 1000
    by_op = world.sandbox.counters("hubspot")["by_op"]
    assert 2 <= by_op["oauth.token"] <= 3, "10 requests, two questions and those refused"
    assert world.unequal() == set()
