"""State in PostgreSQL, made by the first run or moved there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tailrace import errors
from tailrace.demo.temporary_postgres import TemporaryPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sync_world import World


@pytest.fixture
def postgres() -> Iterator[TemporaryPostgres]:
    with TemporaryPostgres("state") as server:
        yield server


def move(world: World, server: TemporaryPostgres) -> None:
    """Set the project's state to `server`."""
    world.environment["STATE"] = server.dsn
    path = world.folder / "tailrace.yml"
    root = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**root, "state": "${env:STATE}"}), encoding="utf-8")


def test_a_sync_keeps_its_state_in_postgres(api: World, postgres: TemporaryPostgres) -> None:
    move(api, postgres)
    api.people(20)
    api.settles()
    api.sql("update people set level = 'high' where person_id = 'p1'")
    assert api.settles().counts.changed == 1
    project = api.project()
    assert project.state_is_local is False
    assert [run["status"] for run in project.runs("people", 2)] == ["done", "done"]
    for path in (api.folder / ".tailrace").rglob("*"):
        assert not path.is_file() or postgres.password.encode() not in path.read_bytes()


def test_state_that_moves_is_not_lost_and_sends_nothing(
    api: World, postgres: TemporaryPostgres
) -> None:
    api.people(20)
    api.settles()
    api.project().copy_state(postgres.dsn)
    move(api, postgres)
    api.assert_quiet()
    with pytest.raises(errors.ConfigError, match="not empty"):
        api.project().copy_state(f"sqlite:///{api.folder}/.tailrace/state.db")
