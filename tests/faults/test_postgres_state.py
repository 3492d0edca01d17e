"""State in a PostgreSQL server that loses answers, lacks rights, restarts or stays away."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from crash_scene import ROWS, Scene
from moments import Moment

from tailrace import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from state_stores import Kept, PostgresState, StateServer
    from sync_world import Ended, World

pytestmark = pytest.mark.parametrize("make_kept", ["postgresql"], indirect=True)


@pytest.mark.parametrize(
    "commit",
    ["commit", "commit commit", "answer commit", "answer commit commit"],
    ids=["the claim", "intents", "outcomes", "the end"],
)
def test_cp10_a_commit_whose_answer_is_lost_is_looked_up_and_not_made_twice(
    commit: str, make_kept: Callable[..., Kept], run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    """The server has made it and the connection breaks: the run goes on as if nothing were."""
    kept = make_kept()
    scene = Scene(kept.world, kept.state)
    code, out = run_until_moment(kept, Moment(commit, "lose"))
    assert code == 0, out
    assert scene.sent() == 1
    assert scene.applied() == ROWS
    # A claim is made again, with an epoch of its own.
    assert scene.state.epoch() == scene.epoch + (2 if commit == "commit" else 1)
    assert scene.state.statuses() == ["done", "done"]
    scene.recover(accepted=0)


# -- rights ----------------------------------------------------------------------------------------


@pytest.fixture
def make_role(state_server: StateServer) -> Iterator[Callable[..., str]]:
    """A login that may do what the grants say, in one database: its name."""
    made: list[tuple[str, str]] = []

    def make(state: PostgresState, *grants: str) -> str:
        name = f"role_{state.database}"
        with state_server.session(state.database) as cursor:
            cursor.execute(f"create role {name} login password '{state_server.password}'")
            made.append((state.database, name))
            for grant in grants:
                cursor.execute(f"grant {grant} to {name}")
        return name

    yield make
    for database, name in made:
        with state_server.session(database) as cursor:
            cursor.execute(f"drop owned by {name}; drop role {name}")


@pytest.mark.parametrize(
    ("grants", "missing"),
    [
        ((), "USAGE on schema tailrace"),
        (
            ("usage on schema tailrace", "select on all tables in schema tailrace"),
            "INSERT on tailrace.journal",
        ),
        (
            (
                "usage on schema tailrace",
                "select, insert, update on all tables in schema tailrace",
            ),
            "DELETE on tailrace.journal",
        ),
    ],
    ids=["no rights", "read-only", "no deletes"],
)
def test_a_role_without_rights_is_told_which_and_sends_nothing(
    grants: tuple[str, ...],
    missing: str,
    make_kept: Callable[..., Kept],
    make_role: Callable[..., str],
    state_server: StateServer,
) -> None:
    kept = make_kept()
    world, state = kept.world, kept.state
    world.people(60)
    assert world.run().code == 0
    world.people(60, first=60)
    role = make_role(state, *grants)
    world.keep_state_at(state_server.url(state.database, user=role))
    ended = world.run()
    assert (ended.code, ended.requests) == (2, 0)
    assert missing in str(ended.error)
    assert f'"{role}"' in str(ended.error)
    assert "GRANT" in str(ended.error)
    world.keep_state_at(state.url)
    assert world.settles().counts.accepted == 60


def test_a_role_that_may_not_make_the_schema_is_told_so_and_sends_nothing(
    make_kept: Callable[..., Kept], make_role: Callable[..., str], state_server: StateServer
) -> None:
    kept = make_kept()
    kept.world.people(5)
    role = make_role(kept.state)
    kept.world.keep_state_at(state_server.url(kept.state.database, user=role))
    ended = kept.world.run()
    assert (ended.code, ended.requests) == (2, 0)
    assert "CREATE SCHEMA tailrace" in str(ended.error)


def test_a_role_without_rights_is_told_which_by_what_asks_the_store(
    make_kept: Callable[..., Kept], make_role: Callable[..., str], state_server: StateServer
) -> None:
    kept = make_kept()
    world, state = kept.world, kept.state
    world.people(5)
    assert world.run().code == 0
    role = make_role(state)
    world.keep_state_at(state_server.url(state.database, user=role))
    project = world.project()
    asks: list[Callable[[], object]] = [
        lambda: project.runs("people"),
        lambda: project.rejected("people"),
        lambda: project.retry("people"),
        lambda: project.reset("people"),
    ]
    for ask in asks:
        with pytest.raises(ConfigError, match="USAGE on schema tailrace"):
            ask()


# -- a server that is away -------------------------------------------------------------------------


@pytest.fixture
def halted_server(state_server: StateServer) -> Iterator[StateServer]:
    """The server, which runs again afterwards whatever becomes of the test."""
    yield state_server
    if state_server.is_halted():
        state_server.resume()


def run_beside(world: World) -> tuple[threading.Thread, list[Ended]]:
    ended: list[Ended] = []
    thread = threading.Thread(target=lambda: ended.append(world.run(compared=False)))
    thread.start()
    return thread, ended


def test_a_server_that_restarts_in_the_middle_of_a_run_costs_nothing(
    make_kept: Callable[..., Kept],
    halted_server: StateServer,
    until: Callable[..., None],
) -> None:
    world = make_kept("rest_errors", latency_ms=100).world
    world.connect(max_in_flight=1)
    world.people(20 * 50)
    thread, ended = run_beside(world)
    until(lambda: world.requests() >= 2)
    halted_server.halt()
    assert thread.is_alive()
    assert world.requests() < 20
    halted_server.resume()
    thread.join(60)
    assert ended[0].error is None, ended[0].error
    assert world.unequal() == set()
    assert world.created() == 20 * 50
    assert world.requests() == 20
    world.assert_quiet()


def test_a_server_that_stays_away_ends_the_run_and_the_next_one_goes_on(
    make_kept: Callable[..., Kept],
    halted_server: StateServer,
    timing: Callable[..., None],
    until: Callable[..., None],
) -> None:
    timing(store_patience_s=1)
    world = make_kept("rest_errors", latency_ms=100).world
    world.connect(max_in_flight=1)
    world.people(20 * 50)
    thread, ended = run_beside(world)
    until(lambda: world.requests() >= 2)
    halted_server.halt()
    thread.join(30)
    assert not thread.is_alive()
    assert ended[0].code == 5
    counts = ended[0].counts
    assert counts.accepted + counts.unknown + counts.not_attempted == 20 * 50
    assert counts.accepted + counts.unknown >= len(world.delivered())
    halted = world.run()
    assert (halted.code, halted.requests) == (5, 0)
    halted_server.resume()
    world.settles()
    assert world.created() == 20 * 50
    assert sum(world.writes().values()) - 20 * 50 <= 3 * 50
