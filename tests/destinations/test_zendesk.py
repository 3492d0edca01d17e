"""What is particular to Zendesk: jobs that run beside each other, few polls, and what is done when
a job breaks off, an answer is lost or the process dies. The sandbox's own log is the judge."""

from __future__ import annotations

import base64
import json
import urllib.request
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

FIELDS = {"score": "decimal", "level": {"type": "dropdown", "options": ["low", "high"]}}
TOKEN = "canary-77aa01c2"
OBJECTS = ("users", "organizations")


class Desk(VendorProject):
    """A project that syncs the table `people` to one object of a sandbox's account."""

    vendor = "zendesk"

    def __init__(self, folder: Path, sandbox: Sandbox, name: str) -> None:
        self.object = name
        custom = {"users": "user_fields.", "organizations": "organization_fields."}.get(name, "")
        connection = {
            "type": "zendesk",
            "base_url": sandbox.url,
            "auth": {"email": "ann@acme.test", "api_token": "${env:ZENDESK_TOKEN}"},
            "limits": [{"requests": 100_000, "per": "1s"}],
        }
        sync = {
            "key": "key",
            "object": name,
            "match": "external_id",
            "fields": {
                "external_id": "key",
                "name": "name",
                f"{custom}score": "score",
                f"{custom}level": "level",
            },
        }
        columns = "key varchar, name varchar, score double, level varchar"
        super().__init__(folder, sandbox, connection, sync, columns, {"ZENDESK_TOKEN": TOKEN})

    def people(self, count: int, *, first: int = 0) -> None:
        self.sql(
            "insert into people select 'P' || i, 'Name ' || i, i * 0.5, 'low'"
            " from range(?, ?) as t(i)",
            first,
            first + count,
        )

    def held(self) -> dict[str, dict[str, Any]]:
        records = self.sandbox.records("zendesk", self.object)
        return {record["values"]["external_id"]: record["values"] for record in records}

    def requests(self) -> Counter[str]:
        return Counter(entry["op"] for entry in self.log())

    def jobs(self) -> list[dict[str, Any]]:
        return [one["values"] for one in self.sandbox.records("zendesk", "job_statuses")]


@pytest.fixture
def make_desk(ground: Path) -> Iterator[Callable[..., Desk]]:
    with opened_sandboxes(ground) as open_one:

        def make(name: str = "users", **options: Any) -> Desk:
            settings = {"limits": "none", "fields": dict.fromkeys(OBJECTS, FIELDS), **options}
            settings["api_tokens"] = [f"ann@acme.test/token:{TOKEN}"]
            return Desk(*open_one({"vendors": {"zendesk": settings}, "log_size": 20_000}), name)

        yield make


@pytest.fixture(params=OBJECTS)
def desk(request: pytest.FixtureRequest, make_desk: Callable[..., Desk]) -> Desk:
    return make_desk(request.param)


def test_rows_are_made_overwritten_and_taken_away(desk: Desk) -> None:
    desk.sync["mode"] = "mirror"
    desk.write()
    desk.people(250)
    assert desk.settles().counts.accepted == 250
    assert desk.created() == 250
    desk.sql("update people set level = 'high', score = null where key in ('P1', 'P2')")
    desk.sql("delete from people where key in ('P5', 'P249')")
    desk.people(1, first=900)
    counts = desk.settles().counts
    assert (counts.changed, counts.added, counts.removed, counts.accepted) == (2, 1, 2, 5)
    held = desk.held()
    assert len(held) == 249
    custom = held["P1"]["user_fields" if desk.object == "users" else "organization_fields"]
    assert custom == {"level": "high"}, "null clears"
    found = desk.project().verify("people")
    assert (found.equal, found.different, found.missing, found.extra) == (249, 0, 0, 0)


def looks(desk: Desk) -> int:
    """How often the fields were asked for."""
    return sum("user_fields" in entry["path"] for entry in desk.log())


