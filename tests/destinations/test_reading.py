"""What destinations say of records: those asked for, those that are absent, all that there are, and
whether a value is the one that was written."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from destination_bench import BENCH_FORMS, KEY, Bench, person

from tailrace.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

READERS = [form for form in BENCH_FORMS if form.reads]
# Some tools find records and list none: all leads of a Marketo instance are an export of their own.
LISTERS = [pytest.param(form, id=form.name) for form in READERS if form.lists_all]
ASKED = [
    pytest.param(form, question, id=f"{form.name}-{question}")
    for form in READERS
    for question in ("by_match", "all_ids")
    if not form.answers_alone and (form.lists_all or question == "by_match")
]


@pytest.fixture(params=READERS, ids=lambda form: form.name)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    form = request.param
    with Sandbox({"vendors": {form.vendor: form.options}}) as sandbox:
        yield Bench(form, sandbox)


def test_records_are_found_by_their_match_value_and_absence_is_said(bench: Bench) -> None:
    rows = [person(n) for n in range(5)]
    bench.send("upsert", rows)
    found = bench.read([rows[3], person(8), rows[0], person(9)])
    assert set(found.records) == {"p0", "p3"}
    assert sorted(found.absent) == ["p8", "p9"]
    assert found.stop is None
    assert found.different == {"p0": [], "p3": []}


def test_what_was_written_is_equal_and_what_is_not_is_named(bench: Bench) -> None:
    rows = [person(0, note=None), person(1, amount=Decimal("12345678901234567.25"))]
    bench.send("upsert", rows)
    assert bench.read(rows).different == {"p0": [], "p1": []}
    others = [person(0, note="x", level="high"), person(1, amount=Decimal("0.5"))]
    assert bench.read(others).different == {"p0": ["level", "note"], "p1": ["amount"]}


def test_values_of_every_type_come_back_equal(bench: Bench) -> None:
    bench.fields = {
        KEY: "text",
        "big": "integer",
        "amount": "decimal",
        "flag": "boolean",
        "day": "date",
        "instant": "timestamptz",
        "note": "text",
    }
    row: dict[str, Any] = {
        KEY: "p1",
        "big": 9007199254740993,
        "amount": "1.10",
        "flag": False,
        "day": "2024-02-29",
        "instant": "2024-02-29 23:59:59.123+00",
        "note": 'tab\tline\nquote"back\\slash ü \U0001f600',
    }
    assert bench.send("upsert", [row]).words == ["accepted"]
    assert bench.read([row]).different == {"p1": []}
    sooner, later = (".123", ".124") if not bench.form.whole_seconds else ("59.123", "58.123")
    changes: dict[str, Any] = {
        "big": 9007199254740992,
        "amount": "1.11",
        "flag": True,
        "day": "2024-03-01",
        "instant": row["instant"].replace(sooner, later),
        "note": None,
    }
    for name, value in changes.items():
        assert bench.read([{**row, name: value}]).different == {"p1": [name]}


@pytest.mark.parametrize("bench", LISTERS, indirect=True)
def test_all_records_are_listed_page_by_page(bench: Bench) -> None:
    rows, most = 3 * bench.form.page + 1, 100
    for first in range(0, rows, most):
        bench.send("upsert", [person(n) for n in range(first, min(rows, first + most))])
    found = bench.read_all()
    assert found.stop is None
    assert set(found.records) == set(bench.stored())
    assert len(found.requests) == 4
    assert not any(found.absent)


@pytest.mark.parametrize("bench", LISTERS, indirect=True)
def test_an_account_with_no_records_lists_none(bench: Bench) -> None:
    found = bench.read_all()
    assert (found.records, found.stop, len(found.requests)) == ({}, None, 1)


@pytest.mark.parametrize(
    "fault",
    ["html200", "empty200", "okfalse200", "bad_json", "wrong_charset", "truncated", "redirect",
     "503", "429", "reset_before", "apply_then_reset", "401_always"],
)  # fmt: skip
@pytest.mark.parametrize(("bench", "question"), ASKED, indirect=["bench"])
def test_an_answer_that_makes_no_sense_says_nothing_of_any_record(
    bench: Bench, question: str, fault: str
) -> None:
    rows = [person(n) for n in range(3)]
    bench.send("upsert", rows)
    (request,) = bench.form.requests_of(question)
    bench.sandbox.set_faults([{"match": {"op": request}, "do": fault}])
    found = bench.read(rows) if question == "by_match" else bench.read_all()
    assert (found.records, found.absent) == ({}, [])
    assert found.stop is not None
    assert found.stop["message"]


@pytest.mark.parametrize("fault", ["missing_results", "extra_results", "shuffled"])
def test_records_that_an_answer_leaves_out_are_not_absent(fault: str) -> None:
    form = BENCH_FORMS[0]
    with Sandbox({"vendors": {form.vendor: form.options}}) as sandbox:
        bench = Bench(form, sandbox)
        rows = [person(n) for n in range(4)]
        bench.send("upsert", rows)
        sandbox.set_faults([{"match": {"op": "read"}, "do": fault}])
        found = bench.read([*rows, person(9)])
    assert found.stop is None
    assert found.absent == ["p9"]
    # Of one that is told of twice, nothing is known either.
    assert len(found.records) == (4 if fault == "shuffled" else 3)
