"""`tailrace run`: reports, exit codes, and what it says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from fake_project import report_of

from tailrace import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[[dict[str, Any]], Any]

CLASSES = [
    ("RejectedRows", 1),
    ("ConfigError", 2),
    ("SourceError", 5),
    ("GuardRefused", 3),
    ("Busy", 4),
    ("Unfinished", 5),
    ("QuotaExhausted", 6),
    ("StateLost", 7),
]


def test_one_sync_prints_its_report_and_nothing_else(tailrace: Make) -> None:
    ended = tailrace({"one": {"report": {"counts": {"scanned": 4, "unchanged": 4}}}})(
        "run", "--json"
    )
    assert ended.code == 0
    assert ended.document == json.loads(
        report_of("one", counts={"scanned": 4, "unchanged": 4}).to_json()
    )


def test_several_syncs_print_all_reports(tailrace: Make) -> None:
    ended = tailrace({"a": {}, "b": {}})("run", "--json")
    assert [run["sync"] for run in ended.document["runs"]] == ["a", "b"]
    assert {run["status"] for run in ended.document["runs"]} == {"done"}


@pytest.mark.parametrize(("kind", "code"), CLASSES)
@pytest.mark.parametrize("report", [None, {"message": "why"}])
def test_each_error_has_its_exit_code_and_one_document(
    tailrace: Make, kind: str, code: int, report: dict[str, Any] | None
) -> None:
    ended = tailrace({"one": {"raise": kind, "message": "why", "report": report}})("run", "--json")
    assert ended.code == code
    assert ended.document["sync"] == "one"
    assert ended.document["status"] == getattr(errors, kind).status
    assert ended.document["message"] == "why"
    assert "error: one: why" in ended.err
    assert "Traceback" not in ended.err


def test_a_broken_sync_does_not_stop_the_others(tailrace: Make) -> None:
    script = {"a": {"raise": "ConfigError"}, "b": {"raise": "fault"}, "c": {}}
    line = tailrace(script)
    ended = line("run", "--json")
    assert [name for _, name, _ in line.project.asked] == ["a", "b", "c"]
    assert [run["status"] for run in ended.document["runs"]] == ["config", "unfinished", "done"]
    assert ended.code == 2


@pytest.mark.parametrize(
    ("kinds", "code"),
    [
        (["RejectedRows", "Unfinished"], 5),
        (["RejectedRows", "QuotaExhausted", "Unfinished"], 6),
        (["Busy", "QuotaExhausted"], 4),
        (["Busy", "GuardRefused"], 3),
        (["GuardRefused", "ConfigError"], 2),
        (["ConfigError", "StateLost", "GuardRefused"], 7),
        (["RejectedRows"], 1),
    ],
)
def test_the_exit_code_is_the_first_that_applies(
    tailrace: Make, kinds: list[str], code: int
) -> None:
    script: dict[str, Any] = {f"s{at}": {"raise": kind} for at, kind in enumerate(kinds)}
    assert tailrace({**script, "z": {}})("run").code == code


def test_options_reach_the_run(tailrace: Make) -> None:
    line = tailrace({"a": {}, "b": {}})
    options = ["--full-refresh", "--allow-guard", "empty", "--allow-guard", "max_removed"]
    assert line("run", "--select", "b", *options).code == 0
    assert line.project.asked == [
        ("run", "b", {"allow_guard": ("empty", "max_removed"), "full_refresh": True})
    ]


def test_a_trace_reaches_the_run_and_bodies_need_one(tailrace: Make) -> None:
    line = tailrace({"a": {}})
    assert line("run", "--trace", "t.jsonl", "--trace-bodies").code == 0
    (_, _, told) = line.project.asked[-1]
    assert (str(told["trace"]), told["trace_bodies"]) == ("t.jsonl", True)
    refused = line("run", "--trace-bodies")
    assert refused.code == 2
    assert "--trace" in refused.err
    assert len(line.project.asked) == 1


def test_parents_run_first_and_a_child_waits_for_what_they_delivered(tailrace: Make) -> None:
    line = tailrace({"a": {"after": ["b"]}, "b": {"after": ["c"]}, "c": {}, "d": {}})
    assert line("run").code == 0
    assert [name for _, name, _ in line.project.asked] == ["c", "d", "b", "a"]


@pytest.mark.parametrize(("kind", "code"), CLASSES[1:])
def test_a_child_does_not_run_when_its_parent_delivered_not_all(
    tailrace: Make, kind: str, code: int
) -> None:
    script: dict[str, Any] = {"p": {"raise": kind}, "c": {"after": ["p"]}, "g": {"after": ["c"]}}
    line = tailrace({**script, "other": {}})
    ended = line("run", "--json")
    assert [name for _, name, _ in line.project.asked] == ["other", "p"]
    assert ended.code == code
    runs = {run["sync"]: run for run in ended.document["runs"]}
    assert (runs["c"]["status"], runs["c"]["exit_code"]) == ("unfinished", 5)
    assert f"p, which it comes after, ended with exit code {code}" in runs["c"]["message"]
    assert "c, which it comes after, ended with exit code 5" in runs["g"]["message"]


def test_a_child_runs_when_rows_of_its_parent_were_rejected(tailrace: Make) -> None:
    line = tailrace({"p": {"raise": "RejectedRows"}, "c": {"after": ["p"]}})
    assert line("run").code == 1
    assert [name for _, name, _ in line.project.asked] == ["p", "c"]


def test_plan_files_and_shards_reach_the_run(tailrace: Make) -> None:
    line = tailrace({"a": {}, "b": {}})
    assert line("run", "-s", "a", "--plan", "x.plan").code == 0
    assert line("run", "-s", "a", "--shard", "1/4", "--round", "r7").code == 0
    (_, _, planned), (_, _, sharded) = line.project.asked
    assert str(planned["plan_file"]) == "x.plan"
    assert sharded["shard"] == (1, 4, "r7")


def test_a_plan_file_is_of_one_sync(tailrace: Make) -> None:
    ended = tailrace({"a": {}, "b": {}})("run", "--plan", "x.plan")
    assert ended.code == 2
    assert "name it with --select (a, b)" in ended.err


@pytest.mark.parametrize("shard", ["4/4", "1", "a/b", "-1/2", "1/0"])
def test_a_shard_is_i_of_n(program: Any, shard: str) -> None:
    ended = program({"a": {}}, "run", f"--shard={shard}")
    assert ended.code == 2
    assert "is not I/N with I from 0 to N-1" in ended.err


def test_a_selector_that_fits_nothing_is_a_usage_error(tailrace: Make) -> None:
    line = tailrace({"a": {}})
    ended = line("run", "--select", "nope")
    assert (ended.code, ended.out) == (2, "")
    assert "no sync fits 'nope'" in ended.err
    assert line.project.asked == []


def test_the_summary_names_counts_rows_and_what_to_do(tailrace: Make) -> None:
    report = {
        "counts": {"scanned": 9, "unchanged": 1, "changed": 7, "invalid": 1, "accepted": 6}
        | {"rejected": 1},
        "rejected_sample": [
            {"key": "42", "code": "INVALID_OPTION", "message": "no such", "field": "level"}
        ],
        "invalid_sample": [{"key": "9", "code": "null_match", "message": "is NULL", "field": ""}],
    }
    ended = tailrace({"one": {"raise": "RejectedRows", "report": report}})("run")
    assert ended.code == 1
    assert "scanned 9: 1 unchanged, 7 changed, 1 invalid" in ended.out
    assert "planned 7: 6 accepted, 1 rejected" in ended.out
    assert "3 requests, 1.2 kB sent, 2.0 s" in ended.out
    assert "42: INVALID_OPTION: level: no such" in ended.out
    assert "9: null_match: is NULL" in ended.out
    assert "exit 1 (rejected): " in ended.out
    assert "tailrace rejected --select one" in ended.out


def test_no_more_than_a_few_rows_are_shown(tailrace: Make) -> None:
    row = {"code": "BAD", "message": "m", "field": "f"}
    sample = [{"key": f"k{at}", **row} for at in range(20)]
    report = {"counts": {"scanned": 90, "added": 90, "rejected": 90}, "rejected_sample": sample}
    ended = tailrace({"one": {"raise": "RejectedRows", "report": report}})("run")
    assert "rejected rows (the first 5 of 90):" in ended.out
    assert "k4" in ended.out
    assert "k5" not in ended.out


def test_rows_cannot_forge_lines_or_move_the_cursor(tailrace: Make) -> None:
    sample = [{"key": "1\x1b[2J", "code": "c", "message": "a\nexit 0 (done)\u202e", "field": ""}]
    report = {"counts": {"scanned": 1, "added": 1, "rejected": 1}, "rejected_sample": sample}
    script = {"one": {"raise": "RejectedRows", "message": "bad \x1b[31m", "report": report}}
    ended = tailrace(script)("run")
    assert "\x1b" not in ended.out + ended.err
    assert "1\\x1b[2J: c: a\\nexit 0 (done)\\u202e" in ended.out


def test_a_guard_is_named_in_the_advice(tailrace: Make) -> None:
    breach = {
        "guard": "max_removed",
        "value": 40,
        "limit": {"value": 20, "percent": True},
        "message": "40% of the rows are gone",
    }
    report = {"breaches": [breach]}
    ended = tailrace({"one": {"raise": "GuardRefused", "report": report}})("run")
    assert ended.code == 3
    assert "guard max_removed: 40% of the rows are gone" in ended.out
    assert "tailrace run --select one --allow-guard max_removed" in ended.out


def test_a_fault_shows_no_traceback_unless_asked(tailrace: Make) -> None:
    line = tailrace({"one": {"raise": "fault"}})
    plain, debug = line("run"), line("--debug", "run")
    assert plain.code == debug.code == 5
    assert "fault of Tailrace, not yours: ZeroDivisionError: of the core" in plain.err
    assert "--debug" in plain.err
    assert "Traceback" not in plain.err
    assert "Traceback" in debug.err


def test_quiet_leaves_errors_and_results(tailrace: Make) -> None:
    line = tailrace({"a": {}, "b": {"raise": "Busy"}})
    ended = line("run", "-q", "--json")
    assert ended.err == "error: b: it went wrong\n"
    assert [run["status"] for run in ended.document["runs"]] == ["done", "busy"]


def test_progress_goes_to_standard_error(tailrace: Make) -> None:
    ended = tailrace({"one": {"progress": [1, 5, 10]}})("run", "--json")
    assert ended.document["sync"] == "one"
    lines = ended.err.splitlines()
    assert lines[0] == "one: started"
    assert lines[-1].startswith("one: ended after ")
    assert lines[-1].endswith(" s: 10 of 10 accepted, 10 requests")


def test_problems_of_the_configuration_are_told_with_file_line_and_key(tailrace: Make) -> None:
    line = tailrace({"one": {}})
    problem = errors.Problem("unknown key 'modes'", "syncs/a.yml", 7, 3, "modes")

    def broken(name: str, **options: object) -> None:
        raise errors.ConfigError.of([problem])

    line.project.run = broken
    ended = line("run", "--json")
    assert ended.code == 2
    assert "error: one: syncs/a.yml:7:3: modes: unknown key 'modes'" in ended.err
    assert ended.document["problems"] == [
        {
            "file": "syncs/a.yml",
            "line": 7,
            "column": 3,
            "key": "modes",
            "message": "unknown key 'modes'",
        }
    ]
