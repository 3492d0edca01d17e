"""CP12: a run dies around a job that the tool works on by itself, in both kinds of state store.

What the job was called is in the journal, or died with the process. The next run asks for it by
its name, or sends its rows again; nothing is lost and no record is made twice.
"""

from __future__ import annotations

import signal
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from destination_forms import KEY, Form
from moments import Moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from state_stores import Kept
    from sync_world import Ended, World

KILLED = -signal.SIGKILL
ROWS = 80
"""One batch, and so one job."""


@dataclass(frozen=True)
class Tool:
    """A tool with jobs, as a batch of users goes to it. `queue` and `poll` are the sandbox's names
    of the two requests that this takes, `level` is where a record has it. `before`: answers that
    come before the one that the tool has taken the job: whose account it is, and its fields."""

    form: Form
    fields: dict[str, str]
    queue: str
    poll: str
    level: tuple[str, str]
    before: int

    @property
    def taken(self) -> str:
        """The moment at which that one is there."""
        return f"answer*{self.before + 1}"


LEVELS = {"users": {"level": {"type": "dropdown", "options": ["low", "high"]}}}
TOOLS = {
    "zendesk": Tool(
        Form(
            "zendesk",
            vendor="zendesk",
            object="users",
            batch_rows=100,
            connection={"limits": [{"requests": 100_000, "per": "1s"}]},
            options={"limits": "none", "fields": LEVELS},
            login={"email": "ann@acme.test", "api_token": "$SECRET"},
            credential_option="api_tokens",
            credential=["ann@acme.test/token:$SECRET"],
        ),
        {"external_id": KEY, "name": "note", "user_fields.level": "level"},
        "create_or_update_many",
        "job_status",
        ("user_fields", "level"),
        before=2,
    ),
    "klaviyo": Tool(
        Form(
            "klaviyo",
            vendor="klaviyo",
            object="profiles",
            batch_rows=10_000,
            connection={},
            options={"limits": "none"},
            login={"api_key": "$SECRET"},
            credential_option="api_keys",
            credential=["$SECRET"],
        ),
        {"external_id": KEY, "first_name": "note", "properties.level": "level"},
        "import",
        "import_status",
        ("properties", "level"),
        before=2,
    ),
}


@pytest.fixture(params=TOOLS)
def tool(request: pytest.FixtureRequest) -> Tool:
    return TOOLS[request.param]


@pytest.fixture
def make_desk(tool: Tool, make_kept: Callable[..., Kept]) -> Callable[..., Kept]:
    """80 users to be made, in one job that takes so long."""

    def make(job_ms: int = 300) -> Kept:
        form = replace(tool.form, options={**tool.form.options, "job_ms": job_ms})
        kept = make_kept(form)
        kept.world.declare(match="external_id", fields=tool.fields)
        kept.world.people(ROWS)
        return kept

    return make


@pytest.fixture
def desk(make_desk: Callable[..., Kept]) -> Kept:
    return make_desk()


def asked(world: World) -> Counter[str]:
    """Requests by what they ask for, but for those before the first row."""
    names = (entry["op"] for entry in world.sandbox.log(world.form.vendor))
    return Counter(name for name in names if name not in ("account", "fields", "find"))


def levels(world: World) -> dict[str, str]:
    """What the tool has, by key."""
    group, name = TOOLS[world.form.name].level
    records = world.sandbox.records(world.form.vendor, world.form.object)
    values: list[dict[str, Any]] = [record["values"] for record in records]
    return {one["external_id"]: one[group][name] for one in values}


def finish(world: World) -> Ended:
    """The next run puts everything right, and the one after it asks for nothing."""
    ended = world.run(compared=False)
    assert ended.error is None, ended.error
    assert levels(world) == {f"p{i}": "low" for i in range(ROWS)}
    assert world.created() == ROWS
    again = world.run(compared=False)
    assert again.error is None, again.error
    assert (again.requests, again.counts.unchanged) == (0, ROWS)
    return ended


def test_cp12_a_job_whose_name_died_with_the_process_is_made_again(
    tool: Tool, desk: Kept, run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    """The answer that names the job was read, and nothing of it was written."""
    world, state = desk.world, desk.state
    assert run_until_moment(desk, Moment(f"{tool.taken} store"))[0] == KILLED
    assert state.journal() == {"intent": 1}
    assert asked(world) == {tool.queue: 1}
    ended = finish(world)
    assert ended.counts.accepted == ROWS
    assert asked(world)[tool.queue] == 2


def test_cp12_a_job_that_is_on_record_is_asked_for_and_not_made_again(
    tool: Tool, desk: Kept, run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    world, state = desk.world, desk.state
    assert run_until_moment(desk, Moment(f"{tool.taken} commit", "die_after"))[0] == KILLED
    noted = state.journal()
    assert asked(world) == {tool.queue: 1}
    ended = finish(world)
    assert ended.counts.unchanged == ROWS, "its rows had arrived before the model was compared"
    assert asked(world)[tool.queue] == 1
    assert asked(world)[tool.poll] >= 1
    assert noted["intent"] > 1, "its name is on record"


def test_cp12_a_job_whose_results_were_read_and_not_recorded_is_asked_for_again(
    tool: Tool, make_desk: Callable[..., Kept], run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    """The last answer says that the job has ended; the commit of its outcomes never began."""
    desk = make_desk(job_ms=1)
    world, state = desk.world, desk.state
    assert run_until_moment(desk, Moment(f"{tool.taken} commit answer store"))[0] == KILLED
    assert asked(world) == {tool.queue: 1, tool.poll: 1}
    assert state.journal()["outcome"] == 0
    ended = finish(world)
    assert ended.counts.unchanged == ROWS
    assert asked(world)[tool.queue] == 1


def test_cp12_a_row_that_changed_while_its_job_was_nobodys_goes_once_it_has_ended(
    tool: Tool, desk: Kept, run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    world = desk.world
    assert run_until_moment(desk, Moment(f"{tool.taken} commit", "die_after"))[0] == KILLED
    world.sql("update people set level = 'high' where person_id = 'p3'")
    ended = world.run(compared=False)
    assert ended.error is None, ended.error
    assert (ended.counts.unchanged, ended.counts.changed) == (ROWS - 1, 1)
    assert levels(world) == {f"p{i}": "high" if i == 3 else "low" for i in range(ROWS)}
    assert world.created() == ROWS
