"""What is particular to Klaviyo: imports that are read row by row, profiles that fail a request as
a whole, lists, deletions, limits of each endpoint, and what is done when an import breaks off or
the process dies. The sandbox's own log is the judge, and Klaviyo's description of each request."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from killed_run import kill_once
from sync_fixtures import opened_sandboxes
from vendor_project import VendorProject

sys.path.append(str(Path(__file__).resolve().parents[1] / "python" / "sandbox"))
from specs import spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tailrace.sandbox import Sandbox

KEY = "pk_canary77aa01c2"
SPEC = spec("klaviyo/openapi-2026-07-15.trimmed.json")


class Shop(VendorProject):
    """A project that syncs the table `people` to an account in the sandbox."""

    vendor = "klaviyo"
    object = "profiles"

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        connection = {
            "type": "klaviyo",
            "base_url": sandbox.url,
            "auth": {"api_key": "${env:KLAVIYO_KEY}"},
            "limits": [{"requests": 100_000, "per": "1s"}],
        }
        sync = {
            "key": "key",
            "object": "profiles",
            "match": "external_id",
            "fields": {
                "external_id": "key",
                "email": "email",
                "location.city": "city",
                "properties.score": "score",
            },
        }
        columns = "key int, email varchar, city varchar, score double"
        super().__init__(folder, sandbox, connection, sync, columns, {"KLAVIYO_KEY": KEY})

    def people(self, count: int, *, first: int = 0) -> None:
        self.sql(
            "insert into people select i, 'p' || i || '@acme.test', 'Rome', i * 0.5"
            " from range(?, ?) as t(i)",
            first,
            first + count,
        )

    def held(self) -> dict[str, dict[str, Any]]:
        records = self.sandbox.records("klaviyo", "profiles")
        return {one["values"]["external_id"]: one["values"] for one in records}

    def requests(self) -> Counter[str]:
        names = (entry["op"] for entry in self.log())
        return Counter(name for name in names if name != "account")

    def posts(self) -> int:
        return sum(one["method"] == "POST" for one in self.log())

    def imports(self) -> list[int]:
        return [one["values"]["rows"] for one in self.sandbox.records("klaviyo", "imports")]

    def list_id(self) -> str:
        (one,) = self.sandbox.records("klaviyo", "lists")
        return str(one["id"])

    def members(self) -> set[str]:
        (one,) = self.sandbox.records("klaviyo", "lists")
        names = {p["id"]: p["values"]["external_id"] for p in self._profiles()}
        return {names[number] for number in one["values"]["members"]}

    def _profiles(self) -> list[dict[str, Any]]:
        return self.sandbox.records("klaviyo", "profiles")


@pytest.fixture
def make_shop(ground: Path) -> Iterator[Callable[..., Shop]]:
    with opened_sandboxes(ground) as open_one:

        def make(**options: Any) -> Shop:
            settings = {"limits": "none", "api_keys": [KEY], **options}
            return Shop(*open_one({"vendors": {"klaviyo": settings}, "log_size": 20_000}))

        yield make


@pytest.fixture
def shop(make_shop: Callable[..., Shop]) -> Shop:
    return make_shop()


def test_profiles_are_made_overwritten_and_deleted(shop: Shop) -> None:
    shop.declare(mode="mirror")
    shop.people(250)
    assert shop.settles().counts.accepted == 250
    assert shop.created() == 250
    assert shop.held()["7"] == {
        "external_id": "7",
        "email": "p7@acme.test",
        "location": {"city": "Rome"},
        "properties": {"score": 3.5},
    }
    shop.sql("update people set city = 'Oslo', score = null where key in (1, 2)")
    shop.sql("delete from people where key in (5, 249)")
    shop.people(1, first=900)
    counts = shop.settles().counts
    assert (counts.changed, counts.added, counts.removed, counts.accepted) == (2, 1, 2, 5)
    held = shop.held()
    assert len(held) == 249
    assert (held["1"]["location"], held["1"]["properties"]) == ({"city": "Oslo"}, {}), "null clears"
    assert shop.requests()["delete"] == 2
    found = shop.project().verify("people")
    assert (found.equal, found.different, found.missing, found.extra) == (249, 0, 0, 0)


def test_ten_thousand_profiles_go_in_one_import(shop: Shop) -> None:
    shop.people(10_001)
    plan = shop.project().plan("people")
    assert plan.requests == 4, "two imports, each asked for once"
    assert shop.settles().counts.accepted == 10_001
    assert sorted(shop.imports()) == [1, 10_000]
    assert shop.requests()["import"] == 2
    assert "import_errors" not in shop.requests(), "its counts say that there are none"


def test_an_import_stays_below_five_megabytes(shop: Shop) -> None:
    shop.people(600)
    shop.sql("update people set city = repeat('x', 20000)")
    assert shop.settles().counts.accepted == 600
    assert 3 <= len(shop.imports()) <= 4


def test_numbers_and_structures_keep_what_they_are(shop: Shop) -> None:
    shop.sql(
        "create or replace table people as select 9007199254740993 as key, 9223372036854775807"
        " as big, 0.1::double as ratio, true as flag, '2024-02-29'::date as day,"
        " ['gold', 'new'] as plan"
    )
    own = {f"properties.{name}": name for name in ("big", "ratio", "flag", "day", "plan")}
    shop.declare(fields={"external_id": "key", **own})
    shop.settles()
    assert shop.held()["9007199254740993"]["properties"] == {
        "big": 9223372036854775807,
        "ratio": 0.1,
        "flag": True,
        "day": "2024-02-29",
        "plan": ["gold", "new"],
    }


def test_fields_that_are_not_sent_stay_as_they_are(shop: Shop) -> None:
    shop.declare(send="changed_fields")
    shop.people(3)
    shop.settles()
    shop.sql("update people set score = 9 where key = 1")
    assert shop.settles().counts.changed == 1
    assert shop.held()["1"]["location"] == {"city": "Rome"}


# -- refused rows --------------------------------------------------------------------------------


def test_profiles_that_cannot_be_ones_are_dropped_and_the_others_go_again(shop: Shop) -> None:
    shop.people(100)
    shop.sql("update people set email = 'nobody' where key in (7, 93)")
    report, error = shop.run()
    assert error is not None
    assert error.exit_code == 1
    assert (report.counts.accepted, report.counts.rejected) == (98, 2)
    refused = {row.key: row for row in report.rejected_sample}
    assert set(refused) == {"7", "93"}
    assert refused["7"].field == "email"
    assert "Invalid email address" in refused["7"].message
    assert shop.posts() == 2, "one that is refused, one of the others"
    again, error = shop.run()
    assert again.counts.rejected == 2, "held back, and still counted"
    assert shop.posts() == 2


def test_rows_that_an_import_refuses_are_found_page_by_page(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(bulk_validation="row")
    shop.people(1000)
    shop.sql("update people set email = 'nobody' where key % 4 = 0")
    report, error = shop.run()
    assert error is not None
    assert (report.counts.accepted, report.counts.rejected) == (750, 250)
    assert set(shop.held()) == {str(key) for key in range(1000) if key % 4}
    assert shop.requests()["import_errors"] == 3
    listed = {row["key"] for row in shop.project().rejected("people")}
    assert listed == {str(key) for key in range(0, 1000, 4)}


def test_identifiers_of_another_profile_refuse_their_row_alone(shop: Shop) -> None:
    shop.people(10)
    shop.settles()
    shop.sql("update people set email = 'p3@acme.test' where key = 5")
    report, error = shop.run()
    assert error is not None
    assert (report.counts.rejected, report.counts.changed) == (1, 1)
    assert report.rejected_sample[0].code == "duplicate_profile"


def test_a_list_of_errors_that_lacks_one_accepts_nobody(
    make_shop: Callable[..., Shop], timing: Callable[..., None]
) -> None:
    shop = make_shop(bulk_validation="row")
    shop.people(50)
    shop.sql("update people set email = 'nobody' where key in (3, 4)")
    rule = {"match": {"op": "import_errors"}, "do": "missing_results", "n": 1}
    shop.sandbox.set_faults([rule])
    timing(deadline_s=2, drain_s=1)
    report, error = shop.run()
    assert error is not None
    # The error that is listed refuses its row; an import that works at the end is the next run's.
    counts = report.counts
    assert (counts.accepted, counts.rejected) == (0, 1)
    assert counts.unknown + counts.pending == 49


# -- imports -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["job_failed", "job_killed", "job_gone"])
def test_an_import_that_breaks_off_is_sent_again(shop: Shop, fault: str) -> None:
    shop.people(150)
    shop.sandbox.set_faults([{"match": {"key": "5"}, "do": fault, "times": 1}])
    assert shop.settles().counts.accepted == 150
    assert shop.created() == 150


@pytest.mark.parametrize("op", ["import_status", "import_errors"])
@pytest.mark.parametrize("fault", ["503", "reset_before", "html200", "empty200", "bad_json"])
def test_a_question_without_an_answer_changes_nothing(
    make_shop: Callable[..., Shop], op: str, fault: str
) -> None:
    shop = make_shop(bulk_validation="row")
    shop.people(100)
    shop.sql("update people set email = 'nobody' where key = 3")
    shop.sandbox.set_faults([{"match": {"op": op}, "do": fault, "times": 2}])
    report, _ = shop.run()
    assert (report.counts.accepted, report.counts.rejected) == (99, 1)
    assert len(shop.imports()) == 1, "nothing was sent twice"


def test_a_run_killed_while_an_import_is_at_work_is_taken_up_by_the_next(
    make_shop: Callable[..., Shop],
) -> None:
    shop = make_shop(job_ms=1500)
    shop.people(500)
    # A poll is made for what is on record.
    kill_once(lambda: shop.requests()["import_status"] >= 1, shop.folder, shop.environment)
    shop.sql("update people set city = 'Oslo' where key = 3")
    report, error = shop.run()
    assert error is None, error
    assert (report.counts.unchanged, report.counts.changed) == (499, 1)
    assert shop.imports() == [500, 1], "what was in an import is not sent again"


def test_a_run_that_is_stopped_leaves_its_import_to_the_next(
    make_shop: Callable[..., Shop],
) -> None:
    shop = make_shop(job_ms=1500)
    shop.people(500)
    shop.stop_when(lambda: shop.requests()["import_status"] >= 1)
    report, error = shop.run()
    assert error is None, error
    assert (report.counts.unchanged, shop.imports()) == (500, [500])


# -- other operations ----------------------------------------------------------------------------


def test_an_update_passes_over_what_is_not_there(shop: Shop) -> None:
    shop.people(130)
    shop.settles()
    shop.project().reset("people")
    shop.people(140, first=130)
    shop.sql("update people set city = 'Oslo'")
    shop.declare(mode="update")
    assert shop.project().plan("people").requests == 5
    report, _ = shop.run()
    assert (report.counts.accepted, report.counts.skipped) == (130, 140)
    assert {one["location"]["city"] for one in shop.held().values()} == {"Oslo"}
    assert shop.created() == 130
    # A new mapping reads one record first, for the right to.
    assert (shop.requests()["find"], shop.imports()) == (1 + 1 + 3, [130, 130])


def test_a_look_up_that_fails_on_the_way_writes_nothing_and_goes_again(shop: Shop) -> None:
    shop.people(250)
    shop.settles()
    shop.sql("update people set city = 'Oslo'")
    shop.declare(mode="update")
    shop.sandbox.set_faults([{"match": {"op": "find", "key": "120"}, "do": "503", "times": 1}])
    assert shop.settles().counts.accepted == 250
    assert (shop.requests()["find"], shop.imports()) == (1 + 1 + 5, [250, 250])


def test_an_insert_makes_what_is_not_there_and_changes_nothing(shop: Shop) -> None:
    shop.people(2)
    shop.settles()
    shop.project().reset("people")
    shop.people(2, first=2)
    shop.sql("update people set city = 'Oslo'")
    shop.declare(mode="insert", insert_safety="read_back")
    report, error = shop.run()
    assert error is not None
    assert (report.counts.accepted, report.counts.rejected) == (2, 2)
    cities = {key: one["location"]["city"] for key, one in shop.held().items()}
    assert cities == {"0": "Rome", "1": "Rome", "2": "Oslo", "3": "Oslo"}


def test_a_lost_answer_of_an_insert_makes_no_second_profile(
    shop: Shop, timing: Callable[..., None]
) -> None:
    shop.people(3)
    shop.declare(mode="insert", insert_safety="read_back")
    shop.sandbox.set_faults([{"match": {"key": "1"}, "do": "apply_then_reset", "times": 1}])
    timing(quiet_s=0)
    report, error = shop.run()
    assert (report.counts.accepted, report.counts.unknown) == (2, 1), error
    report, error = shop.run()
    assert error is None, error
    assert shop.created() == 3
    assert shop.posts() == 3, "it was found, and not sent again"


def test_a_clear_leaves_the_identifiers(shop: Shop) -> None:
    shop.declare(on_removed="clear")
    shop.people(4)
    shop.settles()
    shop.sql("delete from people where key = 2")
    report, error = shop.run()
    assert error is None, error
    assert report.counts.removed == 1
    held = shop.held()["2"]
    assert (held["external_id"], held["email"]) == ("2", "p2@acme.test")
    assert not held.get("location")
    assert not held.get("properties")


@pytest.mark.parametrize("match", ["email", "external_id"])
def test_a_mirrored_list_has_the_members_of_the_model(shop: Shop, match: str) -> None:
    shop.people(120)
    shop.declare(object=f"list:{shop.list_id()}", match=match, mode="mirror")
    assert shop.settles().counts.accepted == 120
    assert shop.members() == {str(key) for key in range(120)}
    shop.sql("delete from people where key % 10 = 0")
    assert shop.settles().counts.removed == 12
    assert shop.members() == {str(key) for key in range(120) if key % 10}
    assert len(shop.held()) == 120, "off the list, and still profiles"
    assert shop.requests()["remove"] == 1


def test_a_list_that_is_not_there_stops_the_run_and_check_says_so(shop: Shop) -> None:
    shop.people(3)
    shop.declare(object="list:NOSUCH")
    (problem,) = shop.project().check("people")
    assert "NOSUCH" in str(problem)
    report, error = shop.run()
    assert error is not None
    assert error.exit_code == 2
    assert "NOSUCH" in str(error)
    assert (report.counts.not_attempted, shop.held()) == (3, {})


# -- limits, logins ------------------------------------------------------------------------------


def test_the_limits_of_each_endpoint_are_kept(make_shop: Callable[..., Shop]) -> None:
    """Eleven requests to a list's endpoint fit into two of its seconds, and into no single one."""
    shop = make_shop(limits="standard")
    del shop.connection["limits"]
    shop.people(1200)
    shop.declare(object=f"list:{shop.list_id()}", mode="mirror", guards={"max_removed": "100%"})
    shop.settles()
    shop.sql("delete from people where key < 1100")
    report, error = shop.run(allow_guard=["max_removed"])
    assert error is None, error
    assert report.counts.removed == 1100
    assert shop.requests()["remove"] == 11
    assert report.http.rate_limited == 0


