"""`${env:NAME}` is put in, whole or inside of text, and nothing else is understood."""

from __future__ import annotations

import pickle
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.environment import Expanded, MissingVariableError, expand, names_in

NAMES = st.text(string.ascii_letters + "_", min_size=1, max_size=8)
PLAIN = st.text(max_size=20).filter(lambda text: "$" not in text)


@given(PLAIN, NAMES, st.text(max_size=20), PLAIN)
def test_a_variable_is_put_in_as_it_is(before: str, name: str, value: str, after: str) -> None:
    result = expand(f"{before}${{env:{name}}}{after}", {name: value})
    assert result == before + value + after
    assert isinstance(result, Expanded)
    assert result.template == f"{before}${{env:{name}}}{after}"


@given(st.text(max_size=40))
def test_escaped_text_comes_back(text: str) -> None:
    assert expand(text.replace("${", "$${"), {}) == text


@given(st.text(max_size=20))
def test_a_value_is_never_expanded_again(value: str) -> None:
    assert expand("${env:A}", {"A": f"{value}${{env:B}}", "B": "no"}) == f"{value}${{env:B}}"


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(MissingVariableError, match="TOKEN") as caught:
        expand("x-${env:TOKEN}", {})
    assert caught.value.name == "TOKEN"


@pytest.mark.parametrize("text", ["${TOKEN}", "${env:}", "${env:1A}", "${file:x}", "${env:A", "${"])
def test_other_substitutions_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="env:NAME"):
        expand(text, {"A": "1", "TOKEN": "1"})


@pytest.mark.parametrize(
    "text",
    [
        "{{ 7*7 }}",
        "{% for x in y %}",
        "#{7*7}",
        "<%= 7*7 %>",
        "$(id)",
        "`id`",
        "$HOME",
        "%(a)s",
        "{0}",
    ],
)
def test_no_template_language_is_evaluated(text: str) -> None:
    assert expand(text, {"HOME": "x", "a": "x"}) == text


def test_variables_are_counted() -> None:
    assert names_in("${env:A}${env:B}${env:A}$${env:C}") == {"A": 2, "B": 1}


def test_a_pickled_value_is_plain_text() -> None:
    again = pickle.loads(pickle.dumps(expand("${env:A}", {"A": "v"})))
    assert type(again) is str
    assert again == "v"
