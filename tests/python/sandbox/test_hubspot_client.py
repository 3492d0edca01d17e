"""HubSpot's own Python client gets right answers from the sandbox.

The client was written by the vendor and knows nothing of this project, so it cannot share our
misunderstandings. What is asserted is what the client returns and what is stored afterwards.
"""

from __future__ import annotations

from datetime import timezone
from typing import Any

import hubspot
import pytest
from hubspot.crm import contacts, properties

START = {
    "vendors": {
        "hubspot": {
            "tokens": ["pat-1"],
            "limits": {"max": 50, "interval_ms": 10_000, "daily": 1000},
            "properties": {"contacts": {"score": "number"}},
        }
    }
}


@pytest.fixture
def account(start: Any) -> Any:
    sandbox, _ = start(START)
    client = hubspot.Client.create(access_token="pat-1")
    return sandbox, client, point_at(client.crm.contacts.batch_api, sandbox.url)


def point_at(api: Any, url: str) -> Any:
    api.api_client.configuration.host = url
    return api


def upsert(api: Any, *rows: tuple[str, dict[str, str]]) -> Any:
    inputs = [
        contacts.SimplePublicObjectBatchInputUpsert(
            id=email, id_property="email", object_write_trace_id=f"row-{at}", properties=values
        )
        for at, (email, values) in enumerate(rows)
    ]
    body = contacts.BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs)
    return api.upsert(batch_input_simple_public_object_batch_input_upsert=body)


def test_an_upsert_of_good_rows_is_a_complete_batch(account: Any) -> None:
    sandbox, _, api = account
    rows = [(f"U{n}@example.com", {"firstname": f"N{n}", "score": str(n)}) for n in range(100)]
    answer = upsert(api, *rows)
    assert isinstance(answer, contacts.BatchResponseSimplePublicUpsertObject)
    assert (answer.status, len(answer.results)) == ("COMPLETE", 100)
    assert all(result.new for result in answer.results)
    assert answer.completed_at.tzinfo is not None
    assert answer.completed_at >= answer.started_at
    traces = [result.object_write_trace_id for result in answer.results]
    assert traces != sorted(traces, key=lambda one: int(one[4:]))
    for result in answer.results:
        assert result.properties["firstname"] == "N" + result.object_write_trace_id[4:]
        assert result.created_at.astimezone(timezone.utc) == result.updated_at
    stored = sandbox.records("hubspot", "contacts")
    assert {one["values"]["email"] for one in stored} == {e.lower() for e, _ in rows}
    again = upsert(api, rows[0])
    assert again.results[0].new is False


def test_a_bad_row_makes_a_batch_with_errors(account: Any) -> None:
    sandbox, _, api = account
    answer = upsert(
        api,
        ("a@example.com", {"score": "1"}),
        ("b@example.com", {"score": "many"}),
        ("c@example.com", {"score": "3"}),
    )
    assert isinstance(answer, contacts.BatchResponseSimplePublicUpsertObjectWithErrors)
    assert (answer.status, answer.num_errors) == ("COMPLETE", 1)
    assert [one.object_write_trace_id for one in answer.results] != []
    (error,) = answer.errors
    assert error.category == "VALIDATION_ERROR"
    assert error.context == {"objectWriteTraceId": ["row-1"]}
    stored = [one["values"]["email"] for one in sandbox.records("hubspot", "contacts")]
    assert stored == ["a@example.com", "c@example.com"]


def test_a_limit_is_a_429_with_its_policy_and_headers(account: Any) -> None:
    sandbox, _, api = account
    for n in range(50):
        upsert(api, (f"u{n}@example.com", {}))
    with pytest.raises(contacts.ApiException) as refused:
        upsert(api, ("late@example.com", {}))
    assert refused.value.status == 429
    assert '"policyName":"TEN_SECONDLY_ROLLING"' in refused.value.body
    assert refused.value.headers["X-HubSpot-RateLimit-Remaining"] == "0"
    assert len(sandbox.records("hubspot", "contacts")) == 50
    assert sandbox.counters("hubspot")["rate_limited"] == 1


