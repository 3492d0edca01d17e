"""YAML is read with places, by YAML 1.2's scalars, and never grows past its caps."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.errors import ConfigError
from tailrace.spec.document import MAX_BYTES, dotted, read_document
from tailrace.spec.yaml_events import MAX_ALIASES, MAX_DEPTH

LAUGHS = b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + b"".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n".encode() for n in range(1, 9)
)


def refusal(content: bytes) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read_document(content, "f.yml")
    assert caught.value.exit_code == 2
    assert caught.value.file == "f.yml"
    assert caught.value.line
    return caught.value


def test_every_value_knows_its_line_and_column() -> None:
    document = read_document(b"name: a\nfields:\n  x: [1, {y: 2}]\n", "f.yml")
    assert document.root == {"name": "a", "fields": {"x": [1, {"y": 2}]}}
    assert document.place(("name",)) == (1, 1)
    assert document.place(("fields", "x")) == (3, 3)
    assert document.place(("fields", "x", 1, "y")) == (3, 11)


def test_a_missing_value_has_the_place_of_what_encloses_it() -> None:
    document = read_document(b"name: a\nfields:\n  x: 1\n", "f.yml")
    assert document.place(("fields", "nothing")) == (2, 1)


def test_scalars_are_those_of_yaml_1_2() -> None:
    document = read_document(
        b"a: no\nb: 12:30\nc: 0123\nd: 2024-01-01\ne: true\nf: 1.5\ng: ~\nh: '7'\ni: -3\non: 1\n",
        "f.yml",
    )
    assert document.root == {
        "a": "no",
        "b": "12:30",
        "c": "0123",
        "d": "2024-01-01",
        "e": True,
        "f": 1.5,
        "g": None,
        "h": "7",
        "i": -3,
        "on": 1,
    }


def test_an_alias_is_read_and_keeps_the_place_of_its_anchor() -> None:
    document = read_document(b"a: &x {k: 1}\nb: *x\n", "f.yml")
    assert document.root["b"] == {"k": 1}
    assert document.place(("b", "k")) == (1, 8)


def test_all_duplicate_keys_are_named_with_both_lines() -> None:
    error = refusal(b"fields:\n  Email: a\n  Name: b\n  Email: c\nname: x\nname: y\n")
    assert [problem.key for problem in error.problems] == ["fields.Email", "name"]
    assert "lines 2 and 4" in str(error)
    assert "lines 5 and 6" in str(error)
    assert error.line == 4


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: [1, 2\nb: 3\n", "is not YAML"),
        (b"\ta: 1", "is not YAML"),
        (b"a: \x01b", "is not YAML"),
        (b"a: !!python/object/apply:os.system [ls]", "tag"),
        (b"a: !secret b", "tag"),
        (b"a: 1\n---\nb: 1\n", "more than one document"),
        (b"? [a]\n: b", "a key must be text"),
        (b"base: &b {a: 1}\nc:\n  <<: *b\n", "merge keys"),
        (b"a: &a [*a]", "names nothing"),
        (b"a: \xff", "is not UTF-8"),
        (b"[" * (MAX_DEPTH + 1), "nested deeper"),
        (b"[" * 20_000, "nested deeper"),
        (b"a: &a 1\nb: [" + b"*a," * (MAX_ALIASES + 1) + b"]", "aliases"),
        (b"#" * (MAX_BYTES + 1), "larger than"),
        (LAUGHS, "values"),
    ],
)
def test_what_is_no_plain_document_is_refused(content: bytes, said: str) -> None:
    assert said in str(refusal(content))


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    with contextlib.suppress(ConfigError):
        assert read_document(content, "f.yml").file == "f.yml"


PRINTED = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), max_size=5)


@given(st.recursive(PRINTED, lambda one: st.lists(one, max_size=4), max_leaves=20))
def test_quoted_text_comes_back_as_it_was(value: object) -> None:
    import json

    content = f"a: {json.dumps(value, ensure_ascii=False)}".encode()
    assert read_document(content, "f.yml").root == {"a": value}


def test_paths_are_shown_dotted() -> None:
    assert dotted(("syncs", 2, "fields", "Owner.Email")) == "syncs[2].fields.Owner.Email"
