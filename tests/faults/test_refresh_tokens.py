"""CP13: a process dies while its refresh token is replaced; nobody is locked out.

The endpoint keeps the old refresh token alive until the new one is used, as those do that can be
used without ever being locked out. One that spends it at once is asked where it was kept in time.
"""

from __future__ import annotations

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from destination_forms import BY_NAME
from moments import Moment
from sync_world import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Program
    from state_stores import Kept
    from sync_world import World

KILLED = -signal.SIGKILL
FIRST = "first-canary-token"


@pytest.fixture
def make_rotating(make_kept: Callable[..., Kept]) -> Callable[..., Kept]:
    """A kept world whose login is a refresh token that is replaced at each use."""

    def make(rotate: Any, **changes: Any) -> Kept:
        credential = {
            "client_id": "app",
            "client_secret": "$SECRET",
            "refresh_token": FIRST,
            "rotate": rotate,
        }
        form = replace(
            BY_NAME["rest_errors"], login={}, credential_option="oauth", credential=credential
        )
        kept = make_kept(form, **changes)
        auth = {
            "token_url": f"{kept.world.sandbox.url}/rest/oauth/token",
            "client_id": "app",
            "client_secret": "${env:" + VARIABLE + "}",
            "refresh_token": "${env:REFRESH}",
        }
        kept.world.environment["REFRESH"] = FIRST
        kept.world.secrets.append(FIRST)
        kept.world.connect(auth={"refresh_token": auth}, timeout="1s")
        kept.world.people(50)
        return kept

    return make


def tokens(world: World) -> int:
    return int(world.sandbox.counters("rest")["by_op"].get("oauth.token", 0))


def ops(world: World) -> dict[str, int]:
    return dict(world.sandbox.counters("rest")["by_op"])


def test_cp13_a_replaced_token_is_durable_before_it_is_used(
    make_rotating: Callable[..., Kept], run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    """Dies with the commit that keeps it: the endpoint has spent the old one."""
    kept = make_rotating(True, latency_ms=250)
    assert run_until_moment(kept, Moment("answer commit", "die_after"))[0] == KILLED
    assert ops(kept.world) == {"oauth.token": 1}, "nothing was sent with the new token"
    ((sealed,),) = kept.state.query("select sealed from {}login")
    assert sealed
    assert FIRST.encode() not in bytes(sealed)
    ended = kept.world.run(counted=False)
    assert ended.error is None, ended.error
    assert kept.world.unequal() == set()
    assert tokens(kept.world) == 2


def test_cp13_a_token_that_was_not_kept_was_not_used_either(
    make_rotating: Callable[..., Kept], run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    """Dies with the answer in memory: the next run comes with the old token."""
    kept = make_rotating("when_used", latency_ms=250)
    assert run_until_moment(kept, Moment("answer commit"))[0] == KILLED
    assert ops(kept.world) == {"oauth.token": 1}
    assert kept.state.query("select count(*) from {}login where length(sealed) > 0") == [(0,)]
    ended = kept.world.run(counted=False)
    assert ended.error is None, ended.error
    assert kept.world.unequal() == set()


def test_cp13_an_endpoint_that_answers_5xx_locks_nobody_out(
    make_rotating: Callable[..., Kept],
) -> None:
    kept = make_rotating(True, faults=[{"match": {"op": "token"}, "do": 503, "times": 2}])
    ended = kept.world.run(counted=False)
    assert ended.error is None, ended.error
    assert tokens(kept.world) == 3
    kept.world.people(10, first=50)
    assert kept.world.run(counted=False).error is None


def test_cp13_processes_that_renew_at_once_spend_no_token_twice(
    make_rotating: Callable[..., Kept], make_program: Callable[[World], Program]
) -> None:
    """Four syncs of one login start together; a token that came twice would revoke them all."""
    kept = make_rotating(True, latency_ms=50)
    world = kept.world
    for number in range(4):
        sync = {**world.sync, "name": f"people_{number}"}
        (world.folder / "syncs" / f"people_{number}.yml").write_text(
            json.dumps(sync), encoding="utf-8"
        )
    program = make_program(world)
    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(lambda n: program("run", "--select", f"people_{n}"), range(4)))
    assert [code for code, _, _ in ended] == [0, 0, 0, 0], ended
    assert tokens(world) == 4
    statuses = world.sandbox.counters("rest")["by_status"]
    assert set(statuses) == {"200"}