@pytest.mark.parametrize(
    ("rows", "status", "category"),
    [
        ([("a@example.com", {"nowhere": "1"})], 400, "VALIDATION_ERROR"),
        ([("a@example.com", {}), ("A@example.com", {})], 400, "VALIDATION_ERROR"),
        ([(f"u{n}@example.com", {}) for n in range(101)], 400, "VALIDATION_ERROR"),
    ],
)
def test_a_batch_that_cannot_be_meant_is_refused_whole(
    account: Any, rows: list[tuple[str, dict[str, str]]], status: int, category: str
) -> None:
    sandbox, _, api = account
    with pytest.raises(contacts.ApiException) as refused:
        upsert(api, *rows)
    assert refused.value.status == status
    assert f'"category":"{category}"' in refused.value.body
    assert sandbox.records("hubspot", "contacts") == []


def test_a_wrong_token_is_a_401(start: Any) -> None:
    sandbox, _ = start(START)
    client = hubspot.Client.create(access_token="pat-2")
    with pytest.raises(contacts.ApiException) as refused:
        upsert(point_at(client.crm.contacts.batch_api, sandbox.url), ("a@example.com", {}))
    assert refused.value.status == 401
    assert '"category":"INVALID_AUTHENTICATION"' in refused.value.body


def test_create_read_update_and_archive_go_round(account: Any) -> None:
    sandbox, _, api = account
    new = contacts.SimplePublicObjectBatchInputForCreate(
        associations=[], properties={"email": "a@example.com", "firstname": "Ada"}
    )
    made = api.create(
        contacts.BatchInputSimplePublicObjectBatchInputForCreate(inputs=[new])
    ).results[0]
    with pytest.raises(contacts.ApiException) as refused:
        api.create(contacts.BatchInputSimplePublicObjectBatchInputForCreate(inputs=[new]))
    assert refused.value.status == 409
    assert f"Existing ID: {made.id}" in refused.value.body
    change = contacts.SimplePublicObjectBatchInput(id=made.id, properties={"firstname": ""})
    api.update(contacts.BatchInputSimplePublicObjectBatchInput(inputs=[change]))
    read = api.read(
        contacts.BatchReadInputSimplePublicObjectId(
            properties=["firstname", "email"],
            properties_with_history=[],
            id_property="email",
            inputs=[{"id": "A@example.com"}],
        )
    )
    assert read.results[0].id == made.id
    assert read.results[0].properties["firstname"] is None
    one = contacts.SimplePublicObjectId(id=made.id)
    api.archive(contacts.BatchInputSimplePublicObjectId(inputs=[one]))
    assert sandbox.records("hubspot", "contacts") == []


def test_the_client_walks_all_pages(account: Any) -> None:
    _, client, api = account
    upsert(api, *[(f"u{n}@example.com", {}) for n in range(25)])
    basic = point_at(client.crm.contacts.basic_api, account[0].url)
    seen, after = [], None
    while True:
        page = basic.get_page(limit=10, after=after, properties=["email"])
        seen += [one.properties["email"] for one in page.results]
        if page.paging is None:
            break
        after = page.paging.next.after
    assert sorted(seen) == sorted(f"u{n}@example.com" for n in range(25))


def test_the_client_reads_and_makes_properties(account: Any) -> None:
    sandbox, client, api = account
    core = point_at(client.crm.properties.core_api, sandbox.url)
    listed = {one.name: one for one in core.get_all(object_type="contacts").results}
    assert (listed["score"].type, listed["score"].field_type) == ("number", "number")
    assert listed["email"].has_unique_value is True
    new = properties.PropertyCreate(
        name="risk",
        label="Risk",
        type="enumeration",
        field_type="select",
        group_name="contactinformation",
        options=[{"label": "High", "value": "high", "hidden": False, "displayOrder": 0}],
    )
    assert core.create(object_type="contacts", property_create=new).name == "risk"
    assert upsert(api, ("a@example.com", {"risk": "high"})).status == "COMPLETE"
    answer = upsert(api, ("a@example.com", {"risk": "low"}))
    assert "was not one of the allowed options: [high]" in answer.errors[0].message
