"""Records that are linked to others by `associate`: contacts to companies in HubSpot, users to
organizations in Zendesk. What the sandbox holds in the end is the judge."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from killed_run import kill_once
from sync_fixtures import opened_sandboxes
from vendor_project import VendorProject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tailrace.sandbox import Sandbox

TOKEN = "canary-5e0d41b7"
EASY = {"requests": 100_000, "per": "1s"}


class Linked(VendorProject):
    """Two syncs: `parents`, and `people` that are linked to them and come after them."""

    parents: str
    size = "integer"
    refused: tuple[str, str]
    """What of a parent the tool refuses, and what it takes."""

    def __init__(self, folder: Path, sandbox: Sandbox, connection: dict[str, Any]) -> None:
        columns = "key varchar, name varchar, score integer, parent varchar"
        connection |= {"base_url": sandbox.url, "limits": [EASY]}
        super().__init__(folder, sandbox, connection, self.people_sync(), columns, {"TOKEN": TOKEN})
        self.sql(f"create table parents (key varchar, name varchar, size {self.size})")
        parents = {
            "name": "parents",
            "source": "warehouse",
            "model": {"table": "parents"},
            "key": "key",
            "destination": "tool",
            **self.parents_sync(),
        }
        path = folder / "syncs" / "parents.yml"
        path.write_text(json.dumps(parents), encoding="utf-8")

    def people_sync(self) -> dict[str, Any]:
        raise NotImplementedError

    def parents_sync(self) -> dict[str, Any]:
        raise NotImplementedError

    def links(self) -> dict[str, str]:
        """By a person's key the key of the parent."""
        raise NotImplementedError

    def fill(self, people: int, parents: int) -> None:
        """Each parent has its share of the people, the last of whom has none."""
        self.sql("insert into parents select 'C' || i, 'N' || i, i from range(?) as t(i)", parents)
        self.sql(
            "insert into people select 'P' || i, 'Name ' || i, i,"
            " case when i < ? - 1 then 'C' || (i % ?) end from range(?) as t(i)",
            *(people, parents, people),
        )

    def expected(self, people: int, parents: int) -> dict[str, str]:
        return {f"P{i}": f"C{i % parents}" for i in range(people - 1)}

    def deliver_parents(self) -> None:
        self.project().run("parents")

    def ops(self) -> Counter[str]:
        return Counter(entry["op"] for entry in self.log())

    def in_order(self) -> list[dict[str, Any]]:
        """`tailrace run` of both; the reports, in the order in which they went."""
        ended = subprocess.run(
            [sys.executable, "-m", "tailrace.cli", "run", "--json", "--project", self.folder],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        found: list[dict[str, Any]] = json.loads(ended.stdout)["runs"]
        return found


class Crm(Linked):
    vendor, object, parents = "hubspot", "contacts", "companies"
    size = "varchar"
    refused = ("name = repeat('x', 65537)", "name = 'One'")

    def people_sync(self) -> dict[str, Any]:
        return {
            "key": "key",
            "after": ["parents"],
            "object": "contacts",
            "match": "person_key",
            "fields": {"person_key": "key", "firstname": "name", "score": "score"},
            "associate": {"to": "companies", "by": "domain_key", "column": "parent"},
        }

    def parents_sync(self) -> dict[str, Any]:
        fields = {"domain_key": "key", "name": "name", "size": "size"}
        return {"object": "companies", "match": "domain_key", "fields": fields}

    def links(self) -> dict[str, str]:
        keys = {
            name: {one["id"]: one["values"][field] for one in self.sandbox.records("hubspot", name)}
            for name, field in (("contacts", "person_key"), ("companies", "domain_key"))
        }
        found = [one["values"] for one in self.sandbox.records("hubspot", "associations")]
        return {keys["contacts"][one["from_id"]]: keys["companies"][one["to_id"]] for one in found}


class Desk(Linked):
    vendor, object, parents = "zendesk", "users", "organizations"
    refused = ("name = ''", "name = 'One'")

    def people_sync(self) -> dict[str, Any]:
        return {
            "key": "key",
            "after": ["parents"],
            "object": "users",
            "match": "external_id",
            "fields": {"external_id": "key", "name": "name", "user_fields.score": "score"},
            "associate": {"to": "organizations", "by": "external_id", "column": "parent"},
        }

    def parents_sync(self) -> dict[str, Any]:
        fields = {"external_id": "key", "name": "name", "organization_fields.size": "size"}
        return {"object": "organizations", "match": "external_id", "fields": fields}

    def links(self) -> dict[str, str]:
        organizations = {
            int(one["id"]): one["values"]["external_id"]
            for one in self.sandbox.records("zendesk", "organizations")
        }
        users = [one["values"] for one in self.sandbox.records("zendesk", "users")]
        return {
            one["external_id"]: organizations[one["organization_id"]]
            for one in users
            if "organization_id" in one
        }


@pytest.fixture
def make(ground: Path) -> Iterator[Callable[..., Any]]:
    with opened_sandboxes(ground) as open_one:

        def made(vendor: str, **options: Any) -> Linked:
            if vendor == "hubspot":
                properties = {
                    "contacts": {
                        "person_key": {"type": "string", "unique": True},
                        "score": "number",
                    },
                    "companies": {
                        "domain_key": {"type": "string", "unique": True},
                        "size": "number",
                    },
                }
                settings = {"limits": "none", "tokens": [TOKEN], "properties": properties}
                opened = open_one({"vendors": {vendor: settings | options}, "log_size": 20_000})
                return Crm(*opened, {"type": vendor, "auth": {"token": "${env:TOKEN}"}})
            fields = {"users": {"score": "integer"}, "organizations": {"size": "integer"}}
            settings = {"limits": "none", "fields": fields}
            settings["api_tokens"] = [f"ann@acme.test/token:{TOKEN}"]
            opened = open_one({"vendors": {vendor: settings | options}, "log_size": 20_000})
            auth = {"email": "ann@acme.test", "api_token": "${env:TOKEN}"}
            return Desk(*opened, {"type": vendor, "auth": auth})

        yield made


@pytest.fixture
def crm(make: Callable[..., Any]) -> Crm:
    found = make("hubspot")
    assert isinstance(found, Crm)
    return found


@pytest.fixture(params=["hubspot", "zendesk"])
def linked(request: pytest.FixtureRequest, make: Callable[..., Any]) -> Linked:
    found = make(request.param)
    assert isinstance(found, Linked)
    return found


def test_people_are_linked_and_only_what_changed_goes_again(linked: Linked) -> None:
    linked.fill(250, 7)
    linked.deliver_parents()
    plan = linked.project().plan("people")
    assert plan.samples.added[0].fields[f"associate:{linked.parents}"] == "C0"
    assert linked.settles().counts.accepted == 250
    assert linked.links() == linked.expected(250, 7)
    linked.sql("update people set parent = 'C6' where key = 'P7'")
    linked.sql("update people set parent = 'C5' where key = 'P249'")
    counts = linked.settles().counts
    assert (counts.changed, counts.accepted) == (2, 2)
    assert linked.links()["P249"] == "C5"
    assert linked.project().verify("people").different == 0


def test_links_take_three_requests_for_a_hundred_rows(crm: Crm) -> None:
    crm.fill(250, 7)
    crm.deliver_parents()
    before = crm.ops()
    planned = crm.project().plan("people").requests
    report, error = crm.run()
    assert error is None
    made = crm.ops() - before
    assert (made["read"], made["upsert"], made["associate_default"]) == (3, 3, 3)
    assert planned == report.http.requests - made["details"] - made["properties"] == 9


def test_memberships_take_one_question_for_a_hundred_rows(make: Callable[..., Any]) -> None:
    desk = make("zendesk")
    desk.fill(250, 7)
    desk.deliver_parents()
    before = desk.ops()
    assert desk.project().plan("people").requests == 6
    assert desk.run()[1] is None
    made = desk.ops() - before
    assert (made["find"], made["create_or_update_many"]) == (3, 3)


def test_people_without_a_parent_cost_no_question(linked: Linked) -> None:
    linked.fill(1, 1)
    linked.sql("insert into people select 'Q' || i, 'N', i, null from range(120) as t(i)")
    linked.deliver_parents()
    before = linked.ops()
    assert linked.settles().counts.accepted == 121
    made = linked.ops() - before
    assert not made["read"] + made["find"] + made["associate_default"]
    assert linked.links() == {}


def test_people_wait_for_a_parent_that_was_rejected_and_only_they_go_then(
    linked: Linked,
) -> None:
    linked.fill(30, 3)
    linked.declare(rejected={"max_attempts": 2})
    refused, mended = linked.refused
    linked.sql(f"update parents set {refused} where key = 'C1'")
    parents, people = linked.in_order()
    assert (parents["sync"], people["sync"]) == ("parents", "people")
    assert (parents["counts"]["accepted"], parents["counts"]["rejected"]) == (2, 1)
    assert people["status"] == "rejected"
    assert (people["counts"]["accepted"], people["counts"]["rejected"]) == (20, 10)
    (sample, *_) = people["rejected_sample"]
    assert sample["code"] == "parent_missing"
    assert "'C1'" in sample["message"]
    assert linked.links() == {
        key: parent for key, parent in linked.expected(30, 3).items() if parent != "C1"
    }
    assert linked.created() == 20, "nobody is written without the parent"
    (waiting, *_) = linked.project().rejected("people")
    assert waiting["hold"] == "transient"
    for _ in range(3):
        assert linked.in_order()[1]["counts"]["rejected"] == 10
    assert linked.project().rejected("people")[0]["attempts"] == 4, "as long as it takes"

    linked.sql(f"update parents set {mended} where key = 'C1'")
    parents, people = linked.in_order()
    assert parents["counts"]["accepted"] == 1
    assert people["status"] == "done"
    assert (people["counts"]["accepted"], people["counts"]["unchanged"]) == (10, 20)
    assert linked.links() == linked.expected(30, 3)
    assert linked.project().rejected("people") == []


def test_a_link_whose_answer_was_lost_is_made_once(crm: Crm) -> None:
    crm.fill(30, 3)
    crm.deliver_parents()
    for fault in ("apply_then_reset", "reset_before", "truncated"):
        crm.sql("update people set score = score + 1")
        op = {"op": "associate_default"}
        crm.sandbox.set_faults([{"match": op, "do": fault, "times": 1}])
        report, error = crm.run()
        assert error is None
        assert report.counts.accepted == 30
        assert crm.links() == crm.expected(30, 3)
    assert len(crm.sandbox.records("hubspot", "associations")) == 29


def test_links_that_wait_for_the_limit_do_not_write_the_records_again(crm: Crm) -> None:
    crm.fill(30, 3)
    crm.deliver_parents()
    fault = {"match": {"op": "associate_default"}, "do": 429, "times": 2, "retry_after": 0}
    crm.sandbox.set_faults([fault])
    before = crm.ops()
    assert crm.settles().counts.accepted == 30
    made = crm.ops() - before
    assert made["upsert"] == 1
    assert crm.links() == crm.expected(30, 3)


def test_a_parent_that_goes_in_between_is_told_row_by_row(crm: Crm) -> None:
    crm.fill(30, 3)
    crm.deliver_parents()
    rule = {"match": {"op": "associate_default"}, "do": "partial_207", "ok_share": 0.5, "times": 1}
    crm.sandbox.set_faults([rule])
    report, error = crm.run()
    assert error is not None
    assert error.exit_code == 1
    refused = {row.key for row in report.rejected_sample}
    assert 0 < report.counts.rejected < 30
    assert "the record is written" in report.rejected_sample[0].message
    expected = crm.expected(30, 3)
    assert crm.links() == {key: one for key, one in expected.items() if key not in refused}
    crm.project().retry("people")
    assert crm.settles().counts.accepted == report.counts.rejected
    assert crm.links() == expected


@pytest.mark.parametrize("op", ["upsert", "associate_default"])
def test_a_run_that_dies_between_record_and_link_is_made_good(crm: Crm, op: str) -> None:
    crm.fill(250, 3)
    crm.deliver_parents()
    crm.sandbox.set_faults([{"match": {"op": op}, "do": "timeout", "applied": True, "seconds": 60}])
    kill_once(lambda: crm.created() > 0 and crm.ops()[op] > 0, crm.folder, crm.environment)
    crm.sandbox.set_faults([])
    assert crm.settles().counts.accepted == 250
    assert crm.links() == crm.expected(250, 3)
    assert crm.created() == 250


def test_a_kind_of_link_goes_by_its_number(make: Callable[..., Any]) -> None:
    label = {"from": "contacts", "to": "companies", "id": 36, "label": "Billing"}
    crm = make("hubspot", association_labels=[label])
    kind = {"category": "USER_DEFINED", "id": 36}
    crm.declare(associate={**crm.sync["associate"], "type": kind})
    crm.fill(30, 3)
    crm.deliver_parents()
    assert crm.settles().counts.accepted == 30
    assert crm.links() == crm.expected(30, 3)
    held = crm.sandbox.records("hubspot", "associations")
    assert {tuple(one["values"]["types"]) for one in held} == {("USER_DEFINED:36",)}
    kind["id"] = 37
    crm.declare(associate={**crm.sync["associate"], "type": kind})
    _, error = crm.run()
    assert error is not None
    assert error.exit_code == 2
    assert "invalid association type 37" in str(error)
    assert "Check associate" in str(error)


def test_another_mapping_of_the_link_sends_the_rows_again(crm: Crm) -> None:
    without = {key: value for key, value in crm.sync.items() if key != "associate"}
    associate = crm.sync.pop("associate")
    assert "associate" not in without | crm.sync
    crm.write()
    crm.fill(30, 3)
    crm.deliver_parents()
    assert crm.settles().counts.accepted == 30
    assert crm.links() == {}
    crm.declare(associate=associate)
    plan = crm.project().plan("people")
    assert plan.mapping_changed
    assert plan.counts["changed"] == 30
    assert crm.settles().counts.accepted == 30
    assert crm.links() == crm.expected(30, 3)


def test_a_plan_file_keeps_the_links(crm: Crm) -> None:
    crm.fill(30, 3)
    crm.deliver_parents()
    path = crm.folder / "people.plan"
    crm.project().plan("people", write_plan=path)
    report, error = crm.run(plan_file=path)
    assert error is None
    assert report.counts.accepted == 30
    assert crm.links() == crm.expected(30, 3)


def test_a_changed_field_leaves_the_links_alone(crm: Crm) -> None:
    crm.declare(send="changed_fields")
    crm.fill(30, 3)
    crm.deliver_parents()
    assert crm.settles().counts.accepted == 30
    before = crm.ops()
    crm.sql("update people set score = score + 100")
    crm.sql("update people set parent = 'C2' where key = 'P0'")
    assert crm.settles().counts.accepted == 30
    made = crm.ops() - before
    assert (made["read"], made["upsert"], made["associate_default"]) == (1, 1, 1)
    assert sum(one["writes"] for one in crm.sandbox.records("hubspot", "associations")) == 30


def test_what_check_says_of_the_other_object(linked: Linked) -> None:
    linked.fill(3, 1)
    own = linked.sync["associate"]
    assert linked.project().check("people") == []

    def said(**changes: Any) -> dict[str | None, str]:
        linked.declare(associate={**own, **changes})
        return {one.key: one.message for one in linked.project().check("people")}

    assert "did you mean 'parent'?" in said(column="parnt")["associate.column"]
    if linked.vendor == "zendesk":
        assert "external_id or id alone" in said(by="name")["associate.by"]
        assert "not into 'groups'" in said(to="groups")["associate.to"]
        return
    assert "did you mean 'domain_key'?" in said(by="domain_kye")["associate.by"]
    assert "companies.domain is not unique" in said(by="domain")["associate.by"]
    assert "companys" in said(to="companys")["associate.to"]


def test_check_knows_that_another_sync_makes_the_field_that_links_go_by(crm: Crm) -> None:
    crm.fill(3, 1)
    crm.declare(associate={**crm.sync["associate"], "by": "code"})
    assert "no field 'code'" in str(crm.project().check("people"))
    companies = {
        "name": "companies",
        "source": "warehouse",
        "model": {"sql": "select 'C0' as code"},
        "destination": "tool",
        "object": "companies",
        "match": "code",
        "create_fields": True,
        "fields": {"code": "code"},
    }
    (crm.folder / "syncs" / "companies.yml").write_text(json.dumps(companies), encoding="utf-8")
    assert crm.project().check() == []


def test_a_field_that_is_not_unique_stops_the_run_before_the_first_write(crm: Crm) -> None:
    crm.fill(3, 1)
    crm.declare(associate={**crm.sync["associate"], "by": "domain"})
    _, error = crm.run()
    assert error is not None
    assert error.exit_code == 2
    assert not crm.ops()["upsert"]


def test_one_row_can_be_tried_with_its_link(linked: Linked) -> None:
    linked.fill(3, 1)
    linked.deliver_parents()
    trial = linked.project().try_row("people", "P0", send=True)
    assert trial.outcome == "accepted"
    assert linked.links() == {"P0": "C0"}


def test_a_link_is_no_property_that_is_to_be_made(crm: Crm) -> None:
    crm.sync["fields"]["new_one"] = "name"
    crm.declare(create_fields=True)
    crm.fill(3, 1)
    crm.deliver_parents()
    assert crm.project().check("people") == []
    assert crm.settles().counts.accepted == 3
    assert crm.links() == crm.expected(3, 1)
    crm.declare(object="list:1")
    others = {f"fields.{name}" for name in crm.sync["fields"] if name != crm.sync["match"]}
    problems = {one.key for one in crm.project().check("people")}
    assert problems == {"associate", "create_fields", *others}
