"""Every operation of every destination, request by request: created, overwritten, passed over,
refused, and nothing called done that the tool did not say."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from destination_bench import BENCH_FORMS, KEY, TOKEN, Bench, BenchForm, person

from tailrace.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OPERATIONS = ("upsert", "update", "insert", "delete", "archive", "clear")
# Each with whether it may have been applied. None of them says what became of a row.
NONSENSE: tuple[dict[str, Any], ...] = (
    {"do": "html200", "applied": True},
    {"do": "empty200", "applied": False},
    {"do": "okfalse200", "applied": False},
    {"do": "wrong_charset", "applied": True},
    {"do": "bad_json", "applied": True},
    {"do": "truncated", "applied": True},
    {"do": "redirect", "to": "/elsewhere", "applied": False},
    {"do": "503", "applied": False},
    {"do": "apply_then_reset"},
    {"do": "reset_before"},
    {"do": "429"},
)


FAULTED = [one for one in BENCH_FORMS if not one.answers_alone]
READERS = [pytest.param(one, id=one.name) for one in BENCH_FORMS if one.reads]


def offered(forms: Iterable[BenchForm], operations: Iterable[str]) -> list[Any]:
    """Forms with the operations that each has: not every tool archives."""
    return [
        pytest.param(form, operation, id=f"{form.name}-{operation}")
        for form, operation in itertools.product(forms, operations)
        if form.archives or operation != "archive"
    ]


@pytest.fixture(params=BENCH_FORMS, ids=lambda form: form.name)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    form = request.param
    with Sandbox({"vendors": {form.vendor: form.options}}) as sandbox:
        yield Bench(form, sandbox)


@pytest.fixture
def three(bench: Bench) -> Bench:
    """A bench with p0, p1 and p2 at the tool."""
    assert bench.send("upsert", [person(n) for n in range(3)]).words == ["accepted"] * 3
    return bench


def test_an_upsert_makes_records_and_overwrites_them(three: Bench) -> None:
    rows = [person(1, level="high", note=None), person(9)]
    assert three.send("upsert", rows).words == ["accepted"] * 2
    stored = three.stored()
    assert stored["p1"] == three.expected(rows[0])
    assert stored["p9"] == three.expected(rows[1])
    assert len(stored) == 4


def test_an_update_overwrites_what_is_there_and_makes_nothing(three: Bench) -> None:
    rows = [person(8), person(1, level="high"), person(9), person(2, amount=Decimal("7.25"))]
    sent = three.send("update", rows)
    assert sent.words == ["skipped", "accepted", "skipped", "accepted"]
    assert {row["code"] for row in sent.rows if row["outcome"] == "skipped"} == {"missing"}
    assert three.stored() == {
        "p0": three.expected(person(0)),
        "p1": three.expected(rows[1]),
        "p2": three.expected(rows[3]),
    }


def test_an_insert_makes_what_is_not_there_and_changes_nothing(three: Bench) -> None:
    rows = [person(7), person(1, level="high"), person(8)]
    sent = three.send("insert", rows)
    assert sent.words == ["accepted", "rejected", "accepted"]
    assert sent.rows[1]["code"]
    stored = three.stored()
    assert stored["p1"] == three.expected(person(1))
    assert set(stored) == {"p0", "p1", "p2", "p7", "p8"}
    assert {one["effect"] for one in sent.requests} == {"unkeyed_write"}


@pytest.mark.parametrize(
    ("bench", "operation"), offered(BENCH_FORMS, ["delete", "archive"]), indirect=["bench"]
)
def test_a_removal_takes_away_its_records_and_no_others(three: Bench, operation: str) -> None:
    sent = three.send(operation, [person(0), person(9), person(2)])
    assert sent.words == ["accepted"] * 3, "a record that is gone is what was wanted"
    assert set(three.stored()) == {"p1"}
    assert {one["effect"] for one in sent.requests} <= {"none", "keyed_write"}


def test_a_clear_leaves_the_match_value_alone_and_makes_nothing(three: Bench) -> None:
    assert three.send("clear", [person(0), person(9)]).words == ["accepted"] * 2
    stored = three.stored()
    assert stored["p0"] == {KEY: "p0"}
    assert set(stored) == {"p0", "p1", "p2"}


@pytest.mark.parametrize("operation", ["upsert", "update"])
def test_fields_that_are_not_sent_stay_as_they_are(three: Bench, operation: str) -> None:
    changed = person(1, level="high", note="other", amount=Decimal(99), send=["note"])
    whole = person(2, level="high")
    sent = three.send(operation, [changed, whole])
    assert sent.words == ["accepted"] * 2
    assert three.stored()["p1"] == three.expected(person(1, note="other"))
    assert three.stored()["p2"] == three.expected(whole)


@pytest.mark.parametrize("operation", ["upsert", "update", "insert"])
def test_a_refused_row_says_why_and_its_neighbours_are_written(
    three: Bench, operation: str
) -> None:
    first = 10 if operation == "insert" else 0
    rows = [person(first + n, note="new") for n in range(3)]
    rows[1]["level"] = "oddest"
    sent = three.send(operation, rows)
    assert sent.words == ["accepted", "rejected", "accepted"]
    assert sent.rows[1]["code"]
    said = sent.rows[1]["message"] + sent.rows[1]["field"]
    assert "level" in said.lower() or "oddest" in said
    stored = three.stored()
    assert stored[rows[0][KEY]]["note"] == "new"
    assert stored.get(rows[1][KEY], {}).get("level") != "oddest"


def test_match_values_that_would_lead_elsewhere_do_not(bench: Bench) -> None:
    odd = ["a/b", "a?b", "a#b", "a%2Fb", "a&b=c"]
    if not bench.form.address:
        odd += ["a b", "ü", 'a"b', "a\\b"]
    rows = [person(0, **{KEY: one}) for one in odd]
    assert bench.send("upsert", rows).words == ["accepted"] * len(odd)
    changed = [{**row, "level": "high"} for row in rows]
    assert bench.send("update", changed).words == ["accepted"] * len(odd)
    assert {one["level"] for one in bench.stored().values()} == {"high"}
    assert bench.send("delete", rows[1:]).words == ["accepted"] * (len(odd) - 1)
    assert set(bench.stored()) == {"a/b"}


# -- faults --------------------------------------------------------------------------------------


# A removal is answered with 204, which has no body that could be cut.
CASES = [
    pytest.param(form, operation, fault, id=f"{form.name}-{operation}-{fault['do']}")
    for form, operation in (one.values for one in offered(FAULTED, OPERATIONS))
    for fault in NONSENSE
    if fault["do"] != "truncated" or operation not in ("delete", "archive")
]


@pytest.mark.parametrize(("bench", "operation", "fault"), CASES, indirect=["bench"])
def test_an_answer_that_says_nothing_of_rows_accepts_none(
    three: Bench, operation: str, fault: dict[str, Any]
) -> None:
    """A fault on each kind of request that the operation makes."""
    rows = [person(n, note="new") for n in range(3)]
    if operation == "insert":
        rows = [person(n) for n in range(10, 13)]
    before = three.stored()
    for request in three.form.requests_of(operation):
        three.sandbox.set_faults([{"match": {"op": request}, **fault}])
        sent = three.send(operation, rows)
        assert {one["status"] for one in sent.requests}, "nothing was sent"
        assert set(sent.words) <= {"unknown", "retryable"}, sent.rows
        if "retryable" in sent.words:
            assert three.stored() == before, "nothing happened to a row that may go again"
        after_write = fault.get("applied", fault["do"] == "apply_then_reset")
        reads = request in ("read", "get", "query", "find")
        if after_write and not reads:
            assert set(sent.words) == {"unknown"}
    counted = three.sandbox.counters(three.form.vendor)["faults"]
    assert counted[fault["do"]] >= len(three.form.requests_of(operation))


@pytest.mark.parametrize(("bench", "operation"), offered(FAULTED, OPERATIONS), indirect=["bench"])
def test_a_login_that_is_refused_writes_nothing(three: Bench, operation: str) -> None:
    before = three.stored()
    rows = [person(n + (10 if operation == "insert" else 0), note="new") for n in range(3)]
    three.sandbox.set_faults([{"do": "401_always"}])
    sent = three.send(operation, rows)
    assert set(sent.words) <= {"open", "retryable"}
    assert three.stored() == before
    assert TOKEN not in str(sent)


@pytest.mark.parametrize("bench", READERS, indirect=True)
def test_a_lost_answer_of_an_insert_is_found_by_reading_back(bench: Bench) -> None:
    bench.sandbox.set_faults([{"do": "apply_then_reset", "times": 1}])
    rows = [person(0)]
    assert bench.send("insert", rows).words == ["unknown"]
    assert set(bench.read(rows).records) == {"p0"}
    bench.sandbox.set_faults([{"do": "reset_before", "times": 1}])
    rows = [person(1)]
    assert bench.send("insert", rows).words == ["unknown"]
    assert bench.read(rows).absent == ["p1"]


# -- sending twice -------------------------------------------------------------------------------


@pytest.fixture
def once() -> Iterator[Bench]:
    form = next(form for form in BENCH_FORMS if form.name == "rest_paths")
    with Sandbox({"vendors": {form.vendor: form.options}}) as sandbox:
        yield Bench(form, sandbox)


def test_an_insert_under_a_key_is_repeated_and_made_once(once: Bench) -> None:
    rows = [person(n) for n in range(3)]
    once.sandbox.set_faults([{"do": "apply_then_reset", "times": 2}])
    first = once.send("insert", rows, idempotency_key="k1")
    assert first.words == ["unknown", "unknown", "accepted"]
    assert {one["effect"] for one in first.requests} == {"keyed_write"}
    keys = [one["headers"]["X-Once"] for one in first.requests]
    assert len(set(keys)) == 3, "each request has a key of its own"
    again = once.send("insert", rows, idempotency_key="k1")
    assert again.words == ["accepted"] * 3
    assert [one["headers"]["X-Once"] for one in again.requests] == keys
    state = once.sandbox.state()["vendors"]["rest"]["objects"]["people"]
    assert state["created"] == 3


def test_an_insert_without_a_key_is_refused_when_it_comes_again(once: Bench) -> None:
    once.sandbox.set_faults([{"do": "apply_then_reset", "times": 1}])
    assert once.send("insert", [person(0)]).words == ["unknown"]
    assert once.send("insert", [person(0)]).words == ["rejected"]


def test_a_key_that_came_with_other_rows_inserts_nothing(once: Bench) -> None:
    assert once.send("insert", [person(0)], idempotency_key="k").words == ["accepted"]
    sent = once.send("insert", [person(1)], idempotency_key="k")
    assert sent.words == ["rejected"]
    assert sent.rows[0]["code"] == "idempotency_mismatch"
    assert set(once.stored()) == {"p0"}
