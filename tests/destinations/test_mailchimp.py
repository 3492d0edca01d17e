"""What is particular to Mailchimp: five hundred members a request, nobody who is subscribed again
by accident, merge fields, tags, an archive, ten connections. The sandbox's own log is the judge."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from sync_fixtures import opened_sandboxes
from vendor_project import VendorProject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tailrace.sandbox import Sandbox

KEY = "canary77aa01c2-us1"
LIST = "5ab0c1d2e3"
FIELDS = {"SCORE": "number", "TIER": {"type": "dropdown", "choices": ["low", "high"]}}


class Shop(VendorProject):
    """A project that syncs the table `people` to an audience in the sandbox."""

    vendor = "mailchimp"
    object = "members"

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        connection = {
            "type": "mailchimp",
            "base_url": f"{sandbox.url}/3.0",
            "auth": {"api_key": "${env:MAILCHIMP_KEY}"},
            "list_id": LIST,
            "status_if_new": "subscribed",
        }
        sync = {
            "key": "key",
            "object": "members",
            "match": "email_address",
            "fields": {
                "email_address": "email",
                "merge_fields.FNAME": "name",
                "merge_fields.SCORE": "score",
                "merge_fields.TIER": "tier",
            },
        }
        columns = "key int, email varchar, name varchar, score double, tier varchar"
        super().__init__(folder, sandbox, connection, sync, columns, {"MAILCHIMP_KEY": KEY})

    def people(self, count: int, *, first: int = 0) -> None:
        self.sql(
            "insert into people select i, 'P' || i || '@acme.test', 'Name ' || i, i * 0.5, 'low'"
            " from range(?, ?) as t(i)",
            first,
            first + count,
        )

    def requests(self) -> Counter[str]:
        """Of rows: a mapping's first run asks besides for the account and its merge fields."""
        before = ("account", "fields", "")
        return Counter(one["op"] for one in self.log() if one["op"] not in before)

    def writes(self) -> int:
        return sum(one["method"] != "GET" for one in self.log())

    def held(self) -> dict[str, dict[str, Any]]:
        records = self.sandbox.records("mailchimp", "members")
        return {one["values"]["email_address"].lower(): one["values"] for one in records}

    def leaves(self, *numbers: int, status: str = "unsubscribed") -> None:
        """Members who go by themselves, which no sync knows of."""
        for record in self.sandbox.records("mailchimp", "members"):
            email = record["values"]["email_address"]
            if email.lower() in {f"p{number}@acme.test" for number in numbers}:
                self._request("PATCH", email, {"status": status})

    def _request(self, method: str, email: str, body: Any) -> None:
        import urllib.request

        request = urllib.request.Request(
            f"{self.connection['base_url']}/lists/{LIST}/members/{email}",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=20) as reply:
            assert reply.status == 200


@pytest.fixture
def make_shop(ground: Path) -> Iterator[Callable[..., Shop]]:
    with opened_sandboxes(ground) as open_one:

        def make(*, latency_ms: int = 0, **options: Any) -> Shop:
            settings = {"lists": {LIST: {"merge_fields": FIELDS}}, "api_keys": [KEY], **options}
            vendors = {"mailchimp": settings}
            return Shop(
                *open_one({"vendors": vendors, "latency_ms": latency_ms, "log_size": 20_000})
            )

        yield make


@pytest.fixture
def shop(make_shop: Callable[..., Shop]) -> Shop:
    return make_shop()


def test_members_are_made_overwritten_and_archived(shop: Shop) -> None:
    shop.declare(mode="mirror")
    shop.people(250)
    assert shop.settles().counts.accepted == 250
    assert shop.created() == 250
    held = shop.held()["p7@acme.test"]
    assert held["status"] == "subscribed"
    assert held["merge_fields"] == {"FNAME": "Name 7", "SCORE": 3.5, "TIER": "low"}
    shop.sql("update people set tier = 'high', score = null where key in (1, 2)")
    shop.sql("delete from people where key in (5, 249)")
    shop.people(1, first=900)
    counts = shop.settles().counts
    assert (counts.changed, counts.added, counts.removed, counts.accepted) == (2, 1, 2, 5)
    held = shop.held()
    assert held["p1@acme.test"]["merge_fields"] == {"FNAME": "Name 1", "TIER": "high"}
    assert [held[f"p{one}@acme.test"]["status"] for one in (5, 249)] == ["archived"] * 2
    found = shop.project().verify("people")
    assert (found.equal, found.different, found.missing, found.extra) == (249, 0, 0, 0)


