"""References are parsed, never evaluated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.dbt.reference import Reference, SourceReference, parse_reference

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)


@given(NAMES, st.none() | NAMES, st.none() | st.integers(1, 99))
def test_what_is_written_is_read_back(name: str, package: str | None, version: int | None) -> None:
    reference = Reference(name, package, None if version is None else str(version))
    assert parse_reference(str(reference)) == reference


@given(NAMES, NAMES)
def test_sources_too(source: str, table: str) -> None:
    reference = SourceReference(source, table)
    assert parse_reference(str(reference)) == reference


def test_spaces_and_both_quotes_are_fine() -> None:
    assert parse_reference(" ref ( 'p' , \"m\" , version = '2' ) ") == Reference("m", "p", "2")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "scores",
        "ref()",
        "ref('')",
        "ref(scores)",
        "ref('a',)",
        "ref('a' 'b')",
        "ref('a', 'b', 'c')",
        "ref('a', v=2, 'b')",
        "ref('a', v=1, v=2)",
        "source('a')",
        "source('a', 'b', v=1)",
        "{{ ref('a') }}",
        "ref('a'); drop table x",
        "ref('a') or ref('b')",
        "ref(__import__('os').system('id'))",
        "ref('a\\'b')",
    ],
)
def test_nothing_else_is_a_reference(text: str) -> None:
    with pytest.raises(ValueError, match=r"ref\(|source\("):
        parse_reference(text)
