"""Klaviyo's own Python client gets right answers from the sandbox.

The vendor wrote that client out of its own description; what is asserted is what it returns, and
what is stored afterwards.
"""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from klaviyo_api import KlaviyoAPI
from openapi_client.api.events_api import EventsApi
from openapi_client.exceptions import ApiException

from tailrace.sandbox.klaviyo import facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tailrace.sandbox import Sandbox

TYPED = {"type": "profile"}


@pytest.fixture
def account(start: Any) -> Callable[..., tuple[Sandbox, KlaviyoAPI]]:
    def make(**options: Any) -> tuple[Sandbox, KlaviyoAPI]:
        sandbox = start({"vendors": {"klaviyo": {"api_keys": ["pk_1"], **options}}})[0]
        return sandbox, client(sandbox)

    return make


def client(sandbox: Sandbox, key: str = "pk_1", retries: int = 1) -> KlaviyoAPI:
    return KlaviyoAPI(key, max_delay=1, max_retries=retries, test_host=sandbox.url)


def imported(*rows: dict[str, Any], lists: tuple[str, ...] = ()) -> dict[str, Any]:
    data = {
        "type": "profile-bulk-import-job",
        "attributes": {"profiles": {"data": [{**TYPED, "attributes": row} for row in rows]}},
        "relationships": {"lists": {"data": [{"type": "list", "id": one} for one in lists]}},
    }
    return {"data": data}


def test_an_import_is_started_asked_for_and_its_errors_read(account: Any) -> None:
    sandbox, klaviyo = account(bulk_validation="row")
    rows = [{"email": f"p{n}@acme.test", "properties": {"risk": n / 4}} for n in range(30)]
    for at in range(0, 30, 10):
        rows[at]["email"] = "bad"
    started = klaviyo.Profiles.bulk_import_profiles(imported(*rows))
    job = started.data.id
    assert (started.data.attributes.status, started.data.attributes.total_count) == ("queued", 30)
    told = klaviyo.Profiles.get_bulk_import_profiles_job(job).data.attributes
    assert (told.status, told.completed_count, told.failed_count) == ("complete", 27, 3)
    assert told.completed_at >= told.created_at
    found = klaviyo.Profiles.get_errors_for_bulk_import_profiles_job(job, page_size=2)
    pointers = {one.attributes.source.pointer for one in found.data}
    # The client takes the cursor out of addresses by itself where they begin with https alone.
    (cursor,) = parse_qs(urlsplit(found.links.next).query)["page[cursor]"]
    following = klaviyo.Profiles.get_errors_for_bulk_import_profiles_job(job, page_cursor=cursor)
    pointers |= {one.attributes.source.pointer for one in following.data}
    where = "/data/attributes/profiles/data"
    assert pointers == {f"{where}/{at}/attributes/email" for at in (0, 10, 20)}
    stored = {one["values"]["email"] for one in sandbox.records("klaviyo", "profiles")}
    assert stored == {row["email"] for row in rows} - {"bad"}


def test_a_bad_row_refuses_the_import(account: Any) -> None:
    sandbox, klaviyo = account()
    with pytest.raises(ApiException) as refused:
        klaviyo.Profiles.bulk_import_profiles(imported({"email": "a@acme.test"}, {"email": "bad"}))
    assert refused.value.status == 400
    assert "/data/attributes/profiles/data/1/attributes/email" in refused.value.body
    assert sandbox.records("klaviyo", "profiles") == []


def test_a_profile_is_created_changed_found_and_deleted(account: Any) -> None:
    sandbox, klaviyo = account()
    attributes = {"email": "a@acme.test", "first_name": "Ann", "properties": {"risk": 0.5}}
    body = {"data": {**TYPED, "attributes": attributes}}
    made = klaviyo.Profiles.create_or_update_profile_with_http_info(body)
    assert made.status_code == 201
    number = made.data.data.id
    body["data"]["attributes"] = {"email": "a@acme.test", "title": "Boss"}
    again = klaviyo.Profiles.create_or_update_profile_with_http_info(body)
    assert (again.status_code, again.data.data.id) == (200, number)
    assert again.headers["RateLimit-Limit"] == "750"
    with pytest.raises(ApiException) as refused:
        klaviyo.Profiles.create_profile(body)
    assert (refused.value.status, number in refused.value.body) == (409, True)
    found = klaviyo.Profiles.get_profiles(filter='equals(email,"A@acme.test")').data
    assert [(one.attributes.first_name, one.attributes.title) for one in found] == [("Ann", "Boss")]
    assert klaviyo.Profiles.get_profile(number).data.attributes.properties == {"risk": 0.5}
    profile = {"data": {**TYPED, "attributes": {"email": "a@acme.test"}}}
    deletion = {"type": "data-privacy-deletion-job", "attributes": {"profile": profile}}
    klaviyo.Data_Privacy.request_profile_deletion({"data": deletion})
    assert sandbox.records("klaviyo", "profiles") == []