def test_several_are_posted_and_one_by_itself_is_put(shop: Shop) -> None:
    shop.people(501)
    assert shop.settles().counts.accepted == 501
    assert shop.requests() == {"batch": 1, "upsert": 1}


def test_addresses_that_differ_by_case_alone_are_one_member(shop: Shop) -> None:
    shop.people(3)
    shop.settles()
    shop.sql("update people set email = lower(email), name = 'New'")
    assert shop.run()[0].counts.accepted == 3
    assert shop.created() == 3
    shop.sql("insert into people values (9, ' p1@ACME.test ', 'Twin', 1, 'low')")
    assert shop.run()[0].counts.invalid == 2


# -- nobody is subscribed again ------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 40], ids=["alone", "many"])
def test_who_has_left_stays_away(shop: Shop, rows: int) -> None:
    shop.people(rows)
    shop.settles()
    shop.leaves(0)
    shop.sql("update people set name = 'New'")
    assert shop.settles().counts.accepted == rows
    held = shop.held()["p0@acme.test"]
    assert (held["status"], held["merge_fields"]["FNAME"]) == ("unsubscribed", "New")


def test_who_has_left_stays_away_where_nothing_is_known_of_him(shop: Shop) -> None:
    shop.people(40)
    shop.settles()
    shop.leaves(3, 4)
    shop.project().reset("people")
    report, error = shop.run(full_refresh=True)
    assert error is None, error
    assert report.counts.accepted == 40
    statuses = Counter(one["status"] for one in shop.held().values())
    assert statuses == {"subscribed": 38, "unsubscribed": 2}


@pytest.mark.parametrize("status", ["pending", "transactional"])
def test_new_members_are_what_the_connection_says(shop: Shop, status: str) -> None:
    shop.connect(status_if_new=status)
    shop.people(3)
    shop.settles()
    assert {one["status"] for one in shop.held().values()} == {status}


def test_new_members_may_be_what_a_field_says(shop: Shop) -> None:
    choice = {"sql": "case when key = 1 then 'pending' else 'transactional' end"}
    shop.declare(fields={**shop.sync["fields"], "status_if_new": choice})
    shop.people(3)
    shop.settles()
    statuses = [shop.held()[f"p{one}@acme.test"]["status"] for one in range(3)]
    assert statuses == ["transactional", "pending", "transactional"]


def test_a_status_is_written_where_a_field_is_mapped_to_it(shop: Shop) -> None:
    shop.people(3)
    shop.settles()
    shop.leaves(1)
    status = {"sql": "case when key = 2 then 'unsubscribed' else 'subscribed' end"}
    shop.declare(fields={**shop.sync["fields"], "status": status})
    shop.settles()
    statuses = [shop.held()[f"p{one}@acme.test"]["status"] for one in range(3)]
    assert statuses == ["subscribed", "subscribed", "unsubscribed"]


@pytest.mark.parametrize("answer", ["ignored", "refused"])
def test_rows_go_one_by_one_where_a_request_of_many_wants_a_status(
    make_shop: Callable[..., Shop], answer: str
) -> None:
    """It is not known whether Mailchimp takes `status_if_new` there."""
    shop = make_shop(new_status_in_many=answer)
    shop.people(12)
    assert shop.settles().counts.accepted == 12
    assert shop.requests()["upsert"] == 12
    assert shop.writes() == 13
    shop.leaves(3)
    shop.sql("update people set name = 'New'")
    shop.settles()
    assert shop.held()["p3@acme.test"]["status"] == "unsubscribed"


# -- values --------------------------------------------------------------------------------------


def test_an_address_and_a_flag_keep_their_forms(shop: Shop) -> None:
    parts = {"addr1": "1 Main St", "city": "Rome", "state": "RM", "zip": "00100"}
    fields = {f"merge_fields.ADDRESS.{name}": {"value": one} for name, one in parts.items()}
    shop.declare(fields={"email_address": "email", "vip": {"sql": "key = 0"}, **fields})
    shop.people(2)
    shop.settles()
    held = shop.held()["p0@acme.test"]
    assert (held["merge_fields"]["ADDRESS"], held["vip"]) == (parts, True)
    shop.sql("update people set email = email")
    shop.declare(fields={"email_address": "email", "vip": {"sql": "null::boolean"}})
    assert shop.run()[1] is None
    assert shop.held()["p0@acme.test"]["vip"] is True, "what cannot be emptied is left alone"


