"""Mailchimp's own Python client gets right answers from the sandbox.

The vendor wrote that client out of its own description; what is asserted is what it returns, and
what is stored afterwards.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import mailchimp_marketing
import pytest
from mailchimp_marketing.api_client import ApiClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tailrace.sandbox import Sandbox

LIST = "5ab0c1d2e3"
FIELDS = {"RISK": "number", "TIER": {"type": "dropdown", "choices": ["low", "high"]}}


@pytest.fixture
def account(start: Any) -> Callable[..., tuple[Sandbox, mailchimp_marketing.Client]]:
    def make(**options: Any) -> tuple[Sandbox, mailchimp_marketing.Client]:
        settings = {"api_keys": ["k-us1"], "data_center": "us1", **options}
        settings.setdefault("lists", {LIST: {"merge_fields": FIELDS}})
        sandbox = start({"vendors": {"mailchimp": settings}})[0]
        return sandbox, client(sandbox)

    return make


def client(sandbox: Sandbox, key: str = "k-us1") -> mailchimp_marketing.Client:
    made = mailchimp_marketing.Client({"api_key": key, "server": "us1"})
    made.api_client.host = f"{sandbox.url}/3.0"
    return made


def hash_of(email: str) -> str:
    return hashlib.md5(email.lower().encode()).hexdigest()


def people(*numbers: int) -> list[dict[str, Any]]:
    return [
        {"email_address": f"p{n}@acme.test", "status": "subscribed", "merge_fields": {"RISK": n}}
        for n in numbers
    ]


def test_a_key_is_good_or_is_not(account: Any) -> None:
    sandbox, mailchimp = account()
    assert mailchimp.ping.get() == {"health_status": "Everything's Chimpy!"}
    with pytest.raises(ApiClientError) as refused:
        client(sandbox, "other-us1").ping.get()
    assert refused.value.status_code == 401


def test_a_batch_tells_of_each_member(account: Any) -> None:
    sandbox, mailchimp = account()
    rows = people(*range(3))
    rows[1]["merge_fields"]["RISK"] = "high"
    told = mailchimp.lists.batch_list_members(LIST, {"members": rows, "update_existing": True})
    assert [one["email_address"] for one in told["new_members"]] == ["p0@acme.test", "p2@acme.test"]
    (error,) = told["errors"]
    assert (error["email_address"], error["error_code"]) == ("p1@acme.test", "ERROR_GENERIC")
    again = mailchimp.lists.batch_list_members(LIST, {"members": people(0, 1)})
    assert (again["total_created"], again["error_count"]) == (1, 1)
    assert again["errors"][0]["error_code"] == "ERROR_CONTACT_EXISTS"
    stored = {one["values"]["email_address"] for one in sandbox.records("mailchimp", "members")}
    assert stored == {f"p{n}@acme.test" for n in range(3)}


def test_a_member_is_upserted_read_tagged_and_taken_away(account: Any) -> None:
    sandbox, mailchimp = account()
    number = hash_of("Ann@acme.test")
    row = {
        "email_address": "Ann@acme.test",
        "status_if_new": "pending",
        "merge_fields": {"RISK": 1},
    }
    made = mailchimp.lists.set_list_member(LIST, number, row)
    assert (made["id"], made["status"]) == (number, "pending")
    mailchimp.lists.update_list_member(LIST, number, {"merge_fields": {"TIER": "high"}})
    read = mailchimp.lists.get_list_member(LIST, number)
    assert (read["merge_fields"]["RISK"], read["merge_fields"]["TIER"]) == (1, "high")
    tags = {"tags": [{"name": "vip", "status": "active"}]}
    assert mailchimp.lists.update_list_member_tags(LIST, number, tags).status_code == 204
    assert [one["name"] for one in mailchimp.lists.get_list_member_tags(LIST, number)["tags"]] == [
        "vip"
    ]
    assert mailchimp.lists.delete_list_member(LIST, number).status_code == 204
    assert mailchimp.lists.get_list_member(LIST, number)["status"] == "archived"
    assert mailchimp.lists.delete_list_member_permanent(LIST, number).status_code == 204
    with pytest.raises(ApiClientError) as refused:
        mailchimp.lists.set_list_member(LIST, number, row)
    assert (refused.value.status_code, "permanently deleted" in refused.value.text) == (400, True)
    assert sandbox.records("mailchimp", "members") == []


def test_fields_and_members_are_listed(account: Any) -> None:
    _, mailchimp = account()
    fields = mailchimp.lists.get_list_merge_fields(LIST, count=100)["merge_fields"]
    assert {one["tag"]: one["type"] for one in fields}["RISK"] == "number"
    made = mailchimp.lists.add_list_merge_field(
        LIST, {"name": "Plan", "type": "text", "tag": "PLAN"}
    )
    assert made["merge_id"] == len(fields) + 1
    mailchimp.lists.batch_list_members(LIST, {"members": people(*range(12))})
    page = mailchimp.lists.get_list_members_info(LIST, count=5, offset=10)
    assert [one["email_address"] for one in page["members"]] == ["p10@acme.test", "p11@acme.test"]
    assert mailchimp.lists.get_list(LIST)["stats"]["member_count"] == 12
    assert [one["id"] for one in mailchimp.lists.get_all_lists()["lists"]] == [LIST]


def test_a_batch_of_operations_is_started_and_asked_for(account: Any) -> None:
    sandbox, mailchimp = account()
    row = '{"email_address": "a@acme.test", "status_if_new": "subscribed"}'
    path = f"/lists/{LIST}/members/{hash_of('a@acme.test')}"
    operation = {"method": "PUT", "path": path, "operation_id": "a", "body": row}
    started = mailchimp.batches.start({"operations": [operation]})
    told = mailchimp.batches.status(started["id"])
    assert (started["status"], told["status"], told["finished_operations"]) == (
        *("pending", "finished"),
        1,
    )
    assert told["response_body_url"].startswith(sandbox.url)
    assert len(sandbox.records("mailchimp", "members")) == 1
