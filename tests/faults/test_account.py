"""Whose state it is: credentials are replaced, the tool's account stays, or it does not."""

from __future__ import annotations

import hashlib
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from destination_forms import BY_NAME, Form
from moments import Moment
from sync_world import SECRET, SYNC, VARIABLE

from tailrace import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from state_stores import Kept
    from sync_world import World

RENEWED = "canary-renewed-41d7"
FOREIGN = "canary-foreign-b06c"
SCOPELESS = "canary-scopeless-77e2"
PORTAL, OTHER_PORTAL = "62515", "90210"
HUBSPOT = replace(
    BY_NAME["hubspot"],
    options={
        **BY_NAME["hubspot"].options,
        "portals": {FOREIGN: int(OTHER_PORTAL), SCOPELESS: None, SECRET: int(PORTAL)}
        | {RENEWED: int(PORTAL)},
    },
    credential=["$SECRET", RENEWED, FOREIGN, SCOPELESS],
)
REST = replace(
    BY_NAME["rest_errors"], credential_option="auth", credential={"bearer": ["$SECRET", RENEWED]}
)


def log_in_with(world: World, token: str) -> None:
    world.environment[VARIABLE] = token
    world.secrets = [*{*world.secrets, token}]


@pytest.fixture
def make(make_kept: Callable[..., Kept]) -> Callable[..., World]:
    """A world of the form with people that were delivered."""

    def made(form: Form, people: int = 3, **sync: Any) -> World:
        world = make_kept(form).world
        world.declare(**sync)
        world.people(people)
        assert world.run().counts.accepted == people
        return world

    return made


@pytest.mark.parametrize("mode", ["upsert", "insert"])
def test_a_renewed_token_is_the_same_account_and_sends_nothing_again(
    make: Callable[..., World], mode: str
) -> None:
    world = make(HUBSPOT, mode=mode)
    log_in_with(world, RENEWED)
    ended = world.run()
    assert (ended.code, ended.requests, ended.counts.unchanged) == (0, 0, 3)
    assert ended.questions == 1, "whether it is the same account has to be asked once"
    world.people(1, first=3)
    ended = world.run()
    assert (ended.code, ended.requests, ended.counts.added, ended.questions) == (0, 1, 1, 0)
    assert world.created() == 4
    world.assert_quiet()


def test_a_renewed_bearer_token_of_an_api_is_the_same_account(make: Callable[..., World]) -> None:
    """Such an API tells no account; its address is all that is known, and no question is asked."""
    world = make(REST)
    log_in_with(world, RENEWED)
    world.assert_quiet()


def test_a_plan_before_the_first_run_asks_nothing(make_kept: Callable[..., Kept]) -> None:
    world = make_kept(HUBSPOT).world
    world.people(3)
    assert world.project().plan(SYNC).counts["added"] == 3
    assert world.requests() == world.questions() == 0


@pytest.mark.parametrize("mode", ["upsert", "mirror", "insert"])
def test_a_token_of_another_account_sends_nothing_and_says_both(
    make: Callable[..., World], mode: str
) -> None:
    world = make(HUBSPOT, mode=mode)
    world.people(1, first=3)
    before = world.writes()
    log_in_with(world, FOREIGN)
    for work in (world.project().run, world.project().plan):
        with pytest.raises(errors.ConfigError) as caught:
            work(SYNC)
        assert caught.value.exit_code == 2
        for part in (PORTAL, OTHER_PORTAL, "account:", "reset --adopt"):
            assert part in str(caught.value)
    assert world.writes() == before
    log_in_with(world, SECRET)
    assert world.run().counts.added == 1
    assert world.created() == 4


def test_another_account_has_a_state_of_its_own_under_a_name_of_its_own(
    make: Callable[..., World],
) -> None:
    world = make(HUBSPOT)
    log_in_with(world, FOREIGN)
    world.connect(account="second")
    ended = world.run()
    assert (ended.code, ended.counts.added, ended.counts.accepted) == (0, 3, 3)
    world.connect(account=None)
    log_in_with(world, SECRET)
    world.assert_quiet()


def test_another_account_takes_the_place_of_the_first_after_a_reset(
    make: Callable[..., World],
) -> None:
    world = make(HUBSPOT)
    log_in_with(world, FOREIGN)
    assert world.run().code == 2
    world.project().reset(SYNC, adopt=True)
    world.assert_quiet()
    log_in_with(world, SECRET)
    assert world.run().code == 2, "the account that was adopted is the one that is remembered"
    log_in_with(world, FOREIGN)
    world.project().reset(SYNC)
    ended = world.run()
    assert (ended.code, ended.counts.added, ended.counts.accepted) == (0, 3, 3)


