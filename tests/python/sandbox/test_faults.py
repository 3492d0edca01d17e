"""Fault schedules as data: which request is hit, whatever the order of arrival."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.sandbox.config import ConfigError
from tailrace.sandbox.damage import retry_after
from tailrace.sandbox.faults import Faults, prf


def fates(faults: Faults, requests: list[list[str]], op: str = "upsert") -> list[str]:
    found = [faults.decide("hubspot", op, "contacts", keys) for keys in requests]
    return [fault.kind if fault is not None else "" for fault in found]


def test_nth_counts_from_one_and_every_repeats() -> None:
    requests = [[str(n)] for n in range(6)]
    assert fates(Faults([{"match": {"nth": 3}, "do": 503}]), requests) == [
        *("", "", "503", "", "", "")
    ]
    assert fates(Faults([{"match": {"nth": [1, 6]}, "do": 503}]), requests) == [
        *("503", "", "", "", "", "503")
    ]
    assert fates(Faults([{"match": {"every": 2}, "do": 500}]), requests) == ["", "500"] * 3


def test_each_part_of_a_match_must_hold() -> None:
    match = {"vendor": "hubspot", "op": ["upsert", "create"], "object": "contacts", "key": "k7"}
    rule = [{"match": match, "do": "batch_409"}]
    assert fates(Faults(rule), [["k6"], ["k6", "k7"]]) == ["", "batch_409"]
    assert fates(Faults(rule), [["k7"]], op="archive") == [""]
    assert Faults(rule).decide("rest", "upsert", "contacts", ["k7"]) is None
    assert Faults(rule).decide("hubspot", "upsert", "deals", ["k7"]) is None


def test_nth_is_counted_per_vendor() -> None:
    faults = Faults([{"match": {"nth": 1}, "do": 503}])
    assert faults.decide("rest", "upsert", "a", ["1"]) is not None
    assert faults.decide("hubspot", "upsert", "contacts", ["1"]) is not None
    assert faults.decide("rest", "upsert", "a", ["1"]) is None


@pytest.mark.parametrize("op", ["account", "describe", "find", "import_status", "job_status"])
def test_a_question_is_not_counted_and_meets_only_rules_that_name_it(op: str) -> None:
    faults = Faults([{"match": {"nth": 1}, "do": 503}, {"match": {"op": op}, "do": "slow"}])
    assert fates(faults, [["a"], []], op) == ["slow", "slow"]
    assert fates(faults, [["a"], ["b"]]) == ["503", ""]
    assert fates(Faults([{"do": 503}]), [["a"]], op) == [""]


def test_attempt_counts_the_same_keys_in_any_order() -> None:
    faults = Faults([{"match": {"attempt": 2}, "do": "apply_then_reset"}])
    assert fates(faults, [["a", "b"], ["a"], ["b", "a"], ["a", "b"]]) == [
        *("", "", "apply_then_reset", "")
    ]


def test_times_bounds_a_rule_and_the_next_one_gets_its_turn() -> None:
    rules = [{"times": 2, "do": 429}, {"do": "slow"}]
    assert fates(Faults(rules), [[str(n)] for n in range(4)]) == ["429", "429", "slow", "slow"]


def test_one_refused_login_is_once_by_itself() -> None:
    assert fates(Faults([{"do": "401_once"}]), [["a"], ["a"]]) == ["401_once", ""]


def test_chance_hangs_on_keys_and_attempt_and_not_on_the_order() -> None:
    rules = {"seed": 41, "rules": [{"p": 0.3, "do": 503}]}
    requests = [[f"k{n}", f"m{n}"] for n in range(400)]
    forward = fates(Faults(rules), requests)
    backward = fates(Faults(rules), [keys[::-1] for keys in reversed(requests)])
    assert forward == backward[::-1]
    assert 80 <= forward.count("503") <= 160
    assert fates(Faults({**rules, "seed": 42}), requests) != forward


def test_chance_meets_another_attempt_anew() -> None:
    faults = Faults({"seed": 1, "rules": [{"p": 0.5, "do": 503}]})
    found = fates(faults, [["same"]] * 200)
    assert 60 <= found.count("503") <= 140


def test_p_zero_never_fires_and_p_one_always_does() -> None:
    assert fates(Faults([{"p": 0, "do": 503}]), [["a"]] * 20) == [""] * 20
    assert fates(Faults([{"p": 1, "do": 503}]), [["a"]] * 20) == ["503"] * 20


def test_a_partial_batch_refuses_about_its_share_and_the_same_rows_each_time() -> None:
    keys = [f"k{n}" for n in range(500)]
    rules = {"seed": 3, "rules": [{"do": "partial_207", "ok_share": 0.6}]}
    first = Faults(rules).decide("hubspot", "upsert", "contacts", keys)
    again = Faults(rules).decide("hubspot", "upsert", "contacts", keys[::-1])
    assert first is not None
    assert again is not None
    refused = {keys[at] for at in first.refuse}
    assert refused == {keys[::-1][at] for at in again.refuse}
    assert 150 <= len(refused) <= 250


def test_a_schedule_can_name_its_vendor_once() -> None:
    schedule = {"seed": 41, "conn": "hubspot", "rules": [{"match": {"keyset": "*"}, "do": 503}]}
    assert Faults(schedule).decide("rest", "upsert", "a", ["1"]) is None
    assert Faults(schedule).decide("hubspot", "upsert", "contacts", ["1"]) is not None


def test_restart_counts_anew_and_keeps_the_rules() -> None:
    faults = Faults([{"match": {"nth": 1}, "do": 503}])
    assert fates(faults, [["a"], ["a"]]) == ["503", ""]
    faults.restart()
    assert fates(faults, [["a"], ["a"]]) == ["503", ""]


def test_a_number_is_the_same_wherever_it_is_drawn() -> None:
    drawn = [prf(7, "op", n) for n in range(1000)]
    assert drawn == [prf(7, "op", n) for n in range(1000)]
    assert all(0 <= one < 1 for one in drawn)
    assert 0.45 < sum(drawn) / 1000 < 0.55
    assert prf(8, "op", 0) != drawn[0]
    assert prf(7, "\ud800") >= 0


@pytest.mark.parametrize(
    "schedule",
    [
        "503",
        {"rules": "503"},
        {"rule": []},
        {"seed": "x", "rules": []},
        [503],
        [{"match": {"nth": 1}}],
        [{"do": "reset_befor"}],
        [{"do": 200}],
        [{"do": 600}],
        [{"do": 503, "matches": {}}],
        [{"do": 503, "match": {"nht": 1}}],
        [{"do": 503, "match": {"nth": 0}}],
        [{"do": 503, "match": {"nth": True}}],
        [{"do": 503, "match": {"every": [2, 3]}}],
        [{"do": 503, "match": {"keyset": "a"}}],
        [{"do": 503, "p": 1.1}],
        [{"do": 503, "p": "often"}],
        [{"do": 503, "times": 0}],
        [{"do": "partial_207", "ok_share": 2}],
        [{"do": "partial_207", "applied": False}],
        [{"do": "slow", "delay_ms": -1}],
        [{"do": "reset_before", "how": "gently"}],
        [{"do": "redirect", "status": 200}],
        [{"do": "timeout", "seconds": "long"}],
    ],
)
def test_a_wrong_schedule_is_refused_and_the_old_one_stays(schedule: Any) -> None:
    faults = Faults([{"do": 500}])
    with pytest.raises(ConfigError, match="faults"):
        faults.set(schedule)
    assert fates(faults, [["a"]]) == ["500"]


def test_a_mistyped_name_is_answered_with_the_near_one() -> None:
    with pytest.raises(ConfigError, match="did you mean 'reset_before'"):
        Faults([{"do": "reset_befor"}])


def test_retry_after_has_many_forms() -> None:
    assert retry_after(None) == []
    assert retry_after(7) == [("Retry-After", "7")]
    assert retry_after("soon") == [("Retry-After", "soon")]
    assert retry_after([1, "x"]) == [("Retry-After", "1"), ("Retry-After", "x")]
    ((_, date),) = retry_after({"date_in_s": -60})
    assert date.endswith("GMT")
