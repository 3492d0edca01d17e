"""A state store that is gone, cut, overwritten or swapped: nothing is sent until a person acts."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import signal
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from moments import Moment
from state_stores import Kept, SqliteState

if TYPE_CHECKING:
    from collections.abc import Callable

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


def test_a_store_cut_at_any_sector_is_refused(world: World) -> None:
    """At 40 of its sectors of 512 bytes: the first and last ones, and some of all between."""
    whole = store(world).read_bytes()
    sectors = len(whole) // 512
    assert sectors > 60
    middle = random.Random(3).sample(range(9, sectors - 8), 24)
    for sector in sorted([*range(1, 9), *middle, *range(sectors - 8, sectors)]):
        overwrite(store(world), whole[: sector * 512])
        ended = world.run()
        assert (ended.code, ended.requests) == (7, 0), (sector, ended.error)
        assert store(world).stat().st_size == sector * 512
    assert len(world.delivered()) == 300
    overwrite(store(world), whole)
    assert world.settles().counts.removed == 30


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


# -- formats ---------------------------------------------------------------------------------------

OLD_STORE = Path(__file__).resolve().parents[1] / "data" / "state_format_1.db"


def formats(path: Path) -> tuple[int, int]:
    """The format in the file's header, and that in its table."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (header,) = connection.execute("pragma user_version").fetchone()
        (table,) = connection.execute("select format from store").fetchone()
    return int(header), int(table)


@pytest.fixture
def old_world(make_world: Callable[..., World]) -> World:
    """A project whose store was made by the first format."""
    world = make_world("rest_errors")
    world.people(10)
    store(world).parent.mkdir()
    shutil.copy(OLD_STORE, store(world))
    assert formats(store(world)) == (1, 1)
    return world


def test_cp16_a_store_of_an_older_format_is_taken_over(
    old_world: World, make_program: Callable[[World], Program]
) -> None:
    program = make_program(old_world)
    code, out, err = program("run")
    assert code == 0, out + err
    header, table = formats(store(old_world))
    assert header == table > 1
    with contextlib.closing(sqlite3.connect(store(old_world))) as connection:
        runs = connection.execute("select id from run where sync <> 'people'").fetchall()
    assert ("first",) in runs
    old_world.assert_quiet()


@pytest.mark.parametrize("do", ["die_before", "die_after"])
def test_cp16_a_takeover_that_is_killed_leaves_the_old_format_or_the_new_one(
    do: str, old_world: World, run_until_moment: Callable[..., tuple[int, str]]
) -> None:
    before = OLD_STORE.read_bytes()
    state = SqliteState(old_world.folder)
    code, out = run_until_moment(Kept(old_world, state), Moment("commit", do))
    assert code == -signal.SIGKILL, out
    assert old_world.requests() == 0
    found = state.query("select format from {}store")
    assert found == [(1,)] if do == "die_before" else found[0][0] > 1
    assert OLD_STORE.read_bytes() == before
    assert old_world.settles().counts.accepted == 10


def test_cp16_a_store_of_a_newer_format_is_refused(
    make_kept: Callable[..., Kept], make_program: Callable[[World], Program]
) -> None:
    kept = make_kept("rest_errors")
    world = kept.world
    world.people(10)
    world.settles()
    world.people(10, first=10)
    kept.state.make_newer()
    program = make_program(world)
    for command in ("run", "status"):
        code, out, err = program(command)
        assert code == 7, out + err
        assert "format 99" in out + err
        assert "use the newer version" in out + err
    assert len(world.delivered()) == 10
