"""Members of Mailchimp's sandbox: what they must be, one by one and five hundred at a time."""

from __future__ import annotations

from typing import Any

import pytest
from mailchimp_forms import FIELDS, LIST, LIST_ID, batch, member, new, path_of, stored, told

INVALID = "Invalid Resource"


@pytest.fixture
def account(mailchimp: Any) -> Any:
    return mailchimp(lists={LIST_ID: {"merge_fields": FIELDS}})


# -- one by one ----------------------------------------------------------------------------------


def test_an_upsert_takes_its_status_for_new_members_alone(account: Any) -> None:
    path = path_of("A@acme.test")
    made = account("PUT", path, new("A@acme.test", FNAME="Ann", RISK=0.5))
    assert (made.status, made.body["status"]) == (200, "subscribed")
    account("PATCH", path, {"status": "unsubscribed"})
    again = account("PUT", path, new("a@acme.test", RISK=0.75))
    assert again.body["status"] == "unsubscribed"
    assert again.body["id"] == made.body["id"] == path.rpartition("/")[2]
    assert again.body["merge_fields"]["FNAME"] == "Ann"
    (held,) = stored(account).values()
    assert held["merge_fields"] == {"FNAME": "Ann", "RISK": 0.75}
    assert account("PUT", path, member("a@acme.test")).body["status"] == "subscribed"


def test_a_new_member_needs_a_status(account: Any) -> None:
    reply = account("PUT", path_of("a@acme.test"), {"email_address": "a@acme.test"})
    assert told(reply) == (400, INVALID, [""])
    assert "status_if_new" in reply.body["errors"][0]["message"]
    reply = account("POST", f"{LIST}/members", {"email_address": "a@acme.test"})
    assert "status" in reply.body["errors"][0]["message"]
    assert stored(account) == {}


def test_a_member_that_there_is_cannot_be_added(account: Any) -> None:
    assert account("POST", f"{LIST}/members", member("a@acme.test")).status == 200
    reply = account("POST", f"{LIST}/members", member("A@acme.test"))
    assert told(reply) == (400, "Member Exists", [])
    assert "Use PUT" in reply.body["detail"]


def test_an_address_can_be_changed_where_it_is_free(account: Any) -> None:
    for email in ("a@acme.test", "b@acme.test"):
        account("PUT", path_of(email), new(email))
    reply = account("PUT", path_of("a@acme.test"), {"email_address": "b@acme.test"})
    assert told(reply)[:2] == (400, "Member Exists")
    assert account("PATCH", path_of("a@acme.test"), {"email_address": "c@acme.test"}).status == 200
    assert set(stored(account)) == {"c@acme.test", "b@acme.test"}
    assert account("GET", path_of("a@acme.test")).status == 404
    assert account("GET", path_of("c@acme.test")).status == 200
    reply = account("PUT", path_of("x@acme.test"), new("y@acme.test"))
    assert told(reply)[:2] == (400, INVALID)


def test_a_path_may_name_the_address_itself(account: Any) -> None:
    account("PUT", f"{LIST}/members/a%40acme.test", new("a@acme.test"))
    assert account("GET", f"{LIST}/members/A@acme.test").status == 200
    assert account("PATCH", path_of("nobody@acme.test"), {"vip": True}).status == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email_address": 5}, "email_address"),
        ({"status": "gone"}, "status"),
        ({"status_if_new": "archived"}, "status_if_new"),
        ({"email_type": "pdf"}, "email_type"),
        ({"merge_fields": []}, "merge_fields"),
        ({"vip": "yes"}, "vip"),
        ({"tags": ["a", 5]}, "tags"),
        ({"score": 5}, "score"),
    ],
)
def test_what_is_not_as_described_is_named(account: Any, change: Any, field: str) -> None:
    reply = account("PUT", path_of("a@acme.test"), {**new("a@acme.test"), **change})
    assert told(reply) == (400, INVALID, [field])
    assert reply.content_type == "application/problem+json; charset=utf-8"
    assert stored(account) == {}


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ("RISK", "high"),
        ("RISK", None),
        ("RENEWAL", "2026-02-30"),
        ("RENEWAL", "31.01.2026"),
        ("TIER", "middle"),
        ("SITE", "acme"),
        ("BORN", "13/01"),
        ("ADDRESS", {"city": "Rome"}),
        ("FNAME", "x" * 256),
        ("FNAME", ["x"]),
        ("NOTHING", "x"),
    ],
)
def test_a_merge_field_that_does_not_fit_is_named(account: Any, tag: str, value: Any) -> None:
    reply = account("PUT", path_of("a@acme.test"), new("a@acme.test", **{tag: value}))
    assert told(reply) == (400, INVALID, [tag])
    assert reply.body["detail"] == "Your merge fields were invalid."
    assert stored(account) == {}