def test_a_sync_that_inserts_goes_to_another_account_after_it_was_adopted(
    make: Callable[..., World],
) -> None:
    world = make(HUBSPOT, mode="insert")
    log_in_with(world, FOREIGN)
    world.project().reset(SYNC, adopt=True)
    world.assert_quiet()
    assert world.created() == 3


def test_the_login_of_a_first_run_that_was_killed_is_remembered_too(
    make_kept: Callable[..., Kept], run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    """It never came to its end, and has sent rows all the same."""
    kept = make_kept(HUBSPOT)
    kept.world.people(50)
    # The first answer says whose login it is, the second which fields there are.
    moment = Moment("answer*3", "die_after")
    assert run_until_moment(kept, moment)[0] == -signal.SIGKILL
    assert len(kept.world.delivered()) == 50
    log_in_with(kept.world, FOREIGN)
    ended = kept.world.run()
    assert (ended.code, ended.requests) == (2, 0)


def test_where_the_tool_does_not_tell_it_the_run_says_so_and_goes_on(
    make: Callable[..., World],
) -> None:
    world = make(HUBSPOT)
    log_in_with(world, SCOPELESS)
    world.people(1, first=3)
    ended = world.run()
    assert (ended.code, ended.counts.accepted, ended.questions) == (0, 1, 1)
    world.assert_quiet()
    # What was told before still counts.
    log_in_with(world, FOREIGN)
    assert world.run().code == 2


def test_an_account_that_cannot_be_asked_now_is_asked_by_the_next_run(
    make: Callable[..., World],
) -> None:
    world = make(HUBSPOT)
    world.people(1, first=3)
    log_in_with(world, RENEWED)
    world.sandbox.set_faults([{"match": {"op": "details"}, "do": "503"}])
    ended = world.run(counted=False)
    assert (ended.code, ended.requests) == (5, 0)
    assert "account" in str(ended.error)
    world.sandbox.set_faults([])
    assert world.run().counts.accepted == 1


# -- state from versions that named the account by a mark of the token --------------------------


def former_account(world: World) -> str:
    """How the account of the world's connection was named before."""
    auth = world.form.login
    texts = [*auth.keys(), *(value.replace("$SECRET", SECRET) for value in auth.values())]
    mark = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:8]
    return f"{world.form.vendor}:{world.connection['base_url']}#{mark}"


@pytest.fixture(params=[HUBSPOT, REST], ids=lambda form: form.name)
def old(request: pytest.FixtureRequest, make_kept: Callable[..., Kept]) -> Kept:
    """A world of which four rows were delivered under the account's former name, but for p3."""
    kept = make_kept(request.param)
    world = kept.world
    world.connect(account=former_account(world))
    world.people(4)
    world.sandbox.set_faults([{"match": {"key": "p3"}, "do": "400"}])
    assert world.run().counts.rejected == 1
    world.sandbox.set_faults([])
    world.connect(account=None)
    return kept


def accounts(kept: Kept) -> list[str]:
    return [account for (account,) in kept.state.query("select account from {}sync")]


def test_state_under_the_former_name_is_taken_over(old: Kept) -> None:
    world = old.world
    plan = world.project().plan(SYNC)
    assert (plan.counts["unchanged"], plan.counts["added"]) == (3, 1)
    assert accounts(old) == [former_account(world)], "a plan changes nothing"
    ended = world.run()
    assert (ended.requests, ended.counts.unchanged, ended.counts.rejected) == (0, 3, 1)
    assert accounts(old) == [f"{world.form.vendor}:{world.connection['base_url']}"]
    log_in_with(world, RENEWED)
    ended = world.run()
    assert (ended.requests, ended.counts.unchanged) == (0, 3)


def test_state_under_the_former_name_is_taken_over_by_a_name_of_ones_own(old: Kept) -> None:
    old.world.connect(account="mine")
    assert old.world.run().counts.unchanged == 3
    assert accounts(old) == ["mine"]


def test_rejected_rows_under_the_former_name_are_found(old: Kept) -> None:
    project = old.world.project()
    assert [row["key"] for row in project.rejected(SYNC)] == ["p3"]
    assert project.retry(SYNC) == 1
    assert old.world.run().counts.accepted == 1
    assert project.rejected(SYNC) == []


def test_a_reset_before_the_first_run_is_heeded(old: Kept) -> None:
    old.world.project().reset(SYNC)
    assert old.world.run().counts.accepted == 4


def test_a_store_that_was_lost_is_missed_under_the_former_name_too(old: Kept) -> None:
    if old.state.kind == "sqlite":
        for path in (old.world.folder / ".tailrace").glob("state.db*"):
            path.unlink()
    else:
        with old.state.server.session(old.state.database) as cursor:
            cursor.execute("drop schema tailrace cascade")
    with pytest.raises(errors.StateLost):
        old.world.project().run(SYNC)
