"""What a sync file may say. Each refusal names file, line and key."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.spec.document import read_document
from tailrace.spec.sync import Sync
from tailrace.spec.validation import expand_section, validate
from tailrace.spec.values import Amount

if TYPE_CHECKING:
    from tailrace.errors import Problem

GOOD = """\
name: health
source: warehouse
model: ref('scores')
key: account_id
destination: crm
object: contacts
match: email
fields:
  email: email
  segment: {sql: "upper(segment)", nulls: keep}
  origin: {value: warehouse}
  score: {column: score, digits: exact}
"""


def read(text: str, **environment: str) -> tuple[Sync | None, list[Problem]]:
    problems: list[Problem] = []
    section = read_document(text.encode(), "syncs/a.yml").section()
    expanded = expand_section(section, environment, Counter(), problems)
    return validate(Sync, expanded, problems), problems


def only_problem(text: str) -> Problem:
    _, problems = read(text)
    assert len(problems) == 1, problems
    assert problems[0].file == "syncs/a.yml"
    return problems[0]


def test_a_good_sync_is_read() -> None:
    sync, problems = read(GOOD)
    assert not problems
    assert sync is not None
    assert sync.key == ("account_id",)
    assert sync.effective_mode == "upsert"
    assert sync.effective_on_removed == "ignore"
    assert sync.fields["email"].column == "email"
    assert sync.fields["email"].compared_digits == 12
    assert sync.fields["score"].compared_digits == 0
    assert sync.fields["segment"].nulls == "keep"
    assert sync.tolerate.rejected == Amount(0)


def test_mirror_is_upsert_and_delete() -> None:
    sync, _ = read(GOOD + "mode: mirror\n")
    assert sync is not None
    assert (sync.effective_mode, sync.effective_on_removed) == ("upsert", "delete")


def test_what_a_sync_leaves_out_has_a_default() -> None:
    sync, _ = read(GOOD)
    assert sync is not None
    assert (sync.effective_on_missing, sync.backfill, sync.send) == ("skip", "send", "row")
    assert (sync.insert_safety, sync.resync_every, sync.row_log) == (None, None, False)
    assert (sync.after, sync.was) == ((), ())
    assert (sync.rejected.max_attempts, sync.rejected.messages) == (10, "full")


@pytest.mark.parametrize(
    ("extra", "name", "value"),
    [
        ("mode: update\non_missing: reject", "on_missing", "reject"),
        ("mode: insert\ninsert_safety: duplicate_ok", "insert_safety", "duplicate_ok"),
        ("resync_every: 7d", "resync_every", 7 * 86400),
        ("send: changed_fields", "send", "changed_fields"),
        ("row_log: true", "row_log", True),
        ("create_fields: true", "create_fields", True),
        ("backfill: skip", "backfill", "skip"),
        ("was: old_name", "was", ("old_name",)),
        ("after: [companies, owners]", "after", ("companies", "owners")),
    ],
)
def test_what_a_sync_says_is_taken(extra: str, name: str, value: object) -> None:
    sync, problems = read(f"{GOOD}{extra}\n")
    assert not problems
    assert getattr(sync, name) == value


def test_a_model_may_grow_by_more_than_all_of_it() -> None:
    sync, problems = read(GOOD + "guards: {max_added: 400%, max_null_jump: {email: 10%}}\n")
    assert not problems
    assert sync is not None
    assert sync.guards.max_added == Amount(400, percent=True)
    assert sync.guards.max_null_jump == {"email": Amount(10, percent=True)}


@pytest.mark.parametrize(
    ("extra", "key", "said"),
    [
        ("modee: upsert", "modee", "did you mean 'mode'?"),
        ("mode: upsrt", "mode", "must be 'upsert'"),
        ("guards: {max_removd: 3}", "guards.max_removd", "did you mean 'max_removed'?"),
        ("guards: {max_changed: 150%}", "guards.max_changed", "150% is more than 100%"),
        ("guards: {max_changed: -3}", "guards.max_changed", "not a number of rows"),
        ("guards: {max_changed: 2.5}", "guards.max_changed", "number of rows"),
        ("guards: {max_removed: }", "guards.max_removed", "is empty"),
        ("guards: {allow_empty: maybe}", "guards.allow_empty", "true or false"),
        ("tolerate: {rejected: 101%}", "tolerate.rejected", "more than 100%"),
        ("tolerate: 5", "tolerate", "must be a mapping"),
        ("mode: mirror\non_removed: ignore", "on_removed", "contradicts mode: mirror"),
        ("mode: append\non_removed: delete", "on_removed", "contradicts mode: append"),
        ("associate: {to: companies, by: k}", "associate.column", "is missing"),
        ("associate: companies", "associate", "must be a mapping"),
        (
            "associate: {to: companies, by: k, column: c, colum: d}",
            "associate.colum",
            "did you mean 'column'?",
        ),
        (
            "associate: {to: companies, by: k, column: c, type: {category: OURS, id: 1}}",
            "associate.type.category",
            "must be 'HUBSPOT_DEFINED'",
        ),
        (
            "associate: {to: companies, by: k, column: c, type: {category: USER_DEFINED, id: 0}}",
            "associate.type.id",
            "greater than or equal to 1",
        ),
        ("require: companies", "require", "not offered by this version"),
        ("on_missing: skip", "on_missing", "is for mode: update alone"),
        ("mode: update\non_missing: fail", "on_missing", "must be 'skip' or 'reject'"),
        ("on_removed: hide", "on_removed", "must be 'ignore', 'delete', 'archive' or 'clear'"),
        ("backfill: later", "backfill", "must be 'send' or 'skip'"),
        ("insert_safety: park", "insert_safety", "is for mode: insert and append"),
        ("mode: insert\ninsert_safety: hope", "insert_safety", "must be 'idempotency_key'"),
        ("mode: append\ninsert_safety: read_back", "insert_safety", "contradicts mode: append"),
        ("mode: insert\nresync_every: 7d", "resync_every", "would make every record again"),
        ("mode: append\nsend: changed_fields", "send", "contradicts mode: append"),
        ("resync_every: soon", "resync_every", "is not a duration such as"),
        ("resync_every: 0d", "resync_every", "must be longer than nothing"),
        ("send: fields", "send", "must be 'row' or 'changed_fields'"),
        ("row_log: sometimes", "row_log", "true or false"),
        ("after: [other, other]", "after", "names a sync twice"),
        ("after: health", "after", "names the sync itself"),
        ("was: [old, health]", "was", "names the sync itself"),
        ("rejected: {max_attempts: 0}", "rejected.max_attempts", "greater than or equal to 1"),
        ("rejected: {messages: none}", "rejected.messages", "must be 'full' or 'code_only'"),
        ("guards: {encoding: 101%}", "guards.encoding", "101% is more than 100%"),
        ("guards: {max_added: 10 %x}", "guards.max_added", "not a number of rows"),
        ("guards: {max_null_jump: 5%}", "guards.max_null_jump", "must be a mapping"),
        (
            "guards: {max_null_jump: {emial: 5%}}",
            "guards.max_null_jump.emial",
            "did you mean 'email'?",
        ),
        (
            "guards: {max_null_jump: {email: 200%}}",
            "guards.max_null_jump.email",
            "200% is more than 100%",
        ),
        ("description: [a]", "description", "must be text"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(extra: str, key: str, said: str) -> None:
    problem = only_problem(GOOD + extra + "\n")
    assert problem.key == key
    assert problem.line == GOOD.count("\n") + extra.count("\n") + 1
    assert said in problem.message


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "said"),
    [
        ("match: email", "match: emial", 7, "match", "did you mean 'email'?"),
        ("match: email", "match: origin", 11, "fields.origin", "is a constant"),
        ("object: contacts\n", "", 1, "object", "is missing"),
        ("name: health", "name: a b", 1, "name", "letters, digits"),
        ("name: health", "name: 3", 1, "name", "must be text"),
        ("model: ref('scores')", "model: scores", 3, "model", "{table: schema.name}"),
        ("model: ref('scores')", "model: ref(scores)", 3, "model", "is not ref('model')"),
        ("model: ref('scores')", "model: {table: a, sql: b}", 3, "model", "needs one of"),
        ("model: ref('scores')", "model: {tabel: a}", 3, "model.tabel", "did you mean 'table'?"),
        ("key: account_id", "key: [a, a]", 4, "key", "names a column twice"),
        ("key: account_id", "key: []", 4, "key", "is empty"),
        ("{value: warehouse}", "{value: [1]}", 11, "fields.origin.value", "must be text, a number"),
        ("{value: warehouse}", "{value: 1, sql: x}", 11, "fields.origin", "needs one of"),
        ("{value: warehouse}", "{valu: 1}", 11, "fields.origin.valu", "did you mean 'value'?"),
        ("{value: warehouse}", "3", 11, "fields.origin", "must be a column's name"),
        ("digits: exact", "digits: 18", 12, "fields.score.digits", "from 1 to 17"),
        ("nulls: keep", "nulls: drop", 10, "fields.segment.nulls", "must be 'clear' or 'keep'"),
        (
            "{value: warehouse}",
            "{value: '${env:NONE}'}",
            11,
            "fields.origin.value",
            "NONE is not set",
        ),
        ("{value: warehouse}", "{value: '${x}'}", 11, "fields.origin.value", "${env:NAME}"),
    ],
)
def test_a_wrong_part_is_named_with_its_line(
    old: str, new: str, line: int, key: str, said: str
) -> None:
    problem = only_problem(GOOD.replace(old, new))
    assert (problem.line, problem.key) == (line, key)
    assert said in problem.message


def test_a_match_written_in_sql_needs_a_key() -> None:
    text = GOOD.replace("match: email", "match: segment").replace("key: account_id\n", "")
    assert only_problem(text).key == "match"


def test_many_errors_are_told_together() -> None:
    text = GOOD.replace("nulls: keep", "nulls: drop").replace("object: contacts", "objekt: x")
    _, problems = read(text + "guards: {max_changed: 101%}\n")
    assert {problem.key for problem in problems} == {
        "fields.segment.nulls",
        "objekt",
        "object",
        "guards.max_changed",
    }


def test_a_missing_variable_gives_one_error_and_no_second_for_its_value() -> None:
    problem = only_problem(GOOD + "guards: {max_changed: '${env:LIMIT}'}\n")
    assert (problem.line, problem.key) == (13, "guards.max_changed")
    assert "LIMIT" in problem.message


def test_variables_reach_every_value() -> None:
    sync, problems = read(GOOD + "guards: {max_changed: '${env:LIMIT}'}\n", LIMIT="50%")
    assert not problems
    assert sync is not None
    assert sync.guards.max_changed == Amount(50, percent=True)


@given(st.integers(0, 10**15 - 1))
def test_counts_of_rows_are_exact(rows: int) -> None:
    assert Amount.parse(rows) == Amount(rows)
    assert Amount.parse(str(rows)).to_dict() == {"value": rows, "percent": False}


@given(st.decimals(0, 1000, places=2))
def test_percentages_end_at_a_hundred(share: object) -> None:
    if float(str(share)) <= 100:
        assert Amount.parse(f"{share}%").percent
    else:
        with pytest.raises(ValueError, match="more than 100%"):
            Amount.parse(f"{share}%")
