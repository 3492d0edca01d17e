"""The record store: unique ids, unique values, counters."""

from __future__ import annotations

import pytest

from tailrace.sandbox.records import Collection, UniqueClashError


def test_ids_are_never_given_twice() -> None:
    records = Collection("c", first_id=7)
    first = records.create({}, 0)
    records.remove(first, 0)
    assert [first.id, records.create({}, 0).id] == ["7", "8"]


def test_a_unique_value_belongs_to_one_record() -> None:
    records = Collection("c", unique=("email",))
    first = records.create({"email": "a"}, 0)
    with pytest.raises(UniqueClashError) as clash:
        records.create({"email": "a"}, 0)
    assert clash.value.existing_id == first.id
    assert len(records) == 1


def test_a_changed_unique_value_frees_the_old_one() -> None:
    records = Collection("c", unique=("email",))
    record = records.create({"email": "a"}, 0)
    records.update(record, {"email": "b"}, 1)
    assert records.find("email", "a") is None
    assert records.find("email", "b") is record
    records.create({"email": "a"}, 2)


def test_removing_frees_unique_values() -> None:
    records = Collection("c", unique=("email",))
    records.remove(records.create({"email": "a"}, 0), 1)
    assert records.create({"email": "a"}, 2).values == {"email": "a"}


@pytest.mark.parametrize("nothing", ["", None])
def test_no_value_may_repeat_in_a_unique_field(nothing: object) -> None:
    records = Collection("c", unique=("email",))
    records.create({"email": nothing}, 0)
    records.create({"email": nothing}, 0)
    assert len(records) == 2


def test_replacing_drops_what_is_not_sent_and_updating_keeps_it() -> None:
    records = Collection("c")
    record = records.create({"a": 1, "b": 2}, 0)
    records.update(record, {"a": 3}, 1)
    assert record.values == {"a": 3, "b": 2}
    records.update(record, {"c": 4}, 2, replace=True)
    assert record.values == {"c": 4}


def test_a_field_made_unique_later_covers_the_records_that_are_there() -> None:
    records = Collection("c")
    record = records.create({"ext": "x"}, 0)
    records.make_unique("ext")
    assert records.find("ext", "x") is record


def test_writes_are_counted_per_key_through_removal_and_return() -> None:
    records = Collection("c", unique=("email",))
    record = records.create({"email": "a"}, 0, key="a")
    records.update(record, {"n": 1}, 0, key="a")
    records.remove(record, 0, key="a")
    records.create({"email": "a"}, 0, key="a")
    assert records.writes == {"a": 4}
    assert (records.created, records.updated, records.deleted) == (2, 1, 1)


def test_pages_pass_over_gaps_and_end() -> None:
    records = Collection("c")
    made = [records.create({}, 0) for _ in range(10)]
    for record in made[2:5]:
        records.remove(record, 0)
    seen: list[str] = []
    after: str | None = None
    while True:
        found, after = records.page(after, 3)
        seen += [record.id for record in found]
        if after is None:
            break
    assert seen == [record.id for record in records]
    assert len(seen) == 7


def test_a_page_after_an_id_that_never_was_starts_where_ids_start() -> None:
    records = Collection("c", first_id=20_000_000_001)
    record = records.create({}, 0)
    assert records.page("9", 5) == ([record], None)
    assert records.page("99000000000", 5) == ([], None)