def test_a_refusal_for_the_rate_is_waited_for(shop: Shop) -> None:
    shop.people(3)
    shop.sandbox.set_faults(
        [{"match": {"op": "import"}, "do": "429", "retry_after": 1, "times": 1}]
    )
    report = shop.settles()
    assert report.http.rate_limited == 1
    times = [one["at_ms"] for one in shop.log() if one["op"] == "import"]
    assert times[1] - times[0] >= 1000


def test_a_key_of_another_account_gets_nothing(make_shop: Callable[..., Shop]) -> None:
    shop, other = make_shop(), make_shop(account_id="OTHERS", api_keys=["pk_second"])
    shop.people(3)
    shop.connection["account"] = "ours"
    shop.write()
    shop.settles()
    shop.connection.update(base_url=other.sandbox.url, auth={"api_key": "pk_second"})
    shop.write()
    shop.people(2, first=3)
    _, error = shop.run()
    assert error is not None
    assert error.exit_code == 2
    assert "OTHERS" in str(error)
    assert other.held() == {}


def test_check_knows_the_attributes_and_names_what_is_near(shop: Shop) -> None:
    assert shop.project().check("people") == []
    shop.declare(fields={"external_id": "key", "first_nam": "city"})
    (problem,) = shop.project().check("people")
    assert "did you mean 'first_name'?" in str(problem)
    _, error = shop.run()
    assert error is not None
    assert error.exit_code == 2
    assert "properties.plan" in str(error), "where one's own stand"
    shop.declare(fields={"external_id": "key", "title": "city"}, match="title")
    (problem,) = shop.project().check("people")
    assert "external_id" in str(problem)


