"""HubSpot beside its batches: logins, limits, properties, lists, the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tailrace.sandbox.config import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

LIST = "/crm/v3/objects/contacts"
PROPERTIES = "/crm/v3/properties/contacts"
UPSERT = "/crm/v3/objects/contacts/batch/upsert"
FORM = {"content-type": "application/x-www-form-urlencoded", "authorization": ""}

Make = Any


# -- logins --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic dDp0", "t", "Bearer wrong", "bearer T1"]
)
def test_a_login_that_is_not_known_is_a_401(hubspot: Make, header: str) -> None:
    account = hubspot(tokens=["t1", "t2"])
    reply = account("GET", LIST, headers={"authorization": header})
    assert (reply.status, reply.body["category"]) == (401, "INVALID_AUTHENTICATION")


@pytest.mark.parametrize("header", ["Bearer t1", "bearer t2"])
def test_configured_tokens_are_taken(hubspot: Make, header: str) -> None:
    account = hubspot(tokens=["t1", "t2"])
    assert account("GET", LIST, headers={"authorization": header}).status == 200


def test_without_tokens_any_bearer_is_taken_but_none_is_not(hubspot: Make) -> None:
    account = hubspot()
    assert account("GET", LIST, headers={"authorization": "Bearer whatever"}).status == 200
    assert account("GET", LIST, headers={"authorization": ""}).status == 401


OAUTH = {"client_id": "c", "client_secret": "s", "refresh_token": "r", "expires_in_s": 60}


def refresh(account: Make, token: str = "r", **other: str) -> Any:
    form = {
        "grant_type": "refresh_token",
        "client_id": "c",
        "client_secret": "s",
        "refresh_token": token,
        **other,
    }
    return account("POST", "/oauth/v1/token", urlencode(form).encode(), FORM)


def test_a_refreshed_token_works_until_it_expires(hubspot: Make, clock: Any) -> None:
    account = hubspot(oauth=OAUTH)
    reply = refresh(account)
    assert (reply.status, reply.body["expires_in"]) == (200, 60)
    login = {"authorization": f"Bearer {reply.body['access_token']}"}
    assert account("GET", LIST, headers=login).status == 200
    clock.now += 60
    expired = account("GET", LIST, headers=login)
    assert (expired.status, expired.body["category"]) == (401, "EXPIRED_AUTHENTICATION")
    assert account("GET", LIST, headers={"authorization": "Bearer other"}).status == 401


def test_a_rotated_refresh_token_works_once(hubspot: Make) -> None:
    account = hubspot(oauth={**OAUTH, "rotate": True})
    second = refresh(account).body["refresh_token"]
    third = refresh(account, second).body["refresh_token"]
    reused = refresh(account, second)
    assert (reused.status, reused.body["error"]) == (400, "invalid_grant")
    assert refresh(account, third).status == 400, "all that came of it is revoked"


@pytest.mark.parametrize(
    "wrong",
    [{"client_id": "x"}, {"client_secret": "x"}, {"token": "x"}, {"grant_type": "password"}],
)
def test_a_wrong_refresh_is_refused(hubspot: Make, wrong: dict[str, str]) -> None:
    assert refresh(hubspot(oauth=OAUTH), **wrong).status == 400


def test_without_an_oauth_client_there_is_no_token(hubspot: Make) -> None:
    assert refresh(hubspot()).status == 400


# -- limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tier", "burst", "daily"),
    [("starter", 100, 250_000), ("professional", 190, 650_000), ("enterprise", 190, 1_000_000)],
)
def test_a_tier_allows_its_number_in_ten_seconds(
    hubspot: Make, clock: Any, tier: str, burst: int, daily: int
) -> None:
    account = hubspot(limits=tier)
    replies = [account("GET", LIST) for _ in range(burst)]
    assert {reply.status for reply in replies} == {200}
    assert dict(replies[0].headers) == {
        "X-HubSpot-RateLimit-Max": str(burst),
        "X-HubSpot-RateLimit-Remaining": str(burst - 1),
        "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
        "X-HubSpot-RateLimit-Daily": str(daily),
        "X-HubSpot-RateLimit-Daily-Remaining": str(daily - 1),
    }
    refused = account("GET", LIST)
    assert refused.status == 429
    assert refused.body["errorType"] == "RATE_LIMIT"
    assert refused.body["policyName"] == "TEN_SECONDLY_ROLLING"
    assert dict(refused.headers)["X-HubSpot-RateLimit-Remaining"] == "0"
    assert "Retry-After" not in dict(refused.headers)
    clock.now += 9.99
    assert account("GET", LIST).status == 429
    clock.now += 0.01
    assert account("GET", LIST).status == 200


def test_the_ten_seconds_may_be_of_another_form(hubspot: Make, clock: Any) -> None:
    fixed = hubspot(limits={"max": 2, "kind": "fixed"})
    leaky = hubspot(limits={"max": 2, "kind": "leaky"})
    for account in (fixed, leaky):
        assert [account("GET", LIST).status for _ in range(3)] == [200, 200, 429]
    clock.now += 5.0
    assert [leaky("GET", LIST).status for _ in range(2)] == [200, 429]


def test_each_token_has_its_own_ten_seconds_and_all_share_the_day(hubspot: Make) -> None:
    account = hubspot(limits={"max": 3, "interval_ms": 1000, "daily": 5}, tokens=["a", "b"])

    def get(token: str) -> Any:
        return account("GET", LIST, headers={"authorization": f"Bearer {token}"})

    assert [get("a").status for _ in range(4)] == [200, 200, 200, 429]
    assert [get("b").status for _ in range(2)] == [200, 200]
    spent = get("b")
    assert (spent.status, spent.body["policyName"]) == (429, "DAILY")


def test_an_oauth_app_has_no_daily_limit(hubspot: Make) -> None:
    account = hubspot(limits="oauth")
    headers = dict(account("GET", LIST).headers)
    assert headers["X-HubSpot-RateLimit-Max"] == "110"
    assert "X-HubSpot-RateLimit-Daily" not in headers


def test_a_refused_login_takes_nothing_from_the_limit(hubspot: Make) -> None:
    account = hubspot(limits={"max": 1}, tokens=["t"])
    assert account("GET", LIST, headers={"authorization": "Bearer x"}).status == 401
    assert account("GET", LIST).status == 200


def test_an_error_answer_has_the_rate_headers_too(start: Callable[..., Any]) -> None:
    _, client = start({"vendors": {"hubspot": {"limits": "starter"}}})
    answer = client("POST", UPSERT, b"{")
    assert (answer.status, answer.headers["x-hubspot-ratelimit-max"]) == (400, "100")


# -- properties ----------------------------------------------------------------------------------

NEW = {
    "name": "risk",
    "label": "Risk",
    "type": "enumeration",
    "fieldType": "select",
    "groupName": "contactinformation",
    "options": [{"label": "High", "value": "high"}],
}


def test_a_declared_property_is_listed_with_its_type(hubspot: Make) -> None:
    account = hubspot(
        properties={"contacts": {"ext": {"type": "string", "unique": True, "label": "Ext"}}}
    )
    listed = {one["name"]: one for one in account("GET", PROPERTIES).body["results"]}
    assert (listed["ext"]["label"], listed["ext"]["hasUniqueValue"]) == ("Ext", True)
    assert listed["ext"]["hubspotDefined"] is False
    assert (listed["email"]["type"], listed["email"]["hasUniqueValue"]) == ("string", True)
    assert listed["hs_object_id"]["modificationMetadata"]["readOnlyValue"] is True
    assert "lead" in [one["value"] for one in listed["lifecyclestage"]["options"]]


def test_a_property_can_be_made_and_is_then_checked(hubspot: Make, contact: Any) -> None:
    account = hubspot()
    assert account("POST", PROPERTIES, NEW).status == 201
    assert account("GET", f"{PROPERTIES}/risk").body["type"] == "enumeration"
    good, bad = contact("a@b.co", risk="high"), contact("b@b.co", risk="low")
    assert account("POST", UPSERT, {"inputs": [good]}).status == 200
    assert account("POST", UPSERT, {"inputs": [bad]}).status == 400
    again = account("POST", PROPERTIES, NEW)
    assert (again.status, again.body["category"]) == (409, "OBJECT_ALREADY_EXISTS")


def test_a_property_made_unique_identifies_records(hubspot: Make) -> None:
    account = hubspot()
    new = {**NEW, "type": "string", "fieldType": "text", "hasUniqueValue": True, "options": []}
    assert account("POST", "/crm/properties/2026-03/contacts", new).status == 201
    one = {"id": "k", "idProperty": "risk", "properties": {}}
    assert account("POST", UPSERT, {"inputs": [one]}).status == 200


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Risk Level"},
        {"name": ""},
        {"label": None},
        {"type": "text"},
        {"type": "email"},
        {"groupName": 1},
        {"options": []},
        {"options": "high"},
    ],
)
def test_a_wrong_property_is_refused(hubspot: Make, change: dict[str, Any]) -> None:
    assert hubspot()("POST", PROPERTIES, {**NEW, **change}).status == 400


def test_an_unknown_property_is_a_404(hubspot: Make) -> None:
    assert hubspot()("GET", f"{PROPERTIES}/nowhere").status == 404


def test_a_custom_object_has_its_name_and_its_properties(hubspot: Make) -> None:
    options = {"plans": {"properties": {"plan_id": {"type": "string", "unique": True}}}}
    account = hubspot(objects=options)
    one = {"id": "p1", "idProperty": "plan_id", "properties": {}}
    for name in ("plans", "2-900000"):
        path = f"/crm/v3/objects/{name}/batch/upsert"
        assert account("POST", path, {"inputs": [one]}).status == 200


# -- lists, account, reset -----------------------------------------------------------------------


def test_the_list_is_paged_to_the_end(hubspot: Make, contact: Any) -> None:
    account = hubspot()
    account("POST", UPSERT, {"inputs": [contact(f"u{n}@b.co") for n in range(23)]})
    seen: list[str] = []
    target = f"{LIST}?limit=10&properties=email"
    while target:
        body = account("GET", target).body
        seen += [one["properties"]["email"] for one in body["results"]]
        following = body.get("paging", {}).get("next", {}).get("after")
        target = f"{LIST}?limit=10&properties=email&after={following}" if following else ""
    assert sorted(seen) == sorted(f"u{n}@b.co" for n in range(23))


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "after=x", "limit=-1"])
def test_a_wrong_page_is_refused(hubspot: Make, query: str) -> None:
    assert hubspot()("GET", f"{LIST}?{query}").status == 400


def test_the_account_tells_its_portal(hubspot: Make) -> None:
    for version in ("v3", "2026-03"):
        body = hubspot()("GET", f"/account-info/{version}/details").body
        assert isinstance(body["portalId"], int)


def test_reset_forgets_records_and_properties_made_on_the_way(hubspot: Make, contact: Any) -> None:
    account = hubspot()
    account("POST", PROPERTIES, NEW)
    account("POST", UPSERT, {"inputs": [contact("a@b.co")]})
    account.vendor.reset()
    assert account("GET", LIST).body["results"] == []
    assert account("GET", f"{PROPERTIES}/risk").status == 404


@pytest.mark.parametrize(
    "options",
    [
        {"token": "t"},
        {"tokens": "t", "limit": "none"},
        {"tokens": [1]},
        {"limits": "free"},
        {"limits": {"max": 0}},
        {"limits": {"max": 1, "kind": "round"}},
        {"limits": {"most": 1}},
        {"multi_status": "some"},
        {"unknown_properties": "ignore"},
        {"properties": {"contact": {}}},
        {"properties": {"contacts": {"x": "text"}}},
        {"properties": {"contacts": {"x": {"type": "enumeration"}}}},
        {"properties": {"contacts": {"x": {"kind": "string"}}}},
        {"oauth": {"client_id": "c"}},
        {"max_body_bytes": 0},
    ],
)
def test_wrong_options_are_refused(hubspot: Make, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        hubspot(**options)
