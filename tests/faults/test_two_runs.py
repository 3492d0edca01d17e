"""Two runs of one sync at once: one works, the other ends busy, at once and without a request."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from conftest import Program
    from state_stores import Kept
    from sync_world import Ended, World


def test_the_second_program_ends_busy_while_the_first_works(
    make_kept: Callable[..., Kept],
    make_program: Callable[[World], Program],
    until: Callable[..., None],
) -> None:
    world = make_kept("hubspot", latency_ms=200).world
    world.connect(max_in_flight=1)
    world.people(2000)
    program = make_program(world)
    first = program.start()
    until(lambda: world.requests() >= 1)
    second = program.start()
    in_time = time.monotonic()
    ended = world.run(counted=False)
    assert ended.code == 4
    assert time.monotonic() - in_time < 2
    out, _ = second.communicate(timeout=20)
    assert second.returncode == 4
    assert json.loads(out)["status"] == "busy"
    assert first.poll() is None, "the first ended before the second: nothing was shown"
    out, err = first.communicate(timeout=60)
    assert first.returncode == 0, err
    assert world.requests() == 20
    assert json.loads(out)["http"]["requests"] == 22, "two ask: whose portal, which fields"
    assert world.created() == 2000
    world.assert_quiet()


def test_of_programs_started_at_one_instant_each_row_is_sent_by_one(
    make_kept: Callable[..., Kept], make_program: Callable[[World], Program]
) -> None:
    world = make_kept("rest_errors", latency_ms=30).world
    world.people(500)
    program = make_program(world)
    processes: list[subprocess.Popen[str]] = [program.start() for _ in range(4)]
    for process in processes:
        process.communicate(timeout=60)
    codes = sorted(process.returncode for process in processes)
    assert set(codes) <= {0, 4}
    assert codes[0] == 0
    assert world.requests() == world.form.calls(500)
    assert world.created() == 500
    assert world.unequal() == set()


def test_runs_in_threads_of_one_process_exclude_each_other(
    make_kept: Callable[..., Kept],
) -> None:
    world = make_kept("rest_errors", latency_ms=50).world
    world.people(500)
    ended: list[Ended] = []
    threads = [
        threading.Thread(target=lambda: ended.append(world.run(counted=False, compared=False)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    codes = sorted(one.code for one in ended)
    assert len(codes) == 3
    assert codes[0] == 0
    assert set(codes) <= {0, 4}
    assert world.requests() == world.form.calls(500)
    world.assert_quiet()


def test_two_syncs_of_one_store_work_at_once(make_kept: Callable[..., Kept]) -> None:
    world = make_kept("rest_errors", latency_ms=50).world
    world.people(200)
    other = {**world.sync, "name": "others"}
    (world.folder / "syncs" / "others.yml").write_text(json.dumps(other), encoding="utf-8")
    reports = []
    threads = [
        threading.Thread(target=lambda name=name: reports.append(world.project().run(name)))
        for name in ("people", "others")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [report.status for report in reports] == ["done", "done"]
    assert [report.counts.accepted for report in reports] == [200, 200]