# -- what Klaviyo describes ----------------------------------------------------------------------

UNDESCRIBED = "/api/accounts"
"""Not in the part of the description that is kept here."""


def _misfits(request: Any) -> list[str]:
    """What Klaviyo's description has against a request."""
    operation = SPEC._operation(request.method, request.path)
    parameters = {one["name"]: one for one in operation["parameters"]}
    found = [f"no parameter {name}" for name in request.query if name not in parameters]
    for name, text in request.query.items():
        schema = parameters.get(name, {}).get("schema", {})
        words = schema.get("items", {}).get("enum")
        if words and not set(text.split(",")) <= set(words):
            found.append(f"{name} is not {text}")
        if schema.get("type") == "integer" and not 1 <= int(text) <= schema["maximum"]:
            found.append(f"{name} is not {text}")
    if request.headers.get("revision") != parameters["revision"]["schema"]["default"]:
        found.append("another revision")
    if request.method == "GET":
        return found + (["a body"] if request.body else [])
    if request.content_type not in operation["requestBody"]["content"]:
        found.append("another type")
    body = json.loads(request.body)
    return found + SPEC.request_problems(request.method, request.path, body)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The requests that sandboxes of Klaviyo get."""
    from tailrace.sandbox.klaviyo import Klaviyo

    requests: list[Any] = []
    true_read = Klaviyo.read

    def read(vendor: Any, request: Any) -> Any:
        requests.append(request)
        return true_read(vendor, request)

    monkeypatch.setattr(Klaviyo, "read", read)
    return requests


def _do_everything(shop: Shop) -> None:
    """Every operation, every question, a row that is refused."""
    shop.declare(mode="mirror")
    shop.people(4)
    shop.sql("insert into people values (5, 'nobody', 'Rome', 1)")
    shop.run()
    shop.sql("delete from people where key in (1, 5)")
    shop.run()
    shop.project().verify("people")
    shop.project().check("people")
    shop.declare(mode="update", on_removed="clear")
    shop.sql("update people set city = null where key = 2")
    shop.run()
    shop.sql("delete from people where key = 3")
    shop.run()
    del shop.sync["on_removed"]
    shop.declare(mode="insert")
    shop.people(1, first=70)
    shop.run()
    shop.declare(mode="mirror", object=f"list:{shop.list_id()}")
    shop.run()
    shop.sql("delete from people where key = 0")
    shop.run()
    shop.project().check("people")


@pytest.mark.parametrize("match", ["external_id", "email"])
def test_klaviyos_description_accepts_every_request(
    make_shop: Callable[..., Shop], seen: list[Any], match: str
) -> None:
    shop = make_shop(bulk_validation="row")
    shop.declare(match=match)
    _do_everything(shop)
    described = [one for one in seen if one.path != UNDESCRIBED]
    assert {
        (one.method, re.sub(r"/01\w+|(?<=lists)/\w+", "/ID", one.path)) for one in described
    } == {
        ("POST", "/api/profile-bulk-import-jobs"),
        ("GET", "/api/profile-bulk-import-jobs/ID"),
        ("GET", "/api/profile-bulk-import-jobs/ID/import-errors"),
        ("GET", "/api/profiles"),
        ("POST", "/api/profiles"),
        ("POST", "/api/data-privacy-deletion-jobs"),
        ("GET", "/api/lists/ID"),
        ("DELETE", "/api/lists/ID/relationships/profiles"),
    }
    assert {one.path: _misfits(one) for one in described if _misfits(one)} == {}


def test_klaviyos_description_refuses_a_request_that_is_broken(shop: Shop, seen: list[Any]) -> None:
    shop.people(1)
    shop.run()
    (sent,) = [one for one in seen if one.method == "POST"]
    good = sent.body
    for old, new in (
        (b'"profile"', b'"profil"'),
        (b'"attributes"', b'"attribute"'),
        (b'"0"', b"0"),
    ):
        assert old in good
        sent.body = good.replace(old, new)
        assert _misfits(sent), new
    sent.body = good
    assert not _misfits(sent)
    sent.query = {"fields[import-error]": "code"}
    assert _misfits(sent)