@pytest.mark.parametrize("rows", [1, 3])
def test_tags_are_added_and_others_stay(shop: Shop, rows: int) -> None:
    shop.declare(fields={**shop.sync["fields"], "tags": {"sql": "['shop', tier]"}})
    shop.people(rows)
    shop.settles()
    assert shop.held()["p0@acme.test"]["tags"] == ["shop", "low"]
    shop.sql("update people set tier = 'high'")
    shop.settles()
    assert shop.held()["p0@acme.test"]["tags"] == ["shop", "low", "high"]
    found = shop.project().verify("people")
    assert (found.equal, found.different) == (rows, 0)


def test_only_the_fields_that_changed_are_sent(shop: Shop) -> None:
    shop.declare(send="changed_fields")
    shop.people(3)
    shop.settles()
    shop.sql("update people set score = 9 where key = 1")
    assert shop.settles().counts.changed == 1
    assert shop.held()["p1@acme.test"]["merge_fields"]["FNAME"] == "Name 1"


# -- refused rows --------------------------------------------------------------------------------


def test_a_row_that_is_refused_says_why_and_its_neighbours_are_written(shop: Shop) -> None:
    shop.declare(tolerate={"rejected": 1})
    shop.people(100)
    shop.sql("update people set tier = 'odd' where key = 7")
    shop.sql("update people set email = 'nobody' where key = 93")
    report, error = shop.run()
    assert error is not None
    assert error.exit_code == 1
    assert (report.counts.accepted, report.counts.rejected) == (98, 2)
    refused = {row.key: row for row in report.rejected_sample}
    assert refused["7"].field == "TIER"
    assert "valid choice" in refused["7"].message
    assert "valid email address" in refused["93"].message
    assert shop.requests() == {"batch": 1}
    again, _ = shop.run()
    assert (again.counts.rejected, shop.writes()) == (2, 1), "held back, and still counted"


def test_rows_that_fail_the_whole_request_are_dropped_and_the_others_go_again(shop: Shop) -> None:
    shop.declare(fields={"email_address": "email", "language": "name", "email_type": "tier"})
    shop.people(20)
    shop.sql("update people set tier = case when key = 7 then 'odd' else 'html' end")
    report, error = shop.run()
    assert error is not None
    assert (report.counts.accepted, report.counts.rejected) == (19, 1)
    (row,) = report.rejected_sample
    assert (row.key, row.field) == ("7", "email_type")
    assert shop.writes() == 2


def test_required_fields_may_be_left_out_where_the_connection_says_so(
    make_shop: Callable[..., Shop],
) -> None:
    fields = {**FIELDS, "CODE": {"type": "text", "required": True}}
    shop = make_shop(lists={LIST: {"merge_fields": fields}})
    shop.people(2)
    report, _ = shop.run()
    assert report.counts.rejected == 2
    shop.connect(skip_merge_validation=True)
    shop.sql("update people set name = 'New'")
    assert shop.settles().counts.accepted == 2


# -- answers -------------------------------------------------------------------------------------

NONSENSE: tuple[dict[str, Any], ...] = (
    {"do": "html200", "applied": True},
    {"do": "empty200", "applied": False},
    {"do": "okfalse200", "applied": False},
    {"do": "bad_json", "applied": True},
    {"do": "wrong_charset", "applied": True},
    {"do": "truncated", "applied": True},
)


@pytest.mark.parametrize("fault", NONSENSE, ids=lambda one: str(one["do"]))
def test_an_answer_that_says_nothing_of_who_is_put_alone_accepts_nobody(
    shop: Shop, timing: Callable[..., None], fault: dict[str, Any]
) -> None:
    shop.people(1)
    shop.sandbox.set_faults([{"match": {"op": "upsert"}, **fault}])
    timing(deadline_s=1, drain_s=1)
    report, error = shop.run()
    assert error is not None
    assert error.exit_code == 5
    assert (report.counts.accepted, report.counts.unknown) == (0, 1)
    shop.sandbox.set_faults([])
    timing(deadline_s=None)
    assert shop.settles().counts.added == 1
    assert shop.created() == 1


def test_a_refusal_from_in_front_of_the_api_goes_again(shop: Shop) -> None:
    """A 403 without a problem, where it has too much to do."""
    shop.people(60)
    shop.sandbox.set_faults([{"match": {"op": "batch"}, "do": "403", "times": 1}])
    assert shop.settles().counts.accepted == 60
    assert shop.created() == 60


