"""Commands about single rows and the store: what they ask of the project, and what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[[dict[str, Any]], Any]

PARKED = {
    "key": "7",
    "code": "parked",
    "message": "may have happened",
    "field": "",
    "hold": "parked",
    "attempts": 1,
    "first_at": "2026-01-01T00:00:00.000Z",
    "last_at": "2026-01-01T00:00:00.000Z",
}


def test_rejected_rows_are_shown_with_what_they_wait_for(tailrace: Make) -> None:
    ended = tailrace({"one": {"rejected": [PARKED]}})("rejected")
    head, row = ended.out.splitlines()
    assert head.split() == ["sync", "key", "code", "field", "hold", "attempts", "last", "message"]
    assert "parked" in row


def test_one_row_is_released(tailrace: Make) -> None:
    line = tailrace({"one": {"released": 1}})
    ended = line("rejected", "--retry", "7", "--json")
    assert line.project.asked == [("retry", "one", {"key": "7"})]
    assert ended.document == {"released": {"one": 1}}
    assert "1 row released for the next run" in ended.err


def test_without_a_key_all_rows_of_all_syncs_are_released(tailrace: Make) -> None:
    line = tailrace({"one": {"released": 2}, "two": {"raise": "Busy"}})
    ended = line("rejected", "--retry", "--json")
    assert line.project.asked == [("retry", "one", {"key": None}), ("retry", "two", {"key": None})]
    assert ended.code == 4
    assert ended.document["released"] == {"one": 2}
    assert ended.document["errors"][0]["status"] == "busy"


def test_a_key_may_have_several_columns(tailrace: Make) -> None:
    line = tailrace({"one": {}})
    assert line("rejected", "--retry", '["acme", "7"]').code == 0
    assert line("rejected", "--delivered", '["acme", "7"]').code == 0
    assert [options["key"] for _, _, options in line.project.asked] == [("acme", "7")] * 2


@pytest.mark.parametrize("key", ['["acme"', "[]", "[1]"])
def test_a_key_that_begins_as_a_list_is_one(tailrace: Make, program: Any, key: str) -> None:
    ended = program({"one": {}}, "try", "--key", key)
    assert ended.code == 2
    assert "list" in ended.err


def test_a_delivered_row_is_of_one_sync(tailrace: Make) -> None:
    line = tailrace({"one": {}, "two": {}})
    assert line("rejected", "--delivered", "7").code == 2
    assert line("rejected", "-s", "two", "--delivered", "7").code == 0
    assert line.project.asked == [("deliver", "two", {"key": "7"})]


def test_a_row_is_sent_again_or_was_delivered_but_not_both(tailrace: Make) -> None:
    line = tailrace({"one": {}})
    ended = line("rejected", "--retry", "7", "--delivered", "7")
    assert ended.code == 2
    assert "not both" in ended.err
    assert line.project.asked == []


def test_records_that_are_as_delivered_end_with_0(tailrace: Make) -> None:
    ended = tailrace({"one": {}})("verify")
    assert ended.code == 0
    assert "checked  equal  missing" in ended.out


DIFFERENT = {
    "equal": 1,
    "missing": 1,
    "different": 1,
    "rows": [
        {"key": "7", "state": "missing", "fields": []},
        {
            "key": "8",
            "state": "different",
            "fields": [{"field": "name", "ours": "Ada", "theirs": None}],
        },
        {"key": "9", "state": "pending", "fields": []},
    ],
    "repair": ["7", "8"],
}


def test_records_that_differ_are_named_and_end_with_1(tailrace: Make) -> None:
    ended = tailrace({"one": {"verify": DIFFERENT}})("verify")
    assert ended.code == 1
    assert "7: missing" in ended.out
    assert 'name: nothing instead of "Ada"' in ended.out
    assert "tailrace verify --select one --repair" in ended.out


def test_what_was_repaired_ends_with_0(tailrace: Make) -> None:
    line = tailrace({"one": {"verify": DIFFERENT}})
    ended = line("verify", "--repair")
    assert ended.code == 0
    assert "sent again: 2 rows" in ended.out
    assert line.project.asked == [("verify", "one", {"repair": True})]


def test_what_cannot_be_read_cannot_be_repaired(tailrace: Make) -> None:
    unreadable = {"equal": 2, "unreadable": 1}
    assert tailrace({"one": {"verify": unreadable}})("verify", "--repair").code == 1


def test_several_verifications_are_one_document(tailrace: Make) -> None:
    ended = tailrace({"a": {}, "b": {"verify": DIFFERENT}})("verify", "--json")
    assert ended.code == 1
    assert [one["sync"] for one in ended.document["verifications"]] == ["a", "b"]


def test_a_trial_shows_the_request_and_sends_nothing(tailrace: Make) -> None:
    line = tailrace({"one": {}})
    ended = line("try", "--key", "7")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "> POST /contacts",
        "> content-type: application/json",
        '{"email":"a@x.io"}',
        "7: nothing was sent; --send sends it",
    ]
    assert line.project.asked == [("try", "one", {"key": "7", "send": False})]


def test_a_trial_that_was_sent_shows_the_answer(tailrace: Make) -> None:
    answer = {
        "status": 400,
        "failure": "",
        "headers": {"x-id": "1"},
        "body": '{"message":"no\x1b[2J"}',
    }
    ended = tailrace({"one": {"try": {"answers": [answer], "outcome": "rejected"}}})(
        "try", "--key", "7", "--send"
    )
    assert ended.code == 1
    assert "< 400" in ended.out
    assert "\x1b" not in ended.out
    assert ended.out.splitlines()[-1] == "7: rejected"


def test_the_log_of_a_key_is_of_every_sync_or_of_those_selected(tailrace: Make) -> None:
    entry = {
        "run_id": "r_1",
        "sync": "one",
        "key": "7",
        "op": "upsert",
        "status": "accepted",
        "code": "",
        "message": "",
        "at": "2026-01-01T00:00:00.000Z",
    }
    line = tailrace({"one": {"log": [entry, {**entry, "at": "2026-01-02T00:00:00.000Z"}]}})
    ended = line("log", "7", "--json")
    assert [one["at"][:10] for one in ended.document["log"]] == ["2026-01-02", "2026-01-01"]
    assert "upsert" in line("log", "7", "-s", "one").out
    assert [(name, options["key"]) for _, name, options in line.project.asked] == [
        ("", "7"),
        ("one", "7"),
    ]


def test_a_key_of_which_nothing_is_written_down(tailrace: Make) -> None:
    assert "row_log: true" in tailrace({"one": {}})("log", "7").out


def test_reset_may_take_the_model_as_delivered(tailrace: Make) -> None:
    line = tailrace({"one": {}})
    ended = line("reset", "--adopt")
    assert ended.code == 0
    assert "its next run sends what changes from now on" in ended.err
    assert line.project.asked == [("reset", "one", {"adopt": True})]


def test_state_is_copied_to_an_address_with_its_password_put_in(
    tailrace: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_PASSWORD", "canary")
    line = tailrace({"one": {}})
    ended = line("state", "copy", "--to", "postgresql://u:${env:STATE_PASSWORD}@h/d", "--json")
    assert ended.document == {"copied": True}
    assert line.project.asked == [("copy", "postgresql://u:canary@h/d", {})]
    assert "canary" not in ended.out + ended.err


def test_a_variable_that_is_missing_is_named(tailrace: Make) -> None:
    ended = tailrace({"one": {}})("state", "copy", "--to", "postgresql://u:${env:NOT_SET}@h/d")
    assert ended.code == 2
    assert "NOT_SET" in ended.err


def test_a_plan_is_written_for_one_sync(tailrace: Make) -> None:
    line = tailrace({"a": {"plan": {"file": "/x/a.plan"}}, "b": {}})
    assert line("plan", "-o", "a.plan").code == 2
    ended = line("plan", "-s", "a", "-o", "a.plan")
    assert "written to /x/a.plan: `tailrace run --select a --plan /x/a.plan`" in ended.out
    assert line("plan", "-s", "b", "--shards", "4", "parts").code == 0
    (_, _, whole), (_, _, parts) = line.project.asked
    assert str(whole["write_plan"]) == "a.plan"
    assert (str(parts["plan_parts"][0]), parts["plan_parts"][1]) == ("parts", 4)


def test_a_plan_says_why_rows_go_and_which_guards_to_let_pass(tailrace: Make) -> None:
    limit = {"value": 20, "percent": True}
    breaches = [
        {"guard": "encoding", "value": 90, "limit": limit, "message": "90% would go again"},
        {"guard": "max_changed", "value": 90, "limit": limit, "message": "90% changed"},
    ]
    plan = {"breaches": breaches, "reasons": ["the mapping changed"], "mapping_changed": True}
    ended = tailrace({"one": {"plan": plan}})("plan")
    assert ended.code == 3
    assert "  why: the mapping changed" in ended.out
    assert "--allow-guard encoding --allow-guard max_changed" in ended.out


def test_a_plan_that_was_kept_is_shown_with_the_command_that_sends_it(tailrace: Make) -> None:
    limit = {"value": 20, "percent": True}
    breach = {"guard": "max_removed", "value": 90, "limit": limit, "message": "90% are gone"}
    plan = {"breaches": [breach], "file": "/project/.tailrace/plans/one.plan"}
    ended = tailrace({"one": {"plan": plan}})("plan")
    assert ended.code == 3
    command = "run --select one --plan /project/.tailrace/plans/one.plan --allow-guard max_removed"
    assert f"`tailrace {command}`" in ended.out