def test_lists_have_members(account: Any) -> None:
    _, klaviyo = account(lists=["Risky"])
    (risky,) = klaviyo.Lists.get_lists(filter='equals(name,"Risky")').data
    rows = [{"email": f"p{n}@acme.test"} for n in range(3)]
    klaviyo.Profiles.bulk_import_profiles(imported(*rows, lists=(risky.id,)))
    members = klaviyo.Lists.get_profiles_for_list(risky.id).data
    assert [one.attributes.email for one in members] == [row["email"] for row in rows]
    gone = {"data": [{**TYPED, "id": one.id} for one in members[:2]]}
    klaviyo.Lists.remove_profiles_from_list(risky.id, gone)
    klaviyo.Lists.add_profiles_to_list(risky.id, {"data": gone["data"][:1]})
    left = klaviyo.Lists.get_profile_ids_for_list(risky.id).data
    assert [one.id for one in left] == [members[2].id, members[0].id]


def test_events_are_accepted(account: Any) -> None:
    sandbox, klaviyo = account()
    attributes = {
        "properties": {"risk": 0.5},
        "unique_id": "e1",
        "metric": {"data": {"type": "metric", "attributes": {"name": "Scored"}}},
        "profile": {"data": {**TYPED, "attributes": {"email": "a@acme.test"}}},
    }
    klaviyo.Events.create_event({"data": {"type": "event", "attributes": attributes}})
    profile = attributes.pop("profile")
    events = [{"type": "event", "attributes": {**attributes, "unique_id": f"e{n}"}} for n in (1, 2)]
    row = {"profile": profile, "events": {"data": events}}
    listed = {"data": [{"type": "event-bulk-create", "attributes": row}]}
    job = {"type": "event-bulk-create-job", "attributes": {"events-bulk-create": listed}}
    klaviyo.Events.bulk_create_events({"data": job})
    stored = sandbox.records("klaviyo", "events")
    assert [one["values"]["unique_id"] for one in stored] == ["e1", "e2"]


def scored(**attributes: Any) -> dict[str, Any]:
    """The document of an event of a@acme.test."""
    whole = {
        "properties": {"risk": 0.5},
        "metric": {"data": {"type": "metric", "attributes": {"name": "Scored"}}},
        "profile": {"data": {**TYPED, "attributes": {"email": "a@acme.test"}}},
        **attributes,
    }
    return {"data": {"type": "event", "attributes": whole}}


def test_an_event_is_told_of_and_recorded_once(account: Any) -> None:
    _, klaviyo = account()
    given = {"value": 9.5, "value_currency": "EUR", "time": "2024-05-01T10:00:00+00:00"}
    for _ in range(2):
        made = klaviyo.Events.create_event_with_http_info(scored(unique_id="e1", **given))
        assert (made.status_code, made.raw_data) == (202, b"")
        assert made.headers["RateLimit-Limit"] == "3500"
    klaviyo.Events.create_event(scored(unique_id="e2", backfill=True))
    found = klaviyo.Events.get_events().data
    assert [one.attributes.event_properties for one in found] == [{"risk": 0.5}] * 2
    assert found[0].attributes.datetime_.isoformat() == given["time"]
    (metric,) = klaviyo.Metrics.get_metrics().data
    assert metric.attributes.name == "Scored"


@pytest.mark.parametrize(
    ("attributes", "place"),
    [
        ({"profile": {"data": {**TYPED, "attributes": {"email": "bad"}}}}, "profile/data"),
        ({"time": "1989-01-01T00:00:00+00:00"}, "time"),
        ({"metric": {"data": {"type": "metric", "attributes": {"name": "x" * 128}}}}, "metric"),
    ],
)
def test_an_event_that_is_none_is_pointed_at(
    account: Any, attributes: dict[str, Any], place: str
) -> None:
    sandbox, klaviyo = account()
    with pytest.raises(ApiException) as refused:
        klaviyo.Events.create_event(scored(**attributes))
    assert refused.value.status == 400
    (error,) = json.loads(refused.value.body)["errors"]
    assert error["source"]["pointer"].startswith(f"/data/attributes/{place}")
    assert sandbox.records("klaviyo", "events") == []


def test_events_have_the_limits_that_the_client_tells_of() -> None:
    for call in (EventsApi.create_event, EventsApi.get_events):
        told = str(inspect.getdoc(call))
        assert f"Burst: `{facts.FASTEST.burst}/s`<br>Steady: `{facts.FASTEST.steady}/m`" in told


def test_a_limit_says_how_long_to_wait(account: Any) -> None:
    sandbox, klaviyo = account(limits={"burst": 1, "steady": 600})
    klaviyo = client(sandbox, retries=4)
    for _ in range(3):
        klaviyo.Lists.get_lists()
    assert sandbox.counters("klaviyo")["rate_limited"] >= 1
    with pytest.raises(ApiException) as refused:
        client(sandbox, "pk_2").Lists.get_lists()
    assert refused.value.status == 401