def test_a_field_that_zendesk_would_drop_ends_the_first_run_of_its_mapping(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk(unknown_fields="ignore")
    desk.people(3)
    fields = dict(desk.sync["fields"])
    desk.declare(fields={**fields, "user_fields.levl": "level"})
    report, error = desk.run()
    assert error is not None
    assert error.exit_code == 2
    assert "users has no field 'user_fields.levl'; did you mean 'user_fields.level'?" in str(error)
    assert report.counts.not_attempted == 3
    assert desk.created() == 0
    desk.declare(fields=fields)
    asked = looks(desk)
    assert desk.settles().counts.accepted == 3
    desk.sql("update people set level = 'high'")
    assert desk.settles().counts.accepted == 3
    assert looks(desk) == asked + 1, "a mapping is looked at once"


def test_a_batch_takes_one_write_and_its_job_is_read_row_by_row(desk: Desk) -> None:
    desk.people(100)
    desk.sql("update people set level = 'odd' where key in ('P7', 'P93')")
    before = len(desk.log())
    _, error = desk.run()
    assert error is not None
    assert (error.exit_code, desk.created()) == (2, 0)
    assert "2 rows do not fit: P7 ('odd'), P93 ('odd')" in str(error)
    assert len(desk.log()) <= before + 2, "questions alone"
    desk.sync["tolerate"] = {"rejected": 2}
    desk.write()
    report, error = desk.run()
    assert error is None, error
    assert (report.counts.accepted, report.counts.rejected) == (98, 2)
    refused = {row.key: row.message for row in report.rejected_sample}
    assert set(refused) == {"P7", "P93"}
    assert "odd is not a valid option" in refused["P7"]
    writes = {"create_or_update_many", "create_many", "update_many"} & set(desk.requests())
    assert [desk.requests()[one] for one in writes] == [1]


def test_what_exists_is_updated_and_what_does_not_is_created_in_one_run(desk: Desk) -> None:
    desk.people(40)
    desk.settles()
    desk.project().reset("people")
    desk.people(40, first=40)
    assert desk.settles().counts.accepted == 80
    assert desk.created() == 80


def test_external_ids_that_differ_by_case_are_one_record(desk: Desk) -> None:
    desk.people(3)
    desk.settles()
    desk.sql("update people set key = lower(key), name = 'New ' || name")
    report, error = desk.run()
    assert error is None
    assert report.counts.accepted == 3
    assert set(desk.held()) == {"p0", "p1", "p2"}, "the case that came last is kept"
    assert desk.created() == 3
    desk.sql("insert into people values ('P1', 'Twin', 1, 'low')")
    report, error = desk.run()
    assert report.counts.invalid == 2


# -- jobs ----------------------------------------------------------------------------------------


def test_many_jobs_run_side_by_side_within_the_cap_and_few_requests_ask_for_them(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk(job_ms=400)
    desk.people(10_000)
    report, error = desk.run()
    assert error is None
    assert report.counts.accepted == 10_000
    jobs = desk.jobs()
    assert len(jobs) == 100
    assert max(one["under_way"] for one in jobs) == 30, "all of the cap is used"
    assert report.http.rate_limited == 0, "and never more"
    assert desk.requests()["create_or_update_many"] == 100
    assert desk.requests()["job_status"] <= 100 / 10 + 4


def test_a_cap_that_others_have_used_up_is_waited_for(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(max_jobs=2, job_ms=100)
    desk.people(600)
    report, error = desk.run()
    assert error is None
    assert report.counts.accepted == 600
    assert report.http.rate_limited > 0, "the tool's own word was needed"
    assert max(one["under_way"] for one in desk.jobs()) == 2


def test_the_connection_may_leave_places_to_others(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(max_jobs=2, job_ms=50)
    desk.connection["max_jobs"] = 2
    desk.write()
    desk.people(600)
    report = desk.settles()
    assert report.http.rate_limited == 0


@pytest.mark.parametrize("fault", ["job_failed", "job_killed", "job_gone"])
def test_a_job_that_breaks_off_is_sent_again(desk: Desk, fault: str) -> None:
    desk.people(150)
    desk.sandbox.set_faults([{"match": {"key": "P5"}, "do": fault, "times": 1}])
    assert desk.settles().counts.accepted == 150
    assert desk.created() == 150


def test_the_lost_answer_of_a_request_that_queued_a_job(desk: Desk) -> None:
    desk.people(100)
    op = "create_or_update_many" if desk.object == "users" else "create_many"
    desk.sandbox.set_faults([{"match": {"op": op}, "do": "apply_then_reset", "times": 1}])
    assert desk.settles().counts.accepted == 100
    assert desk.created() == 100


@pytest.mark.parametrize("fault", ["503", "reset_before", "html200", "empty200", "bad_json"])
def test_a_poll_without_an_answer_changes_nothing(desk: Desk, fault: str) -> None:
    desk.people(100)
    desk.sandbox.set_faults([{"match": {"op": "job_status"}, "do": fault, "times": 2}])
    assert desk.settles().counts.accepted == 100
    assert len(desk.jobs()) == 1, "nothing was sent twice"


def test_results_that_leave_rows_out_accept_none_of_them(desk: Desk) -> None:
    desk.people(100)
    rule = {"match": {"op": "job_status"}, "do": "missing_results", "n": 3, "times": 1}
    desk.sandbox.set_faults([rule])
    assert desk.settles().counts.accepted == 100
    assert len(desk.jobs()) == 2
    assert desk.created() == 100


def test_a_run_killed_while_jobs_are_at_work_is_taken_up_by_the_next(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk(job_ms=3000)
    desk.people(500)
    # A poll is made for what is on record.
    kill_once(lambda: desk.requests()["job_status"] >= 1, desk.folder, desk.environment)
    assert len(desk.jobs()) == 5
    desk.sql("update people set level = 'high' where key = 'P3'")
    report, error = desk.run()
    assert error is None, error
    assert (report.counts.unchanged, report.counts.changed) == (499, 1)
    assert len(desk.jobs()) == 6, "what was in jobs is not sent again"
    assert desk.created() == 500


# -- refusals ------------------------------------------------------------------------------------


def test_bulk_import_that_is_off_is_explained(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(bulk_import=False)
    desk.people(300)
    report, error = desk.run()
    assert error is not None
    assert error.exit_code == 2
    assert "Bulk import" in str(error)
    assert report.counts.not_attempted == 300
    assert desk.held() == {}


def test_a_wrong_login_sends_nothing_and_shows_no_secret(desk: Desk) -> None:
    desk.people(3)
    desk.connection["auth"]["email"] = "eve@acme.test"
    desk.write()
    _, error = desk.run()
    assert error is not None
    assert error.exit_code == 2
    assert TOKEN not in str(error)
    assert desk.held() == {}


def test_check_knows_the_fields_of_the_account(desk: Desk) -> None:
    assert desk.project().check("people") == []
    custom = "user_fields" if desk.object == "users" else "organization_fields"
    del desk.sync["fields"][f"{custom}.level"]
    desk.sync["fields"][f"{custom}.levl"] = "level"
    desk.write()
    (problem,) = desk.project().check("people")
    assert f"no field '{custom}.levl'" in str(problem)


# -- tickets -------------------------------------------------------------------------------------


def test_a_ticket_whose_answer_was_lost_is_made_once(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk("tickets")
    desk.sync.update(
        mode="insert",
        fields={"external_id": "key", "subject": "name", "comment.body": "level"},
    )
    desk.write()
    desk.people(4)
    desk.sandbox.set_faults([{"match": {"key": "P2"}, "do": "apply_then_reset", "times": 1}])
    report, error = desk.run()
    assert error is None, error
    assert report.counts.accepted == 4
    assert desk.created() == 4
    assert desk.requests()["create"] == 5


# -- tags ----------------------------------------------------------------------------------------

OF_A_TAG = {"external_id": "key"}


@pytest.fixture
def make_tagged(make_desk: Callable[..., Desk]) -> Callable[..., Desk]:
    """Records with a tag of their own; the sync gives them another."""

    def make(name: str = "users", count: int = 130) -> Desk:
        desk = make_desk(name)
        desk.people(count)
        own = {"external_id": "key", "name": "name", "tags": {"sql": "['own']"}}
        _declare(desk, fields=own)
        assert desk.run()[1] is None
        _declare(desk, object=f"{name[:-1]}_tag:Churn", mode="mirror", fields=OF_A_TAG)
        return desk

    return make


def _declare(desk: Desk, **changes: Any) -> None:
    desk.sync.update(changes)
    desk.write()


def tagged(desk: Desk, tag: str = "churn") -> set[str]:
    return {key for key, one in desk.held().items() if tag in one["tags"]}


@pytest.mark.parametrize("name", OBJECTS)
def test_a_mirrored_tag_is_had_by_the_rows_of_the_model(
    make_tagged: Callable[..., Desk], name: str
) -> None:
    desk = make_tagged(name)
    before = desk.requests()
    assert desk.settles().counts.accepted == 130
    asked = desk.requests() - before
    assert (asked["add_tags"], asked["find"]) == (130, 2)
    assert tagged(desk) == tagged(desk, "own") == {f"P{i}" for i in range(130)}
    desk.sql("delete from people where key in ('P0', 'P129')")
    before = desk.requests()
    report = desk.settles()
    assert (report.counts.removed, report.counts.accepted) == (2, 2)
    assert desk.requests() - before == {"remove_tags": 2}, "the ids were known"
    assert tagged(desk) == {f"P{i}" for i in range(1, 129)}
    assert len(tagged(desk, "own")) == 130


def test_who_lost_the_tag_or_is_no_user_is_found(make_tagged: Callable[..., Desk]) -> None:
    desk = make_tagged(count=3)
    desk.people(1, first=3)
    report, error = desk.run()
    assert error is None, error
    assert (report.counts.accepted, report.counts.skipped) == (3, 1)
    (lost,) = (one for one in desk.sandbox.records("zendesk", "users") if one["id"].endswith("1"))
    login = base64.b64encode(f"ann@acme.test/token:{TOKEN}".encode()).decode()
    request = urllib.request.Request(
        f"{desk.sandbox.url}/api/v2/users/{lost['id']}/tags.json",
        data=b'{"tags": ["churn"]}',
        method="DELETE",
        headers={"authorization": f"Basic {login}", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert json.load(answer) == {"tags": ["own"]}
    found = desk.project().verify("people")
    assert (found.equal, found.missing) == (2, 1)
    assert desk.project().verify("people", repair=True).missing == 1
    assert tagged(desk) == {"P0", "P1", "P2"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"object": "user_tag:two words"}, "names no tag"),
        ({"fields": {"external_id": "key", "name": "name"}}, "is written"),
        ({"match": "email", "fields": {"email": "key"}}, "email"),
        ({"mode": "insert"}, "insert"),
        ({"mode": "upsert", "on_removed": "clear"}, "clear"),
    ],
)
def test_a_tag_that_cannot_be_is_refused_before_anything_is_sent(
    make_tagged: Callable[..., Desk], changes: dict[str, Any], said: str
) -> None:
    desk = make_tagged(count=1)
    before = desk.requests()
    _declare(desk, **changes)
    assert said in str(desk.project().check()[0])
    _, error = desk.run()
    assert error is not None
    assert error.exit_code == 2
    assert desk.requests() == before