def test_merge_fields_are_kept_by_their_types_and_cleared_by_an_empty_text(account: Any) -> None:
    address = {"addr1": "Via 1", "city": "Rome", "state": "RM", "zip": "00100"}
    values = {
        "RISK": "0.25",
        "RENEWAL": "2026-01-31",
        "TIER": "low",
        "SITE": "https://a.test/x",
        "BORN": "12/31",
        "FNAME": 5,
        "ADDRESS": address,
    }
    path = path_of("a@acme.test")
    assert account("PUT", path, new("a@acme.test", **values)).status == 200
    (held,) = stored(account).values()
    assert held["merge_fields"] == {**values, "RISK": 0.25, "FNAME": "5"}
    account(
        "PUT", path, {"email_address": "a@acme.test", "merge_fields": dict.fromkeys(values, "")}
    )
    assert stored(account)["a@acme.test"]["merge_fields"] == {}
    shown = account("GET", path).body["merge_fields"]
    assert (shown["RISK"], shown["ADDRESS"]) == ("", "")


def test_a_required_field_is_needed_by_new_members(mailchimp: Any) -> None:
    fields = {"CODE": {"type": "text", "required": True}}
    account = mailchimp(lists={LIST_ID: {"merge_fields": fields}})
    path = path_of("a@acme.test")
    reply = account("PUT", path, new("a@acme.test"))
    assert told(reply) == (400, INVALID, ["CODE"])
    assert account("PUT", f"{path}?skip_merge_validation=true", new("a@acme.test")).status == 200
    assert account("PUT", path, new("a@acme.test", FNAME="x")).status == 200


def test_unknown_fields_can_be_ignored(mailchimp: Any) -> None:
    account = mailchimp(unknown_fields="ignore")
    row = {**new("a@acme.test", NOTHING="x", FNAME="A"), "score": 5}
    assert account("PUT", path_of("a@acme.test"), row).status == 200
    assert stored(account)["a@acme.test"]["merge_fields"] == {"FNAME": "A"}


def test_addresses_that_cannot_be_written_are_refused(mailchimp: Any) -> None:
    account = mailchimp(compliance=["C@acme.test"], fake_domains=["fake.test"])

    def put(email: str, **more: Any) -> Any:
        return account("PUT", path_of(email), {**new(email), **more})

    assert put("nobody").body["detail"] == "Please provide a valid email address."
    assert "looks fake or invalid" in put("a@fake.test").body["detail"]
    assert told(put("c@acme.test"))[1] == "Member In Compliance State"
    assert put("c@acme.test", status="pending").status == 200
    put("d@acme.test", status="cleaned")
    assert told(put("d@acme.test", status="subscribed"))[1] == "Member In Compliance State"
    assert put("d@acme.test").body["status"] == "cleaned"


# -- five hundred at a time ----------------------------------------------------------------------


def test_a_batch_creates_and_updates_and_tells_of_each(account: Any) -> None:
    rows = [member(f"p{n}@acme.test", RISK=n / 4) for n in range(500)]
    reply = batch(account, *rows, update_existing=True)
    body = reply.body
    assert (reply.status, body["total_created"], body["error_count"]) == (200, 500, 0)
    assert [one["email_address"] for one in body["new_members"]] == [
        r["email_address"] for r in rows
    ]
    again = batch(
        account, member("P7@acme.test", TIER="low"), member("x@acme.test"), update_existing=True
    )
    assert (again.body["total_created"], again.body["total_updated"]) == (1, 1)
    assert stored(account)["P7@acme.test"]["merge_fields"] == {"RISK": 1.75, "TIER": "low"}
    assert account.vendor.collections()["members"].writes["p7@acme.test"] == 2


def test_rows_that_do_not_fit_are_errors_and_the_others_are_written(mailchimp: Any) -> None:
    lists = {LIST_ID: {"merge_fields": FIELDS}}
    account = mailchimp(lists=lists, compliance=["c@acme.test"])
    account("PUT", path_of("a@acme.test"), new("a@acme.test"))
    rows = [
        member("a@acme.test"),
        member("bad"),
        member("b@acme.test", RISK="high", TIER="odd"),
        member("c@acme.test"),
        {"email_address": "d@acme.test"},
        {"status": "subscribed"},
        member("e@acme.test"),
    ]
    body = batch(account, *rows).body
    assert body["error_count"] == len(body["errors"]) == 6
    codes = {one["email_address"]: one["error_code"] for one in body["errors"]}
    assert codes.pop("a@acme.test") == "ERROR_CONTACT_EXISTS"
    assert set(codes.values()) == {"ERROR_GENERIC"}
    by_email = {one["email_address"]: one for one in body["errors"]}
    assert "update_existing:true" in by_email["a@acme.test"]["error"]
    named = by_email["b@acme.test"]
    assert (named["field"], named["field_message"]) == ("RISK", "Please enter a number")
    assert "compliance state" in by_email["c@acme.test"]["error"]
    assert [one["email_address"] for one in body["new_members"]] == ["e@acme.test"]


