"""What the tools that are declared by profiles tell before anything is sent: which fields there
are, and whose the login is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from destination_forms import BY_NAME, SLACK
from sync_world import VARIABLE

from tailrace.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_world import World

ACCOUNTS: dict[str, Any] = {"intercom": "w-2", "slack": "T-2", "customerio": 2}
"""Another account of each tool that can be asked for it."""
FORMS = {**BY_NAME, "slack": SLACK}


@pytest.fixture(params=["intercom", "iterable"])
def world(request: pytest.FixtureRequest, make_world: Callable[..., World]) -> World:
    return make_world(request.param)


def writes(world: World) -> int:
    return sum(world.writes().values())


def refused(world: World, **options: Any) -> str:
    """What a run says that ends with 2 and sends nothing."""
    ended = world.run(compared=False, **options)
    assert ended.code == 2, ended.error
    assert ended.requests == 0
    assert writes(world) == 0
    return str(ended.error)


def test_a_field_that_is_not_there_is_named_with_the_nearest(world: World) -> None:
    world.people(3)
    world.declare(fields={**world.sync["fields"], "levl": "note"})
    near = f"has no field '{world.form.field('levl')}'; did you mean '{world.form.field('level')}'?"
    assert near in refused(world)
    (problem,) = world.project().check("people")
    assert near in str(problem)


def test_values_that_do_not_fit_a_field_are_named_with_their_rows(world: World) -> None:
    world.people(3)
    world.declare(fields={**world.sync["fields"], "big": "note", "flag": "level"})
    said = refused(world)
    assert f"{world.form.field('big')} takes whole numbers: 3 rows do not fit" in said
    assert f"{world.form.field('flag')} takes true and false" in said


def test_later_runs_ask_for_no_fields(world: World) -> None:
    world.people(3)
    assert world.run().code == 0
    asked = world.questions()
    world.people(2, first=3)
    # Intercom's contacts are looked up before they are written.
    assert world.run().code == 0
    assert world.questions() - asked == (1 if world.form.asks else 0)


def test_a_login_without_the_right_to_look_may_write(world: World) -> None:
    world.people(3)
    world.sandbox.set_faults([{"match": {"op": "fields"}, "do": 403}])
    ended = world.run()
    assert ended.code == 0, ended.error
    assert ended.report is not None
    assert "was not held against" in " ".join(ended.report.notes)


def test_intercoms_own_attributes_and_choices_are_known(make_world: Callable[..., World]) -> None:
    form = BY_NAME["intercom"]
    tier = {"tier": {"type": "options", "options": ["low", "high"]}}
    attributes = {"contact": {**form.options["attributes"]["contact"], **tier}}
    world = make_world(replace(form, options={**form.options, "attributes": attributes}))
    world.people(2)
    told = {"external_id": "person_id", "name": "note", "custom_attributes.tier": "level"}
    world._told = lambda: {**world.sync, "match": "external_id", "fields": told}  # type: ignore[method-assign]
    world.write()
    assert world.project().check("people") == []
    world.sql("update people set level = 'middle' where person_id = 'p1'")
    assert "custom_attributes.tier takes values of its list alone" in refused(world)
    told["nmae"] = told.pop("name")
    world.write()
    assert "did you mean 'name'?" in refused(world)


def test_companies_of_intercom_have_fields_of_their_own(make_world: Callable[..., World]) -> None:
    world = make_world("intercom")
    world.people(2)
    world.sync["object"] = "companies"
    told = {"company_id": "person_id", "plan": "level", "custom_attributes.level": "note"}
    world._told = lambda: {**world.sync, "match": "company_id", "fields": told}  # type: ignore[method-assign]
    world.write()
    ended = world.run(compared=False)
    assert ended.code == 2
    assert "companies has no field 'custom_attributes.level'" in str(ended.error)
    del told["custom_attributes.level"]
    world.write()
    assert world.run(compared=False).code == 0
    found = world.project().verify("people")
    assert (found.equal, found.different, found.missing) == (2, 0, 0)


def test_a_run_may_let_iterable_make_fields(make_world: Callable[..., World]) -> None:
    world = make_world("iterable")
    world.people(3)
    world.declare(fields={**world.sync["fields"], "levl": "note"})
    assert "with `create_fields: true` the run makes it" in refused(world)
    world.declare(create_fields=True)
    assert world.project().check("people") == []
    ended = world.run()
    assert ended.code == 0, ended.error
    assert ended.report is not None
    assert "levl (text)" in " ".join(ended.report.notes)
    assert world.unequal() == set()
    assert world.project().verify("people").equal == 3
    world.declare(create_fields=False, fields={**world.sync["fields"], "more": "note"})
    assert "users has no field 'more'" in str(world.run(compared=False).error)


@pytest.mark.parametrize("name", ["braze", "customerio", "slack"])
def test_where_nothing_lists_fields_a_run_asks_for_none(
    make_world: Callable[..., World], name: str
) -> None:
    world = make_world(FORMS[name])
    world.people(2)
    ended = world.run(compared=False)
    assert ended.code == 0, ended.error
    assert ended.questions == (1 if name in ACCOUNTS else 0)


@pytest.mark.parametrize("name", ACCOUNTS)
def test_a_login_of_another_account_sends_nothing(
    make_world: Callable[..., World], name: str
) -> None:
    form = FORMS[name]
    options = {**form.options, "account_id": ACCOUNTS[name]}
    other = make_world(replace(form, options=options, credential=[]))  # any login
    world = make_world(form)
    world.people(2)
    world.connection["account"] = "ours"
    world.write()
    assert world.run(compared=False).code == 0
    assert world.project().look("people").account
    # The same connection, with another login: of another account, as it turns out.
    world.environment[VARIABLE] = "canary-of-another-login"
    world.connection["base_url"] = other.connection["base_url"]
    world.write()
    world.people(2, first=2)
    with pytest.raises(ConfigError, match=f"belongs to account {ACCOUNTS[name]}"):
        world.project().run("people")
    assert writes(other) == 0
