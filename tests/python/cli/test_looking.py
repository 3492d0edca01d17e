"""plan, check, status, rejected, reset: what they show, and their exit codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fake_project import plan_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[[dict[str, Any]], Any]

BREACH = {
    "guard": "max_changed",
    "value": 80,
    "limit": {"value": 50, "percent": True},
    "message": "80% of the rows changed",
}
PROBLEM = ("must be text", "syncs/a.yml", 3, 5, "match")
REJECTED = {
    "key": "17",
    "code": "INVALID_EMAIL",
    "message": "is invalid",
    "field": "email",
    "hold": "permanent",
    "attempts": 2,
    "first_at": "2026-01-01T00:00:00.000Z",
    "last_at": "2026-01-02T00:00:00.000Z",
}


def test_a_plan_shows_counts_cost_and_exact_values(tailrace: Make) -> None:
    ended = tailrace({"one": {}})("plan")
    assert ended.code == 0
    lines = [line.split() for line in ended.out.splitlines()]
    assert ["10", "8", "1", "1", "0", "0", "9"] in lines
    assert "1 request, at least 30.0 s by the destination's limits" in ended.out
    assert "25.0% of the daily calls" in ended.out
    assert ["email", '"a@x.io"'] in lines
    assert ["n", "NULL"] in lines
    assert ["n", '""'] in lines


def test_a_plan_as_json_is_the_plan(tailrace: Make) -> None:
    line = tailrace({"one": {}, "two": {}})
    assert line("plan", "--select", "one", "--json").document == plan_of("one").to_dict()
    several = line("plan", "--json").document
    assert [plan["sync"] for plan in several["plans"]] == ["one", "two"]


def test_a_plan_that_would_be_refused_ends_with_3(tailrace: Make) -> None:
    line = tailrace({"one": {"plan": {"breaches": [BREACH]}}})
    ended = line("plan")
    assert ended.code == 3
    assert "refused by the guard max_changed (limit 50%): 80% of the rows changed" in ended.out
    assert "--allow-guard max_changed" in ended.out
    assert line("plan", "--json").code == 3


def test_a_plan_that_fails_does_not_stop_the_others(tailrace: Make) -> None:
    ended = tailrace({"a": {"raise": "Unfinished"}, "b": {}})("plan", "--json")
    assert ended.code == 5
    assert [plan.get("status") for plan in ended.document["plans"]] == ["unfinished", None]


def test_options_reach_the_plan(tailrace: Make) -> None:
    line = tailrace({"one": {}})
    line("plan", "--allow-guard", "empty", "--full-refresh")
    assert line.project.asked == [
        ("plan", "one", {"allow_guard": ("empty",), "full_refresh": True})
    ]


def test_check_lists_problems_and_ends_with_2(tailrace: Make) -> None:
    line = tailrace({"a": {"problems": [PROBLEM]}, "b": {"problems": [PROBLEM]}})
    ended = line("check")
    assert ended.code == 2
    assert ended.out == "syncs/a.yml:3:5: match: must be text\n2 syncs checked: 1 problem\n"
    assert line("check", "--json").document == {
        "ok": False,
        "syncs": ["a", "b"],
        "problems": [
            {"file": "syncs/a.yml", "line": 3, "column": 5, "key": "match"}
            | {"message": "must be text"}
        ],
        "remarks": [],
    }


def test_check_says_when_nothing_is_wrong(tailrace: Make) -> None:
    line = tailrace({"a": {"problems": []}})
    assert (line("check").code, line("check").out) == (0, "1 sync checked: no problem found\n")


def test_check_tells_what_is_worth_knowing_and_ends_with_0(tailrace: Make) -> None:
    remark = "a: a run makes the field contacts.risk (number)"
    line = tailrace({"a": {"problems": [], "remarks": [remark]}})
    ended = line("check")
    assert (ended.code, ended.out) == (0, f"{remark}\n1 sync checked: no problem found\n")
    assert line("check", "--json").document["remarks"] == [remark]


def test_a_plan_tells_the_fields_that_a_run_would_make(tailrace: Make) -> None:
    made = [{"name": "risk", "type": "number"}, {"name": "level", "type": "string"}]
    line = tailrace({"one": {"plan": {"create_fields": made}}})
    assert "before the first row: risk (number), level (string)" in line("plan").out
    assert line("plan", "--json").document["create_fields"] == made


def test_check_looks_at_connections_unless_syncs_are_named(tailrace: Make) -> None:
    line = tailrace({"a": {"problems": []}, "b": {"problems": []}})
    line("check")
    line("check", "--select", "b", "--offline")
    assert line.project.asked == [
        ("check", "", {"offline": False}),
        ("check", "b", {"offline": True}),
    ]


def test_status_shows_runs_rejected_rows_and_the_store(tailrace: Make) -> None:
    line = tailrace({"one": {"runs": 2, "rejected": [REJECTED]}})
    ended = line("status")
    assert ended.code == 0
    assert "one: 1 rejected rows, state store st0re" in ended.out
    assert ended.out.count("2026-01-01T00:00:00.000Z") == 2
    document = line("status", "--json", "--limit", "1").document
    (sync,) = document["syncs"]
    assert (sync["sync"], sync["store_id"], sync["rejected"]) == ("one", "st0re", 1)
    assert len(sync["runs"]) == 1


def test_status_of_a_project_that_never_ran_is_no_loss(tailrace: Make) -> None:
    ended = tailrace({"one": {"lost": True}})("status")
    assert ended.code == 0
    assert "no runs yet" in ended.out


@pytest.mark.parametrize("command", ["status", "rejected"])
def test_a_store_that_was_there_and_is_gone_ends_with_7(
    tailrace: Make, tmp_path: Path, command: str
) -> None:
    stores = tmp_path / ".tailrace" / "stores"
    stores.mkdir(parents=True)
    (stores / "abc.json").write_text("{}", encoding="utf-8")
    ended = tailrace({"gone": {"lost": True}, "there": {"rejected": [REJECTED]}})(command, "--json")
    assert ended.code == 7
    assert "error: gone: there is no state store" in ended.err
    assert "17" in ended.out if command == "rejected" else "st0re" in ended.out


def test_rejected_rows_are_listed(tailrace: Make) -> None:
    line = tailrace({"one": {"rejected": [REJECTED]}, "two": {}})
    ended = line("rejected")
    assert ended.code == 0
    row = ["one", "17", "INVALID_EMAIL", "email", "permanent", "2", "2026-01-02T00:00:00.000Z"]
    assert [*row, "is", "invalid"] in [text.split() for text in ended.out.splitlines()]
    assert line("rejected", "--json").document == {"rejected": [{"sync": "one", **REJECTED}]}


def test_without_rejected_rows_it_says_so(tailrace: Make) -> None:
    assert tailrace({"one": {}})("rejected").out == "no rejected rows\n"


def test_reset_of_several_syncs_wants_them_named(tailrace: Make) -> None:
    line = tailrace({"a": {}, "b": {}})
    ended = line("reset")
    assert ended.code == 2
    assert "--select" in ended.err
    assert line.project.asked == []
    assert line("reset", "--select", "b", "--json").document == {"reset": ["b"]}
    assert line.project.asked == [("reset", "b", {"adopt": False})]


def test_reset_of_the_only_sync_needs_no_name(tailrace: Make) -> None:
    line = tailrace({"a": {}})
    assert line("reset").code == 0
    assert line.project.asked == [("reset", "a", {"adopt": False})]
