"""Records of the tools that are declared by profiles, compared with the rows that were sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest
from sync_world import SECRET

from tailrace import Unfinished

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_world import World

    from tailrace.report.verification import Verification

READ_ROWS = {"braze": 50, "intercom": 20, "iterable": 1}
"""Records that a request reads; Intercom's as the world's connection says."""


@pytest.fixture(params=READ_ROWS)
def world(request: pytest.FixtureRequest, make_world: Callable[..., World]) -> World:
    return make_world(request.param)


def seen(found: Verification) -> dict[str, int]:
    counts = ("equal", "missing", "different", "extra", "unreadable")
    return {name: getattr(found, name) for name in counts if getattr(found, name)}


def ask(world: World, method: str, path: str, body: Any = None) -> Any:
    """A request of somebody else's, with the same login."""
    login = {"Api-Key": SECRET} if world.form.name == "iterable" else _bearer()
    headers = {**login, "Content-Type": "application/json"}
    url = world.sandbox.url + world.form.path + path
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data, headers, method=method)) as reply:
        return json.loads(reply.read())


def _bearer() -> dict[str, str]:
    return {"Authorization": f"Bearer {SECRET}"}


def contact(world: World, key: str) -> str:
    """The path of a contact of Intercom's."""
    found = ask(world, "GET", f"/contacts/find_by_external_id/{key}")
    return f"/contacts/{found['id']}"


def change(world: World, key: str, **fields: Any) -> None:
    """Somebody else changes a record."""
    if world.form.name == "braze":
        row = {"external_id": key, **fields}
        ask(world, "POST", "/users/track", {"attributes": [row]})
    elif world.form.name == "iterable":
        row = {"userId": key, "dataFields": fields}
        ask(world, "POST", "/api/users/update", row)
    else:
        ask(world, "PUT", contact(world, key), {"custom_attributes": fields})


def take_away(world: World, key: str) -> None:
    """Somebody else deletes a record."""
    if world.form.name == "braze":
        ask(world, "POST", "/users/delete", {"external_ids": [key]})
    elif world.form.name == "iterable":
        ask(world, "DELETE", f"/api/users/byUserId/{key}")
    else:
        ask(world, "DELETE", contact(world, key))


def asked(world: World) -> int:
    return int(world.sandbox.counters(world.form.vendor)["total"])


def test_what_was_sent_is_found_equal_in_the_fewest_requests(world: World) -> None:
    world.people(120)
    assert world.run().code == 0
    before = asked(world)
    assert seen(world.project().verify("people")) == {"equal": 120}
    assert asked(world) - before == -(-120 // READ_ROWS[world.form.name])


def test_what_somebody_else_changed_is_named_and_repaired(world: World) -> None:
    world.people(30)
    assert world.run().code == 0
    change(world, "p3", level="theirs")
    change(world, "p4", note=None)
    take_away(world, "p7")
    found = world.project().verify("people", repair=True)
    assert seen(found) == {"equal": 27, "different": 2, "missing": 1}
    told = {row.key: (row.state, [one.field for one in row.fields]) for row in found.rows}
    assert told == {
        "p3": ("different", [world.form.field("level")]),
        "p4": ("different", [world.form.field("note")]),
        "p7": ("missing", []),
    }
    assert seen(world.project().verify("people")) == {"equal": 30}
    assert world.unequal() == set()


def test_values_of_every_type_are_found_equal(world: World) -> None:
    world.sql("drop table people")
    world.sql(
        "create table people as select 'p' || i as person_id, 9007199254740991 - i as big,"
        " 0.25 + i as amount, i = 1 as flag, 'a\"\\u00fc ' || i as note, null::varchar as level"
        " from range(3) as t(i)"
    )
    names = ("big", "amount", "flag", "note", "level")
    world.declare(fields={"person_id": "person_id", **{name: name for name in names}})
    assert world.run().code == 0
    assert seen(world.project().verify("people")) == {"equal": 3}


def test_a_row_is_tried_against_the_record_that_is_there(world: World) -> None:
    world.people(3)
    assert world.run().code == 0
    world.sql("update people set level = 'high' where person_id = 'p1'")
    rows = {one.key: (one.state, one.fields) for one in world.project().look("people").rows}
    level = world.form.field("level")
    assert rows == {"p0": ("equal", ()), "p1": ("different", (level,)), "p2": ("equal", ())}


def test_reading_is_tried_again_after_a_refusal_for_the_rate(world: World) -> None:
    world.people(20)
    assert world.run().code == 0
    op = "find" if world.form.name == "intercom" else "read"
    world.sandbox.set_faults([{"match": {"op": op, "nth": 1}, "do": 429, "retry_after": 0}])
    assert seen(world.project().verify("people")) == {"equal": 20}


def test_an_answer_that_makes_no_sense_is_no_absence(world: World) -> None:
    world.people(5)
    assert world.run().code == 0
    op = "find" if world.form.name == "intercom" else "read"
    world.sandbox.set_faults([{"match": {"op": op}, "do": "html200"}])
    with pytest.raises(Unfinished) as caught:
        world.project().verify("people")
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    ("name", "kind"), [("iterable", "users_by_email"), ("intercom", "contacts")]
)
def test_records_may_be_known_by_their_addresses(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    world = make_world(name)
    world.sync["object"] = kind
    fields = {"email": {"sql": "person_id || '@Acme.test'"}, world.form.field("level"): "level"}
    monkeypatch.setattr(world, "_told", lambda: {**world.sync, "match": "email", "fields": fields})
    world.write()
    world.people(25)
    assert world.run(compared=False).code == 0
    assert seen(world.project().verify("people")) == {"equal": 25}
