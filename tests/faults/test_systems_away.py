"""A warehouse or a tool that is not there: which end a run comes to, and how soon."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from destination_forms import BY_NAME
from sync_world import SECRET

from tailrace import SourceError
from tailrace.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Program
    from sync_world import World


def test_a_warehouse_file_that_is_not_there_is_a_wrong_configuration(
    make_world: Callable[..., World], make_program: Callable[[World], Program]
) -> None:
    world = make_world("rest_errors")
    world.people(5)
    world.settles()
    (world.folder / "people.duckdb").unlink()
    code, _, err = make_program(world)("run")
    assert code == 2, err
    assert "people.duckdb" in err
    assert world.requests() == 1


def test_a_warehouse_that_another_process_writes_to_is_tried_again_later(
    make_world: Callable[..., World],
) -> None:
    world = make_world("rest_errors")
    world.people(5)
    script = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]);"
        " print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(world.folder / "people.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        ended = world.run()
        assert isinstance(ended.error, SourceError)
        assert (ended.code, ended.requests) == (5, 0)
        writer.communicate()
    world.settles()


@pytest.mark.parametrize(
    ("row", "code"), [(9, 2), (390_000, 5)], ids=["at once", "far behind the first rows"]
)
def test_a_query_that_fails_while_it_is_read_sends_nothing(
    row: int, code: int, make_world: Callable[..., World]
) -> None:
    """In the middle of a stream the driver does not say whether another try would help."""
    world = make_world("rest_errors")
    broken = (
        "select i::varchar as person_id, 'low' as level,"
        f" case when i = {row} then error('the model broke') else 'note' end as note"
        " from range(400000) as t(i)"
    )
    world.declare(model={"sql": broken})
    ended = world.run(compared=False)
    assert isinstance(ended.error, SourceError)
    assert ended.code == code
    assert "the model broke" in str(ended.error)
    assert ended.requests == 0
    world.people(10)
    world.declare(model={"table": "people"})
    world.settles()


def closed_port() -> int:
    """A port that nothing listens on any more."""
    with Sandbox({"vendors": ["rest"]}) as sandbox:
        return int(sandbox.url.rpartition(":")[2])


def test_a_tool_that_is_away_ends_the_run_within_its_outage_limit(
    make_world: Callable[..., World], timing: Callable[..., None]
) -> None:
    world = make_world("rest_put")
    world.people(200)
    url = world.connection["base_url"]
    world.connect(base_url=f"http://127.0.0.1:{closed_port()}/rest")
    timing(outage_s=3)
    started = time.monotonic()
    ended = world.run(counted=False)
    assert 2 < time.monotonic() - started < 8
    assert ended.code == 5
    assert (ended.counts.accepted, ended.counts.not_attempted) == (0, 200)
    assert ended.report is not None
    # The breaker lets a probe through now and then, and no storm.
    assert ended.report.http.requests < 30
    world.connect(base_url=url)
    world.settles()


def test_a_run_goes_on_where_the_tool_comes_back(
    make_world: Callable[..., World], timing: Callable[..., None]
) -> None:
    world = make_world("rest_errors")
    world.people(500)
    port = closed_port()
    world.connect(base_url=f"http://127.0.0.1:{port}/rest")
    timing(outage_s=60)
    back = Sandbox(BY_NAME["rest_errors"].sandbox(SECRET), port=port)
    starter = threading.Timer(1.5, back.__enter__)
    starter.start()
    try:
        ended = world.run(counted=False, compared=False)
        starter.join()
        assert ended.error is None, ended.error
        world.sandbox = back
        assert world.created() == 500
        assert world.requests() == world.form.calls(500)
        world.assert_quiet()
    finally:
        starter.join()
        back.__exit__(None, None, None)
