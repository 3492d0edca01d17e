"""Profiles of Klaviyo's sandbox one by one: what they must be, how they are found and changed."""

from __future__ import annotations

from typing import Any

import pytest
from klaviyo_forms import pointed, profile, stored

UPSERT = "/api/profile-import"


@pytest.fixture
def account(klaviyo: Any) -> Any:
    return klaviyo()


def upsert(account: Any, row: Any) -> Any:
    return account("POST", UPSERT, {"data": row})


def test_an_upsert_creates_and_then_changes_what_it_names(account: Any) -> None:
    made = upsert(account, profile(email="A@acme.test", first_name="Ann", properties={"risk": 0.5}))
    assert made.status == 201
    again = profile(email="a@acme.test", first_name=None, properties={"tier": 2})
    changed = upsert(account, again)
    assert (changed.status, changed.body["data"]["id"]) == (200, made.body["data"]["id"])
    assert stored(account) == [{"email": "a@acme.test", "properties": {"risk": 0.5, "tier": 2}}]
    shown = changed.body["data"]["attributes"]
    assert (shown["first_name"], shown["properties"]) == (None, {"risk": 0.5, "tier": 2})
    upsert(account, profile(email="a@acme.test", properties={"risk": None}))
    assert stored(account)[0]["properties"] == {"tier": 2}


@pytest.mark.parametrize(
    "named",
    [{"email": "a@acme.test"}, {"phone_number": "+15551234567"}, {"external_id": "A1"}],
)
def test_a_profile_is_known_by_each_of_its_identifiers(account: Any, named: Any) -> None:
    whole = {"email": "a@acme.test", "phone_number": "+15551234567", "external_id": "A1"}
    number = upsert(account, profile(**whole)).body["data"]["id"]
    reply = upsert(account, profile(**named, title="Boss"))
    assert (reply.status, reply.body["data"]["id"]) == (200, number)
    by_id = {**profile(title="Chief"), "id": number}
    assert upsert(account, by_id).status == 200
    assert stored(account) == [{**whole, "title": "Chief"}]
    assert upsert(account, {**profile(title="x"), "id": "nobody"}).status == 404


def test_identifiers_of_two_profiles_are_a_conflict(account: Any) -> None:
    upsert(account, profile(email="a@acme.test"))
    other = upsert(account, profile(external_id="B1")).body["data"]["id"]
    reply = upsert(account, profile(email="a@acme.test", external_id="B1"))
    assert (reply.status, pointed(reply)) == (409, [("duplicate_profile", "/data/attributes")])
    assert reply.body["errors"][0]["meta"] == {"duplicate_profile_id": other}
    assert len(stored(account)) == 2


def test_creating_one_that_there_is_tells_which(account: Any) -> None:
    body = {"data": profile(email="a@acme.test")}
    made = account("POST", "/api/profiles", body)
    assert made.status == 201
    reply = account("POST", "/api/profiles", body)
    assert reply.status == 409
    (error,) = reply.body["errors"]
    assert error["meta"] == {"duplicate_profile_id": made.body["data"]["id"]}


def test_one_is_changed_by_its_id(account: Any) -> None:
    number = upsert(account, profile(email="a@acme.test")).body["data"]["id"]
    upsert(account, profile(email="b@acme.test"))
    path = f"/api/profiles/{number}"
    row = {**profile(last_name="Z"), "id": number}
    assert account("PATCH", path, {"data": row}).body["data"]["attributes"]["last_name"] == "Z"
    taken = {**profile(email="b@acme.test"), "id": number}
    assert account("PATCH", path, {"data": taken}).status == 409
    bare = {**profile(email=None), "id": number}
    assert account("PATCH", path, {"data": bare}).status == 400
    other = {**profile(last_name="Y"), "id": "another"}
    assert account("PATCH", path, {"data": other}).status == 400
    assert account("PATCH", "/api/profiles/another", {"data": other}).status == 404
    assert account("GET", path).body["data"]["attributes"]["last_name"] == "Z"
    assert account("GET", "/api/profiles/another").status == 404


def test_properties_are_patched(account: Any) -> None:
    row = profile(email="a@acme.test", properties={"tags": ["a"], "one": 1, "two": 2})
    upsert(account, row)
    patch = {"append": {"tags": ["b", "c"], "new": 5}, "unset": ["one"]}
    upsert(account, {**profile(email="a@acme.test"), "meta": {"patch_properties": patch}})
    assert stored(account)[0]["properties"] == {"tags": ["a", "b", "c"], "two": 2, "new": [5]}
    patch = {"unappend": {"tags": "b"}, "unset": "two"}
    upsert(account, {**profile(email="a@acme.test"), "meta": {"patch_properties": patch}})
    assert stored(account)[0]["properties"] == {"tags": ["a", "c"], "new": [5]}


