"""A state store that is gone, cut, overwritten or swapped: nothing is sent until a person acts."""

from __future__ import annotations

import json
import random
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Program
    from sync_world import World


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A mirror of 300 people, all delivered; 30 of them have left and 5 changed since."""
    world = make_world("rest_errors")
    world.declare(mode="mirror")
    world.people(300)
    world.settles()
    world.sql("delete from people where substr(person_id, 2)::int < 30")
    world.sql("update people set level = 'high' where substr(person_id, 2)::int >= 295")
    return world


def store(world: World) -> Path:
    return world.folder / ".tailrace" / "state.db"


def drop(world: World) -> None:
    for path in store(world).parent.glob("state.db*"):
        path.unlink()


def assert_refused(world: World) -> None:
    ended = world.run()
    assert (ended.code, ended.requests) == (7, 0), ended.error
    assert "reset" in str(ended.error)
    assert len(world.delivered()) == 300


def test_a_deleted_store_is_noticed_and_reset_is_the_way_out(
    world: World, make_program: Callable[[World], Program]
) -> None:
    drop(world)
    program = make_program(world)
    code, out, err = program("run")
    assert code == 7, out + err
    assert json.loads(out)["status"] == "state_lost"
    assert len(world.delivered()) == 300
    assert program("reset")[0] == 0
    code, out, err = program("run")
    assert code == 0, out + err
    # A new baseline: every row is sent, nothing is deleted.
    assert json.loads(out)["counts"]["added"] == 270
    assert json.loads(out)["counts"]["removed"] == 0
    assert len(world.delivered()) == 300
    world.assert_quiet()


def overwrite(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda _: b"",
    "cut to half": lambda whole: whole[: len(whole) // 2],
    "cut by a page": lambda whole: whole[:-4096],
    "cut within a page": lambda whole: whole[: len(whole) - 1000],
    "garbage": lambda whole: random.Random(1).randbytes(len(whole)),
    "zeroes": lambda whole: bytes(len(whole)),
    "garbage behind the header": lambda whole: (
        whole[:100] + random.Random(2).randbytes(len(whole) - 100)
    ),
    "a text file": lambda _: b"this is not a database\n" * 400,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_store_is_refused_and_left_as_it_is(
    world: World, damage: Callable[[bytes], bytes]
) -> None:
    content = damage(store(world).read_bytes())
    overwrite(store(world), content)
    assert_refused(world)
    assert_refused(world)
    assert store(world).read_bytes() == content
    aside = world.project().reset("people")
    assert aside is not None
    assert aside.read_bytes() == content
    # A new baseline: every row is sent, nothing is deleted.
    ended = world.run()
    assert (ended.code, ended.counts.added, ended.counts.removed) == (0, 270, 0)
    assert len(world.delivered()) == 300
    world.assert_quiet()


def test_a_byte_changed_in_any_page_is_found_or_harmless(world: World) -> None:
    whole = store(world).read_bytes()
    right = {key: record["level"] for key, record in world.model().items()}
    before = {key: record["level"] for key, record in world.delivered().items()}
    dice = random.Random(7)
    found = 0
    pages = len(whole) // 4096
    for page in range(pages):
        at = page * 4096 + dice.randrange(4096)
        broken = bytearray(whole)
        broken[at] ^= 1 << dice.randrange(8)
        overwrite(store(world), bytes(broken))
        ended = world.run(compared=False)
        levels = {key: record["level"] for key, record in world.delivered().items()}
        if ended.code == 7:
            found += 1
            assert levels == before, at
            continue
        assert ended.code == 0, (at, ended.error)
        assert levels == right, at
        before = levels
        whole = store(world).read_bytes()
    assert found > 0


def test_another_store_at_the_same_address_is_refused(
    world: World, make_world: Callable[..., World]
) -> None:
    other = make_world("rest_errors")
    other.people(3)
    other.settles()
    drop(world)
    shutil.copy(store(other), store(world))
    assert_refused(world)


def test_an_older_copy_of_the_store_is_refused(world: World) -> None:
    old = store(world).read_bytes()
    assert world.run().code == 0
    overwrite(store(world), old)
    ended = world.run()
    assert (ended.code, ended.requests) == (7, 0)
    assert "older" in str(ended.error)


def test_a_store_that_cannot_be_written_stops_the_run_before_it_sends(world: World) -> None:
    """By a folder in its place: as root, permissions stop nobody."""
    drop(world)
    store(world).mkdir()
    ended = world.run()
    assert ended.code in (5, 7)
    assert ended.requests == 0
