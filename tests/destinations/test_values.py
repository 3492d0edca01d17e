"""Values of every kind arrive exactly, and NULL does what the sync says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sync_world import same_number

if TYPE_CHECKING:
    from sync_world import World

HARD_TEXTS = {
    "quotes": "She said \"no\", then 'yes' \\ and / done",
    "lines": "one\ntwo\r\nthree\ttabbed",
    "accents": "Zoë Ångström",
    "wide": "東京 Владимир عربى",
    "emoji": "ok 👍🏽 👩‍👩‍👧",
    "combining": "e\u0301 \u200b\u202e \ufeff",
    "control": "\x01\x1f\x7f",
    "markup": "<b>&amp;</b> %41 {key} $rows =1+1",
    "long": "x" * 20_000,
    "words": "NULL",
    "backslash_n": "\\N",
    "spaces": "  kept  ",
}


def test_texts_arrive_as_they_are(world: World) -> None:
    texts = {key: text[: world.form.max_text] for key, text in HARD_TEXTS.items()}
    for key, text in texts.items():
        world.sql("insert into people values (?, ?, 'n')", key, text)
    world.settles()
    held = world.delivered()
    assert {key: held[key]["level"] for key in texts} == texts


KEYS = ["a b", "a/b", "a?b#c", "ä€👍", "100%", "a+b", "a.b", 'a"b', "a\\b", "{key}", "0", "-1"]
NAMES = ["a/b", "a?b#c", "100%", "a+b", "a.b", "a'b", "a&b=c", "{key}", "0", "-1"]
"""What may stand before the @ of an address."""


def test_keys_of_every_kind_name_their_own_record(world: World) -> None:
    keys = NAMES if world.form.address else KEYS
    for key in keys:
        world.sql("insert into people values (?, 'low', 'n')", key)
    world.settles()
    assert set(world.delivered()) == set(keys)
    world.declare(mode="mirror")
    world.settles()
    world.sql("delete from people where person_id <> '0'")
    # One call of a function is one request for each of the rows that it takes away.
    ended = world.run(counted=world.form.type != "python")
    assert ended.code == 0, ended.error
    assert set(world.delivered()) == {"0"}


TYPED = """
create or replace table people as select 'p1' as person_id,
  9007199254740993::bigint as big,
  '1234567890123456789012345678.0123456789'::decimal(38, 10) as amount,
  0.1::double as ratio,
  true as flag,
  '2024-02-29'::date as day,
  '2024-02-29 12:34:56.789012'::timestamp as moment,
  '2024-02-29 12:34:56.5+02'::timestamptz as instant
"""
TYPED_FIELDS = ("person_id", "big", "amount", "ratio", "flag", "day", "moment", "instant")


def test_numbers_dates_and_flags_arrive_exactly(world: World) -> None:
    world.declare(fields={name: name for name in TYPED_FIELDS})
    world.sql(TYPED)
    assert world.run(compared=False).code == 0
    (record,) = world.delivered().values()
    number: type[Any] | tuple[type[Any], ...] = str
    if not world.form.texts_only:
        from decimal import Decimal

        number = (int, float, Decimal)
    for name, text in {
        "big": "9007199254740993",
        "amount": "1234567890123456789012345678.0123456789",
        "ratio": "0.1",
    }.items():
        assert isinstance(record[name], number)
        assert same_number(record[name], text), name
    assert record["flag"] in ("true", True)
    assert record["day"] == "2024-02-29"
    assert record["moment"] == "2024-02-29T12:34:56.789012"
    assert record["instant"] == "2024-02-29T10:34:56.5Z"
    assert world.run(compared=False).requests == 0
    (seen,) = world.project().look("people").rows
    assert seen.state in ("equal", "unreadable"), seen.fields


def test_values_at_the_ends_of_their_ranges_arrive_exactly(world: World) -> None:
    world.declare(fields={"person_id": "person_id", "big": "big", "amount": "amount"})
    world.sql("create or replace table people (person_id int, big bigint, amount decimal(38, 10))")
    numbers = {
        1: (-(2**63), "-0.0000000001"),
        2: (2**63 - 1, "9999999999999999999999999999.9999999999"),
        3: (0, "0"),
        4: (-1, "-1.5"),
    }
    for key, (big, amount) in numbers.items():
        world.sql("insert into people values (?, ?, ?::decimal(38, 10))", key, big, amount)
    assert world.run(compared=False).code == 0
    held = world.delivered()
    for key, (big, amount) in numbers.items():
        assert same_number(held[str(key)]["big"], str(big))
        assert same_number(held[str(key)]["amount"], amount)


def test_a_null_clears_by_default(world: World) -> None:
    world.people(3)
    world.settles()
    world.sql("update people set level = null where person_id = 'p1'")
    assert world.settles().counts.changed == 1
    assert world.delivered()["p1"].get("level") is None
    world.sql("update people set level = 'back' where person_id = 'p1'")
    world.settles()
    assert world.delivered()["p1"]["level"] == "back"


def test_a_null_keeps_what_is_there_where_the_field_says_so(world: World) -> None:
    fields = {**world.sync["fields"], "level": {"column": "level", "nulls": "keep"}}
    world.declare(fields=fields)
    world.sql("insert into people values ('p1', 'low', 'one')")
    assert world.run(compared=False).code == 0
    world.sql("update people set level = null, note = 'two'")
    assert world.run(compared=False).code == 0
    (record,) = world.delivered().values()
    assert (record["level"], record["note"]) == ("low", "two")
    assert world.run(compared=False).requests == 0


@pytest.mark.appends
def test_every_null_of_a_row_still_names_its_record(world: World) -> None:
    world.sql("insert into people values ('p1', null, null)")
    assert world.settles().counts.accepted == 1


BAD_VALUES = {"nan": "'nan'::double", "infinite": "'inf'::double"}


@pytest.mark.parametrize("value", BAD_VALUES.values(), ids=BAD_VALUES)
def test_a_number_that_json_cannot_say_makes_its_row_invalid(world: World, value: str) -> None:
    world.declare(fields={"person_id": "person_id", "ratio": "ratio"})
    world.sql(
        "create or replace table people as "
        f"select 'p1' as person_id, 0.5::double as ratio union all select 'p2', {value}"
    )
    ended = world.run(compared=False)
    assert (ended.code, ended.counts.invalid, ended.counts.accepted) == (1, 1, 1)
    assert ended.report is not None
    field = world.form.field("ratio")
    assert [(row.key, row.field) for row in ended.report.invalid_sample] == [("p2", field)]
    assert set(world.delivered()) == {"p1"}