def test_an_update_in_a_batch_can_subscribe_again(account: Any) -> None:
    batch(account, member("a@acme.test", "unsubscribed"))
    body = batch(account, member("a@acme.test"), update_existing=True).body
    assert body["updated_members"][0]["status"] == "subscribed"


def test_an_address_stands_once_in_a_batch(account: Any) -> None:
    rows = [member("a@acme.test", FNAME="1"), member("A@acme.test", FNAME="2")]
    reply = batch(account, *rows, update_existing=True)
    assert told(reply) == (400, INVALID, ["members.item:1.email_address"])
    assert stored(account) == {}
    body = batch(account, *rows, query="?skip_duplicate_check=true").body
    assert (body["total_created"], body["error_count"]) == (1, 0)
    assert stored(account)["a@acme.test"]["merge_fields"] == {"FNAME": "1"}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["members"]),
        ({"members": []}, ["members"]),
        ({"members": [member(f"p{n}@acme.test") for n in range(501)]}, ["members"]),
        ({"members": [member("a@acme.test")], "update": True}, ["update"]),
        (
            {"members": [member("a@acme.test"), {"email_address": 5, "vip": 1}, 7]},
            ["members.item:1.email_address", "members.item:1.vip", "members.item:2"],
        ),
        ([], [""]),
    ],
)
def test_a_batch_that_is_none_is_refused(account: Any, body: Any, fields: list[str]) -> None:
    reply = account("POST", LIST, body)
    assert told(reply) == (400, INVALID, fields)
    assert stored(account) == {}


# -- tags and taking away ------------------------------------------------------------------------


def test_tags_are_set_and_taken_away(account: Any) -> None:
    path = path_of("a@acme.test")
    account("POST", f"{LIST}/members", {**member("a@acme.test"), "tags": ["one", "two"]})
    tags = [{"name": "two", "status": "inactive"}, {"name": "three", "status": "active"}]
    assert account("POST", f"{path}/tags", {"tags": tags}).status == 204
    shown = account("GET", path).body
    assert [one["name"] for one in shown["tags"]] == ["one", "three"]
    assert shown["tags_count"] == 2
    listed = account("GET", f"{path}/tags").body
    assert ([one["name"] for one in listed["tags"]], listed["total_items"]) == (["one", "three"], 2)
    for wrong in ("x", [{"name": "a"}], [{"name": "", "status": "active"}], ["a"]):
        assert account("POST", f"{path}/tags", {"tags": wrong}).status == 400


def test_who_was_archived_is_kept_and_comes_back_as_new(account: Any) -> None:
    path = path_of("a@acme.test")
    account("PUT", path, new("a@acme.test", FNAME="Ann"))
    assert account("DELETE", path).status == 204
    assert account("GET", path).body["status"] == "archived"
    assert account("GET", f"{LIST}/members").body["total_items"] == 0
    archived = account("GET", f"{LIST}/members?status=archived").body["members"]
    assert [one["email_address"] for one in archived] == ["a@acme.test"]
    assert account("DELETE", path).status == 405
    body = batch(account, member("a@acme.test")).body
    assert (body["total_created"], body["error_count"]) == (1, 0)
    assert stored(account)["a@acme.test"]["merge_fields"] == {}
    account("DELETE", path)
    assert account("PUT", path, new("a@acme.test")).body["status"] == "subscribed"


def test_who_was_deleted_for_good_cannot_come_back(account: Any) -> None:
    path = path_of("a@acme.test")
    account("PUT", path, new("a@acme.test"))
    assert account("POST", f"{path}/actions/delete-permanent").status == 204
    assert stored(account) == {}
    assert account("GET", path).status == 404
    assert told(account("PUT", path, new("A@acme.test")))[1] == "Forgotten Email Not Subscribed"
    (error,) = batch(account, member("a@acme.test")).body["errors"]
    assert "permanently deleted" in error["error"]


def test_members_are_listed_page_by_page(account: Any) -> None:
    batch(account, *(member(f"p{n}@acme.test") for n in range(25)))
    seen = []
    for offset in (0, 10, 20):
        body = account("GET", f"{LIST}/members?offset={offset}").body
        assert (body["total_items"], body["list_id"]) == (25, LIST_ID)
        seen += [one["email_address"] for one in body["members"]]
    assert seen == [f"p{n}@acme.test" for n in range(25)]
    assert len(account("GET", f"{LIST}/members?count=1000").body["members"]) == 25
    for query in ("count=1001", "count=many", "offset=-1", "status=gone"):
        assert account("GET", f"{LIST}/members?{query}").status == 400