@pytest.mark.parametrize(
    ("row", "pointer"),
    [
        (profile(email="nobody"), "/data/attributes/email"),
        (profile(email=5), "/data/attributes/email"),
        (profile(email="a@acme.test", phone_number="0301234"), "/data/attributes/phone_number"),
        (profile(email="a@acme.test", first_name=5), "/data/attributes/first_name"),
        (profile(email="a@acme.test", nickname="x"), "/data/attributes/nickname"),
        (profile(email="a@acme.test", subscriptions={}), "/data/attributes/subscriptions"),
        (profile(email="a@acme.test", properties=[]), "/data/attributes/properties"),
        (profile(email="a@acme.test", location="x"), "/data/attributes/location"),
        (
            profile(email="a@acme.test", location={"street": "x"}),
            "/data/attributes/location/street",
        ),
        (profile(email="a@acme.test", location={"city": 5}), "/data/attributes/location/city"),
        (profile(first_name="x"), "/data/attributes"),
        (profile(email=None), "/data/attributes"),
        ({"type": "person", "attributes": {}}, "/data/type"),
        ({"type": "profile"}, "/data/attributes"),
        ({**profile(email="a@acme.test"), "email": "x"}, "/data/email"),
        ({**profile(email="a@acme.test"), "id": 5}, "/data/id"),
        ({**profile(email="a@acme.test"), "meta": {"patch": {}}}, "/data/meta"),
        (
            {**profile(email="a@acme.test"), "meta": {"patch_properties": {"unset": 5}}},
            "/data/meta/patch_properties",
        ),
        (profile(email="a@acme.test", properties={"x": "y" * 100_000}), "/data"),
        ("row", "/data"),
    ],
)
def test_what_is_no_profile_is_pointed_at(account: Any, row: Any, pointer: str) -> None:
    reply = upsert(account, row)
    assert (reply.status, pointed(reply)) == (400, [("invalid", pointer)])
    assert stored(account) == []


def test_places_are_merged(account: Any) -> None:
    upsert(account, profile(email="a@acme.test", location={"city": "Rome", "latitude": 41.9}))
    upsert(account, profile(email="a@acme.test", location={"city": None, "country": "Italy"}))
    assert stored(account)[0]["location"] == {"latitude": 41.9, "country": "Italy"}


def test_profiles_are_found_by_filters_and_page_by_page(account: Any) -> None:
    for n in range(5):
        upsert(account, profile(email=f"p{n}@acme.test", external_id=f"P{n}"))

    def emails(query: str) -> list[str]:
        body = account("GET", f"/api/profiles?{query}").body
        return [one["attributes"]["email"] for one in body["data"]]

    assert emails('filter=equals(email,"P3@acme.test")') == ["p3@acme.test"]
    assert emails("filter=any(external_id,['P1','P4','P9'])") == ["p1@acme.test", "p4@acme.test"]
    assert emails('filter=equals(phone_number,"%2B15551234567")') == []
    assert emails("filter=greater-than(created,1970-01-01T00:00:00Z)") == emails("page[size]=100")
    assert emails("filter=less-than(updated,1970-01-01T00:00:00Z)") == []
    seen, path = [], "/api/profiles?page[size]=2"
    while path:
        body = account("GET", path).body
        seen.append([one["attributes"]["external_id"] for one in body["data"]])
        following = body["links"]["next"] or ""
        path = following.partition("klaviyo.invalid")[2]
    assert seen == [["P0", "P1"], ["P2", "P3"], ["P4"]]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("filter=email", "filter"),
        ('filter=equals(first_name,"x")', "filter"),
        ('filter=greater-than(email,"x")', "filter"),
        ("filter=equals(email,[)", "filter"),
        ("filter=any(email,[])", "filter"),
        ("filter=any(email,[5])", "filter"),
        ("page[size]=101", "page[size]"),
        ("page[size]=many", "page[size]"),
        ("page[cursor]=nonsense", "page[cursor]"),
    ],
)
def test_a_question_that_is_none_is_refused(account: Any, query: str, parameter: str) -> None:
    reply = account("GET", f"/api/profiles?{query}")
    assert (reply.status, pointed(reply)) == (400, [("invalid", parameter)])


def deletion(attributes: Any, **more: Any) -> dict[str, Any]:
    data = {"type": "profile", "attributes": attributes, **more}
    attributes = {"profile": {"data": data}}
    return {"data": {"type": "data-privacy-deletion-job", "attributes": attributes}}


def test_a_deletion_is_accepted_and_done_later(klaviyo: Any, clock: Any) -> None:
    account = klaviyo(job_ms=5000)
    for n in range(3):
        upsert(account, profile(email=f"p{n}@acme.test", phone_number=f"+1555123456{n}"))
    path = "/api/data-privacy-deletion-jobs"
    number = account("GET", '/api/profiles?filter=equals(email,"p2@acme.test")').body["data"][0][
        "id"
    ]
    bodies = [
        deletion({"email": "P0@acme.test"}),
        deletion({"phone_number": "+15551234561"}),
        deletion({}, id=number),
        deletion({"email": "nobody@acme.test"}),
    ]
    for body in bodies:
        reply = account("POST", path, body)
        assert (reply.status, reply.body) == (202, None)
    assert len(stored(account)) == 3
    clock.now += 5
    assert stored(account) == []
    both = deletion({"email": "a@acme.test", "phone_number": "+15551234567"})
    assert account("POST", path, both).status == 400
    assert account("POST", path, deletion({})).status == 400