def test_a_right_that_is_missing_stops_the_run(shop: Shop) -> None:
    shop.people(60)
    shop.sandbox.set_faults([{"do": "403", "policy": "none", "message": "not yours"}])
    report, error = shop.run()
    assert error is not None
    assert error.exit_code == 2
    assert (report.counts.not_attempted, shop.held()) == (60, {})


# -- other operations ----------------------------------------------------------------------------


def test_an_audience_that_is_not_there_stops_every_mode(shop: Shop) -> None:
    shop.people(3)
    shop.connect(list_id="abc123")
    (problem,) = shop.project().check("people")
    assert "list_id" in str(problem)
    for mode in ("upsert", "update", "insert"):
        shop.declare(mode=mode)
        report, error = shop.run()
        assert error is not None, mode
        assert error.exit_code == 2, mode
        assert report.counts.not_attempted == 3, mode


def test_an_insert_makes_who_is_not_there_and_changes_nobody(shop: Shop) -> None:
    shop.people(2)
    shop.settles()
    shop.leaves(1)
    shop.project().reset("people")
    shop.people(2, first=2)
    shop.sql("update people set name = 'New'")
    shop.declare(mode="insert", insert_safety="read_back")
    report, error = shop.run()
    assert error is not None
    assert (report.counts.accepted, report.counts.rejected) == (2, 2)
    held = shop.held()
    assert held["p1@acme.test"]["status"] == "unsubscribed"
    assert held["p0@acme.test"]["merge_fields"]["FNAME"] == "Name 0"
    assert {held[f"p{one}@acme.test"]["status"] for one in (2, 3)} == {"subscribed"}


@pytest.mark.parametrize(
    ("on_removed", "status"), [("archive", "archived"), ("clear", "subscribed")]
)
def test_a_removal_archives_or_empties(shop: Shop, on_removed: str, status: str) -> None:
    shop.declare(on_removed=on_removed)
    shop.people(4)
    shop.settles()
    shop.sql("delete from people where key = 2")
    assert shop.settles().counts.removed == 1
    held = shop.held()["p2@acme.test"]
    assert held["status"] == status
    assert (held["merge_fields"] == {}) == (on_removed == "clear")


# -- limits, logins, checks ----------------------------------------------------------------------


def test_ten_connections_are_not_exceeded(shop: Shop) -> None:
    shop.connect(max_in_flight=40)
    shop.declare(mode="insert", insert_safety="read_back")
    shop.people(120)
    report = shop.settles()
    assert report.counts.accepted == 120
    assert report.http.rate_limited == 0
    assert shop.sandbox.counters("mailchimp")["max_in_flight"] <= 10


def test_each_audience_has_a_state_of_its_own(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(lists={LIST: {"merge_fields": FIELDS}, "abc123": {"merge_fields": FIELDS}})
    shop.people(3)
    shop.settles()
    shop.connect(list_id="abc123")
    assert shop.settles().counts.added == 3
    assert shop.created() == 6


def test_check_holds_the_values_against_the_merge_fields(shop: Shop) -> None:
    shop.people(20)
    assert shop.project().check("people") == []
    shop.sql("update people set tier = 'odd' where key < 4")
    shop.sql("update people set name = repeat('x', 300) where key = 5")
    problems = [str(one) for one in shop.project().check("people")]
    assert len(problems) == 2
    assert any("TIER" in one and "4 rows" in one for one in problems)
    assert any("FNAME" in one for one in problems)
    shop.declare(fields={"email_address": "email", "merge_fields.SCOR": "score"})
    (problem,) = shop.project().check("people")
    assert "did you mean 'merge_fields.SCORE'?" in str(problem)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status_if_new": None}, "status_if_new"),
        ({"status_if_new": "cleaned"}, "status_if_new"),
        ({"list_id": "a/b"}, "list_id"),
        ({"base_url": None, "server": None}, "server"),
        ({"server": "evil.example"}, "server"),
    ],
)
def test_a_connection_that_cannot_be_one_is_named(
    shop: Shop, change: dict[str, Any], said: str
) -> None:
    for name, value in change.items():
        shop.connection.pop(name, None)
        if value is not None:
            shop.connection[name] = value
    shop.write()
    _, error = shop.run()
    assert error is not None
    assert error.exit_code == 2
    assert said in str(error)
