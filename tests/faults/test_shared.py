"""What processes of one sync or one account share: guards, rows by shard, a limit of requests."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Program
    from state_stores import Kept
    from sync_world import World

SHARDS = 3


def test_an_emptied_model_deletes_nothing(make_kept: Callable[..., Kept]) -> None:
    kept = make_kept("rest_errors")
    world = kept.world
    world.declare(mode="mirror")
    world.people(150)
    world.settles()
    world.sql("delete from people")
    ended = world.run()
    assert (ended.code, ended.requests) == (3, 0)
    assert len(world.delivered()) == 150
    world.people(160)
    assert world.settles().counts.accepted == 10


def test_an_emptied_model_deletes_nothing_after_a_kill_either(
    make_kept: Callable[..., Kept],
    make_program: Callable[[World], Program],
    until: Callable[..., None],
) -> None:
    """Nothing of it was acknowledged: rows in doubt are known all the same."""
    world = make_kept("rest_errors", latency_ms=200).world
    world.declare(mode="mirror")
    world.people(150)
    process = make_program(world).start()
    until(lambda: world.requests() >= 1)
    process.kill()
    process.communicate()
    until(world.is_still)
    delivered = len(world.delivered())
    assert delivered > 0
    world.sql("delete from people")
    ended = world.run()
    assert (ended.code, ended.requests) == (3, 0)
    assert len(world.delivered()) == delivered


def run_shards(program: Program, indexes: list[int], together: str) -> list[tuple[int, dict]]:
    """Exit code and report of each shard, all started at once."""
    processes = [
        program.start("run", "--shard", f"{index}/{SHARDS}", "--round", together)
        for index in indexes
    ]
    ended = []
    for process in processes:
        out, err = process.communicate(timeout=60)
        program.world.assert_no_secret([out, err])
        ended.append((process.returncode, json.loads(out)))
    return ended


def test_shards_in_processes_of_their_own_send_every_row_once(
    make_kept: Callable[..., Kept], make_program: Callable[[World], Program]
) -> None:
    world = make_kept("rest_errors").world
    world.people(900)
    program = make_program(world)
    # The guards wait for all counts: two shards of three send nothing, and say when to come back.
    for code, report in run_shards(program, [0, 1], "first"):
        assert code == 5
        assert report["counts"]["not_attempted"] == report["counts"]["added"] > 0
        assert report["not_before"] is not None
    assert world.requests() == 0
    left = list(range(SHARDS))
    accepted = 0
    for _ in range(SHARDS):
        ended = run_shards(program, left, "first")
        assert {code for code, _ in ended} <= {0, 5}
        accepted += sum(report["counts"]["accepted"] for code, report in ended if code == 0)
        left = [index for index, (code, _) in zip(left, ended, strict=True) if code != 0]
        if not left:
            break
    assert left == []
    assert accepted == 900
    assert world.unequal() == set()
    assert set(world.writes().values()) == {1}


def test_the_guards_of_shards_judge_the_whole_sync(
    make_kept: Callable[..., Kept], make_program: Callable[[World], Program]
) -> None:
    world = make_kept("rest_errors").world
    world.declare(mode="mirror")
    world.people(900)
    program = make_program(world)
    run_shards(program, [0, 1, 2], "first")
    run_shards(program, [0, 1, 2], "first")
    assert world.unequal() == set()
    sent = world.requests()
    world.sql("delete from people where substr(person_id, 2)::int < 300")
    run_shards(program, [0, 1, 2], "second")
    assert [code for code, _ in run_shards(program, [0, 1, 2], "second")] == [3, 3, 3]
    assert world.requests() == sent
    assert len(world.delivered()) == 900


def test_what_shards_have_counted_of_another_model_is_not_taken(
    make_kept: Callable[..., Kept], make_program: Callable[[World], Program]
) -> None:
    """Two of three have counted a model that was whole; the third reads one that is nearly empty,
    and its own share of it would pass."""
    world = make_kept("rest_errors").world
    world.declare(mode="mirror", guards={"max_removed": "50%"})
    world.people(900)
    program = make_program(world)
    for together in ("first", "first"):
        run_shards(program, [0, 1, 2], together)
    assert world.unequal() == set()
    sent = world.requests()
    assert [code for code, _ in run_shards(program, [0, 1], "second")] == [5, 5]
    world.sql("delete from people where substr(person_id, 2)::int > 0")
    ((code, report),) = run_shards(program, [2], "second")
    assert (code, "another model" in report["message"]) == (5, True)
    for index in (2, 1, 0):
        codes = [run_shards(program, [index], "second")[0] for _ in range(2)]
        code, report = codes[-1]
        assert code == 3, report["message"]
        assert report["breaches"][0]["value"] == pytest.approx(899 / 9, abs=0.1), "of the whole"
    assert world.requests() == sent
    assert len(world.delivered()) == 900


def test_a_model_that_is_another_one_at_each_read_is_sent_by_shards(
    make_kept: Callable[..., Kept], make_program: Callable[[World], Program]
) -> None:
    world = make_kept("rest_errors").world
    world.people(300)
    program = make_program(world)
    left = list(range(SHARDS))
    for attempt in range(3 * SHARDS):
        if not left:
            break
        world.sql("update people set level = ? where person_id = 'p0'", f"level {attempt}")
        ((code, report),) = run_shards(program, left[:1], "live")
        assert code in (0, 5), report["message"]
        left = left[1:] if code == 0 else left[1:] + left[:1]
    assert left == []
    assert len(world.delivered()) == 300
    assert world.unequal() <= {"p0"}


def plan_in_parts(program: Program, folder: Path, of: int) -> tuple[int, list[str]]:
    """`tailrace plan --shards`: its exit code and the parts."""
    code, out, err = program("plan", "--shards", str(of), str(folder))
    assert out, err
    return code, json.loads(out)["parts"]


def send_parts(program: Program, parts: list[str], *more: str) -> list[tuple[int, dict]]:
    """Exit code and report of a program a part, all started at once."""
    ended = []
    for process in [program.start("run", "--plan", part, *more) for part in parts]:
        out, err = process.communicate(timeout=60)
        program.world.assert_no_secret([out, err])
        ended.append((process.returncode, json.loads(out)))
    return ended


def test_parts_of_a_plan_are_guarded_as_one_and_sent_by_programs_of_their_own(
    make_kept: Callable[..., Kept], make_program: Callable[[World], Program]
) -> None:
    world = make_kept("rest_errors").world
    world.declare(mode="mirror", guards={"max_removed": 40})
    world.people(300)
    program = make_program(world)
    code, parts = plan_in_parts(program, world.folder / "first", SHARDS)
    assert (code, len(parts), world.requests()) == (0, SHARDS, 0)
    ended = send_parts(program, parts)
    assert [code for code, _ in ended] == [0] * SHARDS
    assert sum(report["counts"]["accepted"] for _, report in ended) == 300
    assert world.unequal() == set()
    assert set(world.writes().values()) == {1}
    # Of 60 rows no part has more than 40, and so no part alone would be refused.
    world.sql("delete from people where substr(person_id, 2)::int < 60")
    sent = world.requests()
    code, parts = plan_in_parts(program, world.folder / "second", SHARDS)
    assert (code, len(parts)) == (3, SHARDS)
    for code, report in send_parts(program, parts):
        assert code == 3, report["message"]
        assert report["counts"]["removed"] <= 40
        assert [breach["value"] for breach in report["breaches"]] == [60]
    assert world.requests() == sent
    code, parts = plan_in_parts(program, world.folder / "third", SHARDS)
    ended = send_parts(program, parts, "--allow-guard", "max_removed")
    assert [code for code, _ in ended] == [0] * SHARDS
    assert sum(report["counts"]["removed"] for _, report in ended) == 60
    assert world.unequal() == set()
    # Another number of shards divides the state anew, and sends nothing again.
    sent = world.requests()
    code, parts = plan_in_parts(program, world.folder / "fourth", 5)
    assert (code, len(parts)) == (0, 5)
    for code, report in send_parts(program, parts):
        assert (code, report["http"]["requests"]) == (0, 0), report["message"]
    assert world.settles().counts.unchanged == 240
    assert world.requests() == sent


def test_a_refused_run_keeps_a_plan_that_sends_just_that(
    make_kept: Callable[..., Kept], make_program: Callable[[World], Program]
) -> None:
    world = make_kept("rest_errors").world
    world.declare(mode="mirror")
    world.people(300)
    world.settles()
    world.sql("delete from people where substr(person_id, 2)::int < 150")
    program = make_program(world)
    sent = world.requests()
    code, out, err = program("run")
    kept = world.folder / ".tailrace" / "plans" / "people.plan"
    assert (code, world.requests()) == (3, sent), out + err
    command = f"tailrace run --select people --plan {kept} --allow-guard max_removed"
    assert command in json.loads(out)["message"]
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    world.sql("delete from people where person_id = 'p200'")
    code, out, err = program("run", "--plan", str(kept))
    assert (code, world.requests()) == (3, sent), out + err
    code, out, err = program("run", "--plan", str(kept), "--allow-guard", "max_removed")
    assert code == 0, out + err
    assert json.loads(out)["counts"]["removed"] == 150
    assert world.unequal() == {"p200"}, "what has changed since is the next run's"
    assert not kept.exists()
    assert world.settles().counts.removed == 1


PER_SECOND = 20
EACH = 40


def test_processes_on_one_connection_keep_its_limit_together(
    make_kept: Callable[..., Kept], make_program: Callable[[World], Program]
) -> None:
    world = make_kept("rest_put").world
    world.connect(limits=[{"requests": PER_SECOND, "per": "1s"}])
    world.people(EACH)
    other = {**world.sync, "name": "others"}
    (world.folder / "syncs" / "others.yml").write_text(json.dumps(other), encoding="utf-8")
    program = make_program(world)
    started = time.monotonic()
    processes = [program.start("run", "--select", name) for name in ("people", "others")]
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, out + err
    assert time.monotonic() - started >= (2 * EACH - PER_SECOND) / PER_SECOND
    assert world.requests() == 2 * EACH
    # Two that knew nothing of each other would make twice as many.
    assert world.sandbox.counters("rest")["max_per_second"] <= PER_SECOND * 1.1


EIGHT = 8
ALL_TOGETHER = 240
TOLD = 40
KEPT = TOLD + EIGHT + 2


def test_eight_shards_and_two_other_programs_keep_one_limit_together(
    make_kept: Callable[..., Kept], make_program: Callable[[World], Program], tmp_path: Path
) -> None:
    """On a machine that is busy a request may be late, and meets those of a moment later: as each
    program has one under way at a time, there are at most ten of these."""
    world = make_kept("rest_put").world
    world.connect(max_in_flight=1, limits=[{"requests": TOLD, "per": "1s"}])
    world.sandbox.set_limits({"rest": {"kind": "sliding", "max": KEPT, "interval_ms": 1000}})
    world.people(ALL_TOGETHER * 2 // 3)
    half = ALL_TOGETHER // 6
    for name in ("b", "c"):
        sql = f"select '{name}' || i as person_id, '' as level, '' as note from range({half}) t(i)"
        other = {**world.sync, "name": name, "model": {"sql": sql}}
        (world.folder / "syncs" / f"{name}.yml").write_text(json.dumps(other), encoding="utf-8")
    parts = world.project().plan("people", plan_parts=(tmp_path, EIGHT)).parts
    assert len(parts) == EIGHT
    program = make_program(world)
    processes = [program.start("run", "--select", name) for name in ("b", "c")]
    processes += [program.start("run", "--select", "people", "--plan", part) for part in parts]
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, out + err
    counters = world.sandbox.counters("rest")
    assert counters["by_status"] == {"201": ALL_TOGETHER}, "some were too many, or sent again"
    assert len(world.delivered()) == world.created() == ALL_TOGETHER
    # What was free was used too: from the first request on, not from the start of the programs.
    times = [one["at_ms"] for one in world.log()]
    seconds = (max(times) - min(times)) / 1000
    assert (ALL_TOGETHER - KEPT) / KEPT <= seconds <= 2 * ALL_TOGETHER / TOLD
