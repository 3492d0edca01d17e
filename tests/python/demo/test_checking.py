"""The demo's own checks: each finds the fault that it is there for."""

from __future__ import annotations

import copy
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tailrace.demo import checking
from tailrace.demo.expected import canonical, number_text

MODEL = {
    "1": {"id": "1", "value": "12.3", "level": "low"},
    "2": {"id": "2", "value": "7", "level": "high"},
}
RECORDS: list[dict[str, Any]] = [
    {"id": "900", "values": {"id": "2", "value": "7.00", "level": "high", "createdate": "x"}},
    {"id": "901", "values": {"id": "1", "value": "12.30", "level": "low"}},
]


def arrived(records: list[dict[str, Any]]) -> checking.Check:
    return checking.arrived(records, MODEL, "id", ["value"])


def test_the_same_values_in_another_form_and_order_are_fine() -> None:
    check = arrived(RECORDS)
    assert check.ok
    assert check.detail == "2 customers, 2 records"


def without_one() -> list[dict[str, Any]]:
    return RECORDS[:1]


def twice() -> list[dict[str, Any]]:
    return [*RECORDS, {**RECORDS[1], "id": "902"}]


def one_more() -> list[dict[str, Any]]:
    return [*RECORDS, {"id": "902", "values": {"id": "3"}}]


def changed(field: str, value: str | None) -> list[dict[str, Any]]:
    records = copy.deepcopy(RECORDS)
    records[1]["values"][field] = value
    return records


@pytest.mark.parametrize(
    "records",
    [
        [],
        without_one(),
        twice(),
        one_more(),
        changed("value", "12.31"),
        changed("value", ""),
        changed("value", None),
        changed("level", "Low"),
        changed("level", "low "),
        changed("id", None),
    ],
)
def test_a_record_that_is_missing_wrong_or_too_many_is_found(
    records: list[dict[str, Any]],
) -> None:
    check = arrived(records)
    assert not check.ok
    assert "differ" in check.detail


def test_an_empty_model_proves_nothing() -> None:
    assert not checking.arrived([], {}, "id", []).ok


def test_a_record_that_was_created_twice_or_deleted_is_found() -> None:
    assert checking.created_once({"created": 5, "deleted": 0}, 5).ok
    assert not checking.created_once({"created": 6, "deleted": 0}, 5).ok
    assert not checking.created_once({"created": 5, "deleted": 1}, 5).ok


@pytest.mark.parametrize(
    ("after", "ok"),
    [
        ({"a": 2, "b": 1}, True),
        ({"a": 3, "b": 1}, False),
        ({"a": 1, "b": 1}, False),
        ({"a": 2, "b": 2}, False),
        ({"a": 2, "b": 1, "c": 1}, False),
    ],
)
def test_writes_of_the_second_run_are_those_of_changed_rows(
    after: dict[str, int], ok: bool
) -> None:
    assert checking.written({"a": 1, "b": 1}, after, {"a"}).ok is ok


def test_one_request_too_many_is_found() -> None:
    assert checking.no_requests(7, 7).ok
    assert not checking.no_requests(7, 8).ok


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (Decimal("12.30"), "12.3"),
        (Decimal("100.00"), "100"),
        (300, "300"),
        (0.7, "0.7"),
        (date(1998, 1, 31), "1998-01-31"),
        ("00012", "00012"),
    ],
)
def test_values_have_one_text(value: object, text: str) -> None:
    assert canonical(value) == text


def test_numbers_have_one_text() -> None:
    assert number_text("1E+2") == number_text("100.0") == number_text("100") == "100"
    assert number_text("0.10") == "0.1"
