"""What is found out before the first row: an object that is not there, a login that is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from destination_forms import BY_NAME
from sync_world import SECRET, VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_world import World

UNKNOWN = {
    "salesforce": ("Persn__c", "did you mean 'Person__c'?"),
    "salesforce_bulk": ("Persn__c", "did you mean 'Person__c'?"),
    "hubspot": ("contcts", "did you mean 'contacts'?"),
}


@pytest.mark.forms(lambda form: form.name in UNKNOWN)
def test_an_object_that_is_not_there_is_told_with_the_nearest_name(world: World) -> None:
    world.people(3)
    wrong, hint = UNKNOWN[world.form.name]
    world.declare(object=wrong)
    (problem,) = world.project().check("people")
    assert problem.key == "object"
    assert f"has no object '{wrong}'; {hint}" in problem.message
    ended = world.run(compared=False)
    assert ended.code == 2
    assert hint in str(ended.error)
    assert ended.counts.not_attempted == 3
    assert world.delivered() == {}


def test_the_objects_of_a_portals_own_are_among_the_names(
    make_world: Callable[..., World],
) -> None:
    form = BY_NAME["hubspot"]
    own = {"subscriptions": {"properties": form.options["properties"]["contacts"]}}
    world = make_world(replace(form, options={**form.options, "objects": own}))
    world.declare(object="subscriptons")
    (problem,) = world.project().check("people")
    assert "did you mean 'subscriptions'?" in problem.message


TYPING = {"klaviyo": ("emial", "email"), "mailchimp": ("staus", "status")}


@pytest.mark.forms(lambda form: form.name in TYPING)
@pytest.mark.parametrize("way", ["run", "check"])
def test_a_field_that_is_nearly_one_of_the_tools_is_told(world: World, way: str) -> None:
    world.people(1)
    wrong, meant = TYPING[world.form.name]
    path = world.folder / "syncs" / "people.yml"
    sync = json.loads(path.read_text(encoding="utf-8"))
    sync["fields"][wrong] = "level"
    path.write_text(json.dumps(sync), encoding="utf-8")
    if way == "run":
        ended = world.run(compared=False)
        assert (ended.code, ended.requests) == (2, 0)
        told = str(ended.error)
    else:
        (problem,) = world.project().check("people")
        assert problem.key == f"fields.{wrong}"
        told = problem.message
    assert f"'{wrong}'; did you mean '{meant}'?" in told


TELLS_LOGIN = ("customerio", "slack", "hubspot", "salesforce", "intercom", "klaviyo", "mailchimp")


@pytest.mark.forms(lambda form: form.name in TELLS_LOGIN)
@pytest.mark.appends
def test_check_finds_a_login_that_is_refused(world: World) -> None:
    assert world.project().check("people") == []
    world.environment[VARIABLE] = SECRET[::-1]
    (problem,) = world.project().check("people")
    assert problem.key == "destination"
    assert SECRET[::-1] not in problem.message
    assert world.requests() <= 1


# An address is made of the key, so that it would have the space inside.
@pytest.mark.forms(lambda form: not form.address)
def test_space_around_a_match_value_is_no_reason_to_miss_its_record(world: World) -> None:
    world.sql("insert into people values ('  p1 ', 'low', 'n')")
    assert world.run(compared=False).code == 0
    (key,) = world.delivered()
    assert key.strip() == "p1"
    (seen,) = world.project().look("people").rows
    assert seen.state in ("equal", "unreadable"), seen
    world.sql("update people set level = 'high'")
    assert world.run(compared=False).code == 0
    assert world.created() == 1


@pytest.mark.forms(lambda form: form.name == "hubspot")
def test_an_address_that_the_tool_writes_in_its_own_form_is_equal(world: World) -> None:
    world.declare(fields={"person_id": "person_id", "email": "level"})
    world.sql("insert into people values ('p1', ' Ann@ACME.test', 'n')")
    assert world.run(compared=False).code == 0
    assert world.project().verify("people").equal == 1
    world.sql("update people set level = 'bob@acme.test'")
    assert world.project().verify("people").pending == 1
