"""What each type of field takes as text, and what it refuses."""

from __future__ import annotations

import pytest

from tailrace.sandbox.fields import Field, check, iso_ms


def field_of(kind: str) -> Field:
    return Field("f", kind, options=("a", "b") if kind == "enumeration" else ())


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("string", "\N{GRINNING FACE}<b>"),
        ("string", "x" * 65_536),
        ("number", "0.7"),
        ("number", "-12"),
        ("number", "1e300"),
        ("number", "9223372036854775808"),
        ("bool", "true"),
        ("bool", "false"),
        ("date", "2026-02-28"),
        ("date", "1767225600000"),
        ("date", "-86400000"),
        ("datetime", "2026-02-28T23:59:59Z"),
        ("datetime", "2026-02-28T23:59:59.123456+05:30"),
        ("datetime", "1767225600123"),
        ("enumeration", "a"),
        ("email", "ada+x@example.co.uk"),
        ("email", "müller@münchen.example"),
    ],
)
def test_a_value_of_its_type_is_taken(kind: str, text: str) -> None:
    assert check(field_of(kind), text) is None


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        ("string", "x" * 65_537, "VALUE_TOO_LONG"),
        ("number", "1,5", "INVALID_LONG"),
        ("number", "NaN", "INVALID_LONG"),
        ("number", "Infinity", "INVALID_LONG"),
        ("number", "1e400", "INVALID_LONG"),
        ("number", "٣", "INVALID_LONG"),
        ("number", " 1", "INVALID_LONG"),
        ("number", "1" * 401, "INVALID_LONG"),
        ("bool", "True", "INVALID_OPTION"),
        ("bool", "1", "INVALID_OPTION"),
        ("date", "2026-02-29", "INVALID_DATE"),
        ("date", "28.02.2026", "INVALID_DATE"),
        ("date", "2026-02-28T00:00:00Z", "INVALID_DATE"),
        ("date", "1767225600001", "INVALID_DATE"),
        ("datetime", "2026-02-28", "INVALID_DATE"),
        ("datetime", "2026-02-28 10:00:00", "INVALID_DATE"),
        ("datetime", "2026-02-28T10:00:00", "INVALID_DATE"),
        ("datetime", "2026-02-28T24:00:00Z", "INVALID_DATE"),
        ("datetime", "2026-02-28T10:00:60Z", "INVALID_DATE"),
        ("datetime", "2026-02-28T10:00:00+24:00", "INVALID_DATE"),
        ("enumeration", "A", "INVALID_OPTION"),
        ("enumeration", "a;b", "INVALID_OPTION"),
        ("email", "ada", "INVALID_EMAIL"),
        ("email", "ada@example", "INVALID_EMAIL"),
        ("email", "a b@example.com", "INVALID_EMAIL"),
        ("email", "a@b@example.com", "INVALID_EMAIL"),
        ("email", "a..b@example.com", "INVALID_EMAIL"),
        ("email", "x" * 250 + "@example.com", "INVALID_EMAIL"),
    ],
)
def test_any_other_value_is_refused_with_its_code(kind: str, text: str, code: str) -> None:
    found = check(field_of(kind), text)
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize("kind", ["string", "number", "bool", "date", "datetime", "email"])
def test_the_empty_text_clears_whatever_the_type(kind: str) -> None:
    assert check(Field("f", kind), "") is None


def test_several_options_are_joined_by_semicolons_where_the_field_allows_them() -> None:
    field = Field("f", "enumeration", options=("a", "b"), multiple=True)
    assert check(field, "a;b") is None
    assert check(field, "a;c") is not None


def test_a_long_value_is_cut_in_the_message() -> None:
    found = check(Field("f", "number"), "x" * 100_000)
    assert found is not None
    assert len(found.message) < 200


def test_times_have_three_digits_and_a_z() -> None:
    assert iso_ms(1_767_225_600_007) == "2026-01-01T00:00:00.007Z"
