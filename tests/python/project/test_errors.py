"""Errors keep what they know through pickle, and each class has its exit code."""

from __future__ import annotations

import pickle
import signal
from typing import Any

import pytest

import tailrace
from tailrace import errors
from tailrace.errors import ConfigError, Problem
from tailrace.nearest import hint, nearest

PROBLEM = Problem("is wrong", "syncs/a.yml", 3, 5, "fields.x")


def made(report: Any) -> list[errors.TailraceError]:
    return [
        errors.TailraceError("m", report=report),
        ConfigError.of([PROBLEM, Problem("too", "b.yml", 1, 1, "y")]),
        errors.SourceError("m", configuration=True, code="42P01", report=report),
        errors.GuardRefused("m", report=report),
        errors.Busy("m"),
        errors.Unfinished("m", not_before="2026-01-01T00:00:00Z"),
        errors.QuotaExhausted("m", report=report),
        errors.StateLost("m"),
        errors.RejectedRows("m", report=report),
        errors.Cancelled("m", signal_number=signal.SIGTERM),
    ]


def test_all_of_them_pickle(make_report: Any) -> None:
    report = tailrace.RunReport.from_json(make_report(not_before="2026-01-01T00:00:00Z"))
    for error in made(report):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)
        assert again.exit_code == error.exit_code


def test_exit_codes_are_those_of_the_table() -> None:
    codes = {type(error).__name__: error.exit_code for error in made(None)}
    assert codes == {
        "TailraceError": 5,
        "ConfigError": 2,
        "SourceError": 2,
        "GuardRefused": 3,
        "Busy": 4,
        "Unfinished": 5,
        "QuotaExhausted": 6,
        "StateLost": 7,
        "RejectedRows": 1,
        "Cancelled": 143,
    }
    assert errors.Cancelled("m").exit_code == 130
    assert errors.SourceError("m").exit_code == 5


def test_problems_are_shown_a_line_each_and_once() -> None:
    error = ConfigError.of([PROBLEM, PROBLEM, Problem("plain")])
    assert str(error) == "syncs/a.yml:3:5: fields.x: is wrong\nplain"
    assert (error.file, error.line, error.column, error.key) == ("syncs/a.yml", 3, 5, "fields.x")


def test_public_names_are_all_there() -> None:
    for name in tailrace.__all__:
        assert getattr(tailrace, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tailrace.nothing  # type: ignore[attr-defined]


def test_the_nearest_name_is_found_whatever_its_case() -> None:
    assert nearest("EMIAL", ["Email", "Name"]) == "Email"
    assert nearest("zzz", ["Email"]) is None
    assert hint("zzz", []) == "; there are none"
    assert hint("zzz", [f"name{number}" for number in range(20)]).endswith(", …")


@pytest.mark.parametrize("damage", ["[]", "{}", "nonsense", '{"format": 2}'])
def test_what_is_no_report_is_refused(damage: str) -> None:
    for kind in (tailrace.RunReport, tailrace.Plan, tailrace.Progress):
        with pytest.raises(ValueError, match=r"."):
            kind.from_json(damage)  # type: ignore[attr-defined]


def test_a_report_of_a_newer_writer_is_read(make_report: Any) -> None:
    document = make_report(rejected_sample=[{"key": "1", "code": "c", "message": "m", "field": ""}])
    document["new"] = 1
    document["counts"]["new"] = 1
    report = tailrace.RunReport.from_json(document)
    assert report.rejected_sample[0].code == "c"
    assert report.to_dict()["rejected_sample"][0]["key"] == "1"
    assert report.to_dict()["counts"]["scanned"] == 2
